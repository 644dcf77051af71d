"""PPO on the game without text: the strategic problem alone, in seconds, with an exact answer key.

The loop goes from update to update and saves only between two of them. All randomness is either a
function of (seed, episode) or in two generators that are saved, so a run that was killed and
resumed ends, bit for bit, where it would have ended.
"""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gtalign_env.core.moves import AssistantMove, Ending
from gtalign_env.money import to_usd
from gtalign_training.checkpoints import newest
from gtalign_training.recipe import PpoModel, Recipe
from gtalign_training.run_folder import RunFolder
from gtalign_training.tabular.checkpoint import (
    MODEL,
    places_of,
    read_checkpoint,
    restore_random_state,
    save_checkpoint,
    save_model,
)
from gtalign_training.tabular.env import Finished
from gtalign_training.tabular.model import (
    build_model,
    first_places,
    load_parameters,
    own_randomness,
)

if TYPE_CHECKING:
    from stable_baselines3 import PPO

Progress = Callable[[int, int, dict[str, Any]], None]
"""Told ``(step, steps, metrics)`` after every update."""

STAGE = "ppo"


def updates(ppo: PpoModel) -> int:
    """Return the number of updates: the fewest whole ones that make up the steps asked for."""
    return math.ceil(ppo.steps / (ppo.environments * ppo.horizon))


def train_ppo(
    recipe: Recipe, folder: RunFolder, *, resume: bool, progress: Progress | None = None
) -> Path:
    """Train the assistant, and return the file of the trained model.

    Args:
        recipe: The recipe.
        folder: The run folder; checkpoints lie in ``ppo``, the result in ``model``.
        resume: Whether to go on from the newest checkpoint that is whole. A run that was killed
            before its first one begins again, which leads to the same result.
        progress: Told after every update.

    Raises:
        MissingExtraError: Stable-Baselines3 is not installed.
        RunError: There are checkpoints to resume from, and all are damaged.
    """
    ppo, last = recipe.ppo, updates(recipe.ppo)
    size = ppo.environments * ppo.horizon
    with own_randomness(recipe):
        found = newest(folder / STAGE, read_checkpoint) if resume else None
        places = first_places(recipe) if found is None else places_of(found[1])
        model, envs = build_model(recipe, places)
        if found is not None:
            load_parameters(model, found[0] / MODEL)
            restore_random_state(found[1])
            model.num_timesteps = found[1]["step"]
        begun = model.num_timesteps
        folder.drop_metrics_after(STAGE, begun)
        with _tensorboard(folder, begun) as show:
            for update in range(begun // size, last):
                _set_rate(model, ppo.learning_rate * (1 - update / last))
                model.learn(size, reset_num_timesteps=False)
                step = model.num_timesteps
                metrics = _metrics(model, [done for env in envs for done in env.finished])
                for env in envs:
                    env.finished.clear()
                folder.log(STAGE, step, metrics)
                show(step, metrics)
                if step // ppo.save_every > (step - size) // ppo.save_every or update + 1 == last:
                    save_checkpoint(folder / STAGE, model, [env.place for env in envs])
                if progress is not None:
                    progress(step, last * size, metrics)
        result = folder / "model" / MODEL
        result.parent.mkdir(exist_ok=True)
        save_model(model, result)
    return result


def _set_rate(model: PPO, rate: float) -> None:
    from stable_baselines3.common.utils import FloatSchedule

    model.lr_schedule = FloatSchedule(rate)


@contextmanager
def _tensorboard(
    folder: RunFolder, begun: int
) -> Iterator[Callable[[int, dict[str, float]], None]]:
    """Give a function that writes metrics for TensorBoard, or nothing where that is missing."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        warnings.warn(
            "tensorboard is not installed, so there will be no TensorBoard files; "
            "metrics.jsonl holds the same numbers",
            stacklevel=4,
        )
        yield lambda step, metrics: None
        return
    # what an interrupted run wrote beyond its last checkpoint is to be forgotten
    purge = begun + 1 if begun else None
    with SummaryWriter(str(folder / "tensorboard" / STAGE), purge_step=purge) as writer:

        def show(step: int, metrics: dict[str, float]) -> None:
            for name, value in metrics.items():
                writer.add_scalar(name, value, step)

        yield show


def _metrics(model: PPO, finished: Sequence[Finished]) -> dict[str, float]:
    """Return an update's measurements; conversation means only if any conversation ended."""
    losses = model.logger.name_to_value
    out = {
        "entropy": -losses["train/entropy_loss"],
        "policy_loss": losses["train/policy_gradient_loss"],
        "value_loss": losses["train/value_loss"],
        "loss": losses["train/loss"],
        "approx_kl": losses["train/approx_kl"],
        "clip_fraction": losses["train/clip_fraction"],
        "explained_variance": losses["train/explained_variance"],
        "learning_rate": losses["train/learning_rate"],
    }
    # plain floats: the losses are NumPy's, which JSON does not know
    return {name: float(value) for name, value in (out | conversation_metrics(finished)).items()}


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
