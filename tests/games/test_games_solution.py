"""The JSON object of ``gtalign solve``: its exact keys and values on known games."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gtalign_env.games.normal_form import NormalFormGame
from gtalign_env.games.solution import solve
from gtalign_env.welfare import Welfare

GTALIGN = NormalFormGame(
    np.array([[1, 4, 1], [0, 3, 2]]),
    np.array([[1, 0, 0], [1, 3, 1]]),
    ("VQ", "DQ"),
    ("DA", "AQ", "CQ"),
)


def test_the_gtalign_matrix_gives_this_object() -> None:
    three = {"utilitarian": 3.0, "nash": 3.0, "egalitarian": 3.0}
    assert solve(GTALIGN) == {
        "user_plans": ["VQ", "DQ"],
        "assistant_plans": ["DA", "AQ", "CQ"],
        "payoffs": {"user": [[1, 4, 1], [0, 3, 2]], "assistant": [[1, 0, 0], [1, 3, 1]]},
        "exact": True,
        "equilibria": [{"user": [1, 0], "assistant": [1, 0, 0], "payoffs": [1, 1]}],
        "dominant": {"user": None, "assistant": None},
        "pareto": [[0, 1], [1, 1]],
        "optimum": {"utilitarian": [1, 1], "nash": [1, 1], "egalitarian": [1, 1]},
        "price_of_anarchy": pytest.approx(three),
        "dilemma": {
            "strict_pd": [],
            "social_dilemma": True,
            "classes": {
                "VQ|DQ x DA|AQ": "other",
                "VQ|DQ x DA|CQ": "tied",
                "VQ|DQ x AQ|CQ": "tied",
            },
        },
    }


def test_axelrods_game_names_its_dilemma_as_cooperate_then_defect() -> None:
    game = NormalFormGame(
        np.array([[1, 5], [0, 3]]), np.array([[1, 0], [5, 3]]), ("D", "C"), ("d", "c")
    )
    solution = solve(game, exact=False)
    assert solution["exact"] is False
    assert solution["dominant"] == {"user": "D", "assistant": "d"}
    assert solution["dilemma"] == {
        "strict_pd": [[["C", "D"], ["c", "d"]]],
        "social_dilemma": True,
        "classes": {"D|C x d|c": "prisoner's dilemma"},
    }


def test_the_disagreement_point_moves_the_nash_optimum_alone() -> None:
    game = NormalFormGame(np.array([[6.0, 3.0]]), np.array([[1.1, 2.0]]))
    assert solve(game)["optimum"]["nash"] == [0, 0]
    moved = solve(game, disagreement=(0.0, 1.0))["optimum"]
    assert moved == {"utilitarian": [0, 0], "nash": [0, 1], "egalitarian": [0, 1]}


def test_own_aggregators_are_reported_by_name() -> None:
    solution = solve(GTALIGN, welfares={"mine": Welfare("user_only")})
    assert solution["optimum"] == {"mine": [0, 1]}
    assert solution["price_of_anarchy"] == {"mine": 4.0}


@pytest.mark.parametrize("shape", [(1, 3), (3, 1), (1, 1)])
def test_one_plan_on_a_side_has_empty_dilemmas(shape: tuple[int, int]) -> None:
    payoffs = np.arange(np.prod(shape), dtype=float).reshape(shape)
    solution = solve(NormalFormGame(payoffs, payoffs))
    assert solution["dilemma"] == {"strict_pd": [], "social_dilemma": False, "classes": {}}
    assert len(solution["equilibria"]) == 1


matrices = st.lists(
    st.lists(st.integers(-2, 2) | st.floats(-2, 2), min_size=3, max_size=3), min_size=2, max_size=2
)


@settings(max_examples=100, deadline=None)
@given(matrices, matrices)
def test_the_object_is_plain_json_without_negative_zeros(
    user: list[list[float]], assistant: list[list[float]]
) -> None:
    solution = solve(NormalFormGame(np.array(user), np.array(assistant)))
    text = json.dumps(solution, allow_nan=False)
    assert json.loads(text) == solution
    assert "-0.0" not in [str(value) for value in _leaves(solution)]
    assert {type(value) for value in _leaves(solution)} <= {str, int, float, bool, type(None)}
    for found in solution["equilibria"]:
        assert sum(found["user"]) == pytest.approx(1.0, abs=1e-12)
        assert sum(found["assistant"]) == pytest.approx(1.0, abs=1e-12)


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [*value, *(leaf for part in value.values() for leaf in _leaves(part))]
    if isinstance(value, list):
        return [leaf for part in value for leaf in _leaves(part)]
    return [value]
