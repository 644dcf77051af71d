"""What the logs of a run leave out and its draws bring back: who the user was, what was used.

Every draw is a function of scenario, seed and episode, so a conversation's latent type and the
tokens of its exchanges follow from ``run.json`` and the moves. Nothing is believed that does not
give the bill on record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gtalign_env.core.conversation import Conversation
from gtalign_env.core.ledger import Exchange
from gtalign_env.core.moves import ASSISTANT_LABELS, STYLES, USER_LABELS, AssistantMove, UserMove
from gtalign_env.core.spec import GameSpec
from gtalign_env.envs.table import Table
from gtalign_env.errors import GTAlignError
from gtalign_env.money import to_usd
from gtalign_env.persona import UserType
from gtalign_env.tariff import History, increment

UNITS = {
    "comfort_tokens": "tokens",
    "tolerance": "questions",
    "price_sensitivity": "points per USD",
    "discount": "",
    "persistence": "tries",
    "style": "",
    "budget": "USD",
}
"""Units of a type's fields; of all others, points."""

SOURCES = (
    "fresh input",
    "cached input",
    "output",
    "reasoning",
    "fee per message",
    "subscription",
    "tiers, overage",
    "success fee",
    "minimum, cap, surge",
)
"""What a bill is made of."""

SINKS = ("fresh input", "cached input", "output", "reasoning", "not delivered")
"""What computing costs the provider for."""


@dataclass(frozen=True)
class Replayed:
    """A conversation brought back.

    Attributes:
        budget: B, pico-USD; latent.
        latent: The user's type: value and unit by name.
        usage: Tokens of each delivered exchange: input, cached input, output, reasoning; None where
            the moves do not give the bill on record.
        billed: What was charged, pico-USD by `SOURCES`; None likewise.
        spent: What computing cost, pico-USD by `SINKS`; None likewise.
    """

    budget: int
    latent: dict[str, tuple[Any, str]]
    usage: tuple[tuple[int, ...], ...] | None
    billed: tuple[int, ...] | None
    spent: tuple[int, ...] | None


def bring_back(table: Table, episode: int, turns: Sequence[Any], cost: int) -> Replayed:
    """Return what the logs leave out of a conversation.

    Args:
        table: The games, with the seed of the run.
        episode: Its index.
        turns: Its turns on record: seat, move, charge.
        cost: What it cost the provider on record, pico-USD.
    """
    talk = table.open(episode)
    latent = latent_of(talk.who)
    try:
        delivered = _play(talk, turns)
    except (GTAlignError, KeyError, TypeError, ValueError):
        delivered = False
    if not delivered or talk.state.cost != cost:
        return Replayed(talk.who.budget, latent, None, None, None)
    exchanges = talk.ledger.exchanges
    billed = _billed(talk.spec, exchanges, [int(turn["charge"]) for turn in turns])
    usage = tuple(tuple(one.usage) for one in exchanges)
    return Replayed(talk.who.budget, latent, usage, billed, _spent(talk.spec, exchanges, cost))


def latent_of(who: UserType) -> dict[str, tuple[Any, str]]:
    """Return a type as value and unit by name."""
    data = who._asdict() | {"style": STYLES[who.style], "budget": to_usd(who.budget)}
    return {name: (value, UNITS.get(name, "points")) for name, value in data.items()}


def _play(talk: Conversation, turns: Sequence[Any]) -> bool:
    """Play the moves on record; return whether every charge is the one on record."""
    for turn in turns:
        before = talk.state.charged
        if turn["seat"] == "user":
            talk.step_user(UserMove(USER_LABELS.index(turn["move"])), settled=False)
        else:
            move = AssistantMove(ASSISTANT_LABELS.index(turn["move"]))
            talk.step_assistant(move, right=False)
        if talk.state.charged - before != turn["charge"]:
            return False
    return True


def _billed(
    spec: GameSpec, exchanges: Sequence[Exchange], charges: Sequence[int]
) -> tuple[int, ...]:
    """Return the parts of a bill, see `SOURCES`; what is left over is minimum, cap and surge."""
    tariff = spec.regime.tariff
    parts = [0] * len(SOURCES)
    history = History(0, 0)
    plain = tariff._replace(numerator=1, denominator=1)
    for usage, move in exchanges:
        priced = spec.regime.price(usage, move is AssistantMove.CQ, history)
        if not (move is AssistantMove.CQ and tariff.free_questions):
            parts[0] += (usage.input - usage.cached_input) * tariff.input
            parts[1] += usage.cached_input * tariff.cached_input
            parts[2] += usage.output * tariff.output
            parts[3] += usage.reasoning * tariff.reasoning
            parts[4] += tariff.message
            parts[5] += tariff.share if history.exchanges == 0 else 0
            flat = plain._replace(meters=(), bounds=(), rises=(), steps=0)
            parts[6] += increment(plain, usage, history) - increment(flat, usage, history)
        history = history.after(usage, priced)
    parts[7] = sum(charges) - history.charged if tariff.outcome else 0
    parts[8] = sum(charges) - sum(parts)
    return tuple(parts)


def _spent(spec: GameSpec, exchanges: Sequence[Exchange], cost: int) -> tuple[int, ...]:
    rates = spec.cost
    used = [one.usage for one in exchanges]
    parts = [
        sum((u.input - u.cached_input) * rates.input for u in used),
        sum(u.cached_input * rates.cached_input for u in used),
        sum(u.output * rates.output for u in used),
        sum(u.reasoning * rates.reasoning for u in used),
    ]
    return (*parts, cost - sum(parts))
