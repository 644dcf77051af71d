"""Make `heldout.md`: a network trained on two regimes, on prices, personas and users it never met.

python docs/results/heldout.py RUNS        # trains and plays what is missing, then writes the page
python docs/results/heldout.py RUNS --read # writes the page from what is there
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from pages import write_tables

from gtalign_env.scenario.loader import load_scenario
from gtalign_training.grid.cells import OWN, Grid, cells_of
from gtalign_training.grid.contenders import contender
from gtalign_training.grid.evaluation import evaluate
from gtalign_training.pipeline import run
from gtalign_training.recipe import Recipe, load_recipe
from gtalign_training.tables import Column, Table

HERE = Path(__file__).parent
SEEDS = (0, 1, 2)
EPISODES, SEED = 100, 1_000_003
TRAINED = ("reasoning_api", "subscription")
PARTS: dict[str, dict[str, tuple[str, ...]]] = {
    "regime": {
        "pricing": (*TRAINED, "per_token", "reasoning_free_questions", "outcome_based"),
        "held_out": ("per_token", "reasoning_free_questions", "outcome_based"),
    },
    "persona": {
        "personas": (OWN, "retiree", "traveller", "phone_texter"),
        "held_out": ("retiree", "traveller", "phone_texter"),
    },
    "user": {
        "users": ("default", "patient", "impatient", "budget_watcher"),
        "held_out": ("patient", "impatient", "budget_watcher"),
    },
}
"""What is varied, one thing at a time; the rest is as in training."""
BASELINES = ("DA:concise", "oracle")


def main() -> None:
    """Train, play, and write the page."""
    root = Path(sys.argv[1])
    root.mkdir(parents=True, exist_ok=True)
    if "--read" not in sys.argv:
        for seed in SEEDS:
            path = root / f"ppo-{seed}"
            if not (path / "evaluation.json").exists():
                run(recipe(seed), path, resume=(path / "recipe.json").exists())
        for part in PARTS:
            play(root, part)
    write_tables(HERE / "heldout.md", [table for part in PARTS for table in tables_of(root, part)])


def recipe(seed: int) -> Recipe:
    """Return the recipe with a seed."""
    data = load_recipe(str(HERE / "strategic_heldout.yaml")).model_dump(mode="json", by_alias=True)
    return Recipe.model_validate(data | {"seed": seed}, strict=False)


def names(root: Path) -> list[str]:
    """Return the assistants: the trained networks, then the baselines."""
    return [*(f"run:{root / f'ppo-{seed}'}" for seed in SEEDS), *BASELINES]


def play(root: Path, part: str) -> None:
    """Evaluate all assistants with one thing varied."""
    varied = {key: value for key, value in PARTS[part].items() if key != "held_out"}
    given: dict[str, Any] = {"users": ("default",), "pricing": TRAINED} | varied
    cells = cells_of([load_scenario("help_desk")], **given)
    grid = Grid(cells, tuple(map(contender, names(root))), EPISODES, SEED)
    folder = root / f"by-{part}"
    evaluate(grid, folder, reference=BASELINES[0], resume=(folder / "grid.json").exists())


def tables_of(root: Path, part: str) -> list[Table]:
    """Return a table of one part: each value that was varied, and the worst beside the mean."""
    data = json.loads((root / f"by-{part}" / "evaluation.json").read_text(encoding="utf-8"))
    rows = [row for row in data["welfare"] if row["by"] == part]
    values = list(dict.fromkeys(row["name"] for row in rows))
    held_out = PARTS[part]["held_out"]
    networks = names(root)[: len(SEEDS)]
    found = {(row["contender"], row["name"]): row for row in rows}
    lines = []
    for value in values:
        optimum = found[networks[0], value]["optimum"]
        lines.append(
            (
                value,
                "held out" if value in held_out else "trained",
                spread([found[name, value]["welfare"][0] for name in networks]),
                None
                if optimum is None or optimum <= 0
                else spread([found[name, value]["welfare"][0] / optimum for name in networks]),
                *(found[name, value]["welfare"] for name in BASELINES),
                optimum,
            )
        )
    for kind, wanted in (("trained", False), ("held out", True)):
        some = [value for value in values if (value in held_out) == wanted]
        means = [[found[name, value]["welfare"][0] for value in some] for name in networks]
        others = [[found[name, value]["welfare"][0] for value in some] for name in BASELINES]
        best = [found[networks[0], value]["optimum"] for value in some]
        known = None not in best
        for what, pick in (("mean", np.mean), ("worst", np.min)):
            if what == "worst" and len(some) < 2:
                continue
            lines.append(
                (
                    f"{what} of these",
                    kind,
                    spread([float(pick(one)) for one in means]),
                    None,
                    *([float(pick(one))] * 3 for one in others),
                    float(pick(best)) if known else None,
                )
            )
    return [
        Table(
            f"heldout-{part}",
            f"By {part}: mean W, points",
            (
                Column(part, "text"),
                Column("", "text"),
                Column("PPO, 3 seeds", "interval", 2),
                Column("share of the optimum", "interval", 2),
                *(Column(name, "interval", 2) for name in BASELINES),
                Column("exact optimum", digits=2),
            ),
            tuple(lines),
            (
                f"{EPISODES} conversations a cell, the same for all, seed {SEED}. PPO: mean over seeds "
                "[least, greatest seed]. Baselines: 95 % bootstrap intervals over conversations; in "
                "the rows of means and worst cases the number alone.",
            ),
        )
    ]


def spread(values: list[float]) -> list[float]:
    """Return the mean over seeds with the least and the greatest."""
    return [float(np.mean(values)), min(values), max(values)]


if __name__ == "__main__":
    main()
