"""Solve a file of matrix games, a line each: many at a time, answers in the order of the file."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from gtalign_env.errors import ScenarioError, SolverError
from gtalign_env.games.batch import nash_equilibria_batch
from gtalign_env.games.nash import Equilibria
from gtalign_env.games.normal_form import NormalFormGame
from gtalign_env.games.solution import solve
from gtalign_training.json_lines import lines_of

AT_ONCE = 4_096
"""Lines that are read before the first of them is answered."""

WORTH_COMPILING = 500
"""Games of one shape from which on loading the compiled solver pays."""

FIELDS = {"user", "assistant", "user_plans", "assistant_plans"}


def solve_lines(file: Path) -> Iterator[dict[str, Any]]:
    """Yield the solution of every line of a JSONL file; blank lines are passed over.

    Args:
        file: Lines ``{"user": matrix, "assistant": matrix}``, optionally with ``user_plans`` and
            ``assistant_plans``.

    Raises:
        ScenarioError: The file cannot be read, or a line is no game; names the line. The solutions
            of the lines before it have been yielded.
    """
    numbered = lines_of(file)
    while chunk := list(islice(numbered, AT_ONCE)):
        games, broken = _games(file, chunk)
        known = _equilibria(list(games.values()))
        for (number, game), equilibria in zip(games.items(), known, strict=True):
            try:
                yield solve(game, equilibria=equilibria)
            except SolverError as error:
                raise ScenarioError(f"{file}:{number}: {error}") from error
        if broken is not None:
            raise broken


def _games(
    file: Path, chunk: list[tuple[int, str]]
) -> tuple[dict[int, NormalFormGame], ScenarioError | None]:
    """Return the games by their line, up to the first line that is none, and what is wrong there."""
    games: dict[int, NormalFormGame] = {}
    for number, line in chunk:
        try:
            data = json.loads(line)
            if not isinstance(data, dict) or not {"user", "assistant"} <= set(data) <= FIELDS:
                raise ValueError("must be an object with user and assistant, matrices of numbers")
            games[number] = NormalFormGame(**data)
        except json.JSONDecodeError as error:
            broken = ScenarioError(
                f"{file}:{number}:{error.colno}: must be one JSON object on one line, with user "
                f"and assistant, matrices of numbers: {error.msg}"
            )
            broken.__cause__ = error
            return games, broken
        except (ValueError, TypeError) as error:
            broken = ScenarioError(f"{file}:{number}: {error}")
            broken.__cause__ = error
            return games, broken
    return games, None


def _equilibria(games: list[NormalFormGame]) -> list[Equilibria | None]:
    """Return the equilibria of games of which there are many; None where each is solved by itself."""
    found: list[Equilibria | None] = [None] * len(games)
    alike = defaultdict(list)
    for k, game in enumerate(games):
        alike[game.shape].append(k)
    for same in alike.values():
        if len(same) < WORTH_COMPILING:
            continue
        try:
            batch = nash_equilibria_batch(
                np.array([games[k].user for k in same]),
                np.array([games[k].assistant for k in same]),
            )
        except SolverError:  # one of them has no answer: solved by itself it will say which
            continue
        for at, k in enumerate(same):
            found[k] = batch.of(at, games[k])
    return found
