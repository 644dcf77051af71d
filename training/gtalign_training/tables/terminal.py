"""Tables on a terminal, readable without colour."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as Grid

from gtalign_training.console import safe
from gtalign_training.tables.table import Column, Table, Value, is_empty, number, shown

NAME = 14
"""Characters up to which a text is not broken."""
NARROW = 8
"""The same where the terminal is too narrow for all columns."""


def print_table(console: Console, table: Table) -> None:
    """Print a table; an interval as its mean and half of its width.

    Args:
        console: Where to.
        table: The table.
    """
    console.print(safe(table.title))
    numbers = sum(_width(table, i) + 2 for i, one in enumerate(table.columns) if not one.is_text)
    texts = [i for i, one in enumerate(table.columns) if one.is_text]
    wanted = sum(_least_width(table, i) + 2 for i in texts)
    name = NAME if numbers + wanted <= console.width else NARROW
    grid = Grid(box=SIMPLE_HEAD, pad_edge=False)
    for index, column in enumerate(table.columns):
        justify = "left" if column.is_text else "right"
        grid.add_column(
            safe(column.name),
            justify=justify,  # type: ignore[arg-type]  # one of rich's two words
            no_wrap=not column.is_text,
            min_width=min(name, _width(table, index)) if column.is_text else _width(table, index),
            overflow="fold",
        )
    for row in table.rows:
        grid.add_row(*(safe(_cell(*pair)) for pair in zip(table.columns, row, strict=True)))
    console.print(grid, crop=False)  # too narrow a terminal folds lines; no number is cut
    for note in table.notes:
        console.print(safe(note, "dim"))
    console.print()


def _least_width(table: Table, index: int) -> int:
    """Return how wide a column of texts is at least: its longest one, but no more than `NAME`."""
    return min(NAME, _width(table, index))


def _width(table: Table, index: int) -> int:
    """Return how wide the widest cell of a column is."""
    column = table.columns[index]
    return max(
        len(text) for text in (column.name, *(_cell(column, row[index]) for row in table.rows))
    )


def _cell(column: Column, value: Value) -> str:
    if is_empty(value) or not isinstance(value, list | tuple):
        return shown(column, value)
    mean, low, high = value
    if column.brief:
        return number(mean, column.digits)
    return f"{number(mean, column.digits)} ±{number((high - low) / 2, column.digits)}"
