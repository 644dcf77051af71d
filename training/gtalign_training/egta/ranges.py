"""Between which payoffs a conversation can end: what bounds by Hoeffding's inequality rest on."""

from __future__ import annotations

from collections.abc import Iterable

from gtalign_env.core.moves import AssistantMove, UserMove
from gtalign_env.core.spec import GameSpec
from gtalign_env.money import to_usd
from gtalign_env.persona import UserType

Range = tuple[float, float]


def payoff_ranges(specs: Iterable[GameSpec]) -> Range | None:
    """Return by how much U, and L, can differ between two conversations, points.

    Wide on purpose: every part of a welfare at its least and at its greatest, whether or not the
    two can meet. None where a length or a field of a persona is continuous, as nothing need bound
    it then.

    Args:
        specs: The games that episodes are played on.
    """
    users: list[Range] = []
    assistants: list[Range] = []
    for spec in specs:
        if not spec.is_exact:
            return None
        types = [who for _, who in spec.population.types(1)]
        users += [_user(spec, who) for who in types]
        assistants += [_assistant(spec, who) for who in types]
    return _width(users), _width(assistants)


def _user(spec: GameSpec, who: UserType) -> Range:
    """Return the least and greatest U of a type."""
    exchanges = spec.max_exchanges
    opening = (who.effort_vague, who.effort_definite)
    later = (0.0, who.effort_reply, who.effort_follow_up)
    longest = max(spec.means.outputs)
    reading = exchanges * who.conciseness * max(0, longest - who.comfort_tokens) / 100
    asked = max(0, exchanges - who.tolerance) * who.annoyance
    paid = who.price_sensitivity * to_usd(who.budget)
    last = who.discount ** (exchanges - 1)
    ends = (who.outside_option, *(d * x for d in (1.0, last) for x in (who.value, -who.harm)))
    low = -max(opening) - (exchanges - 1) * max(later)
    high = -min(0.0, *opening) - (exchanges - 1) * min(later)
    for part in (reading, asked, paid):
        low, high = low - max(0.0, part), high - min(0.0, part)
    return low + min(ends), high + max(ends)


def _assistant(spec: GameSpec, who: UserType) -> Range:
    """Return the least and greatest L against a type, which pays at most its budget."""
    margin = spec.margin_weight
    ends = (spec.retention, -spec.churn)
    paid, borne = margin * to_usd(who.budget), margin * to_usd(_most_cost(spec))
    low = min(0.0, paid) - max(0.0, borne) + min(ends)
    high = max(0.0, paid) - min(0.0, borne) + max(ends)
    return low, high


def _most_cost(spec: GameSpec) -> int:
    """Return a bound on the compute cost of a conversation, pico-USD: always the longest message."""
    means, rates = spec.means, spec.cost
    message = max(means.messages[move] for move in UserMove)
    output = max(means.outputs[move] for move in AssistantMove)
    total = 0
    for exchange in range(spec.max_exchanges):
        context = means.system + message + exchange * (message + output)
        total += context * max(rates.input, rates.cached_input)
        total += output * rates.output + means.reasoning * rates.reasoning
    return total


def _width(ranges: list[Range]) -> float:
    return max(high for _, high in ranges) - min(low for low, _ in ranges)
