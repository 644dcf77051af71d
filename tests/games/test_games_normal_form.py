"""Payoff matrices: validation, dominance, Pareto set, optimum, the prices of anarchy and stability."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gtalign_env.games.nash import nash_equilibria
from gtalign_env.games.normal_form import (
    NormalFormGame,
    best_replies,
    dominant_plan,
    dominates,
    optimum,
    pareto_cells,
    price_of_anarchy,
    price_of_stability,
)
from gtalign_env.welfare import Welfare, standard_welfares

GTALIGN = NormalFormGame(
    np.array([[1, 4, 1], [0, 3, 2]]),
    np.array([[1, 0, 0], [1, 3, 1]]),
    ("VQ", "DQ"),
    ("DA", "AQ", "CQ"),
)
AXELROD = NormalFormGame(np.array([[3, 0], [5, 1]]), np.array([[3, 5], [0, 1]]))


@pytest.mark.parametrize(
    ("user", "assistant", "message"),
    [
        ([[1, 2], [3]], [[1, 2], [3, 4]], "user's payoffs must be a matrix of numbers"),
        ([1, 2], [[1, 2]], r"at least one row and one column; got shape \(2,\)"),
        ([[]], [[]], "at least one row"),
        ([[1, 2]], [[1], [2]], r"one shape; got user \(1, 2\) and assistant \(2, 1\)"),
        ([[1, 2]], [[1, float("nan")]], "got nan in row 0, column 1"),
        ([[1, float("-inf")]], [[1, 2]], "got -inf in row 0, column 1"),
        ([["a", "b"]], [[1, 2]], "user's payoffs must be a matrix of numbers"),
    ],
)
def test_payoffs_that_are_no_matrix_are_refused(
    user: object, assistant: object, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        NormalFormGame(user, assistant)  # type: ignore[arg-type]  # what an author might pass


def test_plan_names_must_fit_and_differ() -> None:
    with pytest.raises(ValueError, match="assistant_plans must name 3 plans, one each; got 2"):
        NormalFormGame(GTALIGN.user, GTALIGN.assistant, ("VQ", "DQ"), ("DA", "AQ"))
    with pytest.raises(ValueError, match="user_plans must be distinct"):
        NormalFormGame(GTALIGN.user, GTALIGN.assistant, ("VQ", "VQ"), ("DA", "AQ", "CQ"))


def test_a_game_is_a_value() -> None:
    source = np.array([[1.0, 2.0]])
    game = NormalFormGame(source, source)
    source[0, 0] = 9.0
    assert game.user[0, 0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        game.user[0, 0] = 9.0
    assert game == NormalFormGame(np.array([[1, 2]]), np.array([[1, 2]]), name="other")
    assert game != NormalFormGame(np.array([[1, 3]]), np.array([[1, 2]]))
    assert hash(game) == hash(pickle.loads(pickle.dumps(game)))  # noqa: S301  # our own bytes
    assert game.user_plans == ("u0",)
    assert game.assistant_plans == ("a0", "a1")


def test_the_gtalign_matrix_has_no_dominant_plan_and_the_published_optimum() -> None:
    assert dominant_plan(GTALIGN, "user") is None
    assert dominant_plan(GTALIGN, "assistant") is None
    assert best_replies(GTALIGN, "user").tolist() == [[True, True, False], [False, False, True]]
    assert best_replies(GTALIGN, "assistant").tolist() == [
        [True, False, False],
        [False, True, False],
    ]
    assert pareto_cells(GTALIGN) == ((0, 1), (1, 1))
    for welfare in standard_welfares().values():
        assert optimum(GTALIGN, welfare) == (1, 1)
        profiles = [found.profile for found in nash_equilibria(GTALIGN).found]
        assert price_of_anarchy(GTALIGN, welfare, profiles) == pytest.approx(3.0)


def test_dominance_strict_and_weak() -> None:
    assert dominant_plan(AXELROD, "user") == 1
    assert dominant_plan(AXELROD, "assistant") == 1
    tied = NormalFormGame(np.array([[1, 0], [1, 1]]), np.array([[0, 0], [0, 0]]))
    assert dominant_plan(tied, "user") is None
    assert dominant_plan(tied, "user", weak=True) == 1
    assert dominant_plan(tied, "assistant", weak=True) is None
    noisy = NormalFormGame(np.array([[0.1 + 0.2], [0.3]]), np.zeros((2, 1)))
    assert dominant_plan(noisy, "user") is None


def test_a_gain_of_one_seat_at_no_loss_of_the_other_dominates() -> None:
    game = NormalFormGame(np.array([[1, 1, 2, 0]]), np.array([[1, 2, 1, 9]]))
    assert dominates(game, (1.0, 1.0)).tolist() == [[False, True, True, False]]
    assert pareto_cells(game) == ((0, 1), (0, 2), (0, 3))


def test_ties_of_welfare_go_to_the_user_then_the_assistant_then_the_first_cell() -> None:
    def flat(user: float, assistant: float) -> float:
        return 1.0

    user = np.array([[0, 2, 2], [2, 1, 2]])
    assert optimum(NormalFormGame(user, np.array([[9, 1, 5], [5, 1, 4]])), flat) == (0, 2)
    total = Welfare("utilitarian")
    assert optimum(NormalFormGame(np.array([[1, 2, 3]]), np.array([[3, 2, 1]])), total) == (0, 2)


def test_the_prices_of_an_equilibrium_without_welfare_are_undefined() -> None:
    pennies = NormalFormGame(np.array([[1, -1], [-1, 1]]), np.array([[-1, 1], [1, -1]]))
    profiles = [found.profile for found in nash_equilibria(pennies).found]
    for welfare in standard_welfares().values():
        assert price_of_anarchy(pennies, welfare, profiles) is None
        assert price_of_stability(pennies, welfare, profiles) is None


def test_anarchy_takes_the_worst_equilibrium_and_stability_the_best() -> None:
    stag = NormalFormGame(np.array([[4, 1], [3, 2]]), np.array([[4, 3], [1, 2]]))
    profiles = [found.profile for found in nash_equilibria(stag).found]
    total = Welfare("utilitarian")
    assert price_of_anarchy(stag, total, profiles) == pytest.approx(2.0)
    assert price_of_stability(stag, total, profiles) == pytest.approx(1.0)


payoff = st.integers(-5, 5) | st.floats(-5, 5)


@st.composite
def games(draw: st.DrawFn) -> NormalFormGame:
    m, n = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    matrix = st.lists(st.lists(payoff, min_size=n, max_size=n), min_size=m, max_size=m)
    return NormalFormGame(np.array(draw(matrix)), np.array(draw(matrix)))


@settings(max_examples=200, deadline=None)
@given(games())
def test_pareto_cells_are_those_nothing_dominates(game: NormalFormGame) -> None:
    cells = pareto_cells(game)
    assert cells
    assert list(cells) == sorted(cells)
    for cell in np.ndindex(*game.shape):
        pair = (float(game.user[cell]), float(game.assistant[cell]))
        assert (cell in cells) == (not dominates(game, pair).any())


@settings(max_examples=200, deadline=None)
@given(games())
def test_an_optimum_of_a_strictly_monotone_welfare_is_on_the_frontier(game: NormalFormGame) -> None:
    assert optimum(game, Welfare("utilitarian")) in pareto_cells(game)


@settings(max_examples=150, deadline=None)
@given(games(), st.sampled_from(("utilitarian", "nash", "egalitarian")))
def test_anarchy_costs_at_least_as_much_as_stability_and_that_at_least_nothing(
    game: NormalFormGame, kind: str
) -> None:
    profiles = [found.profile for found in nash_equilibria(game).found]
    anarchy = price_of_anarchy(game, Welfare(kind), profiles)
    stability = price_of_stability(game, Welfare(kind), profiles)
    if anarchy is not None:
        assert stability is not None
        assert 1.0 <= stability <= anarchy


@settings(max_examples=150, deadline=None)
@given(games())
def test_a_strictly_dominant_plan_is_played_in_every_equilibrium(game: NormalFormGame) -> None:
    solved = nash_equilibria(game)
    row, column = dominant_plan(game, "user"), dominant_plan(game, "assistant")
    for found in solved.found:
        assert row is None or found.user[row] > 1 - 1e-6
        assert column is None or found.assistant[column] > 1 - 1e-6
    assert row is None or dominant_plan(game, "user", weak=True) == row
