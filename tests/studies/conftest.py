"""Studies written in the tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from gtalign_env.scenario.sweep import Study, load_study
from gtalign_training.studies.folder import StudyFolder
from gtalign_training.studies.sweep import sweep

Write = Callable[[str], Study]

HEAD = """\
schema: gtalign/study/1
name: mine
description: A study of a test.
scenario: upsell
"""


DRAWN = """\
axes:
  - {field: pricing.components.per_token.rates.output, label: price, grid: {from: 0, to: 30, points: 7}}
  - {field: persona.conciseness, log_grid: {from: 0.01, to: 1, points: 5}}
  - {field: pricing.free.questions, label: free questions, values: [false, true]}
restriction: {user: [DQ, VQ], assistant: ["DA:concise", "AQ:standard"]}
"""


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> StudyFolder:
    """Return a swept study of three axes."""
    root = tmp_path_factory.mktemp("drawn")
    head = "schema: gtalign/study/1\nname: drawn\ndescription: A study to draw.\nscenario: upsell\n"
    (root / "drawn.yaml").write_text(head + DRAWN, encoding="utf-8")
    sweep(load_study(root / "drawn.yaml"), root / "out")
    return StudyFolder(root / "out")


@pytest.fixture
def study_file(tmp_path: Path) -> Callable[[str], Path]:
    """Return a function that writes a study, below its first four lines, and gives its file."""

    def write(body: str) -> Path:
        file = tmp_path / "mine.yaml"
        file.write_text(HEAD + dedent(body), encoding="utf-8")
        return file

    return write


@pytest.fixture
def study_of(study_file: Callable[[str], Path]) -> Write:
    """Return a function that writes a study and loads it."""
    return lambda body: load_study(study_file(body))
