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
    ("optimizer.pt", "optimizer.bin"),
    ("scheduler.pt",),
    ("rng_state.pth", "rng_state_*.pth"),
)
"""Files of a Hugging Face trainer's checkpoint beside the weights; of each line, one or more."""


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


def newest_whole(folder: Path) -> Path | None:
    """Return the newest whole checkpoint of a Hugging Face trainer, or None.

    Args:
        folder: Where it saves them.

    Raises:
        RunError: There are checkpoints, and all are damaged.
    """

    def read(path: Path) -> None:
        problem = damage(path)
        if problem is not None:
            raise RunError(f"{path} is damaged ({problem})")

    found = newest(folder, read)
    return None if found is None else found[0]


def damage(checkpoint: Path) -> str | None:
    """Return what is wrong with a checkpoint of a Hugging Face trainer, or None.

    Args:
        checkpoint: Its folder.
    """
    import json
    import zipfile

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
    for names in PARTS:  # as one process leaves them, several, or several with weights in shards
        found = [file for name in names for file in checkpoint.glob(name)]
        if not found or not all(zipfile.is_zipfile(file) for file in found):
            return f"{names[0]} is missing or cut short"
    return None
