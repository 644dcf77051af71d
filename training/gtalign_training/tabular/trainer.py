"""A small network on the game without text: the strategic problem alone, with an exact answer key.

The loop goes from update to update and saves only between two of them. All randomness is either a
function of (seed, episode) or in two generators that are saved, so a run that was killed and
resumed ends, bit for bit, where it would have ended.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from gtalign_env.core.moves import AssistantMove, Ending
from gtalign_env.money import to_usd
from gtalign_training.callbacks import tensorboard
from gtalign_training.checkpoints import newest
from gtalign_training.recipe import Recipe, StrategicSection
from gtalign_training.run_folder import RunFolder
from gtalign_training.tabular.algorithms import begin_update, measured
from gtalign_training.tabular.checkpoint import (
    MEMORY,
    MODEL,
    places_of,
    read_checkpoint,
    restore_random_state,
    save_checkpoint,
    save_model,
)
from gtalign_training.tabular.env import Finished
from gtalign_training.tabular.memory import read_memory, restore_memory
from gtalign_training.tabular.model import (
    build_model,
    first_places,
    load_parameters,
    own_randomness,
)

Progress = Callable[[int, int, dict[str, Any]], None]
"""Told ``(step, steps, metrics)`` after every update."""


def updates(network: StrategicSection) -> int:
    """Return the number of updates: the fewest whole ones that make up the steps asked for."""
    return math.ceil(network.steps / (network.environments * network.horizon))


def train_network(
    recipe: Recipe, folder: RunFolder, *, resume: bool, progress: Progress | None = None
) -> Path:
    """Train the assistant, and return the file of the trained model.

    Args:
        recipe: The recipe.
        folder: The run folder; checkpoints lie under the algorithm's name, the result in ``model``.
        resume: Whether to go on from the newest checkpoint that is whole. A run that was killed
            before its first one begins again, which leads to the same result.
        progress: Told after every update.

    Raises:
        MissingExtraError: Stable-Baselines3 is not installed.
        RunError: There are checkpoints to resume from, and all are damaged.
    """
    section, stage, last = recipe.network, recipe.algorithm, updates(recipe.network)
    size = section.environments * section.horizon
    with own_randomness(recipe):
        found = newest(folder / stage, read_checkpoint) if resume else None
        places = first_places(recipe) if found is None else places_of(found[1])
        model, envs = build_model(recipe, places)
        if found is not None:
            load_parameters(model, found[0] / MODEL)
            model.num_timesteps = found[1]["step"]
            restore_memory(model, read_memory(found[0] / MEMORY))
            restore_random_state(found[1])
        begun = model.num_timesteps
        folder.drop_metrics_after(stage, begun)
        with tensorboard(folder, stage, begun) as show:
            for update in range(begun // size, last):
                begin_update(recipe, model, update / last)
                model.learn(size, reset_num_timesteps=False, log_interval=None)
                step = model.num_timesteps
                finished = [done for env in envs for done in env.finished]
                metrics = measured(model) | conversation_metrics(finished)
                for env in envs:
                    env.finished.clear()
                folder.log(stage, step, metrics)
                show(step, metrics)
                if (
                    step // section.save_every > (step - size) // section.save_every
                    or update + 1 == last
                ):
                    save_checkpoint(folder / stage, model, [env.place for env in envs])
                if progress is not None:
                    progress(step, last * size, metrics)
        result = folder / "model" / MODEL
        result.parent.mkdir(exist_ok=True)
        save_model(model, result)
    return result


def conversation_metrics(finished: Sequence[Finished]) -> dict[str, float]:
    """Return the means over conversations, under the names that all trainers use.

    Args:
        finished: What ended during an update.
    """
    n = len(finished)
    if not n:
        return {"episodes": 0}
    talks = [done.conversation for done in finished]
    endings = Counter(talk.state.ending for talk in talks)
    moves: dict[str, Counter[AssistantMove]] = {}
    for talk in talks:
        moves.setdefault(talk.spec.regime.name, Counter()).update(talk.assistant_moves[:1])
    return {
        "episodes": n,
        "reward": math.fsum(done.reward for done in finished) / n,
        "user_welfare": math.fsum(talk.returns[0] for talk in talks) / n,
        "assistant_welfare": math.fsum(talk.returns[1] for talk in talks) / n,
        "joint_welfare": math.fsum(talk.spec.welfare(*talk.returns) for talk in talks) / n,
        "charge_usd": to_usd(sum(talk.state.charged for talk in talks)) / n,
        "cost_usd": to_usd(sum(talk.state.cost for talk in talks)) / n,
        "output_tokens": sum(talk.state.total_output for talk in talks) / n,
        "exchanges": sum(talk.state.exchange + 1 for talk in talks) / n,
        **{
            f"ending/{ending.name.lower()}": endings[ending] / n
            for ending in Ending
            if ending is not Ending.FAULT
        },
        **{
            f"move/{regime}/{move.label}": shares[move] / max(1, shares.total())
            for regime, shares in sorted(moves.items())
            for move in AssistantMove
        },
    }
