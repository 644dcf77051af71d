"""`gtalign robustness`: how much runs of one assistant depend on how the user is simulated."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from gtalign_env.errors import ScenarioError
from gtalign_training.commands.options import Json
from gtalign_training.console import out, print_json, safe

EXAMPLES = (
    "gtalign robustness runs/scripted runs/phrased runs/decided runs/replayed",
    "gtalign robustness runs/default runs/patient --json",
)

MEASURES = (("welfare", "joint W"), ("user", "user's U"), ("assistant", "assistant's L"))


def robustness(
    runs: Annotated[
        list[Path], typer.Argument(help="Run folders that differ in the user alone, two or more.")
    ],
    json: Json = False,
) -> None:
    """Compare runs of one assistant with several users: each one's means, the worst beside the mean.

    Same scenario, assistant and seed, so episodes are paired. Differences are to the first run, with
    95 % bootstrap intervals.
    """
    from gtalign_training.play_run_families import compare, read_runs

    if len(runs) < 2:
        raise ScenarioError(f"two runs or more are compared; got {len(runs)}")
    shared, episodes = read_runs(runs)
    try:
        found = compare(episodes, int(shared["seed"]))
    except ValueError as error:
        raise ScenarioError(str(error)) from error
    if json:
        print_json(shared | found)
        return
    console = out()
    console.print(
        safe(
            f"{shared['scenario']}: {shared['assistant']} with {len(runs)} users, seed "
            f"{shared['seed']}; points a conversation"
        )
    )
    console.print(_table(found, shared["families"]))
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
