"""The run folders behind a result: where they lie, as links from the page."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from gtalign_training.report.html import Html, breakable, tag
from gtalign_training.report.parts import Folder, Runs
from gtalign_training.report.sections.base import build, table

PAGE = "report.html"
"""What `gtalign report` writes into a folder; a link leads to it where it is there."""


def placed(folders: Sequence[Folder], start: Path) -> tuple[Folder, ...]:
    """Return folders whose links lead from a page in a certain place.

    Args:
        folders: What they say.
        start: The folder that the page goes into.
    """
    return tuple(
        replace(
            folder,
            parts=tuple(
                replace(part, start=start.resolve()) if isinstance(part, Runs) else part
                for part in folder.parts
            ),
        )
        for folder in folders
    )


@build.register
def _(part: Runs) -> Html:
    rows = [[_link(path, name, part.start), *cells] for path, name, cells in part.rows]
    return table(part.columns, rows)


def _link(path: Path, name: str, start: Path | None) -> Html:
    """Return a link to a folder; a colon in it is quoted, so that no name can be taken for a scheme."""
    target = path / PAGE if (path / PAGE).exists() else path
    way = Path(os.path.relpath(target, start or path.parent)).as_posix()
    return tag("a", breakable(name), href=f"./{quote(way)}")
