"""What came of an evaluation, condition by condition and in pairs; it depends on the logs alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gtalign_agents.text_welfare import SOURCES
from gtalign_env.money import to_usd
from gtalign_env.pricing import Rates, Usage
from gtalign_training.data.evaluation.judges import is_judged
from gtalign_training.data.evaluation.numbers import NO_MOVE, Measured, measure, paid
from gtalign_training.data.evaluation.plan import NO_JUDGE, Condition, Evaluation
from gtalign_training.data.evaluation.records import Answer, Call, Judgement, Kept, Key
from gtalign_training.statistics import bootstrap_families, paired

_RESAMPLES = 6
"""Stream of an evaluation's seed for its intervals, apart from those of trainers and runs."""

MOVES = ("DA", "CQ", "AQ", NO_MOVE)

MEASURES: Mapping[str, Callable[[Measured], float | None]] = {
    "quality": lambda one: one.quality,
    "user": lambda one: one.user,
    "assistant": lambda one: one.assistant,
    "joint": lambda one: one.joint,
    "economic_user": lambda one: None if one.economic is None else one.economic[0],
    "economic_assistant": lambda one: None if one.economic is None else one.economic[1],
    "economic_joint": lambda one: None if one.economic is None else one.economic[2],
    "bill_usd": lambda one: None if one.bill is None else to_usd(one.bill),
    "tokens": lambda one: float(one.usage.output + one.usage.reasoning),
    "asks": lambda one: float(one.move in ("CQ", "AQ")),
}
"""What has an interval and is compared: by name, with what gives it for one answer."""


@dataclass(frozen=True)
class Found:
    """The answers of one condition.

    Attributes:
        condition: The condition.
        answers: By row.
        verdicts: By row.
        measured: By row; without the failed ones.
    """

    condition: Condition
    answers: dict[int, Answer]
    verdicts: dict[int, Judgement]
    measured: dict[int, Measured]


def summarise(plan: Evaluation, kept: Kept) -> dict[str, Any]:
    """Return the summary of an evaluation as plain JSON data.

    Args:
        plan: The evaluation.
        kept: What its logs hold.
    """
    found = [_found(plan, kept, index) for index in range(len(plan.conditions))]
    answers = [one for each in found for one in each.answers.values()]
    verdicts = [one for each in found for one in each.verdicts.values()]
    return {
        **plan.facts(),
        "answers": len(answers),
        "faults": {
            "assistant": _kinds(one.fault.kind for one in answers if one.fault is not None),
            "judge": _kinds(one.fault.kind for one in verdicts if one.fault is not None),
        },
        "conditions": [_condition(plan, each) for each in found],
        "differences": [_difference(plan, found[a], found[b]) for a, b in _pairs(plan.conditions)],
        "models": {
            "assistant": _model([c for one in answers for c in one.calls], plan.assistant_rates),
            "judge": _model([c for one in verdicts for c in one.calls], plan.judge_rates),
        },
        "ledger_pico_usd": _ledger(plan, found),
        **({"rescored": rescored} if (rescored := _rescored(kept.history)) else {}),
    }


def _found(plan: Evaluation, kept: Kept, index: int) -> Found:
    answers: dict[int, Answer] = {}
    verdicts: dict[int, Judgement] = {}
    measured: dict[int, Measured] = {}
    for row in range(plan.limit):
        key: Key = (row, index)
        if (answer := kept.answers.get(key)) is None:
            continue
        answers[row] = answer
        verdict = kept.verdicts.get(key)
        if verdict is not None:
            verdicts[row] = verdict
        if (numbers := measure(plan, answer, verdict)) is not None:
            measured[row] = numbers
    return Found(plan.conditions[index], answers, verdicts, measured)


def _condition(plan: Evaluation, found: Found) -> dict[str, Any]:
    every = list(found.measured.values())
    judged = found.verdicts.values()
    waiting = [one for row, one in found.answers.items() if is_judged(one)]
    sources = [name for name in SOURCES if any(one.source == name for one in every)]
    return {
        "regime": found.condition.regime,
        "arm": found.condition.arm,
        "answered": len(every),
        "failed": len(found.answers) - len(every),
        "judged": {
            "scored": sum(one.score is not None for one in judged),
            "abstained": sum(one.abstains for one in judged),
            "failed": sum(one.fault is not None for one in judged),
            "malformed": sum(one.move == NO_MOVE for one in every),
            "not_asked": len(waiting) if plan.judge == NO_JUDGE else 0,
        },
        "quality_bounds": _bounds(every),
        "labels": _kinds(label for one in found.answers.values() for label in one.labels),
        **_measures(plan, every),
        "by_source": {
            name: {"rows": len(own), **_measures(plan, own)}
            for name in sources
            if (own := [one for one in every if one.source == name])
        },
        **({} if plan.steer is None else {"matrices": _matrices(found.answers.values())}),
    }


def _measures(plan: Evaluation, every: Sequence[Measured]) -> dict[str, Any]:
    moves = Counter(one.move for one in every)
    number = max(1, len(every))
    return {
        "moves": {move: moves[move] / number for move in MOVES},
        "tokens_mean": {
            kind: sum(getattr(one.usage, kind) for one in every) / number
            for kind in ("input", "output", "reasoning")
        },
        **{name: _interval(plan, every, of) for name, of in MEASURES.items()},
    }


def _bounds(every: Sequence[Measured]) -> list[float] | None:
    """Return mean quality if all answers without a verdict were worthless, and if all were perfect.

    A judge that abstains does not do so at random, so the mean over the judged ones may lie
    anywhere between.
    """
    if not every:
        return None
    known = [one.quality for one in every if one.quality is not None]
    total, unknown = float(sum(known)), len(every) - len(known)
    return [total / len(every), (total + unknown) / len(every)]


def _interval(
    plan: Evaluation, every: Sequence[Measured], of: Callable[[Measured], float | None]
) -> dict[str, Any] | None:
    known = [(value, one.family) for one in every if (value := of(one)) is not None]
    if not known:
        return None
    values, families = zip(*known, strict=True)
    interval = bootstrap_families(np.array(values), families, _rng(plan))
    return {**interval._asdict(), "n": len(values)}


def _rng(plan: Evaluation) -> np.random.Generator:
    # the same stream for each: what one interval is does not depend on which others are asked for
    return np.random.default_rng(np.random.SeedSequence([plan.seed, _RESAMPLES]))


def _pairs(conditions: Sequence[Condition]) -> Iterable[tuple[int, int]]:
    """Yield what is compared: each edit with its control, each regime with the first."""
    places = {condition: index for index, condition in enumerate(conditions)}
    for condition, index in places.items():
        control = condition._replace(arm="record-only")
        if condition.arm == "edit" and control in places:
            yield places[control], index
    for condition, index in places.items():
        first = condition._replace(regime=conditions[0].regime)
        if places[first] != index:
            yield places[first], index


def _difference(plan: Evaluation, first: Found, second: Found) -> dict[str, Any]:
    both = [
        (first.measured[row], second.measured[row])
        for row in first.measured
        if row in second.measured
    ]
    measures: dict[str, Any] = {}
    for name, of in MEASURES.items():
        known = [
            (after - before, one.family)
            for one, other in both
            if (before := of(one)) is not None and (after := of(other)) is not None
        ]
        measures[name] = None
        if known:
            values, families = zip(*known, strict=True)
            measures[name] = paired(np.array(values), families, _rng(plan))._asdict()
    return {
        "from": first.condition._asdict(),
        "to": second.condition._asdict(),
        "pairs": len(both),
        "moves_changed": sum(a.move != b.move for a, b in both) / max(1, len(both)),
        **measures,
    }


def _matrices(answers: Iterable[Answer]) -> dict[str, Any]:
    """Return what became of the written matrices: how many, how different, what they chose."""
    records = [one.steered for one in answers if one.steered is not None]
    read = [record for record in records if record["before"] is not None]
    distinct = Counter(str(record["before"]) for record in read)
    return {
        "read": len(read),
        "broken": len(records) - len(read),
        "edited": sum(record["applied"] for record in read),
        "distinct": len(distinct),
        "top_share": max(distinct.values(), default=0) / max(1, len(read)),
        "choice_moved": sum(r["choice_before"] != r["choice_after"] for r in read),
        "choice_before": _kinds(record["choice_before"] for record in read),
        "choice_after": _kinds(record["choice_after"] for record in read),
    }


def _model(calls: Sequence[Call], rates: Rates | None) -> dict[str, Any]:
    usage = Usage(*(sum(call.usage[kind] for call in calls) for kind in range(4)))
    return {
        "calls": len(calls),
        "estimated": sum(call.source == "estimate" for call in calls),
        "tokens": usage._asdict(),
        "cost_pico_usd": None if rates is None else rates.of(usage),
    }


def _ledger(plan: Evaluation, found: Sequence[Found]) -> dict[str, int]:
    """Return the balance of each account; all balances add up to 0."""
    balances: Counter[str] = Counter()
    for each in found:
        for one in each.measured.values():
            for line in one.lines:
                balances[line.account] += line.amount
        for row, verdict in each.verdicts.items():
            if row not in each.measured:
                for line in paid(verdict.calls, "judge", plan.judge_rates):
                    balances[line.account] += line.amount
    return dict(sorted(balances.items()))


def _rescored(history: Sequence[Judgement]) -> list[dict[str, Any]]:
    """Return what each later round of judging changed."""
    now: dict[Key, Judgement] = {}
    rounds: dict[int, Counter[str]] = {}
    for one in history:
        before = now.get(one.key)
        if one.round:
            counts = rounds.setdefault(one.round, Counter())
            counts["judged"] += 1
            counts["failed"] += one.fault is not None
            if before is not None and one.score is not None:
                counts["newly_scored"] += before.score is None
                counts["changed"] += before.score is not None and before.score != one.score
        now[one.key] = one
    names = ("judged", "newly_scored", "changed", "failed")
    return [
        {"round": number, **{name: counts[name] for name in names}}
        for number, counts in sorted(rounds.items())
    ]


def _kinds(words: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(words).items()))
