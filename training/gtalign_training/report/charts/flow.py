"""Where money comes from and where it goes: bands whose height is the amount."""

from __future__ import annotations

from collections.abc import Sequence

from gtalign_training.report.charts.svg import chart, rect, shortened, text
from gtalign_training.report.html import Child, Html, tag
from gtalign_training.report.words import percent, usd

LOOKS = {"provider’s margin": "gain", "provider’s loss": "loss"}
"""Class of the colour of what is not one of several."""

Streams = Sequence[tuple[str, float]]

_PITCH, _GAP, _LEAST = 34.0, 10.0, 1.5
"""Height that a label needs, gap between bands, and the least height that is seen."""


def flow_chart(name: str, sources: Streams, middle: str, sinks: Streams) -> Html:
    """Return the picture of an amount that flows from its sources through the middle to its sinks.

    Args:
        name: What it shows.
        sources: Name and amount, USD, greater than 0.
        middle: What the whole is called.
        sinks: Likewise; their sum is that of the sources.
    """
    total = sum(amount for _, amount in sources)

    def draw(width: int) -> tuple[int, Child]:
        labels = 205.0 if width > 500 else 112.0
        thick = 190.0 if width > 500 else 150.0
        bar = 10.0
        left, right, centre = labels, width - labels, width / 2
        height = 22 + max(
            sum(max(_PITCH, thick * amount / total) + _GAP for _, amount in side)
            for side in (sources, sinks)
        )
        core = 22 + (height - 22 - thick) / 2
        drawn: list[Child] = [
            rect(centre - bar / 2, core, bar, thick, "node whole", f"{middle}: {usd(total)}"),
        ]
        for k, (side, x, inner) in enumerate(
            ((sources, left, centre - bar / 2), (sinks, right, centre + bar / 2))
        ):
            y, at = 22.0, core
            for index, (said, amount) in enumerate(side):
                tall = thick * amount / total
                room = max(_PITCH, tall)
                top = y + (room - tall) / 2
                look = LOOKS.get(said, f"f{k}{min(index, 3)}")
                told = f"{said}: {usd(amount)}, {percent(amount / total)}"
                drawn.append(_band(x, top, inner, at, max(tall, _LEAST), look, told))
                drawn.append(
                    rect(x - (bar if k == 0 else 0), top, bar, max(tall, _LEAST), f"node {look}")
                )
                where = x - bar - 6 if k == 0 else x + bar + 6
                anchor = "end" if k == 0 else "start"
                middle_of = y + room / 2
                # what it belongs to is told on wide pages, and when it is pointed at
                short = said if width > 500 else said.rpartition(": ")[2]
                named = shortened(short, labels - bar - 6)
                drawn.append(text(where, middle_of - 2, named, "name", anchor))
                amount_said = usd(amount) if width > 500 else percent(amount / total, 0)
                more = f" · {percent(amount / total, 0)}" if width > 500 else ""
                drawn.append(text(where, middle_of + 13, amount_said + more, "tick", anchor))
                y, at = y + room + _GAP, at + tall
        drawn.append(text(centre, core - 8, middle, "name halo", "middle"))
        return int(height + 8), drawn

    return chart(name, draw)


def _band(x0: float, y0: float, x1: float, y1: float, tall: float, look: str, told: str) -> Html:
    bend = (x0 + x1) / 2
    path = (
        f"M{x0:.1f},{y0:.1f}C{bend:.1f},{y0:.1f} {bend:.1f},{y1:.1f} {x1:.1f},{y1:.1f}"
        f"V{y1 + tall:.1f}C{bend:.1f},{y1 + tall:.1f} {bend:.1f},{y0 + tall:.1f} "
        f"{x0:.1f},{y0 + tall:.1f}Z"
    )
    return tag("path", tag("title", told), d=path, class_=f"band {look}")
