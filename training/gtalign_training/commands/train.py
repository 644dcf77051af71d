"""`gtalign train`: from a recipe to a fine-tuned, evaluated assistant."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated

import typer

from gtalign_env.errors import RunError, suggest
from gtalign_training.commands.options import Folders, Json
from gtalign_training.console import err, out, point_to_report, print_json, safe
from gtalign_training.language.processes import Processes, require_together, told
from gtalign_training.recipe import (
    Recipe,
    Reward,
    StrategicSection,
    bundled_recipes,
    load_recipe,
)
from gtalign_training.recipe.selfplay import SelfplayModel
from gtalign_training.trackers import require_tracker

EXAMPLES = (
    "gtalign train tiny-grpo --out runs/first",
    "gtalign train tiny-grpo --out runs/first --resume",
    "gtalign train tiny-grpo --reward user_only --seed 1",
    "gtalign train tiny-ppo --track trackio",
    "gtalign train my_recipe.yaml --model Qwen/Qwen2.5-0.5B-Instruct",
    "gtalign train my_recipe.yaml --path my_games --dry-run",
)


PRETRAINED = {"turn_tokens": 512, "learning_rate": 1e-5}
"""What ``--model`` changes beside the model: a real tokenizer needs more tokens for four blocks,
and weights that were learnt elsewhere want small steps. Adapters are trained, without a warm start."""


def train(
    recipe: Annotated[
        str, typer.Argument(help="A recipe file, or the name of a bundled one.", metavar="RECIPE")
    ],
    out_folder: Annotated[
        Path | None,
        typer.Option("--out", help="Run folder; by default runs/RECIPE-seedN.", metavar="DIR"),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the interrupted run in the folder.")
    ] = False,
    seed: Annotated[int | None, typer.Option(help="Seed, instead of the recipe's.", min=0)] = None,
    model: Annotated[
        str | None,
        typer.Option(help="A Hugging Face model with adapters, instead of the recipe's."),
    ] = None,
    reward: Annotated[
        str | None,
        typer.Option(help="What the assistant is rewarded with, instead of the recipe's."),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help="Steps of the main stage, instead of the recipe's.", min=1)
    ] = None,
    track: Annotated[
        list[str] | None,
        typer.Option(
            help="Tell this tracker of every step: tensorboard, trackio or wandb; repeatable."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check the recipe, print it complete, do nothing.")
    ] = False,
    path: Folders = None,
    json: Json = False,
) -> None:
    """Train an assistant from a recipe; checkpoints, resume, evaluation, plots.

    What the recipe names is looked up beside its file first. The run folder keeps the game, own
    prices and personas too, so that other commands need the folder alone.
    """
    loaded = load_recipe(recipe, path=path or ())
    made = with_options(loaded, seed, model, reward, steps, track)
    if told() and (line := rounding(made)) is not None:
        err().print(safe(line), soft_wrap=True)
    if dry_run:
        require_together(made, Processes())
        if told():
            print_json(made.plain())
        return
    from gtalign_training.pipeline import run
    from gtalign_training.progress import progress_bars
    from gtalign_training.render.run import render_run

    folder = out_folder or Path("runs") / f"{made.name}-seed{made.seed}"
    console = err()
    console.quiet = not told()
    console.print(safe(f"Run folder: {folder}"))
    # what libraries print is no result, and DeepSpeed logs to standard output
    with progress_bars(console) as progress, redirect_stdout(sys.stderr):
        done = run(
            made,
            folder,
            resume=resume,
            progress=progress,
            say=lambda line: console.print(safe(line)),
        )
    if not told():
        return
    result = done.read("evaluation.json")
    if json:
        print_json(result)
    else:
        render_run(out(), result)
        out().print(safe(f"Everything lies in {folder}"))
        point_to_report(folder)


def rounding(recipe: Recipe) -> str | None:
    """Return a line about steps that are more than asked for, as updates are whole; else None.

    Args:
        recipe: The recipe.
    """
    section = getattr(recipe, recipe.section_name)
    if not isinstance(section, StrategicSection | SelfplayModel):
        return None
    if isinstance(section, SelfplayModel) and section.learner != "ppo":
        return None
    update = section.environments * section.horizon
    steps = -(-section.steps // update) * update
    if steps == section.steps:
        return None
    turns = " a turn" if isinstance(section, SelfplayModel) else ""
    return (
        f"{section.steps:,} steps{turns} become {steps:,}: the fewest whole updates, of "
        f"{section.environments} environments x {section.horizon} steps"
    )


def with_options(
    recipe: Recipe,
    seed: int | None = None,
    model: str | None = None,
    reward: str | None = None,
    steps: int | None = None,
    track: list[str] | None = None,
) -> Recipe:
    """Return a recipe with what the command line changes.

    Args:
        recipe: The recipe.
        seed: Another seed.
        model: A Hugging Face model in place of the recipe's.
        reward: Another reward.
        steps: Another number of steps of the main stage.
        track: Trackers, beside the recipe's.

    Raises:
        RunError: There is no such reward or tracker.
    """
    data = recipe.plain()
    if seed is not None:
        data["seed"] = seed
    if model is not None:
        data |= {"model": {"kind": "pretrained", "path": model, "lora": {}}, "sft": None}
        data[recipe.section_name] |= PRETRAINED
    if reward is not None:
        known = Reward.__args__  # type: ignore[attr-defined]  # a Literal's members
        if reward not in known:
            raise RunError(
                f"a reward is one of {', '.join(known)}; got {reward!r}.{suggest(reward, known)}"
            )
        data["reward"] = reward
    if steps is not None:
        data[recipe.section_name]["steps"] = steps
    if track:
        named = [require_tracker(name) for name in track]
        data["track"] = list(dict.fromkeys([*data["track"], *named]))
    return recipe.changed(data)


__all__ = ["EXAMPLES", "bundled_recipes", "train", "with_options"]
