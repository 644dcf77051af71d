"""An evaluation's summary as text for a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from gtalign_training.console import safe
from gtalign_training.data.evaluation.numbers import NO_MOVE
from gtalign_training.data.evaluation.summary import MOVES
from gtalign_training.runs.render import print_model

NOTHING = "-"
"""Where nothing is known: never a 0."""

TEXT = (("quality", "quality"), ("user", "U"), ("assistant", "L"), ("joint", "W"))
ECONOMIC = (("economic_user", "U"), ("economic_assistant", "L"), ("economic_joint", "W"))
COMPARED = (
    ("asks", "asks", 3),
    ("tokens", "tokens", 1),
    ("bill_usd", "bill, USD", 6),
    ("quality", "quality", 3),
    ("joint", "W", 3),
    ("economic_joint", "W of the game", 3),
)


def render_evaluation(console: Console, summary: Mapping[str, Any]) -> None:
    """Print a summary, most important numbers first.

    Args:
        console: Where to print.
        summary: What `gtalign_training.data.evaluation.run.evaluate` returned.
    """
    files = ", ".join(f"{one['name']} ({one['rows']:,} rows)" for one in summary["files"])
    console.print(safe(f"{summary['assistant']} on {files}"), soft_wrap=True)
    console.print(
        safe(
            f"{summary['rows']:,} rows asked, {summary['format']}, judge {summary['judge']}, "
            f"seed {summary['seed']}; ± is half a 95 % interval",
            "dim",
        ),
        soft_wrap=True,
    )
    for seat, kinds in summary["faults"].items():
        if kinds:
            console.print(
                safe(f"faults of the {seat}, left out of all numbers: {_kinds(kinds)}", "bold red")
            )
    console.print(_done(summary["conditions"]))
    console.print(_worth(summary, TEXT, str(summary["welfare"])))
    for one in summary["conditions"]:
        _print_bounds(console, one)
    if summary["persona"] is not None:
        title = f"game of {summary['persona']}, points"
        console.print(_worth(summary, ECONOMIC, title))
    by_source = {name for one in summary["conditions"] for name in one["by_source"]}
    if len(by_source) > 1:
        console.print(_sources(summary["conditions"]))
    for one in summary["conditions"]:
        _print_matrices(console, one)
    for one in summary["differences"]:
        console.print(_difference(one))
    for seat, model in summary["models"].items():
        print_model(console, seat, model, 6)
    for one in summary.get("rescored", ()):
        console.print(
            safe(
                f"Rescored, round {one['round']}: {one['judged']:,} judged again, "
                f"{one['newly_scored']:,} newly scored, {one['changed']:,} changed, "
                f"{one['failed']:,} failed"
            )
        )


def _done(conditions: list[dict[str, Any]]) -> Table:
    moves = [move for move in MOVES if any(one["moves"][move] for one in conditions)]
    names = ["broken" if move == NO_MOVE else move for move in moves]
    table = _table("price", "answers", *names, "tokens", "bill, USD", "failed")
    for one in conditions:
        table.add_row(
            safe(label(one)),
            f"{one['answered']:,}",
            *(f"{one['moves'][move]:.0%}" for move in moves),
            NOTHING if one["tokens"] is None else f"{one['tokens']['mean']:.0f}",
            NOTHING if one["bill_usd"] is None else f"{one['bill_usd']['mean']:.6f}",
            f"{one['failed']:,}",
        )
    return table


def _worth(summary: Mapping[str, Any], measures: tuple[tuple[str, str], ...], title: str) -> Table:
    table = _table(title, "n", *(name for _, name in measures))
    for one in summary["conditions"]:
        known = [one[key] for key, _ in measures if one[key] is not None]
        count = f"{known[0]['n']:,}" if known else "0"
        table.add_row(safe(label(one)), count, *(_interval(one[key]) for key, _ in measures))
    return table


def _sources(conditions: list[dict[str, Any]]) -> Table:
    table = _table("by source", "rows", "asks", "quality", "U", "L", "W")
    for one in conditions:
        for name, part in one["by_source"].items():
            numbers = (part[key] for key in ("asks", "quality", "user", "assistant", "joint"))
            table.add_row(
                safe(f"{label(one)}: {name}"),
                f"{part['rows']:,}",
                *(NOTHING if n is None else f"{n['mean']:.3f}" for n in numbers),
            )
    return table


def _difference(one: dict[str, Any]) -> Table:
    title = f"{label(one['to'])} - {label(one['from'])}"
    table = _table(title, "mean", "95 % interval", "p", "pairs")
    for key, name, decimals in COMPARED:
        found = one[key]
        if found is not None:
            low, high = f"{found['low']:+.{decimals}f}", f"{found['high']:+.{decimals}f}"
            table.add_row(
                name,
                f"{found['mean']:+.{decimals}f}",
                f"{low} to {high}",
                "< 0.001" if found["p"] < 0.001 else f"{found['p']:.3f}",
                f"{found['n']:,}",
            )
    table.add_row("move changed", f"{one['moves_changed']:.1%}", "", "", f"{one['pairs']:,}")
    return table


def _print_bounds(console: Console, one: dict[str, Any]) -> None:
    judged = one["judged"]
    unknown = judged["abstained"] + judged["failed"]
    if unknown and one["quality_bounds"]:
        low, high = one["quality_bounds"]
        line = (
            f"{label(one)}: {unknown:,} of {one['answered']:,} answers have no verdict "
            f"({judged['abstained']:,} abstentions, {judged['failed']:,} faults) and are left out; "
            f"with them quality lies between {low:.3f} and {high:.3f}"
        )
        console.print(safe(line, "yellow"), soft_wrap=True)


def _print_matrices(console: Console, one: dict[str, Any]) -> None:
    found = one.get("matrices")
    if not found or not (found["read"] or found["broken"]):
        return
    line = (
        f"{label(one)}: {found['read']:,} matrices read, {found['broken']:,} missing or broken; "
        f"{found['distinct']:,} different, the commonest {found['top_share']:.0%}; the edit moves the "
        f"choice of {found['choice_moved']:,}"
    )
    console.print(safe(line), soft_wrap=True)


def label(condition: Mapping[str, Any]) -> str:
    """Return the name of a condition.

    Args:
        condition: Something with its regime and arm.
    """
    regime, arm = condition["regime"], condition["arm"]
    return str(regime) if arm == "unsteered" else f"{regime}, {arm}"


def _interval(found: dict[str, Any] | None) -> str:
    if found is None:
        return NOTHING
    return f"{found['mean']:.3f} ±{(found['high'] - found['low']) / 2:.3f}"


def _kinds(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def _table(*columns: str) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for index, name in enumerate(columns):
        table.add_column(safe(name), justify="right" if index else "left")
    return table
