"""What all Hugging Face trainers report to: the run folder, TensorBoard, and a progress bar."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from gtalign_training.language.guards import require_finite
from gtalign_training.run_folder import RunFolder

Progress = Callable[[str, int, int, dict[str, Any]], None]
"""Told ``(stage, step, steps, metrics)`` after every optimiser step."""


def silent(stage: str, step: int, steps: int, metrics: dict[str, Any]) -> None:
    """Show nothing."""


def trainer_callbacks(folder: RunFolder, stage: str, progress: Progress) -> list[Any]:
    """Return callbacks that log every step of a stage, and stop before one that is not finite.

    Args:
        folder: The run folder.
        stage: ``sft``, or the algorithm.
        progress: Told after every step.
    """
    from torch.utils.tensorboard import SummaryWriter
    from transformers import TrainerCallback
    from transformers.integrations import TensorBoardCallback

    class Reporter(TrainerCallback):
        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kw: Any) -> None:
            if logs and "train_runtime" not in logs and state.is_world_process_zero:
                folder.log(stage, state.global_step, logs)
                progress(stage, state.global_step, state.max_steps, logs)

    class FiniteGradients(TrainerCallback):
        def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kw: Any) -> None:
            # DeepSpeed's step lies behind already: it leaves out one whose gradient is not finite
            left_out = getattr(kw["optimizer"], "step_was_skipped", False)
            require_finite(kw["model"].parameters(), state.global_step + 1, left_out=left_out)

    writer = SummaryWriter(str(folder / "tensorboard" / stage))
    return [Reporter(), TensorBoardCallback(tb_writer=writer), FiniteGradients()]


def quiet(trainer: Any) -> None:
    """Take away the library's own printing; ours shows the progress."""
    from transformers import PrinterCallback, ProgressCallback

    trainer.remove_callback(PrinterCallback)
    trainer.remove_callback(ProgressCallback)


@contextmanager
def tensorboard(
    folder: RunFolder, stage: str, begun: int
) -> Iterator[Callable[[int, dict[str, float]], None]]:
    """Give a function that writes a step's metrics for TensorBoard, or nothing where that is missing.

    Args:
        folder: The run folder.
        stage: The algorithm.
        begun: The step that is gone on from: what lies beyond it is to be forgotten.
    """
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
    purge = begun + 1 if begun else None
    with SummaryWriter(str(folder / "tensorboard" / stage), purge_step=purge) as writer:

        def show(step: int, metrics: dict[str, float]) -> None:
            for name, value in metrics.items():
                writer.add_scalar(name, value, step)

        yield show
