"""The authored form of a regime's components: each says how it is written, and what it becomes."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from gtalign_env.pricing import (
    Cap,
    Component,
    Minimum,
    Outcome,
    PerMessage,
    PerToken,
    Rates,
    Subscription,
    Surge,
    Tiered,
)
from gtalign_env.scenario.fields import Fault, Money, Multiplier, Rate, Strict, described, fail

MAX_TIERS = 20
MAX_CONVERSATIONS = 10**9

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
    rates: RatesModel = Field(description="Rates by the kind of token.")

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
        "Conversations that share the fee.", "conversations", ge=1, le=MAX_CONVERSATIONS
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


class TierModel(Strict):
    """A rate, and up to where it holds."""

    up_to: int | None = described(
        "Tokens of the conversation up to which the rate holds; none on the last tier.",
        "tokens",
        ge=1,
        le=10**9,
        default=None,
    )
    rate: Rate = described("Tokens of this tier.", RATE_UNIT)


class TieredModel(Strict):
    """Marginal rates by the tokens that the conversation has used so far."""

    kind: Literal["tiered"]
    meter: Literal["output", "input", "total"] = Field(
        description="What is counted: visible output, input, or all with reasoning."
    )
    tiers: tuple[TierModel, ...] = Field(
        min_length=2, max_length=MAX_TIERS, description="From the first token on, in order."
    )

    @model_validator(mode="after")
    def _tiers_ascend(self) -> Self:
        faults: list[Fault] = []
        *bounded, last = (tier.up_to for tier in self.tiers)
        if last is not None:
            at = ("tiers", len(bounded), "up_to")
            faults.append((at, f"the last tier has no end: leave out up_to; got {last}"))
        for i, bound in enumerate(bounded):
            if bound is None:
                faults.append((("tiers", i, "up_to"), "required on all tiers but the last"))
        ends = [(i, bound) for i, bound in enumerate(bounded) if bound is not None]
        for (_, before), (i, bound) in pairwise(ends):
            if bound <= before:
                faults.append(
                    (("tiers", i, "up_to"), f"must be above the one before, {before}; got {bound}")
                )
        if faults:
            fail(*faults)
        return self

    def resolve(self) -> Component:
        """Return the component."""
        return Tiered(
            meter=self.meter,
            bounds=tuple(tier.up_to for tier in self.tiers if tier.up_to is not None),
            rates=tuple(tier.rate for tier in self.tiers),
        )


class MinimumModel(Strict):
    """The least that a conversation costs, once anything of it is charged."""

    kind: Literal["minimum"]
    amount: Money = described("Least charge of a conversation, an outcome fee apart.", "USD")

    def resolve(self) -> Component:
        """Return the component."""
        return Minimum(self.amount)


class CapModel(Strict):
    """The most that a conversation costs."""

    kind: Literal["cap"]
    amount: Money = described("Largest charge of a conversation, an outcome fee apart.", "USD")

    def resolve(self) -> Component:
        """Return the component."""
        return Cap(self.amount)


class SurgeModel(Strict):
    """A multiple of the price for some conversations; minimum, cap and outcome fee stay."""

    kind: Literal["surge"]
    multiplier: Multiplier = described("Factor on the price, such as 1.5 or 4/3.", "1")
    from_conversation: int = described(
        "First conversation of the surge.", "conversations", ge=0, le=MAX_CONVERSATIONS, default=0
    )
    until_conversation: int | None = described(
        "The conversation before which it ends; without it, it does not end.",
        "conversations",
        ge=1,
        le=MAX_CONVERSATIONS,
        default=None,
    )
    every: int | None = described(
        "Period: it comes again after so many conversations; without it, once.",
        "conversations",
        ge=1,
        le=MAX_CONVERSATIONS,
        default=None,
    )

    @model_validator(mode="after")
    def _holds_for_some(self) -> Self:
        start, stop, every = self.from_conversation, self.until_conversation, self.every
        faults: list[Fault] = []
        if stop is not None and stop <= start:
            message = f"must be above from_conversation, {start}; got {stop}"
            faults.append((("until_conversation",), message))
        if every is not None:
            if start >= every:
                message = f"must be below every, {every}; got {start}"
                faults.append((("from_conversation",), message))
            if stop is not None and stop > every:
                message = f"must be at most every, {every}; got {stop}"
                faults.append((("until_conversation",), message))
        if faults:
            fail(*faults)
        return self

    def resolve(self) -> Component:
        """Return the component."""
        return Surge(
            multiplier=self.multiplier,
            start=self.from_conversation,
            stop=self.until_conversation,
            every=self.every,
        )


ComponentModel = Annotated[
    PerTokenModel
    | PerMessageModel
    | SubscriptionModel
    | TieredModel
    | MinimumModel
    | CapModel
    | SurgeModel
    | OutcomeModel,
    Field(discriminator="kind"),
]
