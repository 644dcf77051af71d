"""Distributions of one number, drawn by their inverse distribution functions.

The inverse distribution functions are scalar functions of plain numbers, a `Law`: the classes call
them, and the vector environments compile the same functions over their batches. So one uniform
number gives one value everywhere, to the last bit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from statistics import NormalDist
from typing import NamedTuple

_STANDARD = NormalDist()

LEAST, MOST = 2.0**-54, 1 - 2.0**-53
"""Probabilities that keep the inverse of the normal distribution finite."""

CONSTANT, CHOICE, UNIFORM, NORMAL, LOGNORMAL = range(5)

# Coefficients of the three rational approximations of PPND16, highest power first; Wichura (1988).
_MIDDLE_OVER = (
    2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4,
    4.5921953931549871457e4, 1.3731693765509461125e4, 1.9715909503065514427e3,
    1.3314166789178437745e2, 3.3871328727963666080e0,
)  # fmt: skip
_MIDDLE_UNDER = (
    5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4,
    2.1213794301586595867e4, 5.3941960214247511077e3, 6.8718700749205790830e2,
    4.2313330701600911252e1, 1.0,
)  # fmt: skip
_OUTER_OVER = (
    7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1,
    1.27045825245236838258e0, 3.64784832476320460504e0, 5.76949722146069140550e0,
    4.63033784615654529590e0, 1.42343711074968357734e0,
)  # fmt: skip
_OUTER_UNDER = (
    1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2,
    1.48103976427480074590e-1, 6.89767334985100004550e-1, 1.67638483018380384940e0,
    2.05319162663775882187e0, 1.0,
)  # fmt: skip
_TAIL_OVER = (
    2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3,
    2.65321895265761230930e-2, 2.96560571828504891230e-1, 1.78482653991729133580e0,
    5.46378491116411436990e0, 6.65790464350110377720e0,
)  # fmt: skip
_TAIL_UNDER = (
    2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5,
    7.86869131145613259100e-4, 1.48753612908506148525e-2, 1.36929880922735805310e-1,
    5.99832206555887937690e-1, 1.0,
)  # fmt: skip


class Law(NamedTuple):
    """A distribution as plain numbers."""

    kind: int
    """``CONSTANT`` ... ``LOGNORMAL``."""
    a: float
    """The value; the low bound of a uniform; the mean of a normal and of a lognormal."""
    b: float = 0.0
    """The high bound of a uniform; the deviation of a normal, sigma of a lognormal."""
    low: float = -math.inf
    high: float = math.inf
    """Where a normal is truncated; ``low`` is half the variance of a lognormal's logarithm."""
    below: float = 0.0
    above: float = 1.0
    """The probabilities below the two bounds."""
    values: tuple[float, ...] = ()
    """The values of a choice, their cumulative weights, and how many they are."""
    edges: tuple[float, ...] = ()
    size: int = 0


def quantile(law: Law, u: float) -> float:
    """Return the value of a distribution below which a share ``u`` lies."""
    if law.kind == CONSTANT:
        return law.a
    if law.kind == CHOICE:
        return choice_quantile(law.values, law.edges, law.size, u)
    if law.kind == UNIFORM:
        return uniform_quantile(law.a, law.b, u)
    if law.kind == NORMAL:
        return normal_quantile(law.a, law.b, law.low, law.high, law.below, law.above, u)
    return lognormal_quantile(law.a, law.b, law.low, u)


def choice_quantile(values: Sequence[float], edges: Sequence[float], count: int, u: float) -> float:
    """Return the first value whose cumulative weight is above the share ``u`` of them all."""
    place = u * edges[count - 1]
    for i in range(count - 1):
        if place < edges[i]:
            return values[i]
    return values[count - 1]


def uniform_quantile(low: float, high: float, u: float) -> float:
    """Return the value below which a share ``u`` of a uniform distribution lies."""
    return low + (high - low) * u


def normal_quantile(
    mean: float, deviation: float, low: float, high: float, below: float, above: float, u: float
) -> float:
    """Return the value below which a share ``u`` of a truncated normal distribution lies.

    Args:
        mean: Of the normal distribution before it is cut.
        deviation: Likewise.
        low: Least value.
        high: Greatest value.
        below: Probability below ``low``, of the normal distribution.
        above: Probability below ``high``.
        u: A share, in [0, 1).
    """
    share = min(max(below + (above - below) * u, LEAST), MOST)
    return min(max(mean + deviation * standard_normal_quantile(share), low), high)


def lognormal_quantile(mean: float, sigma: float, half_variance: float, u: float) -> float:
    """Return the value below which a share ``u`` of a log-normal distribution lies.

    Args:
        mean: Of the value itself.
        sigma: Deviation of its logarithm.
        half_variance: ``sigma²/2``.
        u: A share, in [0, 1).
    """
    z = standard_normal_quantile(min(max(u, LEAST), MOST))
    return mean * math.exp(sigma * z - half_variance)


def _ratio(over: tuple[float, ...], under: tuple[float, ...], x: float) -> tuple[float, float]:
    """Return two polynomials at ``x``, by Horner's rule."""
    above, below = over[0], under[0]
    for k in range(1, 8):
        above = above * x + over[k]
        below = below * x + under[k]
    return above, below


def standard_normal_quantile(p: float) -> float:
    """Return the quantile of the standard normal distribution, to 16 digits.

    Args:
        p: A probability, strictly between 0 and 1.

    References:
        Wichura (1988), "Algorithm AS 241: the percentage points of the normal distribution",
        Applied Statistics 37(3), routine PPND16.
    """
    q = p - 0.5
    if abs(q) <= 0.425:
        above, below = _ratio(_MIDDLE_OVER, _MIDDLE_UNDER, 0.180625 - q * q)
        return above * q / below
    r = math.sqrt(-math.log(p if q <= 0.0 else 1.0 - p))
    if r <= 5.0:
        above, below = _ratio(_OUTER_OVER, _OUTER_UNDER, r - 1.6)
    else:
        above, below = _ratio(_TAIL_OVER, _TAIL_UNDER, r - 5.0)
    return -(above / below) if q < 0.0 else above / below


class _ByLaw:
    """What the distributions of a random value share."""

    __slots__ = ()

    @property
    def law(self) -> Law:
        """The distribution as numbers."""
        raise TypeError("a distribution says what its numbers are")

    def quantile(self, u: float) -> float:
        """Return the value below which a share ``u`` lies; of a choice, by cumulative weight."""
        return quantile(self.law, u)


@dataclass(frozen=True, slots=True)
class Constant:
    """The same value for everybody."""

    value: float

    @property
    def mean(self) -> float:
        """The value."""
        return self.value

    @property
    def law(self) -> Law:
        """The distribution as numbers."""
        return Law(CONSTANT, self.value)

    def quantile(self, u: float) -> float:
        """Return the value."""
        return self.value

    def points(self, n: int) -> list[tuple[float, float]]:
        """Return the one (value, weight) pair; exact."""
        return [(self.value, 1.0)]


@dataclass(frozen=True, slots=True)
class Choice(_ByLaw):
    """One of finitely many values, by weight."""

    values: tuple[float, ...]
    weights: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The weighted mean."""
        return math.fsum(v * p for v, p in self.points(0))

    @property
    def law(self) -> Law:
        """The distribution as numbers."""
        edges = tuple(accumulate(self.weights))
        return Law(CHOICE, 0.0, values=self.values, edges=edges, size=len(edges))

    def points(self, n: int) -> list[tuple[float, float]]:
        """Return all (value, weight) pairs of positive weight, weights summing to 1; exact."""
        total = math.fsum(self.weights)
        return [(v, w / total) for v, w in zip(self.values, self.weights, strict=True) if w > 0]


@dataclass(frozen=True, slots=True)
class Uniform(_ByLaw):
    """Uniform between two bounds."""

    low: float
    high: float

    @property
    def mean(self) -> float:
        """The midpoint."""
        return (self.low + self.high) / 2

    @property
    def law(self) -> Law:
        """The distribution as numbers."""
        return Law(UNIFORM, self.low, self.high)

    def points(self, n: int) -> list[tuple[float, float]]:
        """Return ``n`` equally likely bins as (conditional mean, weight)."""
        return [(self.quantile((i + 0.5) / n), 1 / n) for i in range(n)]


@dataclass(frozen=True, slots=True)
class Normal(_ByLaw):
    """Normal, truncated to ``[low, high]`` (infinite where not bounded)."""

    mu: float
    std: float
    low: float = -math.inf
    high: float = math.inf

    def _edges(self) -> tuple[float, float]:
        return tuple(_STANDARD.cdf((edge - self.mu) / self.std) for edge in (self.low, self.high))  # type: ignore[return-value]  # two in, two out

    @property
    def mean(self) -> float:
        """The mean of the truncated distribution."""
        return self.points(1)[0][0]

    @property
    def law(self) -> Law:
        """The distribution as numbers."""
        return Law(NORMAL, self.mu, self.std, self.low, self.high, *self._edges())

    def points(self, n: int) -> list[tuple[float, float]]:
        """Return ``n`` equally likely bins as (conditional mean, weight)."""
        below, above = self._edges()
        shares = [below + (above - below) * i / n for i in range(n + 1)]
        # E[Z; a < Z < b] of a standard normal is the density at a less the density at b
        density = [_density(share) for share in shares]
        width = (above - below) / n
        return [
            (self.mu + self.std * (density[i] - density[i + 1]) / width, 1 / n) for i in range(n)
        ]


def _density(share: float) -> float:
    """Return the standard normal density at the quantile of ``share``; 0 at both ends."""
    return _STANDARD.pdf(_STANDARD.inv_cdf(share)) if 0.0 < share < 1.0 else 0.0


@dataclass(frozen=True, slots=True)
class LogNormal(_ByLaw):
    """Log-normal with the given mean (of the value itself) and sigma (of its logarithm)."""

    mean: float
    sigma: float

    @property
    def law(self) -> Law:
        """The distribution as numbers."""
        return Law(LOGNORMAL, self.mean, self.sigma, low=self.sigma**2 / 2)

    def points(self, n: int) -> list[tuple[float, float]]:
        """Return ``n`` equally likely bins as (conditional mean, weight)."""
        # E[X; X < x] = mean · Φ(z − σ), where z is the quantile of log x
        shares = [
            0.0
            if i == 0
            else 1.0
            if i == n
            else _STANDARD.cdf(_STANDARD.inv_cdf(i / n) - self.sigma)
            for i in range(n + 1)
        ]
        return [(self.mean * n * (shares[i + 1] - shares[i]), 1 / n) for i in range(n)]


Distribution = Constant | Choice | Uniform | Normal | LogNormal
