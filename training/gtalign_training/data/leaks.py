"""Duplicates within a file, questions shared between files, and splits that cannot leak."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gtalign_training.data.rows import Question


@dataclass(frozen=True)
class FileReport:
    """What is in a file.

    Attributes:
        rows: Number of rows.
        questions: Number of different questions (the whole chat, white space apart).
        prompts: Number of different last questions, whatever went before.
        groups: Number of conversations.
        multi_turn: Rows with a history.
        by_source: Rows of each source.
        without_reference: Rows with neither reference nor label.
    """

    rows: int
    questions: int
    prompts: int
    groups: int
    multi_turn: int
    by_source: dict[str, int]
    without_reference: int


@dataclass(frozen=True)
class Leak:
    """What two files share.

    Attributes:
        first: Name of a file.
        second: Name of the other.
        questions: Different last questions that stand in both.
        rows_first: Rows of the first with such a question.
        rows_second: Rows of the second.
    """

    first: str
    second: str
    questions: int
    rows_first: int
    rows_second: int


def report_on(rows: Sequence[Question]) -> FileReport:
    """Return what is in a file.

    Args:
        rows: Its rows.
    """
    return FileReport(
        rows=len(rows),
        questions=len({row.key for row in rows}),
        prompts=len({_prompt(row) for row in rows}),
        groups=len({row.group for row in rows}),
        multi_turn=sum(bool(row.history) for row in rows),
        by_source=dict(sorted(Counter(row.source for row in rows).items())),
        without_reference=sum(not row.references and row.label is None for row in rows),
    )


def leaks_between(files: Mapping[str, Sequence[Question]]) -> list[Leak]:
    """Return what any two files share, by last question.

    Args:
        files: Rows by name of the file.
    """
    names = list(files)
    found = []
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            shared = {_prompt(row) for row in files[first]} & {
                _prompt(row) for row in files[second]
            }
            if shared:
                counts = [sum(_prompt(row) in shared for row in files[n]) for n in (first, second)]
                found.append(Leak(first, second, len(shared), *counts))
    return found


def split_by_group(
    rows: Sequence[Question], share: float, seed: int
) -> tuple[list[Question], list[Question]]:
    """Return two parts of which no question and no conversation stands in both.

    1. Rows that share a conversation or a last question belong together.
    2. Those families are shuffled and dealt to the second part wherever that brings it nearer to its
       share.

    Args:
        rows: The rows.
        share: Of the rows that go to the second part, between 0 and 1; met as nearly as families
            allow.
        seed: Of the shuffle.

    Raises:
        ValueError: The share is not between 0 and 1.
    """
    if not 0 < share < 1:
        raise ValueError(f"a share must lie between 0 and 1; got {share}")
    families: dict[int, list[int]] = {}
    for number, root in enumerate(_families(rows)):
        families.setdefault(root, []).append(number)
    order = np.random.default_rng(seed).permutation(len(families))
    members = list(families.values())
    second: set[int] = set()
    wanted = share * len(rows)
    for place in order:
        now, then = len(second), len(second) + len(members[place])
        if abs(then - wanted) < abs(now - wanted):
            second.update(members[place])
    return (
        [row for number, row in enumerate(rows) if number not in second],
        [row for number, row in enumerate(rows) if number in second],
    )


def _prompt(row: Question) -> str:
    return " ".join(row.question.split())


def _families(rows: Sequence[Question]) -> list[int]:
    """Return for each row the first row it belongs together with (union-find)."""
    parent = list(range(len(rows)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for name in (lambda row: row.group, _prompt):
        seen: dict[str, int] = {}
        for i, row in enumerate(rows):
            j = seen.setdefault(name(row), i)
            a, b = sorted((root(i), root(j)))
            parent[b] = a
    return [root(i) for i in range(len(rows))]
