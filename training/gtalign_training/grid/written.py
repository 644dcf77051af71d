"""What the payoff matrices that models write are worth, run by run: from the runs' own summaries.

A run of a model that writes four blocks says in its ``summary.json``, under ``matrices``, how the
matrices order the cells against the exact ones and how far they are off (calibration), how often the
move is the one of the matrix's best cell (consistency), and how many different ones there are
(collapse).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gtalign_training.grid.cells import CellName
from gtalign_training.run_folder import RunFolder
from gtalign_training.runs.folder import SUMMARY

SIDES = ("user", "assistant")


def matrices_of(runs: Iterable[tuple[str, CellName, Path]]) -> list[dict[str, Any]]:
    """Return a row for each run in which matrices were written.

    Args:
        runs: Contender, cell and folder of each.
    """
    return [
        {"contender": contender, **cell._asdict(), **_row(found)}
        for contender, cell, folder in runs
        if (folder / SUMMARY).is_file()
        and (found := RunFolder(folder).read(SUMMARY).get("matrices")) is not None
    ]


def _row(found: dict[str, Any]) -> dict[str, Any]:
    calibration, choice = found["calibration"], found["choice"]
    return {
        "written": found["written"],
        "distinct": found["distinct"],
        "top_share": found["top_share"],
        "best_cell_played": choice["best_cell_played"],
        "mismatch": choice["mismatch"],
        **{
            f"{side}_{name}": _interval(calibration[side][name])
            for side in SIDES
            for name in ("spearman", "error")
        },
    }


def _interval(one: dict[str, float] | None) -> list[float] | None:
    return None if one is None else [one["mean"], one["low"], one["high"]]
