"""Kinds of dilemma: worked examples, and a count over all ordinal games."""

from __future__ import annotations

from collections import Counter
from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtalign_env.games.dilemma import (
    CLASSES,
    PATTERNS,
    Ranks,
    is_social_dilemma,
    ordinal_class,
    ordinal_classes,
    strict_dilemmas,
)
from gtalign_env.games.nash import nash_equilibria
from gtalign_env.games.normal_form import NormalFormGame, dominant_plan

GTALIGN = NormalFormGame(np.array([[1, 4, 1], [0, 3, 2]]), np.array([[1, 0, 0], [1, 3, 1]]))


def symmetric(R: float, S: float, T: float, P: float) -> NormalFormGame:
    user = np.array([[R, S], [T, P]])
    return NormalFormGame(user, user.T)


def only_class(game: NormalFormGame) -> str:
    (name,) = ordinal_classes(game).values()
    return name


@pytest.mark.parametrize(
    ("game", "name"),
    [
        (symmetric(R=3, S=0, T=5, P=1), "prisoner's dilemma"),  # Axelrod (1984)
        (symmetric(R=4, S=1, T=3, P=2), "stag hunt"),
        (symmetric(R=4, S=0, T=3, P=3), "stag hunt"),  # a hare is a hare, whoever else hunts
        (symmetric(R=3, S=1, T=4, P=0), "chicken"),
        (symmetric(R=2, S=1, T=4, P=3), "deadlock"),
        (symmetric(R=4, S=2, T=3, P=1), "harmony"),
        (symmetric(R=4, S=2, T=1, P=3), "coordination"),
        (symmetric(R=1, S=1, T=1, P=1), "tied"),
        (symmetric(R=2, S=2, T=5, P=1), "tied"),
        (
            NormalFormGame(np.array([[2, 0], [0, 1]]), np.array([[1, 0], [0, 2]])),
            "battle of the sexes",
        ),
        (NormalFormGame(np.array([[1, -1], [-1, 1]]), np.array([[-1, 1], [1, -1]])), "cyclic"),
        # The user's payoffs are a prisoner's dilemma's, the assistant's a stag hunt's.
        (NormalFormGame(np.array([[3, 0], [5, 1]]), np.array([[4, 3], [1, 2]])), "other"),
    ],
)
def test_textbook_games_have_their_names(game: NormalFormGame, name: str) -> None:
    assert only_class(game) == name


def test_every_symmetric_strict_game_has_a_name_and_the_groups_cover_all_twelve() -> None:
    names = Counter(only_class(symmetric(*order)) for order in permutations(range(4)))
    # Every game stands twice among the 24 orders, as C and D may be swapped for both seats.
    assert names == {name: 2 * len(patterns) for name, patterns in PATTERNS.items()}
    assert sum(map(len, PATTERNS.values())) == 12


def test_cyclic_games_are_those_without_a_pure_equilibrium() -> None:
    for user, assistant in product(permutations(range(4)), repeat=2):
        game = NormalFormGame(np.reshape(user, (2, 2)), np.reshape(assistant, (2, 2)))
        solved = nash_equilibria(game) if user[0] == 0 else None  # a quarter is enough to solve
        if solved is not None:
            pure = any(found.cell is not None for found in solved.found)
            assert (only_class(game) == "cyclic") == (not pure)


ranks = st.tuples(*[st.integers(0, 3)] * 4)


@given(ranks, ranks)
def test_a_class_does_not_depend_on_the_order_of_plans_or_seats(
    user: Ranks, assistant: Ranks
) -> None:
    name = ordinal_class(user, assistant)
    assert name in CLASSES
    a, b, c, d = user
    e, f, g, h = assistant
    assert ordinal_class((c, d, a, b), (g, h, e, f)) == name
    assert ordinal_class((b, a, d, c), (f, e, h, g)) == name
    assert ordinal_class((e, g, f, h), (a, c, b, d)) == name


@given(ranks, ranks)
def test_a_strict_dilemma_is_the_class_without_ties_and_ends_in_defection(
    user: Ranks, assistant: Ranks
) -> None:
    game = NormalFormGame(np.reshape(user, (2, 2)), np.reshape(assistant, (2, 2)))
    found = strict_dilemmas(game)
    strict = len(set(user)) == 4 and len(set(assistant)) == 4
    assert bool(found) == (strict and only_class(game) == "prisoner's dilemma")
    for dilemma in found:
        assert dominant_plan(game, "user") == dilemma.user[1]
        assert dominant_plan(game, "assistant") == dilemma.assistant[1]
        solved = nash_equilibria(game)
        assert [e.cell for e in solved.found] == [(dilemma.user[1], dilemma.assistant[1])]
        assert is_social_dilemma(game, solved)


def test_the_gtalign_matrix_is_a_social_dilemma_and_no_strict_one() -> None:
    assert is_social_dilemma(GTALIGN, nash_equilibria(GTALIGN))
    assert strict_dilemmas(GTALIGN) == ()


def test_axelrods_dilemma_is_found_inside_a_larger_asymmetric_game() -> None:
    # Rows: an irrelevant one, then defect, cooperate. The assistant's numbers are on another scale.
    user = np.array([[-9, -9, -9], [5, -9, 1], [3, -9, 0]])
    assistant = np.array([[0, -99, 0], [0, -99, 10], [30, -99, 50]])
    game = NormalFormGame(user, assistant)
    assert strict_dilemmas(game) == (((2, 1), (0, 2)),)
    assert ordinal_classes(game)[(1, 2), (0, 2)] == "prisoner's dilemma"


def test_a_tie_within_rounding_is_no_strict_dilemma() -> None:
    assert strict_dilemmas(symmetric(R=3, S=0, T=3 + 1e-15, P=1)) == ()
    assert strict_dilemmas(symmetric(R=3, S=0, T=3 + 1e-6, P=1))


@pytest.mark.parametrize("game", [symmetric(4, 1, 3, 2), symmetric(4, 2, 3, 1)])
def test_a_game_with_an_efficient_equilibrium_is_no_social_dilemma(game: NormalFormGame) -> None:
    assert not is_social_dilemma(game, nash_equilibria(game))


def test_one_plan_on_a_side_has_no_restrictions() -> None:
    game = NormalFormGame(np.array([[1, 2, 3]]), np.array([[1, 2, 3]]))
    assert ordinal_classes(game) == {}
    assert strict_dilemmas(game) == ()
