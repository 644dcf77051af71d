"""Rest points of the replicator dynamics, and whether they are stable.

References:
    Hofbauer and Sigmund (1998), "Evolutionary Games and Population Dynamics", ch. 7 and 10;
    Hirsch and Smale (1974), "Differential Equations, Dynamical Systems, and Linear Algebra", ch. 9.
"""

from __future__ import annotations

from itertools import chain, combinations
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gtalign_env.errors import SolverError
from gtalign_env.games.dynamics import Dynamic
from gtalign_env.games.normal_form import FloatArray

ZERO = 1e-9  # real part within which an eigenvalue decides nothing, share of the payoffs' spread
MOST_SUPPORTS = 20_000  # pairs of supports that are tried; 7×7 has 3,431 of equal size

Stability = Literal["stable", "unstable", "undecided"]


class RestPoint(NamedTuple):
    """A state at which nothing changes.

    Attributes:
        state: Mixtures, shape ``(size,)``.
        eigenvalues: Of the Jacobian along the simplices, shape ``(size - populations,)``, greatest
            real part first.
        stability: ``stable`` if all real parts are negative (it attracts what is near), ``unstable``
            if one is positive, ``undecided`` otherwise: the linear part says nothing, as at a centre.
    """

    state: FloatArray
    eigenvalues: NDArray[np.complex128]
    stability: Stability


def rest_points(dynamic: Dynamic) -> tuple[RestPoint, ...]:
    """Return the isolated rest points of a replicator dynamic, with their stability.

    1. Try every support (pairs of supports of one size, in two populations): at rest, all plans that
       are played earn the same, a linear system.
    2. Keep solutions that are unique and positive on the support.
    3. Differentiate the dynamic there, along the simplices, and look at the eigenvalues.

    Args:
        dynamic: The dynamic; rest points of the others are not found this way.

    Raises:
        SolverError: It is no replicator dynamic, or the game is too large to try all supports.
    """
    if dynamic.kind != "replicator":
        raise SolverError(
            f"rest points are enumerated for the replicator dynamic; of {dynamic.kind!r} ask for "
            "attractors"
        )
    states = _population(dynamic) if dynamic.one_population else _pairs(dynamic)
    return tuple(_judged(dynamic, state) for state in states)


def jacobian(dynamic: Dynamic, state: FloatArray) -> FloatArray:
    """Return the derivative of a replicator dynamic along the simplices.

    Args:
        dynamic: The dynamic.
        state: Mixtures, shape ``(size,)``.

    Returns:
        Shape ``(size - populations, size - populations)``, points, in an orthonormal basis.
    """
    A, B = dynamic.game.user, dynamic.game.assistant
    m, n = dynamic.game.shape
    if dynamic.one_population:
        worth = A @ state
        full = np.diag(worth - state @ worth) - np.outer(state, worth + A.T @ state)
        full += state[:, None] * A
        basis = _tangent(m)
        return np.asarray(basis.T @ full @ basis, dtype=np.float64)
    x, y = state[:m], state[m:]
    worth_x, worth_y = A @ y, B.T @ x
    full = np.zeros((m + n, m + n))
    full[:m, :m] = np.diag(worth_x - x @ worth_x) - np.outer(x, worth_x)
    full[:m, m:] = x[:, None] * (A - x @ A)
    full[m:, m:] = np.diag(worth_y - y @ worth_y) - np.outer(y, worth_y)
    full[m:, :m] = y[:, None] * (B.T - (B @ y)[None, :])
    basis = np.zeros((m + n, m + n - 2))
    basis[:m, : m - 1] = _tangent(m)
    basis[m:, m - 1 :] = _tangent(n)
    return np.asarray(basis.T @ full @ basis, dtype=np.float64)


def _judged(dynamic: Dynamic, state: FloatArray) -> RestPoint:
    found = np.linalg.eigvals(jacobian(dynamic, state)).astype(np.complex128)
    eigenvalues = found[np.argsort(-found.real, kind="stable")]
    zero = ZERO * dynamic.spread
    stability: Stability = "undecided"
    if (eigenvalues.real > zero).any():
        stability = "unstable"
    elif (eigenvalues.real < -zero).all():
        stability = "stable"
    return RestPoint(state, eigenvalues, stability)


def _population(dynamic: Dynamic) -> list[FloatArray]:
    size = dynamic.size
    _check(2**size - 1, dynamic)
    found = []
    for support in chain.from_iterable(combinations(range(size), k) for k in range(1, size + 1)):
        mixture = _indifferent(dynamic.game.user, support, support)
        if mixture is not None:
            found.append(mixture)
    return found


def _pairs(dynamic: Dynamic) -> list[FloatArray]:
    m, n = dynamic.game.shape
    pairs = [
        (rows, columns)
        for k in range(1, min(m, n) + 1)
        for rows in combinations(range(m), k)
        for columns in combinations(range(n), k)
    ]
    _check(len(pairs), dynamic)
    found = []
    for rows, columns in pairs:
        # Each seat's mixture is the one that makes the other indifferent.
        y = _indifferent(dynamic.game.user, rows, columns)
        x = _indifferent(dynamic.game.assistant.T, columns, rows)
        if x is not None and y is not None:
            found.append(np.concatenate([x, y]))
    return found


def _indifferent(
    payoffs: FloatArray, plans: tuple[int, ...], others: tuple[int, ...]
) -> FloatArray | None:
    """Return the only positive mixture of ``others`` under which all ``plans`` earn the same."""
    k = len(plans)
    system = np.zeros((k + 1, k + 1))
    system[:k, :k] = payoffs[np.ix_(plans, others)]
    system[:k, k] = -1.0
    system[k, :k] = 1.0
    scale = max(float(np.abs(system[:k, :k]).max()), 1.0)
    if np.linalg.svd(system, compute_uv=False)[-1] < 1e-10 * scale:
        return None
    solved = np.linalg.solve(system, np.append(np.zeros(k), 1.0))[:k]
    if (solved <= 1e-12).any():
        return None
    mixture = np.zeros(payoffs.shape[1])
    mixture[list(others)] = solved
    return mixture


def _tangent(size: int) -> FloatArray:
    """Return an orthonormal basis of the changes that sum to 0, shape ``(size, size - 1)``."""
    directions = np.eye(size)[:, : size - 1] - 1.0 / size
    return np.asarray(np.linalg.qr(directions)[0], dtype=np.float64)


def _check(supports: int, dynamic: Dynamic) -> None:
    if supports > MOST_SUPPORTS:
        raise SolverError(
            f"rest points are enumerated up to {MOST_SUPPORTS:,} supports, such as 7×7; "
            f"{dynamic.game.name!r} has {supports:,}: leave out dominated plans, or ask for attractors"
        )
