"""All extreme equilibria of many games of one shape: what `nash.nash_equilibria` gives, compiled.

Vertices are found inequality by inequality instead of basis by basis, and games in which a seat has
two plans are read off an upper envelope. Wherever a comparison in a game is not far from its
tolerance, the game is handed to `nash.nash_equilibria`, so that both agree on every game.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gtalign_env.errors import SolverError
from gtalign_env.games.nash import (
    REGRET_TOLERANCE,
    Equilibria,
    Equilibrium,
    nash_equilibria,
    regrets,
)
from gtalign_env.games.normal_form import LARGEST_PAYOFF, ROUNDING, FloatArray, NormalFormGame

MOST_VERTICES = 1_000  # of one polytope, before games are solved one by one; 7×7 has up to 240
MOST_FOUND = 512  # equilibria of one game, before it is solved by itself
FIRST_ROWS = 2  # rows of the table a game, to begin with; it grows as needed


@dataclass(frozen=True, eq=False)
class BatchEquilibria:
    """The extreme equilibria of N games of shape ``(m, n)``, at most E of one.

    Each game's come in the order of `nash.Equilibria.found`; what lies beyond its count is NaN.

    Attributes:
        count: How many equilibria each game has, at least 1, shape ``(N,)``.
        user: Probabilities of the user's plans, shape ``(N, E, m)``.
        assistant: Probabilities of the assistant's plans, shape ``(N, E, n)``.
        payoffs: Expected payoffs of user and assistant, shape ``(N, E, 2)``, points.
        degenerate: See `nash.Equilibria`, shape ``(N,)``.
        alone: The games solved one by one, as rounding could have decided them, shape ``(k,)``.
    """

    count: NDArray[np.int64]
    user: FloatArray
    assistant: FloatArray
    payoffs: FloatArray
    degenerate: NDArray[np.bool_]
    alone: NDArray[np.int64]

    def of(self, index: int, game: NormalFormGame) -> Equilibria:
        """Return one game's equilibria, with their regrets.

        Args:
            index: Which game.
            game: The same game, of shape ``(m, n)``.
        """
        found = []
        for e in range(int(self.count[index])):
            x, y = self.user[index, e], self.assistant[index, e]
            payoffs = self.payoffs[index, e].tolist()
            found.append(
                Equilibrium(
                    tuple(x.tolist()),
                    tuple(y.tolist()),
                    (payoffs[0], payoffs[1]),
                    regrets(game, x, y),
                )
            )
        return Equilibria(tuple(found), bool(self.degenerate[index]))


def nash_equilibria_batch(
    user: ArrayLike, assistant: ArrayLike, tol: float = REGRET_TOLERANCE
) -> BatchEquilibria:
    """Return every extreme equilibrium of every game, as `nash.nash_equilibria` does of one.

    The first call in a new installation compiles, which takes some seconds.

    Args:
        user: The user's payoffs, shape ``(N, m, n)``, points.
        assistant: The assistant's payoffs, shape ``(N, m, n)``, points.
        tol: Largest regret of a returned profile, as a share of the spread of that seat's payoffs.

    Raises:
        ValueError: The payoffs are not two finite arrays of that shape.
        SolverError: As for `nash.nash_equilibria`; names the first game.
    """
    from gtalign_env.games.batch_envelope import DEGENERATE
    from gtalign_env.games.batch_games import spread

    A, B = checked_payoffs(user, assistant)
    games, m, n = A.shape
    table, counts = _solved(A, B, tol)
    singles = {int(g): _alone(A[g], B[g], tol, int(g)) for g in np.flatnonzero(counts < 0)}
    degenerate = counts >= DEGENERATE
    counts %= DEGENERATE
    for g, solved in singles.items():
        counts[g], degenerate[g] = 0, solved.degenerate
    largest = max((len(solved.found) for solved in singles.values()), default=0)
    most = max(int(counts.max(initial=0)), largest)
    padded = np.empty((games, most, m + n + 2))
    spread(table, counts, padded)
    for g, solved in singles.items():
        counts[g] = len(solved.found)
        padded[g, : counts[g]] = [f.user + f.assistant + f.payoffs for f in solved.found]
    return BatchEquilibria(
        counts,
        padded[:, :, :m],
        padded[:, :, m : m + n],
        padded[:, :, m + n :],
        degenerate,
        np.array(sorted(singles), dtype=np.int64),
    )


def checked_payoffs(user: ArrayLike, assistant: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return both seats' payoffs as arrays of shape ``(N, m, n)``.

    Args:
        user: The user's payoffs, shape ``(N, m, n)``, points.
        assistant: The assistant's payoffs, likewise.

    Raises:
        ValueError: They are no numbers, of other shapes, without a plan, or not finite.
    """
    arrays = []
    for seat, values in (("user", user), ("assistant", assistant)):
        try:
            payoffs = np.ascontiguousarray(values, dtype=np.float64)
        except (TypeError, ValueError) as cause:
            raise ValueError(
                f"the {seat}'s payoffs must be numbers of shape (N, m, n): {cause}"
            ) from cause
        if payoffs.ndim != 3 or 0 in payoffs.shape[1:]:
            raise ValueError(
                f"the {seat}'s payoffs must have shape (N, m, n) with at least one plan of each "
                f"seat; got shape {payoffs.shape}"
            )
        least, largest = payoffs.min(initial=0.0), payoffs.max(initial=0.0)
        if not -LARGEST_PAYOFF <= least <= largest <= LARGEST_PAYOFF:  # so it is if one is NaN
            g, i, j = np.argwhere(~(np.abs(payoffs) <= LARGEST_PAYOFF))[0]
            raise ValueError(
                f"the {seat}'s payoffs must be finite, at most {LARGEST_PAYOFF:g} in size; "
                f"got {payoffs[g, i, j]} in game {g}, row {i}, column {j}"
            )
        arrays.append(payoffs)
    if arrays[0].shape != arrays[1].shape:
        raise ValueError(
            f"both seats' payoffs must have one shape; "
            f"got user {arrays[0].shape} and assistant {arrays[1].shape}"
        )
    return arrays[0], arrays[1]


def _solved(A: FloatArray, B: FloatArray, tol: float) -> tuple[FloatArray, NDArray[np.int64]]:
    """Return the table of equilibria, and each game's count, flag, or mark of doubt."""
    from gtalign_env.games.batch_games import solve_games
    from gtalign_env.games.batch_vertices import DOUBTFUL, most_vertices

    games, m, n = A.shape
    counts = np.full(games, DOUBTFUL, dtype=np.int64)
    most = max(most_vertices(m, m + n), most_vertices(n, m + n))
    if most > MOST_VERTICES and min(m, n) != 2:
        return np.empty((0, m + n + 2)), counts
    table = np.empty((FIRST_ROWS * games + MOST_FOUND, m + n + 2))
    done = filled = 0
    while True:
        done, filled = solve_games(
            A, B, tol, ROUNDING, most, MOST_FOUND, done, table, counts, filled
        )
        if done == games:
            return table[:filled], counts
        table = np.concatenate([table[:filled], np.empty_like(table)])


def _alone(A: FloatArray, B: FloatArray, tol: float, index: int) -> Equilibria:
    try:
        return nash_equilibria(NormalFormGame(A, B, name=f"number {index}"), tol)
    except SolverError as error:
        raise SolverError(f"game {index}: {error}") from error
