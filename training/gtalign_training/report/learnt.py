"""From the metrics and the evaluation of a training run to parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from gtalign_training.report.parts import (
    Curve,
    Curves,
    Game,
    Part,
    ShareRows,
    Table,
    Welfares,
)
from gtalign_training.report.plain import as_number, dig, interval_of
from gtalign_training.report.words import number, percent
from gtalign_training.statistics import Interval

STAGES = {"grpo": "optimiser step", "ppo": "environment step", "sft": "optimiser step (warm start)"}
"""Stages of ``metrics.jsonl`` and what their axis counts; the first that is there comes first."""

WELFARES = (
    ("joint_welfare", "joint W", "joint"),
    ("user_welfare", "user’s U", "user"),
    ("assistant_welfare", "assistant’s L", "assistant"),
)
OTHERS = (
    ("well_formed", "Well-formed conversations", "share"),
    ("loss", "Loss", ""),
    ("entropy", "Entropy of the policy", "nats"),
    ("kl", "Divergence from the reference", "nats"),
    ("approx_kl", "Divergence of an update", "nats"),
    ("charge_usd", "Bill", "USD a conversation"),
)
"""More of what is logged, worth a curve: key, title, unit.

A loss adds up terms of several units, but for that of the warm start; so it has none.
"""

SUPERVISED = "nats a token"
"""Unit of the loss of a warm start, a cross-entropy."""

ROW_NAMES = {"before": "before training", "after": "after training"}

LIKELIEST = "exact, at the policy’s likeliest moves, mean over prices"
"""How the headline of a policy without text was measured."""

SAMPLED = "Training plays sampled moves and explores, so the curve need not end where the measured policy lies."
"""How a curve differs from what was measured afterwards."""

CHANCES = (
    "Bars are the policy’s probabilities; the welfares above are those of its likeliest move alone."
)
"""How the bars of a policy without text differ from its headline."""

_FIELDS = (("user", "user"), ("assistant", "assistant"), ("joint", "welfare"))


def welfares_of(row: Mapping[str, Any]) -> Welfares:
    """Return the welfares of a row of an evaluation: what it holds of U, L and W, points.

    Args:
        row: With ``user``, ``assistant`` and ``welfare``, each a number or mean, low and high.
    """
    found = {key: interval_of(row.get(field)) for key, field in _FIELDS}
    return {key: one for key, one in found.items() if one is not None}


def welfare_rows(result: Mapping[str, Any]) -> tuple[tuple[str, int, Welfares], ...]:
    """Return the assistants that were measured side by side: name, conversations, welfares.

    Args:
        result: Content of ``evaluation.json``.
    """
    rows = result.get("rows")
    out = []
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, Mapping) and (welfares := welfares_of(row)):
            n = result.get("conversations")
            named = ROW_NAMES.get(str(row.get("name")), str(row.get("name")))
            out.append((named, n if isinstance(n, int) else 0, welfares))
    return tuple(out)


def welfare_note(result: Mapping[str, Any]) -> str:
    """Return how to read these, with the share of the gap that was closed.

    Args:
        result: Content of ``evaluation.json``.
    """
    row: Any = next((one for one in result["rows"] if dig(one, "name") == "after"), {})
    note = "Everybody meets the same users with the same questions; 95\u202f% bootstrap intervals."
    closed = interval_of(dig(row, "gap_closed"))
    if closed is not None:
        note += (
            f" Training closed {percent(closed.mean)} of the way from the warm start to the exact "
            f"optimum ({percent(closed.low)} to {percent(closed.high)})."
        )
    return note


def is_exact(result: Mapping[str, Any]) -> bool:
    """Return whether a policy without text was measured: exactly, at its likeliest moves.

    Args:
        result: Content of ``evaluation.json``.
    """
    return bool(exact_headline(result))


def exact_headline(result: Mapping[str, Any]) -> Welfares:
    """Return the exact welfares of a policy without text, mean over prices.

    Args:
        result: Content of ``evaluation.json``.
    """
    rows = dig(result, "by_regime")
    if not isinstance(rows, Mapping) or not rows:
        return {}
    every = [welfares_of(row) for row in rows.values()]
    keys = [key for key, _ in _FIELDS if all(key in one for one in every)]
    means = {key: sum(one[key].mean for one in every) / len(every) for key in keys}
    return {key: Interval(mean, mean, mean) for key, mean in means.items()}


def exact_parts(result: Mapping[str, Any]) -> list[Part]:
    """Return what a policy without text is worth exactly, by regime.

    Args:
        result: Content of ``evaluation.json``.
    """
    rows = dig(result, "by_regime")
    if not isinstance(rows, Mapping):
        return []
    cells = []
    for regime, row in rows.items():
        share = as_number(dig(row, "share"))
        plan = dig(row, "best_plan")
        cells.append(
            (
                str(regime),
                *(number(as_number(dig(row, field))) for _, field in _FIELDS),
                number(as_number(dig(row, "optimum"))),
                "–" if share is None else percent(share),
                f"{dig(plan, 'plan')}: {number(as_number(dig(plan, 'welfare')))}",
            )
        )
    columns = ("price", "user’s U", "assistant’s L", "joint W", "optimum of W", "share of it")
    return [
        Table(
            "What the learnt policy is worth, exactly",
            (*columns, "best single plan: W"),
            tuple(cells),
            note="Points a conversation, by following the policy through the tree; no sampling. At every "
            "turn the policy plays its likeliest move.",
        )
    ]


def curve_parts(metrics: Sequence[Mapping[str, Any]], optimum: float | None) -> list[Part]:
    """Return the curves of what was logged, stage by stage.

    Args:
        metrics: Lines of ``metrics.jsonl``.
        optimum: Exact optimum of mean W, points; None where it is not known.
    """
    parts: list[Part] = []
    for stage, label in STAGES.items():
        rows = [row for row in metrics if row.get("stage") == stage]
        curves = _curves(rows, WELFARES)
        if curves:
            levels = (("exact optimum of W", optimum),) if optimum is not None else ()
            parts.append(
                Curves(
                    f"How it learnt ({stage.upper()})",
                    label,
                    "mean of a batch (points a conversation)",
                    curves,
                    levels,
                    note=f"Thin: as measured, thick: moving mean. {SAMPLED}",
                )
            )
        for key, title, unit in OTHERS:
            if found := _curves(rows, ((key, title, "p0"),)):
                said = SUPERVISED if (stage, key) == ("sft", "loss") else unit
                parts.append(Curves(f"{title} ({stage.upper()})", label, said, found))
    return parts


def _curves(
    rows: Sequence[Mapping[str, Any]], keys: Sequence[tuple[str, str, str]]
) -> tuple[Curve, ...]:
    out = []
    for key, name, look in keys:
        points = [
            (step, value)
            for row in rows
            if (step := as_number(row.get("step"))) is not None
            and (value := as_number(row.get(key))) is not None
        ]
        if points:
            xs, ys = zip(*sorted(points), strict=True)
            out.append(Curve(name, look, xs, ys))
    return tuple(out)


def context_parts(result: Mapping[str, Any]) -> list[Part]:
    """Return the first moves before and after, with the optimal one.

    Args:
        result: Content of ``evaluation.json``.
    """
    rows = result.get("contexts")
    shown: list[tuple[str, str, Mapping[str, float], str]] = []
    for row in rows if isinstance(rows, list) else ():
        where = f"{dig(row, 'regime')}, {dig(row, 'style')} user, {dig(row, 'opening')}"
        best, margin = str(dig(row, "oracle")), as_number(dig(row, "margin"))
        for key, word in (("before", "before"), ("after", "after")):
            mix = dig(row, key)
            if isinstance(mix, Mapping) and mix:
                shares = {str(k): v for k, v in mix.items() if (as_number(v) or 0) > 0}
                share = percent(shares.get(best, 0.0), 0)
                remark = f"{best} in {share}" + (
                    "" if margin is None else f"; leads by {number(margin, 2)}"
                )
                shown.append((f"{where}: {word}", f"optimal {remark}", shares, best))
    if not shown:
        return []
    return [
        ShareRows(
            "First moves by price, user and question",
            "move",
            tuple(shown),
            note="Outlined: the move of the exact optimum, with the points of W by which it leads."
            + (f" {CHANCES}" if is_exact(result) else ""),
        )
    ]


def with_played(part: Game, result: Mapping[str, Any], regime: str) -> Game:
    """Return the game with what was played under its regime.

    Args:
        part: The game.
        result: Content of ``evaluation.json``.
        regime: The regime.
    """
    found: list[tuple[str, Welfares]] = []
    rows = result.get("rows")
    for row in rows if isinstance(rows, list) else ():
        name = ROW_NAMES.get(str(dig(row, "name")))
        welfares = welfares_of(dig(row, "by_regime", regime) or {})
        if name is not None and len(welfares) == len(_FIELDS):
            found.append((name, welfares))
    exact = welfares_of(dig(result, "by_regime", regime) or {})
    if not found and len(exact) == len(_FIELDS):
        found.append(("learnt policy, exact", exact))
    return replace(part, played=tuple(found))
