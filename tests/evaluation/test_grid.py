"""Evaluations: paired draws, the same result however they are played, and numbers that hold."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gtalign_env.core.oracle import bayes_oracle
from gtalign_env.core.policies import AssistantSeat
from gtalign_env.core.views import AssistantView
from gtalign_env.envs.table import Table
from gtalign_env.errors import ModelError, RunError
from gtalign_env.scenario.compile import compile_scenario
from gtalign_env.scenario.loader import load_scenario
from gtalign_training.grid.cells import CellName, Grid, folder_of
from gtalign_training.grid.evaluation import evaluate
from gtalign_training.grid.optimum import Optimum, optimum_of
from gtalign_training.grid.report import report
from gtalign_training.grid.results import read_results
from gtalign_training.grid.tables import tables_of
from gtalign_training.grid.written import matrices_of
from gtalign_training.runs import workers
from gtalign_training.runs.folder import Plan, read_run
from gtalign_training.runs.run import run
from gtalign_training.runs.seats import assistant_seat

MakeGrid = Callable[..., Grid]
Evaluated = tuple[Path, dict[str, Any]]
PER_TOKEN, SUBSCRIPTION = 0, 2
"""Cells of the small evaluation with the default user."""


def row(data: dict[str, Any], part: str, **wanted: Any) -> dict[str, Any]:
    """Return the only row of a part that has these values."""
    found: dict[str, Any]
    (found,) = [r for r in data[part] if all(r[key] == value for key, value in wanted.items())]
    return found


def opened(grid: Grid, cell: int, episode: int) -> Any:
    table = Table(grid.cells[cell].game)
    table.keyed_by = grid.cells[cell].keyed_by
    table.seed(grid.seed)
    return table.open(episode)


def test_luck_is_the_same_for_all_regimes_and_users(make_grid: MakeGrid) -> None:
    """One key for all cells; without it every regime has draws of its own."""
    grid = make_grid(scenario="help_desk", pricing=("reasoning_api", "subscription"), episodes=50)
    for episode in range(50):
        talks = [opened(grid, cell, episode) for cell in range(len(grid.cells))]
        assert len({talk.draws for talk in talks}) == 1
        assert len({talk.who for talk in talks}) == 1
    bare = [Table(cell.game) for cell in grid.cells]
    assert len({table.open(0).draws for table in bare}) == 2  # two regimes, each for two users


def test_every_run_was_played_with_that_luck(make_grid: MakeGrid, evaluated: Evaluated) -> None:
    """The default user opens by the toss of a coin: the same coin for all prices and assistants."""
    grid, (folder, _) = make_grid(), evaluated
    tosses = {
        tuple(one.user_moves[0] for one in read_run(folder_of(folder, *pair)).episodes.values())
        for pair in grid.runs
        if pair[0].user == "default"
    }
    assert len(tosses) == 1
    assert len(set(*tosses)) == 2


def test_personas_are_drawn_at_the_same_quantiles(make_grid: MakeGrid) -> None:
    grid = make_grid(personas=("bargain_hunter", "novice"), pricing=("own",), users=("default",))
    for episode in range(20):
        one, other = (opened(grid, cell, episode) for cell in (0, 1))
        assert one.draws == other.draws


def test_a_cell_of_the_scenario_as_it_is_is_an_ordinary_run(
    make_grid: MakeGrid, evaluated: Evaluated, tmp_path: Path
) -> None:
    grid, (folder, _) = make_grid(), evaluated
    plain = Plan(load_scenario("quick_question"), "default", "CQ", grid.seed, grid.episodes)
    run(plain, tmp_path / "run")
    cell = folder_of(folder, grid.cells[PER_TOKEN], grid.contenders[0])
    assert read_run(tmp_path / "run").episodes == read_run(cell).episodes


def test_the_result_does_not_depend_on_how_it_was_played(
    make_grid: MakeGrid, evaluated: Evaluated, tmp_path: Path
) -> None:
    """Two processes; in two sittings, the first with fewer assistants, cells and episodes."""
    _, expected = evaluated
    two = evaluate(make_grid(), tmp_path / "two", reference="CQ", workers=2)
    assert two == expected
    few = make_grid(("oracle", "CQ"), pricing=("own",), episodes=9)
    evaluate(few, tmp_path / "on", reference="CQ")
    assert evaluate(make_grid(), tmp_path / "on", reference="CQ", resume=True) == expected


def test_the_order_of_assistants_and_cells_changes_no_number(
    make_grid: MakeGrid, evaluated: Evaluated, tmp_path: Path
) -> None:
    _, expected = evaluated
    other = make_grid(
        ("random", "CQ", "oracle"), users=("impatient", "default"), pricing=("subscription", "own")
    )
    data = evaluate(other, tmp_path / "other", reference="CQ")
    for part in ("welfare", "differences", "worst", "dominance", "frontier", "use", "moves"):
        ours, theirs = ({json.dumps(r, sort_keys=True) for r in d[part]} for d in (data, expected))
        close = [
            np.isclose(numbers(a), numbers(b)).all()
            for a, b in zip(sorted(ours), sorted(theirs), strict=True)
        ]
        assert all(close), part


def numbers(text: str) -> list[float]:
    """Return all numbers of a row, at any depth, in order."""
    found: list[float] = []

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            for key in sorted(value):
                walk(value[key])
        elif isinstance(value, list):
            for one in value:
                walk(one)
        elif isinstance(value, int | float):
            found.append(float(value))

    walk(json.loads(text))
    return found


def test_welfare_is_the_mean_of_what_the_logs_hold(
    make_grid: MakeGrid, evaluated: Evaluated
) -> None:
    grid, (folder, data) = make_grid(), evaluated
    runs = [read_run(folder_of(folder, cell, grid.contenders[1])).episodes for cell in grid.cells]
    mean = np.mean([[one.welfare for one in episodes.values()] for episodes in runs])
    found = row(data, "welfare", contender="oracle", by="all")
    assert found["welfare"][0] == pytest.approx(mean)
    assert found["share"][0] == pytest.approx(mean / found["optimum"])
    both = [r for r in data["differences"] if (r["contender"], r["by"]) == ("oracle", "regime")]
    assert {r["tests"] for r in both} == {4}
    users = row(data, "differences", contender="oracle", by="user", name="default")
    gain = mean_welfare(folder, grid, 1) - mean_welfare(folder, grid, 0)
    assert users["difference"][0] == pytest.approx(gain)


def mean_welfare(folder: Path, grid: Grid, contender: int) -> float:
    """Return the mean W with the default user, over both regimes."""
    welfares = [
        one.welfare
        for cell in (PER_TOKEN, SUBSCRIPTION)
        for one in read_run(
            folder_of(folder, grid.cells[cell], grid.contenders[contender])
        ).episodes.values()
    ]
    return float(np.mean([welfare for welfare in welfares if welfare is not None]))


def test_the_optimum_is_the_bayes_oracle_against_the_default_user(
    make_grid: MakeGrid, evaluated: Evaluated
) -> None:
    _, data = evaluated
    for cell in (PER_TOKEN, SUBSCRIPTION):
        game = make_grid().cells[cell].game
        expected = bayes_oracle(compile_scenario(game)).value
        assert data["optima"][cell]["value"] == pytest.approx(expected._asdict())
    moves = row(data, "moves", contender="CQ", name="per_token")
    assert moves["moves"] == {"CQ": 1.0}
    assert sum(moves["optimum"].values()) == pytest.approx(1.0)
    assert moves["distance"] == pytest.approx(1.0 - moves["optimum"].get("CQ", 0.0))


def test_an_optimal_assistant_is_optimal_in_every_context(
    make_grid: MakeGrid, tmp_path: Path
) -> None:
    grid = make_grid(("oracle", "CQ"), scenario="help_desk", users=("default",), pricing=("own",))
    data = evaluate(grid, tmp_path / "e", reference="CQ")
    assert row(data, "moves", contender="oracle")["agreement"] == 1.0
    assert row(data, "moves", contender="CQ")["agreement"] < 1.0


def test_a_schedule_weighs_each_regime_by_its_episodes(make_grid: MakeGrid) -> None:
    (cell,) = make_grid(scenario="help_desk", users=("default",), pricing=("own",)).cells
    first, second = (
        bayes_oracle(compile_scenario(cell.game, start)).value.welfare for start in (0, 1000)
    )
    found = optimum_of(cell, 1250).value
    assert found is not None
    assert found.welfare == pytest.approx(0.8 * first + 0.2 * second)


def test_what_is_not_solved_is_said_to_be(make_grid: MakeGrid) -> None:
    (cell,) = make_grid(scenario="mixed_crowd", users=("default",), pricing=("own",)).cells
    found = optimum_of(cell, 10)
    assert found.value is None
    assert "types of users" in found.why_not
    assert optimum_of(cell, 10, "never").why_not == "not asked for"


def unsolved() -> Optimum:
    return Optimum(None, False, {}, "not asked for")


def test_faults_are_left_out_and_counted(
    make_grid: MakeGrid, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every third opening of one assistant fails; a paired comparison loses the same episodes."""
    calls = 0

    def sick(name: str) -> AssistantSeat:
        healthy = assistant_seat(name)

        def act(view: AssistantView, u: float) -> Any:
            nonlocal calls
            calls += view.exchange == 0
            if view.exchange == 0 and calls % 3 == 0:
                raise ModelError("away", kind="timeout", attempts=2)
            return healthy(view, u)

        return act if name == "CQ" else healthy

    monkeypatch.setattr(workers, "assistant_seat", sick)
    grid = make_grid(("CQ", "oracle"), users=("default",), pricing=("own",))
    data = evaluate(grid, tmp_path / "e", reference="oracle")
    assert data["faults"] == {"CQ": 8, "oracle": 0}
    assert row(data, "welfare", contender="CQ", by="all")["episodes"] == 16
    assert row(data, "welfare", contender="oracle", by="all")["episodes"] == 24
    assert {r["episodes"] for r in data["differences"]} == {16}
    turned = report(read_results(grid, tmp_path / "e", [unsolved()], "CQ", 0.05))
    assert {r["episodes"] for r in turned["differences"]} == {16}  # the reference failed
    assert data["dominance"][0]["instances"] == data["frontier"][0]["instances"] == 16
    assert any("8 conversations" in note for table in tables_of(data) for note in table.notes)
    healed = evaluate(grid, tmp_path / "e", reference="oracle", resume=True)
    assert healed["faults"]["CQ"] < 8  # what failed is played again


def test_written_matrices_are_told_run_by_run(evaluated: Evaluated, tmp_path: Path) -> None:
    """As `gtalign run` sums them up for a model that writes four blocks."""
    _, data = evaluated
    assert data["matrices"] == []  # policies by moves write none
    rank = {"mean": 0.5, "low": 0.4, "high": 0.6}
    scored = {"spearman": rank, "kendall": None, "error": rank, "without_order": 0}
    matrices = {
        "turns": 9,
        "written": 8,
        "distinct": 2,
        "top_share": 0.75,
        "calibration": {"turns": 4, "user": scored, "assistant": {**scored, "spearman": None}},
        "choice": {"turns": 8, "best_cell_played": 0.5, "announced": 8, "mismatch": 0.25},
    }
    (tmp_path / "summary.json").write_text(json.dumps({"matrices": matrices}))
    name = CellName("quick_question", "per_token", "busy_engineer", "default")
    rows = matrices_of([("model", name, tmp_path), ("policy", name, tmp_path / "none")])
    (table,) = [t for t in tables_of({**data, "matrices": rows}) if t.key == "matrices"]
    (cells,) = table.rows
    assert cells[2:7] == (8, 2, 0.75, [0.5, 0.4, 0.6], None)


def test_another_evaluation_is_refused(make_grid: MakeGrid, evaluated: Evaluated) -> None:
    folder, _ = evaluated
    with pytest.raises(RunError, match="holds an evaluation already"):
        evaluate(make_grid(), folder, reference="CQ")
    with pytest.raises(RunError, match="seed: 5 then, 6 now"):
        evaluate(make_grid(seed=6), folder, reference="CQ", resume=True)
    with pytest.raises(RunError, match="no evaluation in"):
        evaluate(make_grid(), folder / "none", reference="CQ", resume=True)
    with pytest.raises(RunError, match="twice"):
        make_grid(users=("default", "default"))


def test_a_cell_is_no_run_of_another_key(make_grid: MakeGrid, evaluated: Evaluated) -> None:
    """Gone on with by `gtalign run`, its draws would change half-way."""
    grid, (folder, _) = make_grid(), evaluated
    cell = grid.cells[SUBSCRIPTION]
    path = folder_of(folder, cell, grid.contenders[0])
    plain = Plan(cell.game, cell.user, "CQ", grid.seed, grid.episodes + 5)
    with pytest.raises(RunError, match="keyed_by"):
        run(plain, path, resume=True)


def test_an_interrupted_evaluation_goes_on(
    make_grid: MakeGrid, evaluated: Evaluated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, expected = evaluated
    real, seen = run, 0

    def stop(*args: Any, **kw: Any) -> Any:
        nonlocal seen
        seen += 1
        if seen == 5:
            raise KeyboardInterrupt
        return real(*args, **kw)

    monkeypatch.setattr("gtalign_training.grid.play.run", stop)
    with pytest.raises(KeyboardInterrupt):
        evaluate(make_grid(), tmp_path / "e", reference="CQ")
    assert not (tmp_path / "e" / "evaluation.json").exists()
    assert evaluate(make_grid(), tmp_path / "e", reference="CQ", resume=True) == expected


def test_every_table_is_a_file_in_every_format(evaluated: Evaluated) -> None:
    folder, data = evaluated
    keys = {table.key for table in tables_of(data)}
    assert {"welfare", "differences", "by-regime", "by-user", "worst", "moves"} <= keys
    files = {path.name for path in (folder / "tables").iterdir()}
    assert files == {key + end for key in keys for end in (".md", ".tex", ".csv")}
    assert (folder / "evaluation.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((folder / "evaluation.json").read_text()) == data
