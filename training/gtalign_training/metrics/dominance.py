"""Who is better for both sides, instance by instance."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Dominance(NamedTuple):
    """In how many instances the first, the second or neither is better for both sides.

    Attributes:
        epsilon: Difference of a side that counts as none, points.
        first: Instances in which the first dominates.
        second: Instances in which the second does.
        equal: Instances in which no side differs by more than epsilon.
        incomparable: The others: one is better for the user, the other for the assistant.
    """

    epsilon: float
    first: int
    second: int
    equal: int
    incomparable: int


def dominance(first: ArrayLike, second: ArrayLike, epsilon: float = 0.0) -> Dominance:
    """Return how often each of two is better for both sides, on the same instances.

    The first dominates where no side loses more than epsilon and one gains more than that; at
    epsilon 0 this is Pareto dominance. Two points never dominate each other, whatever epsilon is:
    in the published evaluation of GTAlign (its relaxed relation asks only for ``a > b - epsilon``)
    two near points do, and are then filed as incomparable.

    Args:
        first: U and L of the first, shape ``(n, 2)``, points.
        second: Those of the second on the same instances, shape ``(n, 2)``, points.
        epsilon: Difference of a side that counts as none, points.

    Raises:
        ValueError: The shapes are not these, a number is not finite, or epsilon is negative.

    References:
        Miettinen (1999), "Nonlinear multiobjective optimization", sec. 2.2.
    """
    a, b = points_of(first, "first"), points_of(second, "second")
    if a.shape != b.shape:
        raise ValueError(f"both must have the same instances; got {len(a)} and {len(b)}")
    if not epsilon >= 0.0:
        raise ValueError(f"epsilon is a difference, at least 0; got {epsilon!r}")
    gain = a - b
    wins, losses = (gain > epsilon).any(axis=1), (gain < -epsilon).any(axis=1)
    return Dominance(
        epsilon,
        first=int((wins & ~losses).sum()),
        second=int((losses & ~wins).sum()),
        equal=int((~wins & ~losses).sum()),
        incomparable=int((wins & losses).sum()),
    )


def points_of(points: ArrayLike, name: str = "points") -> NDArray[np.float64]:
    """Return points as an array of shape ``(n, 2)``.

    Args:
        points: U and L of each, points.
        name: What to call them in a message.

    Raises:
        ValueError: The shape is another, or a number is not finite.
    """
    array = np.asarray(points, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] != 2:
        raise ValueError(f"{name} must have shape (n, 2), U and L of each; got {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite: leave out conversations with a fault")
    return array
