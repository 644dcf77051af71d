"""Sweeps: columns against the single solvers, any number of workers, interruption, the command."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from gtalign_env.core.exact import normal_form
from gtalign_env.errors import MissingExtraError, RunError, ScenarioError
from gtalign_env.games.dilemma import strict_dilemmas
from gtalign_env.games.nash import nash_equilibria
from gtalign_env.games.normal_form import NormalFormGame, price_of_anarchy, price_of_stability
from gtalign_env.games.solution import solve
from gtalign_env.scenario.compile import compile_scenario
from gtalign_env.scenario.sweep import Study, load_study
from gtalign_training.cli import main
from gtalign_training.studies.folder import StudyFolder
from gtalign_training.studies.sweep import columns_of, sweep

Write = Callable[[str], Study]

BODY = """\
axes:
  - {field: pricing.components.per_token.rates.output, grid: {from: 0, to: 60, points: 16}}
  - {field: persona.conciseness, log_grid: {from: 0.01, to: 1, points: 10}}
restriction: {user: [DQ, VQ], assistant: ["DA:concise", "AQ:standard"]}
compute: [equilibria, dilemma, welfare, charge, payoffs]
"""


def game_at(study: Study, index: int) -> tuple[NormalFormGame, Any]:
    """Return the game of a point and its matrix, by the single-game functions."""
    matrix = normal_form(compile_scenario(study.scenario(study.point(index))))
    return matrix.game, matrix


# What the columns say


@pytest.mark.parametrize("view", ["full", "standard"])
def test_columns_are_what_the_single_solvers_say(study_of: Write, view: str) -> None:
    body = BODY if view == "full" else f"view: {view}\n" + BODY.replace("restriction", "#")
    study = study_of(body)
    indices = list(range(0, study.size, 7))
    columns = columns_of(study, indices)
    plans = ["DA:standard", "CQ", "AQ:standard"]
    for row, index in enumerate(indices):
        game, matrix = game_at(study, index)
        shown = list(range(7))
        if view == "standard":
            shown = [1, 3, 5]
            game = NormalFormGame(
                matrix.user[:, shown], matrix.assistant[:, shown], game.user_plans, tuple(plans)
            )
        W = compile_scenario(study.base).welfare
        found = nash_equilibria(game)
        values = [
            float(np.asarray(e.user) @ W.array(game.user, game.assistant) @ np.asarray(e.assistant))
            for e in found.found
        ]
        at = {name: column[row] for name, column in columns.items()}
        assert at["equilibria"] == len(found.found)
        assert at["degenerate"] == found.degenerate
        assert at["worst.welfare"] == pytest.approx(min(values), abs=1e-9)
        assert at["best.welfare"] == pytest.approx(max(values), abs=1e-9)
        for name, pick in (("worst", min), ("best", max)):
            one = found.found[values.index(pick(values))]
            assert [at[f"{name}.{plan}"] for plan in game.user_plans] == pytest.approx(one.user)
            mix = [at[f"{name}.{plan}"] for plan in game.assistant_plans]
            assert mix == pytest.approx(one.assistant)
            charge = np.asarray(one.user) @ matrix.charge[:, shown] @ np.asarray(one.assistant)
            assert at[f"{name}.charge"] == pytest.approx(float(charge), abs=1e-12)
            cell = one.cell
            pure = cell and f"{game.user_plans[cell.user]} x {game.assistant_plans[cell.assistant]}"
            assert at[f"{name}.move"] == (pure or "mixed")
        solution = solve(game, welfares={"own": W})
        assert at["social_dilemma"] == solution["dilemma"]["social_dilemma"]
        assert at["strict_pd"] == bool(solution["dilemma"]["strict_pd"])
        profiles = [e.profile for e in found.found]
        for name, law in (("anarchy", price_of_anarchy), ("stability", price_of_stability)):
            ratio = law(game, W, profiles)
            column = at[f"price_of_{name}"]
            assert np.isnan(column) if ratio is None else column == pytest.approx(ratio)
        i, j = solution["optimum"]["own"]
        assert at["optimum.move"] == f"{game.user_plans[i]} x {game.assistant_plans[j]}"
        last = at[f"user.DQ x {game.assistant_plans[-1]}"]
        assert last == pytest.approx(game.user[1, -1], abs=1e-12)
        if view == "full":
            _check_restriction(game, solution, at)
    assert {"equilibria", "class"} <= set(columns)


def _check_restriction(game: NormalFormGame, solution: Any, at: dict[str, Any]) -> None:
    """Check the 2×2 part {DQ, VQ} × {DA:concise, AQ:standard}, cooperation named first."""
    name = "VQ|DQ x DA:concise|AQ:standard"
    assert at["restriction.class"] == solution["dilemma"]["classes"][name]
    strict = ((1, 0), (0, 5)) in [tuple(found) for found in strict_dilemmas(game)]
    assert at["restriction.strict_pd"] == strict
    critical = at["restriction.critical_discount"]
    if not strict:
        assert np.isnan(critical)
        return
    U, L = game.user, game.assistant
    user = (U[0, 0] - U[1, 0]) / (U[0, 0] - U[0, 5])
    assistant = (L[1, 5] - L[1, 0]) / (L[1, 5] - L[0, 5])
    assert critical == pytest.approx(max(user, assistant))
    # at this patience grim trigger is indifferent, just above it prefers to cooperate
    for T, R, P in ((U[0, 0], U[1, 0], U[0, 5]), (L[1, 5], L[1, 0], L[0, 5])):
        assert R / (1 - critical) >= T + critical / (1 - critical) * P - 1e-9


def test_a_welfare_of_its_own_judges_the_study(study_of: Write) -> None:
    own = columns_of(study_of(BODY + "welfare: {kind: user_only}\n"), [40])
    assert own["worst.welfare"][0] == own["worst.user"][0]


def test_a_disagreement_point_follows_the_outside_option(study_of: Write) -> None:
    study = study_of(
        "axes: [{field: persona.outside_option, values: [0, 1]}]\nwelfare: {kind: nash}\n"
    )
    columns = columns_of(study, [0, 1])
    user, assistant = columns["worst.user"], columns["worst.assistant"]
    gains = np.maximum(user - np.array([0.0, 1.0]), 0) * np.maximum(assistant, 0)
    assert columns["worst.welfare"] == pytest.approx(np.sqrt(gains))


def test_only_what_is_asked_for_is_there(study_of: Write) -> None:
    study = study_of("axes: [{field: persona.harm, values: [1]}]\ncompute: [charge]\n")
    names = {"worst.charge", "worst.cost", "worst.tokens"}
    expected = {"point", "persona.harm", *names, *(n.replace("worst", "best") for n in names)}
    assert set(columns_of(study, [0])) == expected


# Sweeps


def test_any_number_of_workers_and_chunks_gives_the_same_bytes(
    study_of: Write, tmp_path: Path
) -> None:
    study = study_of(BODY)
    seen = []
    for name, workers in (("a", 1), ("b", 2)):
        told: list[tuple[int, int]] = []
        summary = sweep(
            study,
            tmp_path / name,
            workers=workers,
            chunk=48,
            report=lambda done, points, told=told: told.append((done, points)),  # type: ignore[misc]  # default argument binds the loop variable
        )
        assert told[0] == (0, 160)
        assert told[-1] == (160, 160)
        assert summary["points"] == 160
        files = {file.name for file in (tmp_path / name).iterdir()}
        assert files == {"study.json", "results.parquet", "summary.json"}
        seen.append(
            [(tmp_path / name / f).read_bytes() for f in ("results.parquet", "summary.json")]
        )
    assert seen[0] == seen[1]
    table = StudyFolder(tmp_path / "a").results()
    assert table["point"].to_pylist() == list(range(160))
    columns = columns_of(study, range(160))
    for column in table.column_names:
        np.testing.assert_array_equal(table[column].to_numpy(zero_copy_only=False), columns[column])


SCRIPT = """
from pathlib import Path
from gtalign_env.scenario.sweep import load_study
from gtalign_training.studies.sweep import sweep
if __name__ == "__main__":
    sweep(load_study({study!r}), Path({out!r}), workers=2, chunk=2)
"""


def test_a_killed_sweep_resumes_with_nothing_lost(
    study_of: Write, tmp_path: Path, study_file: Callable[[str], Path]
) -> None:
    study = study_of(BODY)
    whole = sweep(study, tmp_path / "whole", chunk=2)
    out = tmp_path / "killed"
    script = tmp_path / "run.py"
    script.write_text(SCRIPT.format(study=str(study_file(BODY)), out=str(out)), encoding="utf-8")
    running = subprocess.Popen([sys.executable, str(script)])
    chunks = out / "chunks"
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        if chunks.exists() and len(list(chunks.glob("*.arrow"))) >= 3:
            break
        time.sleep(0.002)
    running.send_signal(signal.SIGKILL)
    assert running.wait() == -signal.SIGKILL
    assert not (out / "results.parquet").exists()
    time.sleep(0.5)  # the orphaned workers notice after the chunk they are at
    kept = {file.name: file.stat().st_mtime_ns for file in chunks.glob("*.arrow")}
    assert 3 <= len(kept) < 80
    time.sleep(0.3)
    assert {file.name for file in chunks.glob("*.arrow")} == set(kept)

    with pytest.raises(RunError, match="add --resume"):
        sweep(study, out, chunk=2)
    folder = StudyFolder(out)
    before = {name: folder.path.joinpath("chunks", name).read_bytes() for name in kept}
    told: list[int] = []
    solved_again = sweep(study, out, resume=True, report=lambda done, _: told.append(done))
    assert told[0] == 2 * len(kept)  # what was there is not solved again
    assert len(before) == len(kept)
    assert solved_again == whole
    for name in ("results.parquet", "summary.json"):
        assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert sweep(study, out, resume=True) == whole  # finished: nothing to do


def test_a_folder_of_something_else_is_refused(study_of: Write, tmp_path: Path) -> None:
    first = study_of("axes: [{field: persona.harm, values: [1]}]\n")
    sweep(first, tmp_path / "out")
    other = study_of("axes: [{field: persona.harm, values: [2]}]\n")
    with pytest.raises(RunError, match="another study or scenario"):
        sweep(other, tmp_path / "out", resume=True)
    with pytest.raises(RunError, match=r"no sweep in .* to resume"):
        sweep(other, tmp_path / "new", resume=True)


def test_a_point_out_of_range_stops_the_sweep_and_is_named(study_of: Write, tmp_path: Path) -> None:
    study = study_of("""\
        axes:
          - {field: task.interpretations, values: [2, 3]}
          - {field: task.coverage.verbose, values: [2, 3]}
        """)
    for workers in (1, 2):
        with pytest.raises(ScenarioError, match=r"coverage\.verbose.* must be at most"):
            sweep(study, tmp_path / str(workers), workers=workers, chunk=2)


def test_a_damaged_chunk_is_named(study_of: Write, tmp_path: Path) -> None:
    study = study_of("axes: [{field: persona.harm, values: [1, 2]}]\n")
    folder = StudyFolder.open(tmp_path / "out", study, resume=False)
    folder.chunk(0).write_bytes(b"nothing")
    with pytest.raises(RunError, match=r"000000\.arrow is damaged .*delete it and --resume"):
        sweep(study, tmp_path / "out", resume=True)


def test_a_folder_keeps_its_study_whatever_becomes_of_the_file(
    study_of: Write, tmp_path: Path
) -> None:
    study = study_of(BODY)
    folder = StudyFolder.open(tmp_path / "out", study, resume=False)
    again = folder.study()
    assert again.digest == study.digest
    assert [again.point(i) for i in range(160)] == [study.point(i) for i in range(160)]


def test_without_pyarrow_the_extra_is_named(
    study_of: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(MissingExtraError, match=r'sweep needs .* "gtalign-env\[studies\]"'):
        sweep(study_of(BODY), tmp_path / "out")
    assert not (tmp_path / "out").exists()


# The command


def test_the_command_prints_json_and_writes_the_folder(
    study_file: Callable[[str], Path], tmp_path: Path
) -> None:
    file = study_file(BODY)
    arguments = ["sweep", str(file), "--out", str(tmp_path / "out"), "--workers", "1"]
    done = CliRunner().invoke(main, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    summary = json.loads(done.stdout)
    assert summary == json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))
    assert summary["points"] == 160
    assert summary["exact"] is True
    counts = summary["counts"]["class"]
    assert sum(counts.values()) == 160
    where = summary["where"]["restriction.strict_pd"]
    assert where["points"] == summary["measures"]["restriction.critical_discount"]["points"]
    assert "sweep 160/160" in done.stderr

    again = CliRunner().invoke(main, arguments)
    assert again.exit_code == 2
    assert "--resume" in again.stderr
    resumed = CliRunner().invoke(main, [*arguments, "--resume"])
    assert resumed.exit_code == 0
    assert "160 points (exact)" in resumed.stdout
    assert "worst.welfare (points)" in resumed.stdout
    assert "worst.charge (USD)" in resumed.stdout
    without = 160 - summary["measures"]["price_of_anarchy"]["points"]
    assert (f"No price of anarchy at {without} of the points" in resumed.stdout) is bool(without)


def test_studies_are_listed_and_suggested() -> None:
    listed = CliRunner().invoke(main, ["list", "study", "--json"])
    assert "token_price_by_conciseness" in {row["name"] for row in json.loads(listed.stdout)}
    done = CliRunner().invoke(main, ["sweep", "token_price_by_concisenes"])
    assert done.exit_code == 2
    assert "Did you mean 'token_price_by_conciseness'?" in done.stderr


def test_a_study_needs_no_parquet_to_be_read() -> None:
    code = textwrap.dedent("""
        import sys
        from gtalign_env.scenario.sweep import load_study
        load_study("token_price_by_conciseness")
        heavy = {"pyarrow", "numba", "plotly", "matplotlib", "scipy.stats"} & set(sys.modules)
        assert not heavy, heavy
        """)
    subprocess.run([sys.executable, "-c", code], check=True)
    assert load_study("token_price_by_conciseness").size == 651
