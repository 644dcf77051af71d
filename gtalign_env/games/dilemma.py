"""What kind of conflict a game is: strict dilemmas, social dilemmas, ordinal classes of 2×2 games.

In a 2×2 game whose plans are labelled cooperate (C) and defect (D), each seat has four payoffs:
R (both C), S (C against D), T (D against C), P (both D). Only their order matters here, and each
seat's payoffs are compared with its own alone, so that an asymmetric game can be classified.

Robinson and Goforth name all 144 strict ordinal games. This module names the twelve symmetric ones,
in the groups of `PATTERNS`, and the cyclic ones. Deviations: a game is also named if both seats'
patterns lie in one group without being equal; and a game with ties is named if every strict game
that comes of breaking its ties has that name (matching pennies, the textbook battle of the sexes).

References:
    Rapoport and Guyer (1966), "A taxonomy of 2×2 games"; Robinson and Goforth (2005), "The Topology
    of the 2×2 Games: A New Periodic Table".
"""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations, pairwise, permutations, product
from typing import NamedTuple

import numpy as np

from gtalign_env.games.nash import Equilibria
from gtalign_env.games.normal_form import (
    TOLERANCE,
    FloatArray,
    NormalFormGame,
    dominates,
    tolerance_of,
)

PATTERNS = {
    "prisoner's dilemma": ("TRPS",),
    "deadlock": ("TPRS", "TPSR"),  # D dominates, and both like it better than both C
    "harmony": ("RTSP", "RSTP", "RSPT"),  # C dominates and leads both to their best; RSTP: concord
    "stag hunt": ("RTPS", "RPTS"),  # two equilibria, the better one at a risk; RPTS: assurance
    "coordination": ("RPST",),  # two equilibria, the better one without a risk
    "chicken": ("TRSP",),  # one seat has to give in; both C is every seat's second best
    "battle of the sexes": ("TSRP", "TSPR"),  # both equilibria beat the rest, each favours one seat
}
"""Orders of one seat's payoffs, greatest first; a game is named if both seats' are in one row."""

CLASSES = (*PATTERNS, "cyclic", "tied", "other")
"""Every name `ordinal_class` gives."""

Ranks = tuple[int, int, int, int]
"""Ordinal ranks of one seat's payoffs in the cells (0,0), (0,1), (1,0), (1,1); equal where tied."""


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
            _ranks(game.user[np.ix_(rows, columns)], tol_user),
            _ranks(game.assistant[np.ix_(rows, columns)], tol_assistant),
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


@lru_cache(maxsize=75 * 75)  # there are 75 weak orders of four cells
def ordinal_class(user: Ranks, assistant: Ranks) -> str:
    """Return the name of a 2×2 game's ordinal class, one of `CLASSES`.

    Args:
        user: Ranks of the user's payoffs in the cells (0,0), (0,1), (1,0), (1,1).
        assistant: The same of the assistant's.
    """
    names = {_strict_class(u, v) for u in _unties(user) for v in _unties(assistant)}
    return names.pop() if len(names) == 1 else "tied"


def _strict_class(user: Ranks, assistant: Ranks) -> str:
    # Which plan of a seat is C is not given, so all four labellings are asked; cell = 2·row + column.
    for row_c, column_c in product((0, 1), (0, 1)):
        row_d, column_d = 1 - row_c, 1 - column_c
        cc, cd = 2 * row_c + column_c, 2 * row_c + column_d
        dc, dd = 2 * row_d + column_c, 2 * row_d + column_d
        mine = _pattern(user, {"R": cc, "S": cd, "T": dc, "P": dd})
        theirs = _pattern(assistant, {"R": cc, "S": dc, "T": cd, "P": dd})
        for name, patterns in PATTERNS.items():
            if mine in patterns and theirs in patterns:
                return name
    stable = [
        user[cell] > user[cell ^ 2] and assistant[cell] > assistant[cell ^ 1] for cell in range(4)
    ]
    return "other" if any(stable) else "cyclic"


def _pattern(ranks: Ranks, cell_of: dict[str, int]) -> str:
    return "".join(sorted(cell_of, key=lambda letter: -ranks[cell_of[letter]]))


def _unties(ranks: Ranks) -> list[Ranks]:
    """Return every strict ranking that agrees with a weak one."""
    pairs = list(combinations(range(4), 2))
    return [
        (a, b, c, d)
        for a, b, c, d in permutations(range(4))
        if all(
            ranks[i] == ranks[j] or (ranks[i] < ranks[j]) == ((a, b, c, d)[i] < (a, b, c, d)[j])
            for i, j in pairs
        )
    ]


def _ranks(payoffs: FloatArray, tol: float) -> Ranks:
    """Return the ranks of four payoffs, shape ``(2, 2)``; a step up is a gap beyond the tolerance."""
    values = payoffs.ravel().tolist()
    order = sorted(range(4), key=values.__getitem__)
    ranks = [0, 0, 0, 0]
    for lower, upper in pairwise(order):
        ranks[upper] = ranks[lower] + int(values[upper] - values[lower] > tol)
    return ranks[0], ranks[1], ranks[2], ranks[3]


def _falls(values: tuple[float, float, float, float], tol: float) -> bool:
    return all(high - low > tol for high, low in pairwise(values))
