"""Markdown tables, as every made page writes them."""

from __future__ import annotations

from collections.abc import Sequence


def table(head: tuple[str, ...], body: Sequence[tuple[str, ...]]) -> str:
    """Return a Markdown table; columns without any content are left out."""
    kept = [i for i in range(len(head)) if any(row[i] for row in body)]

    def line(cells: tuple[str, ...]) -> str:
        return "| " + " | ".join(cells[i].replace("|", "\\|") for i in kept) + " |"

    return "\n".join([line(head), "| " + " | ".join("---" for _ in kept) + " |", *map(line, body)])
