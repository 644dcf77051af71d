"""What kind of conflict a game is: strict dilemmas, social dilemmas, ordinal classes of 2×2 games.

How strong a dilemma is, and how far from being another game, is in `dilemma_meter`.
"""

from __future__ import annotations

from itertools import combinations, pairwise, product
from typing import NamedTuple

import numpy as np

from gtalign_env.games.dilemma_batch import (
    ordinal_class_batch,
    social_dilemma_batch,
    strict_pd_batch,
)
from gtalign_env.games.nash import Equilibria
from gtalign_env.games.normal_form import TOLERANCE, NormalFormGame, dominates, tolerance_of
from gtalign_env.games.ordinal import CLASSES, PATTERNS, Ranks, ordinal_class, ranks_of

__all__ = [
    "CLASSES",
    "PATTERNS",
    "Ranks",
    "StrictDilemma",
    "is_social_dilemma",
    "ordinal_class",
    "ordinal_class_batch",
    "ordinal_classes",
    "restrictions",
    "social_dilemma_batch",
    "strict_dilemmas",
    "strict_pd_batch",
]


class StrictDilemma(NamedTuple):
    """A 2×2 restriction that is a strict prisoner's dilemma; plans as (cooperate, defect)."""

    user: tuple[int, int]
    assistant: tuple[int, int]


def strict_dilemmas(game: NormalFormGame, tol: float = TOLERANCE) -> tuple[StrictDilemma, ...]:
    """Return every 2×2 restriction with T > R > P > S for both seats.

    T > R and P > S make defection each seat's dominant plan; R > P makes both regret it.

    Args:
        game: The game, of shape ``(m, n)``.
        tol: See `tolerance_of`; each inequality must hold by more.

    Returns:
        The restrictions, by the indices of their plans; a game with one plan on a side has none.
    """
    tol_user, tol_assistant = tolerance_of(game.user, tol), tolerance_of(game.assistant, tol)
    found = []
    for rows, columns in restrictions(game):
        for (c, d), (cc, dd) in product((rows, rows[::-1]), (columns, columns[::-1])):
            u, v = game.user, game.assistant
            user_order = (u[d, cc], u[c, cc], u[d, dd], u[c, dd])
            assistant_order = (v[c, dd], v[c, cc], v[d, dd], v[d, cc])
            if _falls(user_order, tol_user) and _falls(assistant_order, tol_assistant):
                found.append(StrictDilemma((c, d), (cc, dd)))
    return tuple(found)


def is_social_dilemma(game: NormalFormGame, equilibria: Equilibria, tol: float = TOLERANCE) -> bool:
    """Return whether every equilibrium is Pareto-dominated by some cell.

    An equilibrium counts with its expected payoffs. In a degenerate game the extreme equilibria are
    asked, not the mixtures between them.

    Args:
        game: The game.
        equilibria: All its extreme equilibria.
        tol: See `tolerance_of`.
    """
    return all(bool(dominates(game, found.payoffs, tol).any()) for found in equilibria.found)


def ordinal_classes(
    game: NormalFormGame, tol: float = TOLERANCE
) -> dict[tuple[tuple[int, int], tuple[int, int]], str]:
    """Return the class of every 2×2 restriction, by its (user plans, assistant plans).

    Args:
        game: The game, of shape ``(m, n)``.
        tol: See `tolerance_of`; closer payoffs are tied.
    """
    tol_user, tol_assistant = tolerance_of(game.user, tol), tolerance_of(game.assistant, tol)
    return {
        (rows, columns): ordinal_class(
            ranks_of(game.user[np.ix_(rows, columns)], tol_user),
            ranks_of(game.assistant[np.ix_(rows, columns)], tol_assistant),
        )
        for rows, columns in restrictions(game)
    }


def restrictions(game: NormalFormGame) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Return every pair of user plans with every pair of assistant plans, in row-major order.

    Args:
        game: The game, of shape ``(m, n)``.
    """
    m, n = game.shape
    return [
        (rows, columns)
        for rows in combinations(range(m), 2)
        for columns in combinations(range(n), 2)
    ]


def _falls(values: tuple[float, float, float, float], tol: float) -> bool:
    return all(high - low > tol for high, low in pairwise(values))
