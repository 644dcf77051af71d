"""Which checkpoint to go on from: the newest one that is whole."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from gtalign_env.errors import RunError
from gtalign_training.run_folder import checkpoints

State = TypeVar("State")

PARTS = (
    ("optimizer.pt", "optimizer.bin", "global_step*/*_optim_states.pt"),
    ("scheduler.pt",),
    ("rng_state.pth", "rng_state_*.pth"),
)
"""Files of a Hugging Face trainer's checkpoint beside the weights: of each line, those of one name.

A name with a star outside its folder stands for one file of each process.
"""


def newest(folder: Path, read: Callable[[Path], State]) -> tuple[Path, State] | None:
    """Return the newest checkpoint that is whole with what was read of it, or None for none at all.

    A checkpoint that a crash cut short is passed over with a warning.

    Args:
        folder: Where a trainer saves its checkpoints.
        read: Reads one; raises `RunError` where it is damaged.

    Raises:
        RunError: There are checkpoints, and all are damaged.
    """
    found = checkpoints(folder)
    for path in found:
        try:
            return path, read(path)
        except RunError as error:
            warnings.warn(f"{error}; going on from the checkpoint before it", stacklevel=2)
    if found:
        raise RunError(
            f"every checkpoint in {folder} is damaged; delete that folder to begin this stage again"
        )
    return None


def newest_whole(folder: Path, processes: int = 1) -> Path | None:
    """Return the newest whole checkpoint of a Hugging Face trainer, or None.

    Args:
        folder: Where it saves them.
        processes: How many processes save together.

    Raises:
        RunError: There are checkpoints, and all are damaged.
    """

    def read(path: Path) -> None:
        problem = damage(path, processes)
        if problem is not None:
            raise RunError(f"{path} is damaged ({problem})")

    found = newest(folder, read)
    return None if found is None else found[0]


def damage(checkpoint: Path, processes: int = 1) -> str | None:
    """Return what is wrong with a checkpoint of a Hugging Face trainer, or None.

    Args:
        checkpoint: Its folder.
        processes: How many processes have saved it together.
    """
    import json

    from safetensors import SafetensorError, safe_open

    weights = sorted(checkpoint.glob("*.safetensors"))
    if not weights:
        return "no weights"
    try:
        for file in weights:
            with safe_open(file, framework="pt"):
                pass  # the header states every tensor's place: a cut file does not open
        json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
    except (SafetensorError, OSError, ValueError) as error:
        return str(error).splitlines()[0]
    for names in PARTS:  # as one process leaves them, several, or several with shards (FSDP, ZeRO)
        if not any(_saved(checkpoint, name, processes) for name in names):
            return f"{names[0]} is missing or cut short"
    return None


def _saved(checkpoint: Path, name: str, processes: int) -> bool:
    import zipfile

    files = list(checkpoint.glob(name))
    wanted = processes if "*" in Path(name).name else 1
    return len(files) == wanted and all(zipfile.is_zipfile(file) for file in files)
