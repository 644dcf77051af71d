"""A map of two sliders as SVG: regions by colour and hatching, and where the sliders stand."""

from __future__ import annotations

from html import escape
from itertools import groupby

import numpy as np

from gtalign_training.plots.studies.colours import COLOURS, is_hatched
from gtalign_training.ui.draw_game import named
from gtalign_training.ui.knobs import Knob
from gtalign_training.ui.phase import SIDE, Phase

LEFT, TOP, WIDE, HIGH = 46.0, 8.0, 340.0, 250.0
"""The map in the picture's own units."""

TICKS = 5

TITLES = {
    "dilemma": "Social dilemma, or a strict prisoner's dilemma inside",
    "equilibrium": "What is played in the worst equilibrium",
}


def draw_phase(phase: Phase, x: float, y: float) -> str:
    """Return the map, its legend, and a sentence that says where the sliders stand.

    Args:
        phase: The map.
        x: Where the slider along it stands.
        y: Where the slider up it stands.
    """
    across, up = _place(phase.x, x) * WIDE, (1 - _place(phase.y, y)) * HIGH
    here = phase.at(*(min(max(v, k.low), k.high) for v, k in ((x, phase.x), (y, phase.y))))
    about = (
        f"{TITLES[phase.asked]}, over {phase.x.label} and {phase.y.label}. You are at "
        f"{x:g}, {y:g}: {named(here)}."
    )
    width, height = LEFT + WIDE + 14, TOP + HIGH + 42
    body = (
        '<defs><pattern id="gt-hatch" width="6" height="6" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><rect width="2" height="6" fill="#000" opacity=".28"/>'
        f"</pattern></defs>{_regions(phase)}{_frame(phase)}"
        f'<g class="gt-here" transform="translate({LEFT + across:.2f} {TOP + up:.2f})">'
        f'<path d="M{-across:.2f} 0H{WIDE - across:.2f}M0 {-up:.2f}V{HIGH - up:.2f}"/>'
        '<circle shape-rendering="auto" r="8" class="gt-halo"/><circle shape-rendering="auto" r="8"/><circle r="2.2" class="gt-dot"/></g>'
    )
    return (
        f'<figure class="gt-phase"><figcaption><strong>{escape(TITLES[phase.asked])}</strong>, over two of the sliders. '
        f"Where you stand: {escape(named(here))}.</figcaption>"
        f'<svg shape-rendering="crispEdges" viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(about)}">{body}'
        f"</svg>{_legend(phase)}</figure>"
    )


def _place(knob: Knob, value: float) -> float:
    return min(max((value - knob.low) / (knob.high - knob.low), 0.0), 1.0)


def _regions(phase: Phase) -> str:
    """Return the points as rectangles, those of one label in a row together."""
    wide, high = WIDE / SIDE, HIGH / SIDE
    out = []
    for row, labels in enumerate(phase.labels.tolist()):
        top, column = TOP + HIGH - (row + 1) * high, 0
        for label, run in groupby(labels):
            count = len(list(run))
            place = (
                f'x="{LEFT + column * wide:.2f}" y="{top:.2f}" width="{count * wide + 0.3:.2f}" '
                f'height="{high + 0.3:.2f}"'
            )
            out.append(f'<rect {place} fill="{COLOURS[label]}"/>')
            if is_hatched(label):
                out.append(f'<rect {place} fill="url(#gt-hatch)"/>')
            column += count
    return "".join(out)


def _frame(phase: Phase) -> str:
    out = [f'<rect class="gt-frame" x="{LEFT}" y="{TOP}" width="{WIDE}" height="{HIGH}"/>']
    for share in np.linspace(0.0, 1.0, TICKS).tolist():
        across, up = LEFT + share * WIDE, TOP + (1 - share) * HIGH
        x, y = (_tick(knob, share) for knob in (phase.x, phase.y))
        out.append(f'<text x="{across:.1f}" y="{TOP + HIGH + 14}" text-anchor="middle">{x}</text>')
        out.append(f'<text x="{LEFT - 5}" y="{up + 4:.1f}" text-anchor="end">{y}</text>')
    middle = TOP + HIGH / 2
    out.append(
        f'<text class="gt-axis" x="{LEFT + WIDE / 2}" y="{TOP + HIGH + 33}" text-anchor="middle">'
        f"{escape(phase.x.title)}</text>"
        f'<text class="gt-axis" text-anchor="middle" transform="translate(11 {middle}) rotate(-90)">'
        f"{escape(phase.y.title)}</text>"
    )
    return "".join(out)


def _tick(knob: Knob, share: float) -> str:
    return f"{knob.low + share * (knob.high - knob.low):.3g}"


def _legend(phase: Phase) -> str:
    items = "".join(
        f'<li><span class="gt-swatch{" gt-hatched" if is_hatched(name) else ""}" '
        f'style="background-color:{COLOURS[name]}"></span>{escape(named(name))} '
        f"<small>{share:.0%}</small></li>"
        for name, share in phase.shares
    )
    about = "" if phase.exact else "<li>approximate, where users differ by a density</li>"
    return f'<ul class="gt-classes">{items}{about}</ul>'
