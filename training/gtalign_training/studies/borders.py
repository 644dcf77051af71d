"""Where a label changes, found by halving: borders of regions, exact to a fraction of a grid step.

A region that lies between the points of the study without touching any of them is not found.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int64]
Asked = NDArray[np.float64]
"""Places in units of grid steps, shape ``(places, dimensions)``."""

Ask = Callable[[Asked], Labels]
"""Gives the label of every place, shape ``(places,)``."""

UNKNOWN = -1


class Border(NamedTuple):
    """A change of label on a line: from ``before`` to ``after`` at ``at``, in grid steps."""

    at: float
    before: int
    after: int


def borders(labels: Labels, ask: Ask, halvings: int) -> list[Border]:
    """Return where the label changes along a line.

    1. Take every pair of neighbouring points with different labels.
    2. Ask in the middle and keep the half whose ends differ, all pairs at once; where the middle
       differs from both ends, keep both halves.
    3. Go on until a step has been halved so many times.

    Args:
        labels: Of the points, shape ``(n,)``.
        ask: Gives the labels of places in [0, n - 1], shape ``(places, 1)``.
        halvings: How often a step is halved.
    """
    found = [
        (float(i), float(i + 1), int(labels[i]), int(labels[i + 1]))
        for i in np.flatnonzero(np.diff(labels))
    ]
    for _ in range(halvings):
        if not found:
            break
        middles = np.array([[(low + high) / 2] for low, high, _, _ in found])
        halves = []
        for (low, high, before, after), middle, label in zip(
            found, middles[:, 0].tolist(), ask(middles).tolist(), strict=True
        ):
            if label != before:
                halves.append((low, middle, before, label))
            if label != after:
                halves.append((middle, high, label, after))
        found = halves
    return [Border((low + high) / 2, before, after) for low, high, before, after in found]


def refined(labels: Labels, ask: Ask, halvings: int) -> Labels:
    """Return labels on a finer grid, asking only along the borders.

    1. Cut every cell of the present grid whose known nodes differ into four.
    2. Ask for the nodes that this adds; a node may differ from the cell beyond its edge, which is
       then cut too.
    3. Halve and repeat. What was never asked lies in a cell of one label, and has it.

    Args:
        labels: Of the grid's points, shape ``(rows, columns)``, at least two each way.
        ask: Gives the labels of places (row, column), in grid steps, shape ``(places, 2)``.
        halvings: How often a step is halved.

    Returns:
        Labels of shape ``((rows - 1) 2^h + 1, (columns - 1) 2^h + 1)``.
    """
    step = 2**halvings
    rows, columns = ((size - 1) * step + 1 for size in labels.shape)
    fine = np.full((rows, columns), UNKNOWN, dtype=np.int64)
    fine[::step, ::step] = labels
    cells = {(i, j) for i in range(0, rows - 1, step) for j in range(0, columns - 1, step)}
    side = step
    while side > 1:
        half = side // 2
        cut: set[tuple[int, int]] = set()
        while True:
            mixed = {cell for cell in cells - cut if _is_mixed(fine, cell, side)}
            if not mixed:
                break
            cut |= mixed
            nodes = sorted(
                {
                    (i + a, j + b)
                    for i, j in mixed
                    for a in (0, half, side)
                    for b in (0, half, side)
                    if fine[i + a, j + b] == UNKNOWN
                }
            )
            if nodes:
                places = np.array(nodes)
                fine[places[:, 0], places[:, 1]] = ask(places / step)
        for i, j in cells - cut:
            block = fine[i : i + side + 1, j : j + side + 1]
            block[block == UNKNOWN] = block[0, 0]
        cells = {(i + a, j + b) for i, j in cut for a in (0, half) for b in (0, half)}
        side = half
    return fine


def _is_mixed(fine: Labels, cell: tuple[int, int], side: int) -> bool:
    """Return whether the known nodes of a cell differ."""
    i, j = cell
    block = fine[i : i + side + 1, j : j + side + 1]
    known = block[block != UNKNOWN]
    return bool((known != known[0]).any())
