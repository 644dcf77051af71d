"""`gtalign tournament`: agents play a game again and again, every one against every other."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from gtalign_agents.repeated import REPEATED
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
from gtalign_training.console import err, out, print_json, safe
from gtalign_training.progress import progress_bars
from gtalign_training.repeated.cooperation import (
    cooperation_data,
    cooperation_words,
    read_cooperation,
)
from gtalign_training.repeated.tournament import TournamentResult, TournamentRules, play_tournament

EXAMPLES = (
    "gtalign tournament prisoners_dilemma",
    "gtalign tournament prisoners_dilemma --agents tit_for_tat,grim,coin@0.8 --noise 0.01",
    "gtalign tournament prisoners_dilemma --agents axelrod_first --seed 1 --workers 2",
    "gtalign tournament upsell --discount 0.98 --plot tournament.png",
)

AXELROD_FIRST = "axelrod_first"
"""Stands for the fifteen agents of Axelrod's first tournament."""


def tournament(
    target: Annotated[str, typer.Argument(help="A scenario or matrix game, by name or file.")],
    agents: Annotated[
        str | None,
        typer.Option(
            help=f"Agents, as a,b,c; {AXELROD_FIRST} stands for the first tournament's [all]."
        ),
    ] = None,
    rounds: Annotated[int, typer.Option(help="Rounds of a match, at most.", min=1)] = 200,
    repeats: Annotated[int, typer.Option(help="Matches of every pairing.", min=1)] = 5,
    discount: Annotated[
        float, typer.Option(help="Probability that a match goes on after a round.", max=1)
    ] = 1.0,
    noise: Annotated[
        float, typer.Option(help="Probability that a hand trembles.", min=0, max=1)
    ] = 0.0,
    seed: Annotated[int, typer.Option(help="Fixes all chance.", min=0)] = 0,
    workers: Annotated[
        int, typer.Option(help="Processes; results do not depend on it.", min=1)
    ] = 1,
    own_kind: Annotated[
        bool, typer.Option("--own-kind", help="Count an agent's match with its own kind too.")
    ] = False,
    cooperate: Cooperate = None,
    defect: Defect = None,
    pricing: Pricing = None,
    plot: Annotated[
        Path | None,
        typer.Option(help="Draw who gets what against whom: PNG or SVG.", metavar="FILE"),
    ] = None,
    path: Folders = None,
    json: Json = False,
) -> None:
    """Play a round robin of agents on a repeated game, in both seats.

    Ranked by the median over repeats of the mean payoff per round. One round of a scenario is one
    conversation.
    """
    if discount <= 0:
        raise typer.BadParameter("--discount is a probability above 0")
    check_ending(plot, "--plot", STILL)
    found = read_target(target, pricing, path=path or ())
    cooperation = read_cooperation(found.game, cooperate, defect)
    rules = TournamentRules(found.game, cooperation, rounds, discount, noise, repeats, seed)
    with progress_bars(err()) as progress:
        result = play_tournament(rules, agent_names(agents), workers, progress)
    if plot is not None:
        from gtalign_training.plots.repeated import tournament_table

        tournament_table(result, plot, f"Tournament: {found.title}", own_kind=own_kind)
    if json:
        print_json(tournament_data(rules, result, own_kind))
        return
    console = out()
    console.print(safe(f"{found.title}, {cooperation_words(found.game, cooperation)}"))
    console.print(_table(result, own_kind))
    if plot is not None:
        console.print(safe(f"wrote {plot}"))


def agent_names(text: str | None) -> list[str]:
    """Return the agents that a command line names; by default all that need no other library.

    Args:
        text: Names with commas between them.
    """
    if text is None:
        return [agent.name for agent in REPEATED if agent.name != "axelrod"]
    names: list[str] = []
    for name in filter(None, (part.strip() for part in text.split(","))):
        if name == AXELROD_FIRST:
            from gtalign_agents.repeated_axelrod import first_tournament

            names += first_tournament()
        else:
            names.append(name)
    return names


def tournament_data(
    rules: TournamentRules, result: TournamentResult, own_kind: bool = False
) -> dict[str, Any]:
    """Return a tournament as plain JSON types; payoffs are means per round, points.

    Args:
        rules: What was played.
        result: How it went.
        own_kind: Whether an agent's match with its own kind counts.
    """
    scores, seats = result.scores(own_kind), result.seat_scores(own_kind)
    shares = result.cooperation_shares(own_kind)
    means = result.payoffs.mean(axis=2)
    return {
        "game": rules.game.name,
        **cooperation_data(rules.game, rules.cooperation),
        "rounds": rules.rounds,
        "discount": rules.discount,
        "noise": rules.noise,
        "repeats": rules.repeats,
        "seed": rules.seed,
        "own_kind": own_kind,
        "ranking": [
            {
                "agent": result.names[a],
                "score": float(scores[a].mean()),
                "scores": scores[a].tolist(),
                "as_user": float(seats[a, 0]),
                "as_assistant": float(seats[a, 1]),
                "cooperation": float(shares[a]),
            }
            for a in result.ranking(own_kind)
        ],
        "agents": list(result.names),
        "payoffs": {"user": means[..., 0].tolist(), "assistant": means[..., 1].tolist()},
    }


def _table(result: TournamentResult, own_kind: bool) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    table.add_column("agent", no_wrap=True)
    for name in ("payoff", "as user", "as assistant", "cooperates"):
        table.add_column(name, justify="right")
    scores, seats = result.scores(own_kind), result.seat_scores(own_kind)
    shares = result.cooperation_shares(own_kind)
    for place, a in enumerate(result.ranking(own_kind), start=1):
        table.add_row(
            f"{place}",
            safe(result.names[a]),
            f"{scores[a].mean():.4g}",
            f"{seats[a, 0]:.4g}",
            f"{seats[a, 1]:.4g}",
            f"{shares[a]:.0%}",
        )
    return table
