"""Phase diagrams of a study: regions over two of its axes, or lines and bands over one."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gtalign_training.plots.look import INK, by_row, picture, save, wrapped
from gtalign_training.plots.studies.axes import axis_name, plain_numbers
from gtalign_training.plots.studies.colours import COLOURS, LINE_STYLES, NOTHING, ink_on, is_hatched
from gtalign_training.studies.maps import KINDS, Panel, Picture, Scale
from gtalign_training.studies.solved import DILEMMAS, MEANING, said

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LARGEST_RATIO = 10.0
"""Prices of anarchy above this have one colour: near an equilibrium worth nothing they have no end."""

FITS = 0.62
"""Distance from a region's border, in sizes of its name, from which the name fits into it."""


ACROSS, UP, TITLE = 76, 30, 88
"""Characters of a line: of a name below the whole picture, of one beside a panel, of its title."""


def draw_phase(shown: Picture, out: Path) -> Path:
    """Draw a study's picture as PNG or SVG; return ``out``.

    Args:
        shown: What it shows.
        out: The file to write.

    Raises:
        MissingExtraError: Matplotlib is not installed.
    """
    lines = math.ceil(len(shown.panels) / 2)
    columns = min(2, len(shown.panels))
    flat = shown.y is None
    height = (4.6 if columns == 1 else 2.9 * lines + 0.4) + (0.6 if flat else 0.9)
    with picture(height) as figure:
        named = _draw_lines if flat else _draw_maps
        names = named(figure, shown, lines, columns)
        if names:
            _legend(figure, wrapped(shown.title, TITLE), names)
        else:
            figure.suptitle(
                wrapped(shown.title, TITLE), x=0.012, ha="left", fontsize=11, fontweight="bold"
            )
        note = wrapped(note_of(shown), 120)
        figure.supxlabel(note, x=0.012, ha="left", fontsize=8, color="#555555")
        return save(figure, out)


def note_of(shown: Picture) -> str:
    """Return what stands below a picture: its study, its points, how its borders were found."""
    told = f" {MEANING}" if shown.names == DILEMMAS else ""
    told += f" The restriction: {shown.restriction}." if shown.restriction else ""
    if shown.y is None:
        if all(panel.bands is None for panel in shown.panels):
            return f"Study {shown.study}."
        return f"Study {shown.study}. Borders by halving on {_game(shown)}, to a millionth of a step.{told}"
    sizes = f"{len(shown.x.numbers)} × {len(shown.y.numbers)} points"
    if not KINDS[shown.kind].names:
        known = all(p.numbers is None or np.isfinite(p.numbers).all() for p in shown.panels)
        grey = "" if known else " Pale grey: not defined."
        of = f" The restriction: {shown.restriction}." if shown.restriction else ""
        return f"Study {shown.study}, {sizes}.{grey}{of}"
    return (
        f"Study {shown.study}, {sizes}; borders by halving on {_game(shown)}, to 1/"
        f"{2**shown.halvings} of a grid step.{told}"
    )


def _game(shown: Picture) -> str:
    """Return which game the borders were asked from."""
    return "the exact game" if shown.exact else "the approximate game (densities in bins)"


def _draw_maps(figure: Figure, shown: Picture, lines: int, columns: int) -> list[str]:
    """Draw regions or numbers over two axes; return the labels seen."""
    panels = figure.subplots(lines, columns, squeeze=False, sharex=True, sharey=True).ravel()
    assert shown.y is not None
    for axes, panel in zip(panels, shown.panels, strict=False):
        _set_up(axes, panel, shown.x, columns)
        axes.set_ylabel(axis_name(shown.y, UP if columns > 1 else 2 * UP))
        axes.label_outer()
        if shown.y.log:
            axes.set_yscale("log")
            plain_numbers(axes.yaxis, shown.y)
    for axes in panels[len(shown.panels) :]:
        axes.set_axis_off()
    used = panels[: len(shown.panels)]
    if KINDS[shown.kind].names:
        for axes, panel in zip(used, shown.panels, strict=True):
            _regions(axes, panel, shown)
        seen = {int(c) for p in shown.panels if p.codes is not None for c in np.unique(p.codes)}
        return [shown.names[code] for code in sorted(seen)]
    _numbers(figure, used, shown)
    return []


def _set_up(axes: Axes, panel: Panel, x: Scale, columns: int) -> None:
    if panel.title:
        axes.set_title(wrapped(panel.title, ACROSS // columns), fontsize=9.5)
    axes.set_xlabel(axis_name(x, ACROSS // columns))
    if x.log:
        axes.set_xscale("log")
        plain_numbers(axes.xaxis, x)


def _nodes(scale: Scale, count: int) -> NDArray[np.float64]:
    return scale.at(np.linspace(0.0, len(scale.numbers) - 1, count))


def _regions(axes: Axes, panel: Panel, shown: Picture) -> None:
    """Draw the regions of one panel, their borders, and their names where they fit."""
    from matplotlib.colors import ListedColormap

    assert panel.codes is not None
    assert shown.y is not None
    x, y = _nodes(shown.x, panel.codes.shape[1]), _nodes(shown.y, panel.codes.shape[0])
    codes = np.unique(panel.codes)
    names = [shown.names[code] for code in codes]
    axes.pcolormesh(
        x,
        y,
        np.searchsorted(codes, panel.codes),
        cmap=ListedColormap([COLOURS[name] for name in names]),
        vmin=-0.5,
        vmax=len(codes) - 0.5,
        shading="nearest",
        rasterized=True,
    )
    for code, name in zip(codes, names, strict=True):
        mask = (panel.codes == code).astype(np.float64)
        if is_hatched(name):
            axes.contourf(x, y, mask, [0.5, 1.5], colors="none", hatches=["///"])
        if mask.min() < 0.5:
            axes.contour(x, y, mask, [0.5], colors=INK, linewidths=0.9)
        _name_region(axes, mask, name, (x, y))


def _name_region(
    axes: Axes,
    mask: NDArray[np.float64],
    name: str,
    nodes: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> None:
    """Write a label into its largest region, at the place farthest from the borders."""
    from scipy.ndimage import distance_transform_edt

    rows, columns = mask.shape
    box = axes.get_position()
    figure = axes.get_figure(root=True)
    assert figure is not None
    width, height = figure.get_size_inches()
    # one unit of distance is the size of the text, 8.5 points high
    across = box.width * width / columns / (len(said(name)) * 8.5 * 0.56 / 72)
    up = box.height * height / rows / (8.5 * 1.5 / 72)
    distance = distance_transform_edt(np.pad(mask, 1), sampling=(up, across))[1:-1, 1:-1]
    roomy = np.argwhere(distance >= 0.9 * distance.max())
    row, column = roomy[np.hypot(*(roomy - roomy.mean(axis=0)).T).argmin()]
    if distance[row, column] >= FITS:
        colour = COLOURS[name]
        axes.text(
            nodes[0][column],
            nodes[1][row],
            said(name),
            ha="center",
            va="center",
            fontsize=8.5,
            color=ink_on(colour),
            bbox={"facecolor": colour, "edgecolor": "none", "pad": 1.5}
            if is_hatched(name)
            else None,
        )


def _legend(figure: Figure, title: str, names: list[str]) -> None:
    """Draw the legend of the labels under the picture's title."""
    from matplotlib.patches import Patch

    patches = [
        Patch(
            facecolor=COLOURS[name],
            edgecolor=INK,
            linewidth=0.6,
            hatch="///" if is_hatched(name) else None,
            label=said(name),
        )
        for name in names
    ]
    columns = min(4, len(patches))
    figure.legend(
        handles=by_row(patches, columns),
        loc="outside upper left",
        ncols=columns,
        title=title,
        title_fontproperties={"size": 11, "weight": "bold"},
        alignment="left",
    )


def _numbers(figure: Figure, panels: Any, shown: Picture) -> None:
    """Draw numbers over two axes, on one scale of colours for all panels."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    values = [p.numbers for p in shown.panels if p.numbers is not None]
    known = np.concatenate([v[np.isfinite(v)] for v in values])
    least = float(known.min()) if len(known) else 0.0
    greatest = float(known.max()) if len(known) else 1.0
    clipped = shown.kind == "anarchy" and greatest > LARGEST_RATIO
    scale = Normalize(least, LARGEST_RATIO if clipped else greatest)
    assert shown.y is not None
    for axes, numbers in zip(panels, values, strict=True):
        axes.set_facecolor(NOTHING)
        axes.pcolormesh(
            shown.x.numbers,
            shown.y.numbers,
            np.ma.masked_invalid(numbers),
            cmap="cividis",
            norm=scale,
            shading="nearest",
            rasterized=True,
        )
    kind = KINDS[shown.kind]
    unit = f" ({kind.unit})" if kind.unit not in ("", "1") else ""
    bar = figure.colorbar(
        ScalarMappable(scale, "cividis"), ax=list(panels), extend="max" if clipped else "neither"
    )
    bar.set_label(f"{kind.title}{unit}")


def _draw_lines(figure: Figure, shown: Picture, lines: int, columns: int) -> list[str]:
    """Draw lines over one axis, with the bands of the label below; return the labels seen."""
    parts = figure.subfigures(lines, columns, squeeze=False).ravel()
    banded = any(panel.bands is not None for panel in shown.panels)
    seen: list[str] = []
    drawn: list[Axes] = []
    for part, panel in zip(parts, shown.panels, strict=False):
        heights = (5.0, 1.0) if banded else (1.0,)
        axes = part.subplots(len(heights), 1, sharex=True, height_ratios=heights, squeeze=False)[
            :, 0
        ]
        for name, values in (panel.lines or {}).items():
            label, colour, dashes = LINE_STYLES[name]
            axes[0].plot(
                shown.x.numbers,
                values,
                color=colour,
                linestyle=dashes,
                label=label,
                linewidth=2.6 if name == "optimum.welfare" or dashes == "-" else 1.5,
            )
        if shown.kind == "patience":
            _sustained(axes[0], shown.x.numbers, panel)
        axes[0].grid(axis="y")
        axes[0].set_ylabel(_ordinate(shown.kind))
        axes[0].margins(x=0.0)
        drawn.append(axes[0])
        if panel.bands is not None:
            seen += _bands(axes[1], panel, shown)
        _set_up(axes[-1], Panel(""), shown.x, columns)
        if panel.title:
            axes[0].set_title(wrapped(panel.title, ACROSS // columns), fontsize=9.5)
        if panel is shown.panels[0]:
            axes[0].legend(loc="best", frameon=True, framealpha=0.9, edgecolor="none")
    limits = [axes.get_ylim() for axes in drawn]
    for axes in drawn:  # panels can be compared
        axes.set_ylim(min(low for low, _ in limits), max(high for _, high in limits))
    return [name for name in shown.names if name in seen]


def _ordinate(kind: str) -> str:
    if kind == "anarchy":
        return "optimum over equilibrium"
    return "discount factor per conversation" if kind == "patience" else "joint welfare (points)"


def _sustained(axes: Axes, x: NDArray[np.float64], panel: Panel) -> None:
    """Shade the patience with which cooperation is an equilibrium of the repeated game."""
    assert panel.lines is not None
    (critical,) = panel.lines.values()
    axes.fill_between(
        x,
        critical,
        1.0,
        where=np.isfinite(critical),
        color="#009e73",
        alpha=0.25,
        linewidth=0,
        label="cooperation can be sustained",
    )
    axes.set_ylim(0.0, 1.0)


def _bands(axes: Axes, panel: Panel, shown: Picture) -> list[str]:
    """Draw the label along one axis, with the numbers at its borders; return the labels seen."""
    assert panel.bands is not None
    first, found = panel.bands
    edges = [shown.x.numbers[0], *(float(shown.x.at(np.array(b.at))) for b in found)]
    edges.append(shown.x.numbers[-1])
    names = [shown.names[first], *(shown.names[border.after] for border in found)]
    for name, left, right in zip(names, edges[:-1], edges[1:], strict=True):
        axes.axvspan(
            left,
            right,
            facecolor=COLOURS[name],
            edgecolor=INK,
            linewidth=0.6,
            hatch="///" if is_hatched(name) else None,
        )
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    span = shown.x.at(np.array([0.0, len(shown.x.numbers) - 1.0]))
    last = -math.inf
    for edge in edges[1:-1]:
        place = _share(edge, span, shown.x.log)
        if place - last > 0.07:  # numbers nearer than this would run into each other
            axes.annotate(
                f"{edge:.4g}",
                (edge, 1.0),
                xycoords=("data", "axes fraction"),
                xytext=(0, 2),
                textcoords="offset points",
                ha="center",
                fontsize=8,
            )
            last = place
    return names


def _share(value: float, span: NDArray[np.float64], log: bool) -> float:
    if log:
        value, span = math.log(value), np.log(span)
    return (value - float(span[0])) / float(span[1] - span[0])
