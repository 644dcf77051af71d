"""What two sides would agree on that can play any mixture of cells by agreement.

The feasible payoffs are the convex hull of the cells' payoffs. Nash's solution maximises the product
of the gains over the disagreement point d; Kalai and Smorodinsky's gives both the same share of the
most each could gain.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from gtalign_env.games.normal_form import FloatArray, NormalFormGame, tolerance_of

Point = tuple[float, float]


class Agreement(NamedTuple):
    """A point on the frontier of the feasible payoffs.

    Attributes:
        payoffs: Of user and assistant, points.
        distribution: Probability of each cell that brings it about, shape ``(m, n)``; at most two
            cells.
    """

    payoffs: Point
    distribution: FloatArray


class _Edge(NamedTuple):
    """A side of the hull: two cells as row-major numbers, and their gains over d on a unit scale."""

    cells: tuple[int, int]
    start: Point
    end: Point

    def at(self, t: float) -> Point:
        return (
            self.start[0] + t * (self.end[0] - self.start[0]),
            self.start[1] + t * (self.end[1] - self.start[1]),
        )


def nash_bargaining(
    game: NormalFormGame, disagreement: Point = (0.0, 0.0), alpha: float = 0.5
) -> Agreement | None:
    """Return the feasible point of greatest (U − d_u)^α (L − d_l)^(1 − α).

    1. On each side of the hull, where both gain, the logarithm of the product is concave; its
       maximum is where the derivative vanishes, or an end.
    2. Keep the best side.

    Args:
        game: The game, of shape ``(m, n)``.
        disagreement: d, what user and assistant get without agreement, points.
        alpha: The user's bargaining power, between 0 and 1.

    Returns:
        The agreement, or None if no feasible point is better than d for both.

    Raises:
        ValueError: ``alpha`` is not between 0 and 1, or ``disagreement`` is not finite.

    References:
        Nash (1950), "The bargaining problem"; Harsanyi and Selten (1972) for α other than ½.
    """
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha must lie between 0 and 1, both excluded; got {alpha!r}")

    def product(point: Point) -> float:
        # an end cut off at no gain may lie below it by rounding
        return math.pow(max(point[0], 0.0), alpha) * math.pow(max(point[1], 0.0), 1.0 - alpha)

    def best(edge: _Edge, low: float, high: float) -> float:
        u, v = edge.start
        du, dv = edge.end[0] - u, edge.end[1] - v
        if du * dv >= 0.0:  # both gain, or nobody loses, towards one end
            return high if du + dv > 0.0 else low
        level = -(alpha * du * v + (1.0 - alpha) * dv * u) / (du * dv)
        return min(max(level, low), high)

    return _agreement(game, disagreement, product, best)


def kalai_smorodinsky(game: NormalFormGame, disagreement: Point = (0.0, 0.0)) -> Agreement | None:
    """Return the greatest feasible point at which both get the same share of their greatest gain.

    1. The greatest gain of a seat is that on the hull where the other does not lose.
    2. Where the line from d to both greatest gains leaves the hull is the solution.

    Args:
        game: The game, of shape ``(m, n)``.
        disagreement: d, what user and assistant get without agreement, points.

    Returns:
        The agreement, or None if no feasible point is better than d for both.

    Raises:
        ValueError: ``disagreement`` is not finite.

    References:
        Kalai and Smorodinsky (1975), "Other solutions to Nash's bargaining problem".
    """
    ends = [
        edge.at(t)
        for edge in _edges(game, disagreement)
        for span in [_gainful(edge)]
        if span is not None
        for t in span
    ]
    ideal = max((u for u, _ in ends), default=0.0), max((v for _, v in ends), default=0.0)
    if min(ideal) <= 0.0:
        return None

    def share(point: Point) -> float:
        return min(point[0] / ideal[0], point[1] / ideal[1])

    def best(edge: _Edge, low: float, high: float) -> float:
        # the lesser share is greatest at an end, or where both are equal
        start, end = (
            point[0] / ideal[0] - point[1] / ideal[1] for point in (edge.at(0.0), edge.at(1.0))
        )
        candidates = [low, high]
        if start != end:
            candidates.append(min(max(start / (start - end), low), high))
        return max(candidates, key=lambda t: share(edge.at(t)))

    return _agreement(game, disagreement, share, best)


def _agreement(
    game: NormalFormGame,
    disagreement: Point,
    worth: Callable[[Point], float],
    best: Callable[[_Edge, float, float], float],
) -> Agreement | None:
    """Return the point of greatest worth on the sides of the hull, or None if nobody agrees."""
    found: list[tuple[float, _Edge, float]] = []
    for edge in _edges(game, disagreement):
        span = _gainful(edge)
        if span is not None:
            t = best(edge, *span)
            found.append((worth(edge.at(t)), edge, t))
    if not found or max(found, key=lambda one: one[0])[0] <= 0.0:
        return None
    _, edge, t = max(found, key=lambda one: one[0])
    distribution = np.zeros(game.user.size)
    distribution[edge.cells[0]] += 1.0 - t
    distribution[edge.cells[1]] += t
    distribution = distribution.reshape(game.shape)
    payoffs = [float((distribution * own).sum()) for own in (game.user, game.assistant)]
    return Agreement((payoffs[0], payoffs[1]), distribution)


def _gainful(edge: _Edge) -> tuple[float, float] | None:
    """Return the part of a side, as shares of it, on which both gain, ends included; or None."""
    low, high = 0.0, 1.0
    for a, b in zip(edge.start, edge.end, strict=True):
        if max(a, b) <= 0.0:
            return None
        if a < 0.0:
            low = max(low, a / (a - b))
        elif b < 0.0:
            high = min(high, a / (a - b))
    return (low, high) if low <= high else None


def _edges(game: NormalFormGame, disagreement: Point) -> list[_Edge]:
    """Return the sides of the hull of the payoffs; of a hull that is a point, the point twice.

    Gains are in units of the seat's spread; what the tolerance calls no gain is 0.

    Raises:
        ValueError: The disagreement point is not finite.
    """
    if not np.isfinite(disagreement).all():
        raise ValueError(f"the disagreement point must be two finite numbers; got {disagreement}")
    columns = []
    for own, d in zip((game.user, game.assistant), disagreement, strict=True):
        gains = own.ravel() - d
        gains = np.where(np.abs(gains) <= tolerance_of(own), 0.0, gains)
        columns.append(gains / (float(np.abs(gains).max()) or 1.0))
    points = list(zip(*(column.tolist() for column in columns), strict=True))
    order = sorted(range(len(points)), key=points.__getitem__)
    corners = _half(points, order) + _half(points, order[::-1])
    return [
        _Edge((a, b), points[a], points[b])
        for a, b in zip(corners, corners[1:] + corners[:1], strict=True)
    ]


def _half(points: list[Point], order: list[int]) -> list[int]:
    """Return half of the hull, without its last corner (Andrew's monotone chain, 1979)."""
    chain: list[int] = []
    for k in order:
        if chain and points[k] == points[chain[-1]]:
            continue
        while len(chain) > 1 and _turn(points[chain[-2]], points[chain[-1]], points[k]) <= 0.0:
            chain.pop()
        chain.append(k)
    return chain[:-1] if len(chain) > 1 else chain[:1]


def _turn(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
