"""Agreements: textbook problems, the axioms of their authors, and brute force over the hull."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gtalign_env.games.bargaining import kalai_smorodinsky, nash_bargaining
from gtalign_env.games.nash import nash_equilibria
from gtalign_env.games.normal_form import NormalFormGame


def cells(*payoffs: tuple[float, float]) -> NormalFormGame:
    """Return a game of one row whose cells have these payoffs."""
    user, assistant = np.array(payoffs, dtype=float).T
    return NormalFormGame(user[None], assistant[None])


def test_a_cake_is_shared_evenly_and_by_power() -> None:
    cake = cells((1, 0), (0, 1), (0, 0))
    for solution in (nash_bargaining(cake), kalai_smorodinsky(cake)):
        assert solution is not None
        assert solution.payoffs == pytest.approx((0.5, 0.5))
        assert solution.distribution == pytest.approx(np.array([[0.5, 0.5, 0.0]]))
    strong = nash_bargaining(cake, alpha=0.8)
    assert strong is not None
    assert strong.payoffs == pytest.approx((0.8, 0.2))


def test_the_two_solutions_differ_where_the_frontier_has_a_corner() -> None:
    # Cutting the user's best off at 0.5 leaves Nash's point; Kalai and Smorodinsky's moves.
    cut = cells((0.5, 0.5), (0, 1), (0, 0), (0.5, 0))
    nash, kalai = nash_bargaining(cut), kalai_smorodinsky(cut)
    assert nash is not None
    assert kalai is not None
    assert nash.payoffs == pytest.approx((0.5, 0.5))
    assert kalai.payoffs == pytest.approx((1 / 3, 2 / 3))


def test_the_disagreement_point_moves_both() -> None:
    cake = cells((1, 0), (0, 1))
    for solve in (nash_bargaining, kalai_smorodinsky):
        found = solve(cake, (0.4, 0.0))
        assert found is not None
        assert found.payoffs == pytest.approx((0.7, 0.3))


@pytest.mark.parametrize("disagreement", [(0.5, 0.5), (1.0, 0.0), (2.0, 2.0), (0.0, 1.0)])
def test_without_gains_for_both_there_is_no_agreement(disagreement: tuple[float, float]) -> None:
    cake = cells((1, 0), (0, 1))
    assert nash_bargaining(cake, disagreement) is None
    assert kalai_smorodinsky(cake, disagreement) is None


def test_one_cell_is_the_agreement_if_it_is_better_for_both() -> None:
    found = nash_bargaining(cells((2, 3)))
    assert found is not None
    assert found.payoffs == (2.0, 3.0)
    assert kalai_smorodinsky(cells((2, 3))) is not None
    assert nash_bargaining(cells((2, 0))) is None


def test_the_dilemma_is_resolved_by_agreement() -> None:
    dilemma = NormalFormGame(np.array([[3, 0], [5, 1]]), np.array([[3, 5], [0, 1]]))
    (nash,) = nash_equilibria(dilemma).found
    for solve in (nash_bargaining, kalai_smorodinsky):
        found = solve(dilemma, nash.payoffs)
        assert found is not None
        assert found.payoffs == pytest.approx((3.0, 3.0))


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="alpha must lie between 0 and 1"):
        nash_bargaining(cells((1, 1)), alpha=1.0)
    for solve in (nash_bargaining, kalai_smorodinsky):
        with pytest.raises(ValueError, match="two finite numbers"):
            solve(cells((1, 1)), (0.0, float("nan")))


payoff = st.integers(-4, 6) | st.floats(-4, 6).map(lambda x: round(x, 2))


@st.composite
def games(draw: st.DrawFn) -> NormalFormGame:
    m, n = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    flat = draw(st.lists(payoff, min_size=2 * m * n, max_size=2 * m * n))
    return NormalFormGame(*np.array(flat, dtype=float).reshape(2, m, n))


@settings(max_examples=150, deadline=None)
@given(games(), st.integers(0, 2**32 - 1))
def test_nothing_feasible_is_a_better_agreement(game: NormalFormGame, seed: int) -> None:
    rng = np.random.default_rng(seed)
    draws = rng.dirichlet(np.full(game.user.size, 0.3), size=300)
    draws = np.vstack([draws, np.eye(game.user.size)])
    gains = draws @ np.stack([game.user.ravel(), game.assistant.ravel()], axis=1)
    both = gains[(gains > 1e-6).all(axis=1)]
    nash, kalai = nash_bargaining(game), kalai_smorodinsky(game)
    assert (nash is None) == (kalai is None)
    if nash is None or kalai is None:
        assert len(both) == 0
        return
    for found in (nash, kalai):
        assert found.distribution.min() >= 0
        assert found.distribution.sum() == pytest.approx(1.0)
        assert (found.distribution > 0).sum() <= 2
        assert min(found.payoffs) > 0
        # weakly efficient: nothing is better for both
        assert not (gains > np.array(found.payoffs) + 1e-7).all(axis=1).any()
    if len(both):
        assert nash.payoffs[0] * nash.payoffs[1] >= both.prod(axis=1).max() - 1e-7


@settings(max_examples=100, deadline=None)
@given(games(), st.floats(0.1, 50), st.floats(0.1, 50), st.floats(-9, 9), st.floats(-9, 9))
def test_units_and_origins_change_no_agreement(
    game: NormalFormGame, a: float, b: float, c: float, d: float
) -> None:
    moved = NormalFormGame(game.user * a + c, game.assistant * b + d)
    for solve in (nash_bargaining, kalai_smorodinsky):
        here, there = solve(game), solve(moved, (c, d))
        if here is None or there is None or min(here.payoffs) < 1e-6:
            continue  # gains of rounding size may be lost by moving
        assert there.payoffs[0] == pytest.approx(here.payoffs[0] * a + c, abs=1e-6)
        assert there.payoffs[1] == pytest.approx(here.payoffs[1] * b + d, abs=1e-6)


@settings(max_examples=100, deadline=None)
@given(games())
def test_exchanging_the_seats_exchanges_the_agreement(game: NormalFormGame) -> None:
    exchanged = NormalFormGame(game.assistant.T, game.user.T)
    for solve in (nash_bargaining, kalai_smorodinsky):
        here, there = solve(game), solve(exchanged)
        if here is None or there is None:
            assert here is there
            continue
        assert there.payoffs == pytest.approx(here.payoffs[::-1], abs=1e-7)
