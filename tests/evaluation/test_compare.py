"""Runs, evaluations and trainings beside one another; what was played otherwise is refused."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from gtalign_env.envs.transcript import transcript_of, write_transcripts
from gtalign_env.errors import RunError
from gtalign_env.scenario.loader import load_scenario
from gtalign_training.cli import main
from gtalign_training.evaluate import baselines
from gtalign_training.game import held_out_tables, user_of
from gtalign_training.grid.cells import Grid
from gtalign_training.grid.compare import compare
from gtalign_training.grid.evaluation import evaluate
from gtalign_training.grid.tables import tables_of
from gtalign_training.recipe import Recipe, load_recipe
from gtalign_training.run_folder import RunFolder, write_json
from gtalign_training.runs.folder import Plan, read_run
from gtalign_training.runs.record import play
from gtalign_training.runs.run import run

PARTS = ("welfare", "differences", "worst", "dominance", "frontier", "use", "moves", "optima")


def played(folder: Path, assistant: str, **changes: Any) -> Path:
    given: dict[str, Any] = {"user": "default", "seed": 2, "episodes": 30} | changes
    scenario = given.pop("scenario", None) or load_scenario("quick_question")
    run(Plan(scenario, given.pop("user"), assistant, **given), folder)
    return folder


def test_two_runs_are_compared_episode_by_episode(tmp_path: Path) -> None:
    one, two = played(tmp_path / "one", "CQ"), played(tmp_path / "two", "oracle", episodes=40)
    data = compare([one, two])
    mine, theirs = (read_run(folder).episodes for folder in (two, one))
    gain = np.mean([mine[i].welfare - theirs[i].welfare for i in range(30)])  # type: ignore[operator]  # no faults here
    (w,) = [row for row in data["differences"] if row["measure"] == "W"]
    assert (w["contender"], w["episodes"]) == ("oracle", 30)
    assert w["difference"][0] == pytest.approx(gain)
    swapped = compare([one, two], reference="oracle")
    (w,) = [row for row in swapped["differences"] if row["measure"] == "W"]
    assert w["difference"][0] == pytest.approx(-gain)


def test_the_runs_of_an_evaluation_compare_to_what_it_said(
    make_grid: Callable[..., Grid], tmp_path: Path
) -> None:
    whole = evaluate(make_grid(("CQ", "oracle")), tmp_path / "whole", reference="CQ")
    for name in ("CQ", "oracle"):
        evaluate(make_grid((name,)), tmp_path / name, reference=name)
    data = compare([tmp_path / "CQ", tmp_path / "oracle"])
    for part in PARTS:
        ours, theirs = (sorted(json.dumps(row) for row in found[part]) for found in (data, whole))
        assert ours == theirs, part


def test_the_same_assistant_twice_is_told_apart_by_its_folder(tmp_path: Path) -> None:
    one, two = played(tmp_path / "one", "CQ"), played(tmp_path / "two", "CQ")
    data = compare([one, two])
    assert data["contenders"] == [f"CQ ({one})", f"CQ ({two})"]
    assert all(row["difference"] == [0.0, 0.0, 0.0] for row in data["differences"])


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"seed": 3}, "seed: 2 and 3"),
        ({"user": "DQ"}, "user: 'default' and 'DQ'"),
        ({"scenario": load_scenario("upsell")}, "scenario: 'quick_question' and 'upsell'"),
        (
            {"scenario": dataclasses.replace(load_scenario("quick_question"), max_exchanges=3)},
            "max_exchanges: 4 and 3",
        ),
    ],
)
def test_what_was_played_otherwise_is_refused(
    changes: dict[str, Any], named: str, tmp_path: Path
) -> None:
    one, two = played(tmp_path / "one", "CQ"), played(tmp_path / "two", "oracle", **changes)
    with pytest.raises(RunError, match="cannot be compared") as refused:
        compare([one, two])
    assert named in str(refused.value)


def test_another_version_or_key_is_refused(tmp_path: Path) -> None:
    one, two = played(tmp_path / "one", "CQ"), played(tmp_path / "two", "oracle", keyed_by="other")
    with pytest.raises(RunError, match="keyed_by"):
        compare([one, two])
    old = played(tmp_path / "old", "oracle")
    RunFolder(old).mark(**{"gtalign-env": "0.0.1"})
    with pytest.raises(RunError, match=r"gtalign-env: '[\d.]+' and '0.0.1'"):
        compare([one, old])


def test_what_is_no_finished_run_is_refused(tmp_path: Path) -> None:
    one, two = played(tmp_path / "one", "CQ"), played(tmp_path / "two", "oracle")
    RunFolder(two).mark(status="interrupted")
    for folders, problem in (
        ([one, two], "is not finished"),
        ([one, tmp_path], r"has no run.json"),
        ([one, one], "given once"),
        ([one], "needs two assistants"),
    ):
        with pytest.raises(RunError, match=problem):
            compare(folders)
    done = CliRunner().invoke(main, ["compare", str(one), str(two)])
    assert done.exit_code == 2
    assert "not finished" in done.output


def training(folder: Path, recipe: Recipe, result: dict[str, Any]) -> Path:
    """Return a finished training run with this result."""
    home = RunFolder.open(folder, recipe, ["a"], resume=False)
    write_json(folder / "evaluation.json", result)
    home.mark(status="done")
    return folder


def exact(welfare: float) -> dict[str, Any]:
    row = {"user": 1.0, "assistant": 2.0, "welfare": welfare, "optimum": 3.0, "share": welfare / 3}
    return {"by_regime": {"subscription": row}}


def test_networks_are_compared_by_their_exact_values(tmp_path: Path) -> None:
    recipe = load_recipe("strategic-ppo")
    folders = [training(tmp_path / str(w), recipe, exact(w)) for w in (1.5, 2.0)]
    data = compare(folders)
    assert [row["difference"] for row in data["exact"]] == [0.0, 0.5]
    (table,) = tables_of(data)
    assert len(table.rows) == 2
    other = recipe.model_copy(update={"game": recipe.game.model_copy(update={"p_vague": 0.2})})
    with pytest.raises(RunError, match=r"game: .*p_vague"):
        compare([folders[0], training(tmp_path / "other", other, exact(1.0))])


@pytest.mark.slow
def test_language_models_are_compared_by_their_held_out_conversations(tmp_path: Path) -> None:
    """Two scripted assistants leave what a model's training leaves; one of them has no format."""
    data = load_recipe("tiny-grpo").model_dump(mode="json", by_alias=True)
    data["evaluation"]["conversations"] = 20
    recipe = Recipe.model_validate(data, strict=False)
    folders = []
    for name, written in (
        ("always CQ", None),
        ("Bayes oracle", None),
        ("Bayes oracle", "no block"),
    ):
        talks = []
        for table in held_out_tables(recipe):
            for episode in range(20):
                conversation = table.open(episode)
                play(conversation, user_of(recipe), baselines(recipe)[name])
                texts = None if written is None else [written] * 9
                talks.append(
                    transcript_of(
                        conversation, seed=recipe.evaluation.seed, episode=episode, written=texts
                    )
                )
        folder = training(tmp_path / f"{name}-{written}".replace(" ", "-"), recipe, {"rows": []})
        write_transcripts(folder / "transcripts-after.jsonl", talks)
        folders.append(folder)
    found = compare(folders)
    every = [row for row in found["welfare"] if row["by"] == "all"]
    asks, best, broken = (row["welfare"][0] for row in every)
    assert asks < best
    assert every[1]["share"][0] > 0.8
    assert broken <= 0.0
    assert {row["tests"] for row in found["differences"] if row["by"] == "all"} == {6}
    with pytest.raises(RunError, match="compared with trainings"):
        compare([folders[0], played(tmp_path / "run", "CQ")])
