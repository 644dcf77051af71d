"""Tables of results: one object, and one renderer for each place where people read them."""

from __future__ import annotations

from gtalign_training.tables.csv import csv_text
from gtalign_training.tables.latex import latex_text
from gtalign_training.tables.markdown import markdown_text
from gtalign_training.tables.table import Column, Table, Value
from gtalign_training.tables.terminal import print_table

FORMATS = ("terminal", "markdown", "latex", "csv")
"""What tables can be printed as."""

ENDINGS = {".md": markdown_text, ".tex": latex_text, ".csv": csv_text}
"""What a table's files end in, and what writes them."""

__all__ = [
    "ENDINGS",
    "FORMATS",
    "Column",
    "Table",
    "Value",
    "csv_text",
    "latex_text",
    "markdown_text",
    "print_table",
]
