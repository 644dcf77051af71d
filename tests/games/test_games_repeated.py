"""Automata, critical discount factors and the folk theorem's set: known answers and laws."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gtalign_env.errors import SolverError
from gtalign_env.games.automata import (
    Automaton,
    chain,
    discounted_payoffs,
    finite_payoffs,
    mean_payoffs,
)
from gtalign_env.games.automata_replies import (
    best_reply_value,
    deviation_gains,
    is_nash,
    is_subgame_perfect,
)
from gtalign_env.games.folk import contains, convex_hull, folk_set, minmax
from gtalign_env.games.nash import nash_equilibria
from gtalign_env.games.normal_form import NormalFormGame, Seat
from gtalign_env.games.repeated import (
    CRITICAL,
    Cooperation,
    cooperation_of,
    counting,
    grim_discount,
    memory_one,
    pavlov_discount,
    tit_for_tat_discount,
)

AXELROD = NormalFormGame(np.array([[3, 0], [5, 1]]), np.array([[3, 5], [0, 1]]))
TABLE_1 = NormalFormGame(np.array([[1, 4, 1], [0, 3, 2]]), np.array([[1, 0, 0], [1, 3, 1]]))
PLAIN = Cooperation((0, 1), (0, 1))


def made(
    name: str, seat: Seat, game: NormalFormGame = AXELROD, roles: Cooperation = PLAIN
) -> Automaton:
    match name:
        case "grim":
            return counting(name, 1, False, game, seat, roles)
        case "two":
            return counting(name, 2, True, game, seat, roles)
        case "never":
            return memory_one(name, (0, 0, 0, 0), 0, game, seat, roles)
        case "always":
            return memory_one(name, (1, 1, 1, 1), 1, game, seat, roles)
        case "pavlov":
            return memory_one(name, (1, 0, 0, 1), 1, game, seat, roles)
        case "generous":
            return memory_one(name, (1, 0.3, 1, 0.3), 1, game, seat, roles)
    return memory_one(name, (1, 0, 1, 0), 1, game, seat, roles)


def both(
    name: str, game: NormalFormGame = AXELROD, roles: Cooperation = PLAIN
) -> tuple[Automaton, Automaton]:
    return made(name, "user", game, roles), made(name, "assistant", game, roles)


def test_payoffs_of_known_pairs() -> None:
    # Always defect exploits tit for tat once: 5, then 1 for ever.
    found = discounted_payoffs(AXELROD, made("never", "user"), made("tit", "assistant"), 0.9)
    assert found == pytest.approx((0.1 * 5 + 0.9 * 1, 0.1 * 0 + 0.9 * 1))
    assert mean_payoffs(AXELROD, made("never", "user"), made("tit", "assistant")) == (1, 1)
    # Ten rounds: (5 + 9) / 10 and 9 / 10.
    ten = finite_payoffs(AXELROD, made("never", "user"), made("tit", "assistant"), 10)
    assert ten == pytest.approx((1.4, 0.9))
    # Under any noise two tits for tat visit the four cells equally often: (3 + 0 + 5 + 1) / 4.
    assert mean_payoffs(AXELROD, *both("tit"), noise=0.01) == pytest.approx((2.25, 2.25))
    # Grim triggers end in both defecting: mean 1 but for the trembles, by hand.
    e = 0.05
    worth = (1 - e) ** 2 * 1 + e * (1 - e) * (5 + 0) + e**2 * 3
    assert mean_payoffs(AXELROD, *both("grim"), noise=e) == pytest.approx((worth, worth))
    # Without noise the start decides, although both defecting is a closed class too.
    assert mean_payoffs(AXELROD, *both("grim")) == (3, 3)


@given(
    st.sampled_from(["tit", "grim", "pavlov", "generous", "two", "never", "always"]),
    st.sampled_from(["tit", "grim", "pavlov", "generous", "two", "never", "always"]),
    st.sampled_from([0.0, 0.05, 0.5]),
)
@settings(max_examples=25, deadline=None)
def test_means_are_the_limits_of_discounting_and_of_long_games(
    first: str, second: str, noise: float
) -> None:
    pair = made(first, "user"), made(second, "assistant")
    mean = mean_payoffs(AXELROD, *pair, noise)
    patient = discounted_payoffs(AXELROD, *pair, 1 - 1e-7, noise)
    assert patient == pytest.approx(mean, abs=1e-4)
    assert finite_payoffs(AXELROD, *pair, 6000, noise) == pytest.approx(mean, abs=5e-3)


def test_critical_discounts_of_axelrods_game() -> None:
    assert grim_discount(AXELROD, PLAIN) == (0.5, 0.5)
    assert tit_for_tat_discount(AXELROD, PLAIN).both == pytest.approx(2 / 3)
    assert pavlov_discount(AXELROD, PLAIN).both is None  # (5 - 3) / (3 - 1) = 1: never
    mild = NormalFormGame(np.array([[3, 0], [4, 1]]), np.array([[3, 4], [0, 1]]))
    assert pavlov_discount(mild, PLAIN).both == 0.5
    assert set(CRITICAL) == {"grim", "tit_for_tat", "pavlov"}


dilemmas = st.tuples(*[st.lists(st.integers(-20, 20), min_size=4, max_size=4, unique=True)] * 2)


def dilemma(orders: tuple[list[int], list[int]]) -> NormalFormGame:
    (s, p, r, t), (ss, pp, rr, tt) = (sorted(order) for order in orders)
    return NormalFormGame(np.array([[r, s], [t, p]]), np.array([[rr, tt], [ss, pp]]))


@given(dilemmas)
@settings(max_examples=40, deadline=None)
def test_the_closed_forms_are_where_deviations_stop_to_pay(orders: Any) -> None:
    game = dilemma(orders)
    assert cooperation_of(game) == (*PLAIN[:2], "strict dilemma")
    for name, critical, holds in (
        ("grim", grim_discount, is_subgame_perfect),
        ("tit", tit_for_tat_discount, is_nash),
        ("pavlov", pavlov_discount, is_subgame_perfect),
    ):
        least = critical(game, PLAIN).both
        pair = both(name, game)
        if least is None:
            assert not holds(game, *pair, 0.99)
            continue
        assert holds(game, *pair, min(least + 1e-4, (1 + least) / 2))
        assert least == 0 or not holds(game, *pair, max(0.0, least - 1e-4))


larger = arrays(np.float64, (3, 3), elements=st.integers(-9, 9))


@given(larger, larger)
@settings(max_examples=60, deadline=None)
def test_plans_beyond_the_dilemma_count_as_deviations_too(user: Any, assistant: Any) -> None:
    user[:2, :2], assistant[:2, :2] = AXELROD.user, AXELROD.assistant
    game = NormalFormGame(user, assistant)
    for name, critical, holds in (
        ("grim", grim_discount, is_nash),
        ("tit", tit_for_tat_discount, is_nash),
        ("pavlov", pavlov_discount, is_subgame_perfect),
    ):
        pair = both(name, game)
        least = critical(game, PLAIN).both
        for discount in (0.05, 0.35, 0.55, 0.75, 0.95, 0.99):
            assume(least is None or abs(least - discount) > 1e-6)
            assert holds(game, *pair, discount) == (least is not None and discount > least)


def test_one_shot_deviations_agree_with_best_replies() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        game = NormalFormGame(*rng.normal(size=(2, 2, 3)))
        user = Automaton("u", rng.dirichlet(np.ones(2), 3), rng.integers(3, size=(3, 2, 3)))
        other = Automaton("a", rng.dirichlet(np.ones(3), 2), rng.integers(2, size=(2, 3, 2)))
        value = best_reply_value(game, "user", other, 0.8, noise=0.1)
        assert value >= discounted_payoffs(game, user, other, 0.8, 0.1).user - 1e-12
        # Of all deterministic machines with the states of the other, the best gets this value.
        follow = other.moves.transpose(0, 2, 1)
        machines = [
            Automaton("m", np.eye(2)[list(plans)], follow) for plans in product(range(2), repeat=2)
        ]
        best = max(discounted_payoffs(game, one, other, 0.8, 0.1).user for one in machines)
        assert value == pytest.approx(best, abs=1e-9)
        winner = max(machines, key=lambda one: discounted_payoffs(game, one, other, 0.8, 0.1).user)
        # The machine copies the other's state, so only pairs of equal states can be met.
        gains = deviation_gains(game, winner, other, "user", 0.8, 0.1)
        assert len(gains) <= 2
        assert gains.max() < 1e-9


def test_only_pairs_that_can_be_met_cost_anything() -> None:
    """Two machines that remember the last cell of a 15×15 game share 226 states, not 51,076."""
    game = NormalFormGame(*np.random.default_rng(0).normal(size=(2, 15, 15)))
    last = 1 + np.arange(225).reshape(15, 15)
    outputs = np.random.default_rng(1).dirichlet(np.ones(15), 226)
    user = Automaton("u", outputs, np.broadcast_to(last, (226, 15, 15)))
    assistant = Automaton("a", outputs, np.broadcast_to(last.T, (226, 15, 15)))
    played = chain(game, user, assistant)
    assert (played.pairs[:, 0] == played.pairs[:, 1]).all()
    assert played.transitions.shape == (226, 226)
    assert played.transitions.sum(axis=1) == pytest.approx(np.ones(226))


def test_tit_for_tat_is_an_equilibrium_that_is_not_perfect() -> None:
    assert is_nash(AXELROD, *both("tit"), 0.9)
    assert not is_subgame_perfect(AXELROD, *both("tit"), 0.9)
    assert is_subgame_perfect(AXELROD, *both("never"), 0.9)


def test_cooperation_is_read_off_the_dilemma_or_the_orientation() -> None:
    turned = NormalFormGame(AXELROD.user[::-1], AXELROD.assistant[::-1])
    assert cooperation_of(turned) == ((1, 0), (0, 1), "strict dilemma")
    hunt = NormalFormGame(np.array([[2, 3], [0, 4]]), np.array([[2, 0], [3, 4]]))
    assert cooperation_of(hunt) == ((1, 0), (1, 0), "orientation")
    with pytest.raises(SolverError, match=r"name them: Cooperation\("):
        cooperation_of(TABLE_1)
    assert cooperation_of(AXELROD).other("user") == cooperation_of(AXELROD).own("assistant")


def test_the_folk_set_of_axelrods_game() -> None:
    found = folk_set(AXELROD)
    assert found.minmax == (1, 1)
    third = 1 + 10 / 3  # where the edge from (3, 3) to (5, 0) meets 1
    corners = {tuple(np.round(corner, 9)) for corner in found.rational.tolist()}
    assert corners == {
        (1, 1), (round(third, 9), 1), (3, 3), (1, round(third, 9))
    }  # fmt: skip
    assert len(found.feasible) == 4
    assert contains(found.rational, (2, 2))
    assert contains(found.rational, (3, 3))
    assert not contains(found.rational, (0.9, 3))
    assert not contains(found.rational, (3.1, 3.1))


def test_pure_punishments_can_be_weaker_than_mixed_ones() -> None:
    pennies = np.array([[1.0, -1.0], [-1.0, 1.0]])
    found = minmax(NormalFormGame(pennies, -pennies), "user")
    assert (found.pure, round(found.mixed, 12)) == (1, 0)
    assert found.punishment == pytest.approx((0.5, 0.5))


small = arrays(np.float64, (2, 3), elements=st.integers(-6, 6))


@given(small, small)
@settings(max_examples=60, deadline=None)
def test_every_equilibrium_payoff_lies_in_the_folk_set(user: Any, assistant: Any) -> None:
    game = NormalFormGame(user, assistant)
    found = folk_set(game)
    assert found.minmax[0] <= minmax(game, "user").pure + 1e-9
    for equilibrium in nash_equilibria(game).found:
        assert contains(found.rational, equilibrium.payoffs, 1e-6)
    for i, j in np.ndindex(2, 3):
        cell = float(user[i, j]), float(assistant[i, j])
        assert contains(found.feasible, cell)
        rational = cell[0] >= found.minmax[0] - 1e-9 and cell[1] >= found.minmax[1] - 1e-9
        assert contains(found.rational, cell) == rational


def test_hulls_of_points_and_segments() -> None:
    assert convex_hull(np.array([[1.0, 2.0]] * 3)).tolist() == [[1, 2]]
    line = np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]])
    assert convex_hull(line).tolist() == [[0, 0], [2, 2]]
    constant = NormalFormGame(np.ones((2, 2)), np.ones((2, 2)))
    assert folk_set(constant).rational.tolist() == [[1, 1]]


def test_automata_that_make_no_sense_are_refused() -> None:
    moves = np.zeros((1, 2, 2), dtype=int)
    with pytest.raises(ValueError, match="got shapes"):
        Automaton("x", np.array([[1.0]]), moves)
    with pytest.raises(ValueError, match="a distribution over plans"):
        Automaton("x", np.array([[0.7, 0.7]]), moves)
    with pytest.raises(ValueError, match="states are 0 to 0"):
        Automaton("x", np.array([[0.5, 0.5]]), moves + 1)
    with pytest.raises(ValueError, match="made for 2 own plans and 3 of the other"):
        discounted_payoffs(TABLE_1, *both("tit"), 0.9)
    with pytest.raises(ValueError, match="ask for mean_payoffs"):
        discounted_payoffs(AXELROD, *both("tit"), 1.0)
    with pytest.raises(ValueError, match="noise is a probability"):
        mean_payoffs(AXELROD, *both("tit"), noise=2.0)
