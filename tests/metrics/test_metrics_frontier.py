"""Dominance, frontiers and distances to them, on points worked out by hand and on random ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtalign_training.metrics import (
    chebyshev_regret,
    coverage,
    dominance,
    frontier,
    frontier_by_instance,
    hypervolume,
)

TOY = [(1.0, 0.5), (0.5, 1.0)]
CLOSE = 1e-12
whole = st.integers(-4, 4).map(float)  # few values, so that ties are common
clouds = st.lists(st.tuples(whole, whole), min_size=1, max_size=12)


def test_dominance_by_hand() -> None:
    mine = [(1, 1), (1, 2), (0, 0), (2, 0), (1.05, 1)]
    theirs = [(0, 1), (1, 2), (1, 0), (0, 2), (1, 1.02)]
    assert dominance(mine, theirs) == (0.0, 1, 1, 1, 2)
    assert dominance(mine, theirs, 0.1) == (0.1, 1, 1, 2, 1)  # the last pair is now equal


def test_near_points_do_not_dominate_each_other() -> None:
    """The relaxed relation of the published evaluation counts both ways here."""
    found = dominance([(1.0, 1.0)], [(1.01, 0.99)], 0.05)
    assert (found.first, found.second, found.equal) == (0, 0, 1)


def test_frontier_by_hand() -> None:
    points = [(1, 1), (2, 0), (0, 2), (1, 0), (1, 1), (0.5, 0.5), (2, -1)]
    assert frontier(points).tolist() == [True, True, True, False, True, False, False]


def test_hypervolume_of_the_toy_frontier() -> None:
    """model.md 9: 1 x .5 + .5 x .5; the published code gives another number."""
    assert hypervolume(TOY) == 0.75
    assert hypervolume(TOY, (0.5, 0.5)) == 0.0
    assert hypervolume(TOY, (0.0, 0.5)) == 0.25
    assert hypervolume([(2, 3), (-1, 9), (1, 1)], (0, 0)) == 6.0
    assert hypervolume([(3, 1), (2, 2), (1, 3)]) == 6.0


def test_regret_and_coverage_by_hand() -> None:
    points = [(1.0, 0.5), (0.5, 0.5), (0.0, 0.0), (2.0, 2.0)]
    assert chebyshev_regret(points, TOY).tolist() == [0.0, 0.5, 1.0, 0.0]
    # in units of (2, 1): (0,0) lacks (.5, .5) of the first and (.25, 1) of the second
    assert chebyshev_regret(points, TOY, (2.0, 1.0)).tolist() == [0.0, 0.25, 0.5, 0.0]
    assert chebyshev_regret([(0.0, 1.0)], [(1.0, 1.0)], (0.0, 5.0)).tolist() == [1.0]
    assert coverage(points, TOY) == 0.5
    assert coverage(points, TOY, 0.5) == 0.75
    assert coverage(points, TOY, (0.5, 0.0)) == 0.75


@pytest.mark.parametrize(
    ("points", "problem"),
    [([1.0, 2.0], "shape"), ([[1.0, np.nan]], "finite"), ([[1, 2, 3]], "shape")],
)
def test_what_is_no_point_is_refused(points: object, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        frontier(points)  # type: ignore[arg-type]  # on purpose


def test_counts_of_points_must_fit() -> None:
    with pytest.raises(ValueError, match="same instances"):
        dominance([(1, 1)], [(1, 1), (2, 2)])
    with pytest.raises(ValueError, match="at least 0"):
        dominance([(1, 1)], [(1, 1)], -0.1)
    with pytest.raises(ValueError, match="at least one"):
        coverage(np.empty((0, 2)), TOY)


@given(clouds)
def test_frontier_is_what_nobody_dominates(cloud: list[tuple[float, float]]) -> None:
    expected = [not any(b[0] >= a[0] and b[1] >= a[1] and b != a for b in cloud) for a in cloud]
    assert frontier(cloud).tolist() == expected
    one = np.array(cloud)[None]
    assert frontier_by_instance(one)[0].tolist() == expected


@given(clouds, st.randoms())
def test_order_makes_no_difference(cloud: list[tuple[float, float]], shuffle: object) -> None:
    mixed = list(cloud)
    shuffle.shuffle(mixed)  # type: ignore[attr-defined]  # hypothesis gives a Random
    assert hypervolume(cloud, (-5, -5)) == hypervolume(mixed, (-5, -5))
    assert sorted(chebyshev_regret(cloud, TOY)) == sorted(chebyshev_regret(mixed, TOY))
    assert coverage(cloud, TOY, 0.1) == coverage(mixed, TOY, 0.1)


@given(clouds, st.tuples(whole, whole))
def test_more_points_never_cover_less(
    cloud: list[tuple[float, float]], more: tuple[float, float]
) -> None:
    assert hypervolume([*cloud, more], (-5, -5)) >= hypervolume(cloud, (-5, -5)) - CLOSE
    near, far = (chebyshev_regret(cloud, front).mean() for front in (TOY, [*TOY, (3.0, 3.0)]))
    assert near <= far + CLOSE


@given(clouds)
def test_area_is_the_measure_of_what_is_dominated(cloud: list[tuple[float, float]]) -> None:
    """Whole coordinates: count the unit squares below some point."""
    squares = sum(
        any(u >= x + 1 and v >= y + 1 for u, v in cloud) for x in range(-5, 4) for y in range(-5, 4)
    )
    assert hypervolume(cloud, (-5, -5)) == pytest.approx(squares, abs=CLOSE)


@given(clouds)
def test_points_on_the_frontier_have_no_regret(cloud: list[tuple[float, float]]) -> None:
    points = np.array(cloud)
    on = frontier(points)
    regret = chebyshev_regret(points, points[on])
    assert ((regret == 0) >= on).all()
    assert coverage(points, points[on]) == on.mean()


@given(clouds, clouds)
def test_dominance_has_two_sides(
    mine: list[tuple[float, float]], theirs: list[tuple[float, float]]
) -> None:
    n = min(len(mine), len(theirs))
    one, other = dominance(mine[:n], theirs[:n], 1.0), dominance(theirs[:n], mine[:n], 1.0)
    assert (one.first, one.second, one.equal) == (other.second, other.first, other.equal)
    assert sum(one[1:]) == n
