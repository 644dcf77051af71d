"""The page: pickers above, the game and the seat below.

Every handler is a pure function of what the browser sends, but for the conversation under way, which
each tab has of its own.
"""

from __future__ import annotations

from typing import Any

from gtalign_training.ui.explore import AS_IS, Explore, chosen, draw_about
from gtalign_training.ui.library import gradio, html_of
from gtalign_training.ui.tab_game import game_tab
from gtalign_training.ui.tab_seat import seat_tab
from gtalign_training.ui.view import KINDS, Choice, names_of

INTRO = (
    '<header class="gt-intro"><h1>gtalign playground</h1><p>A user asks, an assistant answers, every '
    "message costs time and money. Each cell of the table is one way for both to act, and what either "
    "side gets out of it. Move a slider and see where they end if each looks after itself.</p></header>"
)


def build(first: Choice) -> Any:
    """Return the page.

    Args:
        first: What is shown at first.

    Raises:
        ScenarioError: That cannot be shown.
        MissingExtraError: Gradio is not installed.
    """
    gr = gradio()
    html = html_of(gr)
    explore = Explore(first.folders)
    picked = [choice or AS_IS for choice in first[:3]]
    scenario, knobs = chosen(explore.choice(*picked))
    scenarios, personas, regimes = (names_of(kind, first.folders) for kind in KINDS)
    with gr.Blocks(title="gtalign playground", analytics_enabled=False, fill_width=True) as page:
        html(INTRO)
        with gr.Row(elem_classes="gt-choose"):
            pickers = [
                gr.Dropdown(list(scenarios), value=first.scenario, label="Scenario"),
                gr.Dropdown(
                    [("as in the scenario", AS_IS), *((n, n) for n in personas)],
                    value=first.persona or AS_IS,
                    label="Who asks (persona)",
                ),
                gr.Dropdown(
                    [("as in the scenario", AS_IS), *((n, n) for n in regimes)],
                    value=first.pricing or AS_IS,
                    label="How the user pays (regime)",
                ),
            ]
        about = html(draw_about(scenario))
        with gr.Tabs(elem_id="gt-tabs"):
            with gr.Tab("See the game", id="see"):
                game = game_tab(gr, explore, pickers, about, knobs, first)
            with gr.Tab("Take a seat", id="sit"):
                seat_tab(gr, explore, game)
    return page
