"""The authored form of a pricing regime: what the user pays the provider."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from gtalign_env.pricing import (
    Component,
    Outcome,
    PerMessage,
    PerToken,
    Rates,
    Regime,
    Subscription,
)
from gtalign_env.scenario.fields import (
    AuthoredFile,
    Description,
    Fault,
    Money,
    Name,
    Rate,
    Strict,
    Tags,
    Version,
    described,
    fail,
    schema_line,
)

RATE_UNIT = "USD per 1M tokens"


class RatesModel(Strict):
    """Token rates; in Python pico-USD per token, in files USD per 1M tokens."""

    input: Rate = described("Input that was not sent before.", RATE_UNIT)
    cached_input: Rate | None = described(
        "Input already sent in the previous exchange; by default as input.", RATE_UNIT, default=None
    )
    output: Rate = described("Visible assistant messages.", RATE_UNIT)
    reasoning: Rate | None = described(
        "Hidden reasoning; by default as output.", RATE_UNIT, default=None
    )

    def resolve(self) -> Rates:
        """Return the four integer rates, pico-USD per token."""
        return Rates(
            input=self.input,
            cached_input=self.input if self.cached_input is None else self.cached_input,
            output=self.output,
            reasoning=self.output if self.reasoning is None else self.reasoning,
        )


class PerTokenModel(Strict):
    """A list price by the token."""

    kind: Literal["per_token"]
    rates: RatesModel

    def resolve(self) -> Component:
        """Return the component."""
        return PerToken(self.rates.resolve())


class PerMessageModel(Strict):
    """A fixed fee for every assistant message."""

    kind: Literal["per_message"]
    fee: Money = described("Fee per assistant message.", "USD")

    def resolve(self) -> Component:
        """Return the component."""
        return PerMessage(self.fee)


class OverageModel(Strict):
    """Rates beyond a subscription's allowance."""

    output: Rate = described("Visible output beyond the allowance.", RATE_UNIT)


class SubscriptionModel(Strict):
    """A period's fee spread over its conversations, with an optional allowance."""

    kind: Literal["subscription"]
    fee: Money = described("Fee per period.", "USD")
    conversations_per_period: int = described(
        "Conversations that share the fee.", "conversations", ge=1, le=10**9
    )
    included_output_tokens: int | None = described(
        "Visible output included per conversation; without it, everything is included.",
        "tokens",
        ge=0,
        le=10**9,
        default=None,
    )
    overage: OverageModel | None = Field(
        default=None, description="Rates beyond the allowance; required with one."
    )

    @model_validator(mode="after")
    def _overage_iff_allowance(self) -> Self:
        if self.included_output_tokens is not None and self.overage is None:
            fail((("overage",), "required with included_output_tokens, and missing"))
        if self.included_output_tokens is None and self.overage is not None:
            fail((("overage",), "must not stand without included_output_tokens"))
        return self

    def resolve(self) -> Component:
        """Return the component, its fee spread half-even."""
        return Subscription(
            share=Subscription.spread(self.fee, self.conversations_per_period),
            included_output_tokens=self.included_output_tokens,
            overage=0 if self.overage is None else self.overage.output,
        )


class OutcomeModel(Strict):
    """A fee paid when the user accepts an answer; reserved before the first exchange."""

    kind: Literal["outcome"]
    fee: Money = described("Fee per accepted answer.", "USD")

    def resolve(self) -> Component:
        """Return the component."""
        return Outcome(self.fee)


ComponentModel = Annotated[
    PerTokenModel | PerMessageModel | SubscriptionModel | OutcomeModel,
    Field(discriminator="kind"),
]


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
        min_length=1, max_length=4, description="The charge is their sum; each kind once."
    )
    free: FreeModel = FreeModel()

    @model_validator(mode="after")
    def _each_kind_once(self) -> Self:
        kinds = [component.kind for component in self.components]
        faults: list[Fault] = [
            (("components", i, "kind"), f"a kind may stand once; {kind!r} is repeated: add them up")
            for i, kind in enumerate(kinds)
            if kind in kinds[:i]
        ]
        if faults:
            fail(*faults)
        return self


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
            components=tuple(component.resolve() for component in self.components),
            free_questions=self.free.questions,
            description=self.description,
        )
