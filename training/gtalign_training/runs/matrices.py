"""What the written matrices of a run are worth, see `gtalign_agents.calibration`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from gtalign_agents.calibration import agreement, best_cells, payoff_of, spread
from gtalign_agents.fourblock import PAYOFF_KEYS, Payoff
from gtalign_training.runs.episode import Episode, Written
from gtalign_training.statistics import bootstrap

_RESAMPLES = 9  # stream of a run's seed, apart from that of the welfares


def matrices(
    every: Sequence[Episode], exact: Mapping[str, Payoff], messages: int, seed: int
) -> dict[str, Any]:
    """Return the part of a summary about written matrices, as plain JSON data.

    Args:
        every: Conversations without a fault.
        exact: The exact matrix of each regime, points.
        messages: How many messages the assistant has written in them, well-formed or not.
        seed: Of the run, for the intervals.
    """
    turns = [one for episode in every for one in episode.written]
    first = [
        (payoff_of(one.own), exact[episode.regime])
        for episode in every
        for one in episode.written
        if one.turn == 0
    ]
    rng = np.random.default_rng(np.random.SeedSequence([seed, _RESAMPLES]))
    return {
        "turns": messages,
        **spread(payoff_of(one.own) for one in turns)._asdict(),
        "calibration": {
            "turns": len(first),
            **{
                name: _calibration(first, side, rng)
                for name, side in (("user", "user"), ("assistant", "LLM"))
            },
        },
        "choice": _choice(turns),
    }


def _calibration(
    first: Sequence[tuple[Payoff, Payoff]], side: str, rng: np.random.Generator
) -> dict[str, Any]:
    found = [agreement(own, truth, side) for own, truth in first]
    return {
        "spearman": _mean((one.spearman for one in found), rng),
        "kendall": _mean((one.kendall for one in found), rng),
        "error": _mean((one.error for one in found), rng),
        "without_order": sum(one.spearman is None for one in found),
    }


def _mean(values: Iterable[float | None], rng: np.random.Generator) -> dict[str, float] | None:
    known = np.array([value for value in values if value is not None])
    return bootstrap(known, rng)._asdict() if len(known) else None


def _choice(turns: Sequence[Written]) -> dict[str, Any]:
    """Return how often the play is what the turn says: its best cell, and the one it names."""
    query = {one: "VQ" if one.user == "VQ" else "DQ" for one in turns}
    kind = {one: one.move.partition(":")[0] for one in turns}
    best = sum(
        f"{query[one]}_{kind[one]}" in best_cells(payoff_of(one.standing), query[one])
        for one in turns
    )
    named = [one for one in turns if one.announced in PAYOFF_KEYS]
    mismatched = sum(str(one.announced)[3:] != kind[one] for one in named)
    misread = sum(str(one.announced)[:2] != query[one] for one in named)
    return {
        "turns": len(turns),
        "best_cell_played": best / len(turns) if turns else None,
        "announced": len(named),
        "mismatch": mismatched / len(named) if named else None,
        "query_misread": misread / len(named) if named else None,
    }
