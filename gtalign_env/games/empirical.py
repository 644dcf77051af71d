"""Empirical games: payoffs estimated from played episodes, and how sure their equilibria are.

Every profile (a user policy and an assistant policy, by name) has been played for some episodes.
Where all profiles share their episodes (the same seed, so the same users and the same luck), entry
``e`` of every cell is the same episode, and comparisons are paired. An episode without a result is
NaN: it counts nowhere.

References:
    Wellman (2006), "Methods for empirical game-theoretic analysis"; Tuyls et al. (2020), "Bounds
    and dynamics for empirical game theoretic analysis", sec. 3 (how many samples).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from gtalign_env.games.normal_form import BoolArray, FloatArray, NormalFormGame

RESAMPLES = 2000
"""Bootstrap resamples behind the probability of a verdict."""

_CHUNK = 2_000_000  # entries of the resampling weights that are in memory at once


@dataclass(frozen=True, eq=False)
class EmpiricalGame:
    """Payoffs of played episodes.

    Attributes:
        samples: U and L of every episode of every profile, shape ``(m, n, episodes, 2)``, points;
            NaN in both where there is no result. Rows are users.
        user_plans: Names of the user policies, m of them.
        assistant_plans: Names of the assistant policies, n of them.
        paired: Whether entry ``e`` of all cells is the same episode.
        name: What to call the game.

    Raises:
        ValueError: Shapes or names do not fit, or a cell has fewer than two results.
    """

    samples: FloatArray
    user_plans: tuple[str, ...]
    assistant_plans: tuple[str, ...]
    paired: bool
    name: str = ""

    def __post_init__(self) -> None:
        samples = np.array(self.samples, dtype=np.float64)
        if samples.ndim != 4 or samples.shape[3] != 2:
            raise ValueError(
                f"samples must have shape (m, n, episodes, 2); got shape {samples.shape}"
            )
        if (
            np.isinf(samples).any()
            or (np.isnan(samples[..., 0]) != np.isnan(samples[..., 1])).any()
        ):
            raise ValueError("a result is two finite numbers, or NaN twice where there is none")
        few = np.argwhere((~np.isnan(samples[..., 0])).sum(axis=2) < 2)
        if len(few):
            i, j = few[0]
            raise ValueError(
                "every profile needs at least two episodes with a result; "
                f"{self.user_plans[i]} x {self.assistant_plans[j]} has fewer"
            )
        samples.setflags(write=False)
        object.__setattr__(self, "samples", samples)
        _ = self.mean_game  # checks the names

    @property
    def valid(self) -> BoolArray:
        """Which episodes have a result, shape ``(m, n, episodes)``."""
        found: BoolArray = ~np.isnan(self.samples[..., 0])
        return found

    @property
    def counts(self) -> NDArray[np.int64]:
        """Episodes with a result, shape ``(m, n)``."""
        found: NDArray[np.int64] = self.valid.sum(axis=2)
        return found

    @property
    def means(self) -> FloatArray:
        """Mean payoffs, shape ``(m, n, 2)``, points."""
        found: FloatArray = np.nanmean(self.samples, axis=2)
        return found

    @property
    def mean_game(self) -> NormalFormGame:
        """The game of the mean payoffs, shape ``(m, n)``."""
        means = self.means
        return NormalFormGame(
            means[..., 0], means[..., 1], self.user_plans, self.assistant_plans, self.name
        )

    def intervals(self, level: float = 0.95) -> FloatArray:
        """Return intervals of the mean payoffs, shape ``(m, n, 2, 2)``: (low, high) comes last.

        Student's: right for normal payoffs, and for all others in the limit of many episodes. Where
        a rare event decides much, that limit is far: before it has happened once, the interval
        cannot know of it. See `sure_intervals`.

        Args:
            level: How often an interval holds the true mean.

        References:
            Student (1908), "The probable error of a mean".
        """
        counts = self.counts[..., None]
        spread = np.nanstd(self.samples, axis=2, ddof=1) / np.sqrt(counts)
        half = stdtrit(counts - 1, (1 + level) / 2) * spread
        return np.stack([self.means - half, self.means + half], axis=-1)

    def sure_intervals(self, ranges: tuple[float, float], level: float = 0.95) -> FloatArray:
        """Return intervals as `intervals` does that hold the truth at least so often, always.

        By the empirical Bernstein inequality, whatever the payoffs and the number of episodes; so
        they are wide. Of shape ``(m, n, 2, 2)``.

        Args:
            ranges: Between the least and the greatest payoff that an episode can give user and
                assistant, points.
            level: How often, at least, an interval holds the true mean.

        References:
            Maurer and Pontil (2009), "Empirical Bernstein bounds and sample-variance penalization",
            theorem 4, on both sides.
        """
        counts = self.counts[..., None]
        variance = np.nanvar(self.samples, axis=2, ddof=1)
        log = np.log(4 / (1 - level))
        half = np.sqrt(2 * variance * log / counts)
        half = half + 7 * np.array(ranges) * log / (3 * (counts - 1))
        return np.stack([self.means - half, self.means + half], axis=-1)


def regret_of(payoffs: ArrayLike) -> FloatArray:
    """Return what either seat could gain by another plan, at every profile.

    Args:
        payoffs: Mean payoffs, shape ``(..., m, n, 2)``, points.

    Returns:
        The greater gain of the two seats, shape ``(..., m, n)``, points; 0 at an equilibrium.
    """
    values = np.asarray(payoffs, dtype=np.float64)
    user, assistant = values[..., 0], values[..., 1]
    found: FloatArray = np.maximum(
        user.max(axis=-2, keepdims=True) - user,
        assistant.max(axis=-1, keepdims=True) - assistant,
    )
    return found


def resampled_means(
    game: EmpiricalGame, rng: np.random.Generator, resamples: int = RESAMPLES
) -> FloatArray:
    """Return bootstrap means, shape ``(resamples, m, n, 2)``, points.

    1. Draw as many episodes as there are, with replacement: the same ones for all profiles where
       they are paired, and each profile's own ones where not.
    2. Take the means of what was drawn, episodes without a result left out.

    Args:
        game: The played episodes.
        rng: Draws the resamples.
        resamples: How many.

    References:
        Efron (1979), "Bootstrap methods: another look at the jackknife", sec. 2.
    """
    if game.paired:
        return _resample(game.samples, rng, resamples)
    m, n = game.samples.shape[:2]
    out = np.empty((resamples, m, n, 2))
    for i, j in np.ndindex(m, n):
        own = game.samples[i : i + 1, j : j + 1, game.valid[i, j]]
        out[:, i : i + 1, j : j + 1] = _resample(own, rng, resamples)
    return out


def _resample(samples: FloatArray, rng: np.random.Generator, resamples: int) -> FloatArray:
    m, n, episodes, _ = samples.shape
    valid = ~np.isnan(samples[..., 0])
    values = np.where(valid[..., None], samples, 0.0).transpose(2, 0, 1, 3).reshape(episodes, -1)
    present = valid.transpose(2, 0, 1).reshape(episodes, -1).astype(np.float64)
    out, means = np.empty((resamples, m, n, 2)), np.nanmean(samples, axis=2)
    step = max(1, _CHUNK // episodes)
    even = np.full(episodes, 1.0 / episodes)
    for first in range(0, resamples, step):
        size = min(step, resamples - first)
        weights = rng.multinomial(episodes, even, size=size).astype(np.float64)
        # a cell whose few results were all left out counts with its own mean
        drawn = weights @ present
        sums = (weights @ values).reshape(size, m, n, 2)
        counts = drawn.reshape(size, m, n, 1)
        with np.errstate(invalid="ignore"):
            out[first : first + size] = np.where(counts > 0, sums / counts, means)
    return out
