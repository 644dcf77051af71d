"""The conversation tree: every chance outcome of a pair of policies, with its probability.

The expectation that every exact number of this package rests on. The tree is small: the default
user is deterministic, so only correctness and reply clarity branch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from gtalign_env.core.moves import AssistantMove, UserMove
from gtalign_env.core.rules import State, Step, assistant_step, user_step
from gtalign_env.core.spec import GameSpec
from gtalign_env.draws import Seat
from gtalign_env.persona import UserType

UserPolicy = Callable[[UserType, State, int], UserMove]
"""Maps (type, state, max_exchanges) to a move; the user sees the whole state."""

AssistantPolicy = Callable[[State], AssistantMove]
"""Maps a state to a move; must look at public fields only."""


class Leaf(NamedTuple):
    """One way a conversation can go: its probability, both welfares in points, the last state."""

    probability: float
    user: float
    assistant: float
    state: State


def user_outcomes(
    spec: GameSpec, who: UserType, state: State, move: UserMove
) -> list[tuple[float, Step]]:
    """Return the (probability, step) pairs of a user move; lengths at their means."""
    message = spec.means.messages[move]
    clarity = spec.reply_clarity if move is UserMove.REPLY and not state.informed else 1.0
    outcomes = ((clarity, True), (1.0 - clarity, False))
    return [
        (p, user_step(spec, who, state, move, settled=settled, message=message))
        for p, settled in outcomes
        if p > 0.0
    ]


def assistant_outcomes(
    spec: GameSpec, who: UserType, state: State, move: AssistantMove
) -> list[tuple[float, Step]]:
    """Return the (probability, step) pairs of an assistant move; lengths at their means."""
    p_right = spec.p_right(move, state.informed)
    lengths = {
        "system": spec.means.system,
        "output": spec.means.outputs[move],
        "reasoning": spec.means.reasoning,
    }
    return [
        (p, assistant_step(spec, who, state, move, right=right, **lengths))
        for p, right in ((p_right, True), (1.0 - p_right, False))
        if p > 0.0
    ]


def leaves(
    spec: GameSpec,
    who: UserType,
    opening: UserMove,
    user: UserPolicy,
    assistant: AssistantPolicy,
) -> Iterator[Leaf]:
    """Yield every way the conversation can go between two deterministic policies.

    Args:
        spec: The game.
        who: The user's type.
        opening: The user's first move.
        user: The user's policy from then on.
        assistant: The assistant's policy.
    """
    stack = [Leaf(1.0, 0.0, 0.0, State())]
    while stack:
        leaf = stack.pop()
        state = leaf.state
        if state.ending is not None:
            yield leaf
            continue
        if state.to_move is Seat.ASSISTANT:
            outcomes = assistant_outcomes(spec, who, state, assistant(state))
        elif state.exchange < 0:
            outcomes = user_outcomes(spec, who, state, opening)
        else:
            outcomes = user_outcomes(spec, who, state, user(who, state, spec.max_exchanges))
        stack += [
            Leaf(
                leaf.probability * p,
                leaf.user + step.user,
                leaf.assistant + step.assistant,
                step.state,
            )
            for p, step in outcomes
        ]
