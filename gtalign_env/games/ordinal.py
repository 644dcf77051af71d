"""Names of 2×2 games by the order of each seat's payoffs.

In a 2×2 game whose plans are labelled cooperate (C) and defect (D), each seat has four payoffs:
R (both C), S (C against D), T (D against C), P (both D). Only their order matters here, and each
seat's payoffs are compared with its own alone, so that an asymmetric game can be named.

These are the broad names: the twelve symmetric strict games in the groups of `PATTERNS`, and the
cyclic ones. A game is also named if both seats' patterns lie in one group without being equal; and
a game with ties is named if every strict game that comes of breaking its ties has that name
(matching pennies, the textbook battle of the sexes). The place of a game among all 144 strict ones
is in `ordinal_topology`.

References:
    Rapoport and Guyer (1966), "A taxonomy of 2×2 games"; Robinson and Goforth (2005), "The Topology
    of the 2×2 Games: A New Periodic Table".
"""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations, pairwise, permutations, product

from gtalign_env.games.normal_form import FloatArray

PATTERNS = {
    "prisoner's dilemma": ("TRPS",),
    "deadlock": ("TPRS", "TPSR"),  # D dominates, and both like it better than both C
    "harmony": ("RTSP", "RSTP", "RSPT"),  # C dominates, leads both to their best; RTSP: concord
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


@lru_cache(maxsize=75 * 75)  # there are 75 weak orders of four cells
def ordinal_class(user: Ranks, assistant: Ranks) -> str:
    """Return the name of a 2×2 game's ordinal class, one of `CLASSES`.

    Args:
        user: Ranks of the user's payoffs in the cells (0,0), (0,1), (1,0), (1,1).
        assistant: The same of the assistant's.
    """
    names = {_strict_class(u, v) for u in untied(user) for v in untied(assistant)}
    return names.pop() if len(names) == 1 else "tied"


@lru_cache(maxsize=24 * 24)
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


def untied(ranks: Ranks) -> list[Ranks]:
    """Return every strict ranking that agrees with a weak one.

    Args:
        ranks: Ranks of one seat's payoffs, equal where tied.
    """
    pairs = list(combinations(range(4), 2))
    return [
        (a, b, c, d)
        for a, b, c, d in permutations(range(4))
        if all(
            ranks[i] == ranks[j] or (ranks[i] < ranks[j]) == ((a, b, c, d)[i] < (a, b, c, d)[j])
            for i, j in pairs
        )
    ]


def ranks_of(payoffs: FloatArray, tol: float) -> Ranks:
    """Return the ranks of four payoffs; a step up is a gap beyond the tolerance.

    Args:
        payoffs: Of one seat, shape ``(2, 2)``, points.
        tol: Largest difference of tied payoffs, points.
    """
    values = payoffs.ravel().tolist()
    order = sorted(range(4), key=values.__getitem__)
    ranks = [0, 0, 0, 0]
    for lower, upper in pairwise(order):
        ranks[upper] = ranks[lower] + int(values[upper] - values[lower] > tol)
    return ranks[0], ranks[1], ranks[2], ranks[3]
