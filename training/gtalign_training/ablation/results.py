"""What the runs of an ablation came to: means over seeds, and both sides' welfares together.

Everybody was measured on the same held-out conversations, so within a seed runs are compared in
pairs, conversation by conversation; the unit of every interval is the seed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from gtalign_env.errors import RunError
from gtalign_training.ablation.runs import finished
from gtalign_training.ablation.variants import Changes, Variant
from gtalign_training.run_folder import RunFolder

Measure = tuple[float, float | None]
"""Mean over seeds, and half the width of its 95 % interval; a single run has none."""

EPSILON = 0.05
"""Difference of a welfare that counts as none where a relation has an epsilon, points."""


class Summary(NamedTuple):
    """The runs of one reward, format and setting, over seeds.

    Attributes:
        reward: What was rewarded.
        format: How a turn was written.
        seeds: Seeds of the runs.
        measures: By name.
        changes: What else differs from the recipe.
    """

    reward: str
    format: str
    seeds: tuple[int, ...]
    measures: dict[str, Measure]
    changes: Changes = ()

    @property
    def label(self) -> str:
        """What its runs are called, without their seeds."""
        return Variant(self.reward, self.format, 0, self.changes).label


def summaries(cells: Sequence[Variant], out: Path) -> list[Summary]:
    """Return what the finished runs came to, group by group.

    Args:
        cells: The cells; those that are not finished are left out.
        out: Where their run folders lie.
    """
    return summarised(
        [
            (cell, measures_of(read_result(out / cell.folder)))
            for cell in cells
            if finished(out / cell.folder)
        ]
    )


def together(cells: Sequence[Variant], out: Path) -> list[Summary]:
    """Return both sides' welfares of the finished runs, compared within each seed.

    Only seeds all of whose cells are finished count: a frontier is of those who stand for it. The
    first cell of a seed is what the others are compared with.

    Args:
        cells: The cells.
        out: Where their run folders lie.
    """
    from gtalign_training.grid.compare import compare

    found: dict[Variant, dict[str, float]] = {}
    for seed in dict.fromkeys(cell.seed for cell in cells):
        of_seed = [cell for cell in cells if cell.seed == seed]
        folders = [out / cell.folder for cell in of_seed]
        if len(of_seed) < 2 or not all(map(finished, folders)):
            continue
        data = compare(folders, epsilon=EPSILON, optimum="never")
        rows = _by_contender(data)
        found |= {cell: rows[str(folder)] for cell, folder in zip(of_seed, folders, strict=True)}
    return summarised(list(found.items()))


def summarised(runs: Sequence[tuple[Variant, dict[str, float]]]) -> list[Summary]:
    """Return what runs came to over their seeds, group by group.

    Args:
        runs: Cells with their measures.
    """
    groups: dict[tuple[str, str, Changes], list[tuple[Variant, dict[str, float]]]] = {}
    for cell, measures in runs:
        groups.setdefault((cell.reward, cell.format, cell.changes), []).append((cell, measures))
    return [
        Summary(
            reward,
            form,
            tuple(cell.seed for cell, _ in group),
            _over_seeds([measures for _, measures in group]),
            changes,
        )
        for (reward, form, changes), group in groups.items()
    ]


def read_result(path: Path) -> dict[str, Any]:
    """Return the result of a run.

    Args:
        path: Its folder.

    Raises:
        RunError: It was trained without text.
    """
    data: dict[str, Any] = RunFolder(path).read("evaluation.json")
    if "rows" not in data:
        raise RunError(f"{path} was trained without text; an ablation compares language models")
    return data


def measures_of(data: Mapping[str, Any]) -> dict[str, float]:
    """Return what a run is compared by.

    Args:
        data: Content of its ``evaluation.json``.
    """
    rows = {row["name"]: row for row in data["rows"]}
    before, row = rows["before"], rows["after"]
    held = [one["held"] for one in data["directions"]]
    return {
        "welfare": row["welfare"][0],
        "user": row["user"][0],
        "assistant": row["assistant"][0],
        "share": row["welfare"][0] / data["optimum"]["welfare"],
        "gap_closed": row["gap_closed"][0],
        "gain": row["welfare"][0] - before["welfare"][0],
        "well_formed": row["well_formed"],
        "directions": sum(held) / len(held) if held else math.nan,
    }


def _by_contender(data: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Return the measures of both sides together, of a comparison."""
    rows = {
        row["contender"]: {
            "difference": 0.0,
            "dominates": 0.0,
            "dominated": 0.0,
            "coverage": row["coverage_by_instance"],
            "regret": row["regret_by_instance"],
            "hypervolume": row["hypervolume_of_mean"],
            "on_frontier": float(row["on_frontier_of_means"]),
        }
        for row in data["frontier"]
    }
    for row in data["differences"]:
        if row["measure"] == "W" and row["by"] == "all":
            rows[row["contender"]]["difference"] = row["difference"][0]
    for row in data["dominance"]:
        strict, instances = row["strict"], row["instances"]
        rows[row["contender"]] |= {
            "dominates": strict["first"] / instances,
            "dominated": strict["second"] / instances,
        }
    return rows


def _over_seeds(rows: Sequence[dict[str, float]]) -> dict[str, Measure]:
    return {name: mean_over_seeds([row[name] for row in rows]) for name in rows[0]}


def mean_over_seeds(values: Sequence[float]) -> Measure:
    """Return the mean, and half the width of its 95 % interval; None for a single value.

    Args:
        values: One per seed.

    References:
        Student (1908), "The probable error of a mean".
    """
    from scipy.stats import t

    n = len(values)
    mean = math.fsum(values) / n
    if n < 2:
        return mean, None
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1))
    return mean, float(t.ppf(0.975, n - 1)) * deviation / math.sqrt(n)
