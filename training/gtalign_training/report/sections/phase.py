"""A study's diagrams: labels or numbers over its axes."""

from __future__ import annotations

import numpy as np

from gtalign_env.games.ordinal import CLASSES
from gtalign_training.plots.studies.colours import LINE_STYLES
from gtalign_training.report.charts.curves import curve_chart
from gtalign_training.report.charts.field import LEVELS, field_chart, shades
from gtalign_training.report.charts.svg import key
from gtalign_training.report.html import Child, Html, joined, tag
from gtalign_training.report.parts import Curve, Phase
from gtalign_training.report.sections.base import build
from gtalign_training.report.sections.numbers import LOOKS
from gtalign_training.report.words import plural
from gtalign_training.studies.maps import KINDS, Panel, Picture
from gtalign_training.studies.solved import DILEMMAS, MEANING, MIXED, said

_LINE_LOOKS = {
    "optimum.welfare": "joint",
    "best.welfare": "user",
    "worst.welfare": "assistant",
    "price_of_anarchy": "assistant",
    "price_of_stability": "user",
    "restriction.critical_discount": "joint",
}
"""Class of the colour of each line, as in the pictures of `gtalign plot`."""


def look_of(label: str) -> str:
    """Return the class of the colour of a label; a vague opening is lined besides.

    Args:
        label: A dilemma, a class of 2×2 games, or a pair of plans.
    """
    if label in DILEMMAS:
        return f"d{DILEMMAS.index(label)}"
    if label in CLASSES:
        return f"k{CLASSES.index(label)}"
    if label == MIXED:
        return "mixed"
    user, _, assistant = label.partition(" x ")
    return LOOKS["move"].get(assistant, "x0") + (" vague" if user == "VQ" else "")


@build.register
def _(part: Phase) -> Html:
    picture = part.picture
    held = f" Held: {picture.held}." if picture.held else ""
    exact = "" if picture.exact else " Some payoffs are approximate."
    meaning = f" {MEANING}" if _classed(picture) else ""
    grid = tag("p", f"{_grid(picture)}{held}{exact}{meaning}", class_="note")
    whose = picture.restriction
    of = tag("p", f"The restriction: {whose}.", class_="note") if whose else None
    return joined(of, grid, [_panel(picture, panel) for panel in picture.panels])


def _classed(picture: Picture) -> bool:
    """Return whether something in a picture is one of `DILEMMAS`."""
    bands = any(panel.bands is not None for panel in picture.panels)
    return picture.kind == "class" or (bands and picture.names == DILEMMAS)


def _grid(picture: Picture) -> str:
    across = len(picture.x.numbers)
    if picture.y is None:
        return f"{plural(across, 'point')} on the axis, solved exactly one by one."
    return f"A grid of {across} × {len(picture.y.numbers)} solved games; each cell is one."


def _panel(picture: Picture, panel: Panel) -> Html:
    head = tag("h5", panel.title) if panel.title else None
    name = f"{picture.title} {panel.title}".strip()
    if picture.y is not None and panel.codes is not None:
        present = sorted({int(code) for code in np.unique(panel.codes)})
        looks = [look_of(label) for label in picture.names]
        names = [said(label) for label in picture.names]
        drawn = field_chart(name, panel.codes, looks, names, picture.x, picture.y)
        return joined(head, key([(f"part {looks[k]}", names[k]) for k in present]), drawn)
    if picture.y is not None and panel.numbers is not None:
        codes, told = shades(panel.numbers)
        looks = [f"s{k}" for k in range(LEVELS)]
        drawn = field_chart(name, codes, looks, told, picture.x, picture.y)
        return joined(head, key([(f"part {looks[k]}", one) for k, one in enumerate(told)]), drawn)
    return joined(head, _lines(picture, panel, name), _bands(picture, panel))


def _lines(picture: Picture, panel: Panel, name: str) -> Child:
    xs = tuple(map(float, picture.x.numbers))
    curves = []
    for column, values in (panel.lines or {}).items():
        pairs = [(x, float(y)) for x, y in zip(xs, values, strict=True) if np.isfinite(y)]
        if pairs:
            a, b = zip(*pairs, strict=True)
            curves.append(Curve(LINE_STYLES[column][0], _LINE_LOOKS[column], a, b))
    if not curves:
        return tag("p", "Not defined at any point.", class_="note")
    unit = KINDS[picture.kind].unit or "points"
    chart = curve_chart(name, curves, picture.x.title, unit)
    return [key([(f"line thick {one.look}", one.name) for one in curves]), chart]


def _bands(picture: Picture, panel: Panel) -> Child:
    """Return, over one axis, which label holds from where on."""
    if panel.bands is None:
        return None
    first, changes = panel.bands
    names = [said(label) for label in picture.names]
    lines = [tag("li", tag("b", names[first]), " from the beginning of the axis")]
    for change in changes:
        at = float(picture.x.at(np.array([change.at]))[0])
        lines.append(
            tag("li", tag("b", names[change.after]), f" from {at:.4g} {picture.x.unit}".rstrip())
        )
    return tag("ul", lines, class_="plain")
