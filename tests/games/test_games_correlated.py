"""Correlated equilibria: Aumann's example, and where Nash, correlated and coarse ones lie."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gtalign_env.games.correlated import SEATS, correlated_range, incentives
from gtalign_env.games.nash import nash_equilibria
from gtalign_env.games.normal_form import NormalFormGame, welfare_matrix
from gtalign_env.welfare import Welfare

CHICKEN = NormalFormGame(np.array([[6, 2], [7, 0]]), np.array([[6, 7], [2, 0]]))


def test_aumanns_chicken() -> None:
    # Aumann (1974): with payoffs 6,6 / 2,7 / 7,2 / 0,0 the sum can reach 10.5 and not more.
    ends = correlated_range(CHICKEN, CHICKEN.user + CHICKEN.assistant)
    assert ends.best.value == pytest.approx(10.5)
    assert ends.best.distribution == pytest.approx(np.array([[0.5, 0.25], [0.25, 0.0]]))
    assert ends.best.payoffs == pytest.approx((5.25, 5.25))
    assert max(ends.best.regret) < 1e-9


def test_coarse_equilibria_can_go_beyond_correlated_ones() -> None:
    # Rock, paper, scissors with a prize for ties, in the manner of Moulin and Vial (1978): always
    # to tie is safe from deciding beforehand (a third of the prize), but not from a seat that knows
    # what it was told. Correlation alone does not improve on Nash.
    prize = 0.3
    game = NormalFormGame(
        np.array([[prize, -1, 1], [1, prize, -1], [-1, 1, prize]]),
        np.array([[prize, 1, -1], [-1, prize, 1], [1, -1, prize]]),
    )
    total = game.user + game.assistant
    coarse = correlated_range(game, total, coarse=True).best
    assert coarse.value == pytest.approx(2 * prize)
    assert np.trace(coarse.distribution) == pytest.approx(1.0)
    assert correlated_range(game, total).best.value == pytest.approx(2 * prize / 3)


def test_shapleys_game_is_better_with_a_mediator_than_in_its_equilibrium() -> None:
    game = NormalFormGame(
        np.array([[0, 2, 1], [1, 0, 2], [2, 1, 0]]), np.array([[0, 1, 2], [2, 0, 1], [1, 2, 0]])
    )
    (nash,) = nash_equilibria(game).found
    assert sum(nash.payoffs) == pytest.approx(2.0)
    assert correlated_range(game, game.user + game.assistant).best.value == pytest.approx(3.0)


def test_incentives_count_every_deviation() -> None:
    assert incentives(CHICKEN, "user").shape == (2, 4)
    assert incentives(CHICKEN, "user", coarse=True).shape == (2, 4)
    wide = NormalFormGame(np.zeros((2, 3)), np.ones((2, 3)))
    assert incentives(wide, "assistant").shape == (6, 6)
    one = NormalFormGame(np.array([[4.0]]), np.array([[2.0]]))
    assert incentives(one, "user").shape == (0, 1)
    assert correlated_range(one, one.user).best.value == 4.0


def test_values_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"values must have shape \(2, 2\)"):
        correlated_range(CHICKEN, np.zeros((2, 3)))


payoff = st.integers(-4, 4) | st.floats(-4, 4).map(lambda x: round(x, 3))


@st.composite
def games(draw: st.DrawFn) -> NormalFormGame:
    m, n = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    flat = draw(st.lists(payoff, min_size=2 * m * n, max_size=2 * m * n))
    return NormalFormGame(*np.array(flat, dtype=float).reshape(2, m, n))


@settings(max_examples=60, deadline=None)
@given(games(), st.sampled_from(("utilitarian", "egalitarian", "user_only")))
def test_nash_lies_among_correlated_and_those_among_coarse_ones(
    game: NormalFormGame, kind: str
) -> None:
    W = welfare_matrix(game, Welfare(kind))
    strict, coarse = correlated_range(game, W), correlated_range(game, W, coarse=True)
    assert coarse.worst.value <= strict.worst.value + 1e-7
    assert strict.worst.value <= strict.best.value + 1e-9
    assert strict.best.value <= coarse.best.value + 1e-7
    for found in nash_equilibria(game).found:
        value = np.array(found.user) @ W @ np.array(found.assistant)
        assert strict.worst.value - 1e-7 <= value <= strict.best.value + 1e-7
    for end in (*strict, *coarse):
        assert end.distribution.min() >= 0
        assert end.distribution.sum() == pytest.approx(1.0)
        assert max(end.regret) <= 1e-7
        assert end.value == pytest.approx(float((end.distribution * W).sum()))


@settings(max_examples=60, deadline=None)
@given(games())
def test_every_nash_equilibrium_meets_every_incentive(game: NormalFormGame) -> None:
    for found in nash_equilibria(game).found:
        product = np.outer(found.user, found.assistant).ravel()
        for seat in SEATS:
            for coarse in (False, True):
                assert (incentives(game, seat, coarse=coarse) @ product).max(initial=0) <= 1e-8


@settings(max_examples=60, deadline=None)
@given(games(), st.integers(0, 2**32 - 1))
def test_the_incentives_are_the_gains_of_their_definition(game: NormalFormGame, seed: int) -> None:
    # Written out cell by cell for a random draw: what telling a plan and playing another is worth.
    draw = np.random.default_rng(seed).dirichlet(np.ones(game.user.size)).reshape(game.shape)
    spread = float(np.ptp(game.user))
    gains = [
        sum(
            draw[told, j] * (game.user[other, j] - game.user[told, j]) for j in range(game.shape[1])
        )
        for other in range(game.shape[0])
        for told in range(game.shape[0])
        if told != other
    ]
    if spread > 0:
        assert incentives(game, "user") @ draw.ravel() * spread == pytest.approx(np.array(gains))
