"""Games that every agent must be able to play: all bundled ones, under each of their regimes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest

from gtalign_env.core.oracle import MOST_TYPES
from gtalign_env.core.spec import GameSpec
from gtalign_env.scenario.compile import compile_scenario
from gtalign_env.scenario.library import list_entries, scenario_root
from gtalign_env.scenario.loader import load_pricing, load_scenario

FEW_TYPES = 8


@cache
def _bundled() -> tuple[GameSpec, ...]:
    root = scenario_root()
    names = [e.name for e in list_entries("scenario") if e.path.is_relative_to(root)]
    loaded = [load_scenario(name) for name in names]
    return tuple(
        compile_scenario(scenario, start) for scenario in loaded for start, _ in scenario.schedule
    )


@cache
def _short() -> tuple[GameSpec, ...]:
    few = [spec for spec in _bundled() if len(spec.population.types(MOST_TYPES)) <= FEW_TYPES]
    return tuple(replace(s, digest=f"{s.digest}:short", max_exchanges=2) for s in few)


@cache
def _priced(pricing: str) -> GameSpec:
    return compile_scenario(load_scenario("quick_question").with_pricing(load_pricing(pricing)))


@pytest.fixture(scope="session")
def bundled() -> tuple[GameSpec, ...]:
    """Every bundled scenario, one game a regime of its schedule."""
    return _bundled()


@pytest.fixture(scope="session")
def short() -> tuple[GameSpec, ...]:
    """Those of few types, with two exchanges: for agents that solve a game before they play it."""
    return _short()


@pytest.fixture(scope="session")
def priced() -> Callable[[str], GameSpec]:
    """Return the quick question under a bundled regime."""
    return _priced
