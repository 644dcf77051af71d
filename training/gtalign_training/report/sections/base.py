"""The one function that all sections hang on, and what they share."""

from __future__ import annotations

from collections.abc import Collection, Sequence
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


def table(
    columns: Sequence[Child],
    rows: Sequence[Sequence[Child]],
    *,
    words: Collection[int] = (0,),
) -> Html:
    """Return a table that scrolls inside itself where the page is narrow.

    Args:
        columns: Headings.
        rows: Cells.
        words: Which columns are words, which begin at the left; the others are numbers, which end
            at the right.
    """
    looks = ["words" if k in words else "number" for k in range(len(columns))]
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


NOT_NUMBERS = ("exact", "none", "undefined", "nan")
"""What stands in a column of numbers where there is none."""


def worded(rows: Sequence[Sequence[Child]]) -> set[int]:
    """Return which columns of a table are words: the first, and those with a cell that begins like one."""
    return {0} | {
        k
        for row in rows
        for k, cell in enumerate(row)
        if isinstance(cell, str) and cell[:1].isalpha() and cell not in NOT_NUMBERS
    }


def scroller(inner: Html) -> Html:
    """Return something that may be wider than the page, in a frame that can be scrolled by keys."""
    return tag("div", inner, class_="scroll", tabindex="0")
