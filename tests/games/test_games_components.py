"""The parts of a degenerate game's set of equilibria: known ones, and what holds of all."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gtalign_env.games.nash import REGRET_TOLERANCE, nash_equilibria, regrets
from gtalign_env.games.normal_form import NormalFormGame


def test_an_equilibrium_of_a_nondegenerate_game_is_a_component() -> None:
    chicken = NormalFormGame(np.array([[3, 1], [4, 0]]), np.array([[3, 4], [1, 0]]))
    components = nash_equilibria(chicken).components
    assert [component.members for component in components] == [(0,), (1,), (2,)]
    assert all(component.isolated for component in components)


def test_a_constant_game_is_one_subset() -> None:
    constant = np.zeros((2, 3))
    solved = nash_equilibria(NormalFormGame(constant, constant))
    (component,) = solved.components
    (subset,) = component.subsets
    assert component.members == subset.members == tuple(range(6))
    assert subset.user == ((1.0, 0.0), (0.0, 1.0))
    assert len(subset.assistant) == 3


def test_two_segments_that_meet_are_one_component_of_two_subsets() -> None:
    # The user is indifferent at column 0, the assistant at row 0: {any} × {0} and {0} × {any}.
    game = NormalFormGame(np.array([[1, 1], [1, 0]]), np.array([[1, 1], [1, 0]]))
    solved = nash_equilibria(game)
    (component,) = solved.components
    assert [found.cell for found in solved.found] == [(0, 0), (0, 1), (1, 0)]
    assert [(len(s.user), len(s.assistant)) for s in component.subsets] == [(1, 2), (2, 1)]
    assert [s.members for s in component.subsets] == [(0, 1), (0, 2)]


def test_an_isolated_equilibrium_stands_beside_a_segment() -> None:
    # Entry (row 0) and deterrence: if the user stays out, what the assistant threatens is all one.
    game = NormalFormGame(np.array([[2, 0], [1, 1]]), np.array([[1, 0], [2, 2]]))
    solved = nash_equilibria(game)
    sizes = sorted(len(component.members) for component in solved.components)
    assert solved.degenerate
    assert sizes == [1, 2]
    segment = next(c for c in solved.components if not c.isolated)
    (subset,) = segment.subsets
    assert subset.user == ((0.0, 1.0),)
    assert np.allclose(sorted(subset.assistant), [(0.0, 1.0), (0.5, 0.5)])


tied = st.integers(0, 2)


@st.composite
def tied_games(draw: st.DrawFn) -> NormalFormGame:
    m, n = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    flat = draw(st.lists(tied, min_size=2 * m * n, max_size=2 * m * n))
    user, assistant = np.array(flat).reshape(2, m, n)
    return NormalFormGame(user, assistant)


@settings(max_examples=150, deadline=None)
@given(tied_games(), st.integers(0, 2**32 - 1))
def test_every_point_of_a_subset_is_an_equilibrium_and_every_extreme_one_is_covered(
    game: NormalFormGame, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    solved = nash_equilibria(game)
    components = solved.components
    members = [e for component in components for e in component.members]
    assert sorted(members) == list(range(len(solved.found)))
    for component in components:
        assert {e for s in component.subsets for e in s.members} == set(component.members)
        for subset in component.subsets:
            assert len(subset.members) == len(subset.user) * len(subset.assistant)
            x = rng.dirichlet(np.ones(len(subset.user))) @ np.array(subset.user)
            y = rng.dirichlet(np.ones(len(subset.assistant))) @ np.array(subset.assistant)
            assert max(regrets(game, x, y)) <= 4 * REGRET_TOLERANCE
    if not solved.degenerate:
        assert all(component.isolated for component in components)


@settings(max_examples=100, deadline=None)
@given(tied_games())
def test_no_strategy_could_be_added_to_a_subset(game: NormalFormGame) -> None:
    solved = nash_equilibria(game)
    pairs = {found.profile for found in solved.found}
    xs, ys = {x for x, _ in pairs}, {y for _, y in pairs}
    subsets = [subset for component in solved.components for subset in component.subsets]
    for subset in subsets:
        assert set(product(subset.user, subset.assistant)) <= pairs
        for x in xs - set(subset.user):
            assert not set(product([x], subset.assistant)) <= pairs
        for y in ys - set(subset.assistant):
            assert not set(product(subset.user, [y])) <= pairs
    assert len(set(subsets)) == len(subsets)


@pytest.mark.parametrize("seed", range(3))
def test_components_of_permuted_games_have_the_same_sizes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    user, assistant = rng.integers(0, 3, size=(2, 4, 4))
    order = rng.permutation(4)
    sizes = [
        sorted(len(c.members) for c in nash_equilibria(NormalFormGame(A, B)).components)
        for A, B in ((user, assistant), (user[order], assistant[order]))
    ]
    assert sizes[0] == sizes[1]
