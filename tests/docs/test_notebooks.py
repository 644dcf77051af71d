"""The notebooks: paired with their scripts, small and clean as stored, and what execution gives."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import jupytext
import nbformat
import pytest

from tests.docs.pages import ROOT

sys.path.insert(0, str(ROOT / "docs"))

from making.notebooks import (  # the pages' own tools, found by path
    NAMES,
    executed,
    script,
    sources,
    stored,
    texts,
)

MOST_BYTES = 200_000
TRACES = re.compile(r"/(?:home|root|tmp|work|usr|Users)/|[Ww]arning|Traceback|\d\d:\d\d:\d\d")
"""What a stored notebook has no business to hold: paths of a machine, warnings, times of day."""


def test_every_notebook_has_a_script_and_the_other_way_round() -> None:
    folder = ROOT / "docs" / "notebooks"
    assert {file.stem for file in folder.glob("*.ipynb")} == set(NAMES)
    assert {file.stem for file in folder.glob("*.py")} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_what_its_script_says(name: str) -> None:
    kept = nbformat.read(stored(name), as_version=4)
    assert sources(kept) == sources(jupytext.read(script(name))), (
        f"run: python docs/making/notebooks.py {name}"
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_stored_notebook_is_small_and_clean(name: str) -> None:
    assert stored(name).stat().st_size < MOST_BYTES
    kept = nbformat.read(stored(name), as_version=4)
    printed = texts(kept)
    assert printed, "nothing was executed"
    assert [text for text in printed if TRACES.search(text)] == []
    for cell in kept.cells:
        assert not cell.metadata
        assert cell.get("execution_count") is None


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_execution_gives_what_is_stored(name: str) -> None:
    kept, now = nbformat.read(stored(name), as_version=4), executed(name)
    assert texts(now) == texts(kept)
    shown = [[one.output_type for one in cell.get("outputs", [])] for cell in now.cells]
    assert shown == [[one.output_type for one in cell.get("outputs", [])] for cell in kept.cells]


def test_traces_of_a_machine_are_noticed() -> None:
    for text in ("/home/me/x.py", "UserWarning: x", "12:30:01 done"):
        assert TRACES.search(text)
    assert not TRACES.search("U 1.46  L 3.94, and/or W")
    assert Path(__file__).exists()
