"""The pictures of one game as pages of HTML."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from gtalign_training.plots.look import wrapped
from gtalign_training.plots.studies.interactive import plotly_of, write_page
from gtalign_training.plots.studies.payoffs import (
    AGREED,
    CELL,
    EQUILIBRIUM,
    PARETO,
    frame_of,
    names_of,
    offsets_of,
    outside_note,
)
from gtalign_training.plots.studies.portrait import Portrait
from gtalign_training.plots.studies.replies import COLOURS, NOTE, TALL, WIDE, lanes

HEIGHT = 700
INSIDE = (1040.0, 480.0)
"""Width and height of what lies inside the axes, pixels."""

PIXEL = 0.75
"""Typographic points of a pixel of a page."""


def page_of_payoffs(shown: Portrait, out: Path) -> Path:
    """Write a game's payoff polygon as a page; return ``out``.

    Args:
        shown: The game and what is marked.
        out: The HTML file.

    Raises:
        MissingExtraError: Plotly is not installed.
    """
    go, _ = plotly_of()
    figure = go.Figure()
    corners = np.concatenate([shown.hull, shown.hull[:1]])
    figure.add_trace(
        go.Scatter(
            x=corners[:, 0],
            y=corners[:, 1],
            mode="lines",
            fill="toself",
            fillcolor="rgba(0,114,178,0.07)",
            line={"color": CELL, "width": 1},
            name="payoffs of all mixtures",
            hoverinfo="skip",
        )
    )
    n = shown.game.shape[1]
    best = {i * n + j for i, j in shown.pareto}
    rest = [cell for cell in range(len(shown.points)) if cell not in best]
    for cells, colour, name in ((rest, CELL, "cell"), (sorted(best), PARETO, "Pareto cell")):
        points = shown.points[cells]
        figure.add_trace(
            go.Scatter(
                x=points[:, 0],
                y=points[:, 1],
                mode="markers",
                marker={"color": colour, "size": 9},
                text=[escape(shown.name(cell)) for cell in cells],
                name=name,
                hovertemplate=_hover("%{text}"),
            )
        )
    _marks(go, figure, shown)
    across, up = frame_of(shown)
    _name(figure, shown, across, up)
    figure.update_xaxes(title_text="user U (points)", range=across)
    figure.update_yaxes(title_text="assistant L (points)", range=up)
    title = f"Payoffs of the plans: {shown.title}"
    return write_page(figure, title, out, HEIGHT, outside_note(shown))


def _hover(name: str) -> str:
    return f"{name}<br>user %{{x:.4g}}, assistant %{{y:.4g}} points<extra></extra>"


def _marks(go: Any, figure: Any, shown: Portrait) -> None:
    """Mark equilibria, agreements and the disagreement point; each name once in the legend."""
    marked = [
        ("equilibrium", found.payoffs, "circle-open", EQUILIBRIUM, 18) for found in shown.equilibria
    ]
    symbols = {"Nash bargaining": "diamond-open", "Kalai-Smorodinsky": "square-open"}
    marked += [(name, at, symbols[name], AGREED, 13) for name, at in shown.agreements]
    marked.append(("disagreement point", shown.disagreement, "x-thin-open", "#222222", 10))
    for k, (name, at, symbol, colour, size) in enumerate(marked):
        figure.add_trace(
            go.Scatter(
                x=[at[0]],
                y=[at[1]],
                mode="markers",
                marker={"symbol": symbol, "color": colour, "size": size, "line": {"width": 2.4}},
                name=name,
                legendgroup=name,
                showlegend=name not in {one[0] for one in marked[:k]},
                hovertemplate=_hover(name),
            )
        )


def _name(
    figure: Any, shown: Portrait, across: tuple[float, float], up: tuple[float, float]
) -> None:
    """Write the plans beside the points."""
    named = names_of(shown)
    size = (INSIDE[0] * PIXEL, INSIDE[1] * PIXEL)
    at = [
        (
            (x - across[0]) / (across[1] - across[0]) * size[0],
            (y - up[0]) / (up[1] - up[0]) * size[1],
        )
        for x, y in named
    ]
    offsets = offsets_of(at, list(named.values()), size)
    for (x, y), name, (dx, dy) in zip(named, named.values(), offsets, strict=True):
        figure.add_annotation(
            x=x,
            y=y,
            text=escape(name),
            font={"size": 10},
            showarrow=True,
            arrowhead=0,
            arrowwidth=0.5,
            arrowcolor=CELL,
            ax=dx / PIXEL,
            ay=-dy / PIXEL,
            xanchor="left" if dx > 0 else "right" if dx < 0 else "center",
            yanchor="bottom" if dy > 0 else "top" if dy < 0 else "middle",
        )


def page_of_replies(shown: Portrait, out: Path) -> Path:
    """Write a game's best replies as a page; arguments and errors as for `page_of_payoffs`."""
    go, _ = plotly_of()
    figure = go.Figure()
    names = {"user": "the user's best reply", "assistant": "the assistant's"}
    for seat, colour in COLOURS.items():
        x: list[float | None] = [None]
        y: list[float | None] = [None]
        for lane in lanes(shown):
            for (left, top), (right, bottom) in lane.lines if lane.seat == seat else []:
                x += [left, right, None]
                y += [top, bottom, None]
        line = {"color": colour, "width": 1.8}
        figure.add_trace(
            go.Scatter(x=x, y=y, mode="lines", line=line, name=names[seat], hoverinfo="skip")
        )
    for lane in lanes(shown):
        for (start_x, start_y), (end_x, end_y) in lane.arrows:
            figure.add_annotation(
                x=end_x,
                y=end_y,
                ax=start_x,
                ay=start_y,
                xref="x",
                yref="y",
                axref="x",
                ayref="y",
                arrowhead=2,
                arrowwidth=1.8,
                arrowcolor=COLOURS[lane.seat],
                text="",
            )
    _cells(go, figure, shown)
    m, n = shown.game.shape
    width = max(8, 140 // n)  # characters of a heading
    plans = [wrapped(escape(p, quote=False), width, "<br>") for p in shown.game.assistant_plans]
    figure.update_xaxes(
        tickvals=list(range(n)),
        ticktext=plans,
        title_text="assistant's plan",
        range=[-0.6, n - 0.4],
        showgrid=False,
        zeroline=False,
    )
    figure.update_yaxes(
        tickvals=list(range(m)),
        ticktext=[wrapped(escape(p, quote=False), 24, "<br>") for p in shown.game.user_plans],
        title_text="user's plan",
        range=[m - 0.5, -0.6],
        showgrid=False,
        zeroline=False,
    )
    return write_page(figure, f"Best replies: {shown.title}", out, 320 + 110 * m, NOTE)


def _cells(go: Any, figure: Any, shown: Portrait) -> None:
    """Draw the boxes of the cells, with their payoffs."""
    n = shown.game.shape[1]
    for i, j in np.ndindex(*shown.game.shape):
        stays, best = (i, j) in shown.pure, (i, j) in shown.pareto
        user, assistant = shown.game.user[i, j], shown.game.assistant[i, j]
        figure.add_shape(
            type="rect",
            layer="below",
            x0=j - WIDE,
            x1=j + WIDE,
            y0=i - TALL,
            y1=i + TALL,
            fillcolor="#dcebf5" if best else "#ffffff",
            line={
                "color": EQUILIBRIUM if stays else PARETO if best else "#bbbbbb",
                "width": 3 if stays else 1,
            },
        )
        said = ["equilibrium"] * stays + ["Pareto cell"] * best
        figure.add_trace(
            go.Scatter(
                x=[j],
                y=[i],
                mode="text",
                text=[f"{user:.3g}<br>{assistant:.3g}"],
                showlegend=False,
                hovertemplate="<br>".join(
                    [
                        escape(shown.name(i * n + j)),
                        f"user {user:.5g}, assistant {assistant:.5g}",
                        *said,
                    ]
                )
                + "<extra></extra>",
            )
        )
    for name, fill, edge in (
        ("equilibrium", "#ffffff", EQUILIBRIUM),
        ("Pareto cell", "#dcebf5", PARETO),
    ):
        marker = {
            "symbol": "square",
            "size": 14,
            "color": fill,
            "line": {"color": edge, "width": 2},
        }
        figure.add_trace(go.Scatter(x=[None], y=[None], mode="markers", marker=marker, name=name))
