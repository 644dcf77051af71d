"""What the drawings are made with: a light and a dark theme, and boxes, bubbles and arrows in inches."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from gtalign_training.plots.look import STYLE, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 160


class Theme(NamedTuple):
    """Colours of a picture; hues of Okabe and Ito (2008), lighter on dark paper."""

    name: str
    paper: str
    ink: str
    faint: str
    rule: str
    card: str
    user: str
    user_card: str
    assistant: str
    assistant_card: str
    money: str
    region: str


LIGHT = Theme(
    name="light",
    paper="#ffffff",
    ink="#1f2328",
    faint="#59636e",
    rule="#d1d9e0",
    card="#f6f8fa",
    user="#0072b2",
    user_card="#e3f1fa",
    assistant="#c04f00",
    assistant_card="#fdebdd",
    money="#00795a",
    region="#d55e00",
)
DARK = Theme(
    name="dark",
    paper="#0d1117",
    ink="#f0f6fc",
    faint="#a8b1bb",
    rule="#3d444d",
    card="#171d26",
    user="#56b4e9",
    user_card="#12304a",
    assistant="#f0a05a",
    assistant_card="#46280f",
    money="#3fcf9f",
    region="#e07b39",
)
THEMES = (LIGHT, DARK)


@contextmanager
def sheet(width: float, height: float, theme: Theme) -> Iterator[Figure]:
    """Give a figure of that many inches on the theme's paper."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    colours = {
        "text.color": theme.ink,
        "axes.labelcolor": theme.ink,
        "axes.edgecolor": theme.faint,
        "axes.facecolor": theme.paper,
        "xtick.color": theme.ink,
        "ytick.color": theme.ink,
        "grid.color": theme.rule,
        "savefig.facecolor": theme.paper,
        "font.size": 11.0,
    }
    with mpl.rc_context(STYLE | colours):
        yield Figure(figsize=(width, height), dpi=DPI, facecolor=theme.paper)


def plane(figure: Any, left: float, bottom: float, width: float, height: float) -> Axes:
    """Return axes without a frame whose unit is an inch; the place is in inches of the figure."""
    across, up = figure.get_size_inches()
    axes: Axes = figure.add_axes((left / across, bottom / up, width / across, height / up))
    axes.set_xlim(0, width)
    axes.set_ylim(0, height)
    axes.set_axis_off()
    return axes


def box(axes: Axes, place: tuple[float, float, float, float], **look: Any) -> None:
    """Draw a rounded box: left, bottom, width, height, in inches."""
    from matplotlib.patches import FancyBboxPatch

    left, bottom, width, height = place
    radius = look.pop("radius", 0.09)
    axes.add_patch(
        FancyBboxPatch(
            (left, bottom),
            width,
            height,
            boxstyle=f"round,pad=0,rounding_size={radius}",
            **{"linewidth": 1.0, "edgecolor": "none"} | look,
        )
    )


def say(axes: Axes, x: float, y: float, text: str, **look: Any) -> None:
    """Write a text; by default from its left, centred upright."""
    axes.text(x, y, text, **{"ha": "left", "va": "center", "linespacing": 1.25} | look)


def arrow(
    axes: Axes, start: tuple[float, float], end: tuple[float, float], colour: str, **look: Any
) -> None:
    """Draw an arrow; ``bend`` curves it."""
    from matplotlib.patches import FancyArrowPatch

    bend = look.pop("bend", 0.0)
    axes.add_patch(
        FancyArrowPatch(
            start,
            end,
            arrowstyle="-|>,head_length=5,head_width=3",
            connectionstyle=f"arc3,rad={bend}",
            **{"color": colour, "linewidth": 1.5, "shrinkA": 0, "shrinkB": 0} | look,
        )
    )


def lines(text: str, width: int) -> list[str]:
    """Return a text in lines of so many characters."""
    return textwrap.wrap(text, width)


def keep(figure: Figure, folder: Path, name: str, theme: Theme) -> Path:
    """Save a drawing as PNG; the dark one has ``_dark`` in its name."""
    ending = "_dark" if theme.name == "dark" else ""
    figure.set_dpi(DPI)
    out = folder / f"{name}{ending}.png"
    import matplotlib as mpl

    # dark papers differ from site to site, so the dark picture has none
    paper = "none" if theme.name == "dark" else theme.paper
    if theme.name == "dark":
        figure.set_facecolor("none")
        for axes in figure.axes:
            axes.set_facecolor("none")
    with mpl.rc_context({"savefig.facecolor": paper}):
        save(figure, out)
    return out
