"""The first tab on the page: sliders, and the game that they make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gtalign_training.ui.explore import (
    AS_IS,
    SLOTS,
    Explore,
    axes_of,
    chosen,
    draw_about,
    places_of,
)
from gtalign_training.ui.handlers import handler
from gtalign_training.ui.knobs import Knob
from gtalign_training.ui.library import html_of
from gtalign_training.ui.phase import ASKED
from gtalign_training.ui.view import Choice

HIDDEN = (
    '<section class="gt-brief"><p>Hidden while you sit in the assistant\'s seat: it shows what the user '
    "wants, which an assistant does not know. It is back when the conversation has ended.</p></section>"
)


@dataclass(frozen=True)
class GameTab:
    """What the second tab needs of the first.

    Attributes:
        body: All of it, to be hidden from an assistant.
        notice: What stands in its place.
        inputs: What a browser sends: scenario, persona, regime, sliders, and the map's choices.
    """

    body: Any
    notice: Any
    inputs: list[Any]


def slider_updates(gr: Any, knobs: Sequence[Knob]) -> list[Any]:
    """Return what every slider of the page becomes for a scenario."""
    at = dict(zip(places_of(knobs), knobs, strict=True))
    return [
        _slider(gr, at[place]) if place in at else gr.Slider(visible=False)
        for place in range(len(SLOTS))
    ]


def _slider(gr: Any, knob: Knob) -> Any:
    varied = "; users differ, and moving it makes them alike" if knob.varied else ""
    return gr.Slider(
        minimum=knob.low,
        maximum=knob.high,
        step=knob.step,
        value=knob.start,
        label=knob.title,
        info=knob.about + varied,
        visible=True,
        buttons=["reset"],
    )


def game_tab(
    gr: Any, explore: Explore, pickers: list[Any], about: Any, knobs: Sequence[Knob], first: Choice
) -> GameTab:
    """Lay out the first tab.

    Args:
        gr: Gradio.
        explore: What answers.
        pickers: Of scenario, persona and regime.
        about: Where the scenario is described.
        knobs: The sliders of the first scenario.
        first: What is shown at first.
    """
    html, at = html_of(gr), dict(zip(places_of(knobs), knobs, strict=True))
    titles = {
        "price": "Prices",
        "user": "What the user wants",
        "provider": "What the provider wants",
    }
    sliders: list[Any] = []
    x, y = axes_of(knobs)
    look = handler(explore.look, lambda notice: (notice, "", "", ""), "drawing the game")
    draw_map = handler(explore.map, str, "drawing the map")
    notice = html(HIDDEN, visible=False)
    with gr.Row(elem_classes="gt-explore") as body:
        with gr.Column(scale=2, min_width=260, elem_classes="gt-sliders"):
            for place, group in enumerate(SLOTS):
                if SLOTS.index(group) == place:
                    html(f"<h3>{titles[group]}</h3>")
                sliders.append(_slider(gr, at[place]) if place in at else gr.Slider(visible=False))
            reset = gr.Button("Back to the scenario's own numbers", size="sm")
        with gr.Column(scale=5, min_width=260, elem_classes="gt-result"):
            sent = [choice or AS_IS for choice in first[:3]]
            values = [at[place].start if place in at else 0.0 for place in range(len(SLOTS))]
            opening = (*sent, *values, knobs[x].path, knobs[y].path, ASKED[0])
            drawn = (*look(*opening), draw_map(*opening))
            verdict = html(drawn[0])
            meaning = html(drawn[1], elem_classes="gt-meaning")
            with gr.Row(elem_classes="gt-pictures"):
                with gr.Column(min_width=260):
                    matrix = html(drawn[2])
                with gr.Column(min_width=260):
                    chart = html(drawn[4])
                    with gr.Row(elem_classes="gt-axes"):
                        paths = [(knob.label, knob.path) for knob in knobs]
                        along = gr.Dropdown(paths, value=knobs[x].path, label="Along")
                        up = gr.Dropdown(paths, value=knobs[y].path, label="Up")
                    asked = gr.Radio(list(ASKED), value=ASKED[0], label="Colours say")
            with gr.Accordion("All equilibria and what they cost", open=False):
                facts = html(drawn[3])
    inputs = [*pickers, *sliders, along, up, asked]
    shown = [verdict, meaning, matrix, facts]
    quick: dict[str, Any] = {
        "queue": False,
        "show_progress": "hidden",
        "trigger_mode": "always_last",
        "api_visibility": "private",
        # as sent: a move may be under way while a new scenario changes what can be chosen
        "preprocess": False,
    }

    def choose(*sent: Any) -> list[Any]:
        scenario, knobs = chosen(explore.choice(*sent[:3]))
        i, j = axes_of(knobs)
        values = [0.0] * len(SLOTS)
        for place, knob in zip(places_of(knobs), knobs, strict=True):
            values[place] = knob.start
        paths = [(knob.label, knob.path) for knob in knobs]
        axes = [gr.Dropdown(paths, value=knobs[k].path) for k in (i, j)]
        opening = (*sent[:3], *values, knobs[i].path, knobs[j].path, sent[-1])
        drawn = (*look(*opening), draw_map(*opening))
        return [*slider_updates(gr, knobs), *axes, draw_about(scenario), *drawn]

    def blank(notice: str) -> list[Any]:
        hidden = [gr.Slider(visible=False)] * len(SLOTS)  # they would be those of another scenario
        return [*hidden, gr.skip(), gr.skip(), "", notice, "", "", "", ""]

    choosing = handler(choose, blank, "opening the scenario")
    for picker in pickers:
        picker.input(choosing, inputs, [*sliders, along, up, about, *shown, chart], **quick)
    reset.click(choosing, inputs, [*sliders, along, up, about, *shown, chart], **quick)
    moves = [slider.change for slider in sliders]  # one event for all: only the last move counts
    looked = gr.on(moves, look, inputs, shown, **quick)
    looked.then(draw_map, inputs, chart, **quick)
    for one in (along, up, asked):
        one.input(draw_map, inputs, chart, **quick)
    return GameTab(body, notice, inputs)
