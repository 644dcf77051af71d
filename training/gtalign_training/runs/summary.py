"""What came of a run: welfares with intervals, moves, tokens, bill, endings and faults."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from gtalign_agents.fourblock import Payoff
from gtalign_env.core.moves import ASSISTANT_LABELS, USER_LABELS, Ending
from gtalign_env.money import to_usd
from gtalign_env.pricing import Rates, Usage
from gtalign_training.runs.episode import Episode, Side
from gtalign_training.runs.matrices import matrices
from gtalign_training.statistics import bootstrap

_RESAMPLES = 5  # stream of a run's seed, apart from those of the trainers

Joint = Callable[[float, float], float]


def summarise(
    episodes: Mapping[int, Episode],
    facts: Mapping[str, Any],
    welfare: Joint,
    rates: Mapping[str, Rates] | None = None,
    exact: Mapping[str, Payoff] | None = None,
) -> dict[str, Any]:
    """Return the summary of a run as plain JSON data; it depends on the episodes alone.

    Args:
        episodes: The episodes by index.
        facts: What the run is: its entries stand first. ``seed`` and ``episodes`` are used.
        welfare: W(U, L), for the welfare of the means.
        rates: What the models of the seats cost, pico-USD per token.
        exact: The exact payoff matrix of each regime, points; needed where matrices were written.
    """
    every = [episodes[index] for index in sorted(episodes)]
    valid = [one for one in every if one.fault is None]
    return {
        **facts,
        "finished": len(every),
        "valid": len(valid),
        "faults": _counts(one.fault.kind for one in every if one.fault is not None),
        **(_measures(valid, int(facts["seed"]), welfare) if valid else {}),
        "by_regime": {
            regime: _brief([one for one in valid if one.regime == regime])
            for regime in dict.fromkeys(one.regime for one in valid)
        },
        "by_persona": {
            persona: _brief([one for one in valid if one.persona == persona])
            for persona in sorted({one.persona for one in valid})
        },
        **({"seats": _in_words(every, rates or {})} if "words" in facts else {}),
        **_matrices(valid, exact or {}, int(facts["seed"])),
    }


def _matrices(
    valid: Sequence[Episode], exact: Mapping[str, Payoff], seed: int
) -> dict[str, dict[str, Any]]:
    if not any(one.written for one in valid):
        return {}
    messages = sum(side.messages for side in _sides(valid, 1))
    return {"matrices": matrices(valid, exact, messages, seed)}


def _in_words(every: Sequence[Episode], rates: Mapping[str, Rates]) -> dict[str, Any]:
    """Return what each seat said: labels of conversations without a fault, calls of all."""
    return {
        seat: {
            "faults": _counts(
                one.fault.kind for one in every if one.fault is not None and one.fault.seat == seat
            ),
            "messages": sum(side.messages for side in _sides(every, index, valid=True)),
            "labels": _counts(
                label for side in _sides(every, index, valid=True) for label in side.labels
            ),
            **(_user_error(_sides(every, index, valid=True)) if seat == "user" else {}),
            **_typed(_sides(every, index, valid=True)),
            "model": _calls(_sides(every, index), rates.get(seat)),
        }
        for index, seat in enumerate(("user", "assistant"))
    }


def _typed(sides: Sequence[Side]) -> dict[str, dict[str, int]]:
    """Return who has typed the moves, where a judge was there to be asked."""
    counts = _counts(by for side in sides for by in side.typed)
    return {"typed": counts} if counts else {}


def _user_error(sides: Sequence[Side]) -> dict[str, dict[str, float]]:
    """Return how many of a simulated user's messages are in error, by rules that name clear cases."""
    messages = sum(side.messages for side in sides)
    wrong = sum(side.wrong for side in sides)
    return {"user_error": {"messages": wrong, "share": wrong / max(1, messages)}}


def _sides(every: Sequence[Episode], seat: int, *, valid: bool = False) -> list[Side]:
    return [
        one.words[seat]
        for one in every
        if one.words is not None and not (valid and one.fault is not None)
    ]


def _calls(sides: Sequence[Side], rates: Rates | None) -> dict[str, Any]:
    usage = Usage(*(sum(side.usage[kind] for side in sides) for kind in range(4)))
    return {
        "calls": sum(side.calls for side in sides),
        "estimated": sum(side.estimated for side in sides),
        "tokens": usage._asdict(),
        "cost_pico_usd": None if rates is None else rates.of(usage),
    }


def _measures(valid: Sequence[Episode], seed: int, welfare: Joint) -> dict[str, Any]:
    rng = np.random.default_rng(np.random.SeedSequence([seed, _RESAMPLES]))
    columns = {
        "user": np.array([one.user for one in valid]),
        "assistant": np.array([one.assistant for one in valid]),
        "joint": np.array([_number(one.welfare) for one in valid]),
    }
    means = {name: bootstrap(values, rng)._asdict() for name, values in columns.items()}
    return {
        "welfare": means,
        "welfare_of_means": welfare(means["user"]["mean"], means["assistant"]["mean"]),
        "moves": {
            "user": _shares((move for one in valid for move in one.user_moves), USER_LABELS),
            "assistant": _shares(
                (move for one in valid for move in one.assistant_moves), ASSISTANT_LABELS
            ),
        },
        "first_moves": {
            "user": _shares((m for one in valid for m in one.user_moves[:1]), USER_LABELS),
            "assistant": _shares(
                (m for one in valid for m in one.assistant_moves[:1]), ASSISTANT_LABELS
            ),
        },
        "endings": _shares(
            (one.ending for one in valid), [e.name.lower() for e in Ending if e is not Ending.FAULT]
        ),
        "exchanges": sum(len(one.assistant_moves) for one in valid) / len(valid),
        "tokens": {
            "output": sum(one.output for one in valid) / len(valid),
            "reasoning": sum(one.reasoning for one in valid) / len(valid),
        },
        "bill_usd": {
            "charged": to_usd(sum(one.charged for one in valid)) / len(valid),
            "cost": to_usd(sum(one.cost for one in valid)) / len(valid),
        },
        "total_pico_usd": {
            "charged": sum(one.charged for one in valid),
            "cost": sum(one.cost for one in valid),
        },
    }


def _brief(episodes: Sequence[Episode]) -> dict[str, float]:
    n = len(episodes)
    return {
        "episodes": n,
        "user": math.fsum(one.user for one in episodes) / n,
        "assistant": math.fsum(one.assistant for one in episodes) / n,
        "joint": math.fsum(_number(one.welfare) for one in episodes) / n,
    }


def _number(welfare: float | None) -> float:
    assert welfare is not None, "an episode without a fault has a welfare"
    return welfare


def _counts(words: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(words).items()))


def _shares(found: Iterable[str], known: Sequence[str]) -> dict[str, float]:
    counts = Counter(found)
    return {name: counts[name] / max(1, counts.total()) for name in known}
