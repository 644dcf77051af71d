"""Where a dynamic leads, computed once for still pictures and for pages."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gtalign_env.games.dynamics import Dynamic, integrate
from gtalign_env.games.normal_form import FloatArray

ARROWS = 15  # arrows along a side of the square
PATHS = 12  # paths that are drawn
FINE = 6000  # moments of a path, so that turns are round
SIMPLEX = "shares of the three plans in one population; a corner is a single plan"
CORNERS = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, np.sqrt(0.75)]])
"""Where the three plans of a population stand in its simplex."""


class Flow(NamedTuple):
    """Where a dynamic leads, in the plane.

    Attributes:
        places: Where arrows stand, shape ``(k, 2)``.
        arrows: Their directions, of length 1, shape ``(k, 2)``.
        paths: Paths from random starts, each of shape ``(T, 2)``.
    """

    places: FloatArray
    arrows: FloatArray
    paths: list[FloatArray]


def is_flat(dynamic: Dynamic) -> bool:
    """Return whether a dynamic fits into a plane: a 2×2 game, or one population of three plans."""
    if dynamic.one_population:
        return dynamic.size == 3
    return dynamic.game.shape == (2, 2)


def flow_of(dynamic: Dynamic, rng: np.random.Generator, horizon: float | None) -> Flow:
    """Return the arrows and paths of a dynamic that fits into a plane.

    Args:
        dynamic: The dynamic.
        rng: Draws the starts of the paths.
        horizon: Time to follow the paths, see `integrate`.
    """
    if dynamic.one_population:
        steps = ARROWS + 3
        corners = [(a, b, steps - a - b) for a in range(1, steps) for b in range(1, steps - a)]
        states = np.array(corners, dtype=np.float64) / steps
        starts = rng.dirichlet(np.ones(3), PATHS)
    else:
        side = np.linspace(0.03, 0.97, ARROWS)
        X, Y = (grid.ravel() for grid in np.meshgrid(side, side))
        states = np.stack([X, 1 - X, Y, 1 - Y], axis=1)
        drawn = rng.uniform(0.02, 0.98, (PATHS, 2))
        starts = np.stack([drawn[:, 0], 1 - drawn[:, 0], drawn[:, 1], 1 - drawn[:, 1]], axis=1)
    speed = in_plane(dynamic, dynamic.velocity(states))
    length = np.hypot(*speed.T)
    moving = length > 1e-9 * max(float(length.max()), 1e-300)  # where nothing moves is no arrow
    paths = integrate(dynamic, starts, horizon, points=FINE).states
    return Flow(
        in_plane(dynamic, states)[moving],
        speed[moving] / length[moving, None],
        [in_plane(dynamic, path) for path in paths],
    )


def in_plane(dynamic: Dynamic, states: FloatArray) -> FloatArray:
    """Return where states stand in the square or the simplex, shape ``(..., 2)``."""
    flat: FloatArray = states @ CORNERS if dynamic.one_population else states[..., [0, 2]]
    return flat


def axes_of(dynamic: Dynamic) -> tuple[str, str]:
    """Return what the two axes of a 2×2 game's square show."""
    game = dynamic.game
    return (
        f"share of {game.user_plans[0]} among users (the rest: {game.user_plans[1]})",
        f"share of {game.assistant_plans[0]} among assistants (the rest: {game.assistant_plans[1]})",
    )


class Shares(NamedTuple):
    """How often each plan of one population is played, over time.

    Attributes:
        seat: ``users`` or ``assistants``.
        plans: Names of the plans.
        times: Shape ``(T,)``.
        shares: Shape ``(T, plans)``.
    """

    seat: str
    plans: tuple[str, ...]
    times: FloatArray
    shares: FloatArray


def shares_of(dynamic: Dynamic, horizon: float | None) -> list[Shares]:
    """Return the shares of every plan over time from an even start, population by population.

    Args:
        dynamic: The dynamic.
        horizon: Time to follow it, see `integrate`.
    """
    m, n = dynamic.game.shape
    sizes = (m,) if dynamic.one_population else (m, n)
    start = np.concatenate([np.full(size, 1.0 / size) for size in sizes])
    found = integrate(dynamic, start[None], horizon, points=600)
    names = (dynamic.game.user_plans, dynamic.game.assistant_plans)
    parts = np.split(found.states[0], np.cumsum(sizes)[:-1], axis=1)
    return [
        Shares(seat, plans, found.times, part)
        for seat, plans, part in zip(("users", "assistants"), names, parts, strict=False)
    ]


def time_of(dynamic: Dynamic) -> str:
    """Return what the axis of time shows."""
    unit = "1 / points" if dynamic.kind == "replicator" else "revisions of an individual"
    return f"time ({unit})"


NAMES = {"fictitious": "fictitious play", "q_learning": "Q-learning", "reinforce": "REINFORCE"}
"""What a kind is called where its name without underscores would not do."""


def title_of(kind: str, name: str) -> str:
    """Return a heading such as ``Fictitious play: chicken``.

    Args:
        kind: What goes on, as `gtalign dynamics` calls it.
        name: Of the game; may be empty.
    """
    words = NAMES.get(kind, kind).replace("_", " ")
    words = words[0].upper() + words[1:]
    return f"{words}: {name}" if name else words
