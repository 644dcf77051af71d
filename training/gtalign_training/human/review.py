"""What the optimum would have done in a seat, and what every other move cost in joint welfare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from gtalign_env.core.best_response import (
    UserPlace,
    best_assistant_response,
    best_user_response,
)
from gtalign_env.core.mixed import assistant_mix, user_mix
from gtalign_env.core.moves import AssistantMove, UserMove
from gtalign_env.core.policies import AssistantSeat, UserSeat
from gtalign_env.core.spec import GameSpec
from gtalign_env.core.views import InformationSet
from gtalign_env.persona import UserType

TIE = 1e-9
"""Points of expected W below which two moves are equally good."""

Values = Mapping[Any, float]
"""Expected W of each move of a seat."""


class Made(NamedTuple):
    """A move of the person, and what could be known when it was made."""

    history: InformationSet
    right: bool
    """Whether the last answer was right; only the user knows."""
    move: UserMove | AssistantMove


class Judged(NamedTuple):
    """One move of the person."""

    turn: int
    """Which of the person's moves, from 0."""
    move: UserMove | AssistantMove
    best: UserMove | AssistantMove
    cost: float
    """Expected W lost by the move where the optimum would have gone on, points; 0.0 if none."""


class Review(NamedTuple):
    """A person's conversation beside the optimum.

    The optimum maximises expected W against the same opponent, knowing what the seat may know.
    """

    value: float
    """Expected W of the optimum at the start, given what the seat knows then, points."""
    exact: bool
    moves: tuple[Judged, ...]
    unknown: int
    """Moves after the opponent did what the optimum does not reckon with."""

    @property
    def departure(self) -> Judged | None:
        """The first move that was worse than the optimum's."""
        return next((one for one in self.moves if one.cost > TIE), None)

    @property
    def cost(self) -> float:
        """Expected W lost by all moves together, points."""
        return sum(one.cost for one in self.moves)


def review_assistant(
    spec: GameSpec, made: Sequence[Made], user: UserSeat, *, stochastic: bool
) -> Review:
    """Return an assistant's moves beside the optimum against a user.

    Args:
        spec: The game.
        made: The moves.
        user: Who was met.
        stochastic: Whether that user draws.

    Raises:
        SolverError: The game is too long to be solved.
    """
    solved = best_assistant_response(spec, user_mix(user, stochastic=stochastic), "joint")
    likeliest: dict[InformationSet, Values] = {}
    for known, decision in sorted(solved.decisions.items(), key=lambda item: item[1].probability):
        likeliest[known.history] = decision.values
    judged = [
        _judge(turn, one.move, likeliest[one.history])
        for turn, one in enumerate(made)
        if one.history in likeliest
    ]
    return Review(solved.value.welfare, solved.exact, tuple(judged), len(made) - len(judged))


def review_user(
    spec: GameSpec,
    made: Sequence[Made],
    who: UserType,
    assistant: AssistantSeat,
    *,
    stochastic: bool,
) -> Review:
    """Return a user's moves beside the optimum against an assistant.

    Args:
        spec: The game.
        made: The moves.
        who: The user's type.
        assistant: Who was met.
        stochastic: Whether that assistant draws.
    """
    solved = best_user_response(spec, assistant_mix(assistant, stochastic=stochastic), "joint")
    decisions = solved.decisions(who)
    judged = [
        _judge(turn, one.move, decisions[UserPlace(one.history, one.right)].values)
        for turn, one in enumerate(made)
        if UserPlace(one.history, one.right) in decisions
    ]
    opening = decisions[UserPlace(InformationSet(who.style, (), (), False), right=False)]
    value = max(opening.values.values())
    return Review(value, solved.exact, tuple(judged), len(made) - len(judged))


def _judge(turn: int, move: UserMove | AssistantMove, values: Values) -> Judged:
    best = max(values, key=lambda one: (values[one], one is move, -one))
    cost = values[best] - values[move]
    return Judged(turn, move, best, cost if cost > TIE else 0.0)
