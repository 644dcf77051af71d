"""Iterated dominance: textbook games, and that it never removes an equilibrium."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gtalign_env.games.correlated import correlated_range
from gtalign_env.games.iterated import Removal, iterated_dominance
from gtalign_env.games.nash import nash_equilibria
from gtalign_env.games.normal_form import NormalFormGame, tolerance_of

MIXED_ONLY = NormalFormGame(np.array([[3, 0], [0, 3], [1, 1]]), np.array([[1, 0], [0, 1], [0, 0]]))


def test_the_prisoners_dilemma_is_solved_in_a_round() -> None:
    left = iterated_dominance(
        NormalFormGame(np.array([[3, 0], [5, 1]]), np.array([[3, 5], [0, 1]]))
    )
    assert (left.user, left.assistant) == ((1,), (1,))
    assert left.removals == (
        Removal(1, "user", 0, (0.0, 1.0)),
        Removal(1, "assistant", 0, (0.0, 1.0)),
    )


def test_a_textbook_game_takes_three_rounds() -> None:
    # Gibbons (1992), "Game Theory for Applied Economists", figure 1.1.1: it ends in (Up, Middle).
    game = NormalFormGame(np.array([[1, 1, 0], [0, 0, 2]]), np.array([[0, 2, 1], [3, 1, 0]]))
    left = iterated_dominance(game)
    assert (left.user, left.assistant) == ((0,), (1,))
    assert [(r.round, r.seat, r.plan) for r in left.removals] == [
        (1, "assistant", 2),
        (2, "user", 1),
        (3, "assistant", 0),
    ]


def test_a_mixture_can_dominate_what_no_plan_does() -> None:
    assert iterated_dominance(MIXED_ONLY).user == (0, 1, 2)
    left = iterated_dominance(MIXED_ONLY, mixed=True)
    assert left.user == (0, 1)
    (removal,) = left.removals
    assert removal.plan == 2
    assert np.array(removal.by) @ MIXED_ONLY.user == pytest.approx(np.array([1.5, 1.5]))


def test_the_papers_table_is_solved_by_mixtures() -> None:
    # Two thirds DA and one third AQ pay the assistant more than CQ always; then VQ, then DA.
    game = NormalFormGame(np.array([[1, 4, 1], [0, 3, 2]]), np.array([[1, 0, 0], [1, 3, 1]]))
    assert iterated_dominance(game).removals == ()
    left = iterated_dominance(game, mixed=True)
    assert (left.user, left.assistant) == ((0,), (0,))
    assert [(r.seat, r.plan) for r in left.removals] == [
        ("assistant", 2),
        ("user", 1),
        ("assistant", 1),
    ]


def test_weak_dominance_can_remove_an_equilibrium_and_strict_cannot() -> None:
    game = NormalFormGame(np.array([[1, 1], [0, 1]]), np.array([[1, 0], [0, 0]]))
    cells = {found.cell for found in nash_equilibria(game).found}
    assert (1, 1) in cells
    assert iterated_dominance(game).removals == ()
    weak = iterated_dominance(game, weak=True)
    assert (weak.user, weak.assistant) == ((0,), (0,))
    assert {removal.round for removal in weak.removals} == {1}  # both seats' at once


def test_repeated_plans_dominate_each_other_in_no_sense() -> None:
    twice = NormalFormGame(np.array([[1, 2], [1, 2]]), np.array([[0, 0], [0, 0]]))
    for weak in (False, True):
        for mixed in (False, True):
            assert iterated_dominance(twice, weak=weak, mixed=mixed).removals == ()


payoff = st.integers(-3, 3)


@st.composite
def games(draw: st.DrawFn) -> NormalFormGame:
    m, n = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    flat = draw(st.lists(payoff, min_size=2 * m * n, max_size=2 * m * n))
    return NormalFormGame(*np.array(flat, dtype=float).reshape(2, m, n))


@settings(max_examples=80, deadline=None)
@given(games(), st.booleans())
def test_equilibria_play_only_what_strict_dominance_leaves(
    game: NormalFormGame, mixed: bool
) -> None:
    left = iterated_dominance(game, mixed=mixed)
    for found in nash_equilibria(game).found:
        assert {i for i, p in enumerate(found.user) if p > 0} <= set(left.user)
        assert {j for j, p in enumerate(found.assistant) if p > 0} <= set(left.assistant)
    draw = correlated_range(game, game.user).best.distribution
    gone = [i for i in range(game.shape[0]) if i not in left.user]
    assert draw[gone].sum() <= 1e-6


@settings(max_examples=80, deadline=None)
@given(games(), st.booleans(), st.booleans())
def test_what_removes_a_plan_dominates_it_and_nothing_left_is_dominated(
    game: NormalFormGame, weak: bool, mixed: bool
) -> None:
    left = iterated_dominance(game, weak=weak, mixed=mixed)
    rows, columns = list(range(game.shape[0])), list(range(game.shape[1]))
    for number in range(1, max((r.round for r in left.removals), default=0) + 1):
        removed = [r for r in left.removals if r.round == number]
        assert removed
        for removal in removed:
            user = removal.seat == "user"
            own = game.user[:, columns] if user else game.assistant[rows].T
            gains = np.array(removal.by) @ own - own[removal.plan]
            tolerance = tolerance_of(game.payoffs(removal.seat))
            assert gains.min() >= -tolerance if weak else gains.min() > tolerance
            assert gains.max() > tolerance
            assert {i for i, p in enumerate(removal.by) if p > 0} <= set(rows if user else columns)
        rows = [i for i in rows if ("user", i) not in {(r.seat, r.plan) for r in removed}]
        columns = [
            j for j in columns if ("assistant", j) not in {(r.seat, r.plan) for r in removed}
        ]
    assert (tuple(rows), tuple(columns)) == (left.user, left.assistant)
    smaller = game.restricted(left.user, left.assistant)
    assert iterated_dominance(smaller, weak=weak, mixed=mixed).removals == ()
    assert rows
    assert columns


@settings(max_examples=60, deadline=None)
@given(games(), st.randoms(use_true_random=False))
def test_the_order_of_strict_removals_does_not_matter(game: NormalFormGame, order) -> None:  # type: ignore[no-untyped-def]  # hypothesis's own Random
    rows, columns = list(range(game.shape[0])), list(range(game.shape[1]))
    while True:
        smaller = game.restricted(rows, columns)
        first = [r for r in iterated_dominance(smaller).removals if r.round == 1]
        if not first:
            break
        one = order.choice(first)
        (rows if one.seat == "user" else columns).pop(one.plan)
    left = iterated_dominance(game)
    assert (tuple(rows), tuple(columns)) == (left.user, left.assistant)
