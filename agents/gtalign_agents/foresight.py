"""What the price says about the next exchange: charges of messages that nobody has written yet.

All numbers come from the rules themselves, at mean lengths, so every kind of pricing is understood.
"""

from __future__ import annotations

from gtalign_env.core.moves import AssistantMove, Ending, UserMove
from gtalign_env.core.rules import State
from gtalign_env.core.spec import GameSpec
from gtalign_env.core.tree import assistant_outcomes, user_outcomes
from gtalign_env.core.views import AssistantView
from gtalign_env.money import PICO_PER_USD
from gtalign_env.persona import UserType

ANYBODY = UserType(
    value=0.0,
    harm=0.0,
    conciseness=0.0,
    comfort_tokens=0,
    annoyance=0.0,
    tolerance=0,
    effort_vague=0.0,
    effort_definite=0.0,
    effort_reply=0.0,
    effort_follow_up=0.0,
    budget=1_000_000 * PICO_PER_USD,
    price_sensitivity=0.0,
    discount=1.0,
    persistence=0,
    outside_option=0.0,
    style=0,
)
"""A user who wants nothing and can pay for everything: who the assistant bills in its thoughts."""


def bills(spec: GameSpec, state: State) -> tuple[tuple[int, int], ...]:
    """Return the charge and the provider's cost of each assistant move now, pico-USD.

    Args:
        spec: The game.
        state: The assistant is to move.
    """
    out = []
    for move in AssistantMove:
        _, step = assistant_outcomes(spec, ANYBODY, state, move)[0]
        out.append((step.charge, step.state.cost - state.cost))
    return tuple(out)


def affordable(spec: GameSpec, who: UserType, state: State, move: UserMove) -> tuple[bool, ...]:
    """Return, for each assistant move, whether a user can pay for it in the exchange it opens.

    Args:
        spec: The game.
        who: The user's type.
        state: The user is to move.
        move: A message.
    """
    opened = user_outcomes(spec, who, state, move)[0][1].state
    if opened.ending is not None:
        return (False,) * len(AssistantMove)
    return tuple(
        all(
            step.state.ending is not Ending.BROKE
            for _, step in assistant_outcomes(spec, who, opened, answer)
        )
        for answer in AssistantMove
    )


def after_message(spec: GameSpec, state: State, move: UserMove) -> State:
    """Return where a user's message leads; a reply settles what is meant, if any can.

    Args:
        spec: The game.
        state: The user is to move.
        move: A message.
    """
    return user_outcomes(spec, ANYBODY, state, move)[0][1].state


def after_answer(spec: GameSpec, state: State, move: AssistantMove) -> State:
    """Return where an assistant's message leads, all delivered, rightness left to chance.

    Args:
        spec: The game.
        state: The assistant is to move.
        move: Any of the seven moves.
    """
    return assistant_outcomes(spec, ANYBODY, state, move)[0][1].state


def replayed(view: AssistantView) -> State:
    """Return the state that the public history leads to at mean lengths.

    Its private fields are a guess that no charge depends on.

    Args:
        view: What the assistant may know.
    """
    spec, history = view.spec, view.history
    state = State()
    for index, move in enumerate(history.user_moves):
        state = after_message(spec, state, move)
        if index < len(history.assistant_moves):
            state = after_answer(spec, state, history.assistant_moves[index])
    return state._replace(informed=history.informed)
