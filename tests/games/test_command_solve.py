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
from gtalign_env.errors import ScenarioError, SolverError
from gtalign_env.games.concepts import CONCEPTS
from gtalign_env.games.nash import nash_equilibria
from gtalign_env.games.normal_form import NormalFormGame
from gtalign_env.games.solution import solve as solution_of
from gtalign_env.scenario.compile import compile_scenario
from gtalign_env.scenario.loader import load_scenario
from gtalign_training import solve_lines as lines_module
from gtalign_training.cli import main
from gtalign_training.commands.solve import read_target, solve
from gtalign_training.render.concepts import RENDERED, render_components
from gtalign_training.render.game import CLASS_WORDS, render_solution
from gtalign_training.solve_lines import solve_lines

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


def numbers(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [one for part in value.values() for one in numbers(part)]
    if isinstance(value, list):
        return [one for part in value for one in numbers(part)]
    return [float(value)] if isinstance(value, int | float) else []


def test_a_long_batch_gives_what_each_game_gives_alone_in_the_order_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines_module, "WORTH_COMPILING", 10)
    monkeypatch.setattr(lines_module, "AT_ONCE", 50)
    rng = np.random.default_rng(0)
    games = [
        rng.normal(size=(2, *shape)) if k % 3 else rng.integers(0, 3, size=(2, *shape))
        for k, shape in enumerate([(2, 3), (3, 3), (2, 2), (1, 4)] * 30)
    ]
    file = tmp_path / "games.jsonl"
    file.write_text(
        "\n".join(json.dumps({"user": A.tolist(), "assistant": B.tolist()}) for A, B in games),
        encoding="utf-8",
    )
    solved = list(solve_lines(file))
    assert len(solved) == len(games)
    for found, (A, B) in zip(solved, games, strict=True):
        alone = solution_of(NormalFormGame(A, B))
        assert list(found) == list(alone)
        assert numbers(found) == pytest.approx(numbers(alone), abs=1e-12)
        for key in ("payoffs", "dominant", "pareto", "optimum", "dilemma"):
            assert found[key] == alone[key]


def test_what_stands_before_a_bad_line_is_answered_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines_module, "WORTH_COMPILING", 2)
    file = tmp_path / "games.jsonl"
    good = '{"user": [[1, 2]], "assistant": [[1, 2]]}\n'
    large = json.dumps({"user": np.eye(9).tolist(), "assistant": np.eye(9).tolist()})
    for bad, message in (("[]", "must be an object"), (large, "a 9×9 game has 48,620")):
        file.write_text(good * 3 + bad + "\n" + bad, encoding="utf-8")
        answers = solve_lines(file)
        assert [next(answers)["pareto"] for _ in range(3)] == [[[0, 1]]] * 3
        with pytest.raises(ScenarioError, match=message) as caught:
            next(answers)
        assert f"{file}:4: " in str(caught.value)


def test_concepts_are_added_on_demand_and_only_then(table_1: str) -> None:
    plain = json.loads(run(table_1, "--json").stdout)
    assert "concepts" not in plain
    some = json.loads(run(table_1, "--concept", "qre", "--concept", "stackelberg", "--json").stdout)
    assert list(some.pop("concepts")) == ["qre", "stackelberg"]
    assert some == plain
    every = json.loads(run(table_1, "--full", "--json").stdout)
    concepts = every.pop("concepts")
    assert every == plain
    assert list(concepts) == list(CONCEPTS)
    assert concepts["stackelberg"]["assistant"]["mixed"]["reply"] == "DQ"
    assert concepts["dominance"]["mixed"]["user"] == ["VQ"]
    assert concepts["replies"]["sinks"] == [[[0, 0]]]
    assert concepts["bargaining"]["nash"]["payoffs"] == [3.0, 3.0]
    assert concepts["security"]["zero_sum_value"] is None
    assert concepts["anarchy"]["user_only"] == {"anarchy": 4.0, "stability": 4.0}
    unknown = run(table_1, "--concept", "replys").exception
    assert isinstance(unknown, SolverError)
    assert "Did you mean 'replies'" in str(unknown)
    assert run("--batch", "x.jsonl", "--full").exit_code == 2


@pytest.mark.parametrize("target", ["gtalign_table1", "prisoners_dilemma", SCENARIO])
def test_every_concept_is_told_in_80_columns(target: str) -> None:
    result = run(target, "--full")
    assert result.exit_code == 0
    assert max(map(len, result.stdout.splitlines())) <= 80
    for title, _ in RENDERED.values():
        assert title in result.stdout
    assert set(RENDERED) == set(CONCEPTS)


def test_ties_are_explained_where_there_are_some(table_1: str) -> None:
    assert "Ties:" not in run(table_1).stdout
    constant = np.zeros((2, 2))
    game = NormalFormGame(constant, constant)
    console = Console(file=io.StringIO(), width=80)
    render_components(console, game, nash_equilibria(game))
    page = console.file.getvalue()  # type: ignore[attr-defined]  # a StringIO
    assert "1 connected set of infinitely many equilibria." in page
    assert "any mixture of: u0 | u1; with any of: a0 | a1" in page


def test_marks_stand_in_the_line_of_their_payoffs() -> None:
    for view in (("--view", "classic"), ()):
        page = run(SCENARIO, *view).stdout
        table = page[page.index("┡") : page.index("└")].splitlines()[1:]
        assert all(line.split("│")[1].strip() for line in table)


def test_one_choice_is_called_so() -> None:
    assert "Two plans of each side, the only choice:" in run("prisoners_dilemma").stdout


def test_a_missing_file_is_said_to_be_missing() -> None:
    with pytest.raises(ScenarioError, match=r"^nowhere\.yaml: there is no such file$"):
        read_target("nowhere.yaml")


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
    assert str(caught.value).startswith(f"{file}:2:")


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


def test_columns_without_room_for_their_plans_are_numbered(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    user, assistant = rng.integers(0, 900, (2, 6, 12)) / 100
    asks = tuple(f"ask a long question in style {i}" for i in range(6))
    answers = tuple(f"answer with detail level {j}" for j in range(12))
    game = NormalFormGame(user, assistant, asks, answers, "large")
    solution = solution_of(game)
    for width in (80, 200):
        text = io.StringIO()
        render_solution(Console(file=text, width=width), game, solution, title="large")
        page = text.getvalue()
        assert "…" not in page
        assert max(map(len, page.splitlines())) <= width
        assert ("  6  ask a long question in style 5" in page) == (width == 80)
        for plan in answers:
            assert f"│ {plan} " in page


def test_a_table_is_turned_where_that_makes_room() -> None:
    game = NormalFormGame(
        np.arange(18.0).reshape(3, 6),
        np.arange(18.0)[::-1].reshape(3, 6),
        ("stay", "go", "wait"),
        tuple(f"a plan with a long name {k}" for k in range(6)),
        name="wide",
    )
    for width, layout in ((80, "rows: assistant, columns: user"), (300, "rows: user, columns")):
        console = Console(width=width, file=io.StringIO())
        render_solution(console, game, solution_of(game, exact=True), title="wide")
        text = console.file.getvalue()  # type: ignore[attr-defined]  # a StringIO
        assert layout in text
        assert max(map(len, text.splitlines())) <= width


def test_dilemmas_name_the_plans_of_a_seat_with_two_of_them_once() -> None:
    for columns, lines in (("80", 2), ("120", 1)):
        result = CliRunner(env={"COLUMNS": columns}).invoke(main, ["dilemma", "upsell"])
        assert result.exit_code == 0, result.output
        table = result.output.partition("nearest other class")[2].partition("game: its")[0]
        rows = [line for line in table.splitlines() if line.strip() and "─" not in line]
        assert len(rows) == 21 * lines
        assert "VQ|DQ" not in table
        assert max(map(len, result.output.splitlines())) <= int(columns)
