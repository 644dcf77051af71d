"""What a finished study says in a few numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from gtalign_env.core.spec import GameSpec
from gtalign_env.scenario.sweep import Study
from gtalign_training.studies.folder import StudyFolder

COUNTED = ("class", "restriction.class", "worst.move", "best.move", "optimum.move")
FLAGS = ("strict_pd", "social_dilemma", "restriction.strict_pd", "degenerate")
MEASURED = (
    "worst.welfare",
    "best.welfare",
    "optimum.welfare",
    "price_of_anarchy",
    "price_of_stability",
    "worst.charge",
    "best.charge",
    "restriction.critical_discount",
)

DIGITS = 12  # significant ones of a mean or range


def summary_of(study: Study, folder: StudyFolder) -> dict[str, Any]:
    """Return counts of the classes and moves, ranges of the measures, and where each flag holds.

    Args:
        study: What was swept.
        folder: Where; its results are written.
    """
    axes = {axis.field.path: _column(folder, axis.field.path) for axis in study.axes}
    known = set(folder.columns())
    return {
        "study": study.name,
        "description": study.file.description,
        "scenario": study.base.name,
        "pricing": study.base.schedule[0][1].name,
        "digest": study.digest,
        "points": study.size,
        "exact": is_exact(study),
        "axes": [
            {
                "field": axis.field.path,
                "also": [field.path for field in axis.also],
                "label": axis.label,
                "unit": axis.field.unit,
                "kind": axis.kind,
            }
            for axis in study.axes
        ],
        "counts": {name: _counts(folder, name) for name in COUNTED if name in known},
        "where": {name: _where(_column(folder, name), axes) for name in FLAGS if name in known},
        "measures": {name: _range(_column(folder, name)) for name in MEASURED if name in known},
    }


def is_exact(study: Study) -> bool:
    """Return whether no point is approximated: no axis can make a finite scenario continuous.

    Args:
        study: Any.
    """
    specs: list[GameSpec] = list(study.specs([study.point(0)]))
    return specs[0].is_exact


def _column(folder: StudyFolder, name: str) -> Any:
    """Return one column, shape ``(points,)``; a million points of all would not fit everywhere."""
    return folder.results([name])[name].to_numpy(zero_copy_only=False)


def _counts(folder: StudyFolder, name: str) -> dict[str, int]:
    """Return how often each label occurs, the most frequent first."""
    found = folder.results([name])[name].value_counts().to_pylist()
    pairs = [(one["values"], one["counts"]) for one in found]
    return dict(sorted(pairs, key=lambda pair: (-pair[1], pair[0])))


def _where(flag: Any, axes: dict[str, Any]) -> dict[str, Any]:
    """Return how often a flag holds, and the range of each axis over the points where it does."""
    holds = flag.astype(bool)
    ranges = {
        path: [_rounded(values[holds].min()), _rounded(values[holds].max())]
        for path, values in axes.items()
        if holds.any() and values.dtype.kind in "fi"
    }
    return {"points": int(holds.sum()), "share": _rounded(holds.mean()), "range": ranges}


def _range(values: Any) -> dict[str, float | int | None]:
    """Return least, mean and greatest of a measure, and at how many points it is defined."""
    known = values[~np.isnan(values)]
    if not len(known):
        return {"points": 0, "least": None, "mean": None, "greatest": None}
    least, mean, greatest = (_rounded(x) for x in (known.min(), known.mean(), known.max()))
    return {"points": len(known), "least": least, "mean": mean, "greatest": greatest}


def _rounded(value: Any) -> float:
    return float(f"{float(value):.{DIGITS}g}")
