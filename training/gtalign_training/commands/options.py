"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gtalign_env.errors import RunError, suggest

STILL = (".png", ".svg")
PICTURES = (*STILL, ".html")
"""Endings of files with pictures: still ones, and with the pages that one can explore."""

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]

Folders = Annotated[
    list[Path] | None,
    typer.Option(
        "--path", help="Folder to search before GTALIGN_PATH and the bundled library; repeatable."
    ),
]

Pricing = Annotated[
    str | None, typer.Option(help="Play the scenario under this regime, by name or file.")
]

Cooperate = Annotated[
    str | None, typer.Option(help="Plans that cooperate, as USER,ASSISTANT [from the game].")
]
Defect = Annotated[
    str | None, typer.Option(help="Plans that defect, as USER,ASSISTANT [from the game].")
]

Force = Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")]


def check_new(file: Path | None, force: bool) -> None:
    """Refuse to write over a file unless the user says so.

    Asked before the work is done, so that nobody waits for what is then not written.

    Args:
        file: The file; None where none is asked for.
        force: Whether it may be replaced.

    Raises:
        RunError: There is such a file.
    """
    if file is not None and not force and file.exists():
        raise RunError(f"{file}: exists already, and is left as it is; --force replaces it")


def check_ending(file: Path | None, option: str, endings: tuple[str, ...] = PICTURES) -> None:
    """Refuse a picture's file whose ending names no format that can be written.

    Asked before the work is done, so that nobody waits for a picture that cannot be drawn.

    Args:
        file: The file; None where no picture is asked for.
        option: The option that names it.
        endings: What it may end in.

    Raises:
        RunError: It ends in something else.
    """
    if file is None or file.suffix.lower() in endings:
        return
    hint = suggest(file.suffix.lower(), endings)
    raise RunError(f"{option} must end in {', '.join(endings)}; got {file.name!r}.{hint}")
