"""The steps of the compiled dynamic program of `gtalign_env.core.descent`, over records and arrays.

1. At a place, make each of the seven moves with all particles. What ends is gained at once.
2. The others go on to at most four places: the user replies or follows up, informed or not.
3. Solve these one after another, add them up, and keep the best move (ties: the first).
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from gtalign_env.core.moves import FOLLOW_UP, ONGOING, REPLY, asks
from gtalign_env.core.numbers import p_right
from gtalign_env.core.plans import N_ANSWERS, default_reply
from gtalign_env.core.records import Count
from gtalign_env.core.rules import State, after_assistant, after_user
from gtalign_env.core.state import keep_state, state_of
from gtalign_env.welfare import joint_welfare

PLACES = 4
"""What a move leads to: the user replies or follows up, uninformed or informed."""


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
