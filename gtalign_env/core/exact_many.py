"""Exact payoffs of many games at once: what `gtalign_env.core.exact` walks as a tree, as a line.

Between an opening and a plan only two things are left to chance: whether an answer is right, and
whether a reply settles the meaning. A right answer is accepted and ends the conversation, and what
is said and paid up to then does not depend on the second. So all conversations that go on are in
one state, but for being informed, and their tree is a line with an exit at every answer:

1. Keep the probability of going on informed and of going on uninformed.
2. Make the user's move; a reply or a definite message moves probability to the informed.
3. Make the assistant's; what is right by then is accepted and leaves, the rest goes on.

The rules are the same functions, compiled. Lengths stand at their means.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from gtalign_env.core.compiled import compiled
from gtalign_env.core.exact import MOST_TYPES
from gtalign_env.core.moves import ACCEPT, CQ, DQ, FOLLOW_UP, ONGOING, REPLY, verbosity
from gtalign_env.core.numbers import Numbers
from gtalign_env.core.plans import ASSISTANT_PLANS, USER_PLANS, default_reply, plan_move
from gtalign_env.core.records import packed
from gtalign_env.core.rules import BEFORE, State, after_assistant, after_user
from gtalign_env.core.spec import GameSpec
from gtalign_env.games.normal_form import FloatArray
from gtalign_env.money import to_usd
from gtalign_env.persona import UserType

MEASURES = ("user", "assistant", "charge", "cost", "tokens")
"""What is averaged: U and L in points, charge and cost in USD, visible output in tokens."""

T = TypeVar("T")

N_LENGTHS = 6 + len(ASSISTANT_PLANS)
"""System prompt, reasoning, four messages, and an output for each of the assistant's moves."""

_SHAPE = (len(USER_PLANS), len(ASSISTANT_PLANS))


def payoffs_of_many(
    specs: Sequence[GameSpec], most_types: int = MOST_TYPES
) -> dict[str, FloatArray]:
    """Return the expected payoffs, charge, cost and output of every pair of plans, by measure.

    To rounding what `gtalign_env.core.exact.normal_form` gives, at a hundredth of its time. The first
    call in a new installation compiles, which takes some seconds.

    Args:
        specs: The games.
        most_types: Types per persona that stand in for continuous distributions.

    Returns:
        For each of `MEASURES` an array of shape ``(N, 2, 7)``.
    """
    # a study's games share most of their parts: each is unfolded and packed once
    games, game = _shared(specs, _rules_key, lambda spec: spec.numbers._replace(lengths=()))
    lengths, length = _shared(specs, lambda spec: id(spec.lengths), _lengths)
    types, population = _shared(
        specs, lambda spec: id(spec.population), lambda spec: spec.population.types(most_types)
    )
    out = np.zeros((len(MEASURES), len(specs), *_SHAPE))
    _kernel()(
        packed(Numbers, games),
        np.array(lengths, dtype=np.int64).reshape(len(lengths), N_LENGTHS),
        packed(UserType, [who for found in types for _, who in found]),
        np.array([weight for found in types for weight, _ in found]),
        np.cumsum([0, *(len(found) for found in types)]),
        np.stack([game, length, population], axis=1),
        out,
    )
    return dict(zip(MEASURES, out, strict=True))


def _rules_key(spec: GameSpec) -> Hashable:
    """Return what tells the rules of two games apart."""
    return (
        id(spec.regime),
        spec.cost,
        spec.margin_weight,
        spec.retention,
        spec.churn,
        spec.interpretations,
        spec.p_correct,
        spec.reply_clarity,
        spec.coverage,
        spec.quality,
        spec.max_exchanges,
    )


def _shared(
    specs: Sequence[GameSpec], key: Callable[[GameSpec], Hashable], make: Callable[[GameSpec], T]
) -> tuple[list[T], NDArray[np.int64]]:
    """Return what is made of the games that differ by a key, and which of them each game has."""
    seen: dict[Hashable, int] = {}
    made: list[T] = []
    which = []
    for spec in specs:
        index = seen.setdefault(key(spec), len(seen))
        if index == len(made):
            made.append(make(spec))
        which.append(index)
    return made, np.array(which, dtype=np.int64)


def _lengths(spec: GameSpec) -> tuple[int, ...]:
    """Return the system prompt, the reasoning, the four messages and the seven outputs, tokens."""
    means = spec.means
    messages = (means.messages[move] for move in (*USER_PLANS, REPLY, FOLLOW_UP))
    return (means.system, means.reasoning, *messages, *means.outputs)


@cache
def _kernel() -> Any:
    (kernel,) = compiled(all_cells)
    return kernel


def all_cells(
    games: Any, lengths: Any, people: Any, weights: Any, first: Any, parts: Any, out: Any
) -> None:
    """Add up the measures of every game, type, opening and plan.

    Args:
        games: Records of `Numbers`.
        lengths: See `_lengths`, shape ``(L, N_LENGTHS)``, tokens.
        people: Records of types, population by population, shape ``(T,)``.
        weights: Of the types, shape ``(T,)``.
        first: Index of each population's first type, and T at the end.
        parts: Which of the games, lengths and populations each game has, shape ``(N, 3)``.
        out: Where to add, shape ``(measures, N, 2, 7)``.
    """
    for g in range(len(parts)):
        game, tokens = games[parts[g, 0]], lengths[parts[g, 1]]
        for t in range(first[parts[g, 2]], first[parts[g, 2] + 1]):
            for i in range(out.shape[2]):
                for j in range(out.shape[3]):
                    walk(game, tokens, people[t], weights[t], i, j, out[:, g, i, j])


def message_of(lengths: Any, move: int) -> int:
    """Return the length of a user's message; 0 for a move that writes none; see `_lengths`."""
    if move == REPLY:
        return int(lengths[4])
    if move == FOLLOW_UP:
        return int(lengths[5])
    return int(lengths[2 + move]) if move <= DQ else 0


def walk(
    game: Any, lengths: Any, who: Any, weight: float, opening: int, plan: int, cell: Any
) -> None:
    """Add the measures of one cell, for one type.

    Args:
        game: The game as numbers.
        lengths: See `_lengths`, shape ``(N_LENGTHS,)``.
        who: The type.
        weight: Its weight.
        opening: The user's first move.
        plan: The assistant's.
        cell: Where to add, shape ``(measures,)``.
    """
    informed, uninformed = 0.0, weight
    user, assistant = 0.0, 0.0
    state = BEFORE
    while True:
        move = opening if state.exchange < 0 else default_reply(who, state, game.max_exchanges)
        step = after_user(game, who, state, move, False, message_of(lengths, move))
        user, assistant, state = user + step.user, assistant + step.assistant, step.state
        if state.ended != ONGOING:
            add(cell, informed + uninformed, user, assistant, state)
            return
        settled = game.reply_clarity if move == REPLY else 1.0 if move in (DQ, FOLLOW_UP) else 0.0
        informed, uninformed = informed + settled * uninformed, (1.0 - settled) * uninformed
        move = plan_move(plan, state.exchange)
        right, guessed = 0.0, 0.0
        if move != CQ:
            level = verbosity(move)
            right = game.p_correct * game.quality[level]
            guessed = right * game.covers[level]
        accepted = informed * right + uninformed * guessed
        output = lengths[6 + move]
        if accepted > 0.0:
            good = after_assistant(game, who, state, move, True, lengths[0], output, lengths[1])
            if good.state.ended == ONGOING:
                last = after_user(game, who, good.state, ACCEPT, False, 0)
                add(
                    cell,
                    accepted,
                    user + good.user + last.user,
                    assistant + good.assistant + last.assistant,
                    last.state,
                )
        step = after_assistant(game, who, state, move, False, lengths[0], output, lengths[1])
        user, assistant, state = user + step.user, assistant + step.assistant, step.state
        if state.ended != ONGOING:  # broke, whether the answer would have been right or not
            add(cell, informed + uninformed, user, assistant, state)
            return
        informed, uninformed = informed * (1.0 - right), uninformed * (1.0 - guessed)
        if informed + uninformed <= 0.0:
            return


def add(cell: Any, mass: float, user: float, assistant: float, state: State) -> None:
    """Add the measures of the conversations that end in a state.

    Args:
        cell: Where to add, shape ``(measures,)``.
        mass: Their probability.
        user: U, points.
        assistant: L, points.
        state: How they end.
    """
    cell[0] += mass * user
    cell[1] += mass * assistant
    cell[2] += mass * to_usd(state.charged)
    cell[3] += mass * to_usd(state.cost)
    cell[4] += mass * state.total_output
