"""Write tables between the markers of a page, and leave its words alone."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

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


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
