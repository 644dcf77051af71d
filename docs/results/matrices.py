"""Make `matrices.md`: whether a model does as its payoff matrix says, and what editing or rewarding it does.

python docs/results/matrices.py RUNS        # trains what is missing below RUNS, then writes the page
python docs/results/matrices.py RUNS --read # writes the page from what is there
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pages import say, write_tables

from gtalign_agents.calibration import best_cells, exact_payoff, order_agreement
from gtalign_agents.fourblock import PAYOFF_KEYS, Payoff, parsed
from gtalign_agents.steering import Edit, edit_for, usage_of_cells
from gtalign_env.core.spec import GameSpec
from gtalign_env.envs.transcript import Transcript, read_transcripts
from gtalign_env.scenario.compile import compile_scenario
from gtalign_env.scenario.loader import load_pricing, load_scenario
from gtalign_training.ablation import Variant, finished, mean_over_seeds, run_all
from gtalign_training.ablation.variants import Changes
from gtalign_training.callbacks import silent
from gtalign_training.evaluate import play_model
from gtalign_training.game import known_specs
from gtalign_training.language.models import load_assistant
from gtalign_training.recipe import load_recipe
from gtalign_training.run_folder import RunFolder, write_json
from gtalign_training.tables import Column, Table, Value

HERE = Path(__file__).parent
SEEDS = (0, 1, 2)
FEWEST = 3
"""Seeds that an interval needs: of two it would be some nine times their distance."""
PRICES: tuple[str, ...] = ("subscription", "reasoning_api", "reasoning_free_questions")
CALIBRATION = 2.0
"""Points for a first matrix in perfect order, in the runs that reward it: about what W can gain."""
BELIEVED = 250.0
"""The assistant's guess at what a USD is worth to a user, points: the mean of the help desk's two personas."""
REWARDED = {0.0: "W", CALIBRATION: f"W, and {CALIBRATION:g} for the order of the matrix"}
CHANGES_OF_PRICE = (
    *((PRICES[0], price, paid) for price in PRICES[1:] for paid in (0.0, CALIBRATION)),
    *((old, PRICES[0], 0.0) for old in PRICES[1:]),
)
"""Learnt under, used under, and what was paid for the order of the matrix."""
WAYS = ("as it is", "matrix edited", "halted, not edited")

Numbers = dict[str, float]


def cells() -> list[Variant]:
    """Return the runs: under single prices and under all, with and without calibration rewarded."""
    first: list[tuple[tuple[str, ...], float]] = [
        (PRICES[:1], 0.0),
        (PRICES[:1], CALIBRATION),
        (PRICES[2:], 0.0),
        (PRICES, 0.0),
        (PRICES, CALIBRATION),
    ]
    wanted = [(seed, learnt, paid) for seed in SEEDS for learnt, paid in first]
    wanted += [(seed, PRICES[1:2], 0.0) for seed in SEEDS]
    return [
        Variant("scenario", "four-blocks", seed, changes_of(learnt, paid))
        for seed, learnt, paid in wanted
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
        run_all(base, cells(), root, silent, say)
    measured = {
        cell: measure(root / cell.folder) for cell in cells() if finished(root / cell.folder)
    }
    tables = [steering_table(measured), edit_table(measured), calibration_table(measured)]
    write_tables(HERE / "matrices.md", tables)


def measure(path: Path) -> dict[str, Any]:
    """Return what a run's model does under every price, in every way; played once, then read."""
    kept = path / "matrices.json"
    if kept.exists():
        found: dict[str, Any] = RunFolder(path).read(kept.name)
        return found
    recipe = RunFolder(path).recipe()
    result = RunFolder(path).read("evaluation.json")
    exact = {spec.regime.name: exact_payoff(spec) for spec in known_specs(recipe)}
    out: dict[str, Any] = {
        "optimum": {
            name: value["welfare"] for name, value in result["optimum"]["by_regime"].items()
        },
        "warm start": numbers(read_transcripts(path / "transcripts-before.jsonl"), exact),
        WAYS[0]: numbers(read_transcripts(path / "transcripts-after.jsonl"), exact),
    }
    learnt = [price for price in recipe.game.pricing if price not in recipe.game.held_out]
    if len(learnt) == 1:
        model = load_assistant(path / "model")
        nothing = dict.fromkeys(PAYOFF_KEYS, 0.0)
        edits_of: dict[str, Callable[[GameSpec], Edit]] = {
            WAYS[1]: lambda spec: edit_from(learnt[0], spec),
            WAYS[2]: lambda spec: Edit(nothing, nothing, "control"),
        }
        for way, edit in edits_of.items():
            played = play_model(recipe, model, edit=edit)
            edits = {spec.regime.name: edit(spec) for spec in known_specs(recipe)}
            out[way] = numbers((one.transcript(0) for one in played.rollouts), exact, edits)
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


def numbers(
    played: Iterable[Transcript], exact: dict[str, Payoff], edits: dict[str, Edit] | None = None
) -> dict[str, Numbers]:
    """Return, by price, mean W, the share that asks first, and what the first matrices are worth.

    Args:
        played: The conversations.
        exact: The exact matrix of each price.
        edits: What was added to the matrices that were written, by price.
    """
    rows: dict[str, list[tuple[float, ...]]] = {}
    for one in played:
        turns = [turn for turn in one.turns if turn.seat == "assistant"]
        blocks = [parsed(turn.written or "") for turn in turns]
        sound = all(block is not None for block in blocks)
        order = consistent = asks = moved = np.nan
        if blocks and blocks[0] is not None:
            opening = next(turn.move for turn in one.turns if turn.seat == "user")
            query, kind = "VQ" if opening == "VQ" else "DQ", turns[0].move.partition(":")[0]
            order = order_agreement(blocks[0].payoff, exact[one.regime])
            consistent = float(f"{query}_{kind}" in best_cells(blocks[0].payoff, query))
            asks = float(kind == "CQ")
            if edits is not None:
                own = without(blocks[0].payoff, edits[one.regime])
                moved = float(best_cells(own, query) != best_cells(blocks[0].payoff, query))
        welfare = one.welfare if sound else min(0.0, one.welfare)
        rows.setdefault(one.regime, []).append(
            (welfare, asks, order, consistent, float(sound), moved)
        )
    names = ("welfare", "asks", "order", "consistent", "well_formed", "moved")
    return {
        price: {
            name: float(mean)
            for name, mean in zip(names, mean_of(found), strict=True)
            if not np.isnan(mean)  # of what was not edited nothing has moved
        }
        for price, found in rows.items()
    }


def mean_of(rows: Sequence[tuple[float, ...]]) -> NDArray[np.float64]:
    """Return the mean of each column over the rows that know it; NaN where none does."""
    known = np.ma.masked_invalid(np.array(rows))
    return np.asarray(known.mean(axis=0).filled(np.nan), dtype=np.float64)


def without(payoff: Payoff, edit: Edit) -> Payoff:
    """Return a matrix as it was before an edit, by tenths."""
    return {
        key: {
            "LLM": round(payoff[key]["LLM"] - edit.assistant[key], 1),
            "user": round(payoff[key]["user"] - edit.user[key], 1),
        }
        for key in PAYOFF_KEYS
    }


def interval(runs: Sequence[Numbers], name: str) -> Value:
    """Return a number's mean over seeds, from three on with its 95 % interval (Student's t).

    Where all of a run's turns are malformed, nothing of its matrices is known.
    """
    values = [run[name] for run in runs if name in run]
    if not values:
        return None
    mean, half = mean_over_seeds(values)
    return mean if half is None or len(values) < FEWEST else (mean, mean - half, mean + half)


def _of(
    measured: dict[Variant, dict[str, Any]], learnt: Sequence[str], paid: float
) -> list[dict[str, Any]]:
    wanted = changes_of(learnt, paid)
    return [found for cell, found in measured.items() if cell.changes == wanted]


def over_prices(by_price: dict[str, Numbers]) -> Numbers:
    """Return the means over all prices of what is known under each."""
    names = set.intersection(*(set(by_price[price]) for price in PRICES))
    return {name: float(np.mean([by_price[price][name] for price in PRICES])) for name in names}


def steering_table(measured: dict[Variant, dict[str, Any]]) -> Table:
    """Return what a model does under a price that it did not learn under, in each way."""
    rows = []
    for old, price, paid in CHANGES_OF_PRICE:
        if not (found := _of(measured, [old], paid)):
            continue
        ways = [(way, found, way) for way in WAYS]
        ways.append(("trained under it instead", _of(measured, [price], 0.0), WAYS[0]))
        for way, runs, key in ways:
            values = [run[key][price] for run in runs]
            rows.append(
                (
                    old,
                    REWARDED[paid],
                    price,
                    way,
                    len(runs),
                    interval(values, "welfare"),
                    found[0]["optimum"][price],
                    interval(values, "asks"),
                    interval(values, "consistent"),
                    interval(values, "moved") if key == WAYS[1] else None,
                )
            )
    return Table(
        "steering",
        "Learnt under one price, used under another",
        (
            Column("learnt under", "text"),
            Column("by", "text"),
            Column("used under", "text"),
            Column("how", "text"),
            Column("seeds", "count"),
            Column("W", "interval", 2),
            Column("optimum"),
            Column("asks first", "interval", 2),
            Column("does as its matrix says", "interval", 2),
            Column("best cell moved", "interval", 2),
        ),
        tuple(rows),
        (
            "300 held-out conversations a price and seed, the same everywhere; means over seeds, with "
            "95 % intervals over seeds (Student's t) from three on. One run's W is known to about 0.15 points, "
            "a share to about 0.05.",
        ),
    )


def edit_table(measured: dict[Variant, dict[str, Any]]) -> Table:
    """Return what the edit alone changes: against halting without it, within each seed."""
    rows = []
    for old, price, paid in CHANGES_OF_PRICE:
        found = _of(measured, [old], paid)
        changed = [
            {
                name: run[WAYS[1]][price][name] - run[WAYS[2]][price][name]
                for name in ("welfare", "asks")
                if name in run[WAYS[1]][price] and name in run[WAYS[2]][price]
            }
            for run in found
        ]
        if found:
            columns = (interval(changed, name) for name in ("welfare", "asks"))
            rows.append((old, REWARDED[paid], price, len(found), *columns))
    return Table(
        "edit",
        "Edited less halted and not edited, within seeds",
        (
            Column("learnt under", "text"),
            Column("by", "text"),
            Column("used under", "text"),
            Column("seeds", "count"),
            Column("W", "interval", 3),
            Column("asks first", "interval", 3),
        ),
        tuple(rows),
        ("Differences of the rows above, seed by seed, on the same conversations.",),
    )


def calibration_table(measured: dict[Variant, dict[str, Any]]) -> Table:
    """Return what rewarding the order of the matrix does, over all prices."""
    rows: list[tuple[Value, ...]] = []
    for name, paid, key in (
        ("none: the warm start", 0.0, "warm start"),
        *((name, paid, WAYS[0]) for paid, name in REWARDED.items()),
    ):
        found = _of(measured, PRICES, paid)
        if found:
            means = [over_prices(run[key]) for run in found]
            columns = ("welfare", "order", "consistent", "well_formed")
            rows.append((name, len(found), *(interval(means, column) for column in columns)))
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
