"""What a report can show, as plain frozen data: readers make parts, sections draw them.

A folder of a new kind needs a reader that makes these. A new part needs a section that draws it
(`gtalign_training.report.sections`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gtalign_training.plots.studies.portrait import Portrait
from gtalign_training.statistics import Interval
from gtalign_training.studies.maps import Picture

SIDES = (("user", "user’s U"), ("assistant", "assistant’s L"), ("joint", "joint W"))
"""The three welfares: key and what the report calls it. All in points a conversation."""

Welfares = Mapping[str, Interval]
"""Mean and 95 % interval by key of `SIDES`, points."""


@dataclass(frozen=True)
class Part:
    """Something to show under a heading of its own.

    Attributes:
        title: The heading.
        note: How to read it, or where it comes from.
    """

    title: str
    note: str = field(default="", kw_only=True)


@dataclass(frozen=True)
class WelfareRows(Part):
    """Welfares of several groups or policies side by side.

    Attributes:
        rows: Name, how many conversations (0: exact), and the welfares.
        optimum: The exact optimum of W where it is known, points.
        numbers: Shown below in place of the folded numbers, where more is known than these.
    """

    rows: tuple[tuple[str, int, Welfares], ...]
    optimum: float | None = None
    numbers: Table | None = None


@dataclass(frozen=True)
class ShareRows(Part):
    """How often each of several things happened, row by row.

    Attributes:
        kind: ``move``, ``user_move`` or ``ending``: which colours.
        rows: Name, a remark beside it, shares by label (their sum is 1), and the label that is the
            optimal one, or an empty text.
    """

    kind: str
    rows: tuple[tuple[str, str, Mapping[str, float], str], ...]


Cell = str | tuple[str, str]
"""Text; or a number and, smaller, its interval."""


@dataclass(frozen=True)
class Table(Part):
    """A plain table.

    Attributes:
        columns: Their headings.
        rows: Cells, each row as long as there are columns.
        words: How many columns, from the left, are words; the rest are numbers by their look.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    words: int = 1


@dataclass(frozen=True)
class Intervals(Part):
    """Numbers with their intervals, row by row on one axis.

    Attributes:
        unit: Of the axis.
        series: Class of the colour of each mark of a row, and what it is.
        rows: Name, and interval by class; one that is not known is left out.
        zero: Whether 0 is marked and belongs to the axis.
        marks: Vertical lines: name and value.
        numbers: Shown below in place of the folded numbers, where more is known than these.
    """

    unit: str
    series: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str, Mapping[str, Interval]], ...]
    zero: bool = False
    marks: tuple[tuple[str, float], ...] = ()
    numbers: Table | None = None


@dataclass(frozen=True)
class Runs(Part):
    """The run folders that a result is of, each a link.

    Attributes:
        columns: Headings; the first is of the folders.
        rows: The folder, what it is called, and the other cells.
        start: Folder of the page, from which links lead; None for the folder above the runs.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Path, str, tuple[str, ...]], ...]
    start: Path | None = None


@dataclass(frozen=True)
class Flow(Part):
    """Where an amount comes from and where it goes, USD a conversation; both sides add up alike.

    Attributes:
        sources: Name and amount, greater than 0.
        middle: What the amount is called.
        sinks: Name and amount, likewise.
    """

    sources: tuple[tuple[str, float], ...]
    middle: str
    sinks: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Curve:
    """One line of a chart.

    Attributes:
        name: Of it.
        look: Class of its colour.
        x: Ascending.
        y: As many.
    """

    name: str
    look: str
    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True)
class Curves(Part):
    """Lines over one axis, as measured and smoothed.

    Attributes:
        x_label: With its unit.
        y_label: With its unit.
        curves: At least one.
        levels: Horizontal marks: name and value.
    """

    x_label: str
    y_label: str
    curves: tuple[Curve, ...]
    levels: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Game(Part):
    """The exact game of one regime, and where play ended up in it.

    Attributes:
        portrait: Payoffs, equilibria, hull.
        welfare: W of each cell, shape ``(m, n)`` as rows, points.
        error: Largest error of a payoff where they are approximated, points; 0.0 where exact.
        optimum: U, L and W of the best assistant that does not know who asks; None where it was
            not solved for.
        played: Names and welfares of what was played.
    """

    portrait: Portrait
    welfare: tuple[tuple[float, ...], ...]
    error: float = 0.0
    optimum: tuple[float, float, float] | None = None
    played: tuple[tuple[str, Welfares], ...] = ()


@dataclass(frozen=True)
class Phase(Part):
    """A study's phase diagram, as computed on its grid."""

    picture: Picture


@dataclass(frozen=True)
class Differences(Part):
    """Paired differences to a first result, on the same conversations.

    Attributes:
        base: What is subtracted.
        rows: Name, pairs, and the differences by measure.
        apart: Name, and why a difference would mean nothing.
    """

    base: str
    rows: tuple[tuple[str, int, Mapping[str, Interval]], ...]
    apart: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Data(Part):
    """Anything else that a folder says, shown as it stands.

    Attributes:
        data: Plain JSON data.
    """

    data: Any


@dataclass(frozen=True)
class Outcomes:
    """What each conversation of a result came to, for comparisons.

    Attributes:
        name: Of the result.
        conditions: What must be equal for conversations to be paired: name and value.
        table: U, L, W (points) and charge (USD) by conversation.
    """

    name: str
    conditions: Mapping[str, str]
    table: Mapping[str, tuple[float, float, float, float]]


@dataclass(frozen=True)
class Talks:
    """The conversations of one result, to be read one by one.

    Attributes:
        name: Of the result, as deep links say it.
        records: One JSON object a conversation, see `gtalign_training.report.talks`.
        matrices: The exact matrix by regime, cell by cell: (user, assistant), points.
    """

    name: str
    records: tuple[dict[str, Any], ...]
    matrices: Mapping[str, Mapping[str, tuple[float, float]]]


@dataclass(frozen=True)
class Folder:
    """What one folder says.

    Attributes:
        name: Its name, told apart from the others of the report.
        kind: What it is of, as ``run``.
        title: In one line.
        about: What was run, on what, seed, versions, hash: name and value.
        problems: What is wrong or missing, each a sentence.
        headline: The welfares that stand for all of it; empty where there are none.
        headline_note: Of whom these are.
        exact: Whether they are exact, so that an interval has no meaning.
        parts: What there is to show, in order.
        outcomes: Its results for comparisons.
        talks: Its conversations.
    """

    name: str
    kind: str
    title: str
    about: tuple[tuple[str, str], ...]
    problems: tuple[str, ...] = ()
    headline: Welfares = field(default_factory=dict)
    headline_note: str = ""
    exact: bool = False
    parts: tuple[Part, ...] = ()
    outcomes: tuple[Outcomes, ...] = ()
    talks: tuple[Talks, ...] = ()
