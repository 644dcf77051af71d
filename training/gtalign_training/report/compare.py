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

NOTE = (
    "The same user with the same question met both: mean of the paired differences, with "
    "95\u202f% bootstrap intervals. An interval that leaves out 0 is marked *."
)

_SEED = 0  # of the resamples; every row draws its own, so rows do not depend on each other


def compare(results: Sequence[Outcomes]) -> tuple[Differences, ...]:
    """Return the paired differences of results that were made alike, to the first of each kind.

    Only conversations of the same user under the same conditions are paired: equal scenario hash,
    seed and package version. Where results were made in different ways, that is said, not computed.

    Args:
        results: In order.

    Returns:
        One comparison for each set of results made alike; nothing where there is one result alone.
    """
    if len(results) < 2:
        return ()
    alike: list[list[Outcomes]] = []
    for one in results:
        same = (some for some in alike if not difference_of(some[0].conditions, one.conditions))
        group = next(same, None)
        if group is None:
            alike.append([one])
        else:
            group.append(one)
    first = alike[0][0]
    apart = tuple(
        (", ".join(one.name for one in some), difference_of(first.conditions, some[0].conditions))
        for some in alike[1:]
    )
    found = [_paired(some, apart if k == 0 else ()) for k, some in enumerate(alike)]
    return tuple(one for one in found if one.rows or one.apart)


def _paired(results: Sequence[Outcomes], apart: Sequence[tuple[str, str]]) -> Differences:
    base, *others = results
    rows, said = [], list(apart)
    for index, other in enumerate(others):
        shared = sorted(set(base.table) & set(other.table))
        if len(shared) < LEAST_PAIRS:
            said.append((other.name, "fewer than 2 conversations are finished in both"))
            continue
        rng = np.random.default_rng(np.random.SeedSequence([_SEED, index]))
        gaps = np.array([other.table[key] for key in shared]) - np.array(
            [base.table[key] for key in shared]
        )
        cells = {key: bootstrap(gaps[:, k], rng) for k, (key, _, _) in enumerate(MEASURES)}
        rows.append((other.name, len(shared), cells))
    return Differences(
        f"Compared with {base.name}", base.name, tuple(rows), tuple(said), note=NOTE if rows else ""
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
            told.append(f"{name} {_short(second)}, there {_short(first)}")
    return "; ".join(told)


def _short(text: str) -> str:
    return f"{text[:10]}…" if len(text) > 24 else text
