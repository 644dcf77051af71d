"""How sure it is that a profile of an empirical game is an ε-equilibrium, and what would settle it.

References:
    Tuyls et al. (2020), "Bounds and dynamics for empirical game theoretic analysis", sec. 3; Efron
    (1979), "Bootstrap methods: another look at the jackknife"; Hoeffding (1963), "Probability
    inequalities for sums of bounded random variables", theorem 2.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from gtalign_env.games.empirical import (
    RESAMPLES,
    EmpiricalGame,
    regret_of,
    resampled_means,
)
from gtalign_env.games.normal_form import BoolArray, FloatArray


class Verdicts(NamedTuple):
    """Which profiles are ε-equilibria, and how sure that is; all arrays of shape ``(m, n)``.

    Attributes:
        epsilon: A profile counts if no seat gains more than this by another plan, points.
        regret: The greater gain of the two seats, in the mean payoffs, points.
        holds: Whether it is at most ε.
        probability: Share of bootstrap resamples in which it is at most ε.
        needed_normal: Episodes a profile in all after which the verdict is sure, by the normal
            approximation; infinite where the gain is ε exactly.
        needed_hoeffding: The same by Hoeffding's inequality; NaN where no range is known.
    """

    epsilon: float
    regret: FloatArray
    holds: BoolArray
    probability: FloatArray
    needed_normal: FloatArray
    needed_hoeffding: FloatArray


def verdicts(
    game: EmpiricalGame,
    epsilon: float,
    rng: np.random.Generator,
    *,
    confidence: float = 0.95,
    looks: int = 1,
    ranges: tuple[float, float] | None = None,
    resamples: int = RESAMPLES,
) -> Verdicts:
    """Return for every profile whether it is an ε-equilibrium, how likely, and what would settle it.

    Args:
        game: The played episodes.
        epsilon: See `Verdicts`, points.
        rng: Draws the bootstrap resamples.
        confidence: Probability with which a settled verdict is right.
        looks: How often the verdict will be looked at while episodes come in; the chance of error
            is divided between the looks.
        ranges: Between the least and the greatest payoff that an episode can give user and
            assistant, points; None where nothing bounds them.
        resamples: Bootstrap resamples.

    Raises:
        ValueError: ε is negative, the confidence no probability, or there is no look.
    """
    if not (epsilon >= 0 and 0 < confidence < 1 and looks >= 1):
        raise ValueError(
            "epsilon is at least 0, confidence in (0, 1), looks at least 1; "
            f"got {epsilon!r}, {confidence!r} and {looks!r}"
        )
    regret = regret_of(game.means)
    drawn = regret_of(resampled_means(game, rng, resamples))
    normal, hoeffding = _needed(game, epsilon, (1 - confidence) / looks, ranges)
    holds: BoolArray = regret <= epsilon
    return Verdicts(epsilon, regret, holds, (drawn <= epsilon).mean(axis=0), normal, hoeffding)


def _needed(
    game: EmpiricalGame, epsilon: float, error: float, ranges: tuple[float, float] | None
) -> tuple[FloatArray, FloatArray]:
    """Return episodes a profile that settle each verdict, by both bounds, shape ``(m, n)``.

    A profile is an ε-equilibrium if every deviation gains at most ε: all have to be settled. It is
    none if one deviation gains more: the easiest of these settles it. The chance of error is
    divided between the deviations.
    """
    m, n = game.means.shape[:2]
    out = np.full((2, m, n), np.nan)
    bounds = ranges or (math.nan, math.nan)
    for i, j in np.ndindex(m, n):
        deviations = [(k, j, 0) for k in range(m) if k != i] + [
            (i, k, 1) for k in range(n) if k != j
        ]
        if not deviations:
            out[:, i, j] = 0.0
            continue
        share = error / len(deviations)
        z = NormalDist().inv_cdf(1 - share)
        settled = []
        for row, column, seat in deviations:
            gain, spread = _gain(game, (row, column), (i, j), seat)
            margin = abs(gain - epsilon)
            # a difference of two payoffs lies within twice their range
            settled.append(
                (
                    gain > epsilon,
                    _ratio(z * spread, margin) ** 2,
                    2 * math.log(1 / share) * _ratio(bounds[seat], margin) ** 2,
                )
            )
        breaking = [one for one in settled if one[0]]
        pick = min if breaking else max
        for bound in (0, 1):
            out[bound, i, j] = pick(one[1 + bound] for one in breaking or settled)
    return np.ceil(np.maximum(out[0], 2.0)), np.ceil(out[1])


def _gain(
    game: EmpiricalGame, other: tuple[int, int], at: tuple[int, int], seat: int
) -> tuple[float, float]:
    """Return the mean gain of a deviation and the deviation of one episode's gain, points."""
    theirs, ours = game.samples[*other, :, seat], game.samples[*at, :, seat]
    if game.paired:
        both = theirs - ours
        both = both[~np.isnan(both)]
        if len(both) >= 2:
            return float(both.mean()), float(both.std(ddof=1))
    gain = float(np.nanmean(theirs) - np.nanmean(ours))
    return gain, math.hypot(np.nanstd(theirs, ddof=1), np.nanstd(ours, ddof=1))


def _ratio(a: float, b: float) -> float:
    if b > 0:
        return a / b
    return math.nan if math.isnan(a) else math.inf if a > 0 else 0.0


def episodes_for(half_width: float, spread: float, payoffs: int, confidence: float = 0.95) -> int:
    """Return episodes a profile after which every mean payoff is within a half-width of the truth.

    By Hoeffding's inequality for all payoffs at once, whatever their distribution. Every
    equilibrium of the means is then a 2 · half-width equilibrium of the true game.

    Args:
        half_width: How near, points.
        spread: Between the least and the greatest payoff of an episode, points.
        payoffs: How many means there are: twice the number of profiles.
        confidence: Probability with which all are that near.

    Raises:
        ValueError: A number is out of range.

    References:
        Hoeffding (1963), "Probability inequalities for sums of bounded random variables",
        theorem 2; Tuyls et al. (2020), theorem 3.
    """
    if not (half_width > 0 and spread >= 0 and payoffs >= 1 and 0 < confidence < 1):
        raise ValueError(
            "half_width is positive, spread at least 0, payoffs at least 1 and confidence in "
            f"(0, 1); got {half_width!r}, {spread!r}, {payoffs!r} and {confidence!r}"
        )
    return math.ceil(math.log(2 * payoffs / (1 - confidence)) * spread**2 / (2 * half_width**2))
