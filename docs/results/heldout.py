"""Make `heldout.md`: assistants trained under some prices, on prices, personas and users they never met.

python docs/results/heldout.py RUNS        # trains and plays what is missing, then writes the page
python docs/results/heldout.py RUNS --read # writes the page from what is there
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pages import run_missing, say, write_tables

from gtalign_agents.fourblock import parsed
from gtalign_env.scenario.loader import load_scenario
from gtalign_training.ablation import Variant, run_all
from gtalign_training.callbacks import silent
from gtalign_training.grid.cells import OWN, Grid, cells_of
from gtalign_training.grid.contenders import contender
from gtalign_training.grid.evaluation import evaluate
from gtalign_training.recipe import load_recipe
from gtalign_training.run_log import read_log
from gtalign_training.runs.events import attempts
from gtalign_training.runs.folder import EVENTS
from gtalign_training.tables import Column, Table

HERE = Path(__file__).parent
EPISODES, SEED = 100, 1_000_003
BASELINES = ("DA:concise", "oracle")
PERSONAS = ("retiree", "traveller", "phone_texter")
USERS = ("patient", "impatient", "budget_watcher")

Found = Mapping[tuple[str, str], Mapping[str, Any]]
"""An evaluation's rows, by assistant and value."""


@dataclass(frozen=True)
class Learner:
    """An assistant that was trained with several seeds.

    Attributes:
        key: Ending of the folders that its evaluations lie in.
        title: What the page calls it.
        runs: Folders of its runs, below RUNS.
        train: Trains what is missing below RUNS.
        trained: The prices that it met.
        held_out: Prices that it did not meet.
    """

    key: str
    title: str
    runs: tuple[str, ...]
    train: Callable[[Path], None]
    trained: tuple[str, ...]
    held_out: tuple[str, ...]

    def parts(self) -> dict[str, dict[str, tuple[str, ...]]]:
        """Return what is varied, one thing at a time; the rest is as in training."""
        return {
            "regime": {"pricing": (*self.trained, *self.held_out), "held_out": self.held_out},
            "persona": {"personas": (OWN, *PERSONAS), "held_out": PERSONAS},
            "user": {"users": ("default", *USERS), "held_out": USERS},
        }

    def names(self, root: Path) -> list[str]:
        """Return the trained assistants' names."""
        return [f"trained@{root / name}" for name in self.runs]


def train_ppo(root: Path) -> None:
    """Train the networks without text."""
    base = load_recipe(str(HERE / "strategic_heldout.yaml"))
    run_missing(
        (root / name, base.changed(base.plain() | {"seed": seed}))
        for seed, name in enumerate(PPO.runs)
    )


def train_language(root: Path) -> None:
    """Train the language models: cells of the ablation of rewards."""
    run_all(load_recipe("tiny-ablation"), VARIANTS, root, silent, say)


VARIANTS = [Variant("nash", "four-blocks", seed) for seed in range(5)]
PPO = Learner(
    "",
    "Network without text",
    tuple(f"ppo-{seed}" for seed in range(3)),
    train_ppo,
    ("reasoning_api", "subscription"),
    ("per_token", "reasoning_free_questions", "outcome_based"),
)
LANGUAGE = Learner(
    "-language",
    "Language model",
    tuple(variant.folder for variant in VARIANTS),
    train_language,
    ("reasoning_api", "subscription", "reasoning_free_questions"),
    ("per_token", "outcome_based", "per_message"),
)


def main() -> None:
    """Train, play, and write the page."""
    root = Path(sys.argv[1])
    root.mkdir(parents=True, exist_ok=True)
    tables = []
    for learner in (PPO, LANGUAGE):
        if "--read" not in sys.argv:
            learner.train(root)
            for part in learner.parts():
                play(root, learner, part)
        tables += [table_of(root, learner, part) for part in learner.parts()]
    tables.append(form_table(root, LANGUAGE))
    write_tables(HERE / "heldout.md", tables)


def play(root: Path, learner: Learner, part: str) -> None:
    """Evaluate all assistants with one thing varied."""
    varied = {key: value for key, value in learner.parts()[part].items() if key != "held_out"}
    given: dict[str, Any] = {"users": ("default",), "pricing": learner.trained} | varied
    cells = cells_of([load_scenario("help_desk")], **given)
    names = [*learner.names(root), *BASELINES]
    grid = Grid(cells, tuple(map(contender, names)), EPISODES, SEED)
    folder = folder_of(root, learner, part)
    evaluate(grid, folder, reference=BASELINES[0], resume=(folder / "grid.json").exists())


def folder_of(root: Path, learner: Learner, part: str) -> Path:
    """Return where an evaluation lies."""
    return root / f"by-{part}{learner.key}"


def table_of(root: Path, learner: Learner, part: str) -> Table:
    """Return the table of one part: each value that was varied, and the worst beside the mean."""
    file = folder_of(root, learner, part) / "evaluation.json"
    data = json.loads(file.read_text(encoding="utf-8"))
    rows = [row for row in data["welfare"] if row["by"] == part]
    values = list(dict.fromkeys(row["name"] for row in rows))
    held_out = learner.parts()[part]["held_out"]
    found = {(row["contender"], row["name"]): row for row in rows}
    networks = learner.names(root)
    lines = [line_of(value, value in held_out, networks, found) for value in values]
    for kind, wanted in (("trained", False), ("held out", True)):
        some = [value for value in values if (value in held_out) == wanted]
        lines.append(line_over("mean", kind, some, networks, found))
        if len(some) > 1:
            lines.append(line_over("worst", kind, some, networks, found))
    return Table(
        f"heldout-{part}{learner.key}",
        f"{learner.title}, by {part}: mean W, points",
        (
            Column(part, "text"),
            Column("", "text"),
            Column(f"{len(networks)} seeds", "interval", 2),
            Column("share of the optimum", "interval", 2),
            *(Column(name, "interval", 2) for name in BASELINES),
            Column("exact optimum", digits=2),
        ),
        tuple(lines),
        (
            f"{EPISODES} conversations a cell, the same for all, seed {SEED}. Trained: mean over seeds "
            "[least, greatest seed]. Baselines: 95 % bootstrap intervals over conversations; in "
            "the rows of means and worst cases the number alone.",
        ),
    )


def line_of(value: str, held_out: bool, networks: Sequence[str], found: Found) -> tuple[Any, ...]:
    """Return the row of one value of what was varied."""
    optimum = found[networks[0], value]["optimum"]
    means = [found[name, value]["welfare"][0] for name in networks]
    solved = optimum is not None and optimum > 0
    return (
        value,
        "held out" if held_out else "trained",
        spread(means),
        spread([mean / optimum for mean in means]) if solved else None,
        *(found[name, value]["welfare"] for name in BASELINES),
        optimum,
    )


def line_over(
    what: str, kind: str, values: Sequence[str], networks: Sequence[str], found: Found
) -> tuple[Any, ...]:
    """Return the row of the mean, or the worst, of several values."""
    pick = np.mean if what == "mean" else np.min

    def over(name: str) -> float:
        return float(pick([found[name, value]["welfare"][0] for value in values]))

    best = [found[networks[0], value]["optimum"] for value in values]
    return (
        f"{what} of these",
        kind,
        spread([over(name) for name in networks]),
        None,
        *([over(name)] * 3 for name in BASELINES),
        None if None in best else float(pick(best)),
    )


def form_table(root: Path, learner: Learner) -> Table:
    """Return how often a language model keeps to the four blocks, by regime."""
    cells = folder_of(root, learner, "regime") / "cells"
    shares = [share_by_regime(sorted(cells.glob(f"*.{name}-*"))) for name in learner.runs]
    return Table(
        "heldout-form",
        f"{learner.title}, by regime: conversations whose turns are all well-formed",
        (
            Column("regime", "text"),
            Column("", "text"),
            Column(f"{len(shares)} seeds", "interval", 2),
        ),
        tuple(
            (
                regime,
                "held out" if regime in learner.held_out else "trained",
                spread([share[regime] for share in shares]),
            )
            for regime in (*learner.trained, *learner.held_out)
        ),
        ("The same conversations as above: mean over seeds [least, greatest seed].",),
    )


def share_by_regime(folders: Sequence[Path]) -> dict[str, float]:
    """Return which share of conversations has no malformed turn, from runs in words."""
    sound: dict[str, list[bool]] = {}
    for folder in folders:
        for *turns, end in attempts(read_log(folder / EVENTS).records):
            written = [turn["written"] for turn in turns if "written" in turn]
            sound.setdefault(end["regime"], []).append(all(map(parsed, written)))
    return {regime: float(np.mean(found)) for regime, found in sound.items()}


def spread(values: list[float]) -> list[float]:
    """Return the mean over seeds with the least and the greatest."""
    return [float(np.mean(values)), min(values), max(values)]


if __name__ == "__main__":
    main()
