"""Which ids are tested on which scenarios; the library is read when the tests are collected."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import gymnasium
import pettingzoo
import pytest

from gtalign_env.core.spec import GameSpec
from gtalign_env.scenario.compile import compile_scenario
from gtalign_env.scenario.library import list_entries, scenario_root
from gtalign_env.scenario.loader import Scenario, load_scenario, load_tasks
from gtalign_env.scenario.tasks import TaskSet

SCENARIOS = [
    entry.name
    for entry in list_entries("scenario")
    if entry.path.is_relative_to(scenario_root())  # bundled, whatever GTALIGN_PATH names
]
FEW = ("quick_question", "mixed_crowd", "pay_on_success", "price_rise")
"""One type; several; a fee at the end; a price that changes. The rest is slow where it is dear."""

IDS = ("gtalign/Conversation-v0", "gtalign/Dialogue-v0")
SEATS = ("assistant", "user")


@cache
def scenario(name: str) -> Scenario:
    """Return a bundled scenario, read once."""
    return load_scenario(name)


@cache
def tasks() -> TaskSet:
    """Return the bundled task set, read once."""
    return load_tasks("general_knowledge")


@cache
def spec(name: str) -> GameSpec:
    """Return a bundled scenario's game, compiled once."""
    return compile_scenario(scenario(name))


def slow_but(fast: Sequence[str], names: Sequence[str] = tuple(SCENARIOS)) -> list[Any]:
    """Return test parameters for scenarios, slow for all but some."""
    return [pytest.param(n, marks=() if n in fast else pytest.mark.slow) for n in names]


CASES = [
    pytest.param(env_id, name, marks=[] if name in FEW else pytest.mark.slow)
    for env_id in IDS
    for name in SCENARIOS
]
"""Every id on every scenario; all but `FEW` of them slow."""

LIGHT = [
    (env_id, name)
    for env_id in IDS
    for name in SCENARIOS
    if "Dialogue" not in env_id or name in FEW
]
"""What is cheap enough to be run on every scenario."""


def arguments(env_id: str, name: str) -> dict[str, Any]:
    """Return the arguments that name a game, with nothing left to read."""
    more = {"tasks": tasks()} if "Dialogue" in env_id else {}
    return {"scenario": scenario(name), **more}


def both_seats(env_id: str, name: str, **more: Any) -> Any:
    """Return the PettingZoo environment of a scenario."""
    return pettingzoo.make("aec", env_id, **arguments(env_id, name), **more)


def one_seat(env_id: str, name: str, seat: str, **more: Any) -> gymnasium.Env[Any, Any]:
    """Return the Gymnasium environment of a scenario; the other seat plays at random."""
    more = {"opponent": "random", **more}
    return gymnasium.make(env_id, seat=seat, **arguments(env_id, name), **more)
