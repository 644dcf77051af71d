"""Where a conversation stands, as plain numbers, and what the user may do there."""

from __future__ import annotations

from typing import Any, NamedTuple

from gtalign_env.core.moves import (
    ACCEPT,
    DQ,
    FOLLOW_UP,
    LEAVE,
    NO_MOVE,
    ONGOING,
    REPLY,
    VQ,
    AssistantMove,
    Ending,
    UserMove,
)
from gtalign_env.core.records import Count, Short, Small, whole
from gtalign_env.draws import USER, Seat

_SEATS, _USER_MOVES = tuple(Seat), tuple(UserMove)
_ASSISTANT_MOVES, _ENDINGS = tuple(AssistantMove), tuple(Ending)


class State(NamedTuple):
    """Where a conversation stands: plain numbers, and properties that name them."""

    seat: Small = USER
    """Who is to move, a `Seat`."""
    exchange: Short = -1
    """Index of the exchange under way, from 0; −1 before the opening."""
    said: Small = NO_MOVE
    """The user's last move."""
    answered: Small = NO_MOVE
    """The assistant's last move."""
    informed: bool = False
    """Whether the assistant has been told what is meant. Both sides can tell from the messages."""
    right: bool = False
    """Whether the last answer is right. The user sees it, the assistant does not."""
    questions: Short = 0
    tries: Short = 0
    """How often the user has tried again after a wrong answer."""
    message: Count = 0
    """Tokens of the user message that is waiting for its answer."""
    context: Count = 0
    """Input tokens of the last exchange: cached in the next one."""
    output: Count = 0
    """Output tokens of the last exchange: part of the context of the next one."""
    total_input: Count = 0
    total_output: Count = 0
    total_reasoning: Count = 0
    """Delivered so far, tokens."""
    running: int = 0
    """Sum of the increments so far, pico-USD: the charge before minimum and cap."""
    charged: int = 0
    """Paid by the user so far, pico-USD."""
    cost: int = 0
    """Borne by the provider so far, pico-USD."""
    ended: Small = ONGOING
    """How it ended, an `Ending`."""

    @property
    def to_move(self) -> Seat:
        """Who is to move."""
        return _SEATS[self.seat]

    @property
    def user_move(self) -> UserMove | None:
        """The user's last move; None before the opening."""
        return None if self.said < 0 else _USER_MOVES[self.said]

    @property
    def assistant_move(self) -> AssistantMove | None:
        """The assistant's last move; None before its first."""
        return None if self.answered < 0 else _ASSISTANT_MOVES[self.answered]

    @property
    def ending(self) -> Ending | None:
        """How it ended; None while it goes on."""
        return None if self.ended < 0 else _ENDINGS[self.ended]


BEFORE = State()
"""Where every conversation begins."""


_LEGAL_COUNT = (2, 3, 3, 3, 2, 3, 3, 3)  # by the assistant's last move, from NO_MOVE on
_LEGAL = (
    (VQ, DQ, NO_MOVE),
    *((ACCEPT, FOLLOW_UP, LEAVE),) * 3,
    (REPLY, LEAVE, NO_MOVE),
    *((REPLY, ACCEPT, LEAVE),) * 3,
)


def legal_count(answered: int) -> int:
    """Return how many moves the user has.

    Args:
        answered: The assistant's last move.
    """
    return _LEGAL_COUNT[answered + 1]


def legal_move(answered: int, k: int) -> int:
    """Return the user's k-th legal move: open, then answer, accept, ask on or leave."""
    return _LEGAL[answered + 1][k]


_LEGAL_MOVES = tuple(
    tuple(UserMove(legal_move(answered, k)) for k in range(legal_count(answered)))
    for answered in (NO_MOVE, *AssistantMove)
)


def legal_user_moves(state: State) -> tuple[UserMove, ...]:
    """Return what the user may do: open, then answer, accept, ask on or leave."""
    return _LEGAL_MOVES[state.answered + 1]


def state_of(record: Any) -> State:
    """Return the state that a record keeps, all whole numbers of one size again."""
    return State(
        seat=whole(record.seat),
        exchange=whole(record.exchange),
        said=whole(record.said),
        answered=whole(record.answered),
        informed=record.informed,
        right=record.right,
        questions=whole(record.questions),
        tries=whole(record.tries),
        message=whole(record.message),
        context=whole(record.context),
        output=whole(record.output),
        total_input=whole(record.total_input),
        total_output=whole(record.total_output),
        total_reasoning=whole(record.total_reasoning),
        running=record.running,
        charged=record.charged,
        cost=record.cost,
        ended=whole(record.ended),
    )


def keep_state(record: Any, state: State) -> None:
    """Write a state into its record."""
    record.seat = state.seat
    record.exchange = state.exchange
    record.said = state.said
    record.answered = state.answered
    record.informed = state.informed
    record.right = state.right
    record.questions = state.questions
    record.tries = state.tries
    record.message = state.message
    record.context = state.context
    record.output = state.output
    record.total_input = state.total_input
    record.total_output = state.total_output
    record.total_reasoning = state.total_reasoning
    record.running = state.running
    record.charged = state.charged
    record.cost = state.cost
    record.ended = state.ended
