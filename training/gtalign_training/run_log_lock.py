"""A lock that keeps two runs out of one folder, and falls with the process that holds it."""

from __future__ import annotations

import fcntl
import json
import os
import platform
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from gtalign_env.errors import RunError

BOOT = Path("/proc/sys/kernel/random/boot_id")


def boot_id() -> str:
    """Return what tells this start of this machine from all others, as far as the system says."""
    return BOOT.read_text(encoding="ascii").strip() if BOOT.exists() else platform.node()


def identity(pid: object) -> dict[str, Any]:
    """Return what tells a process from all others, now and later; ``began`` is None for a dead one.

    Args:
        pid: Its number.
    """
    stat = Path("/proc", str(pid), "stat")
    try:
        # the name of the program stands in brackets and may hold anything
        began = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]
    except OSError:
        began = None  # it is dead, or the system does not tell
    return {"pid": pid, "began": began, "boot": boot_id()}


class FolderLock:
    """The lock of a run folder: a file that names who holds it.

    The system's own lock on the file decides. What is written in it is for people, and for file
    systems that lack such locks: the process, when that began, and the start of the machine, so
    that a later process of the same number is not taken for it.

    Args:
        path: The file; it stays, empty, when the lock is released.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = -1

    def __enter__(self) -> Self:
        """Take the lock.

        Raises:
            RunError: Another run holds it.
        """
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            self._take()
        except BaseException:
            os.close(self._file)
            self._file = -1
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.ftruncate(self._file, 0)
        os.close(self._file)
        self._file = -1

    def _take(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise self._taken(self._holder()) from None
        holder = self._holder()
        if holder is not None and holder.get("began") and identity(holder.get("pid")) == holder:
            raise self._taken(holder)
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, json.dumps(identity(os.getpid())).encode(), 0)

    def _holder(self) -> dict[str, Any] | None:
        try:
            found = json.loads(os.pread(self._file, 4096, 0))
        except ValueError:
            return None  # empty: released; cut short: its writer died while it took the lock
        return found if isinstance(found, dict) else None

    def _taken(self, holder: dict[str, Any] | None) -> RunError:
        who = f"process {holder.get('pid')}" if holder else "another process"
        return RunError(
            f"{self.path.parent} is being written by {who}; wait for it, stop it, or choose "
            "another folder with --out"
        )
