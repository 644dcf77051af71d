"""The second tab on the page: a seat, and the conversation."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from gtalign_env.core.moves import UserMove
from gtalign_env.envs.seated import fresh_seed
from gtalign_env.errors import ScenarioError
from gtalign_training.human.sitting import OPPONENTS
from gtalign_training.ui.draw_seat import draw_brief, draw_end, draw_standing, draw_talk
from gtalign_training.ui.explore import Explore
from gtalign_training.ui.handlers import handler
from gtalign_training.ui.library import html_of
from gtalign_training.ui.seat import SEATS, Table, across, opponents, take_seat
from gtalign_training.ui.tab_game import GameTab

BUTTONS = 7
"""Most moves of a seat."""


def seat_tab(gr: Any, explore: Explore, game: GameTab) -> None:
    """Lay out the second tab.

    Args:
        gr: Gradio.
        explore: What knows the game that the sliders make.
        game: The first tab.
    """
    html = html_of(gr)
    state = gr.State(None, time_to_live=6 * 3600, delete_callback=_close)
    with gr.Row(elem_classes="gt-sit"):
        with gr.Column(scale=2, min_width=260):
            seat = gr.Radio(list(SEATS), value="user", label="Your seat")
            other = gr.Dropdown(
                list(opponents("user")),
                value=OPPONENTS[SEATS["user"]],
                label="Across from you",
                info="an agent, or a model: openai:http://HOST:PORT/v1#MODEL, local:FOLDER",
                allow_custom_value=True,
            )
            words = gr.Checkbox(False, label="Talk in words")
            seed = gr.Textbox(
                "",
                label="Seed",
                info="deals the user and the luck; the same number deals the same again",
                placeholder="empty: a fresh conversation",
                max_length=20,
            )
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
        state, brief, standing, talk, end, *buttons, text, send, start, game.body, game.notice,
    ]  # fmt: skip
    shown = partial(_shown, gr)

    def begin(*sent: Any) -> Iterator[list[Any]]:
        before, mine, name, in_words, number, *rest = sent
        if before is not None:
            before.close()
        scenario, dealt = explore.scenario(*rest), seed_of(number)
        table = take_seat(
            scenario, mine, across(mine, str(name or "")), dealt, in_words=bool(in_words)
        )
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
    seat.input(seats, seat, other, api_visibility="private", show_progress="hidden")

    def guarded(act: Any, doing: str) -> Any:
        return handler(act, partial(_refused, gr), doing, secret=True)

    beginning = guarded(begin, "opening the conversation")
    start.click(beginning, [state, seat, other, words, seed, *game.inputs], outputs, **calm)
    for index, button in enumerate(buttons):
        button.click(guarded(partial(press, index), "your move"), state, outputs, **calm)
    for trigger in (text.submit, send.click):
        trigger(guarded(say, "your message"), [state, text], outputs, **calm)


def seed_of(written: str | None) -> int:
    """Return the seed that somebody has written, or a fresh one where nothing is.

    Args:
        written: What stands in the field.

    Raises:
        ScenarioError: It is no whole number from 0.
    """
    text = (written or "").strip()
    if not text:
        return fresh_seed()
    if not (text.isascii() and text.isdigit()):
        raise ScenarioError(
            f"a seed is a whole number from 0, or nothing for a fresh conversation; got {text!r}"
        )
    return int(text)


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
            f"{move.label}: {words}" if words not in ("", move.label.lower()) else move.label,
            visible=True,
            interactive=legal,
            elem_classes="gt-leave" if move is UserMove.LEAVE else "",
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


def _refused(gr: Any, notice: str) -> list[Any]:
    return [
        None,
        notice,
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
