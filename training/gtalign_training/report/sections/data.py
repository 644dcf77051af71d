"""Anything that has no section of its own: plain data as nested lists."""

from __future__ import annotations

from typing import Any

from gtalign_training.report.html import Child, Html, tag
from gtalign_training.report.parts import Data
from gtalign_training.report.sections.base import build, table
from gtalign_training.report.words import general, plural

MOST_ENTRIES = 200
"""Entries of a list that are shown; the folder has all."""

MOST_DEEP = 8


@build.register
def _(part: Data) -> Html:
    return tag("div", _shown(part.data, 0), class_="data")


def _shown(value: Any, depth: int) -> Child:
    if depth >= MOST_DEEP and isinstance(value, dict | list):
        return "…"
    if isinstance(value, dict):
        if not value:
            return "nothing"
        items = list(value.items())
        return [
            tag(
                "dl",
                [
                    [tag("dt", str(key).replace("_", " ")), tag("dd", _shown(one, depth + 1))]
                    for key, one in items[:MOST_ENTRIES]
                ],
            ),
            _more(len(items)),
        ]
    if isinstance(value, list):
        return [_listed(value[:MOST_ENTRIES], depth), _more(len(value))]
    return general(value)


def _more(n: int) -> Child:
    return (
        tag("p", f"{plural(n - MOST_ENTRIES, 'more')}…", class_="note")
        if n > MOST_ENTRIES
        else None
    )


def _listed(values: list[Any], depth: int) -> Child:
    if not values:
        return "nothing"
    if all(not isinstance(one, dict | list) for one in values):
        return ", ".join(general(one) for one in values)
    flat = [one for one in values if isinstance(one, dict)]
    columns = list(dict.fromkeys(str(key) for one in flat for key in one))
    if len(flat) == len(values) and len(columns) <= 10:
        rows = [[_shown(one.get(column), depth + 1) for column in columns] for one in flat]
        return table([column.replace("_", " ") for column in columns], rows)
    return tag("ol", [tag("li", _shown(one, depth + 1)) for one in values])
