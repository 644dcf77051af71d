"""Make `matrices.md`: whether a model does as its payoff matrix says, and what editing or rewarding it does.

python docs/results/matrices.py RUNS        # trains what is missing below RUNS, then writes the page
python docs/results/matrices.py RUNS --read # writes the page from what is there
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pages import write_tables

from gtalign_agents.calibration import best_cells, cell_of, exact_payoff, order_agreement
from gtalign_agents.steering import PAYOFF_KEYS, Edit, edit_for, usage_of_cells
from gtalign_env.core.spec import GameSpec
from gtalign_env.scenario.compile import compile_scenario
from gtalign_env.scenario.loader import load_pricing, load_scenario
from gtalign_training.ablation import Variant, mean_over_seeds, run_all
from gtalign_training.ablation.variants import Changes
from gtalign_training.callbacks import silent
from gtalign_training.evaluate import Measured, oracles, play_model
from gtalign_training.game import held_out_tables
from gtalign_training.models import load_assistant
from gtalign_training.recipe import load_recipe
from gtalign_training.run_folder import RunFolder, write_json
from gtalign_training.tables import Column, Table

HERE = Path(__file__).parent
SEEDS = (0, 1, 2)
PRICES = ("subscription", "reasoning_api", "reasoning_free_questions")
CALIBRATION = 2.0
"""Points for a first matrix in perfect order, in the runs that reward it: about what W can gain."""
BELIEVED = 250.0
"""The assistant's guess at what a USD is worth to a user, points: the mean of the help desk's two personas."""
WAYS = ("as it is", "matrix edited", "halted, not edited")

Numbers = dict[str, float]


def cells() -> list[Variant]:
    """Return the runs: under each price alone, and under all of them with and without calibration."""
    return [
        Variant("scenario", "four-blocks", seed, changes_of(learnt, paid))
        for seed in SEEDS
        for learnt, paid in (
            *(((price,), 0.0) for price in PRICES),
            (PRICES, 0.0),
            (PRICES, CALIBRATION),
        )
    ]


def changes_of(learnt: Sequence[str], paid: float) -> Changes:
    """Return what a run changes in the recipe: the prices it learns under, what order is worth."""
    held_out = [price for price in PRICES if price not in learnt]
    return (("game.held_out", json.dumps(held_out)), ("calibration", str(paid)))


def main() -> None:
    """Train and measure what is missing, and write the page."""
    root = Path(sys.argv[1])
    root.mkdir(parents=True, exist_ok=True)
    base = load_recipe(str(HERE / "matrices.yaml"))
    if "--read" not in sys.argv:
        run_all(base, cells(), root, silent, lambda line: sys.stdout.write(line + "\n"))
    measured = {cell: measure(root / cell.folder) for cell in cells() if done(root / cell.folder)}
    write_tables(HERE / "matrices.md", [steering_table(measured), calibration_table(measured)])


def done(path: Path) -> bool:
    """Return whether a run is finished."""
    return (path / "evaluation.json").exists()


def measure(path: Path) -> dict[str, Any]:
    """Return what a run's model does under every price, in every way; measured once, then read."""
    kept = path / "matrices.json"
    if kept.exists():
        found: dict[str, Any] = RunFolder(path).read(kept.name)
        return found
    recipe = RunFolder(path).recipe()
    warm, model = load_assistant(path / "sft" / "model"), load_assistant(path / "model")
    out: dict[str, Any] = {
        "optimum": {
            name: oracle.value.welfare
            for name, oracle in oracles(recipe, held_out_tables(recipe)).items()
        },
        "warm start": numbers(play_model(recipe, warm)),
        WAYS[0]: numbers(play_model(recipe, model)),
    }
    learnt = [price for price in recipe.game.pricing if price not in recipe.game.held_out]
    if len(learnt) == 1:
        (old,) = learnt
        for way, edit in (
            (WAYS[1], lambda spec: edit_from(old, spec)),
            (
                WAYS[2],
                lambda spec: Edit(
                    dict.fromkeys(PAYOFF_KEYS, 0.0), dict.fromkeys(PAYOFF_KEYS, 0.0), ""
                ),
            ),
        ):
            out[way] = numbers(play_model(recipe, model, edit=edit))
    write_json(kept, out)
    return out


def edit_from(old: str, spec: GameSpec) -> Edit:
    """Return the edit from one price to that of a game, by tenths, in which the tiny model writes."""
    before = compile_scenario(load_scenario("help_desk").with_pricing(load_pricing(old)))
    edit = edit_for(
        spec.regime,
        usage_of_cells(spec, "concise"),
        price_sensitivity=BELIEVED,
        margin_weight=spec.margin_weight,
        cost=spec.cost,
        before=before.regime,
    )
    user, assistant = (
        {key: round(by[key], 1) for key in PAYOFF_KEYS} for by in (edit.user, edit.assistant)
    )
    return Edit(user, assistant, edit.why)


def numbers(measured: Measured) -> dict[str, Numbers]:
    """Return, by price, mean W, the share of CQ first, and what the matrices are worth."""
    exact: dict[str, Any] = {}
    rows: dict[str, list[tuple[float, float, float, float, float]]] = {}
    for rollout, welfare in zip(measured.rollouts, measured.played.welfare, strict=True):
        conversation = rollout.talk.conversation
        spec = conversation.spec
        truth = exact.setdefault(spec.digest, exact_payoff(spec))
        block = rollout.turns[0].block if rollout.turns else None
        order = consistent = np.nan
        if block is not None:
            cell = cell_of(conversation.user_moves[0], conversation.assistant_moves[0])
            order = order_agreement(block.payoff, truth)
            consistent = float(cell in best_cells(block.payoff, cell[:2]))
        asked = float(
            bool(rollout.turns)
            and rollout.first_move is not None
            and rollout.first_move.label == "CQ"
        )
        rows.setdefault(spec.regime.name, []).append(
            (float(welfare), asked, order, consistent, float(rollout.well_formed))
        )
    names = ("welfare", "asks", "order", "consistent", "well_formed")
    return {
        price: dict(zip(names, map(float, np.nanmean(np.array(found), axis=0)), strict=True))
        for price, found in rows.items()
    }


def interval(values: list[float]) -> tuple[float, float, float]:
    """Return the mean over seeds with its 95 % interval (Student's t)."""
    mean, half = mean_over_seeds(values)
    return (mean, mean - (half or np.nan), mean + (half or np.nan))


def _of(
    measured: dict[Variant, dict[str, Any]], learnt: Sequence[str], paid: float
) -> list[dict[str, Any]]:
    wanted = changes_of(learnt, paid)
    return [found for cell, found in measured.items() if cell.changes == wanted]


def steering_table(measured: dict[Variant, dict[str, Any]]) -> Table:
    """Return what a model does that learnt under one price, under each price, in each way."""
    rows = []
    for old in PRICES:
        found = _of(measured, [old], 0.0)
        for price in PRICES if found else ():
            ways = [("warm start", found)] if price == old else []
            ways += [(way, found) for way in WAYS]
            if price != old and (again := _of(measured, [price], 0.0)):
                ways.append(("trained under it instead", again))
            for way, runs in ways:
                key = way if way in runs[0] else WAYS[0]
                values = [run[key][price] for run in runs]
                rows.append(
                    (
                        old,
                        price,
                        way,
                        len(runs),
                        interval([one["welfare"] for one in values]),
                        runs[0]["optimum"][price],
                        interval([one["asks"] for one in values]),
                        interval([one["consistent"] for one in values]),
                    )
                )
    return Table(
        "steering",
        "Learnt under one price, used under another",
        (
            Column("learnt under", "text"),
            Column("used under", "text"),
            Column("how", "text"),
            Column("seeds", "count"),
            Column("W", "interval", 2),
            Column("optimum"),
            Column("asks first", "interval", 2),
            Column("does as its matrix says", "interval", 2),
        ),
        tuple(rows),
        (
            "300 held-out conversations a price and seed, the same recipe; means over seeds with 95 % "
            "intervals over seeds (Student's t).",
        ),
    )


def calibration_table(measured: dict[Variant, dict[str, Any]]) -> Table:
    """Return what rewarding the order of the matrix does, over all prices."""
    rows = []
    for name, paid, key in (
        ("warm start", 0.0, "warm start"),
        ("W alone", 0.0, WAYS[0]),
        (f"W and {CALIBRATION:g} points for the matrix", CALIBRATION, WAYS[0]),
    ):
        found = _of(measured, PRICES, paid)
        if found:
            means = [
                {
                    column: float(np.mean([run[key][price][column] for price in PRICES]))
                    for column in ("welfare", "order", "consistent", "well_formed")
                }
                for run in found
            ]
            rows.append((name, len(found), *(interval([m[c] for m in means]) for c in means[0])))
    return Table(
        "calibration",
        "Rewarding the matrix, all three prices",
        (
            Column("reward", "text"),
            Column("seeds", "count"),
            Column("W", "interval", 2),
            Column("order of the first matrix", "interval", 2),
            Column("does as its matrix says", "interval", 2),
            Column("well-formed", "interval", 2),
        ),
        tuple(rows),
        (
            "Order: mean of both sides' Spearman correlations of the six written cells with the exact ones.",
        ),
    )


if __name__ == "__main__":
    main()
