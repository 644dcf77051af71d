"""The payoff polygon of a game: every cell, their hull, equilibria, Pareto cells and agreements."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gtalign_training.plots.look import FAINT, INK, by_row, picture, save, wrapped
from gtalign_training.plots.studies.portrait import Portrait

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CELL, PARETO, EQUILIBRIUM, AGREED = "#8a8a8a", "#0072b2", "#d55e00", "#009e73"
MARKS = {"Nash bargaining": "D", "Kalai-Smorodinsky": "s"}

SIZE = 7.5
"""Of the names, typographic points."""

MOST_NAMED = 24
"""Cells of a game whose names have room in a picture; a page gives them all where one points."""

_AROUND = [(dx, dy) for r in (7, 13, 20, 30) for dx, dy in (
    (r, 0), (-r, 0), (0, r), (0, -r), (r, r), (-r, r), (r, -r), (-r, -r))]  # fmt: skip
"""Places of a name around its point, nearest first, typographic points."""


def draw_payoffs(shown: Portrait, out: Path) -> Path:
    """Draw a game's payoffs as PNG or SVG; return ``out``.

    Args:
        shown: The game and what is marked.
        out: The file to write.

    Raises:
        MissingExtraError: Matplotlib is not installed.
    """
    with picture(6.2) as figure:
        axes = figure.subplots()
        handles = [*_marked(axes, shown), *_frame(axes, shown)]
        axes.set_xlabel("user U (points)")
        axes.set_ylabel("assistant L (points)")
        axes.grid()
        columns = 4
        figure.legend(
            handles=by_row(handles, columns),
            loc="outside upper left",
            ncols=columns,
            title=wrapped(f"Payoffs of the plans: {shown.title}", 88),
            title_fontproperties={"size": 11, "weight": "bold"},
            alignment="left",
        )
        figure.draw_without_rendering()
        _name_cells(axes, shown)
        return save(figure, out)


def _marked(axes: Axes, shown: Portrait) -> list[Any]:
    """Draw points and hull; return the legend's handles."""
    corners = np.concatenate([shown.hull, shown.hull[:1]])
    axes.fill(*shown.hull.T, color="#eef3f7", zorder=0)
    handles: list[Any] = axes.plot(
        *corners.T, color=FAINT, linewidth=1.0, zorder=1, label="payoffs of all mixtures"
    )
    points = shown.points
    n = shown.game.shape[1]
    best = [i * n + j for i, j in shown.pareto]
    rest = [k for k in range(len(points)) if k not in best]
    for cells, colour, label in ((rest, CELL, "cell"), (best, PARETO, "Pareto cell")):
        if cells:
            x, y = points[cells].T
            handles.append(axes.scatter(x, y, s=34, color=colour, label=label, zorder=3))
    x, y = np.array([found.payoffs for found in shown.equilibria]).T
    ring: dict[str, Any] = {"facecolors": "none", "edgecolors": EQUILIBRIUM, "linewidths": 2.2}
    handles.append(axes.scatter(x, y, s=150, label="equilibrium", zorder=4, **ring))
    for name, (user, assistant) in shown.agreements:
        mark: dict[str, Any] = {"facecolors": "none", "edgecolors": AGREED, "linewidths": 1.8}
        handles.append(
            axes.scatter(user, assistant, s=62, marker=MARKS[name], label=name, zorder=5, **mark)
        )
    return handles


def frame_of(shown: Portrait) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the range of the user's and of the assistant's payoffs that the cells fill, points."""
    low, high = shown.points.min(axis=0), shown.points.max(axis=0)
    room = np.where(high > low, 0.13 * (high - low), 1.0)
    (left, below), (right, above) = (low - room).tolist(), (high + room).tolist()
    return (left, right), (below, above)


def outside_note(shown: Portrait) -> str:
    """Return where the disagreement point is, if that is beyond the picture, or nothing."""
    inside = all(
        low <= at <= high
        for at, (low, high) in zip(shown.disagreement, frame_of(shown), strict=True)
    )
    text = "disagreement point ({:.4g}, {:.4g}): outside the picture"
    return "" if inside else text.format(*shown.disagreement)


def crowd_note(shown: Portrait) -> str:
    """Return why the cells have no names, if there are too many, or nothing."""
    cells = shown.game.user.size
    if cells <= MOST_NAMED:
        return ""
    return f"{cells} cells, too many to name: in a page (.html), point at one"


def _frame(axes: Axes, shown: Portrait) -> list[Any]:
    """Let the cells fill the picture; mark the disagreement point, or say where it is beyond it."""
    across, up = frame_of(shown)
    axes.set_xlim(*across)
    axes.set_ylim(*up)
    if note := "\n".join(filter(None, (crowd_note(shown), outside_note(shown)))):
        axes.annotate(note, (0.01, 0.015), xycoords="axes fraction", fontsize=8, color="#555555")
    if outside_note(shown):
        return []
    label = "disagreement point"
    return [axes.scatter(*shown.disagreement, 50, marker="x", color=INK, label=label, zorder=4)]


def _name_cells(axes: Axes, shown: Portrait) -> None:
    if not (named := names_of(shown)):
        return
    at = axes.transData.transform(np.array(list(named)))
    frame = axes.get_window_extent()
    scale = axes.get_figure(root=True).dpi / 72  # type: ignore[union-attr]  # axes have a figure
    offsets = offsets_of(
        [((x - frame.x0) / scale, (y - frame.y0) / scale) for x, y in at],
        list(named.values()),
        (frame.width / scale, frame.height / scale),
    )
    for point, name, (dx, dy) in zip(named, named.values(), offsets, strict=True):
        far = max(abs(dx), abs(dy)) > 7
        axes.annotate(
            name,
            point,
            xytext=(dx, dy),
            textcoords="offset points",
            ha="left" if dx > 0 else "right" if dx < 0 else "center",
            va="bottom" if dy > 0 else "top" if dy < 0 else "center",
            fontsize=SIZE,
            bbox={"facecolor": "white", "alpha": 0.65, "edgecolor": "none", "pad": 0.4},
            arrowprops={"arrowstyle": "-", "color": FAINT, "linewidth": 0.5} if far else None,
        )


def names_of(shown: Portrait) -> dict[tuple[float, float], str]:
    """Return what stands beside each point: the plans of its cell, or of all cells with its payoffs.

    Nothing where the game has more than `MOST_NAMED` cells.

    Args:
        shown: The game.
    """
    if shown.game.user.size > MOST_NAMED:
        return {}
    together: dict[tuple[float, float], list[int]] = {}
    for cell, (user, assistant) in enumerate(shown.points.tolist()):
        together.setdefault((round(user, 9), round(assistant, 9)), []).append(cell)
    return {
        point: ", ".join(shown.name(cell) for cell in cells[:2])
        + (f" and {len(cells) - 2} more" if len(cells) > 2 else "")
        for point, cells in together.items()
    }


Box = tuple[float, float, float, float]


def offsets_of(
    at: list[tuple[float, float]], names: list[str], size: tuple[float, float]
) -> list[tuple[int, int]]:
    """Return how far from its point each name stands, so that it covers neither points nor names.

    Args:
        at: The points, typographic points from the lower left.
        names: What stands there.
        size: Width and height of the picture, typographic points.
    """
    taken: list[Box] = [(x - 5, y - 5, x + 5, y + 5) for x, y in at]
    offsets: dict[int, tuple[int, int]] = {}
    crowded = [sum(abs(x - u) < 60 and abs(y - v) < 20 for u, v in at) for x, y in at]
    for k in sorted(range(len(at)), key=lambda k: -crowded[k]):  # the hardest first
        (x, y), name = at[k], names[k]
        width, height = len(name) * SIZE * 0.63, SIZE * 1.3
        boxes = []
        for dx, dy in _AROUND:
            left = x + dx - (0 if dx > 0 else width if dx < 0 else width / 2)
            low = y + dy - (0 if dy > 0 else height if dy < 0 else height / 2)
            box = (left, low, left + width, low + height)
            outside = left < 0 or low < 0 or box[2] > size[0] or box[3] > size[1]
            shared = sum(_overlap(box, other) for other in taken)
            boxes.append((shared + 1e9 * outside, box, dx, dy))
        _, box, dx, dy = min(boxes, key=lambda one: one[0])
        taken.append(box)
        offsets[k] = (dx, dy)
    return [offsets[k] for k in range(len(at))]


def _overlap(a: Box, b: Box) -> float:
    """Return the area that two boxes share."""
    across = min(a[2], b[2]) - max(a[0], b[0])
    up = min(a[3], b[3]) - max(a[1], b[1])
    return max(0.0, across) * max(0.0, up)
