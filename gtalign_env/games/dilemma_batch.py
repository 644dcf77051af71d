"""The questions of `dilemma` over many games at once, in NumPy: for sweeps over prices and personas.

Each function gives for every game of the batch what its counterpart in `dilemma` gives for one.
"""

from __future__ import annotations

from functools import cache
from itertools import combinations, product
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gtalign_env.games.normal_form import ROUNDING, TOLERANCE, BoolArray, FloatArray
from gtalign_env.games.ordinal import CLASSES, Ranks, ordinal_class

CODES = 4**4
"""Codes of four ranks, each 0 to 3, in base 4."""


class SolvedGames(Protocol):
    """What `social_dilemma_batch` asks of `batch.BatchEquilibria`: N games, up to E equilibria each.

    Attributes:
        payoffs: Expected payoffs of user and assistant, shape ``(N, E, 2)``, points; NaN beyond
            the last equilibrium of a game.
    """

    @property
    def payoffs(self) -> FloatArray:
        """Expected payoffs, shape ``(N, E, 2)``, points; NaN beyond a game's last equilibrium."""


def strict_pd_batch(user: FloatArray, assistant: FloatArray, tol: float = TOLERANCE) -> BoolArray:
    """Return which games hold a strict prisoner's dilemma, shape ``(N,)``; see `strict_dilemmas`.

    Args:
        user: The user's payoffs, shape ``(N, m, n)``, points.
        assistant: The assistant's payoffs, shape ``(N, m, n)``, points.
        tol: See `tolerance_of`, taken of each game as a whole.

    Raises:
        ValueError: The payoffs are not two stacks of matrices of one shape.
    """
    user, assistant = _stacks(user, assistant)
    count, m, n = user.shape
    tol_user, tol_assistant = _tolerances(user, tol), _tolerances(assistant, tol)
    found = np.zeros(count, dtype=np.bool_)
    for (c, d), (cc, dd) in product(_ordered_pairs(m), _ordered_pairs(n)):
        # T > R > P > S of either seat, where user plan c and assistant plan cc cooperate
        found |= (
            (user[:, d, cc] - user[:, c, cc] > tol_user)
            & (user[:, c, cc] - user[:, d, dd] > tol_user)
            & (user[:, d, dd] - user[:, c, dd] > tol_user)
            & (assistant[:, c, dd] - assistant[:, c, cc] > tol_assistant)
            & (assistant[:, c, cc] - assistant[:, d, dd] > tol_assistant)
            & (assistant[:, d, dd] - assistant[:, d, cc] > tol_assistant)
        )
    return found


def ordinal_class_batch(
    user: FloatArray, assistant: FloatArray, tol: float = TOLERANCE
) -> NDArray[np.int64]:
    """Return the index in `CLASSES` of every 2×2 game, shape ``(N,)``; see `ordinal_class`.

    Args:
        user: The user's payoffs, shape ``(N, 2, 2)``, points.
        assistant: The assistant's payoffs, shape ``(N, 2, 2)``, points.
        tol: See `tolerance_of`; closer payoffs are tied.

    Raises:
        ValueError: The payoffs are not two stacks of 2×2 matrices.
    """
    user, assistant = _stacks(user, assistant)
    if user.shape[1:] != (2, 2):
        raise ValueError(
            f"ordinal classes are those of 2×2 games: shape (N, 2, 2); got {user.shape}. "
            "Restrict larger games to two plans a side first"
        )
    table = _class_table()
    found: NDArray[np.int64] = table[_codes(user, tol), _codes(assistant, tol)].astype(np.int64)
    return found


def social_dilemma_batch(
    user: FloatArray, assistant: FloatArray, equilibria: SolvedGames, tol: float = TOLERANCE
) -> BoolArray:
    """Return which games are social dilemmas, shape ``(N,)``; see `is_social_dilemma`.

    Args:
        user: The user's payoffs, shape ``(N, m, n)``, points.
        assistant: The assistant's payoffs, shape ``(N, m, n)``, points.
        equilibria: All extreme equilibria of the games, such as of `nash_equilibria_batch`.
        tol: See `tolerance_of`.

    Raises:
        ValueError: The payoffs are not two stacks of matrices of one shape, or the equilibria are
            those of another number of games.
    """
    user, assistant = _stacks(user, assistant)
    payoffs = np.asarray(equilibria.payoffs, dtype=np.float64)
    if len(payoffs) != len(user):
        raise ValueError(f"one set of equilibria a game; got {len(payoffs)} for {len(user)} games")
    tol_user = _tolerances(user, tol)[:, None]
    tol_assistant = _tolerances(assistant, tol)[:, None]
    flat_user, flat_assistant = user.reshape(len(user), -1), assistant.reshape(len(user), -1)
    every = np.ones(len(user), dtype=np.bool_)
    for e in range(payoffs.shape[1]):  # one equilibrium at a time keeps memory at N·m·n
        exists = ~np.isnan(payoffs[:, e, 0])
        gain_user = flat_user - payoffs[:, e, :1]
        gain_assistant = flat_assistant - payoffs[:, e, 1:]
        dominating = (
            (gain_user >= -tol_user)
            & (gain_assistant >= -tol_assistant)
            & ((gain_user > tol_user) | (gain_assistant > tol_assistant))
        )
        every &= ~exists | dominating.any(axis=1)
    return every


def _stacks(user: FloatArray, assistant: FloatArray) -> tuple[FloatArray, FloatArray]:
    first, second = np.asarray(user, dtype=np.float64), np.asarray(assistant, dtype=np.float64)
    if first.ndim != 3 or first.shape != second.shape or 0 in first.shape[1:]:
        raise ValueError(
            "both seats' payoffs must be stacks of matrices of one shape (N, m, n); "
            f"got user {first.shape} and assistant {second.shape}"
        )
    return first, second


def _tolerances(values: FloatArray, tol: float) -> FloatArray:
    """Return `tolerance_of` of every matrix of a stack, shape ``(N,)``, points."""
    if not len(values):
        return np.zeros(0)
    largest, least = values.max(axis=(1, 2)), values.min(axis=(1, 2))
    found: FloatArray = tol * (largest - least) + ROUNDING * np.maximum(abs(largest), abs(least))
    return found


def _ordered_pairs(count: int) -> list[tuple[int, int]]:
    pairs = list(combinations(range(count), 2))
    return [*pairs, *((d, c) for c, d in pairs)]


def _codes(payoffs: FloatArray, tol: float) -> NDArray[np.int64]:
    """Return the ranks of every 2×2 matrix of a stack as one number, shape ``(N,)``."""
    values = payoffs.reshape(-1, 4)
    order = np.argsort(values, axis=1, kind="stable")
    steps = np.diff(np.take_along_axis(values, order, axis=1)) > _tolerances(payoffs, tol)[:, None]
    ranks = np.zeros(values.shape, dtype=np.int64)
    np.put_along_axis(ranks, order[:, 1:], np.cumsum(steps, axis=1), axis=1)
    codes: NDArray[np.int64] = ranks @ (4 ** np.arange(4))
    return codes


@cache
def _class_table() -> NDArray[np.int8]:
    """Return the class of every pair of rank codes, shape ``(CODES, CODES)``; -1 where none is."""
    table = np.full((CODES, CODES), -1, dtype=np.int8)
    weak: list[Ranks] = [
        (a, b, c, d)
        for a, b, c, d in product(range(4), repeat=4)
        if {a, b, c, d} == set(range(len({a, b, c, d})))
    ]
    code = {ranks: sum(rank * 4**i for i, rank in enumerate(ranks)) for ranks in weak}
    for first, second in product(weak, repeat=2):
        table[code[first], code[second]] = CLASSES.index(ordinal_class(first, second))
    return table
