"""From episodes to parts: welfares with intervals, bill, moves, endings, faults, words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from gtalign_env.core.moves import ASSISTANT_LABELS, USER_LABELS, Ending
from gtalign_env.money import PICO_PER_USD, to_usd
from gtalign_training.report.parts import Flow, Part, ShareRows, Table, WelfareRows, Welfares
from gtalign_training.report.replayed import SINKS, SOURCES, Replayed
from gtalign_training.report.words import count, number, percent, usd
from gtalign_training.runs.episode import Episode
from gtalign_training.statistics import bootstrap

_RESAMPLES = 5  # the stream of `runs.summary`: a run has the same intervals everywhere

ENDINGS = tuple(ending.name.lower() for ending in Ending if ending is not Ending.FAULT)

Groups = list[tuple[str, list[Episode]]]


def welfares(episodes: Sequence[Episode], seed: int) -> Welfares:
    """Return mean and interval of the three welfares, points.

    Args:
        episodes: At least one, none with a fault.
        seed: Of the run; the resamples follow from it.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, _RESAMPLES]))
    columns = {
        "user": [one.user for one in episodes],
        "assistant": [one.assistant for one in episodes],
        "joint": [one.welfare or 0.0 for one in episodes],
    }
    return {key: bootstrap(np.array(values), rng) for key, values in columns.items()}


def grouped(episodes: Sequence[Episode]) -> Groups:
    """Return the episodes, all and by regime and persona where there are several of these."""
    out: Groups = [("all", list(episodes))]
    for field in ("regime", "persona"):
        names = list(dict.fromkeys(getattr(one, field) for one in episodes))
        if len(names) > 1:
            out += [(n, [one for one in episodes if getattr(one, field) == n]) for n in names]
    return out


def run_parts(valid: Sequence[Episode], back: Mapping[int, Replayed], seed: int) -> list[Part]:
    """Return what the finished conversations of a run show.

    Args:
        valid: At least one, none with a fault.
        back: What their draws bring back, by index.
        seed: Of the run.
    """
    groups = grouped(valid)
    rows = tuple((name, len(some), welfares(some, seed)) for name, some in groups)
    parts: list[Part] = [
        WelfareRows(
            "Welfare",
            rows,
            note="Points a conversation; dots are means, bars their 95\u202f% bootstrap intervals.",
        )
    ]
    parts += [part for part in (_flow(valid, back),) if part is not None]
    parts.append(_bills(groups))
    parts += _shares(groups)
    return parts


def _flow(valid: Sequence[Episode], back: Mapping[int, Replayed]) -> Part | None:
    """Return where a mean bill comes from and goes, where every bill is known in its parts."""
    known = [back[one.episode] for one in valid if one.episode in back]
    billed = [one.billed for one in known if one.billed is not None]
    spent = [one.spent for one in known if one.spent is not None]
    n = len(valid)
    charged, cost = sum(one.charged for one in valid), sum(one.cost for one in valid)
    if charged + cost <= 0:
        return None
    if len(billed) == n:
        sources = dict(zip(SOURCES, map(sum, zip(*billed, strict=True)), strict=True))
        sinks = dict(zip(SINKS, map(sum, zip(*spent, strict=True)), strict=True))
    else:
        sources, sinks = {"all that was used": charged}, {"all tokens": cost}
    sides: tuple[dict[str, int], dict[str, int]] = ({}, {})
    for source, amount in sources.items():
        # what takes off a bill goes out on the other side, so that both add up
        sides[amount < 0][source if amount > 0 else f"taken off: {source}"] = abs(amount)
    for sink, amount in sinks.items():
        sides[1][f"computing: {sink}"] = amount
    margin = charged - cost
    sides[margin > 0]["provider’s margin" if margin > 0 else "provider’s loss"] = abs(margin)
    shown = [
        tuple((name, amount / n / PICO_PER_USD) for name, amount in side.items() if amount > 0)
        for side in sides
    ]
    return Flow(
        "The bill and where it went",
        shown[0],
        "a conversation",
        shown[1],
        note="USD of a mean conversation: what it was billed for, and what became of the money.",
    )


def _bills(groups: Groups) -> Part:
    rows = []
    for name, some in groups:
        n = len(some)
        charged = sum(one.charged for one in some) / n / PICO_PER_USD
        cost = sum(one.cost for one in some) / n / PICO_PER_USD
        rows.append(
            (
                name,
                count(n),
                number(charged, 5),
                number(cost, 5),
                number(charged - cost, 5),
                count(sum(one.output for one in some) / n),
                count(sum(one.reasoning for one in some) / n),
                number(sum(len(one.assistant_moves) for one in some) / n, 2),
            )
        )
    columns = (
        *("", "conversations", "bill (USD)", "provider’s cost (USD)", "margin (USD)"),
        *("read (tokens)", "reasoning (tokens)", "exchanges"),
    )
    return Table("A mean conversation", columns, tuple(rows))


def _shares(groups: Groups) -> list[Part]:
    def rows(pick: Any, known: Sequence[str]) -> tuple[tuple[str, str, dict[str, float], str], ...]:
        return tuple(
            (
                name,
                f"n = {count(len(some))}",
                shares((x for one in some for x in pick(one)), known),
                "",
            )
            for name, some in groups
        )

    return [
        ShareRows("How conversations ended", "ending", rows(lambda one: (one.ending,), ENDINGS)),
        ShareRows(
            "What the assistant did first",
            "move",
            rows(lambda one: one.assistant_moves[:1], ASSISTANT_LABELS),
            note="Share of conversations by the assistant’s first move.",
        ),
        ShareRows(
            "All moves of the assistant",
            "move",
            rows(lambda one: one.assistant_moves, ASSISTANT_LABELS),
        ),
        ShareRows(
            "All moves of the user", "user_move", rows(lambda one: one.user_moves, USER_LABELS)
        ),
    ]


def shares(found: Iterable[str], known: Sequence[str]) -> dict[str, float]:
    """Return the share of each label that occurs; known ones first, in their order."""
    counts = Counter(found)
    order = [*known, *sorted(set(counts) - set(known))]
    total = counts.total()
    return {name: counts[name] / total for name in order if counts[name]}


def fault_parts(every: Sequence[Episode]) -> list[Part]:
    """Return what failed, if anything did.

    Args:
        every: All episodes.
    """
    faults = [one.fault for one in every if one.fault is not None]
    if not faults:
        return []
    counts = Counter((fault.seat, fault.kind) for fault in faults)
    said = {(fault.seat, fault.kind): fault.message for fault in faults}
    rows = tuple(
        (f"{seat}: {kind}", count(n), percent(n / len(every)), said[seat, kind])
        for (seat, kind), n in counts.most_common()
    )
    return [
        Table(
            "Faults",
            ("what failed", "conversations", "of all", "for instance"),
            rows,
            note="A conversation in which something failed has no welfare and is in no mean.",
        )
    ]


def word_parts(every: Sequence[Episode], summary: Mapping[str, Any]) -> list[Part]:
    """Return what the messages of a run in words came of.

    Args:
        every: All episodes.
        summary: The run's summary, for what its models cost.
    """
    told = [one for one in every if one.words is not None]
    if not told:
        return []
    rows = []
    labels: list[tuple[str, ...]] = []
    for index, seat in enumerate(("user", "assistant")):
        good = [one.words[index] for one in told if one.words is not None and one.fault is None]
        sides = [one.words[index] for one in told if one.words is not None]
        used = [sum(side.usage[kind] for side in sides) for kind in range(4)]
        cost = _cost(summary, seat)
        messages = sum(side.messages for side in good)
        rows.append(
            (
                seat,
                count(messages),
                count(sum(side.calls for side in sides)),
                count(used[0]),
                count(used[2] + used[3]),
                count(sum(side.estimated for side in sides)),
                "–" if cost is None else usd(to_usd(cost), 4),
            )
        )
        found = Counter(label for side in good for label in side.labels)
        labels += [
            (f"{seat}: {name}", count(n), percent(n / max(1, messages)))
            for name, n in found.most_common()
        ]
    columns = (
        *("seat", "messages", "model calls", "tokens in", "tokens out"),
        *("calls without a count", "cost of the model"),
    )
    parts: list[Part] = [Table("Messages and models", columns, tuple(rows))]
    if labels:
        parts.append(
            Table(
                "What was wrong with messages",
                ("label", "messages", "of the seat’s"),
                tuple(labels),
                note="Broken rules of the four blocks, and errors of the simulated user.",
            )
        )
    return parts


def _cost(summary: Mapping[str, Any], seat: str) -> int | None:
    try:
        cost = summary["seats"][seat]["model"]["cost_pico_usd"]
    except (KeyError, TypeError):
        return None
    return cost if isinstance(cost, int) else None
