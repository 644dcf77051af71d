"""More that can be said of a game, on demand: one plain JSON object a solution concept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from gtalign_env.errors import SolverError, suggest
from gtalign_env.games.bargaining import Agreement, kalai_smorodinsky, nash_bargaining
from gtalign_env.games.correlated import SEATS, CorrelatedEquilibrium, correlated_range
from gtalign_env.games.iterated import iterated_dominance
from gtalign_env.games.nash import Equilibria, nash_equilibria
from gtalign_env.games.normal_form import (
    Aggregator,
    NormalFormGame,
    price_of_anarchy,
    price_of_stability,
    welfare_matrix,
)
from gtalign_env.games.quantal import MOST_PRECISION, quantal_path, quantal_response
from gtalign_env.games.replies import potential, reply_graph
from gtalign_env.games.stackelberg import stackelberg
from gtalign_env.games.zero_sum import security, zero_sum_value
from gtalign_env.welfare import KINDS, Welfare, standard_welfares

DECIMALS = 12  # of a probability

QUANTAL_SHARES = (1.0, 3.0, 10.0, 30.0, 100.0)
"""Precisions at which quantal responses are shown, in units of 1 / the greater spread of payoffs."""


@dataclass(frozen=True)
class Asked:
    """A game, and what its concepts are to be measured by.

    Attributes:
        game: The game, of shape ``(m, n)``.
        equilibria: All its extreme equilibria.
        welfares: Aggregators by name.
        disagreement: What user and assistant get without agreement, points.
    """

    game: NormalFormGame
    equilibria: Equilibria
    welfares: Mapping[str, Aggregator]
    disagreement: tuple[float, float]


def solve_concepts(
    game: NormalFormGame,
    names: Iterable[str] | None = None,
    *,
    welfares: Mapping[str, Aggregator] | None = None,
    disagreement: tuple[float, float] = (0.0, 0.0),
    equilibria: Equilibria | None = None,
) -> dict[str, Any]:
    """Return what the named concepts say of a game, as plain JSON types.

    Cells are ``[user index, assistant index]``, mixtures are probabilities of all of a seat's plans,
    payoffs are in points.

    Args:
        game: Payoffs of shape ``(m, n)``, points.
        names: Of `CONCEPTS`; by default all, in that order.
        welfares: The aggregators by which correlated equilibria are best and worst; by default
            utilitarian, nash and egalitarian.
        disagreement: What user and assistant get without agreement, points.
        equilibria: The game's extreme equilibria, where they are known already.

    Raises:
        SolverError: A concept is unknown, or could not be computed.
    """
    wanted = list(CONCEPTS) if names is None else list(names)
    for name in wanted:
        if name not in CONCEPTS:
            raise SolverError(
                f"a solution concept is one of {', '.join(CONCEPTS)}; got {name!r}."
                f"{suggest(name, CONCEPTS)}"
            )
    welfares = standard_welfares(disagreement) if welfares is None else welfares
    equilibria = nash_equilibria(game) if equilibria is None else equilibria
    asked = Asked(game, equilibria, welfares, disagreement)
    return {name: CONCEPTS[name](asked) for name in wanted}


def _components(asked: Asked) -> list[dict[str, Any]]:
    return [
        {
            "equilibria": list(component.members),
            "subsets": [
                {
                    "user": _shares(subset.user),
                    "assistant": _shares(subset.assistant),
                }
                for subset in component.subsets
            ],
        }
        for component in asked.equilibria.components
    ]


def _anarchy(asked: Asked) -> dict[str, Any]:
    profiles = [found.profile for found in asked.equilibria.found]
    every: dict[str, Aggregator] = {
        kind: Welfare(kind, disagreement=asked.disagreement) for kind in KINDS
    }
    return {
        name: {
            "anarchy": price_of_anarchy(asked.game, W, profiles),
            "stability": price_of_stability(asked.game, W, profiles),
        }
        for name, W in {**every, **asked.welfares}.items()
    }


def _security(asked: Asked) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for seat in SEATS:
        secured = security(asked.game, seat)
        found[seat] = {"mixture": _shares(secured.mixture), "value": secured.value}
    try:
        found["zero_sum_value"] = zero_sum_value(asked.game).value
    except SolverError:  # the payoffs have no constant sum, so there is no such value
        found["zero_sum_value"] = None
    return found


def _dominance(asked: Asked) -> dict[str, Any]:
    kinds = {
        "strict": iterated_dominance(asked.game),
        "mixed": iterated_dominance(asked.game, mixed=True),
        "weak": iterated_dominance(asked.game, weak=True),
    }
    plans = {"user": asked.game.user_plans, "assistant": asked.game.assistant_plans}
    return {
        kind: {
            "user": [plans["user"][i] for i in left.user],
            "assistant": [plans["assistant"][j] for j in left.assistant],
            "removals": [
                {
                    "round": removal.round,
                    "seat": removal.seat,
                    "plan": plans[removal.seat][removal.plan],
                    "by": _shares(removal.by),
                }
                for removal in left.removals
            ],
        }
        for kind, left in kinds.items()
    }


def _correlated(asked: Asked) -> dict[str, Any]:
    return _mediated(asked, coarse=False)


def _coarse(asked: Asked) -> dict[str, Any]:
    return _mediated(asked, coarse=True)


def _mediated(asked: Asked, *, coarse: bool) -> dict[str, Any]:
    found = {}
    for name, W in asked.welfares.items():
        ends = correlated_range(asked.game, welfare_matrix(asked.game, W), coarse=coarse)
        found[name] = {"best": _draw(ends.best), "worst": _draw(ends.worst)}
    return found


def _draw(equilibrium: CorrelatedEquilibrium) -> dict[str, Any]:
    return {
        "distribution": _shares(equilibrium.distribution),
        "payoffs": list(equilibrium.payoffs),
        "value": equilibrium.value,
    }


def _stackelberg(asked: Asked) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for leader, follower in zip(SEATS, SEATS[::-1], strict=True):
        names = asked.game.user_plans if follower == "user" else asked.game.assistant_plans
        found[leader] = {
            kind: {
                "mixture": _shares(best.mixture),
                "reply": names[best.reply],
                "payoffs": list(best.payoffs),
            }
            for kind, best in (
                ("mixed", stackelberg(asked.game, leader)),
                ("pure", stackelberg(asked.game, leader, pure=True)),
            )
        }
    return found


def _replies(asked: Asked) -> dict[str, Any]:
    graph, guide = reply_graph(asked.game), potential(asked.game)
    return {
        "sinks": [[list(cell) for cell in sink] for sink in graph.sinks],
        "potential": None
        if guide is None
        else {"kind": guide.kind, "values": (guide.values + 0.0).tolist()},
    }


def _quantal(asked: Asked) -> dict[str, Any]:
    game = asked.game
    spread = max(float(np.ptp(game.user)), float(np.ptp(game.assistant))) or 1.0
    shown = []
    for share in QUANTAL_SHARES:
        response = quantal_response(game, share / spread)
        shown.append(
            {
                "precision": response.precision,
                "user": _shares(response.user),
                "assistant": _shares(response.assistant),
                "payoffs": list(response.payoffs),
            }
        )
    path = quantal_path(game, MOST_PRECISION / spread)
    return {
        "responses": shown,
        "limit": {
            "precision": float(path.precision[-1]),
            "user": _shares(path.user[-1]),
            "assistant": _shares(path.assistant[-1]),
        },
    }


def _bargaining(asked: Asked) -> dict[str, Any]:
    return {
        "disagreement": list(asked.disagreement),
        "nash": _agreed(nash_bargaining(asked.game, asked.disagreement)),
        "kalai_smorodinsky": _agreed(kalai_smorodinsky(asked.game, asked.disagreement)),
    }


def _agreed(agreement: Agreement | None) -> dict[str, Any] | None:
    if agreement is None:
        return None
    return {"payoffs": list(agreement.payoffs), "distribution": _shares(agreement.distribution)}


def _shares(values: ArrayLike) -> list[Any]:
    """Return probabilities of any shape as nested lists, free of the last bits of a solver."""
    shares: list[Any] = (np.round(np.asarray(values, dtype=np.float64), DECIMALS) + 0.0).tolist()
    return shares


CONCEPTS: dict[str, Callable[[Asked], Any]] = {
    "components": _components,
    "anarchy": _anarchy,
    "dominance": _dominance,
    "security": _security,
    "correlated": _correlated,
    "coarse": _coarse,
    "stackelberg": _stackelberg,
    "replies": _replies,
    "qre": _quantal,
    "bargaining": _bargaining,
}
"""Every concept by its name on the command line."""
