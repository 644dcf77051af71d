"""What all charts share: the frame, scales with round ticks, text."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from gtalign_training.report.html import Child, Html, joined, tag
from gtalign_training.report.words import number

WIDE, NARROW = 720, 340
"""Widths of the two drawings, user units; about the pixels that they are shown at."""

LETTER = 6.4
"""Mean width of a letter of chart text (12 units), units."""

BROAD = 7.2
"""The same in the widest of the fonts that a page may be shown in, for names that must not meet."""

Box = tuple[float, float, float, float]
"""Left, top, right, bottom, units."""


def chart(name: str, draw: Callable[[int], tuple[int, Child]]) -> Html:
    """Return a chart for wide and narrow pages.

    Args:
        name: What it shows, for those who do not see it.
        draw: From the width to the height and what is drawn.
    """
    return tag(
        "div",
        [_framed(name, width, look, *draw(width)) for width, look in ((WIDE, "w"), (NARROW, "n"))],
        class_="chart",
    )


def _framed(name: str, width: int, look: str, height: int, drawn: Child) -> Html:
    return tag(
        "svg",
        drawn,
        viewBox=f"0 0 {width} {height}",
        class_=f"svg {look}",
        role="img",
        aria_label=name,
    )


class Scale(NamedTuple):
    """From numbers to places along one axis."""

    low: float
    high: float
    start: float
    """Where `low` is drawn."""
    end: float

    def __call__(self, value: float) -> float:
        """Return where a number is drawn."""
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 2)

    def ticks(self, most: int = 6) -> list[float]:
        """Return round numbers within the axis, at most so many."""
        step = round_step((self.high - self.low) / max(1, most - 1))
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [k * step for k in range(first, last + 1)]


def round_step(rough: float) -> float:
    """Return the least of 1, 2, 2.5 and 5 times a power of ten that is no less."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(k * power for k in (1, 2, 2.5, 5, 10) if k * power >= rough * (1 - 1e-9))


def scale_of(
    values: Sequence[float], start: float, end: float, *, margin: float = 0.06, zero: bool = False
) -> Scale:
    """Return a scale that holds all values.

    Args:
        values: Finite numbers, at least one.
        start: Where the least is drawn.
        end: Where the greatest is.
        margin: Share of the range that is left free on either side.
        zero: Whether 0 belongs to the axis.
    """
    low, high = min(values), max(values)
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    room = (high - low) * margin or max(abs(high), 1.0) * 0.1
    return Scale(low if zero and low == 0 else low - room, high + room, start, end)


def digits_of(ticks: Sequence[float]) -> int:
    """Return with how many decimals every tick is written as it is."""
    near = 1e-6 * abs(ticks[1] - ticks[0]) if len(ticks) > 1 else 0.005
    return next((k for k in range(9) if all(abs(round(t, k) - t) <= near for t in ticks)), 9)


def tick_labels(ticks: Sequence[float]) -> list[str]:
    """Return ticks as text, all with the same decimals."""
    digits = digits_of(ticks)
    return [number(tick, digits) for tick in ticks]


def text(x: float, y: float, content: str, look: str = "", anchor: str = "start") -> Html:
    """Return a text; ``anchor`` is start, middle or end."""
    return tag("text", content, x=x, y=y, class_=look or None, text_anchor=anchor)


def line(x1: float, y1: float, x2: float, y2: float, look: str) -> Html:
    """Return a straight line."""
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=look)


def rect(x: float, y: float, width: float, height: float, look: str, title: str = "") -> Html:
    """Return a rectangle, with what is told when it is pointed at."""
    told = [tag("title", title)] if title else []
    return tag("rect", *told, x=x, y=y, width=max(0.0, width), height=height, class_=look)


def circle(x: float, y: float, radius: float, look: str, title: str = "") -> Html:
    """Return a circle, with what is told when it is pointed at."""
    told = [tag("title", title)] if title else []
    return tag("circle", *told, cx=x, cy=y, r=radius, class_=look)


def polyline(points: Sequence[tuple[float, float]], look: str) -> Html:
    """Return a line through points."""
    return tag("path", d="M" + "L".join(f"{x:g},{y:g}" for x, y in points), class_=look)


def x_axis(scale: Scale, top: float, bottom: float, label: str, most: int = 6) -> Html:
    """Return a horizontal axis below a plot, with grid lines."""
    ticks = scale.ticks(most)
    middle = (scale.start + scale.end) / 2
    return tag(
        "g",
        [line(scale(t), top, scale(t), bottom, "grid") for t in ticks],
        [
            text(scale(t), bottom + 16, shown, "tick", "middle")
            for t, shown in zip(ticks, tick_labels(ticks), strict=True)
        ],
        text(middle, bottom + 33, label, "label", "middle"),
    )


def y_axis(scale: Scale, left: float, right: float, most: int = 6) -> Html:
    """Return the ticks and grid lines of a vertical axis; its label stands above the plot."""
    ticks = scale.ticks(most)
    return tag(
        "g",
        [line(left, scale(t), right, scale(t), "grid") for t in ticks],
        [
            text(left - 6, scale(t) + 4, shown, "tick", "end")
            for t, shown in zip(ticks, tick_labels(ticks), strict=True)
        ],
    )


def around(x: float, y: float, reach: float) -> Box:
    """Return the box of a mark around its place."""
    return (x - reach, y - reach, x + reach, y + reach)


def text_box(x: float, y: float, content: str, anchor: str = "start") -> Box:
    """Return the box of a text, wide enough for any font."""
    long = len(content) * BROAD
    left = {"start": x, "middle": x - long / 2, "end": x - long}[anchor]
    return (left, y - 11, left + long, y + 3)


def meet(one: Box, other: Box) -> bool:
    """Return whether two boxes overlap."""
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def key(entries: Sequence[tuple[str, str]]) -> Html:
    """Return a legend in HTML.

    Args:
        entries: Class of the mark and name.
    """
    return tag(
        "ul",
        [
            tag(
                "li",
                tag("svg", _mark(look), viewBox="0 0 18 12", class_="mark", aria_hidden="true"),
                name,
            )
            for look, name in entries
        ],
        class_="key",
    )


def _mark(look: str) -> Html:
    if look.startswith("line"):
        return line(0, 6, 18, 6, look)
    if look.startswith("dot"):
        return circle(9, 6, 4.5, look)
    if look.startswith("box"):
        return _sign(look)
    return joined(
        rect(2, 0, 14, 12, look), rect(2, 0, 14, 12, "hatch") if "vague" in look else None
    )


def _sign(look: str) -> Html:
    star, diamond = "M2,6h14M9,0v12", "M9,0l6,6l-6,6l-6,-6z"
    return tag("path", d=star if "star" in look else diamond, class_=look.removeprefix("box "))


def shortened(content: str, room: float) -> str:
    """Return a text that fits into so many units, with an ellipsis where it was cut."""
    most = max(3, int(room / LETTER))
    return content if len(content) <= most else f"{content[: most - 1]}…"
