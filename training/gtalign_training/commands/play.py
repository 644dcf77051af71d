"""`gtalign play`: take a seat at the terminal."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as RichTable

from gtalign_env.draws import Seat
from gtalign_env.envs.seated import fresh_seed
from gtalign_env.envs.single import SEATS
from gtalign_env.errors import ScenarioError, SolverError, suggest
from gtalign_env.words import plural
from gtalign_training.commands.options import Folders, Pricing
from gtalign_training.commands.options_words import (
    Deadline,
    Format,
    InWords,
    MaxTokens,
    MoveJudge,
    Steer,
    Structured,
    Tasks,
    Temperature,
    UserMode,
    words_settings,
)
from gtalign_training.commands.run import scenario_under
from gtalign_training.commands.sitting import FAULTS
from gtalign_training.console import out, safe
from gtalign_training.human.review import Review
from gtalign_training.human.sitting import OPPONENTS, Sitting, other_seat, sit_down, type_lines
from gtalign_training.human.terminal import Ask, AtTerminal
from gtalign_training.runs.folder import Plan
from gtalign_training.runs.seats import seat_name

EXAMPLES = (
    "gtalign play quick_question --as assistant",
    "gtalign play upsell --as user --opponent greedy_revenue --seed 7",
    "gtalign play help_desk --as assistant --opponent patient --words",
    "gtalign play help_desk --as user --opponent openai:http://127.0.0.1:8000/v1#NAME",
    'printf "DQ\\nACCEPT\\n" | gtalign play quick_question --as user --seed 1',
)


def play(
    scenario: Annotated[str, typer.Argument(help="A scenario, by name or file.")],
    seat: Annotated[str, typer.Option("--as", help="Your seat: user or assistant.")] = "assistant",
    opponent: Annotated[
        str | None,
        typer.Option(
            help="Who takes the other seat: an agent (gtalign agents), openai:URL#MODEL, "
            "local:PATH, vllm:PATH, or replay@FOLDER; by default DA:standard or default."
        ),
    ] = None,
    pricing: Pricing = None,
    seed: Annotated[
        int | None,
        typer.Option(help="Fixes everything that is drawn; a new one by default.", min=0),
    ] = None,
    words: InWords = False,
    tasks: Tasks = "general_knowledge",
    user_mode: UserMode = None,
    format: Format = None,
    steer: Steer = None,
    structured: Structured = None,
    move_judge: MoveJudge = None,
    temperature: Temperature = 1.0,
    max_tokens: MaxTokens = 1024,
    deadline: Deadline = 120.0,
    open_type: Annotated[
        bool, typer.Option("--open", help="Show the user's type from the start, in any seat.")
    ] = False,
    save: Annotated[
        Path | None,
        typer.Option("--out", help="Append the transcript to this file.", metavar="FILE"),
    ] = None,
    path: Folders = None,
) -> None:
    """Take a seat at the terminal against a named policy, and learn what the best move was.

    Against a language model the conversation is in words. Exit code 3 if that fails.

    Both welfares and the bill are shown as they grow. In the assistant's seat the user's type, and
    its welfare, from which that could be told, stay hidden until the end.
    """
    if seat not in SEATS:
        raise ScenarioError(
            f"a seat is one of user, assistant; got {seat!r}.{suggest(seat, SEATS)}"
        )
    mine = SEATS[seat]
    name = seat_name(opponent or OPPONENTS[mine])
    loaded = scenario_under(scenario, pricing, path)
    number = fresh_seed() if seed is None else seed
    sits = {mine: OPPONENTS[other_seat(mine)], other_seat(mine): name}
    user, assistant = sits[Seat.USER], sits[Seat.ASSISTANT]
    settings = words_settings(
        user,
        assistant,
        in_words=words,
        user_mode=user_mode,
        format=format,
        steer=steer,
        structured=structured,
        move_judge=move_judge,
        rates=None,
        tasks=tasks,
        path=path,
        temperature=temperature,
        max_tokens=max_tokens,
    )
    plan = Plan(loaded, user, assistant, number, 1, settings)
    console = out()
    with ExitStack() as stack:
        sitting = sit_down(plan, mine, stack, deadline=deadline, open_type=open_type)
        AtTerminal(sitting, console, reader(console)).play()
    _result(console, sitting, number)
    if save is not None:
        with save.open("a", encoding="utf-8") as file:
            file.write(sitting.transcript(number).to_json() + "\n")
    if sitting.fault is not None:
        raise typer.Exit(FAULTS)
    _review(console, sitting, name)


def reader(console: Console) -> Ask:
    """Return what reads a line from the terminal; a line from a pipe is shown as if it were typed.

    Args:
        console: Where to show it.
    """

    def ask(prompt: str) -> str:
        if sys.stdin.isatty():
            return input(prompt)
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        console.print(safe(prompt + line.rstrip("\r\n")), soft_wrap=True)
        return line

    return ask


def _result(console: Console, sitting: Sitting, seed: int) -> None:
    conversation = sitting.conversation
    ending = conversation.state.ending
    name = "unfinished" if ending is None else ending.name.lower()
    console.print(safe(f"\n{name.capitalize()}. Seed {seed}.", "bold"))
    for line in sitting.result():
        console.print(safe(line))
    if sitting.seat is Seat.ASSISTANT:
        persona = conversation.spec.population.personas[conversation.persona][1].name
        console.print(safe(f"The user was {persona}:"))
        for line in type_lines(conversation.who):
            console.print(safe(f"  {line}"))


def _review(console: Console, sitting: Sitting, name: str) -> None:
    try:
        review = sitting.review(name)
    except SolverError as error:
        console.print(safe(f"\nNo optimum to compare with: {error}"))
        return
    if review is not None:
        _show_review(console, review, name)


def _show_review(console: Console, review: Review, name: str) -> None:
    about = "" if review.exact else ", about"
    console.print(
        safe(f"\nThe optimum against {name} expects W {review.value:.3f} at the start{about}.")
    )
    table = RichTable(box=SIMPLE_HEAD, pad_edge=False)
    for column in ("turn", "you", "the optimum", "cost in W"):
        table.add_column(column, justify="right" if column in ("turn", "cost in W") else "left")
    for one in review.moves:
        cost = f"{one.cost:.3f}" if one.cost else "-"
        table.add_row(str(one.turn + 1), one.move.label, one.best.label, cost)
    console.print(table)
    if review.departure is None:
        console.print("You played as well as the optimum throughout.")
    else:
        first = review.departure
        console.print(
            safe(
                f"You departed from it on turn {first.turn + 1} ({first.move.label} in place of "
                f"{first.best.label}); all in all that cost {review.cost:.3f} of expected W."
            )
        )
    if review.unknown:
        console.print(
            safe(
                f"{plural(review.unknown, 'move was', 'moves were')} made where {name} never lets it come to that."
            )
        )
