"""The same pictures as pages of HTML: hover for numbers, zoom; complete in one file, offline.

Everything that stands in a page comes from files and is escaped.
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from gtalign_env.errors import MissingExtraError
from gtalign_training.plots.look import wrapped
from gtalign_training.plots.studies.colours import COLOURS, LINE_STYLES, NOTHING, is_hatched
from gtalign_training.plots.studies.phase import LARGEST_RATIO, note_of
from gtalign_training.studies.maps import KINDS, Panel, Picture, Scale
from gtalign_training.studies.solved import said

DASHES = {"-": "solid", "--": "dash"}
WIDE, HIGH = 120, 44
"""Characters of a line of names below the whole page, and beside a panel."""

FADED = 0.45
"""How far the colour of a vague opening is mixed with white, where nothing can be hatched."""


def page_of_study(shown: Picture, out: Path) -> Path:
    """Write a study's picture as a page; return ``out``.

    Args:
        shown: What it shows.
        out: The HTML file.

    Raises:
        MissingExtraError: Plotly is not installed.
    """
    go, subplots = plotly_of()
    count = len(shown.panels)
    columns = min(2, count)
    figure = subplots.make_subplots(
        rows=-(-count // columns),
        cols=columns,
        subplot_titles=[_folded(panel.title, WIDE // columns) for panel in shown.panels],
        horizontal_spacing=0.12,
    )
    for k, panel in enumerate(shown.panels):
        at = {"row": k // columns + 1, "col": k % columns + 1}
        if shown.y is None:
            _lines(go, figure, panel, shown, at, first=k == 0)
        else:
            figure.add_trace(_map(go, panel, shown, last=k == count - 1), **at)
        _axis(figure.update_xaxes, shown.x, at, WIDE // columns)
        if shown.y is not None:
            _axis(figure.update_yaxes, shown.y, at, HIGH)
    if shown.y is not None and KINDS[shown.kind].names:
        _keys(go, figure, shown)
    if not KINDS[shown.kind].names and shown.y is not None:
        figure.update_layout(plot_bgcolor=NOTHING)
        figure.update_xaxes(showgrid=False)
        figure.update_yaxes(showgrid=False)
    return write_page(figure, shown.title, out, 620 if count <= 2 else 980, note_of(shown))


def plotly_of() -> tuple[Any, Any]:
    """Return Plotly's graph objects and subplots.

    Raises:
        MissingExtraError: Plotly is not installed.
    """
    try:
        import plotly.graph_objects as go
        from plotly import subplots
    except ImportError:
        raise MissingExtraError("an interactive plot", "studies") from None
    return go, subplots


def write_page(figure: Any, title: str, out: Path, height: int, note: str = "") -> Path:
    """Write a page: one width, the title as heading and in the tab, the library inside.

    Args:
        figure: The Plotly figure.
        title: What stands above it.
        out: The HTML file.
        height: Pixels.
        note: What stands below it.
    """
    figure.update_layout(
        template="plotly_white",
        title={"text": f"<b>{escape(title)}</b>", "x": 0.01, "xanchor": "left"},
        width=1200,
        height=height,
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.04, "x": 0.0},
        margin={"t": 140},
    )
    body = figure.to_html(
        include_plotlyjs=True, full_html=False, div_id="picture", config={"displaylogo": False}
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title></head>\n<body>{body}"
        f'<p style="font: 12px sans-serif; color: #555; margin-left: 12px">{escape(note)}</p>'
        "</body></html>\n",
        encoding="utf-8",
    )
    return out


def _axis(update: Any, scale: Scale, at: dict[str, int], width: int) -> None:
    title = _folded(scale.title, width)
    update(title_text=title, type="log" if scale.log else "linear", **at)


def _folded(text: str, width: int) -> str:
    """Return a text, escaped, in lines of a page."""
    return wrapped(escape(text, quote=False), width, "<br>")


def _shade(name: str) -> str:
    """Return a label's colour; that of a vague opening is paler."""
    colour = COLOURS[name]
    if not is_hatched(name):
        return colour
    parts = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(part + (255 - part) * FADED):02x}" for part in parts)


def _map(go: Any, panel: Panel, shown: Picture, *, last: bool) -> Any:
    assert shown.y is not None
    place = f"{escape(shown.x.label)} %{{x:.4g}}<br>{escape(shown.y.label)} %{{y:.4g}}<br>"
    if panel.codes is not None:
        rows, columns = panel.codes.shape
        count = len(shown.names)
        steps = [
            [edge / count, _shade(name)]
            for k, name in enumerate(shown.names)
            for edge in (k, k + 1)
        ]
        return go.Heatmap(
            x=shown.x.at(np.linspace(0, len(shown.x.numbers) - 1, columns)),
            y=shown.y.at(np.linspace(0, len(shown.y.numbers) - 1, rows)),
            z=panel.codes,
            zmin=-0.5,
            zmax=count - 0.5,
            colorscale=steps,
            showscale=False,
            text=np.array([said(name) for name in shown.names])[panel.codes],
            hovertemplate=f"{place}<b>%{{text}}</b><extra></extra>",
        )
    assert panel.numbers is not None
    kind = KINDS[shown.kind]
    most = LARGEST_RATIO if shown.kind == "anarchy" else None
    return go.Heatmap(
        x=shown.x.numbers,
        y=shown.y.numbers,
        z=panel.numbers,
        zmin=None if most is None else 1.0,
        zmax=most,
        colorscale="Cividis",
        showscale=last,
        colorbar={
            "title": f"{kind.title}<br>({kind.unit}{'' if most is None else '; 10: or more'})"
        },
        hovertemplate=f"{place}<b>%{{z:.5g}}</b><extra></extra>",
    )


def _keys(go: Any, figure: Any, shown: Picture) -> None:
    """Add a legend of the labels that are there; a heatmap has none of its own."""
    seen = {int(c) for p in shown.panels if p.codes is not None for c in np.unique(p.codes)}
    for code in sorted(seen):
        name = shown.names[code]
        figure.add_trace(
            go.Scatter(
                x=[None],
                y=[None],
                mode="markers",
                marker={
                    "symbol": "square",
                    "size": 14,
                    "color": _shade(name),
                    "line": {"color": "#222222", "width": 1},
                },
                name=said(name),
            )
        )
    figure.update_layout(plot_bgcolor=NOTHING)


def _lines(
    go: Any, figure: Any, panel: Panel, shown: Picture, at: dict[str, int], *, first: bool
) -> None:
    """Add lines over one axis, on a ground of the label's colour."""
    if panel.bands is not None:
        code, found = panel.bands
        edges = [float(shown.x.at(np.array(border.at))) for border in found]
        ends = [float(shown.x.numbers[0]), *edges, float(shown.x.numbers[-1])]
        names = [shown.names[code], *(shown.names[border.after] for border in found)]
        for name, left, right in zip(names, ends[:-1], ends[1:], strict=True):
            figure.add_vrect(
                x0=left,
                x1=right,
                fillcolor=_shade(name),
                opacity=0.35,
                line_width=0,
                annotation_text=said(name),
                annotation={"textangle": -90, "font": {"size": 10}},
                annotation_position="top left",
                **at,
            )
    for name, values in (panel.lines or {}).items():
        label, colour, dashes = LINE_STYLES[name]
        figure.add_trace(
            go.Scatter(
                x=shown.x.numbers,
                y=values,
                mode="lines+markers",
                line={"color": colour, "dash": DASHES[dashes]},
                marker={"size": 4},
                name=label,
                legendgroup=label,
                showlegend=first,
                hovertemplate=f"{label}<br>{escape(shown.x.label)} %{{x:.4g}}: %{{y:.5g}}<extra></extra>",
            ),
            **at,
        )
    unit = KINDS[shown.kind].unit if shown.kind in ("anarchy", "patience") else "points"
    words = {"ratio": "optimum over equilibrium", "1": "discount factor", "points": "W (points)"}
    figure.update_yaxes(title_text=words[unit], **at)
