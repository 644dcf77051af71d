"""A training run's result as text for a terminal of 80 columns, readable without colour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from gtalign_training.console import safe
from gtalign_training.tables import Column, print_table
from gtalign_training.tables import Table as Result

READING = (
    "U: user, L: assistant, W: joint welfare; mean and 95 % interval. gap: share of the way from "
    "the warm start to the exact optimum. format: conversations with all four blocks."
)

NAMES = {"before": "warm start (SFT)", "after": "trained (GRPO)"}
"""What the model's two rows are called."""


def render_run(console: Console, result: dict[str, Any]) -> None:
    """Print the content of a run's ``evaluation.json``.

    Args:
        console: Where to print.
        result: What was measured.
    """
    if result.get("kind") == "selfplay":
        print_table(console, _selfplay(result))
        return
    if "rows" not in result:
        _ppo(console, result)
        return
    console.print(_welfares(result))
    console.print(safe(READING))
    console.print()
    console.print(_moves(result))
    console.print(safe("margin: points of W by which the optimal move leads the next best.\n"))
    console.print(safe(_directions(result["directions"])))


def interval(triple: Sequence[float]) -> str:
    """Return a mean with half the width of its interval, as ``1.53 ±0.07``."""
    mean, low, high = triple
    return f"{mean:.2f} ±{(high - low) / 2:.2f}"


def _table(title: str, columns: Sequence[str], left: int) -> Table:
    """Return a table without frames, which fits 80 columns; the first ``left`` are words."""
    table = Table(
        title=title, title_justify="left", title_style="", box=SIMPLE_HEAD, pad_edge=False
    )
    table.collapse_padding = True
    for index, name in enumerate(columns):
        table.add_column(name, justify="left" if index < left else "right", no_wrap=True)
    return table


def _welfares(result: dict[str, Any]) -> Table:
    table = _table(
        f"Welfare on {result['conversations']} held-out conversations, points",
        ("assistant", "U", "L", "W", "gap", "format"),
        left=1,
    )
    for row in result["rows"]:
        share, formed = row["gap_closed"], row["well_formed"]
        table.add_row(
            safe(NAMES.get(row["name"], row["name"])),
            interval(row["user"]),
            interval(row["assistant"]),
            interval(row["welfare"]),
            "" if share is None else f"{share[0]:.0%}",
            "" if formed is None else f"{formed:.1%}",
            style="bold" if row["name"] == "after" else "",
        )
    table.add_row("exact optimum", "", "", f"{result['optimum']['welfare']:.3f}", "100%", "")
    return table


def _moves(result: dict[str, Any]) -> Table:
    table = _table(
        "How often the first move is the optimal one, before and after training",
        ("price", "user", "asks", "optimal", "margin", "before", "after"),
        left=4,
    )
    last = None
    for row in result["contexts"]:
        table.add_row(
            safe("" if row["regime"] == last else row["regime"]),
            safe(row["style"]),
            row["opening"],
            row["oracle"],
            f"{row['margin']:.2f}",
            f"{row['before'].get(row['oracle'], 0.0):.0%}",
            f"{row['after'].get(row['oracle'], 0.0):.0%}",
        )
        last = row["regime"]
    return table


def _directions(rows: Sequence[dict[str, Any]]) -> str:
    held = sum(row["held"] for row in rows)
    return (
        f"Where the optimal move changes with the price (both margins at least 0.05 points), the "
        f"trained assistant's mix moves with it in {held} of {len(rows)} comparisons."
    )


def _ppo(console: Console, result: dict[str, Any]) -> None:
    table = Table(title="Exact expected welfare of the learnt policy, points", title_style="")
    for name in ("price", "U", "L", "W", "optimal W", "share"):
        table.add_column(name, justify="right")
    for name, row in result["by_regime"].items():
        table.add_row(
            safe(name),
            *(f"{row[key]:.3f}" for key in ("user", "assistant", "welfare", "optimum")),
            _share(row["share"]),
        )
    console.print(table)
    console.print(safe(f"Share of the optimum, mean over prices: {_share(result['share'])}"))
    console.print(
        "Measured at the policy's likeliest moves; in training it samples them and explores."
    )


def _selfplay(result: dict[str, Any]) -> Result:
    def mix(shares: dict[str, float]) -> str:
        ordered = sorted(shares.items(), key=lambda item: (-item[1], item[0]))
        return ", ".join(f"{move} {share:.0%}" for move, share in ordered)

    return Result(
        "selfplay",
        f"The pair after {result['rounds_done']} rounds, exact expectations, points",
        (
            Column("price", "text"),
            Column("U", digits=2),
            Column("L", digits=2),
            Column("W", digits=2),
            Column("gain U", digits=3),
            Column("gain A", digits=3),
            Column("asks", "text"),
            Column("answers", "text"),
        ),
        tuple(
            (
                name,
                row["user"],
                row["assistant"],
                row["welfare"],
                row["user_gain"],
                row["assistant_gain"],
                mix(row["openings"]),
                mix(row["first_moves"]),
            )
            for name, row in result["by_regime"].items()
        ),
        (
            "gain: what the user (U) and the assistant (A) would gain by a best response, the latter "
            f"in points of what it is rewarded with ({result['reward']}). NashConv, their sum, mean "
            f"over prices: {result['nash_conv']:.4f}.",
        ),
    )


def _share(share: float | None) -> str:
    return "undefined (the optimum is not positive)" if share is None else f"{share:.1%}"
