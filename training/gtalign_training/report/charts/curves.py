"""Lines over one axis: thin as measured, thick smoothed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gtalign_training.plots.curves import smooth
from gtalign_training.report.charts.svg import (
    Scale,
    chart,
    circle,
    line,
    polyline,
    scale_of,
    text,
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
        for k, (said, value) in enumerate(levels):
            drawn.append(line(left, y(value), right, y(value), f"level l{k}"))
            drawn.append(text(right, y(value) - 5, said, "tick", "end"))
        return height, drawn

    return chart(name, draw)


def _path(x: Scale, y: Scale, xs: Sequence[float], ys: Sequence[float], look: str) -> Html:
    step = max(1, len(xs) // MOST_POINTS)
    points = [(x(a), y(b)) for a, b in zip(xs[::step], ys[::step], strict=True)]
    if len(points) == 1:
        return circle(*points[0], 3.5, f"dot {look.split()[-1]}")
    return polyline(points, look)
