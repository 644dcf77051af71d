"""A user that replays recorded ones: their moves, and their words where these fit.

Records are lines of JSON: transcripts as `gtalign run` leaves them, or
``{"turns": [{"seat": "user", "move": "VQ", "text": "What is it?"}, ...]}``.

1. A record is chosen at the first message: the one of this very conversation (scenario hash, seed
   and episode), else one drawn with the seed and the number of the dialogue.
2. Message k does what message k of the record did. Where that is not legal, because the live talk
   has left the record, it does the nearest legal move: a reply and a follow-up stand for each
   other, and for an acceptance where nothing was answered (label ``off_log``). After the last
   message of the record the user leaves (``log_ended``).
3. The recorded words are said where the record is about the question of the live talk and they
   read as the move; else the bundled wording of the move (``reworded``, which is no error).

So it neither reads nor judges: it accepts a wrong answer where the recorded user accepted a right
one, and the guard says so. That is what makes it another kind of user than those that react.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gtalign_agents.backends.chat import Fault
from gtalign_agents.dialogue.guard import errors_of
from gtalign_agents.dialogue.speaker import Dialogue, Said
from gtalign_env.core.moves import UserMove
from gtalign_env.core.rules import legal_user_moves
from gtalign_env.draws import Seat, stream_key
from gtalign_env.envs.talk import Talk
from gtalign_env.errors import RunError, ScenarioError

REPLAY = "replay"
"""``replay@PATH`` is the user of the transcripts there."""

TRANSCRIPTS = "transcripts.jsonl"

_WORD = re.compile(r"\w{4,}")


class Message(NamedTuple):
    """One recorded message of a user."""

    move: UserMove
    text: str | None
    """What was said; None where only moves were recorded."""


class Record(NamedTuple):
    """The user's side of one recorded conversation."""

    messages: tuple[Message, ...]
    place: tuple[int, int] | None
    """Which conversation it is: the key of its draws, and its episode; None where that is not known."""


@dataclass(frozen=True)
class ReplayedUser:
    """Recorded users in the user's seat.

    Attributes:
        records: What they did, in the order of the file.
        seed: Draws a record where none is of the conversation itself.
    """

    records: tuple[Record, ...]
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.records:
            raise RunError("a user that replays needs at least one recorded conversation")

    @cached_property
    def _places(self) -> dict[tuple[int, int], Record]:
        return {one.place: one for one in self.records if one.place is not None}

    def speak(self, dialogues: Sequence[Dialogue]) -> list[Said | Fault]:
        """Return the next message of each."""
        return [self._say(dialogue, self.record(dialogue)) for dialogue in dialogues]

    def record(self, dialogue: Dialogue) -> Record:
        """Return the record that a dialogue replays.

        Args:
            dialogue: The dialogue; its index counts where a record is drawn.
        """
        draws = dialogue.talk.conversation.draws
        own = self._places.get((draws.key, draws.episode))
        if own is not None:
            return own
        rng = np.random.default_rng(np.random.SeedSequence([self.seed, dialogue.index]))
        return self.records[int(rng.integers(len(self.records)))]

    def _say(self, dialogue: Dialogue, record: Record) -> Said:
        talk = dialogue.talk
        legal = legal_user_moves(talk.conversation.state)
        spoken = len(dialogue.of(Seat.USER))
        if spoken >= len(record.messages):
            return _labelled(talk.word_user(UserMove.LEAVE), UserMove.LEAVE, dialogue, "log_ended")
        wanted, text = record.messages[spoken]
        move = nearest(wanted, legal)
        off = ("off_log",) if move is not wanted else ()
        fits = (
            text is not None
            and move is wanted
            and (not move.writes or is_about(record.messages[0].text or "", talk))
            and talk.read_user(text)[0] is move
        )
        if fits and text is not None:
            return _labelled(text, move, dialogue, *off)
        return _labelled(talk.word_user(move), move, dialogue, *off, "reworded")


def nearest(wanted: UserMove, legal: Sequence[UserMove]) -> UserMove:
    """Return the legal move that comes nearest to a recorded one.

    Args:
        wanted: What the record says.
        legal: What is possible; ``LEAVE`` always is, after the opening.
    """
    if wanted in legal:
        return wanted
    if UserMove.VQ in legal:
        return UserMove.VQ
    on = UserMove.REPLY if UserMove.REPLY in legal else UserMove.FOLLOW_UP
    return on if on in legal else UserMove.LEAVE


def is_about(opening: str, talk: Talk) -> bool:
    """Return whether a recorded opening asks what is asked in a talk: whether they share a word.

    Args:
        opening: The first message of a record.
        talk: The talk, with its question.
    """
    question = talk.question
    meant = [text for one in question.interpretations for text in (one.definite, one.meaning)]
    known = set(_WORD.findall(" ".join([question.vague, *meant]).casefold()))
    return not known.isdisjoint(_WORD.findall(opening.casefold()))


def _labelled(text: str, move: UserMove, dialogue: Dialogue, *more: str) -> Said:
    return Said(text, labels=(*errors_of(text, move, dialogue), *more))


def is_replayed(name: str) -> bool:
    """Return whether a name stands for a user that replays.

    Args:
        name: Who is to sit in the user's seat.
    """
    return name == REPLAY or name.startswith(f"{REPLAY}@")


def replayed_user(name: str, seed: int) -> ReplayedUser:
    """Return the user that a name like ``replay@runs/one`` stands for.

    Args:
        name: ``replay@`` and a run folder in words, or a file of transcripts.
        seed: Draws a record where none is of the conversation itself.

    Raises:
        ScenarioError: No path stands there.
        RunError: There are no transcripts, or a line is none.
    """
    path = name.partition("@")[2]
    if not path:
        raise ScenarioError(f"after {REPLAY}@ comes a run folder or a file of transcripts")
    return ReplayedUser(read_records(Path(path)), seed)


def read_records(path: Path) -> tuple[Record, ...]:
    """Return the users of a file of transcripts; conversations without a user's message are left out.

    Args:
        path: The file, or a run folder that holds it.

    Raises:
        RunError: It is not there, or a line is no transcript.
    """
    file = log_file(path)
    records = []
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                record = _record(json.loads(line))
            except (ValueError, KeyError, TypeError) as error:
                raise RunError(
                    f"{file}:{number}: a line must be a transcript, an object with turns of "
                    f"(seat, move, text): {error}"
                ) from error
            if record.messages:
                records.append(record)
    if not records:
        raise RunError(f"{file} holds no message of a user to replay")
    return tuple(records)


def log_file(path: Path) -> Path:
    """Return the file of transcripts that a path leads to.

    Args:
        path: The file, or a run folder that holds it.

    Raises:
        RunError: There is none.
    """
    file = path / TRANSCRIPTS if path.is_dir() else path
    if not file.is_file():
        raise RunError(
            f"{file} must be a file of transcripts, as gtalign run --words leaves it; it is not there"
        )
    return file


def _record(data: Any) -> Record:
    if not isinstance(data, dict):
        raise TypeError(f"got {type(data).__name__}")
    messages = tuple(_message(turn) for turn in data["turns"] if turn["seat"] == "user")
    digest, seed, episode = (data.get(key) for key in ("digest", "seed", "episode"))
    known = isinstance(digest, str) and isinstance(seed, int) and isinstance(episode, int)
    place = (stream_key(str(digest), int(seed or 0)), int(episode or 0)) if known else None
    return Record(messages, place)


def _message(turn: dict[str, Any]) -> Message:
    text = turn.get("text")
    if text is not None and not isinstance(text, str):
        raise TypeError(f"text must be a string; got {type(text).__name__}")
    if turn["move"] not in UserMove.__members__:
        known = ", ".join(UserMove.__members__)
        raise ValueError(f"a move of the user is one of {known}; got {turn['move']!r}")
    return Message(UserMove[turn["move"]], text)
