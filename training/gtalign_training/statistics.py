"""Numbers about played conversations: means for the training log, intervals for comparisons."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gtalign_env.core.moves import AssistantMove, Ending
from gtalign_env.money import to_usd
from gtalign_training.language.rollouts import Rollout

RESAMPLES = 2000
"""Bootstrap resamples behind an interval."""

BLOCK = 4_000_000
"""Most values that are picked at once; the result does not depend on it."""


class Interval(NamedTuple):
    """A mean and its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float


def rollout_metrics(rollouts: Sequence[Rollout]) -> dict[str, float]:
    """Return the means of a batch; faulted conversations are counted and left out of the rest.

    Args:
        rollouts: Played conversations.
    """
    valid = [rollout for rollout in rollouts if rollout.fault is None]
    out = {"faults": 1.0 - len(valid) / len(rollouts)}
    if not valid:
        return out
    states = [rollout.talk.conversation.state for rollout in valid]
    returns = np.array([rollout.talk.conversation.returns for rollout in valid])
    out |= {
        "user_welfare": float(returns[:, 0].mean()),
        "assistant_welfare": float(returns[:, 1].mean()),
        "joint_welfare": math.fsum(rollout.welfare or 0.0 for rollout in valid) / len(valid),
        "well_formed": sum(rollout.well_formed for rollout in valid) / len(valid),
        "charge_usd": to_usd(sum(state.charged for state in states)) / len(valid),
        "cost_usd": to_usd(sum(state.cost for state in states)) / len(valid),
        "output_tokens": sum(state.total_output for state in states) / len(valid),
        "exchanges": sum(state.exchange + 1 for state in states) / len(valid),
        "distinct_payoffs": float(distinct_payoffs(valid)),
    }
    endings = Counter(state.ending for state in states)
    for ending in Ending:
        if ending is not Ending.FAULT:
            out[f"ending/{ending.name.lower()}"] = endings[ending] / len(valid)
    return out | move_shares(valid)


def distinct_payoffs(rollouts: Sequence[Rollout]) -> int:
    """Return how many different payoff matrices were written: 1 is a collapse."""
    return len(
        {
            json.dumps(turn.block.payoff, sort_keys=True)
            for rollout in rollouts
            for turn in rollout.turns
            if turn.block is not None
        }
    )


def move_shares(rollouts: Sequence[Rollout]) -> dict[str, float]:
    """Return the share of each first move by regime, as ``move/REGIME/LABEL``."""
    counts: dict[str, Counter[AssistantMove]] = {}
    for rollout in rollouts:
        if rollout.first_move is not None:
            regime = rollout.talk.conversation.spec.regime.name
            counts.setdefault(regime, Counter())[rollout.first_move] += 1
    return {
        f"move/{regime}/{move.label}": found[move] / found.total()
        for regime, found in sorted(counts.items())
        for move in AssistantMove
    }


def bootstrap(values: NDArray[np.float64], rng: np.random.Generator) -> Interval:
    """Return the mean of independent values with its 95 % percentile interval.

    Args:
        values: Shape ``(n,)``; no NaN.
        rng: Draws the resamples.

    References:
        Efron (1979), "Bootstrap methods: another look at the jackknife", sec. 2.
    """
    means = [
        values[rng.integers(len(values), size=(rows, len(values)))].mean(axis=1)
        for rows in _blocks(len(values))
    ]
    low, high = np.quantile(np.concatenate(means), (0.025, 0.975))
    return Interval(float(values.mean()), float(low), float(high))


class Difference(NamedTuple):
    """A mean paired difference, its 95 % bootstrap interval, and a two-sided test that it is 0."""

    mean: float
    low: float
    high: float
    p: float
    n: int
    """Pairs."""


def bootstrap_families(
    values: NDArray[np.float64], families: Sequence[str], rng: np.random.Generator
) -> Interval:
    """Return the mean with its 95 % percentile interval where values come in families.

    Whole families are drawn, so values that belong together, as the turns of one conversation do,
    make no interval narrower than it is.

    Args:
        values: Shape ``(n,)``; no NaN.
        families: The family of each value.
        rng: Draws the resamples.

    References:
        Field and Welsh (2007), "Bootstrapping clustered data", the cluster bootstrap.
    """
    sums, counts = _by_family(values, families)
    means = []
    for rows in _blocks(len(sums)):
        picks = rng.integers(len(sums), size=(rows, len(sums)))
        means.append(sums[picks].sum(axis=1) / counts[picks].sum(axis=1))
    low, high = np.quantile(np.concatenate(means), (0.025, 0.975))
    return Interval(float(values.mean()), float(low), float(high))


def paired(
    differences: NDArray[np.float64], families: Sequence[str], rng: np.random.Generator
) -> Difference:
    """Return the mean of paired differences with interval and p-value, by families.

    The test flips the signs of whole families: if nothing differs, either sign is as likely.

    Args:
        differences: Shape ``(n,)``; no NaN.
        families: The family of each.
        rng: Draws the resamples, then the signs.

    References:
        Fisher (1935), "The design of experiments", sec. 21, the sign-flip test.
    """
    interval = bootstrap_families(differences, families, rng)
    sums, _ = _by_family(differences, families)
    extreme = 0
    for rows in _blocks(len(sums)):
        signs = rng.choice((-1.0, 1.0), size=(rows, len(sums)))
        extreme += int((np.abs(signs @ sums) >= abs(sums.sum()) - 1e-12).sum())
    return Difference(*interval, (1 + extreme) / (1 + RESAMPLES), len(differences))


def _blocks(width: int) -> Iterator[int]:
    """Yield how many resamples to draw at once; all of them would not fit where rows are many."""
    rows = max(1, BLOCK // width)
    for start in range(0, RESAMPLES, rows):
        yield min(rows, RESAMPLES - start)


def _by_family(
    values: NDArray[np.float64], families: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    places = {name: i for i, name in enumerate(dict.fromkeys(families))}
    index = np.array([places[name] for name in families])
    sums: NDArray[np.float64] = np.bincount(index, values).astype(np.float64)
    return sums, np.bincount(index).astype(np.float64)


def gap_closed(
    before: NDArray[np.float64],
    after: NDArray[np.float64],
    optimum: float,
    rng: np.random.Generator,
) -> Interval:
    """Return the share of the gap to the optimum that was closed, with a paired interval.

    Args:
        before: W per conversation before training, shape ``(n,)``.
        after: W of the same conversations after it, shape ``(n,)``.
        optimum: The exact optimum of mean W.
        rng: Draws the resamples; before and after share them.
    """

    def share(start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
        closed: NDArray[np.float64] = (end - start) / (optimum - start)
        return closed

    picks = rng.integers(len(before), size=(RESAMPLES, len(before)))
    resampled = share(before[picks].mean(axis=1), after[picks].mean(axis=1))
    low, high = np.quantile(resampled, (0.025, 0.975))
    return Interval(float(share(before.mean(), after.mean())), float(low), float(high))
