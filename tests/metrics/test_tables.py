"""Tables in every format: the same numbers, and text that stays text wherever it comes to stand."""

from __future__ import annotations

import csv
import io
import math
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.console import Console

from gtalign_training.tables import Column, Table, csv_text, latex_text, markdown_text, print_table

EVIL = '=HYPERLINK("x")|<b>&_%$#{}~^\\ `a` [l](u)'
TABLE = Table(
    "wel_fare",
    "Welfare & price, 100%",
    (
        Column("assistant", "text"),
        Column("W", "interval", 2, "points"),
        Column("n", "count"),
        Column("share", "share", 3),
        Column("p", "p"),
        Column("change"),
    ),
    (
        ("oracle", (2.0364, 1.9, 2.15), 1200, 0.97, 0.0001, -0.25),
        (EVIL, (-1.0, -2.0, 0.0), 5, None, 0.25, -0.0001),
        ("empty", (math.nan,) * 3, 0, math.nan, None, None),
    ),
    ("U: user's welfare, in points.",),
)


def test_markdown() -> None:
    assert markdown_text(TABLE).splitlines() == [
        "**Welfare &amp; price, 100%**",
        "",
        "| assistant | W | n | share | p | change |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
        "| oracle | 2.04 [1.90, 2.15] | 1,200 | 97.0% | &lt;0.001 | -0.250 |",
        r'| =HYPERLINK("x")\|&lt;b&gt;&amp;\_%$\#{}\~^\\ \`a\` \[l\](u) | -1.00 [-2.00, 0.00] | 5 |  '
        "| 0.250 | 0.000 |",
        "| empty |  | 0 |  |  |  |",
        "",
        "U: user's welfare, in points.",
    ]


def test_latex() -> None:
    text = latex_text(TABLE)
    assert r"\caption{Welfare \& price, 100\%}" in text
    assert r"\label{tab:wel-fare}" in text
    assert r"$2.04$ {\scriptsize $[1.90, 2.15]$} & 1,200 & 97.0\% & \textless{}0.001" in text
    assert r"\_\%\$\#\{\}\textasciitilde{}\textasciicircum{}\textbackslash{}" in text
    assert r"$-0.250$ \\" in text
    assert r"empty & -- & 0 & -- & -- & -- \\" in text
    assert text.count(r"\\" + "\n") == 4  # heading and three rows


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no LaTeX here")
def test_latex_compiles(tmp_path: Path) -> None:
    document = (
        r"\documentclass{article}\usepackage{booktabs}\begin{document}"
        + latex_text(TABLE)
        + r"\end{document}"
    )
    (tmp_path / "a.tex").write_text(document, encoding="utf-8")
    subprocess.run(["pdflatex", "-halt-on-error", "a.tex"], cwd=tmp_path, check=True)


def test_csv_is_numbers_and_harmless_texts() -> None:
    rows = list(csv.reader(io.StringIO(csv_text(TABLE))))
    assert rows[0] == ["assistant", "W", "W low", "W high", "n", "share", "p", "change"]
    assert rows[1] == ["oracle", "2.0364", "1.9", "2.15", "1200", "0.97", "0.0001", "-0.25"]
    assert rows[2][0] == f"'{EVIL}"
    assert rows[2][5] == ""
    assert rows[3] == ["empty", "", "", "", "0", "", "", ""]


@given(st.text())
@example("\r")
def test_no_text_becomes_a_formula_or_another_cell(text: str) -> None:
    one = Table("t", "t", (Column("a", "text"), Column("b", "text")), ((text, "end"),))
    (_, row) = list(csv.reader(io.StringIO(csv_text(one), newline="")))
    assert row[1] == "end"
    assert not row[0].startswith(("=", "+", "-", "@", "\t", "\r"))
    assert row[0].removeprefix("'") == text.removeprefix("'") or row[0] == text
    lines = markdown_text(one).splitlines()
    bare = lines[4].replace(r"\\", "").replace(r"\|", "")
    assert bare.count("|") == 3


def test_terminal_fits_and_is_plain() -> None:
    console = Console(width=80, record=True, force_terminal=False, color_system=None)
    with console.capture() as capture:
        print_table(console, TABLE)
    text = capture.get()
    assert "2.04 ±0.12" in text
    assert "<0.001" in text
    assert max(map(len, text.splitlines())) <= 80


def test_rows_must_fit() -> None:
    with pytest.raises(ValueError, match="6 cells; got 1"):
        Table("t", "t", TABLE.columns, (("a",),))
