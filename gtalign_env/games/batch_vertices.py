"""Compiled: the vertices of one best-reply polytope, inequality by inequality.

A vertex is kept as the row of all its slacks, those of x ≥ 0 first, then those of the other seat's
plans; every slack is linear along an edge, so that a new vertex is one interpolation. Its labels, one
bit a slack, say which of them vanish. What is neither clearly zero nor clearly positive ends the
enumeration with `DOUBTFUL`, for the caller to solve that game with more care.

This module is imported inside functions only, as it imports numba.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar, cast

import numba  # noqa: TID253  # a module of compiled functions, itself imported on use
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Function = TypeVar("Function", bound=Callable[..., object])

NOUGHT = 1e-12  # a slack up to this is rounding; payoffs lie in [1, 2]
CLEAR = 1e-8  # from here on a slack is surely none; `nash.TIGHT_TOLERANCE` lies between the two
STEEP = 1e-5  # least difference of the slacks at both ends of an edge that is to be cut
DOUBTFUL = -1


def compiled(function: Function) -> Function:
    """Return the function compiled by numba on its first call, and from then on from its cache."""
    return cast(Function, numba.njit(cache=True, nogil=True, error_model="numpy")(function))


def most_vertices(dimension: int, facets: int) -> int:
    """Return the greatest number of vertices of a polytope.

    Args:
        dimension: Of the polytope.
        facets: How many inequalities bound it.

    References:
        McMullen (1970), "The maximum numbers of faces of a convex polytope".
    """
    upper, lower = (dimension + 1) // 2, dimension // 2
    return math.comb(facets - upper, lower) + math.comb(facets - lower - 1, upper - 1)


@compiled
def vertices(other: FloatArray, points: FloatArray, labels: IntArray) -> int:
    """Find the vertices of {x ≥ 0 : otherᵀ x ≤ 1}; the first of them is the origin.

    1. Begin with the simplex {x ≥ 0 : other[:, 0] · x ≤ 1}.
    2. For every further column, drop the vertices that violate it, and add the point where it cuts
       each edge between one that does and one that does not. Two vertices span an edge if no other
       vertex has all their common labels.
    3. See that every slack without a label is clearly positive.

    Args:
        other: The other seat's payoffs, shape ``(m, n)``, own plans as rows, in [1, 2].
        points: Filled with the slacks of each vertex, shape ``(2 · most, m + n)``.
        labels: Filled with the bits of the slacks that vanish, shape ``(2 · most,)``.

    Returns:
        The number of vertices, or `DOUBTFUL`.

    References:
        Motzkin, Raiffa, Thompson and Thrall (1953), "The double description method"; Fukuda and
        Prodon (1996), "Double description method revisited".
    """
    m, n = other.shape
    width = m + n
    for c in range(width):
        points[0, c] = 0.0 if c < m else 1.0
    labels[0] = (1 << m) - 1
    for i in range(m):
        for c in range(m):
            points[i + 1, c] = 0.0
        points[i + 1, i] = 1.0 / other[i, 0]
        points[i + 1, m] = 0.0
        for j in range(1, n):
            points[i + 1, m + j] = 1.0 - other[i, j] / other[i, 0]
        labels[i + 1] = labels[0] & ~(1 << i) | (1 << m)
    count: int = m + 1
    simple = True  # every vertex has m labels: two that share m - 1 of them span an edge
    for j in range(1, n):
        cut = m + j
        for v in range(count):
            slack = points[v, cut]
            if abs(slack) <= NOUGHT:
                points[v, cut] = 0.0
                labels[v] |= 1 << cut
                simple = False
            elif abs(slack) < CLEAR:
                return DOUBTFUL
        new = count
        for v in range(count):
            if points[v, cut] >= 0.0:
                continue
            for w in range(count):
                if points[w, cut] <= 0.0:
                    continue
                common = labels[v] & labels[w]
                if simple:
                    own = labels[v] & ~common
                    if own & (own - 1) != 0:
                        continue
                elif not _edge(labels, count, v, w):
                    continue
                drop = points[w, cut] - points[v, cut]
                if drop < STEEP:
                    return DOUBTFUL
                share = points[w, cut] / drop
                for c in range(width):
                    points[new, c] = points[w, c] + share * (points[v, c] - points[w, c])
                points[new, cut] = 0.0
                labels[new] = common | (1 << cut)
                new += 1
        kept = 0
        for v in range(new):
            if points[v, cut] >= 0.0:
                if kept != v:
                    points[kept, :] = points[v, :]
                    labels[kept] = labels[v]
                kept += 1
        count = kept
    for v in range(1, count):
        for c in range(width):
            if (labels[v] >> c) & 1 == 0 and points[v, c] < CLEAR:
                return DOUBTFUL
    return count


@compiled
def _edge(labels: IntArray, count: int, v: int, w: int) -> bool:
    common = labels[v] & labels[w]
    for other in range(count):
        if other != v and other != w and labels[other] & common == common:
            return False
    return True


@compiled
def crowded(labels: IntArray, count: int, size: int) -> bool:
    """Return whether some vertex but the origin has more labels than the polytope has dimensions.

    Args:
        labels: Bits of the slacks that vanish, shape ``(most,)``; the origin first.
        count: How many vertices there are.
        size: The dimension.
    """
    for v in range(1, count):
        left, bits = labels[v], 0
        while left:
            left &= left - 1
            bits += 1
        if bits > size:
            return True
    return False
