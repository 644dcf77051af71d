"""The authored form of a pricing regime: what the user pays the provider."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from gtalign_env.money import format_money
from gtalign_env.pricing import Component, History, Regime, Surge, Usage, increment
from gtalign_env.scenario.component_schema import (
    CapModel,
    ComponentModel,
    MinimumModel,
    RatesModel,
    SurgeModel,
    TieredModel,
)
from gtalign_env.scenario.fields import (
    MAX_EXCHANGES,
    MAX_TOKENS,
    AuthoredFile,
    Description,
    Fault,
    Name,
    Strict,
    Tags,
    Version,
    fail,
    schema_line,
)

__all__ = ["ComponentModel", "InlinePricing", "PricingBody", "PricingFile", "RatesModel"]

MAX_COMPONENTS = 12

PRICES_EXCHANGES = ("per_token", "per_message", "subscription", "tiered")
"""Kinds that give an exchange a price; the others change it, or the price of accepting."""

LONGEST_BILL = 2**63
"""No bill may reach this, pico-USD: arrays of charges are int64."""

LONGEST_TALK = Usage(
    # every message at its longest, the context billed anew in each exchange
    input=MAX_TOKENS * sum(1 + 1 + 3 * exchange for exchange in range(MAX_EXCHANGES)),
    cached_input=0,
    output=2 * MAX_TOKENS * MAX_EXCHANGES,
    reasoning=MAX_TOKENS * MAX_EXCHANGES,
)
"""More tokens than any conversation can use."""


class FreeModel(Strict):
    """Exchanges that are not charged."""

    questions: bool = Field(
        default=False, description="Whether an exchange that only asks back (CQ) costs nothing."
    )


class PricingBody(Strict):
    """What a regime says about charges: components that add up, and what is free."""

    version: Version = 1
    tags: Tags = ()
    components: tuple[ComponentModel, ...] = Field(
        min_length=1,
        max_length=MAX_COMPONENTS,
        description="The charge is their sum; each kind once, tiered once per meter, surge at will.",
    )
    free: FreeModel = Field(default=FreeModel(), description="What is not charged.")

    @model_validator(mode="after")
    def _components_agree(self) -> Self:
        faults = [*self._repeated(), *self._without_price(), *self._crossed()]
        if not faults:
            faults = self._too_large()
        if faults:
            fail(*faults)
        return self

    def _repeated(self) -> list[Fault]:
        faults: list[Fault] = []
        seen: set[tuple[str, str]] = set()
        for i, component in enumerate(self.components):
            if isinstance(component, SurgeModel):
                continue
            meter = component.meter if isinstance(component, TieredModel) else ""
            if (component.kind, meter) in seen:
                message = f"a kind may stand once; {component.kind!r} is repeated: add them up"
                if meter:
                    message = f"tiered may stand once per meter; {meter!r} is repeated"
                faults.append((("components", i, "kind"), message))
            seen.add((component.kind, meter))
        return faults

    def _without_price(self) -> list[Fault]:
        """Report surges, minima and caps of nothing: alone they are no regime."""
        if any(component.kind in PRICES_EXCHANGES for component in self.components):
            return []
        return [
            (
                ("components", i, "kind"),
                f"{component.kind} only changes the price of exchanges, and none is given: add "
                f"one of {', '.join(PRICES_EXCHANGES)}",
            )
            for i, component in enumerate(self.components)
            if isinstance(component, SurgeModel | MinimumModel | CapModel)
        ]

    def _crossed(self) -> list[Fault]:
        caps = [part.amount for part in self.components if isinstance(part, CapModel)]
        return [
            (
                ("components", i, "amount"),
                f"the minimum must be at most the cap, {format_money(min(caps))}; "
                f"got {format_money(part.amount)}",
            )
            for i, part in enumerate(self.components)
            if isinstance(part, MinimumModel) and caps and part.amount > min(caps)
        ]

    def _too_large(self) -> list[Fault]:
        """Report a regime under which arrays of pico-USD could overflow, while a surge is taken."""
        parts = self.parts()
        tariff = Regime("", tuple(part for part in parts if not isinstance(part, Surge))).tariff
        dearest = tariff._replace(input=max(tariff.input, tariff.cached_input))
        most = increment(dearest, LONGEST_TALK, History(0, 0)) + MAX_EXCHANGES * tariff.message
        for part in parts:
            if isinstance(part, Surge):
                most *= max(1, part.multiplier.numerator)  # multiplied first, then divided
        if most < LONGEST_BILL:
            return []
        advice = "lower the rates, or give each surge a simpler fraction"
        return [(("components",), f"a very long conversation's bill must fit 64 bits: {advice}")]

    def parts(self) -> tuple[Component, ...]:
        """Return the components that bill."""
        return tuple(component.resolve() for component in self.components)


class InlinePricing(PricingBody):
    """A regime written inside a scenario."""

    name: Name = "inline"
    description: Description = "Written inside a scenario."


class PricingFile(AuthoredFile, PricingBody):
    """A pricing file."""

    schema_id: Literal["gtalign/pricing/1"] = schema_line("gtalign/pricing/1")
    name: Name
    description: Description

    def regime(self) -> Regime:
        """Return the regime that bills."""
        return Regime(
            name=self.name,
            components=self.parts(),
            free_questions=self.free.questions,
            description=" ".join(self.description.split()),  # one line, whatever the file has
        )
