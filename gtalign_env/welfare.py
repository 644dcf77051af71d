"""Joint welfare of the two seats, and the normalisers that put scores of several sources on one scale.

Every aggregator is monotone in both welfares, so none prefers an outcome that is worse for both.
`nash` and `ces` are defined on the gains over the disagreement point; where either side is at or
below it they are the constant 0, so they do not rank such outcomes among themselves.

References:
    Nash (1950), "The bargaining problem"; Arrow, Chenery, Minhas and Solow (1961), "Capital-labor
    substitution and economic efficiency" (CES); Kalai and Smorodinsky (1975) on other solutions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gtalign_env.errors import suggest

FloatArray = NDArray[np.float64]

KINDS = ("utilitarian", "nash", "egalitarian", "ces", "user_only", "assistant_only")

UTILITARIAN, NASH, EGALITARIAN, CES, USER_ONLY, ASSISTANT_ONLY = range(len(KINDS))

RHO_ZERO = 1e-12  # below this CES and Cobb-Douglas differ by less than a double can show
SMALLEST_SHARE = 1e-9  # a CES share below this is a seat that does not count: say user_only instead
LARGEST_EXPONENT = 700.0  # exp of more is close to the end of the floats
SAFE_PRODUCT = (1e-290, 1e290)  # a product of gains in here has lost nothing to the exponent range


class WelfareNumbers(NamedTuple):
    """A `Welfare` as plain numbers."""

    kind: int
    """Index into `KINDS`."""
    alpha: float
    user_weight: float
    assistant_weight: float
    rho: float
    user_disagreement: float
    assistant_disagreement: float


@dataclass(frozen=True)
class Welfare:
    """An aggregator W(U, L) of the user's and the assistant's welfare, in points.

    With gains x = U - d_u and y = L - d_l over the disagreement point d:

    ============== ======================================= ==========================
    kind           value                                   domain
    ============== ======================================= ==========================
    utilitarian    w_u U + w_l L                           all pairs
    egalitarian    min(U, L)                               all pairs
    user_only      U                                       all pairs
    assistant_only L                                       all pairs
    nash           x^alpha y^(1 - alpha)                   x, y > 0, otherwise 0
    ces            (s_u x^rho + s_l y^rho)^(1/rho)         x, y > 0, otherwise 0
    ============== ======================================= ==========================

    The CES shares s are the weights divided by their sum. CES meets `nash` with alpha = s_u as rho
    goes to 0, the weighted sum of the gains at rho = 1, and min(x, y) as rho goes to minus infinity.
    A NaN welfare (no score) gives NaN.

    Attributes:
        kind: One of `KINDS`.
        alpha: The user's exponent under `nash`, from 0 to 1.
        weights: Of user and assistant, under `utilitarian` and `ces`.
        rho: Substitution parameter of `ces`, at most 1.
        disagreement: What user and assistant get without agreement, points; `nash` and `ces`.
    """

    kind: str
    alpha: float = 0.5
    weights: tuple[float, float] = (0.5, 0.5)
    rho: float = 0.0
    disagreement: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(
                f"welfare kind must be one of {', '.join(KINDS)}; got {self.kind!r}."
                f"{suggest(str(self.kind), KINDS)}"
            )
        if not 0.0 <= self.alpha <= 1.0:
            raise ValueError(f"alpha must lie in [0, 1]; got {self.alpha!r}")
        if not (math.isfinite(self.rho) and self.rho <= 1.0):
            raise ValueError(
                f"rho must be finite and at most 1 (above 1 CES rewards inequality); got {self.rho!r}"
            )
        for field in ("weights", "disagreement"):
            pair = tuple(float(number) for number in getattr(self, field))
            if len(pair) != 2 or not all(map(math.isfinite, pair)):
                raise ValueError(
                    f"{field} must be two finite numbers (user, assistant); got {pair}"
                )
            object.__setattr__(self, field, pair)  # lists become tuples, so that equal means equal
        total = self.weights[0] + self.weights[1]
        if min(self.weights) < 0.0 or not 0.0 < total < math.inf:
            raise ValueError(
                f"weights must be at least 0, with a positive finite sum; got {self.weights}"
            )
        if self.kind == "ces" and min(self.weights) < SMALLEST_SHARE * total:
            raise ValueError(
                f"ces needs both weights at least {SMALLEST_SHARE:g} of their sum; "
                f"got {self.weights}. To leave a seat out, use user_only or assistant_only"
            )

    def __call__(self, user: float, assistant: float) -> float:
        """Return W of one pair of welfares, points.

        Args:
            user: U, points.
            assistant: L, points.
        """
        return joint_welfare(self.numbers, user, assistant)

    @cached_property
    def numbers(self) -> WelfareNumbers:
        """The aggregator as plain numbers, for `joint_welfare`."""
        return WelfareNumbers(
            KINDS.index(self.kind), self.alpha, *self.weights, self.rho, *self.disagreement
        )

    def array(self, user: ArrayLike, assistant: ArrayLike) -> FloatArray:
        """Return W of many pairs; entry by entry what calling the object gives, to 1e-12 relative.

        Args:
            user: U, any shape that broadcasts with ``assistant``, points.
            assistant: L, likewise.

        Returns:
            W, of the broadcast shape, points.
        """
        U, L = np.broadcast_arrays(
            np.asarray(user, dtype=np.float64), np.asarray(assistant, dtype=np.float64)
        )
        out: FloatArray
        if self.kind == "utilitarian":
            out = self.weights[0] * U + self.weights[1] * L
        elif self.kind == "egalitarian":
            out = np.minimum(U, L)
        elif self.kind == "user_only":
            out = U.copy()
        elif self.kind == "assistant_only":
            out = L.copy()
        else:
            x, y = U - self.disagreement[0], L - self.disagreement[1]
            inside = (x > 0.0) & (y > 0.0)
            # A gain of 1 stands in where W is 0 anyway, so that no power is taken out of its domain.
            x, y = np.where(inside, x, 1.0), np.where(inside, y, 1.0)
            if self.kind == "nash":
                value = _cobb_douglas_array(x, y, self.alpha)
            else:
                share = self.weights[0] / (self.weights[0] + self.weights[1])
                value = _ces_array(x, y, share, self.rho)
            out = np.where(inside, value, 0.0)
        return np.where(np.isnan(U) | np.isnan(L), np.nan, out)


def standard_welfares(disagreement: tuple[float, float] = (0.0, 0.0)) -> dict[str, Welfare]:
    """Return the three aggregators every report shows: utilitarian, nash, egalitarian.

    Args:
        disagreement: What user and assistant get without agreement, points.
    """
    return {
        kind: Welfare(kind, disagreement=disagreement)
        for kind in ("utilitarian", "nash", "egalitarian")
    }


def zscore(values: ArrayLike, sources: Sequence[Hashable]) -> FloatArray:
    """Return the values as standard deviations from the mean of their source.

    The published training code adds 1e-6 to the deviation instead of treating a constant group
    apart; here a constant or single-item group is exactly 0 and the others have deviation 1.

    Args:
        values: Scores, shape ``(n,)``; NaN marks a masked row, which stays NaN and counts nowhere.
        sources: The source of each row, length n.

    Returns:
        Scores without unit, shape ``(n,)``; independent of the order of the rows, to the last bit.

    Raises:
        ValueError: Lengths differ, or a value is infinite.
    """

    def standardise(unit: FloatArray) -> FloatArray:
        # fsum is exact before its one rounding, so the order of the rows cannot matter.
        mean = math.fsum(unit) / len(unit)
        deviation = math.sqrt(math.fsum((unit - mean) ** 2) / len(unit))
        return (unit - mean) / deviation

    return _by_source(values, sources, standardise)


def minmax(values: ArrayLike, sources: Sequence[Hashable]) -> FloatArray:
    """Return the values placed between the least (0) and the greatest (1) of their source.

    Args:
        values: Scores, shape ``(n,)``; NaN marks a masked row, which stays NaN and counts nowhere.
        sources: The source of each row, length n.

    Returns:
        Scores in [0, 1], shape ``(n,)``; a constant or single-item group is 0.

    Raises:
        ValueError: Lengths differ, or a value is infinite.
    """
    return _by_source(values, sources, lambda unit: unit)


def _by_source(
    values: ArrayLike, sources: Sequence[Hashable], law: Callable[[FloatArray], FloatArray]
) -> FloatArray:
    """Apply ``law`` to each source's unmasked values, first put on [0, 1] against overflow."""
    scores = np.array(values, dtype=np.float64)
    if scores.ndim != 1 or len(scores) != len(sources):
        raise ValueError(
            f"values must have shape (n,) with one source a row; "
            f"got shape {scores.shape} and {len(sources)} sources"
        )
    if np.isinf(scores).any():
        row = int(np.flatnonzero(np.isinf(scores))[0])
        raise ValueError(f"values must be finite, or NaN for a masked row; row {row} is infinite")
    rows_of: dict[Hashable, list[int]] = {}
    for row, source in enumerate(sources):
        if not math.isnan(scores[row]):
            rows_of.setdefault(source, []).append(row)
    for rows in rows_of.values():
        group = scores[rows]
        largest = float(np.abs(group).max())
        group = group / largest if largest > 0.0 else group
        span = float(group.max() - group.min())
        scores[rows] = law((group - group.min()) / span) if span > 0.0 else 0.0
    return scores


def joint_welfare(rule: WelfareNumbers, user: float, assistant: float) -> float:
    """Return W of one pair of welfares, points; scalar code, which batches compile."""
    if math.isnan(user) or math.isnan(assistant):
        return math.nan
    if rule.kind == UTILITARIAN:
        return rule.user_weight * user + rule.assistant_weight * assistant
    if rule.kind == EGALITARIAN:
        return min(user, assistant)
    if rule.kind == USER_ONLY:
        return user
    if rule.kind == ASSISTANT_ONLY:
        return assistant
    x = user - rule.user_disagreement
    y = assistant - rule.assistant_disagreement
    if x <= 0.0 or y <= 0.0:
        return 0.0
    if rule.kind == NASH:
        return _cobb_douglas(x, y, rule.alpha)
    share = rule.user_weight / (rule.user_weight + rule.assistant_weight)
    return _ces(x, y, share, rule.rho)


def _cobb_douglas(x: float, y: float, alpha: float) -> float:
    product = x * y
    if alpha == 0.5 and SAFE_PRODUCT[0] < product < SAFE_PRODUCT[1]:
        return math.sqrt(product)  # exactly symmetric, and exact on equal gains
    return math.pow(x, alpha) * math.pow(y, 1.0 - alpha)


def _cobb_douglas_array(x: FloatArray, y: FloatArray, alpha: float) -> FloatArray:
    value: FloatArray = np.power(x, alpha) * np.power(y, 1.0 - alpha)
    if alpha == 0.5:
        with np.errstate(over="ignore", under="ignore"):
            product = x * y
        safe = (SAFE_PRODUCT[0] < product) & (product < SAFE_PRODUCT[1])
        value = np.where(safe, np.sqrt(product), value)
    return value


def _ces(x: float, y: float, share: float, rho: float) -> float:
    """Return CES as pivot · (1 + Σ s·((gain/pivot)^rho − 1))^(1/rho), free of overflow and of 0/0."""
    if abs(rho) < RHO_ZERO:
        return _cobb_douglas(x, y, share)
    pivot = max(x, y) if rho > 0.0 else min(x, y)
    grown = share * math.expm1(rho * (math.log(x) - math.log(pivot)))
    grown += (1.0 - share) * math.expm1(rho * (math.log(y) - math.log(pivot)))
    growth = math.log1p(grown) / rho
    if growth > LARGEST_EXPONENT:  # the pivot is tiny and the result is not
        return math.exp(math.log(pivot) + growth)
    return pivot * math.exp(growth)


def _ces_array(x: FloatArray, y: FloatArray, share: float, rho: float) -> FloatArray:
    if abs(rho) < RHO_ZERO:
        return _cobb_douglas_array(x, y, share)
    pivot = np.maximum(x, y) if rho > 0.0 else np.minimum(x, y)
    grown = share * np.expm1(rho * (np.log(x) - np.log(pivot)))
    grown = grown + (1.0 - share) * np.expm1(rho * (np.log(y) - np.log(pivot)))
    growth = np.log1p(grown) / rho
    value: FloatArray = np.where(
        growth > LARGEST_EXPONENT,
        np.exp(np.log(pivot) + growth),
        pivot * np.exp(np.minimum(growth, LARGEST_EXPONENT)),
    )
    return value
