"""Compiled: the equilibria of a game in which one seat has two plans, read off an upper envelope.

The seat of two plans plays its second with probability p. Every plan of the other seat, of n, is
worth a linear function of p to its owner, so that best replies change only where the greatest of n
lines does.

This module is imported inside functions only, as it imports numba.

References:
    von Stengel (2002), "Computing equilibria for two-person games", sec. 2.1.
"""

from __future__ import annotations

from gtalign_env.games.batch_vertices import (
    CLEAR,
    DOUBTFUL,
    NOUGHT,
    STEEP,
    FloatArray,
    compiled,
)

DEGENERATE = 1 << 32  # added to a count of equilibria


@compiled
def two_plan_equilibria(
    own: FloatArray,
    other: FloatArray,
    two: int,
    many: int,
    table: FloatArray,
    first: int,
    room: int,
) -> int:
    """Find all extreme equilibria of a game of two plans against n, in no order.

    1. The mixtures of two plans that can stand in an extreme equilibrium are both pure ones and the
       corners of the envelope, found by going along it from p = 0.
    2. With each go all the mixtures of its best replies against which both plans in play are best:
       a single reply, or two of which one favours the first plan and one the second.

    Args:
        own: Payoffs of the seat of two plans, shape ``(2, n)``, in [1, 2].
        other: Payoffs of the seat of n plans, shape ``(2, n)``, in [1, 2].
        two: Column of the table at which the first seat's probabilities begin.
        many: Column at which the other's do.
        table: Filled with a row an equilibrium, shape ``(rows, at least 2 + n)``.
        first: The first row to fill.
        room: How many rows may be filled.

    Returns:
        The number of equilibria, plus `DEGENERATE` if the game is, or `DOUBTFUL`.
    """
    n = own.shape[1]
    tied = 0  # whether some mixture has more best replies than plans in play
    for j in range(n):
        gap = abs(own[0, j] - own[1, j])
        if gap < 2.0 * CLEAR:
            if gap > NOUGHT:
                return DOUBTFUL
            tied = DEGENERATE
    count, line, p, plan = 0, 0, 0.0, 0  # plan: 0 or 1 where pure, 2 at a corner
    while True:
        # A. the best replies to p, of which the steepest line leads on
        high = 0.0
        for j in range(n):
            high = max(high, other[0, j] * (1.0 - p) + other[1, j] * p)
        best, steepest = 0, -2.0
        replies = 0
        for j in range(n):
            slack = high - (other[0, j] * (1.0 - p) + other[1, j] * p)
            if slack < 2.0 * CLEAR:
                if slack > NOUGHT:
                    return DOUBTFUL
                replies += 1
                best |= 1 << j
                slope = other[1, j] - other[0, j]
                if slope > steepest:
                    line, steepest = j, slope
        if replies > (2 if plan == 2 else 1):
            tied = DEGENERATE
        # B. the mixtures of these replies that make p's plans best
        for j in range(n):
            if (best >> j) & 1 == 0:
                continue
            lead = own[0, j] - own[1, j]
            level = abs(lead) <= NOUGHT
            if level or (plan == 0 and lead > 0.0) or (plan == 1 and lead < 0.0):
                if count == room:
                    return DOUBTFUL
                _write(table, first + count, n, two, many, p, j, j, 1.0)
                count += 1
            if level or lead < 0.0:
                continue
            for k in range(n):
                lag = own[1, k] - own[0, k]
                if (best >> k) & 1 and lag > NOUGHT:
                    if count == room:
                        return DOUBTFUL
                    _write(table, first + count, n, two, many, p, j, k, lag / (lead + lag))
                    count += 1
        if plan == 1:
            return count + tied
        # C. the next corner, where a steeper line crosses this one
        ahead = 2.0
        for k in range(n):
            steeper = other[1, k] - other[0, k] - steepest
            if steeper <= NOUGHT:
                continue
            behind = other[0, line] - other[0, k]
            if steeper < STEEP and behind <= steeper * 2.0:
                return DOUBTFUL
            ahead = min(ahead, behind / steeper)
        if ahead <= 1.0 - 2.0 * CLEAR:
            if ahead - p < 4.0 * CLEAR:
                return DOUBTFUL
            p, plan = ahead, 2
        elif ahead < 1.0 - NOUGHT or 1.0 + NOUGHT < ahead < 1.0 + 2.0 * CLEAR:
            return DOUBTFUL
        else:
            p, plan = 1.0, 1


@compiled
def _write(
    table: FloatArray, row: int, n: int, two: int, many: int, p: float, j: int, k: int, share: float
) -> None:
    """Write one equilibrium: p against plan j with probability ``share``, and k with the rest."""
    table[row, two], table[row, two + 1] = 1.0 - p, p
    for c in range(n):
        table[row, many + c] = 0.0
    table[row, many + k] = 1.0 - share
    table[row, many + j] = share
