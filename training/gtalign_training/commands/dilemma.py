"""`gtalign dilemma`: which dilemmas a game holds, how strong they are, how near to other games."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from gtalign_env.games.dilemma_meter import (
    DilemmaMeter,
    Neighbour,
    RestrictionMeter,
    SeatMeter,
    dilemma_meter,
)
from gtalign_env.games.normal_form import NormalFormGame
from gtalign_env.games.ordinal_topology import ORDERS
from gtalign_training.commands.options import Folders, Json, Pricing
from gtalign_training.commands.solve import read_target
from gtalign_training.console import out, print_json, safe
from gtalign_training.render.game import say

EXAMPLES = (
    "gtalign dilemma prisoners_dilemma",
    "gtalign dilemma upsell --strict",
    "gtalign dilemma upsell --top 5",
    "gtalign dilemma upsell --pricing subscription --json",
)


MOST_SHOWN = 24
"""Choices of two plans a side that a page shows unasked; a 2×7 game has 21."""

MOST_UNFOLDED = 40
"""Characters of two plans of each side that have a line of their own."""

CLASS, WITHOUT = 12, 44
"""Characters of a class in two lines: ``prisoner's``; and what the class in one line and the rest of a
row take beside the plans and the nearest class."""

ONE_LINE = 110
"""Columns of a terminal in which a row needs no second line."""

LETTERS = (
    "Letters: R both cooperate, T defect against a cooperator, S cooperate against a defector, "
    "P both defect."
)


def dilemma(
    target: Annotated[str, typer.Argument(help="A scenario or matrix game, by name or file.")],
    pricing: Pricing = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Only the strict prisoner's dilemmas.")
    ] = False,
    top: Annotated[
        int | None,
        typer.Option(
            help=f"Show so many at most, strict ones first [{MOST_SHOWN}; JSON: all].", min=1
        ),
    ] = None,
    path: Folders = None,
    json: Json = False,
) -> None:
    """Measure a game's dilemmas: class, greed, fear, distance to the next class.

    Of every two plans of each side: the class of the 2x2 game, its place among the 144 ordinal
    games, what either side gains by defecting, and which change of one payoff makes it another game.
    """
    found = read_target(target, pricing, path=path or ())
    meter = dilemma_meter(found.game)
    asked = [one for one in meter.restrictions if not strict or _is_strict(meter, one)]
    most = top or (len(asked) if json else MOST_SHOWN)
    if most < len(asked):  # else in the order of the plans
        asked.sort(key=lambda one: not _is_strict(meter, one))
    shown = asked[:most]
    if json:
        print_json(described(found.game, meter, shown))
        return
    console = out()
    console.print(safe(found.title, "bold"))
    social = "yes: some outcome beats every equilibrium for one side, at no loss to the other"
    console.print(safe(f"Social dilemma: {social if meter.social else 'no'}"))
    console.print(safe(f"Strict prisoner's dilemmas: {len(meter.strict)}"))
    if shown:
        console.print(_classes(found.game, shown, console.width))
        for line in _legend(shown):
            say(console, line, indent=0)
        console.print()
        console.print(_stakes(found.game, shown, console.width))
    if len(shown) < len(asked):
        console.print(safe(f"{len(shown)} of {len(asked)} choices of two plans; --top shows more."))


def described(
    game: NormalFormGame, meter: DilemmaMeter, shown: list[RestrictionMeter]
) -> dict[str, Any]:
    """Return a game's dilemmas as plain JSON types; plans are named, amounts are in points.

    Args:
        game: The game.
        meter: Its dilemmas.
        shown: The restrictions to describe.
    """
    return {
        "game": game.name,
        "social_dilemma": meter.social,
        "strict_pd": [
            [[game.user_plans[i] for i in rows], [game.assistant_plans[j] for j in columns]]
            for rows, columns in meter.strict
        ],
        "restrictions": [_described(game, one) for one in shown],
    }


def _described(game: NormalFormGame, one: RestrictionMeter) -> dict[str, Any]:
    nearest = one.nearest_change
    return {
        "user_plans": [game.user_plans[i] for i in one.rows],
        "assistant_plans": [game.assistant_plans[j] for j in one.columns],
        "class": one.name,
        "tied": one.tied,
        "games": [
            {"number": found.number, "label": found.label, "name": found.name}
            for found in one.games
        ],
        "cooperate": None
        if one.cooperate is None
        else [game.user_plans[one.cooperate[0]], game.assistant_plans[one.cooperate[1]]],
        "user": None if one.user is None else one.user._asdict(),
        "assistant": None if one.assistant is None else one.assistant._asdict(),
        "nearest_change": None if nearest is None else _neighbour(nearest),
        "neighbours": [_neighbour(other) for other in one.neighbours],
    }


def _neighbour(other: Neighbour) -> dict[str, Any]:
    return {
        "seat": other.seat,
        "swap": other.swap,
        "payoffs": list(other.payoffs),
        "gap": other.gap,
        "number": other.game.number,
        "label": other.game.label,
        "class": other.name,
    }


def _is_strict(meter: DilemmaMeter, one: RestrictionMeter) -> bool:
    return any(
        (set(rows), set(columns)) == (set(one.rows), set(one.columns))
        for rows, columns in meter.strict
    )


def _classes(game: NormalFormGame, shown: list[RestrictionMeter], width: int) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    users, assistants = {one.rows for one in shown}, {one.columns for one in shown}
    shared = ""  # where a seat has two plans in all, its column would say the same in every row
    if len(shown) > 1 and len(users) == 1:
        shared = f"The user's plans: {_pair(game.user_plans, shown[0].rows)}"
        heading, seat = "two of the assistant's", game.assistant_plans
        plans = [_pair(seat, one.columns) for one in shown]
    elif len(shown) > 1 and len(assistants) == 1:
        shared = f"The assistant's plans: {_pair(game.assistant_plans, shown[0].columns)}"
        heading, seat = "two of the user's", game.user_plans
        plans = [_pair(seat, one.rows) for one in shown]
    else:
        heading, plans = "two plans of each side", [_plans(game, one) for one in shown]
    if shared:
        table.title, table.title_justify, table.title_style = safe(shared), "left", ""
    longest = max(len(line) for text in plans for line in text.split("\n"))
    table.add_column(heading, no_wrap=longest <= MOST_UNFOLDED, overflow="fold")
    changes = max(len(line) for one in shown for line in _change(one).split("\n"))
    narrow = width < longest + changes + WITHOUT
    table.add_column("class", max_width=CLASS if narrow else None)
    table.add_column("game")
    one_line = width >= ONE_LINE
    table.add_column("nearest other class", overflow="fold")
    for text, one in zip(plans, shown, strict=True):
        change = _change(one).replace("\n", " by " if one_line else "\n")
        table.add_row(safe(text), one.name, _number(one), safe(change))
    return table


def _legend(shown: list[RestrictionMeter]) -> list[str]:
    """Return what the columns of the classes say, with the abbreviations that occur."""
    changes = [one.nearest_change for one in shown if one.nearest_change is not None]
    labels = [one.games[0].label for one in shown if len(one.games) == 1]
    labels += [change.game.label for change in changes]
    used = {short for label in labels for short in (label[:2], label[2:])}
    names = [f"{order.short} {order.name}" for order in ORDERS if order.short in used]
    lines = []
    if names:
        lines.append(
            "game: its number among the 144 ordinal games, then the order of the user's and of the "
            f"assistant's payoffs: {', '.join(names)}."
        )
    if any(len(one.games) > 1 for one in shown):
        lines.append("between N: ties leave open which of N ordinal games it is.")
    if changes:
        lines.append(
            "nearest other class: what the game becomes if these two payoffs change places, and how "
            "many points they are apart."
        )
    return [*lines, LETTERS]


def _stakes(game: NormalFormGame, shown: list[RestrictionMeter], width: int) -> Table:
    title = "greed T - R and fear P - S, points and share of the spread"
    table = Table(box=SIMPLE_HEAD, pad_edge=False, title=title, title_justify="left")
    table.title_style = ""
    table.add_column("both cooperate", overflow="fold")
    for seat in ("user", "assistant"):
        for stake in ("greed", "fear"):
            table.add_column(f"{seat}\n{stake}", justify="right", no_wrap=True)
    for one in shown:
        if one.cooperate is None or one.user is None or one.assistant is None:
            continue
        cell = f"{game.user_plans[one.cooperate[0]]} x {game.assistant_plans[one.cooperate[1]]}"
        numbers = [*_greed_fear(one.user), *_greed_fear(one.assistant)]
        instead = ", not " if width >= ONE_LINE else "\n  not "
        table.add_row(safe(f"{cell}{instead}{_others(game, one)}"), *numbers)
    return table


def _plans(game: NormalFormGame, one: RestrictionMeter) -> str:
    return f"{_pair(game.user_plans, one.rows)}\n  x {_pair(game.assistant_plans, one.columns)}"


def _pair(plans: Sequence[str], chosen: Sequence[int]) -> str:
    return "|".join(plans[i] for i in chosen)


def _others(game: NormalFormGame, one: RestrictionMeter) -> str:
    assert one.cooperate is not None
    (i,) = set(one.rows) - {one.cooperate[0]}
    (j,) = set(one.columns) - {one.cooperate[1]}
    return f"{game.user_plans[i]} x {game.assistant_plans[j]}"


def _number(one: RestrictionMeter) -> str:
    first = f"{one.games[0].number} {one.games[0].label}"
    return first if len(one.games) == 1 else f"between {len(one.games)}"


def _change(one: RestrictionMeter) -> str:
    nearest = one.nearest_change
    if nearest is None:
        return "ties: at a border" if one.tied else "none by one swap"
    change = f"{nearest.seat} {', '.join(nearest.payoffs)}: {nearest.gap:.3g}"
    return f"{nearest.name} {nearest.game.label}\n{change}"


def _greed_fear(seat: SeatMeter) -> tuple[str, str]:
    return (
        f"{seat.greed:.3g} {seat.greed_share:.0%}",
        f"{seat.fear:.3g} {seat.fear_share:.0%}",
    )
