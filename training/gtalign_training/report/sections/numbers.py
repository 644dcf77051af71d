"""Welfares, shares, tables, flows and curves."""

from __future__ import annotations

from gtalign_env.core.moves import ASSISTANT_LABELS, USER_LABELS
from gtalign_training.report.charts.curves import curve_chart
from gtalign_training.report.charts.flow import flow_chart
from gtalign_training.report.charts.intervals import interval_chart
from gtalign_training.report.charts.shares import share_bar
from gtalign_training.report.charts.svg import key
from gtalign_training.report.compare import MEASURES
from gtalign_training.report.html import Child, Html, joined, tag
from gtalign_training.report.measures import ENDINGS
from gtalign_training.report.parts import (
    SIDES,
    Cell,
    Curves,
    Differences,
    Flow,
    Intervals,
    ShareRows,
    Table,
    WelfareRows,
)
from gtalign_training.report.sections.base import build, table, worded
from gtalign_training.report.words import count, number, percent, signed
from gtalign_training.statistics import Interval

TOLD = 0.0005
"""Share from which on a label is told beside its bar; less would read as nothing."""

LOOKS: dict[str, dict[str, str]] = {
    "move": {label: f"m{k}" for k, label in enumerate(ASSISTANT_LABELS)} | {"malformed": "bad"},
    "user_move": {label: f"u{k}" for k, label in enumerate(USER_LABELS)},
    "answer": {"DA": "m1", "CQ": "m3", "AQ": "m5", "broken": "bad"},
    "ending": {label: f"e{k}" for k, label in enumerate(ENDINGS)} | {"fault": "bad"},
}
"""Class of the colour of each label."""


@build.register
def _(part: WelfareRows) -> Html:
    rows = [
        (name, [(side, welfares[side]) for side, _ in SIDES if side in welfares])
        for name, _, welfares in part.rows
    ]
    marks = (
        [] if part.optimum is None else [(f"optimum of W {number(part.optimum, 2)}", part.optimum)]
    )
    counted = any(n for _, n, _ in part.rows)
    columns = ["", *(["conversations"] if counted else []), *(name for _, name in SIDES)]
    cells = [
        [
            name,
            *([count(n) if n else "exact"] if counted else []),
            *(_estimate(found.get(side)) for side, _ in SIDES),
        ]
        for name, n, found in part.rows
    ]
    return joined(
        key([(f"dot {side}", name) for side, name in SIDES]),
        interval_chart(part.title, rows, "points a conversation", marks=marks),
        _numbers(part.numbers) or folded("The numbers", table(columns, cells)),
    )


def _numbers(known: Table | None) -> Html | None:
    """Return the table that belongs to a chart, with how to read it."""
    if known is None:
        return None
    return joined(build(known), tag("p", known.note, class_="note") if known.note else None)


def _estimate(one: Interval | None, digits: int = 3) -> Child:
    if one is None:
        return "–"
    if one.low == one.high:
        return number(one.mean, digits)
    span = f"{number(one.low, digits)} to {number(one.high, digits)}"
    return [number(one.mean, digits), tag("span", span, class_="span")]


def folded(name: str, inner: Html) -> Html:
    """Return something that opens when it is asked for."""
    return tag("details", tag("summary", name), inner, class_="fold")


@build.register
def _(part: ShareRows) -> Html:
    looks = LOOKS[part.kind]
    present = {label for _, _, shares, _ in part.rows for label in shares}
    entries = [(f"part {look}", label) for label, look in looks.items() if label in present]
    rows = []
    for name, remark, shares, best in part.rows:
        ordered = {label: shares[label] for label in (*looks, *shares) if label in shares}
        largest = sorted(ordered.items(), key=lambda item: -item[1])
        said = [
            tag("span", f"{label} {percent(share)}", class_="share")
            for label, share in largest
            if share >= TOLD
        ]
        rows.append(
            tag(
                "li",
                tag("div", tag("b", name), tag("span", remark, class_="dim"), class_="row-name"),
                share_bar(ordered, looks, best),
                tag("div", said, class_="said"),
            )
        )
    return joined(key(entries), tag("ul", rows, class_="share-rows"))


@build.register
def _(part: Table) -> Html:
    rows = [[_cell(one) for one in row] for row in part.rows]
    told = [[one if isinstance(one, str) else one[0] for one in row] for row in part.rows]
    return table(part.columns, rows, words={*range(part.words), *worded(told)})


def _cell(one: Cell) -> Child:
    return one if isinstance(one, str) else [one[0], tag("span", one[1], class_="span")]


@build.register
def _(part: Intervals) -> Html:
    rows = [
        (name, [(look, found[look]) for look, _ in part.series if look in found])
        for name, found in part.rows
    ]
    chart = interval_chart(part.title, rows, part.unit, marks=part.marks, zero=part.zero)
    columns = ["", *(name for _, name in part.series)]
    cells = [
        [name, *(_estimate(found.get(look)) for look, _ in part.series)]
        for name, found in part.rows
    ]
    return joined(
        key([(f"dot {look}", name) for look, name in part.series])
        if len(part.series) > 1
        else None,
        chart,
        _numbers(part.numbers) or folded("The numbers", table(columns, cells)),
    )


@build.register
def _(part: Flow) -> Html:
    rows = [[name, number(amount, 6)] for name, amount in (*part.sources, *part.sinks)]
    cells = table(["USD a conversation", "amount"], rows)
    chart = flow_chart(part.title, part.sources, part.middle, part.sinks)
    return joined(chart, folded("The numbers", cells))


@build.register
def _(part: Curves) -> Html:
    entries = [(f"line thick {one.look}", one.name) for one in part.curves]
    entries += [
        (f"line level l{k}", f"{name} {number(v, 2)}") for k, (name, v) in enumerate(part.levels)
    ]
    chart = curve_chart(part.title, part.curves, part.x_label, part.y_label, part.levels)
    return joined(key(entries) if len(entries) > 1 else None, chart)


@build.register
def _(part: Differences) -> Html:
    points = [m for m in MEASURES if m[2] == "points"]
    out: list[Child] = []
    if part.rows:
        rows = [(name, [(k, gaps[k]) for k, _, _ in points]) for name, _, gaps in part.rows]
        columns = ["", "pairs", *(f"{name} ({unit})" for _, name, unit in MEASURES)]
        cells = [
            [
                name,
                count(pairs),
                *(_gap(gaps[k], 5 if unit == "USD" else 3) for k, _, unit in MEASURES),
            ]
            for name, pairs, gaps in part.rows
        ]
        out += [
            key([(f"dot {k}", name) for k, name, _ in points]),
            interval_chart(
                part.title, rows, f"points a conversation more than {part.base}", zero=True
            ),
            table(columns, cells),
        ]
    out += [
        tag("p", tag("b", "Not comparable: "), f"{name} with {part.base} ({why}).", class_="warn")
        for name, why in part.apart
    ]
    return joined(*out)


def _gap(one: Interval, digits: int) -> Child:
    clear = one.low > 0 or one.high < 0
    span = f"{signed(one.low, digits)} to {signed(one.high, digits)}"
    mark = tag("abbr", "*", title="the interval leaves out 0") if clear else None
    return [signed(one.mean, digits), mark, tag("span", span, class_="span")]
