"""From the content of an ``evaluation.json`` (`gtalign evaluate`, `compare --out`) to parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from gtalign_training import tables
from gtalign_training.grid.results import ALL
from gtalign_training.grid.tables import BUILDERS, exact_table
from gtalign_training.report.learnt import welfares_of
from gtalign_training.report.parts import (
    SIDES,
    Data,
    Intervals,
    Part,
    ShareRows,
    Table,
    WelfareRows,
)
from gtalign_training.report.plain import as_number, interval_of, rows_of, shares_of
from gtalign_training.report.readers.files import attempt
from gtalign_training.report.tabled import table_part
from gtalign_training.report.words import number, percent
from gtalign_training.statistics import Interval

SHOWN = {
    *(
        "schema",
        "gtalign-env",
        "command",
        "contenders",
        "reference",
        "epsilon",
        "cells",
        "episodes",
    ),
    *("seed", "faults", "optima", "games", "welfare", "differences", "worst", "dominance"),
    *("frontier", "use", "moves", "matrices", "exact"),
}
"""Entries that have a place on the page; any other is shown as it stands."""

LETTERS = {"U": "user", "L": "assistant", "W": "joint"}
PAYOFFS = (("user", "user’s payoffs"), ("assistant", "assistant’s payoffs"))
OPTIMUM = "the exact optimum"
NEAR = 1e-9
"""Points; optima nearer than this are one."""

Result = Mapping[str, Any]


def evaluation_parts(data: Result, problems: list[str], file: str) -> list[Part]:
    """Return what an evaluation says, most important first.

    Args:
        data: Content of its file.
        problems: Gets a sentence about each part that cannot be read.
        file: Name of the file.
    """
    parts: list[Part] = []
    for table in _tables(data, problems, file):
        shown = table_part(table)
        chart = DRAWN.get(table.key.partition("-")[0], _plain)
        what = f"{file}: the chart of {table.title}"
        drawn = attempt(partial(chart, data, table.key, shown), None, what, problems)
        parts.append(shown if drawn is None else drawn)
        if table.key == "welfare":
            shares = attempt(partial(_shares, data), None, f"{file}: the shares", problems)
            parts += [] if shares is None else [shares]
    parts += [
        Data(str(key).replace("_", " ").capitalize(), value)
        for key, value in data.items()
        if key not in SHOWN
    ]
    return parts


def _tables(data: Result, problems: list[str], file: str) -> list[tables.Table]:
    """Return the tables that can be made of the data."""
    plain = dict(data)
    makers: Sequence[Callable[[dict[str, Any]], Iterable[tables.Table]]] = (
        [lambda known: [exact_table(known)]] if "exact" in plain else BUILDERS
    )
    found: list[tables.Table] = []
    for k, make in enumerate(makers):
        made = attempt(partial(_made, make, plain), found[:0], f"{file}: table {k + 1}", problems)
        found += [
            table  # a value of another kind than its column's shows when it is written
            for table in made
            if attempt(partial(_shows, table), False, f"{file}: {table.title}", problems)
        ]
    return found


def _made(
    make: Callable[[dict[str, Any]], Iterable[tables.Table]], data: dict[str, Any]
) -> list[tables.Table]:
    return list(make(data))


def _shows(table: tables.Table) -> bool:
    return bool(table.rows) and bool(table_part(table).rows)


def _plain(data: Result, key: str, shown: Table) -> Part | None:
    return None


def _welfare(data: Result, key: str, shown: Table) -> Part | None:
    rows = [row for row in rows_of(data, "welfare") if row.get("by") == ALL]
    found = tuple(
        (str(row.get("contender")), int(as_number(row.get("episodes")) or 0), welfares)
        for row in rows
        if (welfares := welfares_of(row))
    )
    optimum = next(
        (one for row in rows if (one := as_number(row.get("optimum"))) is not None), None
    )
    return WelfareRows("Welfare of both sides", found, optimum, shown) if found else None


def _split(data: Result, key: str, shown: Table) -> Part | None:
    by = key.partition("-")[2]
    rows = [row for row in rows_of(data, "welfare") if row.get("by") == by]
    found = tuple(
        (
            f"{row.get('name')}: {row.get('contender')}",
            int(as_number(row.get("episodes")) or 0),
            one,
        )
        for row in rows
        if (one := welfares_of(row))
    )
    return WelfareRows(f"Welfare by {by}", found, None, shown) if found else None


def _shares(data: Result) -> Part | None:
    """Return mean W over the exact optimum, all cells first, then regime by regime."""
    rows = tuple(
        (
            f"{row['name']}: {row['contender']}" if row.get("name") else str(row["contender"]),
            {"joint": share},
        )
        for row in rows_of(data, "welfare")
        if row.get("by") in (ALL, "regime") and (share := interval_of(row.get("share"))) is not None
    )
    if not rows:
        return None
    return Intervals(
        "Share of the exact optimum",
        "mean W over the optimum’s",
        (("joint", "share"),),
        rows,
        marks=(("the optimum", 1.0),),
        note="The optimum is an expectation and the mean is not: luck may take a share above 1.",
    )


def _differences(data: Result, key: str, shown: Table) -> Part | None:
    found: dict[str, dict[str, Interval]] = {}
    for row in rows_of(data, "differences"):
        gap = interval_of(row.get("difference"))
        side = LETTERS.get(str(row.get("measure")))
        if row.get("by") == ALL and gap is not None and side is not None:
            found.setdefault(str(row.get("contender")), {})[side] = gap
    if not found:
        return None
    unit = f"points a conversation more than {data.get('reference')}"
    return Intervals(shown.title, unit, SIDES, tuple(found.items()), True, (), shown)


def _worst(data: Result, key: str, shown: Table) -> Part | None:
    rows = [
        (
            f"{row.get('contender')}: {row.get('name')}",
            {"p2": least, "joint": Interval(mean, mean, mean)},
        )
        for row in rows_of(data, "worst")
        if (least := interval_of(row.get("welfare"))) is not None
        and (mean := as_number(row.get("mean"))) is not None
    ]
    if not rows:
        return None
    series = (("joint", "mean W over the parts"), ("p2", "least W, in the part that is named"))
    return Intervals(
        "Worst case beside the mean",
        "points a conversation",
        series,
        tuple(rows),
        numbers=shown,
    )


def _moves(data: Result, key: str, shown: Table) -> Part | None:
    rows: list[tuple[str, str, Mapping[str, float], str]] = []
    groups: dict[str, list[Result]] = {}
    for row in rows_of(data, "moves"):
        groups.setdefault(str(row.get("name") or ""), []).append(row)
    for name, some in groups.items():
        before = f"{name}: " if name else ""
        optimum = next((mix for row in some if (mix := shares_of(row.get("optimum")))), None)
        if optimum:
            rows.append((f"{before}{OPTIMUM}", "", optimum, ""))
        rows += [
            (f"{before}{row.get('contender')}", _remark(row), mix, "")
            for row in some
            if (mix := shares_of(row.get("moves")))
        ]
    if not rows:
        return None
    return ShareRows(
        "First moves beside the exact optimum’s",
        "move",
        tuple(rows),
        note="apart: total variation distance of the two mixes; as optimal: share of first moves "
        "that are the optimum’s, given price, style and opening.",
    )


def _remark(row: Result) -> str:
    apart, agreed = as_number(row.get("distance")), as_number(row.get("agreement"))
    said = [] if apart is None else [f"apart {number(apart, 2)}"]
    return "; ".join(said + ([] if agreed is None else [f"as optimal in {percent(agreed, 0)}"]))


def _matrices(data: Result, key: str, shown: Table) -> Part | None:
    rows = []
    for row in rows_of(data, "matrices"):
        ranks = {side: interval_of(row.get(f"{side}_spearman")) for side, _ in PAYOFFS}
        known = {side: one for side, one in ranks.items() if one is not None}
        if known:
            where = ", ".join(str(row.get(name)) for name in ("contender", "regime", "user"))
            rows.append((where, known))
    if not rows:
        return None
    return Intervals(
        "Written matrices beside the exact ones",
        "Spearman’s rank correlation of the cells, first turns",
        PAYOFFS,
        tuple(rows),
        zero=True,
        marks=(("as exact", 1.0),),
        numbers=shown,
        note=_collapse(data),
    )


def _collapse(data: Result) -> str:
    """Return which contenders write one matrix whatever the conversation is, if any do."""
    every = [row for row in rows_of(data, "matrices") if as_number(row.get("written"))]
    fallen = sorted(
        {
            str(row.get("contender"))
            for row in every
            if (as_number(row.get("written")) or 0) > 1 and row.get("distinct") == 1
        }
    )
    if not fallen:
        return ""
    return f"Collapsed to one matrix, whatever the conversation is: {', '.join(fallen)}."


def _exact(data: Result, key: str, shown: Table) -> Part | None:
    found = tuple(
        (f"{row.get('regime')}: {row.get('contender')}", 0, welfares)
        for row in rows_of(data, "exact")
        if (welfares := welfares_of(row))
    )
    return WelfareRows("Welfare of both sides, exact", found, None, shown) if found else None


DRAWN: dict[str, Callable[[Result, str, Table], Part | None]] = {
    "welfare": _welfare,
    "by": _split,
    "differences": _differences,
    "worst": _worst,
    "moves": _moves,
    "matrices": _matrices,
    "exact": _exact,
}
"""Tables that have a chart, by the beginning of their key; a chart holds its table."""
