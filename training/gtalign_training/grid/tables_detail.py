"""The tables of an evaluation beyond its welfares: dominance, frontiers, use, moves, matrices, games."""

from __future__ import annotations

from typing import Any

from gtalign_training.tables import Column, Table, Value


def points(name: str, unit: str = "points", digits: int = 2, *, brief: bool = False) -> Column:
    """Return a column of intervals; one that is brief shows its mean alone on a terminal."""
    return Column(name, "interval", digits, unit, brief)


def dominance_table(data: dict[str, Any]) -> Table:
    """Return in how many instances each dominates the reference, or is dominated by it."""
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
        f"Dominates {data['reference']}, instance by instance",
        (
            Column("assistant", "text"),
            Column("ε", "text"),
            Column("n", "count"),
            Column("dominates", "share", 3),
            Column("dominated", "share", 3),
            Column("equal", "share", 3),
            Column("incomparable", "share", 3),
        ),
        tuple(rows),
        (
            f"Dominates {data['reference']}: neither side loses more than ε points and one gains more; "
            "at ε 0 this is Pareto dominance. An instance is an episode in a cell.",
        ),
    )


def frontier_table(data: dict[str, Any]) -> Table:
    """Return how near each comes to the frontiers of all."""
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


def use_table(data: dict[str, Any]) -> Table:
    """Return what a conversation takes."""
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
            points("per 1k", "accepted right answers per 1,000 tokens"),
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


def moves_table(data: dict[str, Any]) -> Table:
    """Return first moves beside the optimum's."""
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


def matrices_table(data: dict[str, Any]) -> Table:
    """Return what written payoff matrices are worth."""
    return Table(
        "matrices",
        "Payoff matrices that were written",
        (
            Column("assistant", "text"),
            Column("regime", "text"),
            Column("written", "count"),
            Column("different", "count"),
            Column("top", "share", 3),
            points("rank U", "rank correlation", brief=True),
            points("rank L", "rank correlation", brief=True),
            points("off U", brief=True),
            points("off L", brief=True),
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


def games_table(data: dict[str, Any]) -> Table:
    """Return the prices of anarchy and stability."""
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
