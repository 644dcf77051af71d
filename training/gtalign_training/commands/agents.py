"""`gtalign agents`: who can sit in a seat, and what is true of them."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from gtalign_agents.base import Agent
from gtalign_agents.table import AGENTS, seated
from gtalign_env.errors import ScenarioError, suggest
from gtalign_training.commands.options import Json
from gtalign_training.console import out, print_json, safe

EXAMPLES = (
    "gtalign agents",
    "gtalign agents user",
    "gtalign agents assistant --json",
    "gtalign agents families",
)

SEATS = ("user", "assistant", "repeated")
FAMILY_LIST = "families"
"""Asks for the ways to simulate a user."""


def agents(
    seat: Annotated[
        str | None,
        typer.Argument(help="Only those of one seat: user, assistant, or repeated; or families."),
    ] = None,
    json: Json = False,
) -> None:
    """List agents: who can sit in a seat, with what they know and need.

    Beside these, `trained@FOLDER` names the assistant of a training (`run:FOLDER` and the folder alone
    do too), and `replay@FOLDER` the users of a run in words. `families` lists the ways to simulate a user.
    """
    if seat == FAMILY_LIST:
        _families(json=json)
        return
    if seat is not None and seat not in SEATS:
        raise ScenarioError(
            f"a seat is one of {', '.join(SEATS)}, or {FAMILY_LIST}; got {seat!r}."
            f"{suggest(seat, (*SEATS, FAMILY_LIST))}"
        )
    if json:
        rows = AGENTS.values() if seat is None else _of(seat)
        print_json([row_of(agent) for agent in rows])
        return
    console = out()
    for title in SEATS if seat is None else (seat,):
        console.print(_table(title, _of(title)))
    console.print(
        safe(
            "[@...]: an argument may follow the name, as in default@0.8 or best_response@CQ", "dim"
        )
    )


def _families(*, json: bool) -> None:
    from gtalign_training.runs.families import FAMILIES

    if json:
        print_json([{"name": name, "description": text} for name, text in FAMILIES.items()])
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False, title_justify="left", title_style="bold")
    table.title = "families of simulated users"
    table.add_column("family", no_wrap=True)
    table.add_column("what it is")
    for name, text in FAMILIES.items():
        table.add_row(name, safe(text))
    out().print(table)


def row_of(agent: Agent) -> dict[str, Any]:
    """Return an agent as plain JSON data.

    Args:
        agent: The agent.
    """
    traits = agent.traits
    return {
        "name": agent.name,
        "seat": agent.seat,
        "description": agent.description,
        "argument": agent.argument or None,
        "stochastic": traits.stochastic,
        "sees_type": traits.sees_type,
        "needs_model": traits.needs_model,
        "memory": traits.memory,
        "games": sorted(traits.games),
    }


def _of(seat: str) -> list[Agent]:
    if seat == "repeated":
        return [row for row in AGENTS.values() if "repeated" in row.traits.games]
    return seated(seat)


def _table(title: str, rows: list[Agent]) -> Table:
    titles = {"repeated": "either side of a repeated game"}
    table = Table(box=SIMPLE_HEAD, pad_edge=False, title_justify="left", title_style="bold")
    table.title = titles.get(title, f"the {title}'s seat")
    table.add_column("name", no_wrap=True)
    table.add_column("what it does")
    table.add_column("draws", no_wrap=True)
    for agent in rows:
        name = agent.name + ("[@...]" if agent.argument else "")
        draws = "yes" if agent.traits.stochastic else ""
        table.add_row(safe(name), safe(agent.description), draws)
    return table
