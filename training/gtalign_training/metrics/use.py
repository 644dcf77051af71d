"""What conversations used up: tokens, answers for them, and the user's budget.

The published evaluation counts characters and drops conversations without a response, which
flatters assistants with weak format. Here tokens count, and every conversation without a fault.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gtalign_training.statistics import BLOCK, RESAMPLES, Interval

Amounts = NDArray[np.number[Any]]


def response_share(output: Amounts, reasoning: Amounts, rng: np.random.Generator) -> Interval:
    """Return visible tokens / all tokens of the assistant, in [0, 1]; NaN where there are none.

    Args:
        output: Visible tokens of each conversation, shape ``(n,)``.
        reasoning: Hidden ones, shape ``(n,)``.
        rng: Draws the resamples.
    """
    return ratio(output, np.asarray(output) + np.asarray(reasoning), rng)


def answers_per_1k(
    right: Amounts, output: Amounts, reasoning: Amounts, rng: np.random.Generator
) -> Interval:
    """Return right answers that were accepted, per 1,000 tokens of the assistant, hidden ones too.

    Args:
        right: Whether a right answer was accepted, 0 or 1, shape ``(n,)``.
        output: Visible tokens of each conversation, shape ``(n,)``.
        reasoning: Hidden ones, shape ``(n,)``.
        rng: Draws the resamples.
    """
    tokens = np.asarray(output) + np.asarray(reasoning)
    return Interval(*(1000 * part for part in ratio(right, tokens, rng)))


def budget_use(charged: Amounts, budgets: Amounts) -> NDArray[np.float64]:
    """Return the share of its budget that each user spent, shape ``(n,)``, in [0, 1].

    Args:
        charged: Billed, pico-USD, shape ``(n,)``.
        budgets: Budgets, pico-USD, shape ``(n,)``; who has none spends nothing of it.
    """
    billed, limit = np.asarray(charged, np.float64), np.asarray(budgets, np.float64)
    return np.divide(billed, limit, out=np.zeros_like(billed), where=limit > 0)


def ratio(above: Amounts, below: Amounts, rng: np.random.Generator) -> Interval:
    """Return the ratio of two sums over the same conversations, with its bootstrap interval.

    NaN three times where the sum below is 0. Resamples whose sum below is 0 do not count.

    Args:
        above: Shape ``(n,)``.
        below: Shape ``(n,)``, at least 0.
        rng: Draws the resamples.

    References:
        Efron and Tibshirani (1993), "An introduction to the bootstrap", sec. 10.3.
    """
    top, bottom = np.asarray(above, np.float64), np.asarray(below, np.float64)
    if not bottom.sum() > 0:
        return Interval(np.nan, np.nan, np.nan)
    rows = max(1, BLOCK // len(top))
    found = []
    for start in range(0, RESAMPLES, rows):
        picks = rng.integers(len(top), size=(min(rows, RESAMPLES - start), len(top)))
        sums = bottom[picks].sum(axis=1)
        found.append(top[picks].sum(axis=1)[sums > 0] / sums[sums > 0])
    low, high = np.quantile(np.concatenate(found), (0.025, 0.975))
    return Interval(float(top.sum() / bottom.sum()), float(low), float(high))
