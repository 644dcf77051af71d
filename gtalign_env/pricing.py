"""Pricing regimes: components that add up to what an exchange costs the user.

Quantities are tokens, money is integer pico-USD. A charge is tokens times integer rates, so it is
exact; the one thing that must round, a period's fee spread over conversations, rounds half-even,
once, when the regime is made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from gtalign_env.money import divide_half_even


class Usage(NamedTuple):
    """What one exchange used, tokens; cached input is part of input."""

    input: int
    cached_input: int
    output: int
    reasoning: int


class History(NamedTuple):
    """What was delivered before, in the same conversation."""

    exchanges: int
    """Exchanges delivered."""
    output: int
    """Visible output tokens delivered."""


class Rates(NamedTuple):
    """Integer rates, pico-USD per token; `input` is for the part that is not cached."""

    input: int
    cached_input: int
    output: int
    reasoning: int

    def of(self, usage: Usage) -> int:
        """Return the price of a usage, pico-USD."""
        return (
            (usage.input - usage.cached_input) * self.input
            + usage.cached_input * self.cached_input
            + usage.output * self.output
            + usage.reasoning * self.reasoning
        )


@dataclass(frozen=True, slots=True)
class PerToken:
    """A list price by the token."""

    rates: Rates

    def charge(self, usage: Usage, history: History) -> int:
        """Return the charge of an exchange, pico-USD."""
        return self.rates.of(usage)


@dataclass(frozen=True, slots=True)
class PerMessage:
    """A fixed fee for every assistant message."""

    fee: int

    def charge(self, usage: Usage, history: History) -> int:
        """Return the charge of an exchange, pico-USD."""
        return self.fee


@dataclass(frozen=True, slots=True)
class Subscription:
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

    def charge(self, usage: Usage, history: History) -> int:
        """Return the charge of an exchange, pico-USD."""
        charge = self.share if history.exchanges == 0 else 0
        if self.included_output_tokens is not None:
            before = max(0, history.output - self.included_output_tokens)
            after = max(0, history.output + usage.output - self.included_output_tokens)
            charge += (after - before) * self.overage
        return charge


@dataclass(frozen=True, slots=True)
class Outcome:
    """A fee paid when the user accepts an answer; reserved before the first exchange."""

    fee: int

    def charge(self, usage: Usage, history: History) -> int:
        """Return 0: an exchange is not charged, the acceptance is."""
        return 0


Component = PerToken | PerMessage | Subscription | Outcome


@dataclass(frozen=True, slots=True)
class Regime:
    """The rule that sets the price: the sum of its components.

    Attributes:
        name: Name of the regime.
        components: The parts that add up.
        free_questions: Whether an exchange whose assistant move is a pure question is charged
            nothing, by any component. What it used still counts as used: its tokens count
            against an allowance, and it is the first exchange if it comes first.
        description: One line in words; public, so it may stand in a prompt.
    """

    name: str
    components: tuple[Component, ...]
    free_questions: bool = False
    description: str = ""

    def charge(self, usage: Usage, question: bool, history: History) -> int:
        """Return the charge of an exchange, pico-USD.

        Args:
            usage: What the exchange used.
            question: Whether the assistant's move is the pure question.
            history: What was delivered before.
        """
        if question and self.free_questions:
            return 0
        return sum(component.charge(usage, history) for component in self.components)

    @property
    def outcome_fee(self) -> int:
        """What an acceptance costs, pico-USD."""
        return sum(c.fee for c in self.components if isinstance(c, Outcome))
