"""The tables of an evaluation, from the content of its ``evaluation.json`` alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gtalign_training.grid.results import ALL
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
        return [_exact(data)]
    found = [
        _welfare(data),
        _differences(data),
        *_splits(data),
        _worst(data),
        _dominance(data),
        _frontier(data),
        _use(data),
        _moves(data),
        _matrices(data),
        _games(data),
    ]
    return [table for table in found if table.rows]


def _exact(data: dict[str, Any]) -> Table:
    """Return the exact values of trained networks."""
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


def _points(name: str, unit: str = "points", digits: int = 2, *, brief: bool = False) -> Column:
    return Column(name, "interval", digits, unit, brief)


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
            _points("U"),
            _points("L"),
            _points("W"),
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
            _points("difference", digits=3),
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
                _points("U", brief=True),
                _points("L", brief=True),
                _points("W"),
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
            _points("least W"),
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


def _dominance(data: dict[str, Any]) -> Table:
    rows: list[tuple[Value, ...]] = []
    for row in data["dominance"]:
        for kind in ("strict", "epsilon"):
            one, n = row[kind], row["instances"]
            rows.append(
                (
                    row["contender"],
                    f"{one['epsilon']:g}",
                    n,
                    one["first"] / n,
                    one["second"] / n,
                    one["equal"] / n,
                    one["incomparable"] / n,
                )
            )
    return Table(
        "dominance",
        f"Better for both sides than {data['reference']}, instance by instance",
        (
            Column("assistant", "text"),
            Column("ε", "text"),
            Column("n", "count"),
            Column("better", "share", 3),
            Column("worse", "share", 3),
            Column("equal", "share", 3),
            Column("mixed", "share", 3),
        ),
        tuple(rows),
        ("An instance is an episode in a cell. Differences of at most ε points count as none.",),
    )


def _frontier(data: dict[str, Any]) -> Table:
    epsilon = f"{data['epsilon']:g}"
    return Table(
        "frontier",
        "Pareto frontiers of all assistants together",
        (
            Column("assistant", "text"),
            Column("means", "text"),
            Column("on", "share", 3),
            Column("pooled", "share", 3),
            Column(f"ε={epsilon}", "share", 3),
            Column("regret", "number", 3),
            Column("pooled regret", "number", 3),
            Column("area", "number", 3),
        ),
        tuple(
            (
                row["contender"],
                "yes" if row["on_frontier_of_means"] else "no",
                row["coverage_by_instance"],
                row["coverage_pooled"],
                row["coverage_pooled_epsilon"],
                row["regret_by_instance"],
                row["regret_pooled"],
                row["hypervolume"],
            )
            for row in data["frontier"]
        ),
        (
            "means: mean (U, L) is on the frontier of all assistants' means. on: share of points on "
            "the frontier of their instance; pooled: on that of all instances, or within ε points "
            "of it. regret: mean Chebyshev distance to the frontier of the instance, and to the "
            "pooled one, in units of each side's range. area: hypervolume of all points, share of "
            "the square over both ranges.",
        ),
    )


def _use(data: dict[str, Any]) -> Table:
    rows = [row for row in data["use"] if "right" in row]
    return Table(
        "use",
        "What a conversation takes",
        (
            Column("assistant", "text"),
            Column("right", "interval", 2, "share"),
            Column("tokens", "interval", 0, "visible tokens", brief=True),
            Column("charge", "interval", 5, "USD", brief=True),
            Column("budget", "interval", 3, "share", brief=True),
            Column("resp/total", "interval", 3, "share", brief=True),
            _points("per 1k", "accepted right answers per 1,000 tokens"),
        ),
        tuple(
            (
                row["contender"],
                row["right"],
                row["output"],
                row["charged_usd"],
                row["budget_use"],
                row["response_share"],
                row["answers_per_1k"],
            )
            for row in rows
        ),
        (
            "right: a right answer was accepted. charge in USD; budget: share of it spent. "
            "resp/total: visible tokens over all of the assistant. per 1k: accepted right answers "
            "per 1,000 of all its tokens, hidden ones too.",
        ),
    )


def _moves(data: dict[str, Any]) -> Table:
    return Table(
        "moves",
        "First moves beside the Bayes optimum's",
        (
            Column("regime", "text"),
            Column("assistant", "text"),
            Column("first moves", "text"),
            Column("the optimum's", "text"),
            Column("apart", "share", 2),
            Column("as optimal", "share", 2),
        ),
        tuple(
            (
                row["name"] or "all",
                row["contender"],
                _mix(row["moves"]),
                "" if row["optimum"] is None else _mix(row["optimum"]),
                row["distance"],
                row["agreement"],
            )
            for row in data["moves"]
        ),
        (
            "apart: total variation distance of the two mixes. as optimal: share of first moves "
            "that are the optimum's, given the price, the style and the opening.",
        ),
    )


def _matrices(data: dict[str, Any]) -> Table:
    return Table(
        "matrices",
        "Payoff matrices that were written",
        (
            Column("assistant", "text"),
            Column("regime", "text"),
            Column("written", "count"),
            Column("different", "count"),
            Column("top", "share", 3),
            _points("rank U", "rank correlation", brief=True),
            _points("rank L", "rank correlation", brief=True),
            _points("off U", brief=True),
            _points("off L", brief=True),
            Column("best played", "share", 3),
            Column("other than named", "share", 3),
        ),
        tuple(
            (
                row["contender"],
                row["regime"],
                row["written"],
                row["distinct"],
                row["top_share"],
                row["user_spearman"],
                row["assistant_spearman"],
                row["user_error"],
                row["assistant_error"],
                row["best_cell_played"],
                row["mismatch"],
            )
            for row in data["matrices"]
        ),
        (
            "different, top: how many different ones, and the share of the most frequent: one for all "
            "is a collapse. rank: Spearman's correlation with the exact matrix, first turns; off: "
            "mean error of a cell, points. best played: the move is of the matrix's best cell; other "
            "than named: it is not of the cell that the analysis names.",
        ),
    )


def _games(data: dict[str, Any]) -> Table:
    games = {
        (row["scenario"], row["regime"], row["persona"]): (row["anarchy"], row["stability"])
        for row in data["games"]
    }
    return Table(
        "games",
        "What equilibria of the plans cost, by the scenario's W",
        (
            Column("scenario", "text"),
            Column("regime", "text"),
            Column("persona", "text"),
            Column("price of anarchy"),
            Column("of stability"),
        ),
        tuple((*labels, *prices) for labels, prices in games.items()),
        (
            "The best pair of plans over the worst, and over the best, equilibrium; exact. Nothing "
            "where an equilibrium's W is not positive.",
        ),
    )


def _mix(moves: dict[str, float]) -> str:
    ordered = sorted(moves.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{move} {share:.0%}" for move, share in ordered if share >= 0.005)
