"""A training run's result as text for a terminal of 80 columns, readable without colour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from gtalign_training.console import safe

NAMES = {"before": "warm start (SFT)", "after": "trained (GRPO)"}
"""What the model's two rows are called."""


def render_run(console: Console, result: dict[str, Any]) -> None:
    """Print the content of a run's ``evaluation.json``.

    Args:
        console: Where to print.
        result: What was measured.
    """
    if "rows" not in result:
        _ppo(console, result)
        return
    console.print(_welfares(result))
    console.print()
    console.print(_moves(result))
    console.print(safe(_directions(result["directions"])))


def interval(triple: Sequence[float]) -> str:
    """Return a mean with its interval, as ``1.53 [1.46, 1.60]``."""
    mean, low, high = triple
    return f"{mean:.2f} [{low:.2f}, {high:.2f}]"


def _welfares(result: dict[str, Any]) -> Table:
    title = (
        f"Welfare on {result['conversations']} held-out conversations, points (mean, 95 % interval)"
    )
    table = Table(title=title, title_justify="left", title_style="")
    for name in ("assistant", "U: user", "L: assistant", "W: joint", "gap closed"):
        table.add_column(name, justify="left" if name == "assistant" else "right", no_wrap=True)
    for row in result["rows"]:
        share = row["gap_closed"]
        table.add_row(
            safe(NAMES.get(row["name"], row["name"])),
            interval(row["user"]),
            interval(row["assistant"]),
            interval(row["welfare"]),
            "" if share is None else f"{share[0]:.0%}",
            style="bold" if row["name"] == "after" else "",
        )
    optimum = result["optimum"]["welfare"]
    table.add_row("exact optimum", "", "", f"{optimum:.3f}", "100%")
    return table


def _moves(result: dict[str, Any]) -> Table:
    title = "First move by price, user's style and opening: share of the optimal move"
    table = Table(title=title, title_justify="left", title_style="")
    for name in ("price", "user", "opening", "optimal", "margin", "before", "after"):
        table.add_column(name, no_wrap=True)
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
            f"{row['share']:.1%}",
        )
    console.print(table)
    console.print(safe(f"Share of the optimum, mean over prices: {result['share']:.1%}"))
