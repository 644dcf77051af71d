"""Commitment and security: published examples, and what theory says of every game."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gtalign_env.errors import SolverError
from gtalign_env.games.nash import nash_equilibria
from gtalign_env.games.normal_form import NormalFormGame, Seat
from gtalign_env.games.stackelberg import Commitment, stackelberg
from gtalign_env.games.zero_sum import security, zero_sum_value

SEATS: tuple[Seat, Seat] = ("user", "assistant")


def game_of(user: object, assistant: object) -> NormalFormGame:
    return NormalFormGame(np.array(user), np.array(assistant))


def test_the_first_example_of_conitzer_and_sandholm() -> None:
    game = game_of([[2, 4], [1, 3]], [[1, 0], [0, 1]])
    (nash,) = nash_equilibria(game).found
    assert nash.payoffs == (2.0, 1.0)
    assert stackelberg(game, "user", pure=True) == Commitment("user", (0.0, 1.0), 1, (3.0, 1.0))
    mixed = stackelberg(game, "user")
    assert mixed.mixture == pytest.approx((0.5, 0.5))
    assert mixed.reply == 1
    assert mixed.payoffs == pytest.approx((3.5, 0.5))


def test_the_assistant_can_lead_as_well() -> None:
    game = game_of([[1, 0], [0, 1]], [[2, 1], [4, 3]])  # the example above, seats exchanged
    mixed = stackelberg(game, "assistant")
    assert mixed.leader == "assistant"
    assert mixed.mixture == pytest.approx((0.5, 0.5))
    assert mixed.reply == 1
    assert mixed.payoffs == pytest.approx((0.5, 3.5))


def test_the_assistant_of_the_papers_table_would_commit_to_follow_up_questions() -> None:
    game = game_of([[1, 4, 1], [0, 3, 2]], [[1, 0, 0], [1, 3, 1]])
    best = stackelberg(game, "assistant")
    # AQ and CQ so mixed that the user is just willing to open with a definite query.
    assert best.mixture == pytest.approx((0.0, 0.5, 0.5))
    assert best.reply == 1
    assert best.payoffs == pytest.approx((2.5, 2.0))


def test_ties_of_the_follower_go_to_the_leader_then_to_the_follower() -> None:
    game = game_of([[1, 2, 2]], [[5, 5, 5]])
    assert stackelberg(game, "user").reply == 1
    assert stackelberg(game, "user").payoffs == (2.0, 5.0)
    kind = game_of([[2, 2], [2, 2]], [[1, 1], [7, 7]])
    assert stackelberg(kind, "user", pure=True).mixture == (0.0, 1.0)


@pytest.mark.parametrize(
    ("payoffs", "value"),
    [
        ([[1, -1], [-1, 1]], 0.0),
        ([[0, -1, 1], [1, 0, -1], [-1, 1, 0]], 0.0),
        ([[2, -3], [-3, 4]], -1 / 12),  # two-finger Morra, "odds and evens" (Ferguson)
        ([[3, 1], [0, 2]], 1.5),
        ([[5]], 5.0),
    ],
)
def test_zero_sum_games_have_their_known_value(payoffs: list[list[int]], value: float) -> None:
    matrix = np.array(payoffs)
    solved = zero_sum_value(NormalFormGame(matrix, -matrix))
    assert solved.value == pytest.approx(value, abs=1e-12)
    shifted = zero_sum_value(NormalFormGame(matrix, 10 - matrix))
    assert shifted.value == pytest.approx(value, abs=1e-12)


def test_payoffs_without_a_constant_sum_are_refused() -> None:
    with pytest.raises(SolverError, match="it runs from 2 to 10"):
        zero_sum_value(game_of([[5, 1]], [[5, 1]]))


payoff = st.integers(-5, 5) | st.floats(-5, 5).map(lambda x: round(x, 3))


@st.composite
def games(draw: st.DrawFn) -> NormalFormGame:
    m, n = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    flat = draw(st.lists(payoff, min_size=2 * m * n, max_size=2 * m * n))
    return NormalFormGame(*np.array(flat, dtype=float).reshape(2, m, n))


@settings(max_examples=60, deadline=None)
@given(games())
def test_the_minimax_theorem(game: NormalFormGame) -> None:
    zero_sum = NormalFormGame(game.user, -game.user)
    solved = zero_sum_value(zero_sum)
    x, y = np.array(solved.user), np.array(solved.assistant)
    assert (x @ game.user).min() == pytest.approx(solved.value, abs=1e-7)
    assert (game.user @ y).max() == pytest.approx(solved.value, abs=1e-7)
    for found in nash_equilibria(zero_sum).found:
        assert found.payoffs[0] == pytest.approx(solved.value, abs=1e-7)


@settings(max_examples=60, deadline=None)
@given(games())
def test_commitment_is_worth_security_and_every_pure_commitment(game: NormalFormGame) -> None:
    for k, seat in enumerate(SEATS):
        mixed, pure = stackelberg(game, seat), stackelberg(game, seat, pure=True)
        assert mixed.payoffs[k] >= pure.payoffs[k] - 1e-7
        assert mixed.payoffs[k] >= security(game, seat).value - 1e-7
        x = np.array(mixed.mixture)
        worth = x @ game.assistant if seat == "user" else game.user @ x
        assert worth[mixed.reply] >= worth.max() - 1e-7  # the follower replies best
        for found in nash_equilibria(game).found:
            assert found.payoffs[k] >= security(game, seat).value - 1e-7


def test_a_leader_gets_at_least_what_any_equilibrium_gives() -> None:
    # von Stengel and Zamir (2010): true of every game if the follower's ties go to the leader.
    rng = np.random.default_rng(1)
    for _ in range(40):
        shape = rng.integers(2, 5, size=2)
        game = NormalFormGame(*rng.normal(size=(2, *shape)))
        for k, seat in enumerate(SEATS):
            best = max(found.payoffs[k] for found in nash_equilibria(game).found)
            assert stackelberg(game, seat).payoffs[k] >= best - 1e-8


@pytest.mark.parametrize("scale", [1e-90, 1e-6, 1e9, 1e90])
def test_the_scale_of_payoffs_changes_no_play(scale: float) -> None:
    game = game_of([[2, 4], [1, 3]], [[1, 0], [0, 1]])
    large = NormalFormGame(game.user * scale, game.assistant * scale)
    assert stackelberg(large, "user").mixture == pytest.approx((0.5, 0.5))
    assert stackelberg(large, "user").payoffs[0] == pytest.approx(3.5 * scale)
    assert security(large, "user").value == pytest.approx(2 * scale)
