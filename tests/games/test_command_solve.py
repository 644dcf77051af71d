"""``gtalign solve``: what it prints and what programs read from it."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from gtalign_env.core.exact import normal_form
from gtalign_env.errors import ScenarioError
from gtalign_env.games.normal_form import NormalFormGame
from gtalign_env.games.solution import solve as solution_of
from gtalign_env.scenario.compile import compile_scenario
from gtalign_env.scenario.loader import load_scenario
from gtalign_training.commands.solve import read_target, solve, solve_lines
from gtalign_training.render_game import CLASS_WORDS, render_solution

SCENARIO = "quick_question"

GAME = """\
schema: gtalign/game/1
name: table_1
description: The matrix of the paper's first table.
user_plans: [VQ, DQ]
assistant_plans: [DA, AQ, CQ]
payoffs:
  user: [[1, 4, 1], [0, 3, 2]]
  assistant: [[1, 0, 0], [1, 3, 1]]
"""


def run(*arguments: str) -> Any:
    app = typer.Typer()
    app.command()(solve)
    return CliRunner(env={"COLUMNS": "80"}).invoke(app, list(arguments))


@pytest.fixture
def table_1(tmp_path: Path) -> str:
    file = tmp_path / "table_1.yaml"
    file.write_text(GAME, encoding="utf-8")
    return str(file)


def test_a_matrix_game_file_gives_the_contract_object(table_1: str) -> None:
    result = run(table_1, "--json")
    assert result.exit_code == 0
    solution = json.loads(result.stdout)
    assert solution["equilibria"] == [{"user": [1, 0], "assistant": [1, 0, 0], "payoffs": [1, 1]}]
    assert solution["optimum"]["nash"] == [1, 1]
    assert solution["dilemma"]["social_dilemma"] is True
    assert solution["dilemma"]["strict_pd"] == []


def test_a_game_is_found_by_name_in_a_search_folder(table_1: str) -> None:
    folder = Path(table_1).parent
    (folder / "games").mkdir()
    Path(table_1).rename(folder / "games" / "table_1.yaml")
    assert read_target("table_1", path=[folder]).game.assistant_plans == ("DA", "AQ", "CQ")
    with pytest.raises(ScenarioError, match="Did you mean 'table_1'"):
        read_target("tabel_1", path=[folder])


def test_the_page_marks_and_explains_without_colour_in_80_columns(table_1: str) -> None:
    page = run(table_1).stdout
    assert max(map(len, page.splitlines())) <= 80
    assert "1, 1 E" in page
    assert "3, 3 PO" in page
    assert "rows: user, columns: assistant" in page
    assert "E  equilibrium" in page
    assert "Social dilemma: yes" in page
    assert "Strict prisoner's dilemma: none" in page
    assert "\x1b" not in page


def test_a_scenario_gives_its_exact_matrix() -> None:
    solution = json.loads(run(SCENARIO, "--json").stdout)
    matrix = normal_form(compile_scenario(load_scenario(SCENARIO)))
    assert solution["payoffs"]["user"] == matrix.user.tolist()
    assert solution["payoffs"]["assistant"] == matrix.assistant.tolist()
    assert solution["exact"] is matrix.exact
    assert solution["assistant_plans"][0] == "DA:concise"
    assert len(solution["dilemma"]["classes"]) == 21


def test_a_scenario_fits_80_columns_with_the_assistants_plans_as_rows() -> None:
    page = run(SCENARIO).stdout
    assert max(map(len, page.splitlines())) <= 80
    assert "rows: assistant, columns: user" in page
    assert "Greatest mean joint welfare" in page


def test_the_classic_view_has_one_verbosity() -> None:
    full = json.loads(run(SCENARIO, "--json").stdout)
    classic = json.loads(
        run(SCENARIO, "--view", "classic", "--verbosity", "verbose", "--json").stdout
    )
    assert classic["assistant_plans"] == ["DA", "CQ", "AQ"]
    columns = [2, 3, 6]
    assert classic["payoffs"]["user"] == [
        [row[j] for j in columns] for row in full["payoffs"]["user"]
    ]
    assert run(SCENARIO, "--view", "classic").exit_code == 0


def test_another_regime_changes_the_matrix() -> None:
    own = json.loads(run(SCENARIO, "--json").stdout)["payoffs"]
    free = json.loads(run(SCENARIO, "--pricing", "free_questions", "--json").stdout)["payoffs"]
    ask = 3
    assert free["user"][0][ask] > own["user"][0][ask]
    assert free["user"][0][0] == own["user"][0][0]


def test_a_batch_gives_one_line_a_game(tmp_path: Path) -> None:
    user, assistant = [[3, 0], [5, 1]], [[3, 5], [0, 1]]
    file = tmp_path / "games.jsonl"
    file.write_text(
        json.dumps({"user": user, "assistant": assistant})
        + "\n\n"
        + json.dumps({"user": [[1]], "assistant": [[2]]})
        + "\n",
        encoding="utf-8",
    )
    first, second = map(json.loads, run("--batch", str(file)).stdout.splitlines())
    assert first == solution_of(NormalFormGame(np.array(user), np.array(assistant)))
    assert first["dilemma"]["strict_pd"] == [[["u0", "u1"], ["a0", "a1"]]]
    assert second["payoffs"] == {"user": [[1]], "assistant": [[2]]}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("[1, 2]", "must be an object"),
        ('{"user": [[1]], "asistant": [[1]]}', "must be an object"),
        ('{"user": [[1]], "assistant": [[NaN]]}', "got nan in row 0"),
        ('{"user": [[1]]', "Expecting"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    file = tmp_path / "games.jsonl"
    file.write_text('{"user": [[1]], "assistant": [[1]]}\n' + line, encoding="utf-8")
    with pytest.raises(ScenarioError, match=message) as caught:
        list(solve_lines(file))
    assert f"{file}:2: " in str(caught.value)


def test_usage_errors_exit_with_2(table_1: str) -> None:
    assert run().exit_code == 2
    assert run(table_1, "--batch", "x.jsonl").exit_code == 2
    assert run(SCENARIO, "--verbosity", "concise").exit_code == 2
    with pytest.raises(ScenarioError, match="is a matrix game"):
        read_target(table_1, pricing="per_token")


def test_mixtures_show_their_probabilities_and_approximations_their_error() -> None:
    game = NormalFormGame(np.array([[1, -1], [-1, 1]]), np.array([[-1, 1], [1, -1]]))
    console = Console(file=io.StringIO(), width=80)
    render_solution(
        console, game, solution_of(game, exact=False), title="pennies", note="within 0.1"
    )
    page = console.file.getvalue()  # type: ignore[attr-defined]  # a StringIO
    assert "(0.5 u0 + 0.5 u1) x (0.5 a0 + 0.5 a1): user 0, assistant 0" in page
    assert "points, approximate" in page
    assert "Note: within 0.1" in page
    assert "price of anarchy undefined" in page


def test_every_ordinal_class_is_explained() -> None:
    from gtalign_env.games.dilemma import CLASSES

    assert set(CLASS_WORDS) == set(CLASSES)
