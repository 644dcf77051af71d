"""Training the cells of an ablation: every one is an ordinary run folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from gtalign_training.ablation.variants import Variant, recipe_of
from gtalign_training.callbacks import Progress
from gtalign_training.recipe import Recipe
from gtalign_training.run_folder import RunFolder

SAME_START = ("game", "model", "sft", "seed", "format")
"""What makes two warm starts equal."""


def run_all(
    base: Recipe,
    cells: Sequence[Variant],
    out: Path,
    progress: Progress,
    say: Callable[[str], None],
) -> None:
    """Train every cell that is not finished.

    Args:
        base: The recipe that is varied.
        cells: The cells.
        out: Where their run folders lie.
        progress: Told after every step.
        say: Told what begins.

    Raises:
        RunError: A folder was made from another recipe, or a run stopped.
    """
    from gtalign_training.pipeline import run

    recipes = [recipe_of(base, cell) for cell in cells]  # all are checked before the first begins
    for number, (cell, recipe) in enumerate(zip(cells, recipes, strict=True), start=1):
        path = out / cell.folder
        if finished(path):
            RunFolder.open(path, recipe, RunFolder(path).read("run.json")["digests"], resume=True)
            continue
        say(f"Run {number} of {len(cells)}: {cell.folder}")
        _lend_start(recipe, path, out)
        run(recipe, path, resume=(path / "recipe.json").exists(), progress=progress, say=say)


def finished(path: Path) -> bool:
    """Return whether a run folder holds a whole run."""
    return (path / "run.json").exists() and RunFolder(path).read("run.json").get("status") == "done"


def _start_of(recipe: dict[str, Any]) -> dict[str, Any]:
    """Return what a warm start follows from, of a recipe as plain data."""
    start = {key: recipe.get(key) for key in SAME_START}
    # what is imitated does not depend on what is learnt under later
    return {**start, "game": {k: v for k, v in recipe["game"].items() if k != "held_out"}}


def _lend_start(recipe: Recipe, path: Path, out: Path) -> None:
    """Copy the warm start of a finished run that began in the same way, if there is one."""
    if (path / "sft" / "model").exists():
        return
    wanted = _start_of(recipe.plain())
    for other in sorted(out.iterdir()) if out.is_dir() else ():
        if not finished(other) or not (other / "sft" / "model").exists():
            continue
        if _start_of(RunFolder(other).read("recipe.json")) == wanted:
            unfinished = path / "sft.unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            shutil.copytree(other / "sft", unfinished)
            shutil.rmtree(path / "sft", ignore_errors=True)
            unfinished.rename(path / "sft")
            return
