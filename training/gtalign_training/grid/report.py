"""What an evaluation says, as plain data: the content of ``evaluation.json``.

Means are over episodes; where a group has several cells, an episode's values in them are averaged
first, as they share its luck. An episode in which anything failed, in any cell of the group, is
left out of the group for that contender, and out of comparisons with it.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from gtalign_training.grid.report_points import dominated, frontiers
from gtalign_training.grid.results import ALL, Group, Results, measures
from gtalign_training.metrics import (
    agreement,
    answers_per_1k,
    holm,
    paired_difference,
    response_share,
    total_variation,
)
from gtalign_training.metrics.paired import generator
from gtalign_training.statistics import bootstrap

FEWEST = 2
"""Episodes below which nothing is said of a group."""


def report(results: Results) -> dict[str, Any]:
    """Return the whole evaluation as plain JSON data.

    Args:
        results: What was played.
    """
    groups = results.groups
    contenders = range(len(results.contenders))
    return {
        "contenders": list(results.contenders),
        "reference": results.contenders[results.reference],
        "epsilon": results.epsilon,
        "cells": [labels._asdict() for labels in results.cells],
        "episodes": len(results.columns[0][0].valid),
        "seed": results.seed,
        "faults": faults(results),
        "optima": [
            {
                **labels._asdict(),
                "value": None if one.value is None else one.value._asdict(),
                "exact": one.exact,
                "why_not": one.why_not,
            }
            for labels, one in zip(results.cells, results.optima, strict=True)
        ],
        "games": [
            {**labels._asdict(), **one.prices}
            for labels, one in zip(results.cells, results.optima, strict=True)
            if one.prices
        ],
        "welfare": [welfare(results, a, group) for group in groups for a in contenders],
        "differences": differences(results, groups),
        "worst": [
            row for a in contenders for by in _split_by(groups) for row in worst(results, a, by)
        ],
        "dominance": [row for a in contenders if (row := dominated(results, a)) is not None],
        "frontier": frontiers(results, groups[0]),
        "use": [use(results, a, groups[0]) for a in contenders],
        "moves": [mix(results, a, group) for group in _mix_groups(groups) for a in contenders],
    }


def faults(results: Results) -> dict[str, int]:
    """Return how many conversations failed, by contender."""
    return {
        name: sum(sum(columns.faults.values()) for columns in results.columns[a])
        for a, name in enumerate(results.contenders)
    }


def welfare(results: Results, contender: int, group: Group) -> dict[str, Any]:
    """Return U, L and W of a contender in a group, with the share of the exact optimum.

    Args:
        results: What was played.
        contender: Its index.
        group: The cells.
    """
    valid = results.valid(group, contender)
    row: dict[str, Any] = {
        "contender": results.contenders[contender],
        "by": group.by,
        "name": group.name,
        "episodes": int(valid.sum()),
        "user": None,
        "assistant": None,
        "welfare": None,
        "optimum": None,
        "optimum_exact": None,
        "share": None,
    }
    if valid.sum() < FEWEST:
        return row
    for column, _ in measures():
        values = results.means(contender, group, column)[valid]
        row[column] = list(bootstrap(values, generator(results.seed)))
    found = [results.optima[c] for c in group.cells]
    known = [one.value.welfare for one in found if one.value is not None]
    if len(known) == len(found):
        best = math.fsum(known) / len(known)
        row |= {"optimum": best, "optimum_exact": all(one.exact for one in found)}
        if best > 0:  # a share of nothing, or of a loss, means nothing
            row["share"] = [part / best for part in row["welfare"]]
    return row


def differences(results: Results, groups: list[Group]) -> list[dict[str, Any]]:
    """Return every contender against the reference, on the same episodes.

    The p-values of all cells together are one family, those of W in the parts of a split another;
    each is adjusted for its number by Holm's method.

    Args:
        results: What was played.
        groups: The groups; the first one holds all cells.
    """
    rows: list[dict[str, Any]] = []
    for group in groups:
        for a in range(len(results.contenders)):
            if a == results.reference:
                continue
            valid = results.valid(group, a, results.reference)
            if valid.sum() < FEWEST:
                continue
            for column, letter in measures():
                if group.by != ALL and letter != "W":
                    continue
                mine = results.means(a, group, column)
                theirs = results.means(results.reference, group, column)
                found = paired_difference((mine - theirs)[valid], results.seed)
                rows.append(
                    {
                        "contender": results.contenders[a],
                        "by": group.by,
                        "name": group.name,
                        "measure": letter,
                        "episodes": int(valid.sum()),
                        "difference": list(found[:3]),
                        "p": found.p,
                    }
                )
    for by in dict.fromkeys(group.by for group in groups):
        family = [row for row in rows if row["by"] == by]
        adjusted = holm([float(row["p"]) for row in family])
        for row, p in zip(family, adjusted, strict=True):
            row |= {"p_holm": p, "tests": len(family)}
    return rows


def _split_by(groups: list[Group]) -> list[list[Group]]:
    return [
        [group for group in groups if group.by == by]
        for by in dict.fromkeys(group.by for group in groups)
        if by != ALL
    ]


def worst(results: Results, contender: int, parts: list[Group]) -> list[dict[str, Any]]:
    """Return where a contender's mean W is least, of the parts of a split, beside their mean.

    The least of several means is itself a selection: its interval is the one of that part alone.

    Args:
        results: What was played.
        contender: Its index.
        parts: The groups of one split.
    """
    rows = [welfare(results, contender, part) for part in parts]
    rows = [row for row in rows if row["welfare"] is not None]
    if not rows:
        return []
    least = min(rows, key=lambda row: row["welfare"][0])
    shares = [row["share"][0] for row in rows if row["share"] is not None]
    return [
        {
            "contender": results.contenders[contender],
            "over": parts[0].by,
            "name": least["name"],
            "welfare": least["welfare"],
            "mean": math.fsum(row["welfare"][0] for row in rows) / len(rows),
            "least_share": min(shares) if len(shares) == len(rows) else None,
        }
    ]


def use(results: Results, contender: int, every: Group) -> dict[str, Any]:
    """Return what a contender's conversations used up.

    Args:
        results: What was played.
        contender: Its index.
        every: The cells.
    """
    valid = results.valid(every, contender)
    row: dict[str, Any] = {"contender": results.contenders[contender], "episodes": int(valid.sum())}
    if valid.sum() < FEWEST:
        return row

    def mean(name: str) -> Any:
        return results.means(contender, every, name)[valid]

    def interval(name: str) -> list[float]:
        return list(bootstrap(mean(name), generator(results.seed)))

    output, reasoning, right = mean("output"), mean("reasoning"), mean("right")
    rng = generator(results.seed)
    return row | {
        "right": interval("right"),
        "output": interval("output"),
        "reasoning": interval("reasoning"),
        "charged_usd": interval("charged"),
        "budget_use": interval("budget_use"),
        "response_share": _known(response_share(output, reasoning, rng)),
        "answers_per_1k": _known(answers_per_1k(right, output, reasoning, generator(results.seed))),
    }


def _known(interval: tuple[float, float, float]) -> list[float] | None:
    return None if math.isnan(interval[0]) else list(interval)


def _mix_groups(groups: list[Group]) -> list[Group]:
    regimes = [group for group in groups if group.by == "regime"]
    return regimes or [groups[0]]


def mix(results: Results, contender: int, group: Group) -> dict[str, Any]:
    """Return a contender's first moves in a group beside those of the Bayes optimum.

    Args:
        results: What was played.
        contender: Its index.
        group: The cells.
    """
    played: Counter[str] = Counter()
    wanted: Counter[str] = Counter()
    agreed: list[float] = []
    for c in group.cells:
        columns, best = results.columns[contender][c], results.optima[c]
        played.update(move for move in columns.first_moves if move)
        for move, reach in best.first_moves.values():
            wanted[move] += reach  # type: ignore[assignment]  # a probability
        found = agreement(
            columns.contexts,
            columns.first_moves,
            {context: move for context, (move, _) in best.first_moves.items()},
        )
        if found is not None:
            agreed.append(found)
    mine, optimal = _shares(played), _shares(wanted)
    solved = all(results.optima[c].value is not None for c in group.cells)
    return {
        "contender": results.contenders[contender],
        "by": group.by,
        "name": group.name,
        "moves": mine,
        "optimum": optimal if solved else None,
        "distance": total_variation(mine, optimal) if solved and mine else None,
        "agreement": sum(agreed) / len(agreed) if solved and agreed else None,
    }


def _shares(counts: Counter[str]) -> dict[str, float]:
    total = sum(counts.values())
    return {move: count / total for move, count in sorted(counts.items())} if total else {}
