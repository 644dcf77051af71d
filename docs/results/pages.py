"""What the scripts of results pages share: runs that are missing, and tables between a page's markers."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from gtalign_training.ablation import finished
from gtalign_training.pipeline import run
from gtalign_training.recipe import Recipe
from gtalign_training.tables import Table, markdown_text

_BETWEEN = re.compile(r"(<!-- generated: tables -->\n).*?(<!-- end generated -->)", re.S)


def write_tables(page: Path, tables: Sequence[Table]) -> None:
    """Put tables where a page has its markers.

    Args:
        page: A Markdown file with one pair of markers.
        tables: What to put there.

    Raises:
        ValueError: The page has no markers, or more than one pair.
    """
    body = "\n" + "\n".join(markdown_text(table) for table in tables) + "\n"
    text, count = _BETWEEN.subn(
        lambda found: found[1] + body + found[2], page.read_text(encoding="utf-8")
    )
    if count != 1:
        raise ValueError(f"{page} must have one pair of markers; it has {count}")
    page.write_text(text, encoding="utf-8")


def run_missing(wanted: Iterable[tuple[Path, Recipe]]) -> None:
    """Run what is not finished; what was begun goes on.

    Args:
        wanted: Every run's folder and recipe.
    """
    for path, recipe in wanted:
        if not finished(path):
            run(recipe, path, resume=(path / "recipe.json").exists())


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
