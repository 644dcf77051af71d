"""A game as plain numbers: what the rules read, in the interpreter and compiled over batches."""

from __future__ import annotations

from typing import NamedTuple

from gtalign_env.core.moves import answers, verbosity
from gtalign_env.distributions import Law
from gtalign_env.tariff import Rates, Tariff

SYSTEM, MESSAGES, QUESTION, REASONING, ANSWERS = 0, 1, 7, 8, 9
"""Where the lengths stand in `Numbers.lengths`: the system prompt, the messages by `UserMove`, the
question, the reasoning, and the answers by verbosity."""


class Numbers(NamedTuple):
    """The numbers of a `GameSpec`, under the same names; none of them is private to the user."""

    tariff: Tariff
    """What the user pays."""
    cost: Rates
    """What the provider's compute costs, pico-USD per token."""
    margin_weight: float
    """μ, points per USD."""
    retention: float
    """ρ, points."""
    churn: float
    """ψ, points."""
    interpretations: int
    """K."""
    p_correct: float
    reply_clarity: float
    """r."""
    covers: tuple[float, float, float]
    """min(1, k_ν / K) by verbosity: the chance that an uninformed answer covers what is meant."""
    quality: tuple[float, float, float]
    """q_ν by verbosity."""
    max_exchanges: int
    lengths: tuple[Law, ...]
    """Lengths of the messages, tokens; see `SYSTEM` and the others."""
    tokens: tuple[int, ...]
    """The lengths that are constant, tokens; −1 where they are drawn."""


def p_right(game: Numbers, move: int, informed: bool) -> float:
    """Return the probability that an answer is right, p_correct · q_ν · c; 0 for a question.

    Args:
        game: The game.
        move: What the assistant does.
        informed: Whether it has been told what is meant.
    """
    if not answers(move):
        return 0.0
    level = verbosity(move)
    return game.p_correct * game.quality[level] * (1.0 if informed else game.covers[level])
