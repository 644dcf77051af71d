"""Several processes of one run, as `accelerate launch` starts them: who writes, and who waits."""

from __future__ import annotations

import os
from typing import Any

from gtalign_env.errors import RunError
from gtalign_training.recipe import Recipe

TOGETHER = ("grpo", "rloo", "best-of-k", "dpo")
"""Algorithms that run in several processes: those of Hugging Face's trainers."""


class Processes:
    """The processes of a run; alone, everything is a formality.

    Attributes:
        count: How many there are.
        index: Which one this is, from 0.
    """

    def __init__(self) -> None:
        self.count = int(os.environ.get("WORLD_SIZE", "1"))
        self._state: Any = None
        if self.count > 1:
            import torch

            from accelerate import PartialState

            self._state = PartialState(cpu=not torch.cuda.is_available())
        self.index = 0 if self._state is None else int(self._state.process_index)

    @property
    def first(self) -> bool:
        """Whether this one writes."""
        return self.index == 0

    def wait(self) -> None:
        """Wait until all are here."""
        if self._state is not None:
            self._state.wait_for_everyone()

    def share(self, whole: int, what: str) -> int:
        """Return this process's share of a batch.

        Args:
            whole: The batch, over all processes.
            what: The recipe's field, for the error.

        Raises:
            RunError: It cannot be shared evenly.
        """
        if whole % self.count:
            raise RunError(
                f"{what}, {whole}, must be a multiple of the number of processes, {self.count}"
            )
        return whole // self.count


def require_together(recipe: Recipe, processes: Processes) -> None:
    """Raise where a recipe's algorithm runs in one process only, and there are several.

    Args:
        recipe: The recipe.
        processes: The processes.

    Raises:
        RunError: It does.
    """
    if processes.count > 1 and recipe.algorithm not in TOGETHER:
        raise RunError(
            f"{recipe.algorithm} runs in one process; got {processes.count}. Several can run "
            f"{', '.join(TOGETHER)}"
        )
