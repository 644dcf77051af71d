"""What both Hugging Face trainers report to: the run folder, TensorBoard, and a progress bar."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gtalign_training.run_folder import RunFolder

Progress = Callable[[str, int, int, dict[str, Any]], None]
"""Told ``(stage, step, steps, metrics)`` after every optimiser step."""


def silent(stage: str, step: int, steps: int, metrics: dict[str, Any]) -> None:
    """Show nothing."""


def trainer_callbacks(folder: RunFolder, stage: str, progress: Progress) -> list[Any]:
    """Return callbacks that log every step of a stage.

    Args:
        folder: The run folder.
        stage: ``sft`` or ``grpo``.
        progress: Told after every step.
    """
    from torch.utils.tensorboard import SummaryWriter
    from transformers import TrainerCallback
    from transformers.integrations import TensorBoardCallback

    class Reporter(TrainerCallback):
        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kw: Any) -> None:
            if logs and "train_runtime" not in logs:
                folder.log(stage, state.global_step, logs)
                progress(stage, state.global_step, state.max_steps, logs)

    writer = SummaryWriter(str(folder / "tensorboard" / stage))
    return [Reporter(), TensorBoardCallback(tb_writer=writer)]


def quiet(trainer: Any) -> None:
    """Take away the library's own printing; ours shows the progress."""
    from transformers import PrinterCallback, ProgressCallback

    trainer.remove_callback(PrinterCallback)
    trainer.remove_callback(ProgressCallback)
