"""Logit equilibria: the definition at every point, known limits, and branches that turn back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gtalign_env.games import quantal
from gtalign_env.games.nash import nash_equilibria
from gtalign_env.games.normal_form import NormalFormGame
from gtalign_env.games.quantal import quantal_path, quantal_response

FloatArray = NDArray[np.float64]

PENNIES = NormalFormGame(np.array([[1, -1], [-1, 1]]), np.array([[-1, 1], [1, -1]]))


def softmax(values: FloatArray) -> FloatArray:
    weights = np.exp(values - values.max())
    shares: FloatArray = weights / weights.sum()
    return shares


def distance_from_definition(
    game: NormalFormGame, precision: float, x: FloatArray, y: FloatArray
) -> float:
    return float(
        max(
            np.abs(softmax(precision * (game.user @ y)) - x).max(),
            np.abs(softmax(precision * (x @ game.assistant)) - y).max(),
        )
    )


def test_no_precision_is_uniform_play_and_pennies_stay_there() -> None:
    game = NormalFormGame(np.array([[3, 1, 0], [2, 2, 9]]), np.array([[1, 2, 3], [3, 2, 1]]))
    response = quantal_response(game, 0.0)
    assert response.user == pytest.approx((0.5, 0.5))
    assert response.assistant == pytest.approx((1 / 3, 1 / 3, 1 / 3))
    path = quantal_path(PENNIES)
    assert path.user == pytest.approx(np.full_like(path.user, 0.5))


def test_a_game_against_nature_has_the_logit_choice() -> None:
    alone = NormalFormGame(np.array([[1.0], [2.0], [4.0]]), np.zeros((3, 1)))
    for precision in (0.1, 1.0, 7.0):
        response = quantal_response(alone, precision)
        assert response.user == pytest.approx(tuple(softmax(precision * alone.user[:, 0])))
        assert response.payoffs[0] == pytest.approx(np.dot(response.user, alone.user[:, 0]))


def test_asymmetric_pennies_move_both_seats_unlike_nash() -> None:
    # Ochs (1995), as analysed by McKelvey and Palfrey: raising the user's prize for one cell leaves
    # the user's Nash mixture alone, but not its quantal response.
    game = NormalFormGame(np.array([[9, 0], [0, 1]]), np.array([[0, 1], [1, 0]]))
    (nash,) = nash_equilibria(game).found
    assert nash.user == pytest.approx((0.5, 0.5))
    assert nash.assistant == pytest.approx((0.1, 0.9))
    response = quantal_response(game, 1.0)
    assert response.user[0] > 0.55
    assert 0.1 < response.assistant[0] < 0.5
    limit = quantal_response(game, 1000.0)
    assert limit.user == pytest.approx(nash.user, abs=0.01)
    assert limit.assistant == pytest.approx(nash.assistant, abs=0.01)


def test_a_stag_hunt_leads_to_the_risk_dominant_equilibrium() -> None:
    # McKelvey and Palfrey (1995) show this selection for 2×2 games of this kind (Turocy 2005).
    game = NormalFormGame(np.array([[9, 0], [8, 7]]), np.array([[9, 8], [0, 7]]))
    assert len(nash_equilibria(game).found) == 3
    path = quantal_path(game)
    assert path.user[-1] == pytest.approx([0, 1], abs=1e-9)
    assert path.assistant[-1] == pytest.approx([0, 1], abs=1e-9)


def test_a_branch_that_turns_back_is_followed_through() -> None:
    rng = np.random.default_rng(0)
    turning = 0
    for _ in range(60):
        m, n = rng.integers(2, 6, size=2)
        game = NormalFormGame(*rng.normal(size=(2, m, n)))
        path = quantal_path(game)
        turning += bool((np.diff(path.precision) < 0).any())
        for k in range(0, len(path.precision), 5):
            off = distance_from_definition(game, path.precision[k], path.user[k], path.assistant[k])
            assert off < 1e-7
        shift = np.abs(np.diff(path.user, axis=0)).max()
        assert shift <= quantal.MOST_SHIFT
    assert turning >= 1


def test_a_path_taken_in_small_steps_ends_in_the_same_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(3)
    games = [NormalFormGame(*rng.normal(size=(2, 3, 4))) for _ in range(8)]
    usual = [quantal_response(game, 50.0) for game in games]
    monkeypatch.setattr(quantal, "GROWTH", 1.1)
    monkeypatch.setattr(quantal, "STRAIGHT", 0.9995)
    monkeypatch.setattr(quantal, "FIRST_STEP", 0.01)
    for game, response in zip(games, usual, strict=True):
        careful = quantal_response(game, 50.0)
        assert careful.user == pytest.approx(response.user, abs=1e-8)
        assert careful.assistant == pytest.approx(response.assistant, abs=1e-8)


def test_the_limit_is_a_nash_equilibrium_of_a_general_game() -> None:
    rng = np.random.default_rng(5)
    for _ in range(25):
        m, n = rng.integers(2, 5, size=2)
        game = NormalFormGame(*rng.normal(size=(2, m, n)))
        spread = max(np.ptp(game.user), np.ptp(game.assistant))
        end = quantal_path(game, 30_000.0 / spread)
        near = min(
            max(np.abs(end.user[-1] - f.user).max(), np.abs(end.assistant[-1] - f.assistant).max())
            for f in nash_equilibria(game).found
        )
        assert near < 0.02


@pytest.mark.parametrize("scale", [1e-90, 1e-3, 1e90])
def test_precision_is_per_point(scale: float) -> None:
    game = NormalFormGame(np.array([[9, 0], [0, 1]]), np.array([[0, 1], [1, 0]]))
    scaled = NormalFormGame(game.user * scale, game.assistant * scale)
    there, here = quantal_response(scaled, 2.0 / scale), quantal_response(game, 2.0)
    assert there.user == pytest.approx(here.user)
    assert there.assistant == pytest.approx(here.assistant)


def test_constant_payoffs_leave_play_uniform() -> None:
    constant = NormalFormGame(np.full((2, 3), 7.0), np.zeros((2, 3)))
    assert quantal_response(constant, 5.0).user == pytest.approx((0.5, 0.5))
    assert quantal_path(constant).assistant[-1] == pytest.approx(np.full(3, 1 / 3))


@pytest.mark.parametrize("precision", [-1.0, float("nan"), float("inf")])
def test_what_is_no_precision_is_refused(precision: float) -> None:
    with pytest.raises(ValueError, match="finite and at least 0"):
        quantal_response(PENNIES, precision)
    with pytest.raises(ValueError, match="finite and at least 0"):
        quantal_path(PENNIES, precision)


payoff = st.integers(-3, 3)


@st.composite
def games(draw: st.DrawFn) -> NormalFormGame:
    m, n = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    flat = draw(st.lists(payoff, min_size=2 * m * n, max_size=2 * m * n))
    return NormalFormGame(*np.array(flat, dtype=float).reshape(2, m, n))


@settings(max_examples=60, deadline=None)
@given(games(), st.floats(0, 20))
def test_a_response_is_one_by_definition(game: NormalFormGame, precision: float) -> None:
    response = quantal_response(game, precision)
    x, y = np.array(response.user), np.array(response.assistant)
    assert distance_from_definition(game, precision, x, y) < 1e-8
