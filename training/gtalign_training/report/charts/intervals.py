"""Means with their intervals, side by side on one honest axis."""

from __future__ import annotations

from collections.abc import Sequence

from gtalign_training.report.charts.svg import (
    Scale,
    chart,
    circle,
    line,
    scale_of,
    shortened,
    text,
    x_axis,
)
from gtalign_training.report.html import Child, Html
from gtalign_training.report.words import number
from gtalign_training.statistics import Interval

Row = tuple[str, Sequence[tuple[str, Interval]]]
"""A name, and the class of colour and interval of each mark."""


def interval_chart(
    name: str,
    rows: Sequence[Row],
    label: str,
    *,
    marks: Sequence[tuple[str, float]] = (),
    zero: bool = False,
) -> Html:
    """Return means and intervals, row by row.

    Args:
        name: What it shows.
        rows: At least one.
        label: Of the axis, with its unit.
        marks: Vertical lines: name and value.
        zero: Whether 0 is marked and belongs to the axis.
    """
    values = [x for _, cells in rows for _, one in cells for x in one]
    values += [value for _, value in marks]

    def draw(width: int) -> tuple[int, Child]:
        narrow = width < 500
        longest = max(len(row) for row, _ in rows) * 7.5 + 16
        left = 8.0 if narrow else min(max(longest, 90.0), 260.0)
        per_mark, head = 15, 20 if narrow else 4
        top = 20.0 if marks else 8.0
        scale = scale_of(values, left + 6, width - 14, zero=zero)
        drawn: list[Child] = []
        y = top
        for row, cells in rows:
            if y > top:
                drawn.append(line(left if narrow else 0, y, width - 8, y, "rule"))
            height = head + per_mark * len(cells) + 6
            if narrow:
                drawn.append(text(left, y + 13, shortened(row, width - 20), "name halo"))
            else:
                middle = y + height / 2 + 2
                drawn.append(text(left - 8, middle, shortened(row, left - 10), "name", "end"))
            for k, (look, one) in enumerate(cells):
                drawn.append(_mark(scale, y + head + per_mark * k + 8, look, one, row))
            y += height
        axis = x_axis(scale, top, y, label, 5 if narrow else 8)
        lines: list[Html] = []
        if zero:
            lines.append(line(scale(0.0), top, scale(0.0), y, "zero"))
        for said, value in marks:
            x = scale(value)
            end = x > width * 0.62
            lines.append(line(x, top - 4, x, y, "level"))
            lines.append(
                text(x + (-4 if end else 4), top - 7, said, "tick", "end" if end else "start")
            )
        return int(y + 44), [axis, lines, drawn]

    return chart(name, draw)


def _mark(scale: Scale, y: float, look: str, one: Interval, row: str) -> list[Html]:
    told = f"{row}: {number(one.mean)} (95\u202f% interval {number(one.low)} to {number(one.high)})"
    marks = [circle(scale(one.mean), y, 4.5, f"dot {look}", told)]
    if one.high > one.low:
        marks.insert(0, line(scale(one.low), y, scale(one.high), y, f"bar {look}"))
    return marks
