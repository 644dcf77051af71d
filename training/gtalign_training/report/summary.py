"""What a report says first, as plain JSON data for programs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gtalign_training.report.page import Report
from gtalign_training.statistics import Interval


def summary_of(report: Report, file: Path) -> dict[str, Any]:
    """Return what a page shows first.

    Args:
        report: What the page shows.
        file: Where it is.
    """
    return {
        "file": str(file),
        "folders": [
            {
                "name": folder.name,
                "kind": folder.kind,
                "title": folder.title,
                "about": dict(folder.about),
                "problems": list(folder.problems),
                "welfare": _intervals(folder.headline),
                "sections": [part.title for part in folder.parts],
                "conversations": sum(len(talks.records) for talks in folder.talks),
            }
            for folder in report.folders
        ],
        "comparisons": [
            {
                "base": found.base,
                "differences": [
                    {"name": name, "pairs": pairs, **_intervals(gaps)}
                    for name, pairs, gaps in found.rows
                ],
                "not_comparable": [{"name": name, "why": why} for name, why in found.apart],
            }
            for found in report.comparisons
        ],
    }


def _intervals(found: Mapping[str, Interval]) -> dict[str, Any]:
    return {key: one._asdict() for key, one in found.items()}
