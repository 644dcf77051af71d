"""The one function that all sections hang on, and what they share."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch

from gtalign_training.report.html import Child, Html, tag
from gtalign_training.report.parts import Part


@singledispatch
def build(part: Part) -> Html:
    """Return what a part shows, without its heading.

    Args:
        part: Any part that a section is registered for.

    Raises:
        TypeError: None is.
    """
    raise TypeError(f"no section draws a {type(part).__name__}; register one with build.register")


def table(columns: Sequence[Child], rows: Sequence[Sequence[Child]], *, words: int = 1) -> Html:
    """Return a table that scrolls inside itself where the page is narrow.

    Args:
        columns: Headings.
        rows: Cells.
        words: How many columns, from the left, are words; the rest are numbers.
    """
    looks = ["words" if k < words else "number" for k in range(len(columns))]
    head = tag(
        "tr", [tag("th", c, scope="col", class_=k) for c, k in zip(columns, looks, strict=True)]
    )
    body = [
        tag(
            "tr",
            [
                tag("th", cell, scope="row", class_="words")
                if k == 0
                else tag("td", cell, class_=look)
                for k, (cell, look) in enumerate(zip(row, looks, strict=True))
            ],
        )
        for row in rows
    ]
    return scroller(tag("table", tag("thead", head), tag("tbody", body)))


def scroller(inner: Html) -> Html:
    """Return something that may be wider than the page, in a frame that can be scrolled by keys."""
    return tag("div", inner, class_="scroll", tabindex="0")
