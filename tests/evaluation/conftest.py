"""Evaluations small enough for tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from gtalign_env.scenario.loader import load_scenario
from gtalign_training.grid.cells import Grid, cells_of
from gtalign_training.grid.contenders import contender
from gtalign_training.grid.evaluation import evaluate


def small_grid(
    assistants: Sequence[str] = ("CQ", "oracle", "random"),
    *,
    scenario: str = "quick_question",
    users: Sequence[str] = ("default", "impatient"),
    pricing: Sequence[str] = ("own", "subscription"),
    personas: Sequence[str] = ("own",),
    episodes: int = 24,
    seed: int = 5,
) -> Grid:
    """Return an evaluation of few conversations."""
    cells = cells_of([load_scenario(scenario)], users, personas, pricing)
    return Grid(cells, tuple(contender(name) for name in assistants), episodes, seed)


@pytest.fixture(scope="session")
def make_grid() -> Callable[..., Grid]:
    """Return `small_grid`."""
    return small_grid


@pytest.fixture(scope="session")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """An evaluation's folder and its result."""
    folder = tmp_path_factory.mktemp("evaluated") / "evaluation"
    return folder, evaluate(small_grid(), folder, reference="CQ")
