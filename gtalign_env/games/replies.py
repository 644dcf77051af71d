"""Play by replies: which cells lead to which, where it ends, and whether a potential guides it.

In every cell one seat at a time may move. If all moves raise one common function, the potential,
they must end; a game may have such a function for the sizes of gains (exact), for their signs
(ordinal), or only along strict gains (generalized).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from gtalign_env.games.normal_form import (
    BoolArray,
    Cell,
    FloatArray,
    NormalFormGame,
    best_replies,
    tolerance_of,
)

Kind = Literal["exact", "ordinal", "generalized"]


class ReplyGraph(NamedTuple):
    """The moves between cells, and where play that follows them ends.

    Attributes:
        moves: Whether a cell leads to another, both as row-major numbers, shape ``(mn, mn)``.
        sinks: Sets of cells that lead among themselves only; a sink of one cell is a pure
            equilibrium, a larger one is a cycle that play does not leave.
    """

    moves: BoolArray
    sinks: tuple[tuple[Cell, ...], ...]


class Potential(NamedTuple):
    """A function of the cells that every gain of one seat raises.

    Attributes:
        kind: ``exact``: by as much as the seat gains, points. ``ordinal``: it rises exactly where the
            seat gains. ``generalized``: it rises wherever the seat gains.
        values: The potential, shape ``(m, n)``; of an exact one the first cell is 0, of the others
            the values are ranks from 0.
    """

    kind: Kind
    values: FloatArray


def reply_graph(game: NormalFormGame, *, better: bool = False) -> ReplyGraph:
    """Return the graph of best replies, or of better ones, and its sinks.

    A cell leads to another if exactly one seat changes its plan and gains by it, beyond the
    tolerance; of best replies, if the new plan is moreover a best reply.

    Args:
        game: The game, of shape ``(m, n)``.
        better: Let a seat move to any plan that pays more, not only to a best one.

    References:
        Goemans, Mirrokni and Vetta (2005), "Sink equilibria and convergence".
    """
    moves, _ = _gains(game)
    if not better:
        user, assistant = best_replies(game, "user"), best_replies(game, "assistant")
        moves &= np.where(_same_row(game.shape), assistant.ravel(), user.ravel())
    label, ends = _strong(moves)
    sinks = []
    for part in np.flatnonzero(ends):
        cells = np.flatnonzero(label == part)
        sinks.append(tuple(Cell(*map(int, divmod(c, game.shape[1]))) for c in cells))
    return ReplyGraph(moves, tuple(sorted(sinks)))


def potential(game: NormalFormGame) -> Potential | None:
    """Return a potential of the strongest kind that the game has, or None.

    1. Exact: the two seats' gains around every square of four cells sum to 0. Then the potential is
       the sum of gains on any way from the first cell.
    2. Ordinal: no cycle of moves that nobody loses by contains one that somebody gains by. Then it
       is the rank of a cell among the sets of cells joined by indifference.
    3. Generalized: no cycle of gains at all.

    Args:
        game: The game, of shape ``(m, n)``.

    References:
        Monderer and Shapley (1996), "Potential games", theorem 2.8; Voorneveld and Norde (1997),
        "A characterization of ordinal potential games".
    """
    A, B = game.user, game.assistant
    values: FloatArray = (A[:, :1] - A[0, 0]) + (B - B[:, :1])
    tolerance = 2.0 * (tolerance_of(A) + tolerance_of(B))
    if np.abs((values - values[0]) - (A - A[0])).max() <= tolerance:
        return Potential("exact", values)
    gains, level = _gains(game)
    kinds: tuple[tuple[Kind, BoolArray], ...] = (("ordinal", gains | level), ("generalized", gains))
    for kind, moves in kinds:
        label, _ = _strong(moves)
        if not (gains & (label[:, None] == label)).any():
            return Potential(kind, _ranks(gains, label).reshape(game.shape))
    return None


def _gains(game: NormalFormGame) -> tuple[BoolArray, BoolArray]:
    """Return where one seat moves and gains, and where it moves at no change; ``(mn, mn)`` each."""
    same_row = _same_row(game.shape)
    same_column = _same_column(game.shape)
    one_moves = same_row ^ same_column
    rises = []
    for payoffs in (game.user, game.assistant):
        flat, tolerance = payoffs.ravel(), tolerance_of(payoffs)
        change = flat - flat[:, None]
        rises.append((change > tolerance, np.abs(change) <= tolerance))
    gains = one_moves & np.where(same_row, rises[1][0], rises[0][0])
    level = one_moves & np.where(same_row, rises[1][1], rises[0][1])
    return gains, level


def _same_row(shape: tuple[int, int]) -> BoolArray:
    row = np.repeat(np.arange(shape[0]), shape[1])
    same: BoolArray = row[:, None] == row
    return same


def _same_column(shape: tuple[int, int]) -> BoolArray:
    column = np.tile(np.arange(shape[1]), shape[0])
    same: BoolArray = column[:, None] == column
    return same


def _strong(moves: BoolArray) -> tuple[np.ndarray[tuple[int], np.dtype[np.int32]], BoolArray]:
    """Return the strongly connected part of each cell, and which parts nothing leads out of."""
    from scipy.sparse.csgraph import connected_components

    parts, label = connected_components(moves, directed=True, connection="strong")
    leaving = moves & (label[:, None] != label)
    ends = np.ones(parts, dtype=np.bool_)
    ends[label[leaving.any(axis=1)]] = False
    return label, ends


def _ranks(gains: BoolArray, label: np.ndarray[tuple[int], np.dtype[np.int32]]) -> FloatArray:
    """Return for each cell the longest chain of gains that leads to its part, shape ``(mn,)``."""
    rank = np.zeros(label.max() + 1)
    before, after = np.nonzero(gains)
    while True:
        raised = rank.copy()
        np.maximum.at(raised, label[after], rank[label[before]] + 1.0)
        if np.array_equal(raised, rank):
            ranks: FloatArray = rank[label]
            return ranks
        rank = raised
