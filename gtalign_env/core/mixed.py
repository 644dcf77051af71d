"""Policies as probabilities of moves: what has to be known of a policy to play it out exactly.

A named policy is a function ``policy(view, u)`` of what its seat knows and of one number in [0, 1).
For exact expectations the number has to go: what counts is how often each move is played. Here that
is found, exactly wherever the policy cuts [0, 1) into intervals of one move each, as they all do.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeVar

from gtalign_env.core.moves import AssistantMove, UserMove
from gtalign_env.core.plans import USER_PLANS
from gtalign_env.core.policies import (
    AssistantSeat,
    DefaultSeat,
    OracleSeat,
    PlanSeat,
    UserSeat,
    random_assistant,
    random_user,
)
from gtalign_env.core.rules import legal_user_moves
from gtalign_env.core.views import AssistantView, InformationSet, UserView
from gtalign_env.errors import SolverError

M = TypeVar("M")

UserMix = Callable[[UserView], Sequence[tuple[float, UserMove]]]
"""Maps what the user knows to (probability, move) pairs; probabilities are positive, sum to 1."""

AssistantMix = Callable[[AssistantView], Sequence[tuple[float, AssistantMove]]]
"""The same for the assistant."""

GRID = 32
"""Numbers at which a policy is tried first; a move that is played less often may be missed."""

MOST_EDGES = 1_000
"""Changes of move over [0, 1) beyond which a policy is no choice between intervals."""

SUM_TOLERANCE = 1e-6  # networks give single precision; the shares are divided by their sum


def shares(choose: Callable[[float], M], grid: int = GRID) -> tuple[tuple[float, M], ...]:
    """Return how often a function of a uniform number in [0, 1) gives each of its values.

    1. Evaluate it at ``grid`` evenly spaced numbers and at the last one below 1.
    2. Between two neighbours with different values, find the edge by bisection, to the last bit;
       go on from there until the second value is met.

    Exact if no value is confined to intervals that lie between two neighbours and are shorter than
    1 / ``grid``.

    Args:
        choose: The function.
        grid: Numbers to try.

    Returns:
        Pairs of share and value, in the order in which the values appear.

    Raises:
        SolverError: The value changes more than `MOST_EDGES` times.
    """
    found: dict[M, list[float]] = {}
    points = [*(i / grid for i in range(grid)), math.nextafter(1.0, 0.0)]
    at, value, edges = 0.0, choose(0.0), 0
    for low, high in pairwise(points):
        last = choose(high)
        left = low
        while value != last:
            edge = _edge(choose, value, left, high)
            found.setdefault(value, []).append(edge - at)
            at, left, value, edges = edge, edge, choose(edge), edges + 1
            if edges > MOST_EDGES:
                raise SolverError(
                    f"a policy cuts the numbers from 0 to 1 into at most {MOST_EDGES:,} intervals "
                    "of one move each; this one changes its move more often. Give its "
                    "probabilities as a function of the view instead"
                )
    found.setdefault(value, []).append(1.0 - at)
    return tuple((math.fsum(lengths), value) for value, lengths in found.items())


def _edge(choose: Callable[[float], M], value: M, low: float, high: float) -> float:
    """Return a number at which a value gives way: it holds just below, and no longer there."""
    while low < (middle := (low + high) / 2) < high:
        if choose(middle) == value:
            low = middle
        else:
            high = middle
    return high


def user_mix(policy: UserSeat, *, stochastic: bool = True) -> UserMix:
    """Return the probabilities of a user policy's moves.

    Args:
        policy: The policy. If it has a method ``shares(view)``, that gives the probabilities of all
            moves itself, as an adapter for a network does.
        stochastic: Whether its move may depend on the random number; if not, it is asked once.
    """
    if isinstance(policy, DefaultSeat):
        return DefaultMix(policy)
    if policy is random_user:
        return lambda view: _evenly(legal_user_moves(view.state))
    return _mix(policy, UserMove, stochastic)


def assistant_mix(policy: AssistantSeat, *, stochastic: bool = True) -> AssistantMix:
    """Return the probabilities of an assistant policy's moves; arguments as in `user_mix`."""
    if policy is random_assistant:
        every = _evenly(list(AssistantMove))
        return lambda view: every
    return _mix(policy, AssistantMove, stochastic and not isinstance(policy, PlanSeat | OracleSeat))


def _evenly(moves: Sequence[M]) -> list[tuple[float, M]]:
    return [(1.0 / len(moves), move) for move in moves]


@dataclass(frozen=True)
class DefaultMix:
    """The default user's moves: only its opening is a matter of chance."""

    policy: DefaultSeat

    def __call__(self, view: UserView) -> Sequence[tuple[float, UserMove]]:
        """Return the moves with their probabilities."""
        if view.state.exchange >= 0:
            return ((1.0, self.policy(view, 0.5)),)
        p = self.policy.p_vague
        return tuple(pair for pair in zip((p, 1.0 - p), USER_PLANS, strict=True) if pair[0] > 0)


def _mix(
    policy: Callable[[Any, float], M], moves: Iterable[M], stochastic: bool
) -> Callable[[Any], Sequence[tuple[float, M]]]:
    given = getattr(policy, "shares", None)
    if given is not None:
        return lambda view: weighted(moves, given(view))
    if not stochastic:
        return lambda view: ((1.0, policy(view, 0.5)),)
    return lambda view: shares(lambda u: policy(view, u))


def weighted(moves: Iterable[M], weights: Sequence[float]) -> list[tuple[float, M]]:
    """Return (probability, move) pairs of the moves that are played at all.

    Args:
        moves: The moves, in order.
        weights: Their probabilities; they sum to 1 within single precision.

    Raises:
        SolverError: The weights are no probabilities of these moves.
    """
    values = [float(weight) for weight in weights]
    total = math.fsum(values)
    every = list(moves)
    if len(values) != len(every) or min(values) < 0 or not abs(total - 1) <= SUM_TOLERANCE:
        raise SolverError(
            f"a policy gives the probabilities of {len(every)} moves, at least 0, with sum 1; "
            f"got {values}"
        )
    return [(value / total, move) for value, move in zip(values, every, strict=True) if value > 0]


def assistant_table(
    table: Mapping[InformationSet, AssistantMove | Sequence[float]],
) -> AssistantMix:
    """Return the policy that a table over information sets describes.

    Args:
        table: For every history that can occur, a move or the probabilities of all seven.

    Raises:
        SolverError: On use, at a history that the table lacks.
    """

    def mix(view: AssistantView) -> Sequence[tuple[float, AssistantMove]]:
        if view.history not in table:
            raise SolverError(
                f"the table must have every history that can occur; it lacks {view.history}"
            )
        entry = table[view.history]
        if isinstance(entry, AssistantMove):
            return ((1.0, entry),)
        return weighted(AssistantMove, entry)

    return mix
