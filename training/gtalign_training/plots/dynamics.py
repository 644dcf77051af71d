"""Pictures of evolution and learning: fields of a dynamic, shares over time, learning curves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gtalign_env.games.dynamics import Dynamic, integrate
from gtalign_env.games.dynamics_rest import RestPoint
from gtalign_env.games.normal_form import FloatArray
from gtalign_training.plots.look import FAINT, INK, SERIES, head, picture, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from gtalign_training.repeated_learning import LearningRun

ARROWS = 15  # arrows along a side of the square
PATHS = 12  # paths that are drawn
FINE = 6000  # moments of a path, so that turns are round
PALETTE = ("#000000", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
DASHES = ("-", "--", ":")
POINT_LOOK = {
    "stable": ("o", INK, "stable rest point"),
    "unstable": ("o", "white", "unstable rest point"),
    "undecided": ("s", FAINT, "rest point, linearly undecided"),
}
CORNERS = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, np.sqrt(0.75)]])
"""Where the three plans of a population stand in its simplex."""


def dynamic_picture(
    dynamic: Dynamic,
    out: Path,
    rng: np.random.Generator,
    *,
    points: Sequence[RestPoint] = (),
    horizon: float | None = None,
) -> Path:
    """Draw a dynamic; return ``out``.

    Two populations of a 2×2 game are a square with arrows and paths, one population of three plans
    is a simplex; anything else is drawn as shares over time from one even start.

    Args:
        dynamic: The dynamic.
        out: The PNG to write.
        rng: Draws the starts of the paths.
        points: Rest points to mark.
        horizon: Time to follow the paths, see `integrate`.

    Raises:
        MissingExtraError: Matplotlib is not installed.
    """
    with picture(5.8) as figure:
        if not dynamic.one_population and dynamic.game.shape == (2, 2):
            _square(figure, dynamic, rng, points, horizon)
        elif dynamic.one_population and dynamic.size == 3:
            _simplex(figure, dynamic, rng, points, horizon)
        else:
            _shares(figure, dynamic, horizon)
        return save(figure, out)


def _square(
    figure: Figure,
    dynamic: Dynamic,
    rng: np.random.Generator,
    points: Sequence[RestPoint],
    horizon: float | None,
) -> None:
    axes = figure.subplots()
    side = np.linspace(0.03, 0.97, ARROWS)
    X, Y = (grid.ravel() for grid in np.meshgrid(side, side))
    states = np.stack([X, 1 - X, Y, 1 - Y], axis=1)
    speed = dynamic.velocity(states)
    _arrows(axes, X, Y, speed[:, 0], speed[:, 2])
    starts = rng.uniform(0.02, 0.98, (PATHS, 2))
    whole = np.stack([starts[:, 0], 1 - starts[:, 0], starts[:, 1], 1 - starts[:, 1]], axis=1)
    for path in integrate(dynamic, whole, horizon, points=FINE).states:
        axes.plot(path[:, 0], path[:, 2], color=PALETTE[1], linewidth=1.1, alpha=0.7)
    _mark(axes, [(point, point.state[0], point.state[2]) for point in points])
    game = dynamic.game
    axes.set_xlabel(f"share of {game.user_plans[0]} among users (the rest: {game.user_plans[1]})")
    axes.set_ylabel(
        f"share of {game.assistant_plans[0]} among assistants (the rest: {game.assistant_plans[1]})"
    )
    axes.set_xlim(-0.03, 1.03)
    axes.set_ylim(-0.03, 1.03)
    axes.set_aspect("equal")
    _head(figure, axes, dynamic)


def _simplex(
    figure: Figure,
    dynamic: Dynamic,
    rng: np.random.Generator,
    points: Sequence[RestPoint],
    horizon: float | None,
) -> None:
    axes = figure.subplots()
    steps = ARROWS + 3
    grid = (
        np.array(
            [(a, b, steps - a - b) for a in range(1, steps) for b in range(1, steps - a)],
            dtype=np.float64,
        )
        / steps
    )
    speed = dynamic.velocity(grid) @ CORNERS
    _arrows(axes, *(grid @ CORNERS).T, *speed.T)
    starts = rng.dirichlet(np.ones(3), PATHS)
    for path in integrate(dynamic, starts, horizon, points=FINE).states:
        axes.plot(*(path @ CORNERS).T, color=PALETTE[1], linewidth=1.1, alpha=0.7)
    axes.plot(*np.vstack([CORNERS, CORNERS[:1]]).T, color=INK, linewidth=1.2)
    _mark(axes, [(point, *(point.state @ CORNERS)) for point in points])
    places = ((-0.02, -0.04, "right"), (1.02, -0.04, "left"), (0.5, CORNERS[2, 1] + 0.04, "center"))
    for name, (x, y, align) in zip(dynamic.game.user_plans, places, strict=True):
        axes.text(x, y, name, ha=align, va="center", fontweight="bold")
    axes.set_aspect("equal")
    axes.set_axis_off()
    axes.set_title("shares of the three plans in one population; a corner is a single plan")
    axes.margins(x=0.16, y=0.08)
    _head(figure, axes, dynamic)


def _shares(figure: Figure, dynamic: Dynamic, horizon: float | None) -> None:
    """Draw the shares of every plan over time from an even start, one panel a population."""
    m, n = dynamic.game.shape
    sizes = (m,) if dynamic.one_population else (m, n)
    start = np.concatenate([np.full(size, 1.0 / size) for size in sizes])
    found = integrate(dynamic, start[None], horizon, points=600)
    panels = figure.subplots(len(sizes), 1, sharex=True, squeeze=False)[:, 0]
    names = (dynamic.game.user_plans, dynamic.game.assistant_plans)
    at = 0
    for panel, size, plans, seat in zip(
        panels, sizes, names, ("users", "assistants"), strict=False
    ):
        _lines(panel, found.times, found.states[0][:, at : at + size], plans)
        panel.set_ylabel(f"share among {seat}")
        at += size
    panels[0].set_title(title_of(dynamic.kind, dynamic.game.name))
    unit = "1 / points" if dynamic.kind == "replicator" else "revisions of an individual"
    panels[-1].set_xlabel(f"time ({unit})")


def _lines(panel: Axes, times: FloatArray, shares: FloatArray, plans: Sequence[str]) -> None:
    for k, (share, plan) in enumerate(zip(shares.T, plans, strict=True)):
        dashes = DASHES[k // len(PALETTE) % len(DASHES)]
        panel.plot(times, share, dashes, color=PALETTE[k % len(PALETTE)], label=plan)
    panel.set_ylim(-0.02, 1.02)
    panel.margins(x=0.01)
    panel.grid(axis="y")
    panel.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))


def shares_picture(
    user: FloatArray,
    assistant: FloatArray,
    names: tuple[Sequence[str], Sequence[str]],
    out: Path,
    title: str,
) -> Path:
    """Draw how often each plan has been played so far, by round; return ``out``.

    Args:
        user: Shares of the user's plans, shape ``(T, m)``.
        assistant: Shares of the assistant's plans, shape ``(T, n)``.
        names: The plans of user and assistant.
        out: The PNG to write.
        title: What stands above it.

    Raises:
        MissingExtraError: Matplotlib is not installed.
    """
    with picture(5.8) as figure:
        panels = figure.subplots(2, 1, sharex=True)
        rounds = np.arange(1, len(user) + 1, dtype=np.float64)
        for panel, shares, plans, seat in zip(
            panels, (user, assistant), names, ("user", "assistant"), strict=True
        ):
            _lines(panel, rounds, shares, plans)
            panel.set_ylabel(f"{seat}: share so far")
        panels[0].set_title(title)
        panels[0].set_xscale("log")
        panels[-1].xaxis.set_major_formatter("{x:,.0f}")
        panels[-1].set_xlabel("round")
        return save(figure, out)


def learning_picture(run: LearningRun, out: Path, title: str) -> Path:
    """Draw what two learners earned and how often they cooperated; return ``out``.

    Args:
        run: How they went along.
        out: The PNG to write.
        title: What stands above it.

    Raises:
        MissingExtraError: Matplotlib is not installed.
    """
    known = not np.isnan(run.cooperation).any()
    with picture(5.8 if known else 4.0) as figure:
        panels = figure.subplots(2 if known else 1, 1, sharex=True, squeeze=False)[:, 0]
        curves = [(panels[0], run.payoffs, "mean payoff (points)")]
        if known:
            curves.append((panels[1], run.cooperation, "share of cooperation"))
        for panel, values, what in curves:
            for seat, series in enumerate(SERIES[1:]):
                name = ("user", "assistant")[seat]
                dashes = ("-", "--")[seat]  # the curves often lie on each other
                panel.plot(run.rounds, values[:, seat], dashes, color=series.colour, label=name)
            panel.set_ylabel(what)
            panel.grid(axis="y")
            panel.margins(x=0.01)
        if known:
            panels[1].set_ylim(-0.03, 1.03)
        panels[-1].set_xlabel("round")
        panels[-1].xaxis.set_major_formatter("{x:,.0f}")
        head(figure, title, 2, panels[0].get_legend_handles_labels()[0])
        return save(figure, out)


def _arrows(axes: Axes, x: FloatArray, y: FloatArray, dx: FloatArray, dy: FloatArray) -> None:
    """Draw directions as arrows of one length; where nothing moves there is none."""
    length = np.hypot(dx, dy)
    moving = length > 1e-9 * max(float(length.max()), 1e-300)
    unit = np.stack([dx, dy])[:, moving] / length[moving]
    axes.quiver(
        x[moving], y[moving], *unit, color="#b0b0b0", pivot="mid", scale=34, width=0.0024, zorder=1
    )


def _mark(axes: Axes, places: Sequence[tuple[RestPoint, float, float]]) -> None:
    for kind, (marker, fill, name) in POINT_LOOK.items():
        spots = [(x, y) for point, x, y in places if point.stability == kind]
        if spots:
            axes.plot(
                *np.array(spots).T,
                marker,
                color=INK,
                markerfacecolor=fill,
                markersize=9,
                label=name,
                clip_on=False,
                zorder=5,
            )


def _head(figure: Figure, axes: Axes, dynamic: Dynamic) -> None:
    axes.plot([], [], color=PALETTE[1], linewidth=1.1, label="path from a random start")
    head(figure, title_of(dynamic.kind, dynamic.game.name), 4, axes.get_legend_handles_labels()[0])


def title_of(kind: str, name: str) -> str:
    """Return a heading such as ``Fictitious play: chicken``.

    Args:
        kind: What goes on, in words with underscores between them.
        name: Of the game; may be empty.
    """
    words = kind.replace("_", " ").capitalize()
    return f"{words}: {name}" if name else words
