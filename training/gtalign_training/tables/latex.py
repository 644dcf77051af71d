"""Tables as LaTeX, with the rules of the package booktabs."""

from __future__ import annotations

import re

from gtalign_training.tables.table import Column, Table, Value, is_empty, number, shown

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "ε": r"$\varepsilon$",
    "±": r"$\pm$",
    "×": r"$\times$",
}


def latex_text(table: Table) -> str:
    r"""Return a table as LaTeX; the document needs ``\usepackage{booktabs}``.

    Args:
        table: The table.
    """
    layout = "".join("l" if column.is_text else "r" for column in table.columns)
    lines = [
        r"\begin{table}",
        r"  \centering",
        rf"  \caption{{{escaped(table.title)}}}",
        rf"  \label{{tab:{re.sub(r'[^A-Za-z0-9-]+', '-', table.key)}}}",
        rf"  \begin{{tabular}}{{{layout}}}",
        r"    \toprule",
        _row([escaped(column.name) for column in table.columns]),
        r"    \midrule",
        *(
            _row([_cell(*pair) for pair in zip(table.columns, row, strict=True)])
            for row in table.rows
        ),
        r"    \bottomrule",
        r"  \end{tabular}",
    ]
    if table.notes:
        notes = " ".join(escaped(note) for note in table.notes)
        lines += [r"  \par\smallskip", rf"  {{\footnotesize {notes}}}"]
    return "\n".join([*lines, r"\end{table}", ""])


def escaped(text: str) -> str:
    """Return text as LaTeX sets it, letter by letter.

    Args:
        text: Any text.
    """
    return "".join(_SPECIAL.get(character, character) for character in " ".join(text.split()))


def _cell(column: Column, value: Value) -> str:
    if is_empty(value):
        return "--"
    if not isinstance(value, list | tuple):
        text = escaped(shown(column, value))
        return f"${text}$" if not isinstance(value, str) and text.startswith("-") else text
    mean, low, high = (number(one, column.digits) for one in value)
    return rf"${mean}$ {{\scriptsize $[{low}, {high}]$}}"


def _row(cells: list[str]) -> str:
    return f"    {' & '.join(cells)} \\\\"
