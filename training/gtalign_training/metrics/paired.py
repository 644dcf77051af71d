"""Two assistants on the same conversations: differences, their intervals, and tests.

The unit is what was drawn independently: an episode. Where an episode was played in several cells
of a grid with the same luck, its values there are averaged first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gtalign_training.statistics import bootstrap

RESAMPLES = 9_999
"""Random sign patterns of a test: the least p-value is 1 / 10,000."""
STREAM = 11
"""Stream of a seed that intervals and tests draw from, apart from those of the trainers."""


class Difference(NamedTuple):
    """A mean paired difference, points, its 95 % interval, and the p-value of no difference."""

    mean: float
    low: float
    high: float
    p: float


def generator(seed: int) -> np.random.Generator:
    """Return the generator of one statistic.

    Each statistic gets a fresh one, so that none depends on which others are computed.

    Args:
        seed: Of the run.
    """
    return np.random.default_rng(np.random.SeedSequence([seed, STREAM]))


def paired_difference(values: NDArray[np.float64], seed: int) -> Difference:
    """Return the mean of paired differences with its bootstrap interval and a sign-flip test.

    Args:
        values: Differences of independent pairs, in a fixed order, shape ``(n,)``; no NaN.
        seed: Fixes resamples and signs.
    """
    mean, low, high = bootstrap(values, generator(seed))
    return Difference(mean, low, high, sign_flip(values, generator(seed)))


def sign_flip(values: NDArray[np.float64], rng: np.random.Generator) -> float:
    """Return the two-sided p-value of differences that are symmetric about 0.

    All sign patterns are tried where they are few, else 9,999 random ones. Differences of exactly 0
    change no sum and are left out.

    Args:
        values: Differences of independent pairs, shape ``(n,)``; no NaN.
        rng: Draws the signs.

    References:
        Fisher (1935), "The design of experiments", sec. 21; Phipson and Smyth (2010),
        "Permutation p-values should never be zero", for the random patterns.
    """
    from scipy.stats import permutation_test

    moved = values[values != 0]
    if len(moved) < 2:  # one pair can only be as it is or the other way round
        return 1.0
    found = permutation_test(
        (moved,),
        lambda x, axis: np.sum(x, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=RESAMPLES,
        batch=max(1, (1 << 22) // len(moved)),
        rng=rng,
    )
    return float(min(1.0, found.pvalue))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for their number: a family-wise error rate without assumptions.

    1. Sort; multiply the smallest of m by m, the next by m - 1, and so on.
    2. Make them rise, and at most 1.

    Args:
        p_values: In any order.

    References:
        Holm (1979), "A simple sequentially rejective multiple test procedure", sec. 3.
    """
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    adjusted = [1.0] * len(p_values)
    least = 0.0
    for rank, index in enumerate(order):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = least
    return adjusted
