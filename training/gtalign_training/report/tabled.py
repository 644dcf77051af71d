"""Tables of results as parts of a page, their numbers written as the page writes them."""

from __future__ import annotations

from itertools import takewhile

from gtalign_training import tables
from gtalign_training.report import parts
from gtalign_training.report.words import count, number, percent
from gtalign_training.tables.table import LEAST_P, is_empty


def table_part(table: tables.Table) -> parts.Table:
    """Return a table as a part; its columns of text from the left are words.

    Args:
        table: With at least one row.
    """
    words = sum(1 for _ in takewhile(lambda column: column.is_text, table.columns))
    return parts.Table(
        table.title,
        tuple(column.name for column in table.columns),
        tuple(
            tuple(cell(column, value) for column, value in zip(table.columns, row, strict=True))
            for row in table.rows
        ),
        max(1, words),
        note=" ".join(table.notes),
    )


def cell(column: tables.Column, value: tables.Value) -> parts.Cell:
    """Return what a cell holds as the page writes it.

    Args:
        column: Its column.
        value: What it holds.
    """
    if value is None or is_empty(value):
        return number(None)
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple):
        mean, low, high = (number(one, column.digits) for one in value)
        return (mean, f"{low} to {high}")
    if column.kind == "share":
        return percent(value, max(0, column.digits - 2))
    if column.kind == "p":
        return f"< {LEAST_P}" if value < LEAST_P else number(value, 3)
    return count(value) if column.kind == "count" else number(value, column.digits)
