"""Mixes of moves beside one another."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any


def total_variation(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    """Return how far two mixes are apart, in [0, 1]: half the sum of the differences of shares.

    Args:
        one: Share of each move; they sum to 1.
        other: Likewise. A move that is missing has share 0.

    References:
        Levin and Peres (2017), "Markov chains and mixing times", prop. 4.2.
    """
    moves = sorted({*one, *other})
    return math.fsum(abs(one.get(move, 0.0) - other.get(move, 0.0)) for move in moves) / 2


def agreement(
    contexts: Sequence[Hashable], moves: Sequence[str], best: Mapping[Any, str]
) -> float | None:
    """Return the share of moves that are the best one in their context, in [0, 1].

    Args:
        contexts: What could be told apart when each move was made.
        moves: The moves; empty where none was made, which does not count.
        best: The best move by context; a context that it lacks does not count.

    Returns:
        The share; None where no move counts.
    """
    counted = [
        move == best[context]
        for context, move in zip(contexts, moves, strict=True)
        if move and context in best
    ]
    return sum(counted) / len(counted) if counted else None
