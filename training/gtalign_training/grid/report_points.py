"""Both sides' welfares together: who dominates whom, and how near to the frontier everybody comes."""

from __future__ import annotations

from typing import Any

import numpy as np

from gtalign_training.grid.results import Group, Results
from gtalign_training.metrics import (
    chebyshev_regret,
    coverage,
    dominance,
    frontier,
    frontier_by_instance,
    hypervolume,
)


def dominated(results: Results, contender: int) -> dict[str, Any] | None:
    """Return in how many instances a contender is better or worse for both sides; None of itself.

    An instance is an episode in a cell.

    Args:
        results: What was played.
        contender: Its index.
    """
    every = results.groups[0]
    valid = results.valid(every, contender, results.reference)
    if contender == results.reference or not valid.any():
        return None
    mine, theirs = (results.points(a, every, valid) for a in (contender, results.reference))
    strict, relaxed = (dominance(mine, theirs, epsilon) for epsilon in (0.0, results.epsilon))
    return {
        "contender": results.contenders[contender],
        "instances": len(mine),
        "strict": strict._asdict(),
        "epsilon": relaxed._asdict(),
    }


def frontiers(results: Results, every: Group) -> list[dict[str, Any]]:
    """Return how near each contender comes to the frontiers of all contenders together.

    By instance: the frontier of what all contenders got in the same episode and cell. Pooled: the
    one frontier of all instances, as published work has it, in which easy episodes beat hard ones.
    Distances are in units of each side's range over all points; the hypervolume is a share of the
    square between the least and the greatest of both.

    Args:
        results: What was played.
        every: All cells.
    """
    contenders = range(len(results.contenders))
    valid = results.valid(every, *contenders)
    if not valid.any():
        return []
    clouds = np.stack([results.points(a, every, valid) for a in contenders], axis=1)
    low = clouds.min(axis=(0, 1))
    span = clouds.max(axis=(0, 1)) - low
    unit = np.where(span > 0, span, 1.0)
    pool = np.unique(clouds.reshape(-1, 2), axis=0)
    front = pool[frontier(pool)]
    on = frontier_by_instance(clouds)
    lacking = ((clouds[:, None, :, :] - clouds[:, :, None, :]) / unit).max(axis=3)
    by_instance = _instance_regret(lacking, on)
    centres = clouds.mean(axis=0)
    best = frontier(centres)
    rows = []
    for a in contenders:
        mine = clouds[:, a]
        rows.append(
            {
                "contender": results.contenders[a],
                "instances": len(mine),
                "epsilon": results.epsilon,
                "on_frontier_of_means": bool(best[a]),
                "coverage_by_instance": float(on[:, a].mean()),
                "coverage_pooled": coverage(mine, front),
                "coverage_pooled_epsilon": coverage(mine, front, results.epsilon),
                "regret_by_instance": float(by_instance[:, a].mean()),
                "regret_pooled": float(chebyshev_regret(mine, front, (unit[0], unit[1])).mean()),
                "hypervolume": hypervolume((mine - low) / unit),
                "hypervolume_of_mean": hypervolume((centres[a : a + 1] - low) / unit),
            }
        )
    return rows


def _instance_regret(lacking: np.ndarray[Any, Any], on: np.ndarray[Any, Any]) -> Any:
    """Return each contender's distance to the frontier of its instance, shape ``(n, k)``.

    Args:
        lacking: What contender i lacks to contender j on its worse side, shape ``(n, i, j)``.
        on: Who is on the frontier, shape ``(n, j)``.
    """
    to_front = np.where(on[:, None, :], lacking, np.inf)
    return np.maximum(0.0, to_front.min(axis=2))
