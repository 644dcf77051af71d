"""`gtalign egta`: the game that named policies play, from episodes, and how sure its equilibria are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as TextTable

from gtalign_env.core.moves import ASSISTANT_LABELS
from gtalign_env.core.plans import USER_PLAN_LABELS
from gtalign_env.envs.table import Table
from gtalign_env.scenario.loader import load_pricing, load_scenario
from gtalign_training.commands.options import Folders, Json, Pricing
from gtalign_training.commands.sitting import FAULTS
from gtalign_training.console import err, out, print_json, safe
from gtalign_training.egta import analyse, bounds_of, named, play_profiles, read_profiles
from gtalign_training.egta.plot import plot_empirical_game
from gtalign_training.progress import progress_bars
from gtalign_training.run_folder import write_json
from gtalign_training.runs.seats import assistant_seat, user_seat

EXAMPLES = (
    "gtalign egta upsell --episodes 2000",
    "gtalign egta help_desk --users default,patient --assistants oracle,price_aware --out out",
    "gtalign egta upsell --from-logs runs/one --from-logs runs/two --json",
)


def egta(
    scenario: Annotated[str, typer.Argument(help="A scenario, by name or file.")],
    users: Annotated[
        str, typer.Option(help="Users' policies, by name, with commas between them.")
    ] = ",".join(USER_PLAN_LABELS),
    assistants: Annotated[
        str, typer.Option(help="Assistants' policies, likewise; by default the seven plans.")
    ] = ",".join(ASSISTANT_LABELS),
    episodes: Annotated[int, typer.Option(help="Conversations a profile.", min=2)] = 500,
    seed: Annotated[int, typer.Option(help="Fixes all of them.", min=0)] = 0,
    pricing: Pricing = None,
    epsilon: Annotated[
        float, typer.Option(help="Gain that an equilibrium may leave, points.", min=0)
    ] = 0.05,
    confidence: Annotated[
        float, typer.Option(help="Of intervals and settled verdicts.", min=0.5, max=0.9999)
    ] = 0.95,
    looks: Annotated[
        int, typer.Option(help="How often you will look while episodes come in.", min=1)
    ] = 1,
    sure: Annotated[
        bool, typer.Option("--sure", help="Wide intervals that hold whatever the payoffs.")
    ] = False,
    from_logs: Annotated[
        list[str] | None,
        typer.Option(
            help="Play nothing, read this: a folder of gtalign run, or USER,ASSISTANT=FILE.jsonl "
            "of transcripts; repeatable."
        ),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option("--out", help="Folder for egta.json and egta.png.", metavar="DIR"),
    ] = None,
    path: Folders = None,
    json: Json = False,
) -> None:
    """Estimate the game that policies play, with intervals and how sure its equilibria are.

    Every user meets every assistant on the same conversations. Exit code 3 if some ended in a
    fault; they are counted and left out.
    """
    loaded = load_scenario(scenario, path=path or ())
    if pricing is not None:
        loaded = loaded.with_pricing(load_pricing(pricing, path=path or ()))
    table = Table(loaded)
    if sure:
        bounds_of(table)  # refused before anything is played
    if from_logs:
        collected = read_profiles(from_logs, table, loaded.digest)
    else:
        seats = named(users, user_seat), named(assistants, assistant_seat)
        with progress_bars(err()) as bars:
            collected = play_profiles(
                table, *seats, episodes, seed, lambda done, every: bars("egta", done, every, {})
            )
    data = analyse(
        collected, table, epsilon=epsilon, seed=seed, confidence=confidence, looks=looks, sure=sure
    )
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / "egta.json", data)
        plot_empirical_game(data, folder / "egta.png")
        err().print(safe(f"Wrote {folder / 'egta.json'} and {folder / 'egta.png'}"))
    if json:
        print_json(data)
    else:
        _print(out(), data)
    if data["faults"]:
        err().print(f"{data['faults']} conversations ended in a fault and are left out")
        raise typer.Exit(FAULTS)


def _print(console: Console, data: dict[str, Any]) -> None:
    regimes = " then ".join(data["pricing"])
    together = "the same episodes for all" if data["paired"] else "episodes of their own"
    console.print(safe(f"{data['scenario']} under {regimes}: {together}"))
    table = TextTable(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("user")
    table.add_column("assistant")
    for name in ("n", "U", "L", "regret", "P(ε-eq)", "further"):
        table.add_column(name, justify="right")
    for row in data["profiles"]:
        further = row["further"]["normal"]
        table.add_row(
            safe(row["user"]),
            safe(row["assistant"]),
            f"{row['episodes']}",
            *(_interval(row["payoffs"][seat]) for seat in ("user", "assistant")),
            f"{row['regret']:.3f}",
            f"{row['probability']:.3f}",
            "never" if further is None else f"{further:,}",
        )
    console.print(table)
    epsilon, level = data["epsilon"], data["confidence"]
    for line in (
        f"U, L: mean and half of its {level:.0%} interval, points",
        "regret: the most that a seat gains by another policy, points",
        f"P(ε-eq): share of resamples in which that is at most ε = {epsilon:g}",
        "further: episodes until this is settled, by the normal approximation",
    ):
        console.print(line)
    bounds = [row["further"]["hoeffding"] for row in data["profiles"]]
    if data["ranges"] is None:
        console.print("Hoeffding's inequality gives no bound: a length or type is continuous")
    elif None not in bounds:
        console.print(f"By Hoeffding's inequality all are settled after {max(bounds):,} further")
    console.print("Equilibria of the mean payoffs")
    for found in data["equilibria"]:
        user, assistant = (
            _mixture(found[seat], data[f"{seat}s"]) for seat in ("user", "assistant")
        )
        u, v = found["payoffs"]
        console.print(safe(f"  {user} x {assistant}: user {u:.4g}, assistant {v:.4g}"))


def _interval(cell: dict[str, float]) -> str:
    return f"{cell['mean']:.2f}±{(cell['high'] - cell['low']) / 2:.2f}"


def _mixture(shares: list[float], names: list[str]) -> str:
    played = [(p, name) for p, name in zip(shares, names, strict=True) if p > 0]
    if len(played) == 1:
        return played[0][1]
    return " + ".join(f"{p:.2f} {name}" for p, name in played)
