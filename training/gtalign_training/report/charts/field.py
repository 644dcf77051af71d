"""Labels or numbers over two axes, as computed: one rectangle a run of equal cells."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby, pairwise

import numpy as np
from numpy.typing import NDArray

from gtalign_training.report.charts.svg import Scale as Span
from gtalign_training.report.charts.svg import chart, rect, text, tick_labels
from gtalign_training.report.html import Child, Html
from gtalign_training.report.words import number
from gtalign_training.studies.maps import Scale

HATCHED = "vague"
"""Class of what is told from another of its colour by lines."""

SKEWED = 20.0
"""Ratio of greatest to least from which on shades are spaced by ratio."""

LEVELS = 9
"""Shades of a number."""


def field_chart(
    name: str,
    codes: NDArray[np.int64],
    looks: Sequence[str],
    told: Sequence[str],
    x: Scale,
    y: Scale,
) -> Html:
    """Return a map.

    Args:
        name: What it shows.
        codes: Which look each cell has, shape ``(rows, columns)``, rows from below; −1 for none.
        looks: Class of colour by code.
        told: What a cell says when it is pointed at, by code.
        x: The axis across, as many numbers as columns.
        y: The axis up, as many as rows.
    """
    rows, columns = codes.shape

    def draw(width: int) -> tuple[int, Child]:
        height = 380 if width > 500 else 300
        left, right, top, bottom = 58.0, width - 14.0, 26.0, height - 44.0
        wide, tall = (right - left) / columns, (bottom - top) / rows
        drawn: list[Child] = [text(0, 12, y.title, "label")]
        for row in range(rows):
            at = 0
            for code, run in groupby(codes[row].tolist()):
                long = len(list(run))
                look = looks[code] if code >= 0 else "x0"
                said = told[code] if code >= 0 else "not defined"
                # a hair wider than the cell, so that no seam shows between neighbours
                box = (
                    round(left + at * wide, 2),
                    round(bottom - (row + 1) * tall, 2),
                    round(long * wide + 0.4, 2),
                    round(tall + 0.4, 2),
                )
                drawn.append(rect(*box, f"area {look}", said))
                if look.endswith(HATCHED):
                    drawn.append(rect(*box, "hatch"))
                at += long
        drawn += [
            text(round(left + (k + 0.5) * wide, 2), bottom + 16, shown, "tick", "middle")
            for k, shown in even_ticks(x, 7 if width > 500 else 4)
        ]
        drawn.append(text((left + right) / 2, bottom + 33, x.title, "label", "middle"))
        for k, shown in even_ticks(y, 5):
            up = round(bottom - (k + 0.5) * tall + 4, 2)
            drawn.append(text(left - 6, up, shown, "tick", "end"))
        return height, drawn

    return chart(name, draw)


def even_ticks(scale: Scale, most: int) -> list[tuple[float, str]]:
    """Return the ticks of an axis of cells, all as far from each other: place in steps, and text.

    Where the cells are evenly spaced these are round numbers, which may lie between two cells;
    otherwise the numbers of every so many cells.

    Args:
        scale: The axis.
        most: Ticks.
    """
    numbers = scale.numbers
    steps = np.diff(numbers)
    if len(numbers) > most and np.allclose(steps, steps[0], rtol=1e-6):
        ticks = Span(float(numbers[0]), float(numbers[-1]), 0.0, len(numbers) - 1.0).ticks(most)
        places = [float(np.interp(tick, numbers, np.arange(len(numbers)))) for tick in ticks]
        return list(zip(places, tick_labels(ticks), strict=True))
    every = max(1, math.ceil((len(numbers) - 1) / max(1, most - 1)))
    return [(float(k), f"{numbers[k]:.3g}") for k in range(0, len(numbers), every)]


def shades(numbers: NDArray[np.float64]) -> tuple[NDArray[np.int64], list[str]]:
    """Return which of `LEVELS` shades each number has, and what each shade stands for.

    Args:
        numbers: Shape ``(rows, columns)``; NaN where there is none, which gets −1.
    """
    known = numbers[np.isfinite(numbers)]
    if not len(known):
        return np.full(numbers.shape, -1, dtype=np.int64), []
    low, high = float(known.min()), float(known.max())
    if low > 0 and high / low > SKEWED:
        edges = np.geomspace(low, high, LEVELS + 1)
        told = [f"{edge:,.3g}" for edge in edges]
    else:
        edges = np.linspace(low, high if high > low else low + 1.0, LEVELS + 1)
        digits = max(0, 2 - math.floor(math.log10((high - low) / LEVELS or 1.0)))
        told = [number(float(edge), digits) for edge in edges]
    codes = np.clip(np.searchsorted(edges, numbers, side="right") - 1, 0, LEVELS - 1)
    codes = np.where(np.isfinite(numbers), codes, -1)
    return codes.astype(np.int64), [f"{a} to {b}" for a, b in pairwise(told)]
