"""What studies ask of many games at once: pure equilibria, dominance, optima, prices of anarchy.

Entry by entry each function gives what its namesake in `normal_form` gives of one game, ties and
tolerances included; only sums may differ in the last bit.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gtalign_env.games.batch import BatchEquilibria, checked_payoffs
from gtalign_env.games.normal_form import ROUNDING, TOLERANCE, BoolArray, FloatArray

IndexArray = NDArray[np.intp]


class DominantPlans(NamedTuple):
    """The dominant plan of each seat in each game, -1 where there is none; shapes ``(N,)``."""

    user: IndexArray
    assistant: IndexArray


def best_replies_batch(
    user: ArrayLike, assistant: ArrayLike, tol: float = TOLERANCE
) -> tuple[BoolArray, BoolArray]:
    """Return where each seat's plan is a best reply to the other's, two of shape ``(N, m, n)``.

    Args:
        user: The user's payoffs, shape ``(N, m, n)``, points.
        assistant: The assistant's payoffs, shape ``(N, m, n)``, points.
        tol: See `normal_form.tolerance_of`.
    """
    A, B = checked_payoffs(user, assistant)
    best_user, best_assistant = A.max(axis=1, keepdims=True), B.max(axis=2, keepdims=True)
    return best_user - A <= _tolerances(A, tol), best_assistant - B <= _tolerances(B, tol)


def pure_equilibria_batch(
    user: ArrayLike, assistant: ArrayLike, tol: float = TOLERANCE
) -> BoolArray:
    """Return which cells are equilibria, shape ``(N, m, n)``.

    Args:
        user: The user's payoffs, shape ``(N, m, n)``, points.
        assistant: The assistant's payoffs, shape ``(N, m, n)``, points.
        tol: See `normal_form.tolerance_of`.
    """
    replies_user, replies_assistant = best_replies_batch(user, assistant, tol)
    found: BoolArray = replies_user & replies_assistant
    return found


def dominant_plans_batch(
    user: ArrayLike, assistant: ArrayLike, *, weak: bool = False, tol: float = TOLERANCE
) -> DominantPlans:
    """Return each seat's dominant plan, as `normal_form.dominant_plan` does.

    Args:
        user: The user's payoffs, shape ``(N, m, n)``, points.
        assistant: The assistant's payoffs, shape ``(N, m, n)``, points.
        weak: Ask for weak dominance.
        tol: See `normal_form.tolerance_of`.
    """
    replies_user, replies_assistant = best_replies_batch(user, assistant, tol)
    return DominantPlans(
        _dominant(replies_user, weak), _dominant(replies_assistant.swapaxes(1, 2), weak)
    )


def optimum_batch(
    user: ArrayLike, assistant: ArrayLike, values: ArrayLike, tol: float = TOLERANCE
) -> IndexArray:
    """Return the cells of greatest value, shape ``(N, 2)``; ties as in `normal_form.best_cell`.

    Args:
        user: The user's payoffs, shape ``(N, m, n)``, points.
        assistant: The assistant's payoffs, shape ``(N, m, n)``, points.
        values: What is to be greatest, such as a `Welfare.array` of both; shape ``(N, m, n)``.
        tol: See `normal_form.tolerance_of`.
    """
    A, B = checked_payoffs(user, assistant)
    left = np.ones(A.shape, dtype=np.bool_)
    for criterion in (_of_shape(values, A), A, B):
        most = np.where(left, criterion, -np.inf).max(axis=(1, 2), keepdims=True)
        left &= criterion >= most - _tolerances(criterion, tol)
    first = left.reshape(len(A), -1).argmax(axis=1)
    return np.stack(np.divmod(first, A.shape[2]), axis=1)


def price_of_anarchy_batch(values: ArrayLike, equilibria: BatchEquilibria) -> FloatArray:
    """Return the optimum's welfare over that of the worst equilibrium, shape ``(N,)``.

    Args:
        values: Joint welfare of each cell, shape ``(N, m, n)``, such as `Welfare.array` of both
            seats' payoffs.
        equilibria: The games' equilibria.

    Returns:
        Ratios of at least 1; NaN where the worst equilibrium's welfare is not positive.
    """
    return _ratios(values, equilibria, worst=True)


def price_of_stability_batch(values: ArrayLike, equilibria: BatchEquilibria) -> FloatArray:
    """Return the optimum's welfare over that of the best equilibrium, shape ``(N,)``.

    Args:
        values: Joint welfare of each cell, shape ``(N, m, n)``.
        equilibria: The games' equilibria.

    Returns:
        Ratios of at least 1; NaN where the best equilibrium's welfare is not positive.
    """
    return _ratios(values, equilibria, worst=False)


def _ratios(values: ArrayLike, equilibria: BatchEquilibria, *, worst: bool) -> FloatArray:
    W = np.asarray(values, dtype=np.float64)
    games, most, m = equilibria.user.shape
    if W.shape != (games, m, equilibria.assistant.shape[2]):
        raise ValueError(
            f"values must hold a welfare a cell, shape {(games, m, equilibria.assistant.shape[2])}; "
            f"got shape {W.shape}"
        )
    means = np.einsum("gei,gij,gej->ge", equilibria.user, W, equilibria.assistant)
    beyond = np.arange(most) >= equilibria.count[:, None]
    missing = np.inf if worst else -np.inf
    means = np.where(beyond, missing, means)
    chosen = means.min(axis=1, initial=np.inf) if worst else means.max(axis=1, initial=-np.inf)
    best = W.max(axis=(1, 2))
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        ratio = np.maximum(best / chosen, 1.0)
    defined = (chosen > _tolerances(W, TOLERANCE)[:, 0, 0]) & np.isfinite(ratio)
    return np.where(defined, ratio, np.nan)


def _tolerances(values: FloatArray, tol: float) -> FloatArray:
    """Return `normal_form.tolerance_of` of each game, shape ``(N, 1, 1)``."""
    largest = values.max(axis=(1, 2), keepdims=True)
    least = values.min(axis=(1, 2), keepdims=True)
    size = np.maximum(np.abs(largest), np.abs(least))
    tolerances: FloatArray = tol * (largest - least) + ROUNDING * size
    return tolerances


def _dominant(replies: BoolArray, weak: bool) -> IndexArray:
    """Return the dominant plan, given which plans (axis 1) reply best to which (axis 2)."""
    always = replies.all(axis=2)
    found = always.sum(axis=1) == 1
    if not weak:
        found &= (replies.sum(axis=1) == 1).all(axis=1)
    return np.where(found, always.argmax(axis=1), -1)


def _of_shape(values: ArrayLike, payoffs: FloatArray) -> FloatArray:
    array = np.asarray(values, dtype=np.float64)
    if array.shape != payoffs.shape:
        raise ValueError(
            f"values must hold a number a cell, shape {payoffs.shape}; got shape {array.shape}"
        )
    return array
