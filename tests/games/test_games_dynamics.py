"""Evolution and learning: known answers, agreement with OpenSpiel, and laws."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gtalign_env.errors import SolverError
from gtalign_env.games.alpharank import alpha_rank, alpha_rank_population, fixation
from gtalign_env.games.dynamics import Dynamic, attractors, integrate, is_symmetric
from gtalign_env.games.dynamics_rest import jacobian, rest_points
from gtalign_env.games.learning import best_reply_path, fictitious_play, regret_matching
from gtalign_env.games.learning_duopoly import LogitDuopoly
from gtalign_env.games.nash import nash_equilibria
from gtalign_env.games.normal_form import Cell, NormalFormGame

AXELROD = NormalFormGame(np.array([[3, 0], [5, 1]]), np.array([[3, 5], [0, 1]]))
BATTLE = NormalFormGame(np.array([[2, 0], [0, 1]]), np.array([[1, 0], [0, 2]]))
HAWKS = NormalFormGame(np.array([[-1, 4], [0, 2]]), np.array([[-1, 0], [4, 2]]))  # V 4, C 6
CYCLE = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])
SCISSORS = NormalFormGame(CYCLE, -CYCLE)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_alpha_rank_of_the_commitment_game() -> None:
    """Han, Pereira, Santos and Lenaerts (2013), in OpenSpiel's alpharank_test.py: m = 20, α = 0.1."""
    r, t, p, s, delta, eps = 1.0, 2.0, 0.0, -1.0, 4.0, 0.25
    payoffs = np.array(
        [
            [r - eps / 2, r - eps, 0, s + delta - eps, r - eps],
            [r, r, s, s, s],
            [0, t, p, p, p],
            [t - delta, t, p, p, p],
            [r, t, p, p, p],
        ]
    )
    found = alpha_rank_population(payoffs, alpha=0.1, population=20)
    assert found == pytest.approx([0.4097, 0.0796, 0.2051, 0.0851, 0.2206], abs=5e-5)


@pytest.mark.parametrize(("alpha", "population"), [(0.1, 20), (1.0, 50), (2.0, 10)])
@pytest.mark.filterwarnings("ignore")  # OpenSpiel's imports warn
def test_alpha_rank_agrees_with_open_spiel(alpha: float, population: int) -> None:
    from open_spiel.python.egt import alpharank

    payoffs = rng().normal(size=(2, 3, 4))
    _, _, theirs, _, _ = alpharank.compute(list(payoffs), m=population, alpha=alpha)
    ours = alpha_rank(NormalFormGame(*payoffs), alpha, population)
    assert ours.ravel() == pytest.approx(theirs, abs=1e-10)
    square = payoffs[0][:, :3]
    _, _, theirs, _, _ = alpharank.compute(
        [square], m=population, alpha=alpha, use_local_selection_model=False
    )
    found = alpha_rank_population(square, alpha, population)
    assert found == pytest.approx(theirs, abs=1e-10)


def test_fixation_without_selection_is_one_in_the_population_and_never_overflows() -> None:
    assert fixation(np.zeros(9), 3.0) == pytest.approx(0.1)
    assert fixation(np.full(9, 1.0), 0.0) == pytest.approx(0.1)
    # A constant gain: (1 - e^-g) / (1 - e^-Mg).
    assert fixation(np.full(9, 0.5), 1.0) == pytest.approx(
        (1 - math.exp(-0.5)) / (1 - math.exp(-5))
    )
    assert fixation(np.full(99, 1e3), 10.0) == pytest.approx(1.0)
    assert fixation(np.full(99, -1e3), 10.0) == 0.0
    assert alpha_rank(AXELROD, alpha=5.0)[1, 1] > 0.9999


def test_only_defection_survives_replication_in_axelrods_game() -> None:
    for one_population in (False, True):
        dynamic = Dynamic(AXELROD, one_population=one_population)
        stable = [point for point in rest_points(dynamic) if point.stability == "stable"]
        assert len(stable) == 1
        (only,) = attractors(dynamic, 50, rng())
        assert (only.share, only.settled) == (1.0, True)
        assert only.state == pytest.approx(stable[0].state, abs=1e-4)


def test_hawks_and_doves_mix_in_one_population_and_part_in_two() -> None:
    # Maynard Smith and Price (1973): hawks are V / C = 4 / 6 of the population.
    one = Dynamic(HAWKS, one_population=True)
    (mixed,) = [point for point in rest_points(one) if point.stability == "stable"]
    assert mixed.state == pytest.approx([2 / 3, 1 / 3])
    (only,) = attractors(one, 40, rng())
    assert only.state == pytest.approx([2 / 3, 1 / 3], abs=1e-4)
    found = attractors(Dynamic(HAWKS), 400, rng())
    assert len(found) == 2
    assert abs(found[0].share - 0.5) < 4 * math.sqrt(0.25 / 400)
    assert {tuple(np.round(one.state, 3)) for one in found} == {(1, 0, 0, 1), (0, 1, 1, 0)}


def test_the_battle_has_two_stable_ends_and_a_saddle_between() -> None:
    points = rest_points(Dynamic(BATTLE))
    by_kind = {kind: [p for p in points if p.stability == kind] for kind in ("stable", "unstable")}
    assert len(by_kind["stable"]) == 2
    assert len(by_kind["unstable"]) == 3
    (saddle,) = [p for p in points if 0 < p.state[0] < 1]
    assert saddle.state == pytest.approx([2 / 3, 1 / 3, 1 / 3, 2 / 3])
    assert saddle.eigenvalues.real == pytest.approx([2 / 3, -2 / 3])


def test_slow_starts_are_followed_until_they_rest_and_cycles_are_not() -> None:
    # the second plan gains a two-hundredth of the spread, whatever the assistant does
    slow = NormalFormGame(np.array([[0.0, 1.0], [0.005, 1.005]]), np.zeros((2, 2)))
    dynamic = Dynamic(slow)
    found = attractors(dynamic, 60, rng())
    assert all(end.settled and end.state[1] > 0.999 for end in found)
    # a time that is asked for is kept to
    kept = attractors(dynamic, 60, rng(), horizon=dynamic.horizon)
    assert not all(end.settled for end in kept)


def test_scissors_turn_in_closed_orbits_and_logit_brings_them_to_rest() -> None:
    centre = rest_points(Dynamic(SCISSORS, one_population=True))[-1]
    assert centre.stability == "undecided"
    assert centre.eigenvalues.imag == pytest.approx([1 / math.sqrt(3), -1 / math.sqrt(3)])
    start = np.array([[0.5, 0.3, 0.2]])
    path = integrate(Dynamic(SCISSORS, one_population=True), start, horizon=60.0).states[0]
    # Zeeman (1980): the product of the shares is a constant of the motion.
    assert path.prod(axis=1) == pytest.approx(np.full(200, 0.03), rel=1e-5)
    (moving,) = attractors(Dynamic(SCISSORS, one_population=True), 20, rng())
    assert (moving.share, moving.settled) == (1.0, False)
    (rest,) = attractors(Dynamic(SCISSORS, "logit", one_population=True), 20, rng())
    assert rest.settled
    assert rest.state == pytest.approx([1 / 3] * 3, abs=1e-6)


def test_logit_rests_where_choices_are_logit() -> None:
    (only,) = attractors(Dynamic(AXELROD, "logit", temperature=0.7), 20, rng())
    x, y = only.state[:2], only.state[2:]
    worth = AXELROD.user @ y
    assert x == pytest.approx(np.exp(worth / 0.7) / np.exp(worth / 0.7).sum(), abs=1e-5)
    assert x == pytest.approx(y, abs=1e-6)


def test_best_responses_reach_the_equilibria_of_the_battle() -> None:
    ends = attractors(Dynamic(BATTLE, "best_response"), 60, rng())
    assert all(end.settled for end in ends)
    cells = {one.cell for one in nash_equilibria(BATTLE).found} - {None}
    assert {Cell(int(e.state[:2].argmax()), int(e.state[2:].argmax())) for e in ends} == cells


mixtures = arrays(np.float64, (4,), elements=st.floats(0.05, 1.0))
payoffs = arrays(np.float64, (2, 2), elements=st.integers(-5, 5))


@given(payoffs, payoffs, mixtures)
@settings(max_examples=50, deadline=None)
def test_states_stay_mixtures_and_the_jacobian_is_the_derivative(
    user: Any, assistant: Any, weights: Any
) -> None:
    dynamic = Dynamic(NormalFormGame(user, assistant))
    state = np.concatenate([part / part.sum() for part in np.split(weights, 2)])
    velocity = dynamic.velocity(state[None])[0]
    assert velocity[:2].sum() == pytest.approx(0, abs=1e-12)
    path = integrate(dynamic, state[None], horizon=3.0, points=5).states[0]
    assert path[:, :2].sum(axis=1) == pytest.approx(np.ones(5))
    # Along the simplices, in the basis (1, -1) / √2 of each seat.
    step, root = 1e-6, 1 / math.sqrt(2)
    for k, direction in enumerate(([root, -root, 0, 0], [0, 0, root, -root])):
        up, down = (
            dynamic.velocity((state + sign * step * np.array(direction))[None])[0]
            for sign in (1, -1)
        )
        slope = (up - down) / (2 * step)
        column = jacobian(dynamic, state)[:, k]
        seen = [root * (slope[0] - slope[1]), root * (slope[2] - slope[3])]
        sign = -1 if column @ np.array(seen) < 0 else 1  # bases agree up to sign
        assert np.abs(column) == pytest.approx(np.abs(sign * np.array(seen)), abs=1e-6)


@given(payoffs, payoffs)
@settings(max_examples=40, deadline=None)
def test_strict_equilibria_are_the_stable_rest_points(user: Any, assistant: Any) -> None:
    game = NormalFormGame(user, assistant)
    strict = {
        (i, j)
        for i, j in np.ndindex(2, 2)
        if user[i, j] > user[1 - i, j] and assistant[i, j] > assistant[i, 1 - j]
    }
    stable = [point.state for point in rest_points(Dynamic(game)) if point.stability == "stable"]
    # Ritzberger and Weibull (1995): in two populations nothing else is asymptotically stable.
    assert {(int(x[:2].argmax()), int(x[2:].argmax())) for x in stable} == strict


def test_fictitious_play_finds_the_value_of_zero_sum_games() -> None:
    pennies = NormalFormGame(np.array([[1, -1], [-1, 1]]), np.array([[-1, 1], [1, -1]]))
    learned = fictitious_play(pennies, 4000)
    assert learned.user[-1] == pytest.approx([0.5, 0.5], abs=0.03)
    assert learned.joint.sum() == pytest.approx(1)
    assert fictitious_play(AXELROD, 50, start=Cell(0, 0)).user[-1] == pytest.approx([1 / 50, 0.98])
    # Shapley (1964): in his game fictitious play never settles.
    shapley = NormalFormGame(np.eye(3), np.roll(np.eye(3), 1, axis=1))
    shares = fictitious_play(shapley, 20_000, Cell(0, 0)).user[10_000::500]
    assert np.ptp(shares, axis=0).max() > 0.1


def test_regret_matching_has_no_regret_in_the_end() -> None:
    for game in (SCISSORS, BATTLE, AXELROD):
        learned = regret_matching(game, 20_000, np.random.default_rng(1))
        assert learned.gaps[-1].max() < 0.03
        # The gap is the regret of the joint distribution for the best fixed plan.
        earned = (learned.joint * game.user).sum()
        best = (game.user @ learned.joint.sum(axis=0)).max()
        assert learned.gaps[-1, 0] == pytest.approx(best - earned)
    again = regret_matching(BATTLE, 200, np.random.default_rng(3))
    assert np.array_equal(again.joint, regret_matching(BATTLE, 200, np.random.default_rng(3)).joint)


def test_best_replies_lead_to_an_equilibrium_or_round_in_circles() -> None:
    assert best_reply_path(AXELROD, Cell(0, 0)) == ([(0, 0), (1, 0), (1, 1)], True)
    assert best_reply_path(AXELROD, Cell(1, 1)) == ([(1, 1)], True)
    path, settled = best_reply_path(SCISSORS, Cell(0, 0))
    assert not settled
    assert path[-1] in path[:-1]


def test_prices_of_the_logit_duopoly() -> None:
    """Calvano et al. (2020): a - c = 1, μ = 0.25, a₀ = 0."""
    market = LogitDuopoly()
    nash, joint = market.nash_price, market.joint_price
    assert (round(nash, 5), round(joint, 5)) == (1.47293, 1.92498)
    assert market.profit(nash, nash) == pytest.approx(0.22293, abs=5e-6)
    assert market.profit(joint, joint) == pytest.approx(0.33749, abs=5e-6)
    assert market.profit_gain(market.profit(nash, nash)) == pytest.approx(0)
    assert market.profit_gain(market.profit(joint, joint)) == pytest.approx(1)
    # Nobody gains by another price against the first, nor the sum by another common one.
    others = np.linspace(1.0, 3.0, 401)
    assert max(market.profit(p, nash) for p in others) <= market.profit(nash, nash) + 1e-12
    assert max(market.profit(p, p) for p in others) <= market.profit(joint, joint) + 1e-12
    game = market.game(market.prices(15))
    assert is_symmetric(game)
    path, settled = best_reply_path(game, Cell(14, 14))
    assert settled
    chosen = float(game.user_plans[path[-1].user])
    assert abs(chosen - nash) < 0.05  # the nearest prices of the grid
    close = LogitDuopoly(differentiation=0.01)
    assert close.nash_price == pytest.approx(1.02, abs=0.001)  # p - c = μ / (1 - 1/2)


def test_what_cannot_be_answered_is_said() -> None:
    uneven = NormalFormGame(np.array([[1, 2]]), np.array([[1, 2]]))
    assert not is_symmetric(uneven)
    with pytest.raises(SolverError, match="take two populations"):
        Dynamic(uneven, one_population=True)
    with pytest.raises(SolverError, match="ask for attractors"):
        rest_points(Dynamic(BATTLE, "logit"))
    with pytest.raises(SolverError, match="leave out dominated plans"):
        rest_points(Dynamic(NormalFormGame(np.eye(9), np.eye(9))))
    with pytest.raises(ValueError, match="one of replicator"):
        Dynamic(BATTLE, "replicate")  # type: ignore[arg-type]  # on purpose
    with pytest.raises(ValueError, match="temperature is positive"):
        Dynamic(BATTLE, "logit", temperature=0.0)
    with pytest.raises(ValueError, match="starts are mixtures"):
        integrate(Dynamic(BATTLE), np.array([[0.5, 0.6, 0.5, 0.5]]))
    with pytest.raises(ValueError, match="square matrix"):
        alpha_rank_population(np.ones((2, 3)))
    with pytest.raises(ValueError, match="alpha is at least 0"):
        alpha_rank(BATTLE, alpha=-1.0)
    with pytest.raises(ValueError, match="at least one round"):
        fictitious_play(BATTLE, 0)
