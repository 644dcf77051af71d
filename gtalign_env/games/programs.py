"""Linear programs over probabilities, as the solvers state them; solved by HiGHS through SciPy."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from gtalign_env.errors import SolverError
from gtalign_env.games.normal_form import ROUNDING, FloatArray

FEASIBLE = 1e-10  # violation of a constraint that HiGHS may leave; payoffs lie in [0, 1]


class Scaled(NamedTuple):
    """Payoffs brought to [0, 1], which keeps a program well conditioned.

    Attributes:
        values: The payoffs, of the shape they had; all 0 where they are constant.
        least: The payoff that became 0, points.
        spread: What became 1, points; 1 where the payoffs are constant.
    """

    values: FloatArray
    least: float
    spread: float

    def back(self, value: float) -> float:
        """Return a value in points."""
        return self.least + self.spread * value


def scaled(payoffs: FloatArray) -> Scaled:
    """Return payoffs of any shape on [0, 1]; constant ones, also but for rounding, are 0."""
    least, spread = float(payoffs.min()), float(np.ptp(payoffs))
    if spread <= ROUNDING * float(np.abs(payoffs).max()):
        return Scaled(np.zeros_like(payoffs), least, 1.0)
    return Scaled((payoffs - least) / spread, least, spread)


def maximise(
    objective: ArrayLike,
    *,
    at_most: tuple[ArrayLike, ArrayLike] | None = None,
    equal: tuple[ArrayLike, ArrayLike] | None = None,
    free: int = 0,
    what: str,
) -> FloatArray | None:
    """Return the point of greatest objective, or None if no point is feasible.

    Args:
        objective: Coefficients, shape ``(v,)``.
        at_most: Rows ``(r, v)`` and bounds ``(r,)``: each row's product is at most its bound.
        equal: Rows ``(e, v)`` and values ``(e,)``.
        free: How many variables, the last ones, may be negative.
        what: What is sought, for the message.

    Returns:
        The variables, shape ``(v,)``.

    Raises:
        SolverError: HiGHS gave up.
    """
    from scipy.optimize import linprog

    cost = -np.asarray(objective, dtype=np.float64)
    bounds = [(0.0, None)] * (len(cost) - free) + [(None, None)] * free
    rows, most = at_most if at_most is not None else (None, None)
    same, values = equal if equal is not None else (None, None)
    done = linprog(
        cost,
        A_ub=rows,
        b_ub=most,
        A_eq=same,
        b_eq=values,
        bounds=bounds,
        method="highs-ds",
        options={"primal_feasibility_tolerance": FEASIBLE, "dual_feasibility_tolerance": FEASIBLE},
    )
    infeasible = 2  # scipy's status
    if done.status == infeasible:
        return None
    if done.status != 0:
        raise SolverError(f"no {what} was found: the linear program ended with {done.message!r}")
    return np.asarray(done.x, dtype=np.float64)


def probabilities(values: FloatArray) -> FloatArray:
    """Return values as probabilities: no rounding below 0, and a sum of 1; any shape."""
    cleared = np.where(values > FEASIBLE, values, 0.0)
    shares: FloatArray = cleared / cleared.sum()
    return shares
