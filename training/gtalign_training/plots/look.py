"""The house look: one width, one palette, one style, and how a picture is made and saved.

Every picture is 1,200 pixels wide. Colours are told apart under the common forms of colour
blindness: hue says what a move does and lightness how much it says, and the welfares take the
palette of Okabe and Ito.

References:
    Okabe and Ito (2008), "Color universal design".
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from gtalign_env.core.moves import ASSISTANT_LABELS
from gtalign_env.errors import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH, DPI = 8.0, 150
"""Inches, and pixels per inch: 1,200 pixels."""

INK, FAINT = "#222222", "#8a8a8a"

STYLE: dict[Any, Any] = {
    "font.size": 9.5,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.titlepad": 8.0,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.8,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "text.parse_math": False,  # a $ in somebody's name for a regime is a $
}
"""What all pictures have in common."""

PALETTE = ("#000000", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
"""Of lines that stand for nothing else; Okabe and Ito."""

MOVE_COLOURS = dict(
    zip(
        ASSISTANT_LABELS,
        ("#a6cee3", "#4a98c9", "#08519c", "#9a9a9a", "#fdd0a2", "#f28e2b", "#a63603"),
        strict=True,
    )
)
"""Blue answers, grey asks, orange does both; the darker, the more verbose."""


class Series(NamedTuple):
    """One curve: the metric it shows, its name and its look."""

    key: str
    name: str
    colour: str
    width: float


SERIES = (
    Series("joint_welfare", "joint welfare W", "#000000", 2.2),
    Series("user_welfare", "user U", "#0072b2", 1.5),
    Series("assistant_welfare", "assistant L", "#d55e00", 1.5),
)


@contextmanager
def picture(height: float) -> Iterator[Figure]:
    """Give a figure in the house look, without touching the global one of pyplot."""
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("plots", "report") from None
    with mpl.rc_context(STYLE):
        yield Figure(figsize=(WIDTH, height), dpi=DPI, layout="constrained")


def head(figure: Figure, title: str, columns: int, handles: Sequence[Any]) -> None:
    """Put a title above a picture, and below it the legend.

    Args:
        figure: The picture.
        title: What it shows.
        columns: Of the legend.
        handles: What the legend names, in reading order.
    """
    figure.legend(
        handles=by_row(handles, columns),
        loc="outside upper left",
        ncols=columns,
        title=title,
        title_fontproperties={"size": 11, "weight": "bold"},
        alignment="left",
    )


def save(figure: Figure, out: Path) -> Path:
    """Write a still picture, SVG or PNG by its ending, and return ``out``.

    Args:
        figure: The picture.
        out: The file; its folder is made if need be. Equal pictures give equal files.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    if out.suffix.lower() == ".svg":
        import matplotlib as mpl

        settings: dict[Any, Any] = {"svg.hashsalt": "gtalign", "svg.fonttype": "none"}
        with mpl.rc_context(settings):
            figure.savefig(out, format="svg", dpi=DPI, metadata={"Date": None, "Creator": None})
        return out
    # a PNG is drawn by Agg, whatever the backend; without the software's version in the file,
    # equal runs give equal files
    figure.savefig(out, format="png", dpi=DPI, metadata={"Software": None})
    return out


def wrapped(text: str, width: int, line: str = "\n") -> str:
    """Return a text in lines, broken after a space, or in a dotted path after a dot.

    Args:
        text: Such as the name of an axis or of a plan.
        width: Characters of a line; a part that is longer has a line of its own.
        line: What parts two lines.
    """
    lines = [""]
    for part in re.split(r"(?<=[ |])|(?<=[._:/])(?=[^\W\d])", text):
        if lines[-1] and len((lines[-1] + part).rstrip()) > width:
            lines.append("")
        lines[-1] += part
    return line.join(one.rstrip() for one in lines)


def by_row(items: Sequence[Any], columns: int) -> list[Any]:
    """Return the items so that a legend, which fills column by column, reads row by row.

    Args:
        items: In reading order.
        columns: Of the legend.
    """
    places = [
        row * columns + column
        for column in range(columns)
        for row in range(math.ceil(len(items) / columns))
    ]
    return [items[place] for place in places if place < len(items)]
