"""Games in normal form: equilibria, dominance, Pareto set, welfare optimum, kinds of dilemma."""

from __future__ import annotations

from gtalign_env.games.dilemma import (
    is_social_dilemma,
    ordinal_class,
    ordinal_classes,
    strict_dilemmas,
)
from gtalign_env.games.nash import Equilibria, Equilibrium, nash_equilibria, regrets
from gtalign_env.games.normal_form import (
    Cell,
    NormalFormGame,
    best_cell,
    best_replies,
    dominant_plan,
    dominates,
    optimum,
    pareto_cells,
    price_of_anarchy,
    price_of_stability,
    welfare_matrix,
)
from gtalign_env.games.solution import solve

__all__ = [
    "Cell",
    "Equilibria",
    "Equilibrium",
    "NormalFormGame",
    "best_cell",
    "best_replies",
    "dominant_plan",
    "dominates",
    "is_social_dilemma",
    "nash_equilibria",
    "optimum",
    "ordinal_class",
    "ordinal_classes",
    "pareto_cells",
    "price_of_anarchy",
    "price_of_stability",
    "regrets",
    "solve",
    "strict_dilemmas",
    "welfare_matrix",
]
