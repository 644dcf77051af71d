"""Holding a folder of results: one process at a time, and one line where nothing can be written."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gtalign_env.errors import RunError
from gtalign_training.run_log_lock import FolderLock
from gtalign_training.runs.folder import LOCK

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What the system says where no more can be written."""


class DiskFullError(RunError):
    """No more can be written; what was acknowledged is kept."""


@contextmanager
def held_folder(path: Path, again: str = "go on with --resume") -> Iterator[None]:
    """Hold a folder, and say in one line if nothing can be written to it.

    Args:
        path: The folder; made where it is missing.
        again: What to do when there is room again, for the message.

    Raises:
        DiskFullError: No more can be written.
        RunError: Another process holds it, or it is no folder that can be written.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        with FolderLock(path / LOCK):
            yield
    except (PermissionError, FileExistsError, NotADirectoryError) as error:
        raise RunError(f"{path} must be a folder that can be written: {error}") from error
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise DiskFullError(
            f"nothing more can be written to {path} ({error.strerror}); everything reported done "
            f"is kept: make room, then {again}"
        ) from error
