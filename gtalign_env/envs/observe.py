"""Numeric observations, built from a seat's view and from nothing else.

Every entry lies in [-1, 1]. Quantities without a natural bound x ≥ 0 become x / (x + scale), which
keeps their order and never saturates; the scale is where an entry reads one half.
"""

from __future__ import annotations

import operator
from typing import NamedTuple

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from gtalign_env.core.moves import STYLES, AssistantMove, UserMove
from gtalign_env.core.rules import State, legal_user_moves
from gtalign_env.core.views import AssistantView, UserView
from gtalign_env.errors import EpisodeError
from gtalign_env.money import PICO_PER_USD
from gtalign_env.persona import UserType
from gtalign_env.pricing import Outcome, PerMessage, PerToken, Regime, Subscription

Array = NDArray[np.float32]
Mask = NDArray[np.int8]


class Entry(NamedTuple):
    """One documented entry of an observation."""

    name: str
    unit: str
    """What the entry counts, with the scale where it reads one half."""


_USD = 0.01 * PICO_PER_USD  # scale of amounts per conversation: one cent
_RATE = 5_000_000  # scale of token rates: 5 USD per 1M tokens, in pico-USD per token

PUBLIC_ENTRIES = (
    Entry("exchange", "share of max_exchanges"),
    *(Entry(f"user {move.label}", "1 if the user's last move") for move in UserMove),
    *(Entry(f"assistant {move.label}", "1 if the assistant's last move") for move in AssistantMove),
    Entry("informed", "1 if the messages so far say what is meant"),
    *(Entry(f"style {style}", "1 if the user writes so") for style in STYLES),
    Entry("questions", "asked so far, scale 2"),
    Entry("message", "tokens of the user message to answer, scale 100"),
    Entry("total output", "visible tokens so far, scale 500"),
    Entry("charged", "billed so far, scale 0.01 USD"),
    Entry("cost", "compute cost so far, scale 0.01 USD"),
    Entry("input rate", "scale 5 USD per 1M tokens"),
    Entry("cached input rate", "scale 5 USD per 1M tokens"),
    Entry("output rate", "scale 5 USD per 1M tokens"),
    Entry("reasoning rate", "scale 5 USD per 1M tokens"),
    Entry("message fee", "scale 0.01 USD"),
    Entry("subscription share", "per conversation, scale 0.01 USD"),
    Entry("overage rate", "scale 5 USD per 1M tokens"),
    Entry("outcome fee", "scale 0.01 USD"),
    Entry("free questions", "1 if pure questions are not charged"),
    Entry("interpretations", "1 / K"),
)

PRIVATE_ENTRIES = (
    Entry("right", "1 if the last answer is right"),
    Entry("tries", "after wrong answers, scale 2"),
    Entry("budget left", "share of the budget"),
    *(
        Entry(name, f"own type, scale {scale:g}{unit}")
        for name, scale, unit in (
            ("value", 5.0, " points"),
            ("harm", 5.0, " points"),
            ("conciseness", 0.5, " points per 100 tokens"),
            ("comfort_tokens", 200.0, " tokens"),
            ("annoyance", 0.5, " points"),
            ("tolerance", 2.0, " questions"),
            ("effort_vague", 1.0, " points"),
            ("effort_definite", 1.0, " points"),
            ("effort_reply", 1.0, " points"),
            ("effort_follow_up", 1.0, " points"),
            ("budget", 0.05, " USD"),
            ("price_sensitivity", 200.0, " points per USD"),
            ("discount", 1.0, ""),
            ("persistence", 2.0, " tries"),
            ("outside_option", 1.0, " points"),
        )
    ),
)

_TYPE_SCALES = (5.0, 5.0, 0.5, 200.0, 0.5, 2.0, 1.0, 1.0, 1.0, 1.0, 0.05 * PICO_PER_USD, 200.0, 1.0, 2.0, 1.0)  # fmt: skip

ENTRIES = PUBLIC_ENTRIES + PRIVATE_ENTRIES
"""What stands at each index of an observation. Both seats have the same space, as vectorising
tools ask for; the private entries of the assistant's observation are always 0."""

MOVES: dict[str, type[UserMove] | type[AssistantMove]] = {
    "user_0": UserMove,
    "assistant_0": AssistantMove,
}
"""The moves of each seat; an action is an index into them."""


def read_action(agent: str, action: object) -> UserMove | AssistantMove:
    """Return the move that an action stands for.

    Raises:
        EpisodeError: The action is no whole number, or no move has this number.
    """
    moves = MOVES[agent]
    try:
        return moves(operator.index(action))  # type: ignore[arg-type]  # whatever came
    except (TypeError, ValueError):
        named = ", ".join(f"{move:d} {move.label}" for move in moves)
        raise EpisodeError(f"an action of {agent} is one of {named}; got {action!r}") from None


OBSERVATION_SPACE = spaces.Box(-1.0, 1.0, (len(ENTRIES),), np.float32)
"""The numeric observation of either seat; environments hold copies of it."""


_NOTHING_PRIVATE = [0.0] * len(PRIVATE_ENTRIES)


def _scaled(x: float, scale: float) -> float:
    return x / (scale + abs(x))


def regime_entries(regime: Regime) -> tuple[float, ...]:
    """Return the price as numbers; rates and fees of several components add up."""
    rates, message, share, overage, outcome = [0, 0, 0, 0], 0, 0, 0, 0
    for component in regime.components:
        match component:
            case PerToken():
                rates = [a + b for a, b in zip(rates, component.rates, strict=True)]
            case PerMessage():
                message += component.fee
            case Subscription():
                share, overage = share + component.share, overage + component.overage
            case Outcome():
                outcome += component.fee
    return (
        *(_scaled(rate, _RATE) for rate in rates),
        _scaled(message, _USD),
        _scaled(share, _USD),
        _scaled(overage, _RATE),
        _scaled(outcome, _USD),
        float(regime.free_questions),
    )


def _one_hot(index: int | None, size: int) -> list[float]:
    return [float(i == index) for i in range(size)]


def public_entries(view: AssistantView, price: tuple[float, ...]) -> list[float]:
    """Return the entries that both seats see.

    Args:
        view: What the assistant may know.
        price: `regime_entries` of the regime in force; passed in because it never changes
            during an episode.
    """
    known = view.history
    return [
        (view.exchange + 1) / view.spec.max_exchanges,
        *_one_hot(known.user_moves[-1] if known.user_moves else None, len(UserMove)),
        *_one_hot(known.assistant_moves[-1] if known.assistant_moves else None, len(AssistantMove)),
        float(known.informed),
        *_one_hot(known.style, len(STYLES)),
        _scaled(view.questions, 2.0),
        _scaled(view.message, 100.0),
        _scaled(view.total_output, 500.0),
        _scaled(view.charged, _USD),
        _scaled(view.cost, _USD),
        *price,
        1.0 / view.spec.interpretations,
    ]


def _private_entries(view: UserView) -> list[float]:
    left = view.who.budget - view.state.charged
    fields = UserType._fields[:-1]  # the style is public
    return [
        float(view.state.right),
        _scaled(view.state.tries, 2.0),
        left / view.who.budget if view.who.budget else 0.0,
        *(
            _scaled(getattr(view.who, field), scale)
            for field, scale in zip(fields, _TYPE_SCALES, strict=True)
        ),
    ]


def assistant_observation(view: AssistantView, price: tuple[float, ...]) -> Array:
    """Return the assistant's observation, of shape ``(len(ENTRIES),)``."""
    return np.array(public_entries(view, price) + _NOTHING_PRIVATE, np.float32)


def user_observation(view: UserView, price: tuple[float, ...]) -> Array:
    """Return the user's observation, of shape ``(len(ENTRIES),)``."""
    return np.array(public_entries(view.public, price) + _private_entries(view), np.float32)


def user_mask(state: State) -> Mask:
    """Return which of its moves the user may play now, of shape ``(6,)``."""
    mask = np.zeros(len(UserMove), np.int8)
    mask[list(legal_user_moves(state))] = 1
    return mask


def assistant_mask() -> Mask:
    """Return which of its moves the assistant may play, of shape ``(7,)``: all, always."""
    return np.ones(len(AssistantMove), np.int8)
