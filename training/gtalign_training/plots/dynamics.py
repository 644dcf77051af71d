"""Pictures of evolution and learning: fields of a dynamic, shares over time, learning curves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gtalign_env.games.dynamics import Dynamic
from gtalign_env.games.dynamics_rest import RestPoint
from gtalign_env.games.normal_form import FloatArray
from gtalign_training.plots.dynamics_pages import (
    page_of_dynamic,
    page_of_learning,
    page_of_shares,
)
from gtalign_training.plots.flow import (
    CORNERS,
    SIMPLEX,
    Flow,
    axes_of,
    flow_of,
    in_plane,
    is_flat,
    shares_of,
    time_of,
    title_of,
)
from gtalign_training.plots.look import FAINT, INK, PALETTE, SERIES, head, picture, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from gtalign_training.repeated.learning import LearningRun

DASHES = ("-", "--", ":")
POINT_LOOK = {
    "stable": ("o", INK, "stable rest point"),
    "unstable": ("o", "white", "unstable rest point"),
    "undecided": ("s", FAINT, "rest point, linearly undecided"),
}


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
        out: The PNG, SVG or HTML file.
        rng: Draws the starts of the paths.
        points: Rest points to mark.
        horizon: Time to follow the paths, see `integrate`.

    Raises:
        MissingExtraError: Matplotlib is not installed.
    """
    if out.suffix.lower() == ".html":
        return page_of_dynamic(dynamic, out, rng, points, horizon)
    with picture(5.8) as figure:
        if is_flat(dynamic):
            _draw_flow(figure, dynamic, flow_of(dynamic, rng, horizon), points)
        else:
            _shares(figure, dynamic, horizon)
        return save(figure, out)


def _draw_flow(figure: Figure, dynamic: Dynamic, flow: Flow, points: Sequence[RestPoint]) -> None:
    axes = figure.subplots()
    axes.quiver(
        *flow.places.T,
        *flow.arrows.T,
        color="#b0b0b0",
        pivot="mid",
        scale=34,
        width=0.0024,
        zorder=1,
    )
    for path in flow.paths:
        axes.plot(*path.T, color=PALETTE[1], linewidth=1.1, alpha=0.7)
    _mark(axes, [(point, *in_plane(dynamic, point.state)) for point in points])
    if dynamic.one_population:
        axes.plot(*np.vstack([CORNERS, CORNERS[:1]]).T, color=INK, linewidth=1.2)
        spots = (
            (-0.02, -0.04, "right"),
            (1.02, -0.04, "left"),
            (0.5, CORNERS[2, 1] + 0.04, "center"),
        )
        for name, (x, y, align) in zip(dynamic.game.user_plans, spots, strict=True):
            axes.text(x, y, name, ha=align, va="center", fontweight="bold")
        axes.set_axis_off()
        axes.set_title(SIMPLEX)
        axes.margins(x=0.16, y=0.08)
    else:
        across, up = axes_of(dynamic)
        axes.set_xlabel(across)
        axes.set_ylabel(up)
        axes.set_xlim(-0.03, 1.03)
        axes.set_ylim(-0.03, 1.03)
    axes.set_aspect("equal")
    axes.plot([], [], color=PALETTE[1], linewidth=1.1, label="path from a random start")
    head(figure, title_of(dynamic.kind, dynamic.game.name), 4, axes.get_legend_handles_labels()[0])


def _shares(figure: Figure, dynamic: Dynamic, horizon: float | None) -> None:
    """Draw the shares of every plan over time, one panel a population."""
    found = shares_of(dynamic, horizon)
    panels = figure.subplots(len(found), 1, sharex=True, squeeze=False)[:, 0]
    for panel, own in zip(panels, found, strict=True):
        _lines(panel, own.times, own.shares, own.plans)
        panel.set_ylabel(f"share among {own.seat}")
    panels[0].set_title(title_of(dynamic.kind, dynamic.game.name))
    panels[-1].set_xlabel(time_of(dynamic))


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
        out: The PNG, SVG or HTML file.
        title: What stands above it.

    Raises:
        MissingExtraError: Matplotlib is not installed.
    """
    if out.suffix.lower() == ".html":
        return page_of_shares(user, assistant, names, out, title)
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
        out: The PNG, SVG or HTML file.
        title: What stands above it.

    Raises:
        MissingExtraError: Matplotlib is not installed.
    """
    if out.suffix.lower() == ".html":
        return page_of_learning(run, out, title)
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
