"""Where money comes from and where it goes: bands whose height is the amount."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from gtalign_training.report.charts.svg import BROAD, chart, rect, shortened, text
from gtalign_training.report.html import Child, Html, tag
from gtalign_training.report.words import percent, usd

LOOKS = {"provider’s margin": "gain", "provider’s loss": "loss"}
"""Class of the colour of what is not one of several."""

Streams = Sequence[tuple[str, float]]

_LINE, _GAP, _LEAST = 15.0, 10.0, 1.5
"""Height of a line of a label, gap between bands, and the least height that is seen."""

_MOST_LINES = 2
"""Lines of a name."""

_TOP = 30.0
"""Where the bands begin, below the headings of both sides."""


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
        # what a name belongs to is told on wide pages, and when it is pointed at
        names = [
            [
                _named(said if width > 500 else said.rpartition(": ")[2], labels - bar - 6)
                for said, _ in side
            ]
            for side in (sources, sinks)
        ]
        rooms = [
            [
                max(_LINE * (len(lines) + 1) + 4, thick * amount / total)
                for lines, (_, amount) in zip(named, side, strict=True)
            ]
            for named, side in zip(names, (sources, sinks), strict=True)
        ]
        height = _TOP + max(sum(room) + _GAP * len(room) for room in rooms)
        core = _TOP + (height - _TOP - thick) / 2
        drawn: list[Child] = [
            text(left - bar - 6, 12, "billed for", "label", "end"),
            text(right + bar + 6, 12, "went to", "label"),
            text(centre, 12, middle, "label", "middle"),
            rect(centre - bar / 2, core, bar, thick, "node whole", f"{middle}: {usd(total)}"),
        ]
        for k, (side, x, inner) in enumerate(
            ((sources, left, centre - bar / 2), (sinks, right, centre + bar / 2))
        ):
            y, at = _TOP, core
            for index, (said, amount) in enumerate(side):
                tall = thick * amount / total
                lines, room = names[k][index], rooms[k][index]
                top = y + (room - tall) / 2
                look = LOOKS.get(said, f"f{k}{min(index, 3)}")
                told = f"{said}: {usd(amount)}, {percent(amount / total)}"
                drawn.append(_band(x, top, inner, at, max(tall, _LEAST), look, told))
                drawn.append(
                    rect(x - (bar if k == 0 else 0), top, bar, max(tall, _LEAST), f"node {look}")
                )
                where = x - bar - 6 if k == 0 else x + bar + 6
                anchor = "end" if k == 0 else "start"
                line = y + room / 2 + 13 - _LINE * (len(lines) + 1) / 2
                for said_line in lines:
                    drawn.append(text(where, line - 2, said_line, "name", anchor))
                    line += _LINE
                share = percent(amount / total, 0) if amount >= 0.005 * total else "<1\u202f%"
                amount_said = f"{usd(amount)} · {share}" if width > 500 else share
                drawn.append(text(where, line - 2, amount_said, "tick", anchor))
                y, at = y + room + _GAP, at + tall
        return int(height + 8), drawn

    return chart(name, draw)


def _named(said: str, room: float) -> list[str]:
    """Return a name in as many lines as it needs; only what is still too long is cut."""
    # names are bold, which is broader
    lines = textwrap.wrap(said, max(3, int(room / BROAD)), break_long_words=False) or [said]
    if len(lines) > _MOST_LINES:
        lines = [*lines[: _MOST_LINES - 1], " ".join(lines[_MOST_LINES - 1 :])]
    return [shortened(one, room) for one in lines]


def _band(x0: float, y0: float, x1: float, y1: float, tall: float, look: str, told: str) -> Html:
    bend = (x0 + x1) / 2
    path = (
        f"M{x0:.1f},{y0:.1f}C{bend:.1f},{y0:.1f} {bend:.1f},{y1:.1f} {x1:.1f},{y1:.1f}"
        f"V{y1 + tall:.1f}C{bend:.1f},{y1 + tall:.1f} {bend:.1f},{y0 + tall:.1f} "
        f"{x0:.1f},{y0 + tall:.1f}Z"
    )
    return tag("path", tag("title", told), d=path, class_=f"band {look}")
