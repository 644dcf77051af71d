"""Several processes of one run, as `accelerate launch` starts them: who writes, and who waits."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from gtalign_env.errors import RunError
from gtalign_training.recipe import Recipe
from gtalign_training.run_folder import RunFolder

if TYPE_CHECKING:
    from torch import Tensor

One = TypeVar("One")

COPIES = ("lm-ppo",)
"""Algorithms that run in several processes, each with everything: nothing of them is in shards."""
TOGETHER = ("grpo", "rloo", *COPIES, "best-of-k", "dpo")
"""Algorithms that run in several processes."""

FACT = "processes"
"""Field of ``run.json``: how many processes began the run, and what they hold in shards."""


def told() -> bool:
    """Return whether this process is the one of its run that prints; alone, it is."""
    return os.environ.get("RANK", "0") == "0"


def sharded() -> bool:
    """Return whether the launcher asked for weights in shards (FSDP)."""
    return os.environ.get("ACCELERATE_USE_FSDP", "").lower() in ("1", "true")


def zero() -> bool:
    """Return whether the launcher asked for the optimiser's state in shards (DeepSpeed's ZeRO)."""
    return os.environ.get("ACCELERATE_USE_DEEPSPEED", "").lower() in ("1", "true")


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

            cpu = not torch.cuda.is_available()
            if cpu:  # accelerate calls it cpu:0, where torch.load puts nothing: no run would go on
                os.environ["ACCELERATE_TORCH_DEVICE"] = "cpu"
            self._state = PartialState(cpu=cpu)
        self.index = 0 if self._state is None else int(self._state.process_index)

    @property
    def first(self) -> bool:
        """Whether this one writes."""
        return self.index == 0

    @property
    def launch(self) -> dict[str, Any]:
        """How the run was started, as plain data."""
        return {"count": self.count, "sharded": sharded()} | ({"zero": True} if zero() else {})

    def wait(self) -> None:
        """Wait until all are here."""
        if self._state is not None:
            self._state.wait_for_everyone()

    def part(self, count: int) -> slice:
        """Return which of what all have is this process's; parts are equal, in the processes' order.

        Args:
            count: How many there are, a multiple of the number of processes.
        """
        size = count // self.count
        return slice(self.index * size, (self.index + 1) * size)

    def gathered(self, own: Sequence[One]) -> list[One]:
        """Return what all processes have, in their order; a call of all together.

        Args:
            own: What this one has; can be pickled.
        """
        if self.count == 1:
            return list(own)
        from accelerate.utils import gather_object

        return list(gather_object(list(own)))

    def rows(self, own: Tensor) -> Tensor:
        """Return the rows of all processes, in their order; a call of all together.

        Args:
            own: This one's, shape ``(B / count, ...)``, the same everywhere.
        """
        if self.count == 1:
            return own
        import torch

        parts = [torch.empty_like(own) for _ in range(self.count)]
        torch.distributed.all_gather(parts, own.contiguous())
        return torch.cat(parts)

    def add_up(self, tensors: Iterable[Tensor]) -> None:
        """Put into each tensor its sum over all processes, the same bits everywhere.

        Args:
            tensors: As many, of the same shapes, in every process.
        """
        if self.count > 1:
            import torch

            for tensor in tensors:
                torch.distributed.all_reduce(tensor)

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
    """Raise where several processes cannot run a recipe together.

    Args:
        recipe: The recipe.
        processes: The processes.

    Raises:
        RunError: The algorithm runs in one process only, or has nothing to be put in shards, or a
            batch cannot be shared evenly.
    """
    if processes.count == 1:
        return
    if recipe.algorithm in COPIES and (sharded() or zero()):
        raise RunError(
            f"{recipe.algorithm} runs in whole copies: start its processes by python -m "
            "torch.distributed.run, without FSDP or DeepSpeed"
        )
    if recipe.algorithm not in TOGETHER:
        raise RunError(
            f"{recipe.algorithm} runs in one process; got {processes.count}. Several can run "
            f"{', '.join(TOGETHER)}"
        )
    if recipe.sft is not None:
        processes.share(recipe.sft.batch_size, "sft.batch_size")
    for batch in ("prompts", "batch_size"):
        if hasattr(recipe.language, batch):
            processes.share(getattr(recipe.language, batch), f"{recipe.section_name}.{batch}")


def require_same(folder: RunFolder, processes: Processes) -> None:
    """Raise where a run would go on in other processes than it began in; note them if it is new.

    Checkpoints hold a generator per process, and the optimiser's state in the launcher's form.

    Args:
        folder: The run folder; the first process writes to it.
        processes: The processes.

    Raises:
        RunError: It would.
    """
    before = folder.read("run.json").get(FACT)
    if before is None:
        if processes.first:
            folder.mark(**{FACT: processes.launch})
    elif before != processes.launch:
        raise RunError(
            f"{folder.path} was begun in {_words(before)}; got {_words(processes.launch)}. Start it "
            "as it was begun, or use another folder"
        )


def _words(launch: dict[str, Any]) -> str:
    count = "1 process" if launch["count"] == 1 else f"{launch['count']} processes"
    if launch.get("zero"):
        return f"{count} with the optimiser in shards (ZeRO)"
    return f"{count} with weights in shards (FSDP)" if launch["sharded"] else count
