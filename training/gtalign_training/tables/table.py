"""What a table holds, and how one of its values is written; how it looks is the renderers' part."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "count", "number", "interval", "share", "p"]
"""``interval`` is (mean, low, high); ``share`` lies in [0, 1]; ``p`` is a p-value."""

Value = str | int | float | list[float] | tuple[float, ...] | None
"""What a cell holds; None, or NaN, where there is nothing to say."""

NOTHING = ""
"""How an empty cell is written."""
LEAST_P = 0.001
"""Below this, a p-value is written as less than it."""


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        name: Its heading.
        kind: What its cells hold.
        digits: Decimals of its numbers.
        unit: In words, such as ``points``; for readers of files.
        brief: Whether a terminal, which is narrow, shows of an interval the mean alone.
    """

    name: str
    kind: Kind = "number"
    digits: int = 3
    unit: str = ""
    brief: bool = False

    @property
    def is_text(self) -> bool:
        """Whether it is set to the left."""
        return self.kind == "text"


@dataclass(frozen=True)
class Table:
    """A table of results.

    Attributes:
        key: A short name, for files and labels.
        title: What it shows.
        columns: Its columns.
        rows: Its cells, each row as long as there are columns.
        notes: What a reader has to know, a sentence each.

    Raises:
        ValueError: A row is of another length.
    """

    key: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(
                    f"table {self.key!r}: a row has {len(self.columns)} cells; got {len(row)}"
                )


def is_empty(value: Value) -> bool:
    """Return whether a cell says nothing: None, NaN, or an interval about NaN."""
    if value is None or isinstance(value, str):
        return value is None
    return math.isnan(value[0] if isinstance(value, list | tuple) else value)


def shown(column: Column, value: Value) -> str:
    """Return a cell as people read it, without markup; an interval with its ends.

    Args:
        column: Its column.
        value: What it holds.
    """
    if value is None or is_empty(value):
        return NOTHING
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple):
        mean, low, high = (number(one, column.digits) for one in value)
        return f"{mean} [{low}, {high}]"
    if column.kind == "share":
        return f"{100 * value:.{max(0, column.digits - 2)}f}%"
    if column.kind == "p":
        return f"<{LEAST_P}" if value < LEAST_P else f"{value:.3f}"
    return f"{value:,}" if column.kind == "count" else number(value, column.digits)


def number(value: float, digits: int) -> str:
    """Return a number with so many decimals; no minus before nothing."""
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text
