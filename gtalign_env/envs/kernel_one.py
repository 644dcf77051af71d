"""What is compiled for one environment, from one seat or with both seats open.

`gtalign_env.envs.batch.kernels` compiles the functions that take arrays; see `gtalign_env.envs.kernel`.
"""

from __future__ import annotations

from typing import Any

from gtalign_env.core.rules import BEFORE
from gtalign_env.core.state import keep_state, state_of
from gtalign_env.draws import ASSISTANT, USER
from gtalign_env.envs.chair import Report
from gtalign_env.envs.kernel import (
    assistant_plays,
    begin,
    is_legal,
    look,
    open_episode,
    show,
    step_chair,
    take,
    user_plays,
)


def open_one(
    plays: Any,
    people: Any,
    types: Any,
    chairs: Any,
    observation: Any,
    room: Any,
    episode: int,
) -> tuple[Any, ...]:
    """Begin an episode in the one environment of a batch; returns what `step_one` does.

    Args:
        plays: The games.
        people: The personas.
        types: The users' types.
        chairs: The environment, shape ``(1,)``.
        observation: Shape ``(N_ENTRIES,)``.
        room: Room for a type, shape ``(16,)``.
        episode: Its index.
    """
    chair = chairs[0]
    chair.episode = episode - 1
    open_episode(plays, people, types, chair, observation, room)
    return told_of(chair, Report(0.0, False, False, False))


def step_one(plays: Any, types: Any, chairs: Any, observation: Any, action: int) -> tuple[Any, ...]:
    """Step the one environment of a batch.

    Args:
        plays: The games.
        types: The users' types.
        chairs: The environment, shape ``(1,)``.
        observation: Shape ``(N_ENTRIES,)``.
        action: The move.

    Returns:
        The fields of a `Report`, how the conversation ended, what the own seat has gained in it,
        and the assistant's last move.
    """
    return told_of(chairs[0], step_chair(plays, types, chairs[0], observation, action))


def told_of(chair: Any, report: Report) -> tuple[Any, ...]:
    """Return what is told of a step of one environment."""
    gained = chair.user_return if chair.seat == USER else chair.assistant_return
    return (
        report.reward,
        report.terminated,
        report.truncated,
        report.refused,
        chair.state.ended,
        gained,
        chair.state.answered,
    )


def open_both(
    plays: Any, people: Any, types: Any, chairs: Any, observations: Any, room: Any, episode: int
) -> None:
    """Begin an episode in one environment with both seats open; nobody moves.

    Args:
        plays: The games.
        people: The personas.
        types: The users' types.
        chairs: The environment, shape ``(1,)``.
        observations: Of user and assistant, shape ``(2, N_ENTRIES)``.
        room: Room for a type, shape ``(16,)``.
        episode: Its index.
    """
    chair = chairs[0]
    chair.episode = episode - 1
    begin(plays, people, types, chair, room)
    play, who = plays[chair.play], types[chair.type_at]
    keep_state(chair.state, BEFORE)
    show(play, who, chair, BEFORE, observations[USER], USER)
    show(play, who, chair, BEFORE, observations[ASSISTANT], ASSISTANT)
    chair.shown = chair.play


def step_both(
    plays: Any, types: Any, chairs: Any, observations: Any, action: int
) -> tuple[Any, ...]:
    """Make the move of the seat whose turn it is.

    Args:
        plays: The games.
        types: The users' types.
        chairs: The environment, shape ``(1,)``; its episode is under way.
        observations: Of user and assistant, shape ``(2, N_ENTRIES)``.
        action: The move.

    Returns:
        Whether it is refused, the rewards of user and assistant, how the conversation ended, the
        assistant's last move, and what both have gained.
    """
    chair = chairs[0]
    game, who, state = plays[chair.play].game, types[chair.type_at], state_of(chair.state)
    user, assistant, refused = 0.0, 0.0, False
    if state.seat == ASSISTANT or is_legal(USER, state.answered, action):
        if state.seat == ASSISTANT:
            step = assistant_plays(game, who, chair, state, action)
        else:
            step = user_plays(game, who, chair, state, action)
        user, assistant = step.user, step.assistant
        state = take(chair, step)
        keep_state(chair.state, state)
        look(game, who, chair, state, observations[USER], USER)
        look(game, who, chair, state, observations[ASSISTANT], ASSISTANT)
    else:
        refused = True
    return (
        refused,
        user,
        assistant,
        state.ended,
        state.answered,
        chair.user_return,
        chair.assistant_return,
    )
