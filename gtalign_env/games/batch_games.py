"""Compiled: all extreme equilibria of one game after the other, into one growing table.

This module is imported inside functions only, as it imports numba.
"""

from __future__ import annotations

import numpy as np

from gtalign_env.games.batch_envelope import DEGENERATE, two_plan_equilibria
from gtalign_env.games.batch_vertices import (
    DOUBTFUL,
    NOUGHT,
    FloatArray,
    IntArray,
    compiled,
    crowded,
    vertices,
)

DISTINCT = 1e-6  # least clear difference of two probabilities, far above `nash.SAME_PROFILE`


@compiled
def solve_games(
    user: FloatArray,
    assistant: FloatArray,
    tol: float,
    rounding: float,
    most: int,
    room: int,
    start: int,
    table: FloatArray,
    counts: IntArray,
    filled: int,
) -> tuple[int, int]:
    """Solve games until all are done or the table might not hold the next one's equilibria.

    Args:
        user: The user's payoffs, shape ``(N, m, n)``, points.
        assistant: The assistant's payoffs, shape ``(N, m, n)``, points.
        tol: See `nash.nash_equilibria`.
        rounding: `normal_form.ROUNDING`.
        most: Greatest number of vertices of either polytope.
        room: Greatest number of equilibria of one game to be found here.
        start: The first game to be solved.
        table: Filled with a row an equilibrium: both mixtures, both payoffs; shape
            ``(rows, m + n + 2)``.
        counts: Filled for each game solved with the number of its equilibria, plus `DEGENERATE` if
            it is, or with `DOUBTFUL`; shape ``(N,)``.
        filled: How many rows of the table are filled.

    Returns:
        The first game not solved, N if all are, and how many rows are filled now.
    """
    games, m, n = user.shape
    narrow = m == 2 or n == 2
    A, B = np.empty((m, n)), np.empty((m, n))
    AT, BT = np.empty((n, m)), np.empty((n, m))
    points = np.empty((2, 1 if narrow else 2 * most, m + n))
    labels = np.empty((2, 1 if narrow else 2 * most), dtype=np.int64)
    for g in range(start, games):
        if filled + room > len(table):
            return g, filled
        user_spread, user_nothing = _scale(user, g, A, AT, rounding)
        assistant_spread, assistant_nothing = _scale(assistant, g, B, BT, rounding)
        if m == 2:
            solved = two_plan_equilibria(A, B, 0, 2, table, filled, room)
        elif n == 2:
            solved = two_plan_equilibria(BT, AT, m, 0, table, filled, room)
        else:
            solved = _paired(AT, B, points, labels, table, filled, room)
        if solved != DOUBTFUL:
            count = solved % DEGENERATE
            # half of the regret allowed, so that `nash` surely allows it too
            sure = count > 0 and _valued(
                user,
                assistant,
                g,
                0.5 * (tol * user_spread + user_nothing),
                0.5 * (tol * assistant_spread + assistant_nothing),
                user_nothing,
                assistant_nothing,
                table,
                filled,
                count,
            )
            if sure and _sorted(table, filled, count, m, n):
                filled += count
            else:
                solved = DOUBTFUL
        counts[g] = solved
    return games, filled


@compiled
def spread(table: FloatArray, counts: IntArray, padded: FloatArray) -> None:
    """Give every game the same number of rows, of which those beyond its own are NaN.

    Args:
        table: Rows of all games one after the other, shape ``(rows, width)``.
        counts: How many rows are each game's, shape ``(N,)``.
        padded: Filled with them, shape ``(N, E, width)``.
    """
    games, most, width = padded.shape
    at = 0
    for g in range(games):
        for e in range(most):
            for c in range(width):
                padded[g, e, c] = table[at, c] if e < counts[g] else np.nan
            if e < counts[g]:
                at += 1


@compiled
def _scale(
    payoffs: FloatArray, g: int, scaled: FloatArray, turned: FloatArray, rounding: float
) -> tuple[float, float]:
    """Bring payoffs to [1, 2], as `nash` does; return their spread and what is rounding, points."""
    _, m, n = payoffs.shape
    least, largest = payoffs[g, 0, 0], payoffs[g, 0, 0]
    for i in range(m):
        for j in range(n):
            least, largest = min(least, payoffs[g, i, j]), max(largest, payoffs[g, i, j])
    spread, nothing = largest - least, rounding * max(abs(least), abs(largest))
    flat = spread <= nothing
    for i in range(m):
        for j in range(n):
            scaled[i, j] = 1.0 if flat else 1.0 + (payoffs[g, i, j] - least) / spread
            turned[j, i] = scaled[i, j]
    return spread, nothing


@compiled
def _paired(
    AT: FloatArray,
    B: FloatArray,
    points: FloatArray,
    labels: IntArray,
    table: FloatArray,
    first: int,
    room: int,
) -> int:
    """Return how many pairs of vertices carry all labels; see `nash.nash_equilibria`."""
    m, n = B.shape
    xs = vertices(B, points[0], labels[0])
    if xs == DOUBTFUL:
        return DOUBTFUL
    ys = vertices(AT, points[1], labels[1])
    if ys == DOUBTFUL:
        return DOUBTFUL
    tied = DEGENERATE if crowded(labels[0], xs, m) or crowded(labels[1], ys, n) else 0
    every = (1 << (m + n)) - 1
    for q in range(ys):  # from y's own labels first to the user's plans first
        labels[1, q] = (labels[1, q] >> n) | ((labels[1, q] & ((1 << n) - 1)) << m)
    count = 0
    for p in range(1, xs):
        for q in range(1, ys):
            if labels[0, p] | labels[1, q] == every:
                if count == room:
                    return DOUBTFUL
                _normalise(points, 0, p, m, table, first + count, 0)
                _normalise(points, 1, q, n, table, first + count, m)
                count += 1
    return count + tied


@compiled
def _normalise(
    points: FloatArray, side: int, vertex: int, size: int, table: FloatArray, row: int, at: int
) -> None:
    total = 0.0
    for c in range(size):
        total += points[side, vertex, c]
    for c in range(size):
        table[row, at + c] = points[side, vertex, c] / total


@compiled
def _valued(
    user: FloatArray,
    assistant: FloatArray,
    g: int,
    user_regret: float,
    assistant_regret: float,
    user_nothing: float,
    assistant_nothing: float,
    table: FloatArray,
    first: int,
    count: int,
) -> bool:
    """Write the payoffs of a game's equilibria; False where a regret is beyond its limit.

    Also where a plan is hardly played, so that `nash` might take the mixture for one without it.
    """
    _, m, n = user.shape
    for row in range(first, first + count):
        for c in range(m + n):
            if 0.0 < table[row, c] < DISTINCT:
                return False
        mean, best = 0.0, -np.inf
        for i in range(m):
            worth = 0.0
            for j in range(n):
                worth += user[g, i, j] * table[row, m + j]
            mean += worth * table[row, i]
            best = max(best, worth)
        if best - mean > user_regret:
            return False
        table[row, m + n] = mean if abs(mean) > user_nothing else 0.0
        mean, best = 0.0, -np.inf
        for j in range(n):
            worth = 0.0
            for i in range(m):
                worth += assistant[g, i, j] * table[row, i]
            mean += worth * table[row, m + j]
            best = max(best, worth)
        if best - mean > assistant_regret:
            return False
        table[row, m + n + 1] = mean if abs(mean) > assistant_nothing else 0.0
    return True


@compiled
def _sorted(table: FloatArray, first: int, count: int, m: int, n: int) -> bool:
    """Sort a game's equilibria as `nash` does; False where the order hangs on rounding."""
    for last in range(first + 1, first + count):
        row = last
        while row > first:
            order = _order(table, row, row - 1, m + n)
            if order == 0:
                return False
            if order > 0:
                break
            for c in range(m + n + 2):
                table[row, c], table[row - 1, c] = table[row - 1, c], table[row, c]
            row -= 1
    return True


@compiled
def _order(table: FloatArray, row: int, before: int, width: int) -> int:
    """Return -1 if the row comes first, 1 if it comes after, 0 if that is not clear."""
    pure, pure_before = _pure(table, row, width), _pure(table, before, width)
    if pure != pure_before:
        return -1 if pure else 1
    for c in range(width):
        step = table[row, c] - table[before, c]
        if abs(step) > NOUGHT:
            if abs(step) < DISTINCT:
                return 0
            return -1 if step > 0.0 else 1
    return 0


@compiled
def _pure(table: FloatArray, row: int, width: int) -> bool:
    ones = 0
    for c in range(width):
        if table[row, c] == 1.0:
            ones += 1
    return ones == 2
