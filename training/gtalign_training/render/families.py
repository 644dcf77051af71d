"""Runs of one assistant with several users, as they are shown at the terminal."""

from __future__ import annotations

from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from gtalign_training.console import out, safe

MEASURES = (("welfare", "joint W"), ("user", "user's U"), ("assistant", "assistant's L"))


def show_families(shared: dict[str, Any], found: dict[str, Any]) -> None:
    """Print each user's means and differences, and the worst beside the mean.

    Args:
        shared: What the runs have in common, of `runs.families.read_runs`.
        found: What `runs.families.compare` returns.
    """
    console = out()
    families = shared["families"]
    console.print(
        safe(
            f"{shared['scenario']}: {shared['assistant']} with {len(families)} users, seed "
            f"{shared['seed']}; points a conversation"
        )
    )
    console.print(_table(found, families))
    for key, name in MEASURES:
        worst = found["worst"][key]
        line = f"{name}: mean over users {found['mean'][key]:.3f}, worst {worst['mean']:.3f}"
        console.print(safe(f"{line} ({worst['user']})"), soft_wrap=True)


def _table(found: dict[str, Any], families: dict[str, str]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("user", overflow="fold")
    table.add_column("family", no_wrap=True)
    for title in ("W", "U", "L", "W to the first", "errors"):
        table.add_column(safe(title), justify="right", no_wrap=True)
    for user, one in found["users"].items():
        to = one["to_first"]
        means = (f"{one[key]['mean']:.2f}" for key, _ in MEASURES)
        moved = "" if to is None else _moved(to["welfare"])
        table.add_row(safe(user), families[user], *means, moved, f"{one['user_error']:.1%}")
    return table


def _moved(one: dict[str, float]) -> str:
    return f"{one['mean']:+.2f} ({one['low']:+.2f} to {one['high']:+.2f})"
