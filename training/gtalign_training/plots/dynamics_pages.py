"""Evolution and learning as pages of HTML: hover for numbers, zoom; complete in one file, offline."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gtalign_env.games.dynamics import Dynamic
from gtalign_env.games.dynamics_rest import RestPoint
from gtalign_env.games.normal_form import FloatArray
from gtalign_training.plots.flow import (
    CORNERS,
    SIMPLEX,
    axes_of,
    flow_of,
    in_plane,
    is_flat,
    shares_of,
    time_of,
    title_of,
)
from gtalign_training.plots.look import PALETTE, SERIES
from gtalign_training.plots.studies.interactive import plotly_of, write_page

if TYPE_CHECKING:
    from gtalign_training.repeated.learning import LearningRun

ARROW = 0.035  # length, in shares
FILLS = {"stable": "#222222", "unstable": "#ffffff", "undecided": "#8a8a8a"}


def page_of_dynamic(
    dynamic: Dynamic,
    out: Path,
    rng: np.random.Generator,
    points: Sequence[RestPoint],
    horizon: float | None,
) -> Path:
    """Write a dynamic as a page; return ``out``.

    Args:
        dynamic: The dynamic.
        out: The HTML file.
        rng: Draws the starts of the paths.
        points: Rest points to mark.
        horizon: Time to follow the paths, see `gtalign_env.games.dynamics.integrate`.

    Raises:
        MissingExtraError: Plotly is not installed.
    """
    title = title_of(dynamic.kind, dynamic.game.name)
    if not is_flat(dynamic):
        found = shares_of(dynamic, horizon)
        panels = [(f"share among {own.seat}", own.plans, own.times, own.shares) for own in found]
        return _curves(panels, time_of(dynamic), out, title)
    go, _ = plotly_of()
    flow = flow_of(dynamic, rng, horizon)
    figure = go.Figure()
    tips, tails = flow.places + ARROW / 2 * flow.arrows, flow.places - ARROW / 2 * flow.arrows
    gaps = np.full_like(tips, np.nan)
    ends = np.stack([tails, tips, gaps], axis=1).reshape(-1, 2)
    still = {"hoverinfo": "skip", "line": {"color": "#b0b0b0", "width": 1}}
    figure.add_scatter(x=ends[:, 0], y=ends[:, 1], mode="lines", name="direction", **still)
    angles = np.degrees(np.arctan2(flow.arrows[:, 0], flow.arrows[:, 1]))
    figure.add_scatter(
        x=tips[:, 0],
        y=tips[:, 1],
        mode="markers",
        marker={"symbol": "triangle-up", "size": 5, "angle": angles, "color": "#b0b0b0"},
        hoverinfo="skip",
        showlegend=False,
    )
    for k, path in enumerate(flow.paths):
        figure.add_scatter(
            x=path[:, 0],
            y=path[:, 1],
            mode="lines",
            line={"color": PALETTE[1], "width": 1.5},
            name="path from a random start",
            showlegend=k == 0,
        )
    for kind, fill in FILLS.items():
        spots = [in_plane(dynamic, point.state) for point in points if point.stability == kind]
        if spots:
            figure.add_scatter(
                x=[spot[0] for spot in spots],
                y=[spot[1] for spot in spots],
                mode="markers",
                marker={"size": 13, "color": fill, "line": {"color": "#222222", "width": 1.5}},
                name=f"rest point, {kind}",
            )
    note = _frame(figure, dynamic)
    return write_page(figure, title, out, 900, note)


def _frame(figure: Any, dynamic: Dynamic) -> str:
    """Put axes or the simplex around a flow, and return what to say below."""
    figure.update_yaxes(scaleanchor="x", scaleratio=1)
    if not dynamic.one_population:
        across, up = axes_of(dynamic)
        figure.update_xaxes(title_text=escape(across), range=[-0.03, 1.03])
        figure.update_yaxes(title_text=escape(up), range=[-0.03, 1.03])
        return ""
    edge = np.vstack([CORNERS, CORNERS[:1]])
    figure.add_scatter(
        x=edge[:, 0],
        y=edge[:, 1],
        mode="lines",
        line={"color": "#222222", "width": 1.5},
        showlegend=False,
        hoverinfo="skip",
    )
    for name, (x, y), anchor in zip(
        dynamic.game.user_plans, CORNERS, ("top right", "top left", "bottom center"), strict=True
    ):
        place = {"top right": -1, "top left": 1, "bottom center": 0}[anchor]
        figure.add_annotation(
            x=x,
            y=y,
            text=f"<b>{escape(name)}</b>",
            showarrow=False,
            xshift=34 * place,
            yshift=18 if place == 0 else -14,
        )
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    return SIMPLEX


def page_of_shares(
    user: FloatArray,
    assistant: FloatArray,
    names: tuple[Sequence[str], Sequence[str]],
    out: Path,
    title: str,
) -> Path:
    """Write how often each plan has been played so far, by round; return ``out``.

    Args:
        user: Shares of the user's plans, shape ``(T, m)``.
        assistant: Shares of the assistant's plans, shape ``(T, n)``.
        names: The plans of user and assistant.
        out: The HTML file.
        title: What stands above it.

    Raises:
        MissingExtraError: Plotly is not installed.
    """
    # rounds are drawn on a logarithmic axis: as many points suffice as it has pixels
    kept = np.unique(np.geomspace(1, len(user), 1200).astype(np.int64)) - 1
    panels = [
        (f"{seat}: share so far", plans, np.asarray(kept + 1, dtype=np.float64), shares[kept])
        for seat, plans, shares in zip(("user", "assistant"), names, (user, assistant), strict=True)
    ]
    return _curves(panels, "round", out, title, log=True)


def page_of_learning(run: LearningRun, out: Path, title: str) -> Path:
    """Write what two learners earned and how often they cooperated; return ``out``.

    Args:
        run: How they went along.
        out: The HTML file.
        title: What stands above it.

    Raises:
        MissingExtraError: Plotly is not installed.
    """
    seats = ("user", "assistant")
    rounds = np.asarray(run.rounds, dtype=np.float64)
    panels = [("mean payoff (points)", seats, rounds, run.payoffs)]
    if not np.isnan(run.cooperation).any():
        panels.append(("share of cooperation", seats, rounds, run.cooperation))
    colours = tuple(series.colour for series in SERIES[1:])
    return _curves(panels, "round", out, title, colours=colours)


def _curves(
    panels: Sequence[tuple[str, Sequence[str], FloatArray, FloatArray]],
    across: str,
    out: Path,
    title: str,
    *,
    log: bool = False,
    colours: tuple[str, ...] = PALETTE,
) -> Path:
    """Write curves below each other; each panel is its axis, names, moments and values."""
    go, subplots = plotly_of()
    figure = subplots.make_subplots(rows=len(panels), cols=1, shared_xaxes=True)
    seen: set[str] = set()
    for row, (up, names, moments, values) in enumerate(panels, start=1):
        for k, name in enumerate(names):
            line = {"color": colours[k % len(colours)], "dash": ("solid", "dash")[k % 2]}
            figure.add_trace(
                go.Scatter(
                    x=moments,
                    y=values[:, k],
                    mode="lines",
                    line=line,
                    name=escape(name),
                    legendgroup=name,
                    showlegend=name not in seen,
                ),
                row=row,
                col=1,
            )
            seen.add(name)
        figure.update_yaxes(title_text=escape(up), row=row, col=1)
    figure.update_xaxes(type="log" if log else "linear")
    figure.update_xaxes(title_text=escape(across), row=len(panels), col=1)
    return write_page(figure, title, out, 380 * len(panels) + 160)
