"""The assistant's dynamic program against the default user, compiled: the work of an oracle or response.

What `gtalign_env.core.oracle` and `gtalign_env.core.best_response` do with objects, place by place, is
done here over arrays of particles, with the same functions as rules, in the same order: so with the
same sums, to the last bit. A place is reached by one route here, so an information set may come twice.

1. At a place, make each of the seven moves with all particles. What ends is gained at once.
2. The others go on to at most four places: the user replies or follows up, informed or not.
3. Solve these one after another, add them up, and keep the best move (ties: the first).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from gtalign_env.core.compiled import compiled
from gtalign_env.core.moves import FOLLOW_UP, ONGOING, REPLY, AssistantMove, UserMove, asks
from gtalign_env.core.numbers import Numbers, p_right
from gtalign_env.core.plans import N_ANSWERS, default_reply
from gtalign_env.core.records import Count, packed, record_dtype
from gtalign_env.core.rules import State, after_assistant, after_user
from gtalign_env.core.spec import GameSpec
from gtalign_env.core.state import keep_state, state_of
from gtalign_env.persona import UserType
from gtalign_env.welfare import WelfareNumbers, joint_welfare

SMALL = 100_000
"""Moves of particles below which compiling, or loading what was compiled, is not worth its while."""

PLACES = 4
"""What a move leads to: the user replies or follows up, uninformed or informed."""

WELFARE, OWN = 0, 2
"""What is maximised: W or L, by its place among the three expectations of a `Value`."""


class Mote(NamedTuple):
    """A particle as a record."""

    probability: float
    who: Count
    """Index of its type."""
    user: float
    assistant: float
    state: State


class Shelf(NamedTuple):
    """Room for the particles of one path down the tree; E levels of at most n particles a place."""

    motes: Any
    """Records of `Mote`, shape ``(E + 1, PLACES, n)``."""
    counts: Any
    """How many there are, shape ``(E + 1, PLACES)``."""
    order: Any
    """The places in the order in which they were met, likewise."""
    met: Any
    """How many were met, shape ``(E + 1,)``."""
    values: Any
    """Sums of each move, shape ``(E + 1, 7, 4)``: of W, U and L, and of W if nothing is asked later."""
    move: Any
    """Which move is being tried, shape ``(E + 1,)``; −1 before the first."""
    part: Any
    """Which of the places that it leads to is next, likewise."""
    at: Any
    """Which place of its level is being solved, likewise."""


class Found(NamedTuple):
    """What was found, one row a place, in the order in which places were solved."""

    path: Any
    """The moves and places on the way there, shape ``(V, E, 2)``; −1 beyond its depth."""
    values: Any
    """The objective of each move, times the probability of the place, shape ``(V, 7)``."""
    never: Any
    """The most W of play that never asks from here on, likewise, shape ``(V,)``."""
    best: Any
    """The chosen move, shape ``(V,)``."""
    reach: Any
    """The probability of the place, likewise."""


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


def descend(
    games: Any,
    welfare: Any,
    people: Any,
    lengths: Any,
    shelf: Any,
    found: Any,
    objective: int,
    apart: bool,
) -> int:
    """Solve a place and all that it leads to; returns how many places that are.

    Args:
        games: The game as numbers, shape ``(1,)``.
        welfare: Its joint welfare as numbers, likewise.
        people: The types.
        lengths: System prompt, reasoning, the user's messages and the assistant's, tokens.
        shelf: With the particles of the place on its first level.
        found: Where the places are written.
        objective: Which of the sums is maximised.
        apart: Whether what ends with the user's move is added up apart.
    """
    level, count = 0, 0
    shelf.move[0] = -1
    shelf.part[0] = shelf.met[1] = 0
    while True:
        if shelf.part[level] < shelf.met[level + 1]:
            # the next place that the move leads to
            shelf.at[level + 1] = shelf.order[level + 1, shelf.part[level]]
            shelf.part[level] += 1
            level += 1
            shelf.move[level] = -1
            shelf.part[level] = shelf.met[level + 1] = 0
            continue
        shelf.move[level] += 1
        shelf.part[level] = 0
        if shelf.move[level] < N_ANSWERS:
            move = shelf.move[level]
            try_move(games[0], welfare[0], people, lengths, shelf, level, move, apart)
            continue
        best = 0
        for move in range(1, N_ANSWERS):
            if shelf.values[level, move, objective] > shelf.values[level, best, objective]:
                best = move
        never = -math.inf
        for move in range(N_ANSWERS):
            if not asks(move):
                never = max(never, shelf.values[level, move, 3])
        found.never[count] = never
        note(shelf, found, level, count, best, objective)
        count += 1
        if level == 0:
            return count
        for k in range(3):
            shelf.values[level - 1, shelf.move[level - 1], k] += shelf.values[level, best, k]
        shelf.values[level - 1, shelf.move[level - 1], 3] += never
        shelf.met[level + 1] = 0
        level -= 1


def note(shelf: Any, found: Any, level: int, row: int, best: int, objective: int) -> None:
    """Write down what was found at a place."""
    for k in range(level):
        found.path[row, k, 0] = shelf.move[k]
        found.path[row, k, 1] = shelf.at[k + 1]
    for move in range(N_ANSWERS):
        found.values[row, move] = shelf.values[level, move, objective]
    found.best[row] = best
    reach, place = 0.0, shelf.at[level]
    for i in range(shelf.counts[level, place]):
        reach += shelf.motes[level, place, i].probability
    found.reach[row] = reach


def try_move(
    game: Any,
    welfare: Any,
    people: Any,
    lengths: Any,
    shelf: Any,
    level: int,
    move: int,
    apart: bool,
) -> None:
    """Make one move with all particles of a place, and sort what goes on.

    Args:
        game: The game as numbers.
        welfare: Its joint welfare as numbers.
        people: The types.
        lengths: See `descend`.
        shelf: The particles of the place, at its level; what goes on is put on the next.
        level: How many exchanges there were before.
        move: The move.
        apart: See `descend`.
    """
    gained = shelf.values[level, move]
    ends = (0.0, 0.0, 0.0)  # of those that end with the user's move
    for k in range(4):
        gained[k] = 0.0
    for k in range(PLACES):
        shelf.counts[level + 1, k] = 0
    shelf.met[level + 1] = 0
    here = shelf.at[level]
    for i in range(shelf.counts[level, here]):
        mote = shelf.motes[level, here, i]
        who, state = people[mote.who], state_of(mote.state)
        p_good = p_right(game, move, state.informed)
        for outcome in range(2):
            p = p_good if outcome == 0 else 1.0 - p_good
            if p <= 0.0:
                continue
            output = lengths[8 + move]
            step = after_assistant(
                game, who, state, move, outcome == 0, lengths[0], output, lengths[1]
            )
            probability = mote.probability * p
            user, assistant = mote.user + step.user, mote.assistant + step.assistant
            if step.state.ended != ONGOING:
                worth = probability * joint_welfare(welfare, user, assistant)
                gained[0] += worth
                gained[1] += probability * user
                gained[2] += probability * assistant
                continue
            reply = default_reply(who, step.state, game.max_exchanges)
            clarity = 1.0
            if reply == REPLY and not state.informed:
                clarity = game.reply_clarity
            for settled in range(2):
                q = clarity if settled == 0 else 1.0 - clarity
                if q <= 0.0:
                    continue
                then = after_user(game, who, step.state, reply, settled == 0, lengths[2 + reply])
                chance = probability * q
                u, v = user + then.user, assistant + then.assistant
                if then.state.ended != ONGOING:
                    worth = chance * joint_welfare(welfare, u, v)
                    if apart:
                        ends = (ends[0] + worth, ends[1] + chance * u, ends[2] + chance * v)
                    else:
                        gained[0] += worth
                        gained[1] += chance * u
                        gained[2] += chance * v
                    continue
                place = (2 if reply == FOLLOW_UP else 0) + (1 if then.state.informed else 0)
                count = shelf.counts[level + 1, place]
                if count == 0:
                    shelf.order[level + 1, shelf.met[level + 1]] = place
                    shelf.met[level + 1] += 1
                shelf.counts[level + 1, place] = count + 1
                after = shelf.motes[level + 1, place, count]
                after.probability, after.who = chance, mote.who
                after.user, after.assistant = u, v
                keep_state(after.state, then.state)
    if apart:
        for k in range(3):
            gained[k] += ends[k]
    gained[3] = gained[0]
