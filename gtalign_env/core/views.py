"""What each seat may know: observations are built from these allow-lists and from nothing else."""

from __future__ import annotations

from typing import NamedTuple

from gtalign_env.core.moves import AssistantMove, UserMove
from gtalign_env.core.rules import State
from gtalign_env.core.spec import GameSpec
from gtalign_env.persona import UserType


class InformationSet(NamedTuple):
    """What the assistant can tell apart when it moves: the public history of the conversation."""

    style: int
    """How the user visibly writes, an index into STYLES."""
    user_moves: tuple[UserMove, ...]
    assistant_moves: tuple[AssistantMove, ...]
    """All moves so far, the user's last one included."""
    informed: bool
    """Whether the messages so far say what is meant."""


class AssistantView(NamedTuple):
    """Public knowledge: the game, the history, and what has been billed."""

    spec: GameSpec
    history: InformationSet
    exchange: int
    questions: int
    message: int
    """Tokens of the user message to answer."""
    total_output: int
    charged: int
    """Billed so far, pico-USD."""
    cost: int
    """The provider's own cost so far, pico-USD."""
    total_input: int
    total_reasoning: int
    """Billed so far, tokens: what a tier counts, with the output."""


class UserView(NamedTuple):
    """What the user knows: its own type, whether the last answer is right, and all that is public."""

    public: AssistantView
    who: UserType
    state: State


def assistant_view(spec: GameSpec, history: InformationSet, state: State) -> AssistantView:
    """Return what the assistant may know of a state: a copy of the public fields."""
    return AssistantView(
        spec=spec,
        history=history,
        exchange=state.exchange,
        questions=state.questions,
        message=state.message,
        total_output=state.total_output,
        charged=state.charged,
        cost=state.cost,
        total_input=state.total_input,
        total_reasoning=state.total_reasoning,
    )
