"""What an evaluation keeps: answers and verdicts, one line of JSON each, in logs that survive crashes.

```
answers.jsonl    one line an answer: what was written, its calls, or why there is none
verdicts.jsonl   one line a judgement: score, abstention or fault; the last one of an answer counts
```
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from gtalign_agents.backends.chat import Completion
from gtalign_agents.backends.chat import Fault as ModelFault
from gtalign_agents.dialogue.speaker import Said
from gtalign_agents.judging.verdict import Judged, Verdict, calls_of
from gtalign_env.pricing import Usage
from gtalign_training.run_log import Contents, read_log
from gtalign_training.runs.episode import Fault

ANSWERS, VERDICTS = "answers.jsonl", "verdicts.jsonl"
SCHEMA = 1
"""Version of their lines."""

Key = tuple[int, int]
"""Index of the row, and of the condition."""


class Call(NamedTuple):
    """An answered call of a model."""

    usage: Usage
    source: str
    """Who counted the tokens."""
    finish: str
    model: str

    @classmethod
    def of(cls, made: Completion) -> Call:
        """Return the record of a completion; how often it was tried is not part of it."""
        return cls(made.usage, made.usage_source, made.finish, made.model)

    def to_data(self) -> list[Any]:
        """Return it as plain JSON data."""
        return [*self.usage, self.source, self.finish, self.model]

    @classmethod
    def from_data(cls, data: list[Any]) -> Call:
        """Return the call of plain JSON data."""
        return cls(Usage(*data[:4]), *data[4:])


@dataclass(frozen=True)
class Answer:
    """What came of asking one row under one condition.

    Attributes:
        row: Index of the row.
        condition: Index of the condition.
        text: What the user reads; empty where the answer is malformed.
        written: All that was written.
        labels: What is wrong with it, by name.
        calls: The answered calls of the model.
        steered: The record of its matrix, with what was done; None without steering.
        fault: Why there is no answer.
    """

    row: int
    condition: int
    text: str = ""
    written: str = ""
    labels: tuple[str, ...] = ()
    calls: tuple[Call, ...] = ()
    steered: dict[str, Any] | None = None
    fault: Fault | None = None

    @property
    def key(self) -> Key:
        """Which answer it is."""
        return self.row, self.condition

    @property
    def mark(self) -> str:
        """What a judgement of it carries, so that it cannot pass for one of another answer."""
        return blake2b(self.text.encode("utf-8", "replace"), digest_size=8).hexdigest()

    def to_data(self) -> dict[str, Any]:
        """Return it as plain JSON data."""
        calls = [call.to_data() for call in self.calls]
        return {"v": SCHEMA, **asdict(self), "calls": calls}

    @classmethod
    def of(cls, key: Key, said: Said | ModelFault, steered: dict[str, Any] | None) -> Answer:
        """Return the record of what an assistant said, or of why it said nothing."""
        if isinstance(said, ModelFault):
            return cls(*key, fault=Fault(said.kind, "assistant", said.attempts, said.message))
        calls = tuple(Call.of(call) for call in said.calls)
        return cls(*key, said.text, said.written, said.labels, calls, steered)


@dataclass(frozen=True)
class Judgement:
    """What a judge said of one answer.

    Attributes:
        row: Index of the row.
        condition: Index of the condition.
        answer: The mark of the answer that was judged.
        round: 0 in the evaluation itself, then counted by rescoring.
        score: On the scale of the row's source; None where there is none.
        why: The reason, one line.
        by: Who judged; empty after a fault.
        calls: The answered calls of the judge's model.
        fault: Why judging failed.
    """

    row: int
    condition: int
    answer: str
    round: int
    score: float | None = None
    why: str = ""
    by: str = ""
    calls: tuple[Call, ...] = ()
    fault: Fault | None = None

    @property
    def key(self) -> Key:
        """Which answer it is about."""
        return self.row, self.condition

    @property
    def abstains(self) -> bool:
        """Whether the judge could not tell."""
        return self.score is None and self.fault is None

    def to_data(self) -> dict[str, Any]:
        """Return it as plain JSON data."""
        calls = [call.to_data() for call in self.calls]
        return {"v": SCHEMA, **asdict(self), "calls": calls}

    @classmethod
    def of(cls, judged: Answer, round: int, outcome: Judged) -> Judgement:
        """Return the record of an outcome; a fault never has a score."""
        which = (*judged.key, judged.mark, round)
        calls = tuple(Call.of(call) for call in calls_of(outcome))
        if isinstance(outcome, ModelFault):
            fault = Fault(outcome.kind, "judge", outcome.attempts, outcome.message)
            return cls(*which, calls=calls, fault=fault)
        score = outcome.score if isinstance(outcome, Verdict) else None
        return cls(*which, score, outcome.why, outcome.by, calls)


T = TypeVar("T", Answer, Judgement)


def _read(kind: type[T], data: Any) -> T | None:
    if not isinstance(data, dict) or data.get("v") != SCHEMA:
        return None
    fields = {key: value for key, value in data.items() if key != "v"}
    try:
        fields["calls"] = tuple(Call.from_data(call) for call in fields["calls"])
        fields["fault"] = None if fields["fault"] is None else Fault(**fields["fault"])
        if "labels" in fields:
            fields["labels"] = tuple(fields["labels"])
        return kind(**fields)
    except (KeyError, TypeError, ValueError):
        return None


@dataclass(frozen=True)
class Kept:
    """What the logs of an evaluation hold.

    Attributes:
        answers: By key; the last one counts, but none that failed counts before one that did not.
        verdicts: By key; the last one counts.
        history: All judgements of these answers in the order in which they were made.
        notes: What is wrong with the logs, in words.
        ends: Where the last intact line ends, of answers and verdicts.
    """

    answers: dict[Key, Answer]
    verdicts: dict[Key, Judgement]
    history: tuple[Judgement, ...]
    notes: tuple[str, ...]
    ends: tuple[int, int]


def read_kept(path: Path) -> Kept:
    """Return what the logs of a folder hold, whatever has happened to them.

    Args:
        path: The folder.
    """
    logs = {name: read_log(path / name) for name in (ANSWERS, VERDICTS)}
    answers: dict[Key, Answer] = {}
    read = [_read(Answer, data) for data in logs[ANSWERS].records]
    for one in (one for one in read if one is not None):
        before = answers.get(one.key)
        if before is None or before.fault is not None or one.fault is None:
            answers[one.key] = one
    judged = [_read(Judgement, data) for data in logs[VERDICTS].records]
    marks = {key: one.mark for key, one in answers.items()}
    # an answer whose line was lost is given anew: what was said of the old one is nothing to it
    history = tuple(one for one in judged if one is not None and marks.get(one.key) == one.answer)
    strange = (read.count(None), judged.count(None))
    notes = tuple(_notes(logs, dict(zip(logs, strange, strict=True))))
    ends = (logs[ANSWERS].end, logs[VERDICTS].end)
    return Kept(answers, latest(history), history, notes, ends)


def latest(history: Iterable[Judgement]) -> dict[Key, Judgement]:
    """Return the judgement of each answer that counts: the last one.

    Args:
        history: Judgements in the order in which they were made.
    """
    return {one.key: one for one in history}


def _notes(logs: dict[str, Contents], strange: dict[str, int]) -> Iterable[str]:
    for name, log in logs.items():
        if log.torn:
            yield f"{name}: the last line was cut off ({log.torn} bytes); it is left out"
        if log.damaged:
            yield f"{name}: damaged in {log.damaged} places; what is intact is kept"
        if strange[name]:
            yield f"{name}: {strange[name]} lines are of another version; they are left out"
