"""What the demo says in words about a game."""

from __future__ import annotations

import numpy as np
import pytest

from gtalign_env.games.normal_form import NormalFormGame
from gtalign_env.games.solution import solve
from gtalign_training.commands.demo import verdict

GAMES = {  # (user, assistant) payoffs of the four cells, row by row
    "Prisoner's dilemma": [[(3, 3), (0, 5)], [(5, 0), (1, 1)]],
    "Coordination": [[(4, 4), (0, 2)], [(2, 0), (1, 1)]],
    "No dilemma": [[(4, 4), (3, 2)], [(2, 3), (1, 1)]],
}
TABLE_1 = [[(1, 1), (4, 0), (1, 0)], [(0, 1), (3, 3), (2, 1)]]  # GTAlign: a social dilemma


def game_of(cells: list[list[tuple[int, int]]]) -> NormalFormGame:
    """Return the game with these cells."""
    payoffs = np.array(cells, dtype=float)
    return NormalFormGame(payoffs[..., 0], payoffs[..., 1])


@pytest.mark.parametrize(
    ("said", "cells"), [*GAMES.items(), ("Social dilemma", TABLE_1)], ids=lambda value: str(value)
)
def test_the_verdict_names_what_the_game_is(said: str, cells: list[list[tuple[int, int]]]) -> None:
    game = game_of(cells)
    text = verdict(game, solve(game))
    assert f"  {said}: " in text
    assert text.count("Equilibrium (E)") == len(solve(game)["equilibria"])
