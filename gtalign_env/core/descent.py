"""The assistant's dynamic program against the default user, compiled: the work of an oracle or response.

What `gtalign_env.core.oracle` and `gtalign_env.core.best_response` do with objects, place by place, is
done here over arrays of particles, with the same functions as rules, in the same order: so with the
same sums, to the last bit. A place is reached by one route here, so an information set may come twice.

`gtalign_env.core.descent_steps` is what is compiled.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from gtalign_env.core.compiled import compiled
from gtalign_env.core.descent_steps import PLACES, Found, Mote, Shelf, descend, try_move
from gtalign_env.core.moves import AssistantMove, UserMove
from gtalign_env.core.numbers import Numbers
from gtalign_env.core.plans import N_ANSWERS
from gtalign_env.core.records import packed, record_dtype
from gtalign_env.core.rules import State
from gtalign_env.core.spec import GameSpec
from gtalign_env.persona import UserType
from gtalign_env.welfare import WelfareNumbers

SMALL = 100_000
"""Moves of particles below which compiling, or loading what was compiled, is not worth its while."""

WELFARE, OWN = 0, 2
"""What is maximised: W or L, by its place among the three expectations of a `Value`."""


class Place(NamedTuple):
    """A solved place."""

    user_moves: tuple[UserMove, ...]
    """After the opening."""
    assistant_moves: tuple[AssistantMove, ...]
    informed: bool
    since: int
    """The exchange since which it has been informed; −1 if it is not."""
    best: AssistantMove
    values: tuple[float, ...]
    """The objective of each move, times the probability of the place."""
    never: float
    """The most W of play that never asks from here on, likewise."""
    reach: float


Particles = Sequence[tuple[float, UserType, State, float, float]]


def most_places(max_exchanges: int) -> int:
    """Return how many places one opening can lead to, at most."""
    uninformed, informed, count = 1, 1, 0
    for _ in range(max_exchanges):
        count += uninformed + informed
        uninformed, informed = 4 * uninformed, N_ANSWERS * (uninformed + informed)
    return count


def is_large(spec: GameSpec, openings: Iterable[Particles]) -> bool:
    """Return whether a game is large enough to be solved by compiled code."""
    moves = most_places(spec.max_exchanges) * N_ANSWERS
    return sum(map(len, openings)) * moves > SMALL


def solve_opening(
    spec: GameSpec, informed: bool, particles: Particles, objective: int, *, apart: bool
) -> tuple[tuple[float, float, float], Iterator[Place]]:
    """Return what an opening is worth, and every place that it leads to.

    Args:
        spec: The game.
        informed: Whether the opening says what is meant.
        particles: What is possible there: probability, type, state, U and L so far.
        objective: `WELFARE` or `OWN`.
        apart: Whether what ends with the user's move is added up apart, as a best response does.

    Returns:
        Sums of W, U and L under the best play; and the places, later ones first.
    """
    levels, n = spec.max_exchanges, len(particles)
    index: dict[UserType, int] = {}
    rows = [
        Mote(p, index.setdefault(who, len(index)), user, assistant, state)
        for p, who, state, user, assistant in particles
    ]
    shelf = Shelf(
        motes=np.zeros((levels + 1, PLACES, n), record_dtype(Mote, 1)),
        counts=np.zeros((levels + 1, PLACES), np.int64),
        order=np.zeros((levels + 1, PLACES), np.int64),
        met=np.zeros(levels + 1, np.int64),
        values=np.zeros((levels + 1, N_ANSWERS, 4)),
        move=np.zeros(levels + 1, np.int64),
        part=np.zeros(levels + 1, np.int64),
        at=np.zeros(levels + 1, np.int64),
    )
    place = int(informed)
    shelf.motes[0, place] = _motes(rows)
    shelf.counts[0, place] = n
    shelf.at[0] = place
    most = most_places(levels)
    found = Found(
        np.full((most, levels, 2), -1, np.int8),
        np.zeros((most, N_ANSWERS)),
        np.zeros(most),
        np.zeros(most, np.int8),
        np.zeros(most),
    )
    means = spec.means
    lengths = np.array([means.system, means.reasoning, *means.messages, *means.outputs])
    whole = _kernel()(
        packed(Numbers, [spec.numbers]),
        packed(WelfareNumbers, [spec.welfare.numbers]),
        packed(UserType, list(index)),
        lengths,
        shelf,
        found,
        objective,
        apart,
    )
    best = int(found.best[whole - 1])
    return tuple(shelf.values[0, best, :3].tolist()), _places(found, whole, informed)


def _motes(rows: Sequence[Mote]) -> Any:
    plain = [(*row[:4], tuple(row.state)) for row in rows]
    return np.array(plain, record_dtype(Mote, 1))


def _places(found: Found, count: int, informed: bool) -> Iterator[Place]:
    moves, replies = tuple(AssistantMove), (UserMove.REPLY, UserMove.FOLLOW_UP)
    for path, values, never, best, reach in zip(
        found.path[:count].tolist(),
        found.values[:count].tolist(),
        found.never[:count].tolist(),
        found.best[:count].tolist(),
        found.reach[:count].tolist(),
        strict=True,
    ):
        steps = [(move, place) for move, place in path if move >= 0]
        knows = [informed, *(bool(place % 2) for _, place in steps)]
        yield Place(
            tuple(replies[place // 2] for _, place in steps),
            tuple(moves[move] for move, _ in steps),
            knows[-1],
            knows.index(True) if True in knows else -1,
            moves[best],
            tuple(values),
            never,
            reach,
        )


@cache
def _kernel() -> Any:
    (kernel,) = compiled(descend, apart=(try_move,))
    return kernel
