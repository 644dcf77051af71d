"""Tables for spreadsheets and data frames: full precision, one number a cell."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from gtalign_training.tables.table import Column, Table, Value, is_empty

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a text must not begin with, lest a spreadsheet takes it for a formula."""


def csv_text(table: Table) -> str:
    """Return a table as CSV: an interval in three columns, nothing for what is not known.

    Texts that a spreadsheet would take for a formula begin with an apostrophe. Numbers are numbers,
    also where they are negative.

    Args:
        table: The table.

    References:
        OWASP, "CSV injection"; RFC 4180, sec. 2.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer)  # lines end as RFC 4180 has it, so that no cell can end one
    writer.writerow(name for column in table.columns for name in _names(column))
    for row in table.rows:
        writer.writerow(
            cell for pair in zip(table.columns, row, strict=True) for cell in _cells(*pair)
        )
    return buffer.getvalue()


def _names(column: Column) -> Iterator[str]:
    yield harmless(column.name)
    if column.kind == "interval":
        yield harmless(f"{column.name} low")
        yield harmless(f"{column.name} high")


def _cells(column: Column, value: Value) -> Iterator[str]:
    width = 3 if column.kind == "interval" else 1
    if value is None or is_empty(value):
        yield from [""] * width
    elif isinstance(value, str):
        yield harmless(value)
    elif isinstance(value, list | tuple):
        yield from (repr(float(one)) for one in value)
    else:
        yield repr(value) if isinstance(value, int) else repr(float(value))


def harmless(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula.

    Args:
        text: Of a cell.
    """
    return f"'{text}" if text.startswith(FORMULA) else text
