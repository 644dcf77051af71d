"""What the best assistant would get in a cell, exactly, and what it would do first."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple, get_args

from gtalign_agents.backends.named import is_model
from gtalign_agents.dialogue.replayed import is_replayed
from gtalign_env.core.best_response import AssistantResponse, best_assistant_response
from gtalign_env.core.exact import normal_form
from gtalign_env.core.moves import STYLES
from gtalign_env.core.oracle import MOST_EXCHANGES, Value
from gtalign_env.core.play_out import times, total
from gtalign_env.core.spec import GameSpec
from gtalign_env.envs.table import Table
from gtalign_env.errors import SolverError
from gtalign_env.games.nash import nash_equilibria
from gtalign_env.games.normal_form import price_of_anarchy, price_of_stability
from gtalign_training.grid.cells import Cell
from gtalign_training.runs.seats import user_mix_of

When = Literal["auto", "always", "never"]
WHEN = get_args(When)
MOST_TYPES = 8
"""Types per persona that stand in for a continuous distribution."""
CHEAP_TYPES = 8
"""Types in all up to which the optimum is solved for unasked: beyond, it may take minutes."""

Context = tuple[str, str, str]
"""Regime, style of the user, opening."""


class Optimum(NamedTuple):
    """The Bayes optimum of a cell against its user, or why there is none.

    Attributes:
        value: Expected welfares of the assistant that maximises the mean of W; None if not solved.
        exact: Whether nothing was approximated.
        first_moves: Its first move, with how often the context is met, by context.
        why_not: Why it was not solved; empty if it was.
        prices: Prices of anarchy and of stability of the cell's plans, by name; None for a price
            that is not defined. Empty where it was not solved.
    """

    value: Value | None
    exact: bool
    first_moves: dict[Context, tuple[str, float]]
    why_not: str = ""
    prices: Mapping[str, float | None] = MappingProxyType({})


def optimum_of(cell: Cell, episodes: int, when: When = "auto", types: int = MOST_TYPES) -> Optimum:
    """Return the most that an assistant can get in a cell, not knowing who asks.

    It is the best response to the cell's user for the mean of W; against the default user this is
    the Bayes oracle. Where regimes change by a schedule or a surge, each counts as often as it is
    played.

    Args:
        cell: The cell.
        episodes: Conversations played in it.
        when: ``auto`` solves what takes seconds, ``always`` all that can be solved.
        types: Types per persona that stand in for a continuous distribution.
    """
    if when == "never":
        return _unsolved("not asked for")
    if is_model(cell.user):
        return _unsolved("the user is a language model")
    if is_replayed(cell.user):
        return _unsolved("the user is a record")
    table = Table(cell.game)
    games: dict[int, tuple[GameSpec, int]] = {}
    for episode in range(episodes):
        spec = table.spec(episode)
        games[id(spec)] = (spec, games.get(id(spec), (spec, 0))[1] + 1)
    first = next(iter(games.values()))[0]
    if first.max_exchanges > MOST_EXCHANGES:
        return _unsolved(f"conversations of up to {first.max_exchanges} exchanges")
    met = len(first.population.types(types))
    if when == "auto" and met > CHEAP_TYPES:
        return _unsolved(f"{met} types of users; --optimum always solves it")
    values: list[Value] = []
    moves: dict[Context, dict[str, float]] = {}
    exact = True
    for spec, count in games.values():
        try:
            best = best_assistant_response(spec, user_mix_of(cell.user), "joint", types)
        except SolverError as error:
            return _unsolved(str(error))
        weight = count / episodes
        values.append(times(weight, best.value))
        exact &= best.exact
        for context, move, reach in _first_moves(spec, best):
            shares = moves.setdefault(context, {})
            shares[move] = shares.get(move, 0.0) + weight * reach
    prices = _prices(first, types) if len(games) == 1 else {}
    likeliest = {c: (max(sorted(m), key=m.__getitem__), sum(m.values())) for c, m in moves.items()}
    return Optimum(total(values), exact, likeliest, prices=prices)


def _prices(spec: GameSpec, types: int) -> dict[str, float | None]:
    """Return what equilibria of the plans cost against the best pair of plans, by the scenario's W."""
    game = normal_form(spec, types).game
    profiles = [found.profile for found in nash_equilibria(game).found]
    return {
        "anarchy": price_of_anarchy(game, spec.welfare, profiles),
        "stability": price_of_stability(game, spec.welfare, profiles),
    }


def _first_moves(spec: GameSpec, best: AssistantResponse) -> list[tuple[Context, str, float]]:
    return [
        (
            (spec.regime.name, STYLES[known.history.style], known.history.user_moves[0].label),
            decision.move.label,
            decision.probability,
        )
        for known, decision in best.decisions.items()
        if not known.history.assistant_moves
    ]


def _unsolved(why: str) -> Optimum:
    return Optimum(None, False, {}, why)
