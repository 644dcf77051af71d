"""What the written matrices of a run are worth, as its summary has it, see `runs.matrices`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gtalign_training.report.parts import Part, Table
from gtalign_training.report.words import count, number, percent

SIDES = ("user", "assistant")
RANKS = (
    ("spearman", "Spearman’s rank correlation"),
    ("kendall", "Kendall’s τ-b"),
    ("error", "mean error of a cell, points"),
)
SHARES = (
    ("best_cell_played", "the played move is the best of the query’s cells"),
    ("mismatch", "the played move is not that of the announced cell"),
    ("query_misread", "the announced cell is of another query"),
)


def written_parts(summary: Mapping[str, Any]) -> list[Part]:
    """Return how the written matrices compare with the exact ones, and what play makes of them.

    Args:
        summary: Of a run; without matrices there is nothing to show.
    """
    told = _object(summary, "matrices")
    if not told:
        return []
    ranks, choice = _object(told, "calibration"), _object(told, "choice")
    rows = [
        (name, *(_interval(_object(_object(ranks, side), key)) for side in SIDES))
        for key, name in RANKS
    ]
    spread = ", ".join(
        f"{key.replace('_', ' ')} {_plain(value)}"
        for key, value in told.items()
        if not isinstance(value, dict)
    )
    parts: list[Part] = [
        Table(
            "Written matrices beside the exact ones",
            ("of first turns", *(f"{side}’s payoffs" for side in SIDES)),
            tuple(rows),
            note=f"Means with 95 % bootstrap intervals. Matrices: {spread}.",
        )
    ]
    shares = [
        (name, percent(value))
        for key, name in SHARES
        if isinstance(value := choice.get(key), int | float)
    ]
    if shares:
        parts.append(
            Table(
                "What is written and what is done",
                ("of turns with a matrix", "share"),
                tuple(shares),
                note=f"{count(choice.get('turns', 0))} turns, "
                f"{count(choice.get('announced', 0))} of which announce a cell.",
            )
        )
    return parts


def _object(told: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = told.get(key)
    return value if isinstance(value, dict) else {}


def _interval(told: Mapping[str, Any]) -> str:
    if not told:
        return number(None)
    return f"{number(told.get('mean'))} ({number(told.get('low'))} to {number(told.get('high'))})"


def _plain(value: object) -> str:
    if isinstance(value, float):
        return percent(value)
    return count(value) if isinstance(value, int) else str(value)
