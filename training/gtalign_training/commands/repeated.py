"""`gtalign repeated`: how patient both sides must be, and what patience can sustain."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from gtalign_env.errors import SolverError
from gtalign_env.games.folk import FolkSet, Minmax, folk_set, minmax
from gtalign_env.games.nash import nash_equilibria
from gtalign_env.games.normal_form import NormalFormGame
from gtalign_env.games.repeated import CRITICAL, Cooperation, Critical
from gtalign_training.commands.options import (
    STILL,
    Cooperate,
    Defect,
    Folders,
    Json,
    Pricing,
    check_ending,
)
from gtalign_training.commands.solve import read_target
from gtalign_training.console import out, print_json, safe
from gtalign_training.repeated.cooperation import (
    cooperation_data,
    cooperation_words,
    read_cooperation,
)

EXAMPLES = (
    "gtalign repeated prisoners_dilemma",
    "gtalign repeated upsell --plot folk.png",
    "gtalign repeated upsell --cooperate DQ,DA:concise --defect VQ,DA:standard --json",
)

_UNSAID: dict[str, object] = {"cooperate": None, "defect": None, "source": None}

WORDS = {
    "grim": "one defection ends it",
    "tit_for_tat": "answers each defection once",
    "pavlov": "one round of punishment",
}


def repeated(
    target: Annotated[str, typer.Argument(help="A scenario or matrix game, by name or file.")],
    pricing: Pricing = None,
    cooperate: Cooperate = None,
    defect: Defect = None,
    plot: Annotated[
        Path | None,
        typer.Option(help="Draw the payoffs that can be sustained: PNG or SVG.", metavar="FILE"),
    ] = None,
    path: Folders = None,
    json: Json = False,
) -> None:
    """Ask what repetition sustains: critical discount factors, minmax, folk theorem.

    One round is one conversation of a scenario. A discount factor is the weight of the next round
    against this one, or the probability that there is a next round.
    """
    check_ending(plot, "--plot", STILL)
    found = read_target(target, pricing, path=path or ())
    game = found.game
    cooperation = _cooperation(game, cooperate, defect)
    critical = {
        name: least(game, cooperation)
        for name, least in CRITICAL.items()
        if cooperation is not None
    }
    held = {"user": minmax(game, "user"), "assistant": minmax(game, "assistant")}
    sustained = folk_set(game)
    if plot is not None:
        from gtalign_training.plots.repeated import folk_picture

        equilibria = tuple(one.payoffs for one in nash_equilibria(game).found)
        folk_picture(game, sustained, plot, equilibria=equilibria)
    if json:
        print_json(repeated_data(game, cooperation, critical, held, sustained))
        return
    console = out()
    if cooperation is None:
        words = "the game does not say which plans cooperate (--cooperate and --defect name them)"
        console.print(safe(f"{found.title}, {words}"))
    else:
        console.print(safe(f"{found.title}, {cooperation_words(game, cooperation)}"))
        console.print(_patience(critical))
    for seat, one in held.items():
        words = f"{seat} can be held to {one.mixed:.4g} points"
        if one.pure > one.mixed + 1e-9:
            words += f" by a mixture of plans ({one.pure:.4g} by a plan)"
        console.print(safe(words))
    corners = ", ".join(f"({user:.4g}, {other:.4g})" for user, other in sustained.rational.tolist())
    console.print(safe(f"Payoffs that patience can sustain (user, assistant), corners: {corners}"))
    if plot is not None:
        console.print(safe(f"wrote {plot}"))


def _cooperation(
    game: NormalFormGame, cooperate: str | None, defect: str | None
) -> Cooperation | None:
    """Return which plans cooperate; None where nothing is named and the game does not say."""
    try:
        return read_cooperation(game, cooperate, defect)
    except SolverError:
        return None


def repeated_data(
    game: NormalFormGame,
    cooperation: Cooperation | None,
    critical: dict[str, Critical],
    held: dict[str, Minmax],
    sustained: FolkSet,
) -> dict[str, Any]:
    """Return what repetition sustains as plain JSON types; payoffs are in points.

    Args:
        game: The game of each round.
        cooperation: Which plans cooperate; None where nothing says so.
        critical: Least discount factors by strategy.
        held: The minmax of each seat.
        sustained: The folk theorem's set.
    """
    return {
        "game": game.name,
        **(_UNSAID if cooperation is None else cooperation_data(game, cooperation)),
        "critical_discount": {
            name: {**one._asdict(), "both": one.both} for name, one in critical.items()
        },
        "minmax": {
            seat: {"pure": one.pure, "mixed": one.mixed, "punishment": list(one.punishment)}
            for seat, one in held.items()
        },
        "feasible": sustained.feasible.tolist(),
        "rational": sustained.rational.tolist(),
    }


def _patience(critical: dict[str, Critical]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("both play", no_wrap=True)
    table.add_column("")
    for name in ("user", "assistant", "both"):
        table.add_column(name, justify="right")
    for name, one in critical.items():
        table.add_row(name, WORDS[name], *map(_factor, (one.user, one.assistant, one.both)))
    table.caption = "least discount factor from which on cooperation is an equilibrium"
    table.caption_justify = "left"
    return table


def _factor(value: float | None) -> str:
    return "never" if value is None else f"{value:.4g}"
