"""Numeric observations, built from a seat's view and from nothing else.

Every entry lies in [-1, 1]. Quantities without a natural bound x ≥ 0 become x / (x + scale), which
keeps their order and never saturates; the scale is where an entry reads one half.
"""

from __future__ import annotations

import operator
from typing import Any, NamedTuple

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from gtalign_env.core.moves import NO_MOVE, STYLES, AssistantMove, Ending, UserMove
from gtalign_env.core.rules import State, legal_count, legal_move
from gtalign_env.core.views import AssistantView, UserView
from gtalign_env.errors import EpisodeError
from gtalign_env.money import PICO_PER_USD
from gtalign_env.persona import UserType
from gtalign_env.pricing import Regime, Subscription
from gtalign_env.tariff import (
    INPUT,
    NO_CAP,
    OUTPUT,
    History,
    Tariff,
    marginal_rate,
    tokens_to_next_step,
)

Array = NDArray[np.float32]
Mask = NDArray[np.int8]


class Entry(NamedTuple):
    """One documented entry of an observation."""

    name: str
    unit: str
    """What the entry counts, with the scale where it reads one half."""


_USD = 0.01 * PICO_PER_USD  # scale of amounts per conversation: one cent
_BUDGET = 0.05 * PICO_PER_USD  # scale of budgets: five cents
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
    Entry("minimum", "per conversation, scale 0.01 USD"),
    Entry("cap", "1 less a conversation's cap, scale 0.01 USD; 0 where there is none"),
    Entry("surge", "factor in force less 1, over factor plus 1; 0 without a surge"),
    Entry("interpretations", "1 / K"),
    Entry("marginal input rate", "tiers, of the next token, scale 5 USD per 1M tokens"),
    Entry("marginal output rate", "tiers and overage, likewise"),
    Entry("next rate", "1 less the tokens up to it, scale 500; 0 where no rate changes any more"),
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


def scaled(x: float, scale: float) -> float:
    """Return a quantity as an entry: 0 for 0, one half at the scale, below 1 for all others."""
    return x / (scale + abs(x))


_AT = {entry.name: index for index, entry in enumerate(ENTRIES)}
_SAID, _ANSWERED, _STYLE = (
    _AT[name] for name in ("user VQ", "assistant DA:concise", "style plain")
)
_INFORMED, _QUESTIONS, _MESSAGE = (_AT[name] for name in ("informed", "questions", "message"))
_OUTPUT, _CHARGED, _COST = (_AT[name] for name in ("total output", "charged", "cost"))
_MARGINAL, _RIGHT, _TRIES, _LEFT = (
    _AT[name] for name in ("marginal input rate", "right", "tries", "budget left")
)
PRICE_AT, TYPE_AT = _AT["input rate"], _AT["value"]
INTERPRETATIONS_AT = _AT["interpretations"]
N_ENTRIES = len(ENTRIES)


def regime_entries(regime: Regime) -> tuple[float, ...]:
    """Return the price as numbers; rates and fees of several components add up.

    They do not change in an episode: they stand at ``PRICE_AT``, up to ``INTERPRETATIONS_AT``.

    Args:
        regime: With a surge, the regime of one conversation.
    """
    tariff = regime.tariff
    overage = sum(part.overage for part in regime.components if isinstance(part, Subscription))
    return (
        *(scaled(rate, _RATE) for rate in tariff[:4]),
        scaled(tariff.message, _USD),
        scaled(tariff.share, _USD),
        scaled(overage, _RATE),
        scaled(tariff.outcome, _USD),
        float(tariff.free_questions),
        scaled(tariff.minimum, _USD),
        0.0 if tariff.cap == NO_CAP else 1.0 - scaled(tariff.cap, _USD),
        (tariff.numerator - tariff.denominator) / (tariff.numerator + tariff.denominator),
    )


def write_public(
    out: Any,
    tariff: Tariff,
    max_exchanges: int,
    style: int,
    exchange: int,
    said: int,
    answered: int,
    informed: bool,
    questions: int,
    message: int,
    total_input: int,
    total_output: int,
    total_reasoning: int,
    charged: int,
    cost: int,
) -> None:
    """Write the entries that both seats see, but for those of the game; an allow-list of numbers.

    Scalar code, as the rules: the vector environment compiles it.

    Args:
        out: The observation, a list or an array of shape ``(len(ENTRIES),)``.
        tariff: The regime as numbers.
        max_exchanges: Limit per conversation.
        style: How the user writes.
        exchange: Index of the exchange under way.
        said: The user's last move.
        answered: The assistant's last move.
        informed: Whether the messages so far say what is meant.
        questions: Asked so far.
        message: Of the user message to answer, tokens.
        total_input: Billed so far, tokens.
        total_output: Likewise.
        total_reasoning: Likewise.
        charged: Billed so far, pico-USD.
        cost: The provider's own cost so far, pico-USD.
    """
    out[0] = (exchange + 1) / max_exchanges
    for k in range(_SAID, _QUESTIONS):
        out[k] = 0.0
    if said >= 0:
        out[_SAID + said] = 1.0
    if answered >= 0:
        out[_ANSWERED + answered] = 1.0
    out[_INFORMED] = 1.0 if informed else 0.0
    out[_STYLE + style] = 1.0
    out[_QUESTIONS] = scaled(questions, 2.0)
    out[_MESSAGE] = scaled(message, 100.0)
    out[_OUTPUT] = scaled(total_output, 500.0)
    out[_CHARGED] = scaled(charged, _USD)
    out[_COST] = scaled(cost, _USD)
    if tariff.steps == 0:
        out[_MARGINAL], out[_MARGINAL + 1], out[_MARGINAL + 2] = 0.0, 0.0, 0.0
        return
    used = History(exchange, total_output, total_input, total_reasoning, 0, 0)
    left = tokens_to_next_step(tariff, used)
    out[_MARGINAL] = scaled(marginal_rate(tariff, INPUT, used), _RATE)
    out[_MARGINAL + 1] = scaled(marginal_rate(tariff, OUTPUT, used), _RATE)
    out[_MARGINAL + 2] = 1.0 - scaled(left, 500.0) if left >= 0 else 0.0


def write_private(out: Any, who: UserType, right: bool, tries: int, charged: int) -> None:
    """Write the entries that only the user sees, but for its type; scalar code as well.

    Args:
        out: The observation, a list or an array of shape ``(len(ENTRIES),)``.
        who: The user's type.
        right: Whether the last answer is right.
        tries: After wrong answers.
        charged: Billed so far, pico-USD.
    """
    out[_RIGHT] = 1.0 if right else 0.0
    out[_TRIES] = scaled(tries, 2.0)
    out[_LEFT] = (who.budget - charged) / who.budget if who.budget else 0.0


def write_type(out: Any, who: UserType) -> None:
    """Write the entries of the user's own type, in the order of `UserType`; the style is public."""
    out[TYPE_AT] = scaled(who.value, 5.0)
    out[TYPE_AT + 1] = scaled(who.harm, 5.0)
    out[TYPE_AT + 2] = scaled(who.conciseness, 0.5)
    out[TYPE_AT + 3] = scaled(who.comfort_tokens, 200.0)
    out[TYPE_AT + 4] = scaled(who.annoyance, 0.5)
    out[TYPE_AT + 5] = scaled(who.tolerance, 2.0)
    out[TYPE_AT + 6] = scaled(who.effort_vague, 1.0)
    out[TYPE_AT + 7] = scaled(who.effort_definite, 1.0)
    out[TYPE_AT + 8] = scaled(who.effort_reply, 1.0)
    out[TYPE_AT + 9] = scaled(who.effort_follow_up, 1.0)
    out[TYPE_AT + 10] = scaled(who.budget, _BUDGET)
    out[TYPE_AT + 11] = scaled(who.price_sensitivity, 200.0)
    out[TYPE_AT + 12] = scaled(who.discount, 1.0)
    out[TYPE_AT + 13] = scaled(who.persistence, 2.0)
    out[TYPE_AT + 14] = scaled(who.outside_option, 1.0)


def _public(view: AssistantView, price: tuple[float, ...]) -> list[float]:
    out = [0.0] * N_ENTRIES
    out[PRICE_AT:INTERPRETATIONS_AT] = price
    out[INTERPRETATIONS_AT] = 1.0 / view.spec.interpretations
    known = view.history
    write_public(
        out,
        view.spec.regime.tariff,
        view.spec.max_exchanges,
        known.style,
        view.exchange,
        known.user_moves[-1] if known.user_moves else NO_MOVE,
        known.assistant_moves[-1] if known.assistant_moves else NO_MOVE,
        known.informed,
        view.questions,
        view.message,
        view.total_input,
        view.total_output,
        view.total_reasoning,
        view.charged,
        view.cost,
    )
    return out


def assistant_observation(view: AssistantView, price: tuple[float, ...]) -> Array:
    """Return the assistant's observation, of shape ``(len(ENTRIES),)``.

    Args:
        view: What the assistant may know.
        price: `regime_entries` of the regime in force; passed in because they never change in an
            episode.
    """
    return np.array(_public(view, price), np.float32)


def user_observation(view: UserView, price: tuple[float, ...]) -> Array:
    """Return the user's observation, of shape ``(len(ENTRIES),)``; arguments likewise."""
    out = _public(view.public, price)
    state = view.state
    write_private(out, view.who, state.right, state.tries, state.charged)
    write_type(out, view.who)
    return np.array(out, np.float32)


def _user_mask(answered: int) -> Mask:
    mask = np.zeros(len(UserMove), np.int8)
    mask[[legal_move(answered, k) for k in range(legal_count(answered))]] = 1
    return mask


USER_MASKS = tuple(_user_mask(answered) for answered in (NO_MOVE, *AssistantMove))
"""The user's masks by the assistant's last move, from none on; copy before handing one out."""

ALL = np.ones(len(AssistantMove), np.int8)
"""The assistant's mask; likewise."""

ENDINGS = tuple(ending.name.lower() for ending in Ending)
"""What an info calls the endings, by `Ending`."""


def user_mask(state: State) -> Mask:
    """Return which of its moves the user may play now, of shape ``(6,)``."""
    return USER_MASKS[state.answered + 1].copy()


def assistant_mask() -> Mask:
    """Return which of its moves the assistant may play, of shape ``(7,)``: all, always."""
    return ALL.copy()
