"""The page: what stands where, and which view answers which hand.

Every handler is a pure function of what the browser sends, but for the conversation under way,
which each tab has of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from html import escape
from typing import Any

from gtalign_env.envs.seated import fresh_seed
from gtalign_env.errors import GTAlignError, MissingExtraError
from gtalign_env.scenario.resolved import Scenario
from gtalign_training.play_human import OPPONENTS
from gtalign_training.ui.draw_game import (
    draw_facts,
    draw_matrix,
    draw_meaning,
    draw_problem,
    draw_verdict,
)
from gtalign_training.ui.draw_phase import draw_phase
from gtalign_training.ui.draw_seat import draw_brief, draw_end, draw_standing, draw_talk
from gtalign_training.ui.knobs import GROUPS, MOST, Knob
from gtalign_training.ui.phase import ASKED, phase_of
from gtalign_training.ui.seat import SEATS, Table, opponents, take_seat
from gtalign_training.ui.view import Choice, moved, names_of, require_scenario, view_of

SLOTS = tuple(group for group in GROUPS for _ in range(MOST[group]))
"""The group of every slider on the page; a scenario uses some of them."""

BUTTONS = 7
"""Most moves of a seat."""

AS_IS = ""
"""Stands where the scenario's own persona or regime is taken."""

INTRO = (
    '<header class="gt-intro"><h1>gtalign playground</h1><p>A user asks, an assistant answers, every '
    "message costs time and money. Each cell of the table is one way for both to act, and what either "
    "side gets out of it. Move a slider and see where they end if each looks after itself.</p></header>"
)
HIDDEN = (
    '<section class="gt-brief"><p>Hidden while you sit in the assistant\'s seat: it shows what the user '
    "wants, which an assistant does not know. It is back when the conversation has ended.</p></section>"
)


def gradio() -> Any:
    """Return the library.

    Raises:
        MissingExtraError: Gradio is not installed.
    """
    try:
        import gradio as library
    except ImportError:
        raise MissingExtraError("gtalign ui", "ui") from None
    return library


@lru_cache(maxsize=256)
def chosen(choice: Choice) -> tuple[Scenario, tuple[Knob, ...]]:
    """Return the scenario of a choice and its sliders, kept for the next move of a slider."""
    return require_scenario(choice)


def places_of(knobs: Sequence[Knob]) -> list[int]:
    """Return where each slider of a scenario stands on the page.

    Args:
        knobs: The sliders, group by group.
    """
    starts = {group: SLOTS.index(group) for group in GROUPS}
    used = dict.fromkeys(GROUPS, 0)
    places = []
    for knob in knobs:
        places.append(starts[knob.group] + used[knob.group])
        used[knob.group] += 1
    return places


def axes_of(knobs: Sequence[Knob]) -> tuple[int, int]:
    """Return the sliders that a map has along its sides at first: a price, and the user's first."""
    groups = [knob.group for knob in knobs]
    return (groups.index("price") if "price" in groups else len(knobs) - 1, groups.index("user"))


class Explore:
    """The first tab: from what the browser sends to what it shows."""

    def read(self, *sent: Any) -> tuple[Scenario, tuple[Knob, ...], list[float]]:
        """Return the scenario, its sliders, and where they stand.

        Args:
            sent: Scenario, persona, regime, then all sliders of the page.
        """
        scenario, knobs = chosen(choice_of(*sent[:3]))
        values = [float(sent[3 + place] or 0.0) for place in places_of(knobs)]
        return scenario, knobs, values

    def scenario(self, *sent: Any) -> Scenario:
        """Return the scenario as the sliders have it."""
        return moved(*self.read(*sent))

    def look(self, *sent: Any) -> tuple[str, ...]:
        """Return verdict, meaning, matrix and facts; what cannot be played says why.

        Args:
            sent: As for `read`, then the axes of the map and what it asks.
        """
        try:
            scenario, knobs, values = self.read(*sent)
            view = view_of(moved(scenario, knobs, values))
            drawn = (draw_verdict, draw_meaning, draw_matrix, draw_facts)
            return tuple(draw(view) for draw in drawn)
        except GTAlignError as error:
            return draw_problem(str(error)), "", "", ""

    def map(self, *sent: Any) -> str:
        """Return the map, which takes longer: many games stand on it."""
        *_, x, y, asked = sent
        try:
            scenario, knobs, values = self.read(*sent)
            paths = [knob.path for knob in knobs]
            first, second = axes_of(knobs)
            i = paths.index(x) if x in paths else first
            j = paths.index(y) if y in paths else second
            found = phase_of(scenario, knobs, values, (i, j), asked)
            return draw_phase(found, values[i], values[j])
        except GTAlignError as error:
            return draw_problem(str(error))


def choice_of(scenario: str, persona: str, pricing: str) -> Choice:
    """Return what is picked on the page.

    Args:
        scenario: Its name.
        persona: Its name, or `AS_IS`.
        pricing: Likewise.
    """
    return Choice(scenario, persona or None, pricing or None)


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
    scenario, knobs = chosen(first)
    explore = Explore()
    with gr.Blocks(title="gtalign playground", analytics_enabled=False, fill_width=True) as page:
        html(INTRO)
        with gr.Row(elem_classes="gt-choose"):
            pickers = [
                gr.Dropdown(list(names_of("scenario")), value=first.scenario, label="Scenario"),
                gr.Dropdown(
                    [("as in the scenario", AS_IS), *((n, n) for n in names_of("persona"))],
                    value=first.persona or AS_IS,
                    label="Who asks (persona)",
                ),
                gr.Dropdown(
                    [("as in the scenario", AS_IS), *((n, n) for n in names_of("pricing"))],
                    value=first.pricing or AS_IS,
                    label="How the user pays (regime)",
                ),
            ]
        about = html(draw_about(scenario))
        with gr.Tabs(elem_id="gt-tabs"):
            with gr.Tab("See the game", id="see"):
                game = _explore_tab(gr, explore, pickers, about, knobs, first)
            with gr.Tab("Take a seat", id="sit"):
                _seat_tab(gr, explore, pickers, game)
    return page


def draw_about(scenario: Scenario) -> str:
    """Return what a scenario is, and who asks.

    Args:
        scenario: Under one regime.
    """
    who = ", ".join(f"{persona.name} {share:.0%}" for share, persona in scenario.population)
    regime = scenario.schedule[0][1]
    return (
        f'<details class="gt-about"><summary>About {escape(scenario.name)}</summary>'
        f"<p>{escape(scenario.description)} Who asks: {escape(who)}. Price: "
        f"{escape(regime.description)}</p></details>"
    )


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


def html_of(gr: Any) -> Any:
    """Return what makes a block of our own HTML, without the library's style for text."""
    return partial(gr.HTML, apply_default_css=False, js_on_load=None)


def _explore_tab(
    gr: Any, explore: Explore, pickers: list[Any], about: Any, knobs: Sequence[Knob], first: Choice
) -> dict[str, Any]:
    """Lay out the first tab; return its parts that the second one needs."""
    html, at = html_of(gr), dict(zip(places_of(knobs), knobs, strict=True))
    titles = {
        "price": "Prices",
        "user": "What the user wants",
        "provider": "What the provider wants",
    }
    sliders: list[Any] = []
    x, y = axes_of(knobs)
    notice = html(HIDDEN, visible=False)
    with gr.Row(elem_classes="gt-explore") as body:
        with gr.Column(scale=2, min_width=260, elem_classes="gt-sliders"):
            for place, group in enumerate(SLOTS):
                if SLOTS.index(group) == place:
                    html(f"<h3>{titles[group]}</h3>")
                sliders.append(_slider(gr, at[place]) if place in at else gr.Slider(visible=False))
            reset = gr.Button("Back to the scenario's own numbers", size="sm")
        with gr.Column(scale=5, min_width=260, elem_classes="gt-result"):
            sent = [choice or AS_IS for choice in first]
            values = [at[place].start if place in at else 0.0 for place in range(len(SLOTS))]
            opening = (*sent, *values, knobs[x].path, knobs[y].path, ASKED[0])
            drawn = (*explore.look(*opening), explore.map(*opening))
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
    }

    def choose(*sent: Any) -> list[Any]:
        try:
            scenario, knobs = chosen(choice_of(*sent[:3]))
        except GTAlignError as error:
            skipped = [gr.skip()] * (len(SLOTS) + 2)
            return [*skipped, gr.skip(), draw_problem(str(error)), "", "", "", ""]
        i, j = axes_of(knobs)
        values = [0.0] * len(SLOTS)
        for place, knob in zip(places_of(knobs), knobs, strict=True):
            values[place] = knob.start
        paths = [(knob.label, knob.path) for knob in knobs]
        axes = [gr.Dropdown(paths, value=knobs[k].path) for k in (i, j)]
        opening = (*sent[:3], *values, knobs[i].path, knobs[j].path, sent[-1])
        drawn = (*explore.look(*opening), explore.map(*opening))
        return [*slider_updates(gr, knobs), *axes, draw_about(scenario), *drawn]

    for picker in pickers:
        picker.input(choose, inputs, [*sliders, along, up, about, *shown, chart], **quick)
    reset.click(choose, inputs, [*sliders, along, up, about, *shown, chart], **quick)
    moves = [slider.change for slider in sliders]  # one event for all: only the last move counts
    looked = gr.on(moves, explore.look, inputs, shown, **quick)
    looked.then(explore.map, inputs, chart, **quick)
    for one in (along, up, asked):
        one.input(explore.map, inputs, chart, **quick)
    return {"body": body, "notice": notice, "sliders": sliders, "inputs": inputs}


def _seat_tab(gr: Any, explore: Explore, pickers: list[Any], game: dict[str, Any]) -> None:
    """Lay out the second tab."""
    html = html_of(gr)
    state = gr.State(None, time_to_live=6 * 3600, delete_callback=_close)
    with gr.Row(elem_classes="gt-sit"):
        with gr.Column(scale=2, min_width=260):
            seat = gr.Radio(list(SEATS), value="user", label="Your seat")
            across = gr.Dropdown(
                list(opponents("user")),
                value=OPPONENTS[SEATS["user"]],
                label="Across from you",
                info="an agent, or a model: openai:http://HOST:PORT/v1#MODEL, local:FOLDER",
                allow_custom_value=True,
            )
            words = gr.Checkbox(False, label="Talk in words")
            seed = gr.Number(None, label="Seed (empty: a new one)", precision=0, minimum=0)
            start = gr.Button("Start", variant="primary")
            brief = html(draw_brief(None))
        with gr.Column(scale=4, min_width=260):
            standing = html("")
            talk = html("")
            with gr.Row(elem_classes="gt-moves"):
                buttons = [
                    gr.Button(visible=False, size="sm", min_width=120) for _ in range(BUTTONS)
                ]
            with gr.Row(elem_classes="gt-say"):
                text = gr.Textbox(
                    visible=False,
                    show_label=False,
                    placeholder="Say something",
                    scale=5,
                    max_length=20_000,
                    lines=1,
                )
                send = gr.Button("Send", visible=False, scale=1, min_width=80)
            end = html("")
    outputs = [
        state, brief, standing, talk, end, *buttons, text, send, start, game["body"], game["notice"],
    ]  # fmt: skip
    shown = partial(_shown, gr)

    def begin(*sent: Any) -> Iterator[list[Any]]:
        before, mine, name, in_words, number, *rest = sent
        if before is not None:
            before.close()
        try:
            scenario = explore.scenario(*rest)
            dealt = fresh_seed() if number is None else int(number)
            table = take_seat(scenario, mine, str(name or ""), dealt, in_words=bool(in_words))
        except GTAlignError as error:
            yield _refused(gr, str(error))
            return
        yield from _answered(shown, table)

    def press(index: int, table: Table | None) -> Iterator[list[Any]]:
        if table is None or not table.lock.acquire(blocking=False):
            yield [gr.skip()] * len(outputs)
            return
        try:
            moves = table.moves()
            if index < len(moves):
                table.play(moves[index][0])
            yield from _answered(shown, table)
        finally:
            table.lock.release()

    def say(table: Table | None, said: str) -> Iterator[list[Any]]:
        if table is None or not table.lock.acquire(blocking=False):
            yield [gr.skip()] * len(outputs)
            return
        try:
            table.say(said)
            yield from _answered(shown, table)
        finally:
            table.lock.release()

    def seats(mine: str) -> Any:
        return gr.Dropdown(list(opponents(mine)), value=OPPONENTS[SEATS[mine]])

    calm: dict[str, Any] = {
        "api_visibility": "private",
        "show_progress": "hidden",
        "concurrency_id": "talk",
        "concurrency_limit": 16,
    }
    seat.input(seats, seat, across, api_visibility="private", show_progress="hidden")
    start.click(begin, [state, seat, across, words, seed, *game["inputs"]], outputs, **calm)
    for index, button in enumerate(buttons):
        button.click(partial(press, index), state, outputs, **calm)
    for trigger in (text.submit, send.click):
        trigger(say, [state, text], outputs, **calm)


def _close(table: Table | None) -> None:
    if table is not None:
        table.close()


def _answered(shown: Any, table: Table) -> Iterator[list[Any]]:
    """Show a table, let the other side move, show it again, with the review at the end."""
    if not table.problem:
        if not table.sitting.is_over and not table.sitting.is_persons_turn:
            yield shown(table, busy=True)
        table.answer()
    if table.sitting.is_over:
        yield shown(table, busy=True)
    yield shown(table, review=table.review())


def _shown(gr: Any, table: Table, *, busy: bool = False, review: Any = None) -> list[Any]:
    moves = [] if busy else table.moves()
    buttons = [
        gr.Button(
            f"{move.label}: {words}" if words else move.label, visible=True, interactive=legal
        )
        for move, words, legal in moves
    ]
    buttons += [gr.Button(visible=False)] * (BUTTONS - len(buttons))
    talking = table.in_words and not table.sitting.is_over
    mine = talking and not busy
    waiting = '<p class="gt-quiet" role="status">The other side is thinking …</p>' if busy else ""
    end = "" if busy else draw_end(table, review)
    hides = table.hides_user
    return [
        table,
        draw_brief(table),
        draw_standing(table),
        draw_talk(table) + waiting,
        end,
        *buttons,
        gr.Textbox(visible=talking, value="" if not table.problem else gr.skip(), interactive=mine),
        gr.Button(visible=talking, interactive=mine),
        gr.Button("Start again"),
        gr.Row(visible=not hides),
        gr.HTML(visible=hides),
    ]


def _refused(gr: Any, message: str) -> list[Any]:
    return [
        None,
        draw_problem(message),
        "",
        "",
        "",
        *[gr.Button(visible=False)] * BUTTONS,
        gr.Textbox(visible=False),
        gr.Button(visible=False),
        gr.Button("Start"),
        gr.Row(visible=True),
        gr.HTML(visible=False),
    ]
