"""From the rounds of a self-play training to parts: how far from an equilibrium, and what it is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gtalign_training.report.learnt import welfares_of
from gtalign_training.report.parts import Curve, Curves, Part, ShareRows, Table, WelfareRows
from gtalign_training.report.plain import as_number, shares_of
from gtalign_training.report.words import number

STAGE = "selfplay"
LOOKS = ("p0", "p2", "p3", "p4", "user", "assistant")
"""Classes of the colours of prices, in order; of more, they come again."""
WELFARES = (
    ("user_welfare", "user’s U", "user"),
    ("assistant_welfare", "assistant’s L", "assistant"),
    ("joint_welfare", "joint W", "joint"),
)
EXACT = "Exact expectations after every round; nothing is sampled."

Rows = Sequence[Mapping[str, Any]]


def selfplay_parts(metrics: Rows, result: Mapping[str, Any]) -> list[Part]:
    """Return what a self-play training came to, by regime.

    Args:
        metrics: Lines of ``metrics.jsonl``.
        result: Content of ``evaluation.json``; empty where it is not finished.
    """
    rows = [row for row in metrics if row.get("stage") == STAGE]
    found = result.get("by_regime")
    end = (
        {str(k): v for k, v in found.items() if isinstance(v, Mapping)}
        if isinstance(found, Mapping)
        else {}
    )
    named = [key.partition("/")[2] for row in rows for key in row if key.startswith("nash_conv/")]
    regimes = list(dict.fromkeys([*end, *named]))
    parts: list[Part] = []
    if end:
        parts += _end(end)
    distances = [
        curve
        for k, regime in enumerate(regimes)
        for curve in _curve(rows, f"nash_conv/{regime}", regime, LOOKS[k % len(LOOKS)])
    ]
    if distances:
        parts.append(
            Curves(
                "How far from an equilibrium",
                "round",
                "NashConv (points)",
                tuple(distances),
                note="NashConv: what both sides together would gain by their best responses, the "
                f"assistant’s in what it is rewarded with; 0 at an equilibrium. {EXACT}",
            )
        )
    for regime in regimes:
        curves = [
            curve
            for key, name, look in WELFARES
            for curve in _curve(rows, f"{key}/{regime}", name, look)
        ]
        if curves:
            parts.append(
                Curves(
                    f"Welfare round by round under {regime}",
                    "round",
                    "points a conversation",
                    tuple(curves),
                    note=EXACT,
                )
            )
    for key, title, kind in (
        ("openings", "What the user asks first at the end", "user_move"),
        ("first_moves", "What the assistant does first at the end", "move"),
    ):
        mixes = [(regime, "", shares_of(row.get(key)), "") for regime, row in end.items()]
        shown = tuple(one for one in mixes if one[2])
        if shown:
            parts.append(ShareRows(title, kind, shown))
    return parts


def _end(end: Mapping[str, Mapping[str, Any]]) -> list[Part]:
    """Return what the pair is worth at the end, with what either side could still gain."""
    rows = tuple((regime, 0, found) for regime, row in end.items() if (found := welfares_of(row)))
    keys = ("user", "assistant", "welfare", "user_gain", "assistant_gain", "nash_conv")
    table = Table(
        "At the end",
        (
            "price",
            "user’s U",
            "assistant’s L",
            "joint W",
            "user’s gain",
            "assistant’s gain",
            "NashConv",
        ),
        tuple(
            (regime, *(number(as_number(row.get(key))) for key in keys))
            for regime, row in end.items()
        ),
        note="gain: what a best response would add, the assistant’s in points of its reward.",
    )
    title = "What the pair is worth at the end, exactly"
    return [WelfareRows(title, rows, numbers=table) if rows else table]


def _curve(rows: Rows, key: str, name: str, look: str) -> list[Curve]:
    points = [
        (step, value)
        for row in rows
        if (step := as_number(row.get("step"))) is not None
        and (value := as_number(row.get(key))) is not None
    ]
    if not points:
        return []
    xs, ys = zip(*sorted(points), strict=True)
    return [Curve(name, look, xs, ys)]
