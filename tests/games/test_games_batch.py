"""Many games at once: the same equilibria, order and flags as one by one, and the same facts."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gtalign_env.errors import SolverError
from gtalign_env.games.batch import BatchEquilibria, nash_equilibria_batch
from gtalign_env.games.batch_facts import (
    best_replies_batch,
    dominant_plans_batch,
    optimum_batch,
    price_of_anarchy_batch,
    price_of_stability_batch,
    pure_equilibria_batch,
)
from gtalign_env.games.nash import REGRET_TOLERANCE, nash_equilibria
from gtalign_env.games.normal_form import (
    NormalFormGame,
    best_cell,
    best_replies,
    dominant_plan,
    price_of_anarchy,
    price_of_stability,
)
from gtalign_env.welfare import Welfare, standard_welfares

Games = NDArray[np.float64]

SHAPES = ((1, 1), (1, 4), (4, 1), (2, 2), (2, 3), (3, 2), (2, 7), (5, 2), (3, 3), (3, 5), (4, 4))


def assert_same_as_one_by_one(user: Games, assistant: Games) -> BatchEquilibria:
    batch = nash_equilibria_batch(user, assistant)
    for g, (A, B) in enumerate(zip(user, assistant, strict=True)):
        game = NormalFormGame(A, B)
        single = nash_equilibria(game)
        where = f"game {g}: {A.tolist()}, {B.tolist()}"
        count = int(batch.count[g])
        assert count == len(single.found), where
        assert batch.degenerate[g] == single.degenerate, where
        for ours, theirs in zip(batch.of(g, game).found, single.found, strict=True):
            assert np.allclose(ours.user, theirs.user, rtol=0, atol=1e-9), where
            assert np.allclose(ours.assistant, theirs.assistant, rtol=0, atol=1e-9), where
            assert ours.cell == theirs.cell, where
            size = max(np.abs(A).max(), np.abs(B).max())
            assert np.allclose(ours.payoffs, theirs.payoffs, rtol=0, atol=1e-9 * size), where
        for rows in (batch.user, batch.assistant, batch.payoffs):
            assert np.isfinite(rows[g, :count]).all()
            assert np.isnan(rows[g, count:]).all()
    return batch


@pytest.mark.parametrize("shape", SHAPES)
def test_random_and_tied_games_have_the_equilibria_of_the_single_solver(
    shape: tuple[int, int],
) -> None:
    rng = np.random.default_rng(shape)
    general = assert_same_as_one_by_one(*rng.normal(size=(2, 60, *shape)))
    assert not general.degenerate.any()
    assert len(general.alone) == 0
    tied = assert_same_as_one_by_one(*rng.integers(0, 3, size=(2, 60, *shape)) / 10)
    assert shape == (1, 1) or tied.degenerate.any()
    assert len(tied.alone) == 0


@pytest.mark.slow
@pytest.mark.parametrize("shape", [*SHAPES, (2, 20), (4, 5), (5, 4), (5, 5)])
def test_many_games_have_the_equilibria_of_the_single_solver(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(shape)
    games = 4_000 if np.prod(shape) < 12 else 400
    assert_same_as_one_by_one(*rng.normal(size=(2, games, *shape)))
    for step in (1.0, 0.1, 1 / 3, 1e-6):
        assert_same_as_one_by_one(*rng.integers(0, 3, size=(2, games // 4, *shape)) * step)


@pytest.mark.parametrize("shape", [(6, 6), (7, 7), (5, 7)])
def test_games_of_seven_plans_agree_too(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(shape)
    assert_same_as_one_by_one(*rng.normal(size=(2, 2, *shape)))
    assert_same_as_one_by_one(*rng.integers(0, 4, size=(2, 1, *shape)).astype(float))


def test_near_ties_are_solved_alone_and_come_out_the_same() -> None:
    rng = np.random.default_rng(2)
    alone = 0
    for step in (1e-13, 1e-12, 1e-11, REGRET_TOLERANCE / 4, REGRET_TOLERANCE, 4e-9, 1e-7, 1e-6):
        for shape in ((2, 2), (2, 4), (3, 2), (3, 3)):
            whole, part = rng.integers(0, 3, size=(2, 2, 15, *shape))
            alone += len(assert_same_as_one_by_one(*(whole + step * (part - 1))).alone)
    assert alone > 100  # the sample is there for them


def test_a_chain_of_near_crossings_is_solved_alone() -> None:
    # Three of the assistant's plans are worth almost the same where the user mixes evenly.
    user = np.array([[[2.0, 0.0, 1.0], [0.0, 2.0, 1.0]]])
    for shift in (1e-11, 3e-10, 1e-9):
        assistant = np.array([[[3.0, 1.0, 2.0 + shift], [1.0, 3.0, 2.0]]])
        assert len(assert_same_as_one_by_one(user, assistant).alone) == 1


@pytest.mark.parametrize(("scale", "offset"), [(1e-90, 0), (1e90, 0), (1.0, 1e6), (-3.0, 7.0)])
def test_scales_and_offsets_make_no_difference(scale: float, offset: float) -> None:
    rng = np.random.default_rng(4)
    for shape in ((2, 3), (3, 3)):
        user, assistant = rng.integers(0, 9, size=(2, 40, *shape)).astype(float)
        assert_same_as_one_by_one(user * scale + offset, assistant * scale - offset)


def test_constant_payoffs_and_repeated_plans() -> None:
    constant = np.full((3, 3, 4), 0.1)
    batch = assert_same_as_one_by_one(constant, constant * 3)
    assert batch.count.tolist() == [12, 12, 12]
    rng = np.random.default_rng(5)
    for shape in ((2, 3), (3, 2), (3, 3)):
        user, assistant = rng.normal(size=(2, 20, *shape))
        twice = [*range(shape[1]), 0, shape[1] - 1]
        batch = assert_same_as_one_by_one(user[:, :, twice], assistant[:, :, twice])
        assert batch.degenerate.any()
        rows = [*range(shape[0]), 0]
        assert_same_as_one_by_one(user[:, rows], assistant[:, rows])


def test_no_games_and_games_beyond_the_compiled_sizes() -> None:
    none = nash_equilibria_batch(np.empty((0, 2, 3)), np.empty((0, 2, 3)))
    assert none.count.shape == (0,)
    assert none.user.shape == (0, 0, 2)
    rng = np.random.default_rng(6)
    wide = assert_same_as_one_by_one(*rng.normal(size=(2, 3, 2, 30)))
    assert len(wide.alone) == 0
    large = rng.normal(size=(2, 2, 9, 9))
    with pytest.raises(SolverError, match=r"game 0: .* a 9×9 game has 48,620"):
        nash_equilibria_batch(*large)


def test_more_equilibria_than_the_table_was_made_for() -> None:
    tied = np.zeros((300, 4, 4))
    batch = nash_equilibria_batch(tied, tied)
    assert (batch.count == 16).all()
    assert (batch.user.sum(axis=2) == 1).all()


@pytest.mark.parametrize(
    ("user", "assistant", "message"),
    [
        (np.zeros((2, 2)), np.zeros((2, 2)), r"shape \(N, m, n\) .* got shape \(2, 2\)"),
        (np.zeros((1, 0, 2)), np.zeros((1, 0, 2)), "at least one plan of each seat"),
        (np.zeros((1, 2, 2)), np.zeros((1, 2, 3)), r"user \(1, 2, 2\) and assistant \(1, 2, 3\)"),
        (
            np.zeros((2, 1, 2)),
            np.array([[[0, 1]], [[0, np.nan]]]),
            "nan in game 1, row 0, column 1",
        ),
        (np.full((1, 1, 1), np.inf), np.zeros((1, 1, 1)), "user's payoffs must be finite"),
        ([[["a"]]], [[[1]]], "user's payoffs must be numbers"),
    ],
)
def test_what_are_no_games_is_refused(user: object, assistant: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        nash_equilibria_batch(user, assistant)  # type: ignore[arg-type]  # what a caller might pass


def test_importing_the_package_leaves_the_compiler_alone() -> None:
    code = "import sys, gtalign_env, gtalign_env.games.batch; print('numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


entries = st.integers(-3, 3) | st.sampled_from((0.5, 1 / 3, 0.1, -0.7))


@st.composite
def stacks(draw: st.DrawFn) -> tuple[Games, Games]:
    games, m, n = draw(st.integers(1, 4)), draw(st.integers(1, 4)), draw(st.integers(1, 4))
    size = 2 * games * m * n
    flat = draw(st.lists(entries, min_size=size, max_size=size))
    user, assistant = np.array(flat, dtype=float).reshape(2, games, m, n)
    return user, assistant


@settings(max_examples=60, deadline=None)
@given(stacks())
def test_any_stack_of_games_agrees(games: tuple[Games, Games]) -> None:
    assert_same_as_one_by_one(*games)


@settings(max_examples=60, deadline=None)
@given(stacks(), st.sampled_from(("utilitarian", "nash", "egalitarian", "user_only")))
def test_every_fact_is_that_of_the_single_game(games: tuple[Games, Games], kind: str) -> None:
    user, assistant = games
    welfare = Welfare(kind, disagreement=(-1.0, -1.0))
    W = welfare.array(user, assistant)
    batch = nash_equilibria_batch(user, assistant)
    replies = best_replies_batch(user, assistant)
    strict = dominant_plans_batch(user, assistant)
    weak = dominant_plans_batch(user, assistant, weak=True)
    optima = optimum_batch(user, assistant, W)
    anarchy, stability = (
        price_of_anarchy_batch(W, batch),
        price_of_stability_batch(W, batch),
    )
    pure = pure_equilibria_batch(user, assistant)
    for g, (A, B) in enumerate(zip(user, assistant, strict=True)):
        game = NormalFormGame(A, B)
        for seat, found, s, w in zip(("user", "assistant"), replies, strict, weak, strict=True):
            assert (found[g] == best_replies(game, seat)).all()  # type: ignore[arg-type]  # a Seat
            for plans, is_weak in ((s, False), (w, True)):
                expected = dominant_plan(game, seat, weak=is_weak)  # type: ignore[arg-type]  # a Seat
                assert plans[g] == (-1 if expected is None else expected)
        assert tuple(optima[g]) == best_cell(game, W[g])
        profiles = [found.profile for found in nash_equilibria(game).found]
        for ours, theirs in (
            (anarchy[g], price_of_anarchy(game, welfare, profiles)),
            (stability[g], price_of_stability(game, welfare, profiles)),
        ):
            assert ours == pytest.approx(np.nan if theirs is None else theirs, nan_ok=True)
        cells = [found.cell for found in nash_equilibria(game).found if found.cell is not None]
        assert [tuple(cell) for cell in np.argwhere(pure[g])] == cells


def test_facts_refuse_values_of_another_shape() -> None:
    user = np.zeros((2, 2, 3))
    batch = nash_equilibria_batch(user, user)
    with pytest.raises(ValueError, match=r"a welfare a cell, shape \(2, 2, 3\); got shape \(2,\)"):
        price_of_anarchy_batch(np.zeros(2), batch)
    with pytest.raises(ValueError, match=r"a number a cell, shape \(2, 2, 3\)"):
        optimum_batch(user, user, np.zeros((2, 3, 2)))


def test_the_table_of_the_paper_is_three_times_as_good_as_its_equilibrium() -> None:
    user, assistant = np.array([[[1, 4, 1], [0, 3, 2]]]), np.array([[[1, 0, 0], [1, 3, 1]]])
    batch = nash_equilibria_batch(user, assistant)
    for welfare in standard_welfares().values():
        W = welfare.array(user, assistant)
        assert optimum_batch(user, assistant, W).tolist() == [[1, 1]]
        assert price_of_anarchy_batch(W, batch) == pytest.approx([3.0])
    assert np.argwhere(pure_equilibria_batch(user, assistant)).tolist() == [[0, 0, 0]]
