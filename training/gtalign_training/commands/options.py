"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]

Folders = Annotated[
    list[Path] | None,
    typer.Option(
        "--path", help="Folder to search before GTALIGN_PATH and the bundled library; repeatable."
    ),
]
