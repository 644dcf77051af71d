"""Make `ablation.md`: rewards, the format, training budgets and sizes of the tiny model, over seeds.

python docs/results/ablation.py RUNS        # trains what is missing below RUNS, then writes the page
python docs/results/ablation.py RUNS --read # writes the page from what is there
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pages import say, write_tables

from gtalign_training.ablation import (
    MEASURES,
    TOGETHER,
    Summary,
    Variant,
    finished,
    mean_over_seeds,
    run_all,
    summaries,
    together,
    variants,
)
from gtalign_training.callbacks import silent
from gtalign_training.recipe import load_recipe
from gtalign_training.run_folder import RunFolder
from gtalign_training.tables import Column, Table

HERE = Path(__file__).parent
SEEDS = (0, 1, 2, 3, 4)
REWARDS = (
    "nash",
    "utilitarian",
    "egalitarian",
    "ces:-1",
    "user_only",
    "assistant_only",
    "random",
)
STEPS = (120, 180, 260)
"""Of GRPO; the recipe's own is the first."""
WIDTHS = (64, 32, 128)
"""Of the model; the recipe's own is the first."""
FEWER = (0, 1, 2)
"""Seeds of what is not the recipe's own."""


def rewards() -> list[Variant]:
    """Return the runs of every reward, and of the first one without the four blocks."""
    return [
        cell
        for seed in SEEDS
        for cell in (
            *variants(REWARDS, ("four-blocks",), (seed,)),
            Variant(REWARDS[0], "none", seed),
        )
    ]


def compared() -> list[Variant]:
    """Return the runs that are compared within seeds: all but the control."""
    return [cell for cell in rewards() if cell.reward != "random"]


def changed(field: str, values: Sequence[int]) -> list[Variant]:
    """Return the runs of the first reward with a field set; the recipe's own value is the first."""
    return [
        Variant(REWARDS[0], "four-blocks", seed, ((field, str(value)),) if others else ())
        for others, value in enumerate(values)
        for seed in (FEWER if others else SEEDS)
    ]


def main() -> None:
    """Train what is missing, and write the page."""
    root = Path(sys.argv[1])
    root.mkdir(parents=True, exist_ok=True)
    base = load_recipe("tiny-ablation")
    budgets, sizes = changed("grpo.steps", STEPS), changed("model.hidden", WIDTHS)
    if "--read" not in sys.argv:
        every = [*rewards(), *budgets, *sizes]
        run_all(base, every, root, silent, say)
    tables = [
        alone("rewards", "Every reward alone", summaries(rewards(), root)),
        *both(together(compared(), root)),
        alone(
            "budgets",
            "Nash, by steps of GRPO",
            summaries(budgets, root),
            "steps",
            str(STEPS[0]),
        ),
        cost(root, sizes),
    ]
    # one value alone compares nothing
    write_tables(HERE / "ablation.md", [table for table in tables if len(table.rows) > 1])


def interval(mean: float, half: float | None) -> tuple[float, float, float]:
    """Return a mean with the ends of its interval."""
    width = np.nan if half is None else half
    return (mean, mean - width, mean + width)


def alone(
    key: str,
    title: str,
    found: Sequence[Summary],
    by: str = "",
    own: str = "",
) -> Table:
    """Return what runs came to, a row per group: a reward, or a value of ``by``."""
    named = [(one.changes[0][1] if one.changes else own) if by else one.reward for one in found]
    return Table(
        key,
        title,
        (
            Column(by or "reward", "text"),
            *(() if by else (Column("format", "text"),)),
            Column("seeds", "count"),
            *(Column(name, "interval", 2) for name in MEASURES.values()),
        ),
        tuple(
            (
                name,
                *(() if by else (one.format,)),
                len(one.seeds),
                *(interval(*one.measures[measure]) for measure in MEASURES),
            )
            for name, one in zip(named, found, strict=True)
        ),
        (
            "Held-out conversations of seed 1000003, 300 a price; means over seeds with 95 % intervals "
            "over seeds (Student's t). Of optimum and gap closed are of the scenario's W, whatever was "
            "rewarded.",
        ),
    )


def both(found: Sequence[Summary]) -> list[Table]:
    """Return the comparison of all rewards within seeds; none before a seed is finished."""
    if not found:
        return []
    table = Table(
        "together",
        "Both sides' welfares, compared within each seed",
        (
            Column("reward", "text"),
            Column("format", "text"),
            Column("seeds", "count"),
            *(Column(name, "interval", 2) for name in TOGETHER.values()),
        ),
        tuple(
            (
                one.reward,
                one.format,
                len(one.seeds),
                *(interval(*one.measures[measure]) for measure in TOGETHER),
            )
            for one in found
        ),
        (
            "First is nash. Dominates: share of conversations in which it is better for one side and "
            "not worse for the other (strict, epsilon 0). Coverage: share in which no other run of the "
            "seed dominates it. Regret: mean Chebyshev distance to the conversation's frontier, each "
            "side in units of its range. Hypervolume: area that the mean (U, L) dominates, as a share of "
            "the square of both ranges. On frontier: share of seeds in which no other run's mean is "
            "better for both.",
        ),
    )
    return [table]


def cost(root: Path, cells: Sequence[Variant]) -> Table:
    """Return what a point of W costs, by width of the model."""
    rows = []
    for width in sorted(WIDTHS):
        mine = [
            cell
            for cell in cells
            if finished(root / cell.folder)
            and RunFolder(root / cell.folder).read("recipe.json")["model"]["hidden"] == width
        ]
        if not mine:
            continue
        (one,) = summaries(mine, root)
        parameters, tokens = zip(*(size_of(root / cell.folder) for cell in mine), strict=True)
        gains = [_gain(root / cell.folder) for cell in mine]
        spent = [
            8e-12 * n * t / gain
            for n, t, gain in zip(parameters, tokens, gains, strict=True)
            if gain > 0
        ]
        rows.append(
            (
                str(width),
                parameters[0],
                len(mine),
                interval(*one.measures["welfare"]),
                interval(*one.measures["gap_closed"]),
                interval(*mean_over_seeds([t / 1e6 for t in tokens])),
                interval(*mean_over_seeds(spent)) if len(spent) == len(mine) else None,
            )
        )
    return Table(
        "sizes",
        "Nash, by width of the model",
        (
            Column("width", "text"),
            Column("parameters", "count"),
            Column("seeds", "count"),
            Column("W", "interval", 2),
            Column("gap closed", "interval", 2),
            Column("million tokens", "interval", 2),
            Column("TFLOP a point of W", "interval", 2),
        ),
        tuple(rows),
        (
            "Two layers each, 120 steps of GRPO. Parameters without the input embedding. Computing is "
            "counted as 8 FLOP a parameter and token: 2 to generate it, 6 to learn from it (Kaplan et al., "
            "2020); the warm start is not counted. A point of W is one gained over the warm start; nothing is said "
            "where a seed gained none.",
        ),
    )


def _gain(path: Path) -> float:
    rows = {row["name"]: row for row in RunFolder(path).read("evaluation.json")["rows"]}
    return float(rows["after"]["welfare"][0] - rows["before"]["welfare"][0])


def size_of(path: Path) -> tuple[int, float]:
    """Return a trained model's parameters without the input embedding, and the tokens it learnt from."""
    from safetensors import safe_open

    with safe_open(path / "model" / "model.safetensors", "np") as file:
        count = sum(
            int(np.prod(file.get_slice(name).get_shape()))
            for name in file.keys()  # noqa: SIM118  # no mapping
            if "embed_tokens" not in name
        )
    return count, float(_last(RunFolder(path).metrics("grpo"))["num_tokens"])


def _last(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    return max(rows, key=lambda row: row["step"])


if __name__ == "__main__":
    main()
