"""Logit quantal response equilibria: play in which better plans are likelier, not certain.

At precision λ (1 / points) a plan's probability is proportional to exp(λ · its expected payoff), the
other seat's play given. At λ = 0 play is uniform; as λ grows, the branch that begins there, the
principal one, leads to a Nash equilibrium. It may turn back on the way, so it is followed by its
length and not by λ.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from gtalign_env.errors import SolverError
from gtalign_env.games.normal_form import FloatArray, NormalFormGame

MOST_PRECISION = 1_000.0  # where a path ends, in units of 1 / the greater spread of the payoffs
FIRST_STEP, LEAST_STEP, GROWTH = 0.05, 1e-9, 1.3  # lengths along the path
SOLVED = 1e-11  # greatest violation of an equation, logarithms of probabilities
CORRECTIONS = 5  # Newton steps before a shorter step is tried
STRAIGHT = 0.99  # least cosine between the directions of two steps
MOST_SHIFT = 0.1  # greatest change of a probability in a step
MOST_STEPS = 20_000


class QuantalResponse(NamedTuple):
    """A logit quantal response equilibrium.

    Attributes:
        precision: λ, 1 / points.
        user: Probabilities of the user's plans.
        assistant: Probabilities of the assistant's plans.
        payoffs: Expected payoffs of user and assistant, points.
    """

    precision: float
    user: tuple[float, ...]
    assistant: tuple[float, ...]
    payoffs: tuple[float, float]


class QuantalPath(NamedTuple):
    """The principal branch, in order; K points.

    Attributes:
        precision: λ at each point, shape ``(K,)``, 1 / points; it may fall where the branch turns.
        user: The user's play, shape ``(K, m)``.
        assistant: The assistant's play, shape ``(K, n)``.
    """

    precision: FloatArray
    user: FloatArray
    assistant: FloatArray


def quantal_path(game: NormalFormGame, most: float | None = None) -> QuantalPath:
    """Return the principal branch of logit equilibria, from uniform play on.

    1. Unknown are the logarithms of all probabilities and λ. The equations say that the logarithms
       of two plans differ by λ times the difference of their payoffs, and that probabilities sum
       to 1.
    2. From a point of the branch, go along its tangent, and return to it by Newton's method across
       the tangent. A step that bends or shifts much, or does not return, is halved.

    Args:
        game: The game, of shape ``(m, n)``.
        most: λ at which to end, 1 / points; by default `MOST_PRECISION` over the greater spread.

    Raises:
        SolverError: The branch could not be followed.

    References:
        McKelvey and Palfrey (1995), "Quantal response equilibria for normal form games"; Turocy
        (2005), "A dynamic homotopy interpretation of the logistic quantal response equilibrium
        correspondence".
    """
    logit = _Logit(game)
    end = MOST_PRECISION if most is None else _precision(most) * logit.unit
    points = []
    for z in logit.branch():
        points.append(z)
        if z[-1] >= end:
            break
    table = np.array(points)
    m, n = game.shape
    return QuantalPath(table[:, -1] / logit.unit, np.exp(table[:, :m]), np.exp(table[:, m : m + n]))


def quantal_response(game: NormalFormGame, precision: float) -> QuantalResponse:
    """Return the equilibrium at which the principal branch first reaches a precision.

    Args:
        game: The game, of shape ``(m, n)``.
        precision: λ, at least 0, 1 / points.

    Raises:
        ValueError: ``precision`` is negative or not finite.
        SolverError: The branch could not be followed so far.

    References:
        As for `quantal_path`.
    """
    logit = _Logit(game)
    end = _precision(precision) * logit.unit
    before = after = next(logit.branch())
    for after in logit.branch():
        if after[-1] >= end:
            break
        before = after
    gap = after[-1] - before[-1]
    start = before + (after - before) * ((end - before[-1]) / gap if gap > 0.0 else 0.0)
    across = np.append(np.zeros(len(start) - 1), 1.0)  # λ stays where it is
    start[-1] = end
    solved = logit.corrected(start, across)
    if solved is None:
        raise SolverError(
            f"the logit branch of game {game.name!r} could not be met at precision {precision:g}"
        )
    m, n = game.shape
    x, y = np.exp(solved[:m]), np.exp(solved[m : m + n])
    return QuantalResponse(
        float(precision),
        tuple(x.tolist()),
        tuple(y.tolist()),
        (float(x @ game.user @ y), float(x @ game.assistant @ y)),
    )


class _Logit:
    """The equations of a game, its payoffs on a unit scale; a point z is (log x, log y, λ)."""

    def __init__(self, game: NormalFormGame) -> None:
        self.shape = game.shape
        spread = max(float(np.ptp(game.user)), float(np.ptp(game.assistant)))
        self.unit = spread if spread > 0.0 else 1.0
        # Payoffs less those of the first plan, own plans as rows.
        self.user = (game.user - game.user[0]) / self.unit
        self.assistant = (game.assistant - game.assistant[:, :1]).T / self.unit

    def equations(self, z: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return what should vanish, shape ``(m + n,)``, and its derivatives, one more column."""
        m, n = self.shape
        x, y, precision = np.exp(z[:m]), np.exp(z[m : m + n]), z[-1]
        worth_user, worth_assistant = self.user @ y, self.assistant @ x
        values = np.empty(m + n)
        slopes = np.zeros((m + n, m + n + 1))
        values[:m] = z[:m] - z[0] - precision * worth_user
        values[m:] = z[m : m + n] - z[m] - precision * worth_assistant
        slopes[range(m + n), range(m + n)] = 1.0
        slopes[:m, 0] -= 1.0
        slopes[m:, m] -= 1.0
        slopes[:m, m : m + n] = -precision * self.user * y
        slopes[m:, :m] = -precision * self.assistant * x
        slopes[:m, -1], slopes[m:, -1] = -worth_user, -worth_assistant
        # The first plan's own equation is empty; in its place the probabilities sum to 1.
        values[0], values[m] = x.sum() - 1.0, y.sum() - 1.0
        slopes[0], slopes[m] = 0.0, 0.0
        slopes[0, :m], slopes[m, m : m + n] = x, y
        return values, slopes

    def branch(self) -> Iterator[FloatArray]:
        """Yield the points of the principal branch.

        Raises:
            SolverError: No step, however short, leads on.
        """
        m, n = self.shape
        z = np.concatenate([np.full(m, -np.log(m)), np.full(n, -np.log(n)), [0.0]])
        ahead = np.append(np.zeros(m + n), 1.0)
        ahead = self._tangent(z, ahead)
        step = FIRST_STEP
        yield z
        for _ in range(MOST_STEPS):
            # A seat's logarithms change with λ times its payoffs, so long ways stay straight.
            moved = self.corrected(z + step * ahead, ahead)
            if moved is None or np.abs(np.exp(moved[:-1]) - np.exp(z[:-1])).max() > MOST_SHIFT:
                turned = None
            else:
                turned = self._tangent(moved, ahead)
            if moved is None or turned is None or turned @ ahead < STRAIGHT:
                step /= 2.0
                if step < LEAST_STEP:
                    break
                continue
            z, ahead = moved, turned
            step *= GROWTH
            yield z
        raise SolverError(
            f"the logit branch could not be followed beyond precision {z[-1] / self.unit:g}"
        )

    def corrected(self, z: FloatArray, across: FloatArray) -> FloatArray | None:
        """Return the solution near z on the plane through z across a direction, or None."""
        for _ in range(CORRECTIONS):
            values, slopes = self.equations(z)
            if np.abs(values).max() <= SOLVED * max(1.0, float(np.abs(z).max())):
                return z
            try:
                change = np.linalg.solve(np.vstack([slopes, across]), np.append(values, 0.0))
            except np.linalg.LinAlgError:
                return None
            z = z - change
            if not z[:-1].max() < 1.0:
                return None  # far from any logarithm of a probability, or no number at all
        return None

    def _tangent(self, z: FloatArray, ahead: FloatArray) -> FloatArray:
        """Return the unit direction of the branch at z, the way that does not turn back."""
        _, slopes = self.equations(z)
        direction: FloatArray = np.linalg.svd(slopes)[2][-1]
        return direction if direction @ ahead >= 0.0 else -direction


def _precision(value: float) -> float:
    if not 0.0 <= value < np.inf:
        raise ValueError(f"a precision must be finite and at least 0, in 1 / points; got {value!r}")
    return float(value)
