"""What a judge says of an answer: a score, nothing, or that judging failed.

The three are different values, so that a judge that cannot tell or cannot be reached never turns into
a bad mark.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from gtalign_agents.backends.chat import Completion, Fault
from gtalign_agents.text_welfare import Source


@dataclass(frozen=True)
class Item:
    """One answer to be judged.

    Attributes:
        source: What kind of task it answers; says which scores there are (`text_welfare.VERDICTS`).
        question: What was asked.
        answer: What the user reads; any string.
        references: Accepted answers; for ``ambiguity`` one or more for each meaning.
        label: ``harmful`` or ``unharmful``, of safety items.
    """

    source: Source
    question: str
    answer: str
    references: tuple[str, ...] = ()
    label: Literal["harmful", "unharmful"] | None = None


@dataclass(frozen=True)
class Verdict:
    """A score.

    Attributes:
        score: On the scale of the item's source.
        why: The reason, one line.
        by: Who judged.
        calls: What a model was asked for it.
    """

    score: float
    why: str
    by: str
    calls: tuple[Completion, ...] = ()


@dataclass(frozen=True)
class Abstention:
    """No score, because this judge cannot tell."""

    why: str
    by: str
    calls: tuple[Completion, ...] = ()


@dataclass(frozen=True, slots=True)
class Unreadable(Fault):
    """A judge answered, and what it wrote is no verdict: a fault like any other, but paid for.

    Attributes:
        calls: What the model was asked for it.
    """

    calls: tuple[Completion, ...] = ()


Judged = Verdict | Abstention | Fault


def calls_of(outcome: Judged) -> tuple[Completion, ...]:
    """Return the answered calls of models behind an outcome, whatever it is: they cost money."""
    return () if type(outcome) is Fault else outcome.calls  # type: ignore[union-attr]  # the others have them


class Judge(Protocol):
    """Judges answers."""

    def judge(self, items: Sequence[Item]) -> list[Judged]:
        """Return one outcome for each item, in order."""


@dataclass(frozen=True)
class InTurn:
    """Asks each judge about what those before it could not tell.

    Attributes:
        judges: Cheapest first.
    """

    judges: tuple[Judge, ...]

    def judge(self, items: Sequence[Item]) -> list[Judged]:
        """Return one outcome for each item: the first that is no abstention, or the last one."""
        outcomes: list[Judged] = [Abstention("nobody was asked", "nobody")] * len(items)
        for judge in self.judges:
            open_ = [i for i, outcome in enumerate(outcomes) if isinstance(outcome, Abstention)]
            if not open_:
                break
            for i, outcome in zip(open_, judge.judge([items[i] for i in open_]), strict=True):
                outcomes[i] = _after(outcomes[i], outcome)
        return outcomes


def _after(before: Judged, outcome: Judged) -> Judged:
    """Return an outcome that also carries the calls of the judge that abstained before."""
    earlier = calls_of(before)
    if not earlier:
        return outcome
    if isinstance(outcome, Fault):
        fields = (outcome.kind, outcome.message, outcome.attempts, outcome.retryable)
        return Unreadable(*fields, (*earlier, *calls_of(outcome)))
    return replace(outcome, calls=(*earlier, *outcome.calls))
