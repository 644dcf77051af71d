"""Games in normal form: equilibria and other solutions, welfare optimum, kinds of dilemma."""

from __future__ import annotations

from gtalign_env.games.bargaining import kalai_smorodinsky, nash_bargaining
from gtalign_env.games.batch import BatchEquilibria, nash_equilibria_batch
from gtalign_env.games.concepts import solve_concepts
from gtalign_env.games.correlated import correlated_range
from gtalign_env.games.dilemma import (
    is_social_dilemma,
    ordinal_class,
    ordinal_classes,
    strict_dilemmas,
)
from gtalign_env.games.iterated import iterated_dominance
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
from gtalign_env.games.quantal import quantal_path, quantal_response
from gtalign_env.games.replies import potential, reply_graph
from gtalign_env.games.solution import solve
from gtalign_env.games.stackelberg import stackelberg
from gtalign_env.games.zero_sum import security, zero_sum_value

__all__ = [
    "BatchEquilibria",
    "Cell",
    "Equilibria",
    "Equilibrium",
    "NormalFormGame",
    "best_cell",
    "best_replies",
    "correlated_range",
    "dominant_plan",
    "dominates",
    "is_social_dilemma",
    "iterated_dominance",
    "kalai_smorodinsky",
    "nash_bargaining",
    "nash_equilibria",
    "nash_equilibria_batch",
    "optimum",
    "ordinal_class",
    "ordinal_classes",
    "pareto_cells",
    "potential",
    "price_of_anarchy",
    "price_of_stability",
    "quantal_path",
    "quantal_response",
    "regrets",
    "reply_graph",
    "security",
    "solve",
    "solve_concepts",
    "stackelberg",
    "strict_dilemmas",
    "welfare_matrix",
    "zero_sum_value",
]
