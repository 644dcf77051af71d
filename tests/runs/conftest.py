"""Runs small enough for tests, and the unbroken one that all others are compared with."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gtalign_env.scenario.loader import load_scenario
from gtalign_training.play_run import run
from gtalign_training.play_run_folder import SUMMARY, Plan


def plan(episodes: int = 60, **changes: Any) -> Plan:
    given: dict[str, Any] = {"user": "default", "assistant": "clarify_once", "seed": 3} | changes
    return Plan(load_scenario("quick_question"), episodes=episodes, **given)


def digest(folder: Path) -> str:
    return hashlib.sha256((folder / SUMMARY).read_bytes()).hexdigest()


@pytest.fixture(scope="session")
def make_plan() -> Callable[..., Plan]:
    """Return a plan of so many episodes of the quick question; fields can be given."""
    return plan


@pytest.fixture(scope="session")
def summary_hash() -> Callable[[Path], str]:
    """Return the hash of a run's ``summary.json``."""
    return digest


@pytest.fixture(scope="session")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of 200 episodes that were played in one go."""
    folder = tmp_path_factory.mktemp("unbroken") / "run"
    run(plan(200), folder)
    return folder
