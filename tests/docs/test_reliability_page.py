"""The page of promises names tests that are there, and each of its numbers once or with reason."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (R\d+) \|(.+?)\|(.+?)\|(.*?)\|(.*?)\|$", TEXT, re.MULTILINE)


def test_the_page_has_rows() -> None:
    assert len(ROWS) > 40
    assert TEXT.count("| R") == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_the_tests_of_a_row_are_there(row: tuple[str, ...]) -> None:
    _, _, tests, always, slow = row
    files = re.findall(r"`(\S+\.py)`", tests)
    assert files or "ruff" in tests
    marked = ""
    for name in files:
        path = ROOT / name
        assert path.is_file(), name
        marked += path.read_text(encoding="utf-8")
    if slow.strip():
        assert "mark.slow" in marked or "slow(" in marked or "slow_but" in marked
    assert always.strip() or slow.strip() or files
