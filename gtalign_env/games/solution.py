"""Everything the package says about one game, as the plain JSON object of ``gtalign solve --json``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gtalign_env.games.dilemma import is_social_dilemma, ordinal_classes, strict_dilemmas
from gtalign_env.games.nash import Equilibria, nash_equilibria
from gtalign_env.games.normal_form import (
    Aggregator,
    FloatArray,
    NormalFormGame,
    dominant_plan,
    optimum,
    pareto_cells,
    price_of_anarchy,
)
from gtalign_env.welfare import standard_welfares

DECIMALS = (
    15  # of a probability: all that a double holds of it, and 0.5 rather than 0.49999999999999994
)


def solve(
    game: NormalFormGame,
    *,
    exact: bool = True,
    welfares: Mapping[str, Aggregator] | None = None,
    disagreement: tuple[float, float] = (0.0, 0.0),
    equilibria: Equilibria | None = None,
) -> dict[str, Any]:
    """Return the solution of a game as plain JSON types; its keys are a stable contract.

    Plans are named, cells are ``[user index, assistant index]``, payoffs are in points. In
    ``dilemma``, ``strict_pd`` lists ``[[user plans], [assistant plans]]`` as (cooperate, defect), and
    ``classes`` names every 2×2 restriction, as in ``"VQ|DQ x DA:concise|AQ:standard"``.

    Args:
        game: Payoffs of shape ``(m, n)``, points.
        exact: Whether the payoffs are exact; passed on as given.
        welfares: The aggregators of ``optimum`` and ``price_of_anarchy``, by name; by default
            utilitarian, nash and egalitarian.
        disagreement: What user and assistant get without agreement, points; for the default nash.
        equilibria: The game's extreme equilibria, where they are known already.

    Raises:
        SolverError: The game is too large for its equilibria to be enumerated.
    """
    welfares = standard_welfares(disagreement) if welfares is None else welfares
    equilibria = nash_equilibria(game) if equilibria is None else equilibria
    profiles = [found.profile for found in equilibria.found]
    users, assistants = game.user_plans, game.assistant_plans
    dominant = {
        "user": _name(users, dominant_plan(game, "user")),
        "assistant": _name(assistants, dominant_plan(game, "assistant")),
    }
    return {
        "user_plans": list(users),
        "assistant_plans": list(assistants),
        "payoffs": {"user": _rows(game.user), "assistant": _rows(game.assistant)},
        "exact": bool(exact),
        "equilibria": [
            {
                "user": [_clean(round(p, DECIMALS)) for p in found.user],
                "assistant": [_clean(round(p, DECIMALS)) for p in found.assistant],
                "payoffs": [_clean(value) for value in found.payoffs],
            }
            for found in equilibria.found
        ],
        "dominant": dominant,
        "pareto": [list(cell) for cell in pareto_cells(game)],
        "optimum": {name: list(optimum(game, W)) for name, W in welfares.items()},
        "price_of_anarchy": {
            name: price_of_anarchy(game, W, profiles) for name, W in welfares.items()
        },
        "dilemma": {
            "strict_pd": [
                [[users[i] for i in found.user], [assistants[j] for j in found.assistant]]
                for found in strict_dilemmas(game)
            ],
            "social_dilemma": is_social_dilemma(game, equilibria),
            "classes": {
                "|".join(users[i] for i in rows)
                + " x "
                + "|".join(assistants[j] for j in columns): name
                for (rows, columns), name in ordinal_classes(game).items()
            },
        },
    }


def _name(plans: tuple[str, ...], index: int | None) -> str | None:
    return None if index is None else plans[index]


def _rows(payoffs: FloatArray) -> list[list[float]]:
    return [[_clean(value) for value in row] for row in payoffs.tolist()]


def _clean(value: float) -> float:
    return float(value) + 0.0  # -0.0 + 0.0 is 0.0
