"""What an exchange costs, as one formula over plain numbers; the vector environments compile it.

Quantities are tokens, money is integer pico-USD. A charge is tokens times integer rates, so it is
exact; a surge rounds half-even, once an exchange.

1. An exchange's increment is the sum of its tokens at the four rates, the message fee, the share
   of a subscription with the first exchange, and what its tokens cost on the steps of the tiers.
2. A surge multiplies the increment, rounded half-even once.
3. The increments add up to the running sum. With minimum m and cap c a conversation has cost
   ``min(c, max(m, running sum))``; the charge is what that adds to what was charged before.

An exchange whose assistant move is the pure question is charged 0 where questions are free. It adds
nothing to the running sum and does not call for the minimum, but its tokens count as used. The
outcome fee stands apart: no surge, minimum or cap touches it.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import NamedTuple

from gtalign_env.money import half_even

NO_CAP = 2**63 - 1
"""The cap of a regime without one, pico-USD: the most that int64 holds, 9.2 million USD."""


class Usage(NamedTuple):
    """What one exchange used, tokens; cached input is part of input."""

    input: int
    cached_input: int
    output: int
    reasoning: int


class History(NamedTuple):
    """What was delivered before, in the same conversation; all zero before the first exchange."""

    exchanges: int
    """Exchanges delivered."""
    output: int
    """Visible output tokens delivered."""
    input: int = 0
    """Input tokens billed, cached ones included."""
    reasoning: int = 0
    """Hidden tokens delivered."""
    running: int = 0
    """Sum of the increments, pico-USD: the charge before minimum and cap."""
    charged: int = 0
    """What the exchanges were charged, pico-USD."""

    def after(self, usage: Usage, priced: Price) -> History:
        """Return the history once an exchange of this usage is delivered and charged.

        Args:
            usage: What the exchange used.
            priced: What it costs.
        """
        return History(
            exchanges=self.exchanges + 1,
            output=self.output + usage.output,
            input=self.input + usage.input,
            reasoning=self.reasoning + usage.reasoning,
            running=priced.running,
            charged=self.charged + priced.charge,
        )


class Rates(NamedTuple):
    """Integer rates, pico-USD per token; `input` is for the part that is not cached."""

    input: int
    cached_input: int
    output: int
    reasoning: int

    def of(self, usage: Usage) -> int:
        """Return the price of a usage, pico-USD."""
        return at_rates(self, usage)


class Price(NamedTuple):
    """What an exchange costs."""

    charge: int
    """What the user pays for it, pico-USD."""
    running: int
    """The running sum after it, pico-USD."""


class Meter(IntEnum):
    """Which tokens a tier counts."""

    OUTPUT = 0
    """Visible output."""
    INPUT = 1
    """Input, cached input included."""
    TOTAL = 2
    """Input, output and reasoning."""


OUTPUT, INPUT, TOTAL = (int(meter) for meter in Meter)
METERS = tuple(meter.name.lower() for meter in Meter)


class Tariff(NamedTuple):
    """A regime as plain numbers; amounts in pico-USD, rates in pico-USD per token."""

    input: int = 0
    cached_input: int = 0
    output: int = 0
    reasoning: int = 0
    message: int = 0
    """Fee for every exchange."""
    share: int = 0
    """Fee with the first exchange."""
    meters: tuple[int, ...] = ()
    """The tiers, as steps: which `Meter` counts, from which cumulative tokens on, and by how much
    the marginal rate rises there. Allowances and overage rates are such steps too."""
    bounds: tuple[int, ...] = ()
    rises: tuple[int, ...] = ()
    steps: int = 0
    """How many steps there are."""
    minimum: int = 0
    cap: int = NO_CAP
    numerator: int = 1
    """The surge in force, as a fraction."""
    denominator: int = 1
    free_questions: int = 0
    """1 where pure questions are free."""
    outcome: int = 0
    """Fee on acceptance."""

    def with_steps(self, meter: int, bounds: Iterable[int], rises: Iterable[int]) -> Tariff:
        """Return the tariff with more steps, of one meter."""
        more = tuple(bounds)
        return self._replace(
            meters=self.meters + (meter,) * len(more),
            bounds=self.bounds + more,
            rises=self.rises + tuple(rises),
            steps=self.steps + len(more),
        )


def at_rates(rates: Rates | Tariff, usage: Usage) -> int:
    """Return what a usage costs at the four rates of a tariff or a list price, pico-USD."""
    return (
        (usage.input - usage.cached_input) * rates.input
        + usage.cached_input * rates.cached_input
        + usage.output * rates.output
        + usage.reasoning * rates.reasoning
    )


def metered(meter: int, input_: int, output: int, reasoning: int) -> int:
    """Return the tokens that a meter counts."""
    if meter == OUTPUT:
        return output
    return input_ if meter == INPUT else input_ + output + reasoning


def marginal_rate(tariff: Tariff, meter: int, history: History) -> int:
    """Return what the steps add to the next token of one kind, before a surge, pico-USD.

    Args:
        tariff: The regime as numbers.
        meter: Of input or of output tokens.
        history: What was delivered before.
    """
    rate = 0
    for k in range(tariff.steps):
        if tariff.meters[k] == meter or tariff.meters[k] == TOTAL:
            used = metered(tariff.meters[k], history.input, history.output, history.reasoning)
            if used >= tariff.bounds[k]:
                rate += tariff.rises[k]
    return rate


def tokens_to_next_step(tariff: Tariff, history: History) -> int:
    """Return how many tokens are left before a rate changes; −1 where none will."""
    left = -1
    for k in range(tariff.steps):
        used = metered(tariff.meters[k], history.input, history.output, history.reasoning)
        ahead = tariff.bounds[k] - used
        if ahead > 0 and (left < 0 or ahead < left):
            left = ahead
    return left


def increment(tariff: Tariff, usage: Usage, history: History) -> int:
    """Return what an exchange adds to the running sum, before minimum and cap, pico-USD."""
    amount = tariff.message + at_rates(tariff, usage)
    if history.exchanges == 0:
        amount += tariff.share
    for k in range(tariff.steps):
        meter, bound = tariff.meters[k], tariff.bounds[k]
        before = metered(meter, history.input, history.output, history.reasoning)
        after = before + metered(meter, usage.input, usage.output, usage.reasoning)
        amount += tariff.rises[k] * (max(0, after - bound) - max(0, before - bound))
    if tariff.numerator != tariff.denominator:
        amount = half_even(amount * tariff.numerator, tariff.denominator)
    return amount


def price(tariff: Tariff, usage: Usage, question: bool, history: History) -> Price:
    """Return what an exchange costs: the one formula of this package, see the module.

    Args:
        tariff: The regime as numbers.
        usage: What the exchange used.
        question: Whether the assistant's move is the pure question.
        history: What was delivered before.
    """
    if question and tariff.free_questions:
        return Price(0, history.running)
    running = history.running + increment(tariff, usage, history)
    return Price(min(tariff.cap, max(tariff.minimum, running)) - history.charged, running)
