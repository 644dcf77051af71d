"""How much a judge agrees with itself: the same answers judged again and again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gtalign_agents.judging.verdict import Abstention, Item, Judge, Verdict


@dataclass(frozen=True)
class Agreement:
    """The same items judged several times.

    Attributes:
        items: Number of items.
        rounds: How often each was judged.
        disputed: Share of the items with at least two verdicts whose verdicts differ.
        spread: Mean difference between an item's greatest and least score, on its scale.
        abstained: Share of the judgements that were abstentions.
        faulted: Share that failed.
    """

    items: int
    rounds: int
    disputed: float
    spread: float
    abstained: float
    faulted: float


def agreement(judges: Sequence[Judge], items: Sequence[Item]) -> Agreement:
    """Return how much judgements of the same items agree.

    Args:
        judges: One for each round: the same model with another sample index or seed.
        items: What to judge, at least one.

    Raises:
        ValueError: There are fewer than two rounds, or no items.
    """
    if len(judges) < 2 or not items:
        raise ValueError(f"at least 2 rounds and 1 item; got {len(judges)} and {len(items)}")
    rounds = [judge.judge(items) for judge in judges]
    judged = [outcome for outcomes in rounds for outcome in outcomes]
    scores = [
        [outcome.score for outcome in outcomes if isinstance(outcome, Verdict)]
        for outcomes in zip(*rounds, strict=True)
    ]
    comparable = [own for own in scores if len(own) > 1]
    spreads = [max(own) - min(own) for own in comparable]
    abstained = sum(isinstance(outcome, Abstention) for outcome in judged)
    faulted = len(judged) - abstained - sum(len(own) for own in scores)
    return Agreement(
        items=len(items),
        rounds=len(judges),
        disputed=sum(spread > 0 for spread in spreads) / max(1, len(spreads)),
        spread=sum(spreads) / max(1, len(spreads)),
        abstained=abstained / len(judged),
        faulted=faulted / len(judged),
    )
