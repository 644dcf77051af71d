"""Pareto frontiers of (U, L), and how near points come to them.

The published evaluation of GTAlign pools all prompts into one frontier, so that a hard prompt
competes with an easy one, and its hypervolume is wrong: it is checked here against a toy frontier
{(1, .5), (.5, 1)} from (0, 0), whose area is 0.75.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gtalign_training.metrics.dominance import points_of

Mask = NDArray[np.bool_]
BLOCK = 1 << 22
"""Most pairs of points that are compared at once; no result depends on it."""


def frontier(points: ArrayLike) -> Mask:
    """Return which points no other one dominates, shape ``(n,)``; equal points are all on it.

    1. Sort by U, greatest first, and by L among equals.
    2. A point is on the frontier if it has the greatest L of its U, and more L than every point
       with more U.

    Args:
        points: U and L of each, shape ``(n, 2)``, points.

    Raises:
        ValueError: The shape is another, or a number is not finite.

    References:
        Kung, Luccio and Preparata (1975), "On finding the maxima of a set of vectors", sec. 2.
    """
    values = points_of(points)
    on = np.zeros(len(values), dtype=np.bool_)
    best, best_user = -math.inf, math.inf
    for index in np.lexsort((-values[:, 1], -values[:, 0])):
        user, assistant = values[index]
        if assistant > best or (assistant == best and user == best_user):
            on[index] = True
            best, best_user = assistant, user
    return on


def frontier_by_instance(points: ArrayLike) -> Mask:
    """Return who is on the frontier of each instance, shape ``(n, k)``.

    Args:
        points: U and L of k competitors on n instances, shape ``(n, k, 2)``, points.

    Raises:
        ValueError: The shape is another, or a number is not finite.
    """
    values = np.asarray(points, dtype=np.float64)
    if values.ndim != 3 or values.shape[2] != 2 or not np.isfinite(values).all():
        raise ValueError(f"points must be finite, of shape (n, k, 2); got {values.shape}")
    on = np.ones(values.shape[:2], dtype=np.bool_)
    for rival in range(values.shape[1]):
        gain = values[:, rival : rival + 1] - values
        on &= ~((gain >= 0).all(axis=2) & (gain > 0).any(axis=2))
    return on


def hypervolume(points: ArrayLike, reference: tuple[float, float] = (0.0, 0.0)) -> float:
    """Return the area that points dominate above a reference point, points squared; exact.

    1. Leave out what is not above the reference on both sides.
    2. Go along the frontier by rising U; each point adds the strip between the last U and its own,
       as high as its L.

    Args:
        points: U and L of each, shape ``(n, 2)``, points.
        reference: What the area lies above, in both coordinates.

    Raises:
        ValueError: The shape is another, or a number is not finite.

    References:
        Zitzler and Thiele (1999), "Multiobjective evolutionary algorithms: a comparative case
        study and the strength Pareto approach", sec. III.
    """
    values = points_of(points) - np.asarray(reference, dtype=np.float64)
    values = values[(values > 0).all(axis=1)]
    if not len(values):
        return 0.0
    front = np.unique(values[frontier(values)], axis=0)  # by rising U, so by falling L
    widths = np.diff(front[:, 0], prepend=0.0)
    return math.fsum(widths * front[:, 1])


def coverage(points: ArrayLike, front: ArrayLike, epsilon: ArrayLike = 0.0) -> float:
    """Return the share of points that come up to a frontier, but for epsilon, in [0, 1].

    A point does if there is a point of the frontier that is better by at most epsilon on each side.
    At epsilon 0 these are the points on the frontier or beyond it.

    Args:
        points: U and L of each, shape ``(n, 2)``, points.
        front: The frontier, shape ``(m, 2)``, points.
        epsilon: What may be lacking, points: one number, or one for each side.

    Raises:
        ValueError: A shape is another, a number is not finite, or there are no points.
    """
    lacking = _lacking(points, front, np.ones(2), np.asarray(epsilon, dtype=np.float64))
    return float((lacking <= 0).mean())


def chebyshev_regret(
    points: ArrayLike, front: ArrayLike, span: tuple[float, float] = (1.0, 1.0)
) -> NDArray[np.float64]:
    """Return how far each point lies from a frontier, shape ``(n,)``; 0 on it or beyond.

    The distance to a point of the frontier is what is lacking on the side that lacks most, in units
    of that side's span; the regret is the least over the frontier.

    Args:
        points: U and L of each, shape ``(n, 2)``, points.
        front: The frontier, shape ``(m, 2)``, points.
        span: By what each side is divided, points; a span of 0 counts as 1.

    Raises:
        ValueError: A shape is another, a number is not finite, or there are no points.

    References:
        Miettinen (1999), "Nonlinear multiobjective optimization", sec. 3.4 (weighted Chebyshev).
    """
    unit = np.array([side if side > 0 else 1.0 for side in span])
    return np.maximum(0.0, _lacking(points, front, unit, np.zeros(2)))


def _lacking(
    points: ArrayLike, front: ArrayLike, unit: NDArray[np.float64], epsilon: NDArray[np.float64]
) -> NDArray[np.float64]:
    values, best = points_of(points), points_of(front, "front")
    if not len(values) or not len(best):
        raise ValueError("there must be at least one point and one point of the frontier")
    out = np.empty(len(values))
    size = max(1, BLOCK // len(best))
    for start in range(0, len(values), size):
        some = values[start : start + size, None]
        out[start : start + size] = ((best[None] - some - epsilon) / unit).max(axis=2).min(axis=1)
    return out
