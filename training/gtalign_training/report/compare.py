"""Comparisons: paired differences on the same conversations, or why there can be none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from gtalign_training.report.parts import Differences, Outcomes
from gtalign_training.statistics import bootstrap

MEASURES = (
    ("user", "user’s U", "points"),
    ("assistant", "assistant’s L", "points"),
    ("joint", "joint W", "points"),
    ("charge", "bill", "USD"),
)
"""What is compared: key, name and unit."""

LEAST_PAIRS = 2
"""Fewer pairs have no interval."""

_SEED = 0  # of the resamples; every row draws its own, so rows do not depend on each other


def compare(results: Sequence[Outcomes]) -> Differences | None:
    """Return the paired differences of results to the first one; None where there is one alone.

    Only conversations of the same user under the same conditions are paired: equal scenario hash,
    seed and package version. Anything else is said, not computed.

    Args:
        results: In order; the first is what the others are compared with.
    """
    if len(results) < 2:
        return None
    base, *others = results
    rows, apart = [], []
    for index, other in enumerate(others):
        if why := difference_of(base.conditions, other.conditions):
            apart.append((other.name, why))
            continue
        shared = sorted(set(base.table) & set(other.table))
        if len(shared) < LEAST_PAIRS:
            apart.append((other.name, "fewer than 2 conversations are finished in both"))
            continue
        rng = np.random.default_rng(np.random.SeedSequence([_SEED, index]))
        gaps = np.array([other.table[key] for key in shared]) - np.array(
            [base.table[key] for key in shared]
        )
        cells = {key: bootstrap(gaps[:, k], rng) for k, (key, _, _) in enumerate(MEASURES)}
        rows.append((other.name, len(shared), cells))
    return Differences(
        f"Compared with {base.name}",
        base.name,
        tuple(rows),
        tuple(apart),
        note="The same user with the same question met both: mean of the paired differences, with "
        "95\u202f% bootstrap intervals. An interval that leaves out 0 is marked.",
    )


def difference_of(one: Mapping[str, str], other: Mapping[str, str]) -> str:
    """Return in what two results were not made alike; empty where they were.

    Args:
        one: Conditions by name.
        other: Likewise.
    """
    told = []
    for name in dict.fromkeys((*one, *other)):
        first, second = one.get(name, "unknown"), other.get(name, "unknown")
        if first != second:
            told.append(f"{name} {_short(first)} against {_short(second)}")
    return "; ".join(told)


def _short(text: str) -> str:
    return f"{text[:10]}…" if len(text) > 24 else text
