"""The tables of an evaluation, from the content of its ``evaluation.json`` alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from gtalign_training.grid.results import ALL
from gtalign_training.grid.tables_detail import (
    dominance_table,
    frontier_table,
    games_table,
    matrices_table,
    moves_table,
    points,
    use_table,
)
from gtalign_training.tables import Column, Table, Value

INTERVALS = "Means with 95 % bootstrap intervals over episodes."
SPLITS = {
    "scenario": "scenarios",
    "regime": "regimes",
    "persona": "personas",
    "user": "users",
}


def tables_of(data: dict[str, Any]) -> list[Table]:
    """Return the tables of an evaluation, most important first; those without rows are left out.

    Args:
        data: The content of ``evaluation.json``.
    """
    if "exact" in data:
        return [exact_table(data)]
    return [table for make in BUILDERS for table in make(data) if table.rows]


def exact_table(data: dict[str, Any]) -> Table:
    """Return the exact values of trained networks.

    Args:
        data: The content of the ``evaluation.json`` of such a comparison.
    """
    return Table(
        "exact",
        "Exact expected welfare of trained networks",
        (
            Column("regime", "text"),
            Column("training", "text"),
            Column("U", digits=2, unit="points"),
            Column("L", digits=2, unit="points"),
            Column("W", unit="points"),
            Column("share", "share", 4),
            Column("ΔW", unit="points"),
        ),
        tuple(
            (
                row["regime"],
                row["contender"],
                row["user"],
                row["assistant"],
                row["welfare"],
                row["share"],
                row["difference"],
            )
            for row in data["exact"]
        ),
        (
            f"ΔW: to {data['reference']}. Expectations over all conversations: nothing was sampled, so "
            "there is no interval. share: of the Bayes optimum.",
        ),
    )


def _welfare(data: dict[str, Any]) -> Table:
    rows = [row for row in data["welfare"] if row["by"] == ALL]
    optimum = next((row["optimum"] for row in rows if row["optimum"] is not None), None)
    note = "U: user, L: assistant, W: joint welfare, points a conversation."
    notes = [note, INTERVALS]
    if optimum is None:
        reasons = sorted({one["why_not"] for one in data["optima"] if one["why_not"]})
        notes.append(f"The exact optimum is not known: {'; '.join(reasons)}.")
    else:
        exact = all(row["optimum_exact"] for row in rows if row["optimum"] is not None)
        binned = "" if exact else " (types or lengths that vary continuously stand in bins)"
        notes.append(
            f"The Bayes optimum of mean W against these users is {optimum:.3f}{binned}; share: mean "
            "W over it, which luck may take above 100%."
        )
    failed = sum(data["faults"].values())
    if failed:
        notes.append(f"{failed} conversations with a fault are left out, with their episodes.")
    return Table(
        "welfare",
        f"Welfare in {len(data['cells'])} cells",
        (
            Column("assistant", "text"),
            Column("n", "count"),
            points("U"),
            points("L"),
            points("W"),
            Column("share", "share", 3),
        ),
        tuple(
            (
                row["contender"],
                row["episodes"],
                row["user"],
                row["assistant"],
                row["welfare"],
                None if row["share"] is None else row["share"][0],
            )
            for row in rows
        ),
        tuple(notes),
    )


def _differences(data: dict[str, Any]) -> Table:
    rows = [row for row in data["differences"] if row["by"] == ALL]
    return Table(
        "differences",
        f"Differences to {data['reference']} on the same episodes",
        (
            Column("assistant", "text"),
            Column("of", "text"),
            Column("n", "count"),
            points("difference", digits=3),
            Column("p", "p"),
            Column("p, Holm", "p"),
        ),
        tuple(
            (
                row["contender"],
                row["measure"],
                row["episodes"],
                row["difference"],
                row["p"],
                row["p_holm"],
            )
            for row in rows
        ),
        (
            "Paired: mean difference, 95 % bootstrap interval, two-sided sign-flip permutation test; "
            f"Holm adjusts for the {len(rows)} tests of this table.",
        ),
    )


def _splits(data: dict[str, Any]) -> Iterator[Table]:
    for by, plural in SPLITS.items():
        rows = [row for row in data["welfare"] if row["by"] == by]
        against = {
            (row["contender"], row["name"]): row for row in data["differences"] if row["by"] == by
        }
        cells: list[tuple[Value, ...]] = []
        for row in rows:
            pair = against.get((row["contender"], row["name"]))
            cells.append(
                (
                    row["name"],
                    row["contender"],
                    row["user"],
                    row["assistant"],
                    row["welfare"],
                    None if row["share"] is None else row["share"][0],
                    None if pair is None else pair["difference"][0],
                    None if pair is None else pair["p_holm"],
                )
            )
        yield Table(
            f"by-{by}",
            f"By {by}",
            (
                Column(by, "text"),
                Column("assistant", "text"),
                points("U", brief=True),
                points("L", brief=True),
                points("W"),
                Column("share", "share", 3),
                Column("ΔW", digits=2),
                Column("p, Holm", "p"),
            ),
            tuple(cells),
            (
                f"ΔW: to {data['reference']} on the same episodes; Holm over the {len(against)} tests "
                f"of all {plural}.",
            ),
        )


def _worst(data: dict[str, Any]) -> Table:
    return Table(
        "worst",
        "Where mean W is least, beside the mean",
        (
            Column("assistant", "text"),
            Column("over", "text"),
            Column("mean W", "number", 2, "points"),
            points("least W"),
            Column("at", "text"),
            Column("least share", "share", 3),
        ),
        tuple(
            (
                row["contender"],
                SPLITS[row["over"]],
                row["mean"],
                row["welfare"],
                row["name"],
                row["least_share"],
            )
            for row in data["worst"]
        ),
        ("The least of several estimates is a selection; its interval is of that part alone.",),
    )


BUILDERS: tuple[Callable[[dict[str, Any]], Iterable[Table]], ...] = (
    lambda data: [_welfare(data)],
    lambda data: [_differences(data)],
    _splits,
    lambda data: [_worst(data)],
    lambda data: [dominance_table(data)],
    lambda data: [frontier_table(data)],
    lambda data: [use_table(data)],
    lambda data: [moves_table(data)],
    lambda data: [matrices_table(data)],
    lambda data: [games_table(data)],
)
"""What makes the tables of an evaluation, one by one: a damaged one spoils no other."""
