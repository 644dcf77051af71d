"""`gtalign solve`: the equilibria, optima and dilemmas of a scenario or a matrix game."""

from __future__ import annotations

import json as json_text
import os
from collections.abc import Iterator, Sequence
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
from gtalign_env.errors import ScenarioError, SolverError, suggest
from gtalign_env.games.normal_form import NormalFormGame, best_cell
from gtalign_env.games.solution import solve as solution_of
from gtalign_env.scenario.compile import compile_scenario, compile_welfare
from gtalign_env.scenario.library import list_entries
from gtalign_env.scenario.loader import load_game, load_pricing, load_scenario, validate_file
from gtalign_env.scenario.schema import MatrixGameFile
from gtalign_env.scenario.welfare_schema import NashWelfare
from gtalign_env.welfare import Welfare, standard_welfares
from gtalign_training.commands.options import Folders, Json
from gtalign_training.console import out, print_json, safe
from gtalign_training.render_game import render_solution

EXAMPLES = (
    "gtalign solve quick_question",
    "gtalign solve quick_question --pricing subscription --json",
    "gtalign solve quick_question --view classic --verbosity concise",
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
    """

    game: NormalFormGame
    welfares: dict[str, Welfare]
    matrix: ConversationMatrix | None
    columns: list[int]
    title: str


def solve(
    target: Annotated[
        str | None, typer.Argument(help="A scenario or matrix game, by name or file.")
    ] = None,
    pricing: Annotated[
        str | None, typer.Option(help="Play the scenario under this regime, by name or file.")
    ] = None,
    view: Annotated[
        View, typer.Option(help="All seven assistant plans, or DA, CQ and AQ alone.")
    ] = View.full,
    verbosity: Annotated[
        Verbosity | None, typer.Option(help="Length of the classic view's answers [standard].")
    ] = None,
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
        if pricing is not None or view is not View.full:
            raise typer.BadParameter("--batch takes matrices as they are: no --pricing, no --view")
        for solution in solve_lines(batch):
            typer.echo(json_text.dumps(solution, allow_nan=False))
        return
    assert target is not None
    found = read_target(target, pricing, view, verbosity or Verbosity.standard, path or ())
    exact = found.matrix is None or found.matrix.exact
    solution = solution_of(found.game, exact=exact, welfares=found.welfares)
    if json:
        print_json(solution)
        return
    _print(found, solution)


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
    welfares = _welfares(spec)
    title = spec.name if pricing is None else f"{spec.name} under {scenario.schedule[0][1].name}"
    if view is View.full:
        return Target(matrix.game, welfares, matrix, list(range(len(AssistantMove))), title)
    game = matrix.classic(verbosity.value)
    level = VERBOSITIES.index(verbosity.value)
    columns = [level, int(AssistantMove.CQ), int(AssistantMove.AQ_CONCISE) + level]
    return Target(game, welfares, matrix, columns, f"{title}, {verbosity.value} answers")


def game_of(authored: MatrixGameFile) -> NormalFormGame:
    """Return the game that a matrix-game file describes."""
    return NormalFormGame(
        np.array(authored.payoffs.user),
        np.array(authored.payoffs.assistant),
        authored.user_plans,
        authored.assistant_plans,
        authored.name,
    )


def solve_lines(file: Path) -> Iterator[dict[str, Any]]:
    """Yield the solution of every line of a JSONL file; blank lines are passed over.

    Args:
        file: Lines ``{"user": matrix, "assistant": matrix}``, optionally with ``user_plans`` and
            ``assistant_plans``.

    Raises:
        ScenarioError: The file cannot be read, or a line is no game; names the line.
    """
    fields = {"user", "assistant", "user_plans", "assistant_plans"}
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{file}: cannot be read: {error}") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            data = json_text.loads(line)
            if not isinstance(data, dict) or not {"user", "assistant"} <= set(data) <= fields:
                raise ValueError("must be an object with user and assistant, matrices of numbers")
            yield solution_of(NormalFormGame(**data))
        except (ValueError, TypeError, SolverError) as error:
            raise ScenarioError(f"{file}:{number}: {error}") from error


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
    hint = suggest(target, sorted(set().union(*names.values()))) or " See: gtalign list"
    raise ScenarioError(f"no scenario or matrix game is named {target!r}.{hint}")


def _welfares(spec: GameSpec) -> dict[str, Welfare]:
    own = spec.welfare
    if own.kind not in ("nash", "ces"):
        own = compile_welfare(NashWelfare(kind="nash"), spec.population)
    welfares = dict(standard_welfares(own.disagreement))
    if spec.welfare.kind in welfares:
        welfares[spec.welfare.kind] = spec.welfare
    return welfares


def _print(found: Target, solution: dict[str, Any]) -> None:
    console = out()
    matrix = found.matrix
    if matrix is None:
        render_solution(console, found.game, solution, title=found.title)
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
