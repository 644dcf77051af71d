"""`gtalign solve`: the equilibria, optima and dilemmas of a scenario or a matrix game."""

from __future__ import annotations

import json as json_text
import os
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.table import Table

from gtalign_env.core.exact import ConversationMatrix, normal_form
from gtalign_env.core.moves import VERBOSITIES, AssistantMove
from gtalign_env.core.spec import GameSpec
from gtalign_env.errors import ScenarioError, suggest
from gtalign_env.games.concepts import CONCEPTS, solve_concepts
from gtalign_env.games.nash import nash_equilibria
from gtalign_env.games.normal_form import NormalFormGame, best_cell
from gtalign_env.games.solution import solve as solution_of
from gtalign_env.scenario.compile import compile_scenario, compile_welfare
from gtalign_env.scenario.library import list_entries, what_takes, where_to_look
from gtalign_env.scenario.loader import load_game, load_pricing, load_scenario, validate_file
from gtalign_env.scenario.schema import MatrixGameFile
from gtalign_env.scenario.welfare_schema import NashWelfare
from gtalign_env.welfare import Welfare, standard_welfares
from gtalign_training.commands.options import Folders, Json, Pricing
from gtalign_training.console import out, print_json, safe
from gtalign_training.legend import print_moves
from gtalign_training.render.concepts import render_components, render_concepts
from gtalign_training.render.game import render_solution
from gtalign_training.solve_lines import solve_lines

EXAMPLES = (
    "gtalign solve quick_question",
    "gtalign solve quick_question --pricing subscription --json",
    "gtalign solve quick_question --view classic --verbosity concise",
    "gtalign solve prisoners_dilemma --concept stackelberg --concept correlated",
    "gtalign solve prisoners_dilemma --full --json",
    "gtalign solve --batch games.jsonl > solutions.jsonl",
)


class View(StrEnum):
    """Which assistant plans a scenario's matrix has."""

    full = "full"
    classic = "classic"


class Verbosity(StrEnum):
    """Length of the answers in the classic view."""

    concise = VERBOSITIES[0]
    standard = VERBOSITIES[1]
    verbose = VERBOSITIES[2]


@dataclass(frozen=True)
class Target:
    """What is to be solved, and where it comes from.

    Attributes:
        game: The bimatrix game, of shape ``(m, n)``.
        welfares: The aggregators whose optimum is asked for.
        matrix: The conversations behind the game; None for a matrix game.
        columns: The assistant plans of ``matrix`` that the game has.
        title: What to call it.
        disagreement: What user and assistant get without agreement, points.
    """

    game: NormalFormGame
    welfares: dict[str, Welfare]
    matrix: ConversationMatrix | None
    columns: list[int]
    title: str
    disagreement: tuple[float, float] = (0.0, 0.0)


def solve(
    target: Annotated[
        str | None, typer.Argument(help="A scenario or matrix game, by name or file.")
    ] = None,
    pricing: Pricing = None,
    view: Annotated[
        View, typer.Option(help="All seven assistant plans, or DA, CQ and AQ alone.")
    ] = View.full,
    verbosity: Annotated[
        Verbosity | None, typer.Option(help="Length of the classic view's answers; else standard.")
    ] = None,
    concept: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help=f"Show one of these too; repeatable: {', '.join(CONCEPTS)}."
        ),
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Show every solution concept.")] = False,
    batch: Annotated[
        Path | None,
        typer.Option(
            help='Solve a file of lines {"user": matrix, "assistant": matrix}, one JSON line each.'
        ),
    ] = None,
    path: Folders = None,
    json: Json = False,
) -> None:
    """Solve a scenario or matrix game: equilibria, welfare optima, dilemmas."""
    if (target is None) == (batch is None):
        raise typer.BadParameter("give either one scenario or game, or --batch FILE.jsonl")
    if verbosity is not None and view is not View.classic:
        raise typer.BadParameter("--verbosity belongs to --view classic; the full view shows all")
    if batch is not None:
        if pricing is not None or view is not View.full or concept or full:
            raise typer.BadParameter(
                "--batch takes matrices as they are: no --pricing, --view, --concept or --full"
            )
        for solution in solve_lines(batch):
            typer.echo(json_text.dumps(solution, allow_nan=False))
        return
    assert target is not None
    found = read_target(target, pricing, view, verbosity or Verbosity.standard, path or ())
    exact = found.matrix is None or found.matrix.exact
    equilibria = nash_equilibria(found.game)
    solution = solution_of(found.game, exact=exact, welfares=found.welfares, equilibria=equilibria)
    wanted = list(CONCEPTS) if full else list(dict.fromkeys(concept or ()))
    concepts = solve_concepts(
        found.game,
        wanted,
        welfares=found.welfares,
        disagreement=found.disagreement,
        equilibria=equilibria,
    )
    if json:
        print_json(solution | {"concepts": concepts} if wanted else solution)
        return
    _print(found, solution)
    if equilibria.degenerate:
        render_components(out(), found.game, equilibria)
    render_concepts(out(), found.game, concepts)


def read_target(
    target: str,
    pricing: str | None = None,
    view: View = View.full,
    verbosity: Verbosity = Verbosity.standard,
    path: Sequence[Path] = (),
) -> Target:
    """Return the game of a scenario or matrix-game file; a scenario wins where both have the name.

    The scenario's own aggregator stands in for the standard one of its kind, so that its exponents
    and weights count; the disagreement point is the scenario's.

    Args:
        target: A name or a file.
        pricing: A regime to play the scenario under, by name or file.
        view: Which assistant plans to show of a scenario.
        verbosity: Of the classic view.
        path: Folders to search before GTALIGN_PATH and the bundled library.

    Raises:
        ScenarioError: The target or the regime is unknown or invalid.
    """
    if _kind(target, path) == "game":
        if pricing is not None or view is not View.full:
            raise ScenarioError(
                f"{target!r} is a matrix game: its payoffs are given, so --pricing and --view "
                "do not apply; they are for scenarios"
            )
        authored = load_game(target, path=path)
        return Target(game_of(authored), dict(standard_welfares()), None, [], authored.name)
    scenario = load_scenario(target, path=path)
    if pricing is not None:
        scenario = scenario.with_pricing(load_pricing(pricing, path=path))
    spec = compile_scenario(scenario)
    matrix = normal_form(spec)
    welfares, outside = _welfares(spec)
    title = spec.name if pricing is None else f"{spec.name} under {scenario.schedule[0][1].name}"
    if view is View.full:
        columns = list(range(len(AssistantMove)))
        return Target(matrix.game, welfares, matrix, columns, title, outside)
    game = matrix.classic(verbosity.value)
    level = VERBOSITIES.index(verbosity.value)
    columns = [level, int(AssistantMove.CQ), int(AssistantMove.AQ_CONCISE) + level]
    title = f"{title}, {verbosity.value} answers"
    return Target(game, welfares, matrix, columns, title, outside)


def game_of(authored: MatrixGameFile) -> NormalFormGame:
    """Return the game that a matrix-game file describes."""
    return NormalFormGame(
        np.array(authored.payoffs.user),
        np.array(authored.payoffs.assistant),
        authored.user_plans,
        authored.assistant_plans,
        authored.name,
    )


def _kind(target: str, path: Sequence[Path]) -> str:
    """Return ``scenario`` or ``game``."""
    if target.endswith((".yaml", ".yml")) or os.sep in target or "/" in target:
        kind, _ = validate_file(target, search=path)
        if kind not in ("scenario", "game"):
            raise ScenarioError(
                f"{target}: must be a scenario or a matrix game; it is a {kind} file"
            )
        return kind
    names = {kind: {e.name for e in list_entries(kind, path=path)} for kind in ("scenario", "game")}
    for kind, known in names.items():
        if target in known:
            return kind
    wrong = f"no scenario or matrix game is named {target!r}"
    for entry in list_entries(path=path):
        if entry.name == target:
            raise ScenarioError(f"{wrong}: {what_takes(entry.kind, target)}")
    hint = suggest(target, sorted(set().union(*names.values()))) + where_to_look()
    raise ScenarioError(f"{wrong}.{hint}")


def _welfares(spec: GameSpec) -> tuple[dict[str, Welfare], tuple[float, float]]:
    """Return the aggregators of the page, and the scenario's disagreement point."""
    own = spec.welfare
    if own.kind not in ("nash", "ces"):
        own = compile_welfare(NashWelfare(kind="nash"), spec.population)
    welfares = dict(standard_welfares(own.disagreement))
    if spec.welfare.kind in welfares:
        welfares[spec.welfare.kind] = spec.welfare
    return welfares, own.disagreement


def _print(found: Target, solution: dict[str, Any]) -> None:
    console = out()
    matrix = found.matrix
    if matrix is None:
        render_solution(console, found.game, solution, title=found.title)
        print_moves(console, found.game.user_plans)
        return
    joint = matrix.welfare[:, found.columns]
    note = None
    if not matrix.exact:
        note = (
            "some lengths or types are continuous, so the payoffs are approximate, "
            f"within about {matrix.error:.2g} points."
        )
    render_solution(console, found.game, solution, title=found.title, welfare=joint, note=note)
    i, j = best_cell(found.game, joint)
    plans = f"{found.game.user_plans[i]} x {found.game.assistant_plans[j]}"
    console.print(safe(f"\nGreatest mean joint welfare: {plans} ({joint[i, j]:.4g} points)\n"))
    console.print(_usage_table(found.game, matrix, found.columns))
    print_moves(console, found.game.user_plans)


def _usage_table(game: NormalFormGame, matrix: ConversationMatrix, columns: list[int]) -> Table:
    """Return mean charge and visible output of a conversation, by plans."""
    title = safe("a conversation's mean charge (USD)\nand visible output (tokens)")
    table = Table(title=title, title_justify="left", title_style="")
    table.add_column("assistant", style="bold")
    for name in game.user_plans:
        table.add_column(f"{name}: USD", justify="right")
        table.add_column("tokens", justify="right")
    for name, j in zip(game.assistant_plans, columns, strict=True):
        numbers: list[str] = []
        for i in range(len(game.user_plans)):
            numbers += [f"{matrix.charge[i, j]:.4g}", f"{matrix.tokens[i, j]:.0f}"]
        table.add_row(safe(name), *numbers)
    return table
