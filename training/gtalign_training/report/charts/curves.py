"""Lines over one axis: thin as measured, thick smoothed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from gtalign_training.plots.curves import smooth
from gtalign_training.report.charts.svg import (
    Box,
    Scale,
    around,
    chart,
    circle,
    line,
    meet,
    polyline,
    scale_of,
    text,
    text_box,
    x_axis,
    y_axis,
)
from gtalign_training.report.html import Child, Html
from gtalign_training.report.parts import Curve

MOST_POINTS = 400
"""Points of a drawn line; a page has not many more pixels."""


def curve_chart(
    name: str,
    curves: Sequence[Curve],
    x_label: str,
    y_label: str,
    levels: Sequence[tuple[str, float]] = (),
) -> Html:
    """Return lines over one axis.

    Args:
        name: What it shows.
        curves: At least one, with at least one point each.
        x_label: With its unit.
        y_label: With its unit.
        levels: Horizontal marks: name and value.
    """
    means = [smooth(np.array(one.y), len(one.y) // 40) for one in curves]
    values = [y for one in curves for y in one.y] + [value for _, value in levels]
    across = [x for one in curves for x in one.x]

    def draw(width: int) -> tuple[int, Child]:
        height = 300 if width > 500 else 250
        left, right, top, bottom = 46.0, width - 12.0, 26.0, height - 44.0
        x = scale_of(across, left, right, margin=0.01)
        y = scale_of(values, bottom, top, margin=0.05)
        drawn: list[Child] = [
            text(0, 12, y_label, "label"),
            x_axis(x, top, bottom, x_label, 4 if width < 500 else 7),
            y_axis(y, left, right),
        ]
        drawn += [_path(x, y, one.x, one.y, f"thin {one.look}") for one in curves]
        drawn += [
            _path(x, y, one.x, mean.tolist(), f"thick {one.look}")
            for one, mean in zip(curves, means, strict=True)
        ]
        ways = [
            [(x(a), y(b)) for a, b in zip(one.x, ys, strict=True)]
            for one, mean in zip(curves, means, strict=True)
            for ys in (one.y, mean.tolist())
        ]
        ways += [[(left, y(value)), (right, y(value))] for _, value in levels]
        for k, (said, value) in enumerate(levels):
            drawn.append(line(left, y(value), right, y(value), f"level l{k}"))
            if (place := _free(said, y(value), ways, (left, top - 12, right, bottom))) is not None:
                drawn.append(text(*place[:2], said, "tick level-name", place[2]))
        return height, drawn

    return chart(name, draw)


def _free(
    said: str, at: float, ways: Sequence[Sequence[tuple[float, float]]], plot: Box
) -> tuple[float, float, str] | None:
    """Return where a level's name lies on no line; None where there is no such place.

    The key names it too, so nothing is lost.

    Args:
        said: The name.
        at: Height of the level.
        ways: Lines as drawn, one after another.
        plot: Where names may stand.
    """
    left, _, right, _ = plot
    for x, anchor in ((right - 2, "end"), (left + 4, "start"), ((left + right) / 2, "middle")):
        for y in (at - 5, at + 14):
            box = text_box(x, y, said, anchor)
            # the level itself is no obstacle to its own name
            roomy = (box[0], box[1] + 0.5, box[2], box[3] - 0.5)
            inside = plot[1] <= box[1] and box[3] <= plot[3] and box[0] >= left and box[2] <= right
            if inside and not any(_crosses(way, roomy) for way in ways):
                return x, y, anchor
    return None


def _crosses(way: Sequence[tuple[float, float]], box: Box) -> bool:
    """Return whether a line comes into a box; in between it is straight."""
    if len(way) == 1:
        return meet(around(*way[0], 4.0), box)
    for (x0, y0), (x1, y1) in pairwise(way):
        if x1 < box[0] or x0 > box[2]:
            continue
        inner = []
        for edge in (max(box[0], x0), min(box[2], x1)):
            share = 0.0 if x1 == x0 else (edge - x0) / (x1 - x0)
            inner.append(y0 + share * (y1 - y0))
        if min(inner) < box[3] and max(inner) > box[1]:
            return True
    return False


def _path(x: Scale, y: Scale, xs: Sequence[float], ys: Sequence[float], look: str) -> Html:
    step = max(1, len(xs) // MOST_POINTS)
    points = [(x(a), y(b)) for a, b in zip(xs[::step], ys[::step], strict=True)]
    if len(points) == 1:
        return circle(*points[0], 3.5, f"dot {look.split()[-1]}")
    return polyline(points, look)
