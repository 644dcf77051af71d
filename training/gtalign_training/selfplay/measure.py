"""How far a pair of policies is from an equilibrium of the game that they learn, exactly.

The user is rewarded with its own U. The assistant is rewarded as the recipe says: with its own L,
with the scenario's W, or with another aggregate of both; what it could gain is counted in that.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from gtalign_env.core.best_response import (
    Objective,
    best_assistant_response,
    best_user_response,
)
from gtalign_env.core.mixed import AssistantMix, UserMix
from gtalign_env.core.oracle import Value
from gtalign_env.core.play_out import evaluate_profile, opened, start, user_view
from gtalign_env.core.spec import GameSpec
from gtalign_env.core.views import InformationSet, assistant_view
from gtalign_training.game import reward_welfare
from gtalign_training.recipe import Recipe

Pair = tuple[UserMix, AssistantMix]
"""Both policies, as probabilities of moves."""


class Measured(NamedTuple):
    """A pair of policies under one regime, in exact expectations.

    Attributes:
        value: U, L and the scenario's W, points.
        user_gain: What the user could gain by its best response, points of U.
        assistant_gain: What the assistant could, in points of what it is rewarded with.
        openings: Share of each of the user's first moves.
        first_moves: Share of each of the assistant's, openings weighted as they are met.
    """

    value: Value
    user_gain: float
    assistant_gain: float
    openings: dict[str, float]
    first_moves: dict[str, float]

    @property
    def nash_conv(self) -> float:
        """Sum of both gains, points; 0 at an equilibrium of the game that is learnt."""
        return self.user_gain + self.assistant_gain


def learnt_game(recipe: Recipe, spec: GameSpec) -> tuple[GameSpec, Objective]:
    """Return the game with the assistant's reward as its W, and what the assistant maximises there.

    Args:
        recipe: The recipe.
        spec: The game as its scenario has it.
    """
    if recipe.reward == "assistant_only":
        return spec, "own"
    return replace(spec, welfare=reward_welfare(recipe, spec)), "joint"


def measure(recipe: Recipe, spec: GameSpec, pair: Pair) -> Measured:
    """Return what a pair is worth, and what either seat could gain.

    Args:
        recipe: Says what the assistant is rewarded with.
        spec: The game.
        pair: The policies.
    """
    user, assistant = pair
    types = recipe.selfplay.types
    game, objective = learnt_game(recipe, spec)
    value = evaluate_profile(spec, user, assistant, types)
    now = evaluate_profile(game, user, assistant, types)
    user_best = best_user_response(game, assistant, "own", types).value
    assistant_best = best_assistant_response(game, user, objective, types).value
    gain = (
        assistant_best.assistant - now.assistant
        if objective == "own"
        else assistant_best.welfare - now.welfare
    )
    return Measured(
        value,
        max(0.0, user_best.user - now.user),  # rounding may leave a little less than nothing
        max(0.0, gain),
        _openings(spec, user, types),
        _first_moves(spec, pair, types),
    )


def _openings(spec: GameSpec, user: UserMix, types: int) -> dict[str, float]:
    return _shares(
        (weight * share, move.label)
        for weight, who in spec.population.types(types)
        for share, move in user(
            user_view(spec, InformationSet(who.style, (), (), False), start(who))
        )
    )


def _first_moves(spec: GameSpec, pair: Pair, types: int) -> dict[str, float]:
    user, assistant = pair
    _, places = opened(spec, user, types)
    return _shares(
        (sum(p.probability for p in particles) * share, move.label)
        for known, particles in places.items()
        for share, move in assistant(assistant_view(spec, known.history, particles[0].state))
    )


def _shares(weighted: Iterable[tuple[float, str]]) -> dict[str, float]:
    found: dict[str, list[float]] = {}
    for weight, label in weighted:
        found.setdefault(label, []).append(weight)
    return {label: math.fsum(weights) for label, weights in sorted(found.items())}
