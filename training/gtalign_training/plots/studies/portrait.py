"""What the pictures of one game show: cells, hull, equilibria, agreements, moves between cells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gtalign_env.games.bargaining import kalai_smorodinsky, nash_bargaining
from gtalign_env.games.folk import convex_hull
from gtalign_env.games.nash import Equilibrium, nash_equilibria
from gtalign_env.games.normal_form import Cell, FloatArray, NormalFormGame, pareto_cells
from gtalign_env.games.replies import ReplyGraph, reply_graph


@dataclass(frozen=True)
class Portrait:
    """A game, and what is marked in its pictures.

    Attributes:
        game: The game, of shape ``(m, n)``.
        title: What it is called.
        hull: Corners of the payoffs of all mixtures of cells, shape ``(V, 2)``, points.
        equilibria: All extreme ones.
        pareto: Cells that no other cell dominates.
        agreements: Name and payoffs of what both would agree on, for the disagreement point.
        disagreement: What user and assistant get without agreement, points.
        replies: The moves by best replies.
    """

    game: NormalFormGame
    title: str
    hull: FloatArray
    equilibria: tuple[Equilibrium, ...]
    pareto: tuple[Cell, ...]
    agreements: tuple[tuple[str, tuple[float, float]], ...]
    disagreement: tuple[float, float]
    replies: ReplyGraph

    @property
    def points(self) -> FloatArray:
        """Payoffs of the cells in row-major order, shape ``(mn, 2)``, points."""
        return np.stack([self.game.user.ravel(), self.game.assistant.ravel()], axis=1)

    def name(self, cell: int) -> str:
        """Return the plans of a cell, by its row-major number."""
        i, j = divmod(cell, self.game.shape[1])
        return f"{self.game.user_plans[i]} x {self.game.assistant_plans[j]}"

    @property
    def pure(self) -> set[Cell]:
        """The equilibria in which nobody mixes."""
        return {found.cell for found in self.equilibria if found.cell is not None}

    @property
    def arrows(self) -> list[tuple[Cell, Cell]]:
        """Moves by best replies as pairs of cells."""
        moves: NDArray[np.intp] = np.argwhere(self.replies.moves)
        n = self.game.shape[1]
        return [(Cell(*divmod(int(a), n)), Cell(*divmod(int(b), n))) for a, b in moves]


def portrait(
    game: NormalFormGame, title: str, disagreement: tuple[float, float] = (0.0, 0.0)
) -> Portrait:
    """Return what the pictures of a game show.

    Args:
        game: The game, of shape ``(m, n)``.
        title: What it is called.
        disagreement: What user and assistant get without agreement, points.

    Raises:
        SolverError: The game is too large for its equilibria to be enumerated.
    """
    agreements = [
        (name, found.payoffs)
        for name, found in (
            ("Nash bargaining", nash_bargaining(game, disagreement)),
            ("Kalai-Smorodinsky", kalai_smorodinsky(game, disagreement)),
        )
        if found is not None
    ]
    points = np.stack([game.user.ravel(), game.assistant.ravel()], axis=1)
    return Portrait(
        game,
        title,
        convex_hull(points),
        nash_equilibria(game).found,
        pareto_cells(game),
        tuple(agreements),
        disagreement,
        reply_graph(game),
    )
