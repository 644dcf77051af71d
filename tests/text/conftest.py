"""The bundled task set, read once for the tests of the text layer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from gtalign_env.scenario.tasks import TaskSet

BUNDLED = Path(__file__).parents[2] / "scenarios" / "tasks" / "general_knowledge.yaml"


@pytest.fixture(scope="session")
def raw_tasks() -> str:
    """The bundled task set as JSON."""
    return json.dumps(yaml.safe_load(BUNDLED.read_text(encoding="utf-8")))


@pytest.fixture(scope="session")
def tasks(raw_tasks: str) -> TaskSet:
    """The bundled task set."""
    return TaskSet.model_validate_json(raw_tasks)
