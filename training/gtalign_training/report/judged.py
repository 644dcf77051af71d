"""From the summary of an evaluation over rows (`gtalign data evaluate`) to parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from gtalign_env.money import to_usd
from gtalign_training.data.evaluation.numbers import NO_MOVE
from gtalign_training.data.evaluation.render import COMPARED, ECONOMIC, TEXT, label
from gtalign_training.data.evaluation.summary import MOVES
from gtalign_training.report.parts import SIDES, Cell, Intervals, Part, ShareRows, Table
from gtalign_training.report.plain import interval_of, rows_of
from gtalign_training.report.readers.files import attempt
from gtalign_training.report.words import count, number, percent, signed
from gtalign_training.statistics import Interval
from gtalign_training.tables.table import LEAST_P

OVER = "Means with 95\u202f% bootstrap intervals over families of rows."
TEXT_SIDES = [key for key, _ in TEXT if key != "quality"]
"""Measures of the welfare of a text."""
BROKEN_FORM = "broken"
"""How an answer without a readable form is called."""

Summary = Mapping[str, Any]


def judged_parts(summary: Summary, problems: list[str], file: str) -> list[Part]:
    """Return what came of the answers, by price and source.

    Args:
        summary: Of the evaluation; empty where it is not finished.
        problems: Gets a sentence about each part that cannot be read.
        file: Name of its file.
    """
    makers: Sequence[tuple[str, Callable[[Summary], list[Part]]]] = (
        ("the welfare of the answers", _text),
        ("the quality", _quality),
        ("the welfare of the game", _economic),
        ("the differences", _differences),
        ("the numbers by source", _sources),
        ("the moves", _moves),
        ("what was answered", _answered),
        ("the written matrices", _matrices),
        ("what the models took", _models),
        ("the rounds of judging", _rescored),
    )
    parts: list[Part] = []
    for what, make in makers:
        nothing: list[Part] = []
        parts += attempt(partial(make, summary), nothing, f"{file}: {what}", problems)
    return parts


def _conditions(summary: Summary) -> list[Mapping[str, Any]]:
    return rows_of(summary, "conditions")


def _estimate(value: Any, digits: int = 3) -> Cell:
    one = interval_of(value)
    if one is None:
        return number(None)
    if one.low == one.high:
        return number(one.mean, digits)
    return (number(one.mean, digits), f"{number(one.low, digits)} to {number(one.high, digits)}")


def _welfare(
    rows: Sequence[tuple[str, Mapping[str, Any]]],
    keys: Sequence[str],
    title: str,
    unit: str,
    numbers: Table | None = None,
) -> list[Part]:
    """Return U, L and W of conditions, of the measures that have these names."""
    found = []
    cells: list[tuple[Cell, ...]] = []
    for name, row in rows:
        intervals = [interval_of(row.get(key)) for key in keys]
        known = {
            side: one for (side, _), one in zip(SIDES, intervals, strict=True) if one is not None
        }
        if known:
            found.append((name, known))
        n = next((row[key]["n"] for key in keys if row.get(key) is not None), 0)
        cells.append((name, count(n), *(_estimate(row.get(key)) for key in keys)))
    if not found:
        return [] if numbers is None else [numbers]
    columns = ("price", "answers", *(name for _, name in SIDES))
    table = numbers or Table(title, columns, tuple(cells))
    return [Intervals(title, unit, SIDES, tuple(found), numbers=table, note=OVER)]


def _text(summary: Summary) -> list[Part]:
    rows = [(label(one), one) for one in _conditions(summary)]
    title = f"Welfare of the answers ({summary.get('welfare')})"
    return _welfare(rows, TEXT_SIDES, title, "welfare of an answer")


def _economic(summary: Summary) -> list[Part]:
    rows = [(label(one), one) for one in _conditions(summary)]
    title = f"Welfare of the game with {summary.get('persona')}"
    return _welfare(rows, [key for key, _ in ECONOMIC], title, "points an answer")


def _quality(summary: Summary) -> list[Part]:
    """Return mean quality, with where it may lie if what was not judged counts too."""
    rows: list[tuple[str, Mapping[str, Interval]]] = []
    cells: list[tuple[Cell, ...]] = []
    for one in _conditions(summary):
        found = interval_of(one.get("quality"))
        judged = one["judged"]
        bounds = one.get("quality_bounds")
        cells.append(
            (
                label(one),
                _estimate(one.get("quality")),
                number(None) if not bounds else f"{number(bounds[0])} to {number(bounds[1])}",
                *(
                    count(judged[key])
                    for key in ("scored", "abstained", "failed", "malformed", "not_asked")
                ),
            )
        )
        if found is not None:
            rows.append((label(one), {"p0": found}))
    heads = ("scored", "abstained", "judge failed", BROKEN_FORM, "not asked")
    table = Table(
        "Verdicts",
        ("price", "quality", "with all others", *heads),
        tuple(cells),
        note="with all others: where the mean lies if every answer without a verdict is worthless, and "
        "if every one is perfect. A judge does not abstain at random.",
    )
    if not rows:
        return [table] if cells else []
    series = (("p0", "quality"),)
    return [Intervals("Quality, as judged", "share", series, tuple(rows), numbers=table, note=OVER)]


def _differences(summary: Summary) -> list[Part]:
    parts: list[Part] = []
    for one in rows_of(summary, "differences"):
        title = f"{label(one['to'])} less {label(one['from'])}, on the same rows"
        cells: list[tuple[Cell, ...]] = []
        for key, name, digits in COMPARED:
            gap = interval_of(one.get(key))
            if gap is None:
                continue
            p, n = one[key]["p"], one[key]["n"]
            cells.append(
                (
                    name,
                    (
                        signed(gap.mean, digits),
                        f"{signed(gap.low, digits)} to {signed(gap.high, digits)}",
                    ),
                    f"< {LEAST_P}" if p < LEAST_P else number(p),
                    count(n),
                )
            )
        cells.append(("move changed", percent(one["moves_changed"]), "", count(one["pairs"])))
        table = Table(title, ("", "difference", "p", "pairs"), tuple(cells))
        known = {
            side: gap
            for side, _ in SIDES
            if (gap := interval_of(one.get(f"economic_{side}"))) is not None
        } or {side: gap for side, _ in SIDES if (gap := interval_of(one.get(side))) is not None}
        parts.append(
            Intervals(
                title,
                "points",
                SIDES,
                ((label(one["to"]), known),),
                True,
                (),
                table,
                note="Paired by row: mean difference, 95\u202f% bootstrap interval over families, "
                "permutation test.",
            )
            if known
            else table
        )
    return parts


def _sources(summary: Summary) -> list[Part]:
    """Return quality and welfare by source under each price."""
    rows = [
        (f"{label(one)}: {name}", part)
        for one in _conditions(summary)
        for name, part in one["by_source"].items()
    ]
    if not rows:
        return []
    keys = ("asks", "quality", "user", "assistant", "joint", "tokens")
    table = Table(
        "By source and price",
        ("price and source", "rows", "asks", "quality", "U", "L", "W", "tokens", "bill, USD"),
        tuple(
            (
                name,
                count(part["rows"]),
                *(_estimate(part.get(key), 1 if key == "tokens" else 3) for key in keys),
                _estimate(part.get("bill_usd"), 6),
            )
            for name, part in rows
        ),
    )
    return _welfare(rows, TEXT_SIDES, table.title, "welfare of an answer", table)


def _moves(summary: Summary) -> list[Part]:
    names = {NO_MOVE: BROKEN_FORM}
    rows = [
        (
            label(one),
            f"asks back in {percent(one['asks']['mean'], 0)}" if one.get("asks") else "",
            {
                names.get(move, move): one["moves"][move]
                for move in MOVES
                if one["moves"].get(move, 0) > 0
            },
            "",
        )
        for one in _conditions(summary)
    ]
    shown = tuple(row for row in rows if row[2])
    return [ShareRows("What the answers do", "answer", shown)] if shown else []


def _answered(summary: Summary) -> list[Part]:
    cells: list[tuple[Cell, ...]] = [
        (
            label(one),
            count(one["answered"]),
            count(one["failed"]),
            _estimate(one.get("tokens"), 1),
            _estimate(one.get("bill_usd"), 6),
            ", ".join(f"{name} {n}" for name, n in one["labels"].items()) or number(None),
        )
        for one in _conditions(summary)
    ]
    if not cells:
        return []
    columns = ("price", "answered", "failed", "tokens out", "bill, USD", "labels")
    return [Table("Answers", columns, tuple(cells), note=OVER)]


def _matrices(summary: Summary) -> list[Part]:
    rows = [
        (label(one), found)
        for one in _conditions(summary)
        if (found := one.get("matrices")) and (found["read"] or found["broken"])
    ]
    if not rows:
        return []
    cells = tuple(
        (
            name,
            *(count(found[key]) for key in ("read", "broken", "distinct")),
            percent(found["top_share"]),
            *(count(found[key]) for key in ("edited", "choice_moved")),
        )
        for name, found in rows
    )
    columns = ("price", "read", BROKEN_FORM, "different", "top", "edited", "choice moved")
    return [
        Table(
            "Payoff matrices that were written",
            columns,
            cells,
            note="different, top: how many different ones, and the share of the most frequent: one for "
            "all is a collapse. choice moved: the edit makes another cell the best.",
        )
    ]


def _models(summary: Summary) -> list[Part]:
    models = summary.get("models") or {}
    cells = []
    for seat, model in models.items():
        if not model["calls"]:
            continue
        tokens, cost = model["tokens"], model["cost_pico_usd"]
        cells.append(
            (
                str(seat),
                count(model["calls"]),
                count(model["estimated"]),
                count(tokens["input"]),
                count(tokens["output"] + tokens["reasoning"]),
                number(None) if cost is None else number(to_usd(cost), 6),
            )
        )
    columns = ("seat", "calls", "tokens estimated in", "tokens in", "tokens out", "cost, USD")
    return [Table("What the models took", columns, tuple(cells))] if cells else []


def _rescored(summary: Summary) -> list[Part]:
    keys = ("round", "judged", "newly_scored", "changed", "failed")
    rows = tuple(tuple(count(one[key]) for key in keys) for one in rows_of(summary, "rescored"))
    return [Table("Judged again", tuple(k.replace("_", " ") for k in keys), rows)] if rows else []
