"""Readers: one file for each kind of folder, asked in turn; the last one takes anything.

A reader is a module with ``matches(path) -> bool`` and ``read(path, name) -> Folder``. A new kind
of folder is a new file here and its name in `READERS`, before ``other``.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, cast

from gtalign_env.errors import RunError
from gtalign_training.folders import no_folder
from gtalign_training.report.parts import Folder

READERS = ("run", "evaluation", "training", "sweep", "ablation", "data", "other")
MOST_NAMED = 6
"""Entries of a folder that a refusal names."""


class Reader(Protocol):
    """What a module of this package offers."""

    def matches(self, path: Path) -> bool:
        """Return whether a folder is of this kind."""

    def read(self, path: Path, name: str) -> Folder:
        """Return what the folder says."""


def read_folders(
    paths: Sequence[Path], say: Callable[[str], None] = lambda line: None
) -> tuple[Folder, ...]:
    """Return what folders say, each under a name of its own.

    Args:
        paths: The folders; one that is given twice is read once.
        say: Told which folder is being read.

    Raises:
        RunError: One is no folder, or holds nothing that can be read.
    """
    for path in paths:
        if not path.is_dir():
            raise RunError(
                f"{no_folder(path)} A report is made of folders, such as gtalign run, sweep and "
                "train leave behind with --out"
            )
    unique = list(dict.fromkeys(path.resolve() for path in paths))
    names = _names(unique)
    out = []
    for path in unique:
        say(f"reading {names[path]}")
        out.append(_reader(path).read(path, names[path]))
    return tuple(out)


def _reader(path: Path) -> Reader:
    for name in READERS:
        module = cast("Reader", importlib.import_module(f"{__name__}.{name}"))
        if module.matches(path):
            return module
    held = sorted(path.iterdir())
    inside = [one.name for one in held if one.is_dir() and any(one.glob("*.json*"))]
    hint = (
        f"give its folders, such as gtalign report {path}/{inside[0]}"
        if inside
        else "make one with gtalign run, sweep or train and --out"
    )
    named = ", ".join(one.name for one in held[:MOST_NAMED]) or "nothing"
    raise RunError(f"{path} must hold a run, a sweep or a training run; it holds {named}: {hint}")


def _names(paths: Sequence[Path]) -> dict[Path, str]:
    """Return the shortest ends of the paths that tell them apart."""
    depth = 1
    longest = max(len(path.parts) for path in paths)
    while depth < longest:
        names = ["/".join(path.parts[-depth:]) for path in paths]
        if len(set(names)) == len(names):
            break
        depth += 1
    return {path: "/".join(path.parts[-depth:]).lstrip("/") or "/" for path in paths}
