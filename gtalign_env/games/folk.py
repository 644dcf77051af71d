"""What patience can sustain: minmax values, and the feasible individually rational payoffs.

By the folk theorem every payoff pair in the polygon's inside is an equilibrium of the repeated game
for discount factors near 1; a public signal makes every mixture of cells feasible in each round.

References:
    Aumann and Shapley (1976); Fudenberg and Maskin (1986), "The folk theorem in repeated games with
    discounting or with incomplete information"; Sutherland and Hodgman (1974), "Reentrant polygon
    clipping"; Andrew (1979), "Another efficient algorithm for convex hulls in two dimensions".
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gtalign_env.errors import SolverError
from gtalign_env.games.normal_form import FloatArray, NormalFormGame, Seat, tolerance_of


class Minmax(NamedTuple):
    """How far down the other seat can hold a seat that replies as best it can.

    Attributes:
        pure: The least, where the other seat may not mix, points.
        mixed: The least, where it may, points; never above ``pure``.
        punishment: The other seat's mixture that holds it to ``mixed``, one probability a plan.
    """

    pure: float
    mixed: float
    punishment: tuple[float, ...]


class FolkSet(NamedTuple):
    """The payoffs that a repeated game can have and patience can sustain.

    Attributes:
        feasible: Corners of the mixtures of cells, counter-clockwise, shape ``(V, 2)``, points.
        rational: Corners of those that give both seats their minmax at least, shape ``(W, 2)``;
            one or two corners where they are a point or a segment.
        minmax: What each seat can be held to (mixed punishments), user and assistant, points.
    """

    feasible: FloatArray
    rational: FloatArray
    minmax: tuple[float, float]


def minmax(game: NormalFormGame, seat: Seat) -> Minmax:
    """Return what a seat can be held to, by pure and by mixed plans of the other seat.

    The mixed value is the least v such that some mixture y of the other seat gives every own plan
    at most v: a linear program.

    Args:
        game: The game, of shape ``(m, n)``.
        seat: Who is held down.

    Raises:
        SolverError: The linear program failed.
    """
    from scipy.optimize import linprog

    own = game.user if seat == "user" else game.assistant.T
    plans, others = own.shape
    shift = float(own.min())
    found = linprog(
        c=np.append(np.zeros(others), 1.0),
        A_ub=np.hstack([own - shift, -np.ones((plans, 1))]),
        b_ub=np.zeros(plans),
        A_eq=np.append(np.ones(others), 0.0)[None, :],
        b_eq=[1.0],
        bounds=[(0.0, None)] * (others + 1),
        method="highs",
    )
    if found.status != 0:
        raise SolverError(f"the minmax program of the {seat} failed: {found.message}")
    mixture = np.maximum(found.x[:others], 0.0)
    mixture /= mixture.sum()
    pure = float(own.max(axis=0).min())
    # The value that the returned mixture really holds the seat to, rather than the solver's.
    return Minmax(pure, min(float((own @ mixture).max()), pure), tuple(mixture.tolist()))


def folk_set(game: NormalFormGame) -> FolkSet:
    """Return the feasible payoffs and those of them that are individually rational.

    Args:
        game: The game, of shape ``(m, n)``.
    """
    values = minmax(game, "user").mixed, minmax(game, "assistant").mixed
    points = np.stack([game.user.ravel(), game.assistant.ravel()], axis=1)
    feasible = convex_hull(points)
    rational = feasible
    for axis, value in enumerate(values):
        # An equilibrium of the stage gives at least the minmax, so rounding alone can empty the set.
        tol = tolerance_of(points[:, axis])
        rational = _at_least(rational, axis, min(value, float(rational[:, axis].max())), tol)
    return FolkSet(feasible, _merged(rational, tolerance_of(points)), values)


def contains(polygon: FloatArray, point: tuple[float, float], tol: float = 1e-9) -> bool:
    """Return whether a convex polygon, segment or point holds a payoff pair.

    Args:
        polygon: Corners counter-clockwise, shape ``(V, 2)``, points.
        point: Payoffs of user and assistant, points.
        tol: Distance within which a point counts as inside, as a share of the polygon's extent.
    """
    slack = tol * (1.0 + float(np.ptp(polygon, axis=0).max()))
    at = np.asarray(point, dtype=np.float64)
    low, high = polygon.min(axis=0) - slack, polygon.max(axis=0) + slack
    if bool((at < low).any() or (at > high).any()):
        return False
    edges = np.roll(polygon, -1, axis=0) - polygon
    to = at - polygon
    cross = edges[:, 0] * to[:, 1] - edges[:, 1] * to[:, 0]
    lengths = np.hypot(edges[:, 0], edges[:, 1])
    return bool((cross >= -slack * np.maximum(lengths, slack)).all())


def convex_hull(points: FloatArray) -> FloatArray:
    """Return the corners of the convex hull, counter-clockwise, shape ``(V, 2)``.

    Args:
        points: Shape ``(N, 2)``; points on one line give its two ends, equal points one.
    """
    ordered = sorted({(x, y) for x, y in points.tolist()})
    if len(ordered) <= 2:
        return np.array(ordered, dtype=np.float64)
    extent = np.ptp(points, axis=0)
    flat = 1e-12 * float(extent[0] * extent[1])

    def half(row: list[tuple[float, float]]) -> list[tuple[float, float]]:
        chain: list[tuple[float, float]] = []
        for point in row:
            while len(chain) >= 2 and _cross(chain[-2], chain[-1], point) <= flat:
                chain.pop()
            chain.append(point)
        return chain[:-1]

    return np.array(half(ordered) + half(ordered[::-1]), dtype=np.float64)


def _merged(corners: FloatArray, tol: float) -> FloatArray:
    """Return the corners without those that another one is as good as equal to."""
    kept: list[FloatArray] = []
    for corner in corners:
        if all(float(np.abs(corner - other).max()) > tol for other in kept):
            kept.append(corner)
    return np.array(kept)


def _cross(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _at_least(polygon: FloatArray, axis: int, value: float, tol: float) -> FloatArray:
    """Return the part of a convex polygon in which one coordinate is at least a value."""
    inside = polygon[:, axis] >= value - tol
    kept: list[FloatArray] = []
    for k in range(len(polygon)):
        here, there = polygon[k], polygon[(k + 1) % len(polygon)]
        if inside[k]:
            kept.append(here)
        if inside[k] != inside[(k + 1) % len(polygon)]:
            share = (value - here[axis]) / (there[axis] - here[axis])
            cut = here + share * (there - here)
            cut[axis] = value
            kept.append(cut)
    return convex_hull(np.array(kept))
