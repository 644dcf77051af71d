"""A whole training run, from a recipe to an evaluated model in a run folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from gtalign_env.core.oracle import require_solvable
from gtalign_env.envs.transcript import write_transcripts
from gtalign_training.callbacks import Progress, silent
from gtalign_training.evaluate import play_model, report
from gtalign_training.game import known_specs
from gtalign_training.language.engine import require_engine
from gtalign_training.language.models import require_train_extra
from gtalign_training.language.processes import Processes, require_same, require_together
from gtalign_training.recipe import Recipe
from gtalign_training.run_folder import RunFolder, write_json
from gtalign_training.trackers import follow

WITHOUT_CURVE = ("best-of-k", "dpo")
"""Algorithms that play nothing while they learn: there is no welfare by step to draw."""

Say = Callable[[str], None]
"""Told, in a line, what begins."""


def run(
    recipe: Recipe,
    out: Path,
    *,
    resume: bool = False,
    progress: Progress = silent,
    say: Say = lambda line: None,
) -> RunFolder:
    """Train, evaluate and draw; return the run folder.

    Args:
        recipe: The recipe.
        out: Where everything goes.
        resume: Whether to go on with an interrupted run.
        progress: Told after every step.
        say: Told what begins.

    Raises:
        RunError: The folder cannot be used, or too much failed.
        MissingExtraError: The recipe needs a library that is not installed.
    """
    processes = Processes()
    require_together(recipe, processes)
    recipe = recipe.with_game(recipe.game_files)  # read once, whatever becomes of the files
    # one process tells the trackers
    track = recipe.track if processes.first else ()
    followed = follow(track, out, recipe.plain(), progress, say)
    try:
        return _run(recipe, out, processes, resume=resume, progress=followed.progress, say=say)
    finally:
        followed.finish()


def _run(
    recipe: Recipe,
    out: Path,
    processes: Processes,
    *,
    resume: bool,
    progress: Progress,
    say: Say,
) -> RunFolder:
    if recipe.algorithm == "selfplay":
        from gtalign_training.selfplay import run as play_oneself

        return play_oneself(recipe, out, resume=resume, progress=progress, say=say)
    if recipe.strategic:
        return _run_network(recipe, out, resume=resume, progress=progress, say=say)
    require_train_extra("training a language model")
    require_engine(recipe)
    import torch

    from gtalign_training.language.guards import memory_guard, require_writable
    from gtalign_training.language.models import load_assistant, new_assistant, save_assistant
    from gtalign_training.language.sft import warm_start
    from gtalign_training.language.trainers import NAMES, fine_tune_of

    torch.set_num_threads(1)  # a model this small is slower on two threads than on one
    specs = known_specs(recipe)
    for spec in specs:  # what it will be measured by, before hours go into it
        require_solvable(spec)
    fresh = new_assistant(recipe, specs)
    require_writable(recipe, fresh.tokenizer)
    digests = [spec.digest for spec in specs]
    if processes.first:
        require_same(RunFolder.open(out, recipe, digests, resume=resume), processes)
    processes.wait()
    folder = RunFolder.open(out, recipe, digests, resume=True)
    say("Warm start: imitating conversations without strategy (SFT)")
    with memory_guard(recipe, "sft"):
        start = warm_start(recipe, fresh, folder, progress, processes)
    before = None
    if processes.first:
        say("Measuring the warm-started assistant on held-out conversations")
        before = play_model(recipe, start)
    processes.wait()
    if (folder / "model").exists():
        trained = load_assistant(folder / "model")
    else:
        say(f"Fine-tuning on {reward_words(recipe)} ({NAMES[recipe.algorithm]})")
        with memory_guard(recipe, recipe.algorithm):
            trained = fine_tune_of(recipe.algorithm)(recipe, start, folder, progress)
        if processes.first:
            save_assistant(trained, folder / "model")
        processes.wait()
    if before is None:
        return folder  # the first process measures and writes
    say("Measuring the trained assistant on the same conversations")
    after = play_model(recipe, trained)
    result = report(recipe, before.played, after.played)
    write_json(folder / "evaluation.json", result)
    for name, measured in (("before", before), ("after", after)):
        write_transcripts(
            folder / f"transcripts-{name}.jsonl",
            (rollout.transcript(recipe.evaluation.seed) for rollout in measured.rollouts),
        )
    say("Drawing")
    draw(folder, result)
    folder.mark(status="done")
    return folder


def reward_words(recipe: Recipe) -> str:
    """Return what is rewarded, in words for a sentence."""
    words = {
        "scenario": "both sides' welfare",
        "user_only": "the user's welfare alone",
        "assistant_only": "the assistant's welfare alone",
        "random": "a reward that means nothing",
        "ces": f"both sides' welfare by CES with rho {recipe.rho:g}",
    }
    return words.get(recipe.reward, f"both sides' welfare, {recipe.reward}")


def draw(folder: RunFolder, result: dict[str, Any]) -> list[Path]:
    """Draw a run's pictures and return where they are.

    Args:
        folder: The run folder.
        result: Content of ``evaluation.json``.
    """
    from gtalign_training.plots import learning_curves, move_mix, welfare_bars

    plots = folder / "plots"
    plots.mkdir(exist_ok=True)
    rows = result.get("rows", [])  # PPO is evaluated exactly: it has no rows with intervals
    start = next((row["welfare"][0] for row in rows if row["name"] == "before"), None)
    optimum = result["optimum"]["welfare"]
    drawn = [move_mix(result, plots / "move_mix.png")]
    if folder.read("recipe.json")["algorithm"] not in WITHOUT_CURVE:
        curves = plots / "learning_curves.png"
        drawn.append(learning_curves(folder, curves, optimum=optimum, start=start))
    if rows:
        drawn.append(welfare_bars(rows, plots / "welfare.png", optimum=optimum))
    return drawn


def _run_network(
    recipe: Recipe, out: Path, *, resume: bool, progress: Progress, say: Say
) -> RunFolder:
    from gtalign_training.tabular import evaluate_network, train_network

    specs = recipe.game_files.specs
    for spec in specs:
        require_solvable(spec)
    digests = [spec.digest for spec in specs]
    folder = RunFolder.open(out, recipe, digests, resume=resume)
    say(f"Training a small network on the game without text ({recipe.algorithm})")
    model = train_network(
        recipe,
        folder,
        resume=resume,
        progress=lambda step, steps, metrics: progress(recipe.algorithm, step, steps, metrics),
    )
    say("Evaluating the learnt policy exactly")
    result = evaluate_network(recipe, model)
    write_json(folder / "evaluation.json", result)
    draw(folder, result)
    folder.mark(status="done")
    return folder
