"""Equilibria: worked examples, an independent rational oracle, and the theorems."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gtalign_env.errors import SolverError
from gtalign_env.games.nash import REGRET_TOLERANCE, Equilibria, nash_equilibria, regrets
from gtalign_env.games.normal_form import NormalFormGame

Row = tuple[Fraction, ...]
Matrix = list[list[float]]
Mixtures = tuple[list[float], list[float]]

# Name: user's payoffs, assistant's payoffs, equilibria as (user, assistant) mixtures in order.
KNOWN: dict[str, tuple[Matrix, Matrix, list[Mixtures]]] = {
    # Zhang et al. (2025), GTAlign, Table 1; columns DA, AQ, CQ.
    "gtalign": ([[1, 4, 1], [0, 3, 2]], [[1, 0, 0], [1, 3, 1]], [([1, 0], [1, 0, 0])]),
    # Axelrod (1984): T, R, P, S = 5, 3, 1, 0.
    "axelrod": ([[3, 0], [5, 1]], [[3, 5], [0, 1]], [([0, 1], [0, 1])]),
    "matching pennies": ([[1, -1], [-1, 1]], [[-1, 1], [1, -1]], [([0.5, 0.5], [0.5, 0.5])]),
    "battle of the sexes": (
        [[2, 0], [0, 1]],
        [[1, 0], [0, 2]],
        [([1, 0], [1, 0]), ([0, 1], [0, 1]), ([2 / 3, 1 / 3], [1 / 3, 2 / 3])],
    ),
    "stag hunt": (
        [[4, 1], [3, 2]],
        [[4, 3], [1, 2]],
        [([1, 0], [1, 0]), ([0, 1], [0, 1]), ([0.5, 0.5], [0.5, 0.5])],
    ),
    "chicken": (
        [[3, 1], [4, 0]],
        [[3, 4], [1, 0]],
        [([1, 0], [0, 1]), ([0, 1], [1, 0]), ([0.5, 0.5], [0.5, 0.5])],
    ),
    "coordination": (
        [[1, 0], [0, 1]],
        [[1, 0], [0, 1]],
        [([1, 0], [1, 0]), ([0, 1], [0, 1]), ([0.5, 0.5], [0.5, 0.5])],
    ),
    "rock, paper, scissors": (
        [[0, -1, 1], [1, 0, -1], [-1, 1, 0]],
        [[0, 1, -1], [-1, 0, 1], [1, -1, 0]],
        [([1 / 3] * 3, [1 / 3] * 3)],
    ),
    # von Stengel (2002), the running 3×2 example: one pure and two mixed equilibria.
    "von stengel": (
        [[3, 3], [2, 5], [0, 6]],
        [[3, 2], [2, 6], [3, 1]],
        [
            ([1, 0, 0], [1, 0]),
            ([0.8, 0.2, 0], [2 / 3, 1 / 3]),
            ([0, 1 / 3, 2 / 3], [1 / 3, 2 / 3]),
        ],
    ),
}


@pytest.mark.parametrize("name", KNOWN)
def test_known_games_have_exactly_their_equilibria_in_order(name: str) -> None:
    user, assistant, expected = KNOWN[name]
    solved = nash_equilibria(NormalFormGame(np.array(user), np.array(assistant)))
    assert not solved.degenerate
    assert len(solved.found) == len(expected)
    for found, (x, y) in zip(solved.found, expected, strict=True):
        assert np.allclose(found.user, x, rtol=0, atol=1e-12)
        assert np.allclose(found.assistant, y, rtol=0, atol=1e-12)


def test_matching_pennies_is_worth_nothing_to_either() -> None:
    user, assistant, _ = KNOWN["matching pennies"]
    (found,) = nash_equilibria(NormalFormGame(np.array(user), np.array(assistant))).found
    assert found.payoffs == (0.0, 0.0)
    assert found.cell is None


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (4, 1)])
def test_one_plan_on_a_side_leaves_the_best_replies(shape: tuple[int, int]) -> None:
    payoffs = np.arange(np.prod(shape), dtype=float).reshape(shape)
    solved = nash_equilibria(NormalFormGame(payoffs, payoffs))
    assert [found.cell for found in solved.found] == [(shape[0] - 1, shape[1] - 1)]
    assert not solved.degenerate


def test_a_game_of_ties_has_every_cell_as_extreme_equilibrium() -> None:
    constant = np.full((3, 4), 0.1)
    solved = nash_equilibria(NormalFormGame(constant, constant * 3))
    assert [found.cell for found in solved.found] == list(product(range(3), range(4)))
    assert solved.degenerate


def test_a_single_tied_reply_makes_a_game_degenerate_on_either_side() -> None:
    strict, tied = np.array([[3, 0], [1, 2]]), np.array([[1, 1], [0, 2]])
    assert not nash_equilibria(NormalFormGame(strict, strict)).degenerate
    assert nash_equilibria(NormalFormGame(strict, tied)).degenerate
    assert nash_equilibria(NormalFormGame(tied.T, strict)).degenerate


def test_random_games_always_have_verified_equilibria() -> None:
    rng = np.random.default_rng(7)
    for _ in range(1_000):
        shape = rng.integers(2, 6, size=2)
        game = NormalFormGame(rng.normal(size=shape), rng.normal(size=shape))
        solved = nash_equilibria(game)
        # Nondegenerate games have an odd number of equilibria (Wilson 1971).
        assert solved.degenerate or len(solved.found) % 2 == 1
        for found in solved.found:
            assert abs(sum(found.user) - 1) < 1e-12
            assert abs(sum(found.assistant) - 1) < 1e-12
            assert min(found.user + found.assistant) >= 0
            again = regrets(game, np.array(found.user), np.array(found.assistant))
            assert again == found.regret
            assert again[0] <= REGRET_TOLERANCE * np.ptp(game.user)
            assert again[1] <= REGRET_TOLERANCE * np.ptp(game.assistant)


@pytest.mark.parametrize(("m", "n", "games"), [(2, 2, 300), (2, 3, 400), (3, 3, 300), (3, 2, 100)])
def test_tied_integer_games_agree_with_rational_arithmetic(m: int, n: int, games: int) -> None:
    rng = np.random.default_rng([m, n])
    degenerate = 0
    for _ in range(games):
        user, assistant = rng.integers(0, 3, size=(2, m, n))
        solved = nash_equilibria(NormalFormGame(user, assistant))
        degenerate += solved.degenerate
        found = {tuple(round(p, 9) for p in f.user + f.assistant) for f in solved.found}
        truth = _rational_equilibria(user.tolist(), assistant.tolist())
        expected = {tuple(round(float(p), 9) for p in x + y) for x, y in truth}
        assert found == expected, (user.tolist(), assistant.tolist())
        assert len(found) == len(solved.found)
    assert degenerate > games / 3  # the sample is there for the ties


def test_near_ties_around_the_tolerance_never_leave_a_game_without_equilibrium() -> None:
    rng = np.random.default_rng(11)
    for step in (1e-12, 1e-10, REGRET_TOLERANCE / 4, REGRET_TOLERANCE, 4e-9, 1e-7):
        for _ in range(100):
            shape = (2, *rng.integers(2, 5, size=2))
            user, assistant = rng.integers(0, 3, size=shape) + step * rng.integers(
                -2, 3, size=shape
            )
            assert nash_equilibria(NormalFormGame(user, assistant)).found


entries = st.integers(-4, 4)


@st.composite
def integer_games(draw: st.DrawFn) -> NormalFormGame:
    m, n = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    matrix = st.lists(st.lists(entries, min_size=n, max_size=n), min_size=m, max_size=m)
    return NormalFormGame(np.array(draw(matrix)), np.array(draw(matrix)))


def _points(solved: Equilibria) -> set[tuple[tuple[float, ...], tuple[float, ...]]]:
    def rounded(mixture: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(round(p, 7) for p in mixture)

    return {(rounded(f.user), rounded(f.assistant)) for f in solved.found}


@settings(max_examples=150, deadline=None)
@given(integer_games(), st.data())
def test_what_a_seat_cannot_influence_does_not_move_its_equilibria(
    game: NormalFormGame, data: st.DataObject
) -> None:
    m, n = game.shape
    per_column = np.array(data.draw(st.lists(entries, min_size=n, max_size=n)))
    per_row = np.array(data.draw(st.lists(entries, min_size=m, max_size=m)))
    moved = NormalFormGame(game.user * 3 + per_column, game.assistant * 2 + per_row[:, None])
    assert _points(nash_equilibria(game)) == _points(nash_equilibria(moved))


@settings(max_examples=150, deadline=None)
@given(integer_games(), st.data())
def test_equilibria_follow_permuted_plans(game: NormalFormGame, data: st.DataObject) -> None:
    m, n = game.shape
    rows, columns = data.draw(st.permutations(range(m))), data.draw(st.permutations(range(n)))
    permuted = _points(nash_equilibria(game.restricted(rows, columns)))
    expected = {
        (tuple(x[i] for i in rows), tuple(y[j] for j in columns))
        for x, y in _points(nash_equilibria(game))
    }
    assert permuted == expected


@settings(max_examples=150, deadline=None)
@given(integer_games())
def test_swapping_the_seats_swaps_the_mixtures(game: NormalFormGame) -> None:
    mirrored = NormalFormGame(game.assistant.T, game.user.T)
    assert {(y, x) for x, y in _points(nash_equilibria(mirrored))} == _points(nash_equilibria(game))


@settings(max_examples=100, deadline=None)
@given(integer_games())
def test_the_order_is_pure_first_then_row_major(game: NormalFormGame) -> None:
    cells = [found.cell for found in nash_equilibria(game).found]
    pure = [cell for cell in cells if cell is not None]
    assert cells[: len(pure)] == sorted(pure)
    assert nash_equilibria(game) == nash_equilibria(game)


def test_the_largest_promised_game_is_solved_and_a_larger_one_refused() -> None:
    rng = np.random.default_rng(3)
    for shape in ((7, 7), (8, 8), (6, 12), (2, 198)):
        assert nash_equilibria(NormalFormGame(*rng.normal(size=(2, *shape)))).found
    with pytest.raises(SolverError, match=r"8×8 or 2×198; a 2×199 game has 20,100"):
        nash_equilibria(NormalFormGame(*rng.normal(size=(2, 2, 199))))
    with pytest.raises(SolverError, match=r"9×9 game has 48,620"):
        nash_equilibria(NormalFormGame(*rng.normal(size=(2, 9, 9))))


def _rational_equilibria(user: list[list[int]], assistant: list[list[int]]) -> set[tuple[Row, Row]]:
    """Extreme equilibria by their definition, in exact arithmetic.

    They are the pairs of vertices of the best-reply polyhedra {(x, v): x a mixture, v at least every
    payoff of the other seat against x} in which each mixture is a best reply to the other.
    """
    mirrored = [list(column) for column in zip(*user, strict=True)]
    return {
        (x, y)
        for x in _rational_vertices(assistant)
        for y in _rational_vertices(mirrored)
        if _replies_best(x, y, mirrored) and _replies_best(y, x, assistant)
    }


def _rational_vertices(other: list[list[int]]) -> set[Row]:
    m, n = len(other), len(other[0])
    tight = [[Fraction(int(i == k)) for i in range(m)] + [Fraction(0)] for k in range(m)]
    tight += [[Fraction(other[i][j]) for i in range(m)] + [Fraction(-1)] for j in range(n)]
    mixture = [Fraction(1)] * m + [Fraction(0)]
    found = set()
    for basis in combinations(tight, m):
        solved = _solve([*map(list, basis), list(mixture)], [Fraction(0)] * m + [Fraction(1)])
        if solved is None:
            continue
        x, v = solved[:m], solved[m]
        below = all(sum(x[i] * other[i][j] for i in range(m)) <= v for j in range(n))
        if min(x) >= 0 and below:
            found.add(tuple(x))
    return found


def _replies_best(own: Row, theirs: Row, payoffs: list[list[int]]) -> bool:
    """Whether every played plan of ``own`` is best; ``payoffs`` has the other's plans as rows."""
    worth = [sum(theirs[k] * payoffs[k][i] for k in range(len(theirs))) for i in range(len(own))]
    return all(worth[i] == max(worth) for i in range(len(own)) if own[i] > 0)


def _solve(rows: list[list[Fraction]], right: list[Fraction]) -> list[Fraction] | None:
    """Gauss-Jordan elimination; None for a singular system."""
    size = len(rows)
    rows = [[*row, value] for row, value in zip(rows, right, strict=True)]
    for column in range(size):
        pivot = next((r for r in range(column, size) if rows[r][column] != 0), None)
        if pivot is None:
            return None
        rows[column], rows[pivot] = rows[pivot], rows[column]
        rows[column] = [value / rows[column][column] for value in rows[column]]
        for r in range(size):
            if r != column and rows[r][column] != 0:
                factor = rows[r][column]
                rows[r] = [a - factor * b for a, b in zip(rows[r], rows[column], strict=True)]
    return [row[size] for row in rows]
