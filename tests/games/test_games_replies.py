"""Reply graphs, their sinks, and potentials: known games and the definitions cell by cell."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gtalign_env.games.nash import nash_equilibria
from gtalign_env.games.normal_form import NormalFormGame, best_replies
from gtalign_env.games.replies import potential, reply_graph

DILEMMA = NormalFormGame(np.array([[3, 0], [5, 1]]), np.array([[3, 5], [0, 1]]))
PENNIES = NormalFormGame(np.array([[1, -1], [-1, 1]]), np.array([[-1, 1], [1, -1]]))


def test_the_dilemma_ends_in_defection_and_has_an_exact_potential() -> None:
    assert reply_graph(DILEMMA).sinks == (((1, 1),),)
    found = potential(DILEMMA)
    assert found is not None
    assert found.kind == "exact"
    assert found.values.tolist() == [[0, 2], [2, 3]]


def test_pennies_go_round_and_have_no_potential() -> None:
    graph = reply_graph(PENNIES)
    assert graph.sinks == (((0, 0), (0, 1), (1, 0), (1, 1)),)
    assert graph.moves.sum() == 4
    assert potential(PENNIES) is None


def test_better_replies_go_where_best_ones_do_not() -> None:
    game = NormalFormGame(np.array([[0], [1], [2]]), np.zeros((3, 1)))
    assert np.argwhere(reply_graph(game).moves).tolist() == [[0, 2], [1, 2]]
    assert np.argwhere(reply_graph(game, better=True).moves).tolist() == [[0, 1], [0, 2], [1, 2]]


def test_an_ordinal_potential_that_is_not_exact() -> None:
    # A dilemma whose seats gain in different units from place to place.
    game = NormalFormGame(np.array([[1, 9], [0, 8]]) ** 2, np.array([[1, 0], [9, 8]]))
    found = potential(game)
    assert found is not None
    assert found.kind == "ordinal"


def test_a_generalized_potential_that_is_not_ordinal() -> None:
    # A tie lets a weak cycle close, which no strict one does.
    game = NormalFormGame(np.array([[1, 2], [2, 0]]), np.array([[0, 0], [0, 1]]))
    found = potential(game)
    assert found is not None
    assert found.kind == "generalized"


def test_rock_paper_scissors_has_one_sink_of_six_cells() -> None:
    user = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])
    (sink,) = reply_graph(NormalFormGame(user, -user)).sinks
    assert len(sink) == 6
    assert all(i != j for i, j in sink)


payoff = st.integers(-2, 2)


@st.composite
def games(draw: st.DrawFn) -> NormalFormGame:
    m, n = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    flat = draw(st.lists(payoff, min_size=2 * m * n, max_size=2 * m * n))
    return NormalFormGame(*np.array(flat, dtype=float).reshape(2, m, n))


@settings(max_examples=100, deadline=None)
@given(games())
def test_moves_are_those_of_the_definition(game: NormalFormGame) -> None:
    m, n = game.shape
    for better in (False, True):
        moves = reply_graph(game, better=better).moves
        for a, b in np.ndindex(m * n, m * n):
            (i, j), (k, q) = divmod(a, n), divmod(b, n)
            if (i == k) == (j == q):
                expected = False
            elif j == q:
                expected = game.user[k, q] > game.user[i, j]
                expected &= better or best_replies(game, "user")[k, q]
            else:
                expected = game.assistant[k, q] > game.assistant[i, j]
                expected &= better or best_replies(game, "assistant")[k, q]
            assert moves[a, b] == expected


@settings(max_examples=100, deadline=None)
@given(games(), st.booleans())
def test_sinks_hold_play_and_single_ones_are_the_pure_equilibria(
    game: NormalFormGame, better: bool
) -> None:
    graph = reply_graph(game, better=better)
    n = game.shape[1]
    assert graph.sinks
    for sink in graph.sinks:
        inside = [i * n + j for i, j in sink]
        outside = [c for c in range(game.user.size) if c not in inside]
        assert not graph.moves[np.ix_(inside, outside)].any()
    pure = {found.cell for found in nash_equilibria(game).found if found.cell is not None}
    assert {sink[0] for sink in graph.sinks if len(sink) == 1} == pure


@settings(max_examples=150, deadline=None)
@given(games())
def test_a_potential_does_what_its_kind_says(game: NormalFormGame) -> None:
    found = potential(game)
    if found is None:
        assert any(len(sink) > 1 for sink in reply_graph(game, better=True).sinks) or _cycle(game)
        return
    n = game.shape[1]
    for a, b in np.ndindex(game.user.size, game.user.size):
        (i, j), (k, q) = divmod(a, n), divmod(b, n)
        if (i == k) == (j == q):
            continue
        own = game.user if j == q else game.assistant
        gain, rise = own[k, q] - own[i, j], found.values[k, q] - found.values[i, j]
        if found.kind == "exact":
            assert rise == pytest.approx(gain)
        elif found.kind == "ordinal":
            assert (rise > 0) == (gain > 0)
        elif gain > 0:
            assert rise > 0


def _cycle(game: NormalFormGame) -> bool:
    """Whether gains lead from some cell back to it."""
    reach = reply_graph(game, better=True).moves.copy()
    for _ in range(game.user.size):
        reach |= (reach.astype(int) @ reach.astype(int)) > 0
    return bool(reach.diagonal().any())


@settings(max_examples=60, deadline=None)
@given(games(), st.lists(st.integers(-5, 5), min_size=12, max_size=12))
def test_a_game_of_common_interest_plus_what_one_cannot_change_is_exact(
    game: NormalFormGame, extra: list[int]
) -> None:
    m, n = game.shape
    shared = game.user
    built = NormalFormGame(
        shared + np.array(extra[:n]), shared + np.array(extra[4 : 4 + m])[:, None]
    )
    found = potential(built)
    assert found is not None
    assert found.kind == "exact"
    assert found.values == pytest.approx(shared - shared[0, 0])
