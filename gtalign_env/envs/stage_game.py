"""From a name, file, mapping or object to the matrix that a repeated game repeats."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from gtalign_env.core.exact import normal_form
from gtalign_env.errors import ScenarioError, suggest
from gtalign_env.games.normal_form import NormalFormGame
from gtalign_env.scenario.compile import compile_scenario
from gtalign_env.scenario.library import list_entries, where_to_look
from gtalign_env.scenario.loader import (
    Scenario,
    load_game,
    load_pricing,
    load_scenario,
    validate_file,
)

GameLike = str | Mapping[str, Any] | NormalFormGame | Scenario
"""What stands for a game; all but the last two are plain JSON."""


def stage_game(game: GameLike, pricing: str | None = None) -> NormalFormGame:
    """Return the game that stands behind a name, file, mapping or object.

    Args:
        game: Name or file of a matrix game or scenario (a scenario wins where both have the name),
            a mapping with ``user`` and ``assistant`` (matrices, points) and optionally
            ``user_plans``, ``assistant_plans`` and ``name``, a loaded scenario, or a game. A
            scenario stands for its exact normal form.
        pricing: A regime to play a scenario under, by name or file.

    Raises:
        ScenarioError: It is unknown or invalid, or a regime is given for a matrix game.
    """
    if isinstance(game, str):
        if _is_scenario(game):
            return stage_game(load_scenario(game), pricing)
        authored = load_game(game)
        game = NormalFormGame(
            np.array(authored.payoffs.user),
            np.array(authored.payoffs.assistant),
            authored.user_plans,
            authored.assistant_plans,
            authored.name,
        )
    if isinstance(game, Scenario):
        priced = game if pricing is None else game.with_pricing(load_pricing(pricing))
        return normal_form(compile_scenario(priced)).game
    if pricing is not None:
        raise ScenarioError(
            "a matrix game's payoffs are given; leave out pricing, or name a scenario"
        )
    if isinstance(game, NormalFormGame):
        return game
    known = {"user", "assistant", "user_plans", "assistant_plans", "name"}
    if not isinstance(game, Mapping) or not {"user", "assistant"} <= set(game) <= known:
        raise ScenarioError(
            "a game is a name, a file, a NormalFormGame, a scenario, or a mapping with user and "
            f"assistant (matrices), optionally user_plans, assistant_plans, name; got {game!r}"
        )
    try:
        return NormalFormGame(**game)
    except ValueError as error:
        raise ScenarioError(str(error)) from error


def _is_scenario(name: str) -> bool:
    if name.endswith((".yaml", ".yml")) or os.sep in name or "/" in name:
        kind, _ = validate_file(name)
        if kind not in ("scenario", "game"):
            raise ScenarioError(f"{name}: must be a scenario or a matrix game; it is a {kind} file")
        return kind == "scenario"
    names = {kind: {entry.name for entry in list_entries(kind)} for kind in ("scenario", "game")}
    if not any(name in known for known in names.values()):
        hint = suggest(name, sorted(set().union(*names.values()))) + where_to_look()
        raise ScenarioError(f"no scenario or matrix game is named {name!r}.{hint}")
    return name in names["scenario"]
