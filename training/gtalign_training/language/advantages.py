"""Who is credited with what: advantages within groups of tries, by conversation or by turn.

A group is several tries at one conversation. NaN marks what failed: it is in no mean and gets 0.

References:
    Shao et al. (2024), "DeepSeekMath", sec. 4.1 (GRPO: differences from the group's mean, in its
    standard deviations). Kool, van Hoof and Welling (2019), "Buy 4 REINFORCE samples, get a baseline
    for free!", and Ahmadian et al. (2024), "Back to basics", sec. 3 (RLOO: the others' mean as the
    baseline). Williams (1992), "Simple statistical gradient-following algorithms", for rewards to go.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from gtalign_training.language.rollouts import Rollout

FloatArray = NDArray[np.float64]
Law = Callable[[FloatArray], FloatArray]
"""From the returns of one group, shape ``(n,)``, to their advantages; NaN in, NaN out."""

SMALLEST_SCALE = 1e-4
"""Added to the deviation, as TRL does: a group without differences then gets 0."""


def group_relative(returns: FloatArray) -> FloatArray:
    """Return differences from the mean in standard deviations, shape ``(n,)``.

    Args:
        returns: Of the tries of one group, shape ``(n,)``; NaN where one failed.
    """
    valid = returns[~np.isnan(returns)]
    if len(valid) < 2:
        return returns * 0.0  # nothing to compare with
    out: FloatArray = (returns - valid.mean()) / (valid.std(ddof=1) + SMALLEST_SCALE)
    return out


def leave_one_out(returns: FloatArray) -> FloatArray:
    """Return differences from the mean of the other tries, shape ``(n,)``, points.

    Args:
        returns: Of the tries of one group, shape ``(n,)``, points; NaN where one failed.
    """
    valid = returns[~np.isnan(returns)]
    n = len(valid)
    if n < 2:
        return returns * 0.0
    # x - (sum - x) / (n - 1) = (x - mean) n / (n - 1)
    out: FloatArray = (returns - valid.mean()) * (n / (n - 1))
    return out


def by_conversation(rewards: Sequence[float | None], group: int, law: Law) -> FloatArray:
    """Return the advantage of every try, shape ``(n,)``; 0 for one that failed.

    Args:
        rewards: Of the tries, group by group; None after a fault.
        group: Tries per group; divides n.
        law: `group_relative` or `leave_one_out`.
    """
    values = np.array([math.nan if reward is None else reward for reward in rewards])
    out = np.concatenate([law(part) for part in values.reshape(-1, group)])
    return np.asarray(np.nan_to_num(out, nan=0.0), dtype=np.float64)


def rewards_to_go(gains: Sequence[float]) -> list[float]:
    """Return, for every turn, what was gained from it on.

    Args:
        gains: Of each turn, points.
    """
    return [math.fsum(gains[index:]) for index in range(len(gains))]


def by_turn(gains: Sequence[Sequence[float] | None], group: int, law: Law) -> list[list[float]]:
    """Return the advantage of every turn of every try; 0 where there is none to compare with.

    The first turns of a group are compared with each other, the second ones with each other, and
    so on: what they were gained from is the same reward to go.

    Args:
        gains: Of each turn of each try, group by group; None after a fault.
        group: Tries per group; divides the number of tries.
        law: `group_relative` or `leave_one_out`.
    """
    to_go = [[] if one is None else rewards_to_go(one) for one in gains]
    out = [[0.0] * len(one) for one in to_go]
    for start in range(0, len(to_go), group):
        members = range(start, start + group)
        for turn in range(max((len(to_go[i]) for i in members), default=0)):
            there = [i for i in members if turn < len(to_go[i])]
            shares = law(np.array([to_go[i][turn] for i in there]))
            for i, share in zip(there, shares, strict=True):
                out[i][turn] = float(share)
    return out


def on_tokens(rollout: Rollout, turns: Sequence[float]) -> list[float]:
    """Return what each token of a completion is credited with; 0 for the user's.

    Args:
        rollout: The conversation.
        turns: Advantage of each of the model's turns; empty after a fault.
    """
    owners = _owners(rollout)
    return [turns[turn] if turn is not None and turns else 0.0 for turn in owners]


def _owners(rollout: Rollout) -> list[int | None]:
    """Return which turn wrote each token, or None for the user."""
    lengths = [turn.tokens for turn in rollout.turns]
    written = [index for index, length in enumerate(lengths) for _ in range(length)]
    left = iter(written)
    return [next(left) if own else None for own in rollout.mask]
