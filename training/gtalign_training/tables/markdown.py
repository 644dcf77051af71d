"""Tables as GitHub's Markdown."""

from __future__ import annotations

import re

from gtalign_training.tables.table import Table, shown

_MARKUP = re.compile(r"([\\|*_`\[\]~#])")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def markdown_text(table: Table) -> str:
    """Return a table as Markdown; what its cells hold is never read as markup.

    Args:
        table: The table.
    """
    heads = [escaped(column.name) for column in table.columns]
    rules = ["---" if column.is_text else "---:" for column in table.columns]
    lines = [f"**{escaped(table.title)}**", "", _row(heads), _row(rules)]
    lines += [
        _row([escaped(shown(*pair)) for pair in zip(table.columns, row, strict=True)])
        for row in table.rows
    ]
    if table.notes:
        lines += ["", " ".join(escaped(note) for note in table.notes)]
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """Return text of which Markdown and HTML change nothing.

    An interval's brackets need no backslash, as nothing follows that would make them a link.

    Args:
        text: Any text.
    """
    plain = "".join(_ENTITIES.get(character, character) for character in " ".join(text.split()))
    if re.fullmatch(r"-?[\d.,]+ \[-?[\d.,]+, -?[\d.,]+\]", plain):
        return plain
    return _MARKUP.sub(r"\\\1", plain)


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
