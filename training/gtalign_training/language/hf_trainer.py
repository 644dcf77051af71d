"""What all Hugging Face trainers share: how they are set up, and how they are run to their end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gtalign_training.callbacks import quiet
from gtalign_training.checkpoints import newest_whole
from gtalign_training.language.models import Assistant
from gtalign_training.language.processes import Processes
from gtalign_training.language.shards import require_usable_shards, trained_model
from gtalign_training.recipe import Recipe
from gtalign_training.run_folder import RunFolder


def trainer_arguments(
    recipe: Recipe, folder: RunFolder, stage: str, *, save_every: int, log_every: int = 1
) -> dict[str, Any]:
    """Return what is told to every trainer: precision, saving, silence and the seed.

    Args:
        recipe: The recipe.
        folder: The run folder.
        stage: ``sft``, or the algorithm; its checkpoints lie in the folder of that name.
        save_every: Steps between checkpoints.
        log_every: Steps between logged lines.
    """
    import torch

    gpu = torch.cuda.is_available()
    return {
        "output_dir": str(folder / stage),
        "bf16": gpu,
        "use_cpu": not gpu,
        "gradient_checkpointing": False,
        "logging_steps": log_every,
        "save_strategy": "steps",
        "save_steps": save_every,
        "save_total_limit": 2,
        "report_to": "none",
        "disable_tqdm": True,
        "seed": recipe.seed,
    }


def train_to_the_end(
    trainer: Any, tokenizer: Any, folder: RunFolder, stage: str, processes: Processes
) -> Assistant:
    """Train from the newest whole checkpoint, or from the start, and return what was learnt.

    Args:
        trainer: A Hugging Face trainer, made with `trainer_arguments` of the same stage.
        tokenizer: The model's.
        folder: The run folder.
        stage: ``sft``, or the algorithm.
        processes: The processes of the run.

    Raises:
        RunError: All checkpoints are damaged, the weights are in shards of a kind that cannot be
            trained in, or what the trainer's callbacks raise.
    """
    quiet(trainer)
    require_usable_shards(trainer)
    checkpoint = newest_whole(folder / stage, processes.count)
    if processes.first:
        folder.drop_metrics_after(stage, _step_of(checkpoint))
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    processes.wait()
    last = newest_whole(folder / stage, processes.count)
    return Assistant(trained_model(trainer, last), tokenizer)


def _step_of(checkpoint: Path | None) -> int:
    return 0 if checkpoint is None else int(checkpoint.name.rpartition("-")[2])
