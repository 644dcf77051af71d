"""Pricing regimes: components that add up to what an exchange costs the user.

A component says what it adds to a `Tariff`, the regime as plain numbers; `gtalign_env.tariff` has the
one formula that prices an exchange by it. A period's fee spread over conversations rounds half-even,
once, when the regime is made.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from math import prod

from gtalign_env.errors import suggest
from gtalign_env.money import divide_half_even
from gtalign_env.tariff import METERS, Meter, Price, Tariff, price
from gtalign_env.tariff import History as History
from gtalign_env.tariff import Rates as Rates
from gtalign_env.tariff import Usage as Usage
from gtalign_env.tariff import increment as increment


class _Part:
    """What every component has: its place in the tariff, and what it charges by itself."""

    __slots__ = ()

    def add_to(self, tariff: Tariff) -> Tariff:
        """Return the tariff with this component."""
        raise TypeError("a component says what it adds to a tariff")

    def charge(self, usage: Usage, history: History) -> int:
        """Return the charge of an exchange under this component alone, pico-USD."""
        return price(self.add_to(Tariff()), usage, False, history).charge


@dataclass(frozen=True, slots=True)
class PerToken(_Part):
    """A list price by the token."""

    rates: Rates

    def add_to(self, tariff: Tariff) -> Tariff:
        """Return the tariff with these rates on top."""
        return tariff._replace(
            input=tariff.input + self.rates.input,
            cached_input=tariff.cached_input + self.rates.cached_input,
            output=tariff.output + self.rates.output,
            reasoning=tariff.reasoning + self.rates.reasoning,
        )


@dataclass(frozen=True, slots=True)
class PerMessage(_Part):
    """A fixed fee for every assistant message."""

    fee: int

    def add_to(self, tariff: Tariff) -> Tariff:
        """Return the tariff with this fee on top."""
        return tariff._replace(message=tariff.message + self.fee)


@dataclass(frozen=True, slots=True)
class Subscription(_Part):
    """A period's fee, spread over its conversations and charged with the first exchange.

    Attributes:
        share: Fee per conversation, pico-USD, already rounded (see `spread`).
        included_output_tokens: Allowance per conversation; None where everything is included.
        overage: Rate beyond the allowance, pico-USD per output token.
    """

    share: int
    included_output_tokens: int | None = None
    overage: int = 0

    @staticmethod
    def spread(fee: int, conversations: int) -> int:
        """Return the share of one conversation, pico-USD, rounded half-even."""
        return divide_half_even(fee, conversations)

    def add_to(self, tariff: Tariff) -> Tariff:
        """Return the tariff with this share, and the overage as a step."""
        with_share = tariff._replace(share=tariff.share + self.share)
        if self.included_output_tokens is None:
            return with_share
        return with_share.with_steps(Meter.OUTPUT, [self.included_output_tokens], [self.overage])


@dataclass(frozen=True, slots=True)
class Tiered(_Part):
    """Marginal rates by the conversation's cumulative tokens.

    The k-th rate is for the tokens from bound k − 1 (0 for the first) up to bound k; the last rate
    is for all beyond the last bound. So a conversation of x tokens costs
    ``Σ_k rate_k · max(0, min(x, bound_k) − bound_{k−1})``, however it is cut into exchanges.

    Attributes:
        meter: Which tokens count: ``"output"`` (visible), ``"input"`` (cached input included), or
            ``"total"`` (input, output and reasoning).
        bounds: Where the rate changes, cumulative tokens, positive and rising.
        rates: One more than bounds, pico-USD per token.

    Raises:
        ValueError: Unknown meter, bounds that do not rise, a negative rate, or another number of
            rates.
    """

    meter: str
    bounds: tuple[int, ...]
    rates: tuple[int, ...]

    def __post_init__(self) -> None:
        if self.meter not in METERS:
            raise ValueError(
                f"a tier's meter is one of {', '.join(METERS)}; got {self.meter!r}."
                f"{suggest(str(self.meter), METERS)}"
            )
        if len(self.rates) != len(self.bounds) + 1 or min(self.rates) < 0:
            raise ValueError(
                f"tiers have one rate ≥ 0 more than bounds; got bounds {self.bounds} and rates "
                f"{self.rates}"
            )
        if list(self.bounds) != sorted({*self.bounds}) or min(self.bounds, default=1) < 1:
            raise ValueError(f"the bounds of tiers are positive and rise; got {self.bounds}")

    def add_to(self, tariff: Tariff) -> Tariff:
        """Return the tariff with a step at 0 and at every bound."""
        rises = (b - a for a, b in zip((0, *self.rates), self.rates, strict=False))
        return tariff.with_steps(Meter[self.meter.upper()], (0, *self.bounds), rises)


@dataclass(frozen=True, slots=True)
class Minimum(_Part):
    """What a conversation costs at least, once an exchange is charged.

    The first charged exchange pays the minimum if its own price is lower; later ones use it up
    before they pay. Of several minima the highest counts, and the cap binds it.
    """

    amount: int

    def add_to(self, tariff: Tariff) -> Tariff:
        """Return the tariff with at least this minimum."""
        return tariff._replace(minimum=max(tariff.minimum, self.amount))


@dataclass(frozen=True, slots=True)
class Cap(_Part):
    """What a conversation costs at most, an outcome fee apart. Of several caps the lowest counts."""

    amount: int

    def add_to(self, tariff: Tariff) -> Tariff:
        """Return the tariff with at most this cap."""
        return tariff._replace(cap=min(tariff.cap, self.amount))


@dataclass(frozen=True, slots=True)
class Surge(_Part):
    """Some conversations cost a multiple of the running sum; minimum, cap, outcome fee stay.

    Attributes:
        multiplier: Factor on every increment, ≥ 0; several surges in force multiply.
        start: First conversation, from 0.
        stop: The conversation before which it ends; None for no end.
        every: Period: a conversation's index counts modulo this; None counts on.

    Raises:
        ValueError: A negative multiplier or start, a period that is not positive.
    """

    multiplier: Fraction
    start: int = 0
    stop: int | None = None
    every: int | None = None

    def __post_init__(self) -> None:
        if self.multiplier < 0 or self.start < 0 or (self.every is not None and self.every < 1):
            raise ValueError(f"a surge has multiplier and start ≥ 0, every ≥ 1; got {self}")

    def applies(self, conversation: int) -> bool:
        """Return whether it is in force.

        Args:
            conversation: Index of the conversation, from 0.
        """
        index = conversation if self.every is None else conversation % self.every
        return self.start <= index and (self.stop is None or index < self.stop)

    def add_to(self, tariff: Tariff) -> Tariff:
        """Return the tariff under this surge."""
        both = Fraction(tariff.numerator, tariff.denominator) * self.multiplier
        return tariff._replace(numerator=both.numerator, denominator=both.denominator)


@dataclass(frozen=True, slots=True)
class Outcome(_Part):
    """A fee paid when the user accepts an answer; reserved before the first exchange.

    An exchange is not charged, the acceptance is.
    """

    fee: int

    def add_to(self, tariff: Tariff) -> Tariff:
        """Return the tariff with this fee on top."""
        return tariff._replace(outcome=tariff.outcome + self.fee)


Component = PerToken | PerMessage | Subscription | Tiered | Minimum | Cap | Surge | Outcome


@dataclass(frozen=True)
class Regime:
    """The rule that sets the price: the sum of its components.

    A regime with a surge has a price per conversation: `at` gives the regime of one. Where nobody
    says which conversation it is, it is conversation 0.

    Attributes:
        name: Name of the regime.
        components: The parts that add up.
        free_questions: Whether an exchange whose assistant move is a pure question is charged
            nothing, by any component. What it used still counts as used: its tokens count
            against an allowance or a tier, and it is the first exchange if it comes first.
        description: One line in words; public, so it may stand in a prompt.
        surge: Factor on every increment that is in force whatever the conversation.
    """

    name: str
    components: tuple[Component, ...]
    free_questions: bool = False
    description: str = ""
    surge: Fraction = Fraction(1)

    @property
    def surges(self) -> tuple[Surge, ...]:
        """The components that depend on the conversation."""
        return tuple(part for part in self.components if isinstance(part, Surge))

    def at(self, conversation: int) -> Regime:
        """Return the regime of one conversation: no surge parts, their product as `surge`.

        Args:
            conversation: Index of the conversation, from 0.
        """
        surges = self.surges
        if not surges:
            return self
        return replace(
            self,
            components=tuple(part for part in self.components if not isinstance(part, Surge)),
            surge=prod((s.multiplier for s in surges if s.applies(conversation)), start=self.surge),
        )

    @cached_property
    def tariff(self) -> Tariff:
        """The regime as numbers; of conversation 0, if a surge depends on it."""
        if self.surges:
            return self.at(0).tariff
        tariff = Tariff(
            numerator=self.surge.numerator,
            denominator=self.surge.denominator,
            free_questions=int(self.free_questions),
        )
        for component in self.components:
            tariff = component.add_to(tariff)
        return tariff

    def price(self, usage: Usage, question: bool, history: History) -> Price:
        """Return what an exchange costs, and the running sum after it.

        Args:
            usage: What the exchange used.
            question: Whether the assistant's move is the pure question.
            history: What was delivered before.
        """
        return price(self.tariff, usage, question, history)

    def charge(self, usage: Usage, question: bool, history: History) -> int:
        """Return the charge of an exchange, pico-USD; arguments as for `price`."""
        return self.price(usage, question, history).charge

    @property
    def outcome_fee(self) -> int:
        """What an acceptance costs, pico-USD."""
        return self.tariff.outcome
