"""What came of one episode of a run: a line of its ``episodes.jsonl``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

SCHEMA = 1
"""Version of the lines of a run's logs."""

UNSURE = ("estimate", "disputed")
"""Sources of a usage that are no count, or one that differs from our own."""


@dataclass(frozen=True)
class Fault:
    """Why an episode has no result.

    Attributes:
        kind: What failed, such as ``timeout``.
        seat: Whose model it was, ``user`` or ``assistant``.
        attempts: How often it was tried.
        message: What came, without keys or texts of the conversation.
    """

    kind: str
    seat: str
    attempts: int
    message: str = ""


class Side(NamedTuple):
    """What a seat's messages in words came of."""

    messages: int
    labels: tuple[str, ...]
    """What is wrong with them, by name, in order."""
    calls: int
    """Completed calls of a model."""
    estimated: int
    """Calls whose tokens nobody counted, or not as we do."""
    usage: tuple[int, int, int, int]
    """Tokens of all calls: input, cached input, output, reasoning."""
    wrong: int = 0
    """Messages with at least one label that is an error."""
    typed: tuple[str, ...] = ()
    """Who has typed the move of each message, where a judge was there to be asked."""

    @classmethod
    def of(
        cls,
        messages: int,
        labels: Iterable[str],
        calls: int,
        estimated: int,
        usage: Iterable[int],
        wrong: int,
        typed: Iterable[str],
    ) -> Side:
        """Return one of what JSON has: lists in the place of tuples.

        Raises:
            ValueError: The usage is not of four kinds of tokens.
        """
        sent, cached, written, hidden = usage
        used = (sent, cached, written, hidden)
        return cls(messages, tuple(labels), calls, estimated, used, wrong, tuple(typed))


class Written(NamedTuple):
    """What a four-block turn of an assistant says before its response, with what was played."""

    turn: int
    """Which of the assistant's turns, from 0."""
    user: str
    """Label of the message that it answers."""
    move: str
    """Label of the move that its response is read as."""
    own: tuple[float, ...]
    """The matrix as the model wrote it, see `gtalign_agents.calibration.values`."""
    standing: tuple[float, ...]
    """The matrix that the rest of the turn went on from."""
    announced: str | None
    """The cell that its analysis names."""

    @classmethod
    def of(
        cls,
        turn: int,
        user: str,
        move: str,
        own: Iterable[float],
        standing: Iterable[float],
        announced: str | None,
    ) -> Written:
        """Return one of what JSON has: lists in the place of tuples."""
        return cls(turn, user, move, tuple(own), tuple(standing), announced)


@dataclass(frozen=True)
class Episode:
    """The result of one episode, one line of ``episodes.jsonl``.

    Attributes:
        episode: Its index.
        regime: What the user paid by.
        persona: Who the user was.
        ending: How it ended.
        user: U, points; what had been gained so far, after a fault.
        assistant: L, likewise.
        welfare: W(U, L); None after a fault.
        charged: Billed, pico-USD.
        cost: Borne by the provider, pico-USD.
        output: Visible tokens delivered.
        reasoning: Hidden tokens delivered.
        user_moves: Labels.
        assistant_moves: Labels.
        fault: What failed, if anything did.
        words: What the user's and the assistant's messages came of; None for a game by moves.
        written: The well-formed four-block turns.
        right: Whether a right answer was accepted; None in logs from before this was kept.
    """

    episode: int
    regime: str
    persona: str
    ending: str
    user: float
    assistant: float
    welfare: float | None
    charged: int
    cost: int
    output: int
    reasoning: int
    user_moves: tuple[str, ...]
    assistant_moves: tuple[str, ...]
    fault: Fault | None = None
    words: tuple[Side, Side] | None = None
    written: tuple[Written, ...] = ()
    right: bool | None = None

    def to_data(self) -> dict[str, Any]:
        """Return the episode as plain JSON data."""
        data = {"v": SCHEMA, **asdict(self)}
        if self.words is None:
            del data["words"]
        else:
            data["words"] = [side._asdict() for side in self.words]
        if self.written:
            data["written"] = [list(one) for one in self.written]
        else:
            del data["written"]
        return data

    @classmethod
    def from_data(cls, data: Any) -> Episode | None:
        """Return the episode of a line, or None where it is a line of another kind or version.

        Args:
            data: A record of the log.
        """
        if not isinstance(data, dict) or data.get("v") != SCHEMA or "episode" not in data:
            return None
        fields = {key: value for key, value in data.items() if key != "v"}
        try:
            fields["user_moves"] = tuple(fields["user_moves"])
            fields["assistant_moves"] = tuple(fields["assistant_moves"])
            fields["fault"] = None if fields["fault"] is None else Fault(**fields["fault"])
            if "words" in fields:
                user, assistant = (Side.of(**side) for side in fields["words"])
                fields["words"] = (user, assistant)
            fields["written"] = tuple(Written.of(*one) for one in fields.get("written", ()))
            return cls(**fields)
        except (KeyError, TypeError, ValueError):
            return None
