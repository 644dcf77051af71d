"""The moves of both seats, and the ways a conversation ends (docs: the game, section Moves)."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from gtalign_env.draws import Seat

VERBOSITIES = ("concise", "standard", "verbose")

STYLES = ("plain", "terse", "chatty")
"""The visible ways a persona writes; a hint at the latent type, never the type itself."""


class UserMove(IntEnum):
    """What a user can do: open with a query, then answer, accept, ask on, or leave."""

    VQ = 0
    DQ = 1
    REPLY = 2
    ACCEPT = 3
    FOLLOW_UP = 4
    LEAVE = 5

    @property
    def label(self) -> str:
        """The move's name, as printed everywhere."""
        return self.name

    @property
    def writes(self) -> bool:
        """Whether the move is a message, and so opens an exchange."""
        return writes(self)


class AssistantMove(IntEnum):
    """What an assistant can do: answer, ask, or both, at a verbosity."""

    DA_CONCISE = 0
    DA_STANDARD = 1
    DA_VERBOSE = 2
    CQ = 3
    AQ_CONCISE = 4
    AQ_STANDARD = 5
    AQ_VERBOSE = 6

    @property
    def label(self) -> str:
        """The move's name, as printed everywhere: ``DA:concise``, ``CQ``, ``AQ:verbose`` ..."""
        kind, _, verbosity = self.name.partition("_")
        return f"{kind}:{verbosity.lower()}" if verbosity else kind

    @property
    def verbosity(self) -> int | None:
        """Index into `VERBOSITIES`, or None for the pure question."""
        return verbosity(self) if answers(self) else None

    @property
    def answers(self) -> bool:
        """Whether the message holds an answer."""
        return answers(self)

    @property
    def asks(self) -> bool:
        """Whether the message holds a question."""
        return asks(self)


# The moves as plain numbers, for the rules, which are compiled over batches too.
VQ, DQ, REPLY, ACCEPT, FOLLOW_UP, LEAVE = (int(move) for move in UserMove)
CQ = int(AssistantMove.CQ)
NO_MOVE = -1
"""Stands where nobody has moved yet."""


def answers(move: int) -> bool:
    """Return whether an assistant's message holds an answer."""
    return move != CQ


def asks(move: int) -> bool:
    """Return whether an assistant's message holds a question."""
    return move >= CQ


def verbosity(move: int) -> int:
    """Return the index into `VERBOSITIES` of an assistant's answer; 0 for the pure question."""
    if move < CQ:
        return move
    return move - CQ - 1 if move > CQ else 0


def writes(move: int) -> bool:
    """Return whether a user's move is a message, and so opens an exchange."""
    return move not in (ACCEPT, LEAVE)


class Ending(IntEnum):
    """How a conversation ended; exactly one of these, once."""

    ACCEPTED = 0
    LEFT = 1
    BROKE = 2
    TRUNCATED = 3
    FAULT = 4


def in_turn(
    user_moves: Sequence[UserMove], assistant_moves: Sequence[AssistantMove]
) -> list[tuple[Seat, UserMove | AssistantMove]]:
    """Return the moves of both seats in the order they were made: the user opens, then by turns."""
    out: list[tuple[Seat, UserMove | AssistantMove]] = []
    for index, move in enumerate(user_moves):
        out.append((Seat.USER, move))
        out += [(Seat.ASSISTANT, answer) for answer in assistant_moves[index : index + 1]]
    return out


ACCEPTED, LEFT, BROKE, TRUNCATED, FAULT = (int(ending) for ending in Ending)
ONGOING = -1
"""Stands where a conversation has not ended."""

ASSISTANT_LABELS = tuple(move.label for move in AssistantMove)
USER_LABELS = tuple(move.label for move in UserMove)


def assistant_move(label: str) -> AssistantMove:
    """Return the assistant move of that label.

    Raises:
        ValueError: No move has this label.
    """
    for move in AssistantMove:
        if move.label == label:
            return move
    raise ValueError(f"an assistant move is one of {', '.join(ASSISTANT_LABELS)}; got {label!r}")
