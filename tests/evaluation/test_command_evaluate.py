"""`gtalign evaluate` and `gtalign compare` as people call them, models and trained runs included."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gtalign_env.errors import RunError
from gtalign_env.scenario.loader import load_pricing, load_scenario
from gtalign_env.testing import FaultServer
from gtalign_training.cli import main
from gtalign_training.grid.contenders import contender
from gtalign_training.models import new_assistant, save_assistant
from gtalign_training.recipe import load_recipe
from gtalign_training.run_folder import RunFolder

SMALL = ("--episodes", "12", "--seed", "4")


def call(*words: str, code: int = 0) -> str:
    done = CliRunner().invoke(main, list(words))
    assert done.exit_code == code, done.output
    return done.stdout


def test_the_formats_say_the_same(tmp_path: Path) -> None:
    first = ("evaluate", "quick_question", "--assistant", "CQ", "--assistant", "oracle", *SMALL)
    folder = ("--out", str(tmp_path / "e"))
    told = json.loads(call(*first, *folder, "--json"))
    mean = told["welfare"][1]["welfare"][0]
    again = (*first, *folder, "--resume", "--format")
    assert f"{mean:.2f} ±" in call(*again, "terminal")
    assert f"| {mean:.2f} [" in call(*again, "markdown")
    assert r"\midrule" in call(*again, "latex")
    rows = list(csv.reader(io.StringIO(call(*again, "csv").split("\n\n")[0])))
    assert float(rows[2][rows[0].index("W")]) == mean


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--format", "latx"), "Did you mean 'latex'"),
        (("--reference", "oracl"), "--reference is one of the assistants"),
        (("--assistant", "CQ", "--assistant", "CQ"), "every assistant is named once"),
        (("--assistant", "orcale"), "Did you mean 'oracle'"),
        (("--assistant", "run:nowhere"), "nowhere does not exist"),
        (("--user", "defalt"), "Did you mean 'default'"),
        (("--persona", "novise"), "novise"),
        (("--optimum", "maybe"), "--optimum is one of auto, always, never"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_written(
    words: tuple[str, ...], problem: str, tmp_path: Path
) -> None:
    out = tmp_path / "e"
    done = CliRunner().invoke(main, ["evaluate", "quick_question", *words, "--out", str(out)])
    assert done.exit_code == 2
    assert problem in " ".join(done.output.split())
    assert not out.exists()


def test_a_model_meets_the_same_users_in_words(tmp_path: Path) -> None:
    """A server in the assistant's seat beside a policy; both on the same draws."""
    with FaultServer(lambda messages: "It is Hue.") as server:
        name = f"openai:{server.base_url}#ok"
        words = ("evaluate", "help_desk", "--assistant", name, "--assistant", "CQ", *SMALL)
        told = json.loads(call(*words, "--out", str(tmp_path / "e"), "--json"))
    first, second = told["welfare"]
    assert (first["contender"], first["episodes"], second["episodes"]) == (name, 12, 12)
    assert {row["episodes"] for row in told["differences"]} == {12}
    (spoken,) = [
        p for p in (tmp_path / "e" / "cells").iterdir() if (p / "transcripts.jsonl").exists()
    ]
    assert json.loads((spoken / "run.json").read_text())["words"] is not None


def test_a_model_that_fails_is_no_zero(tmp_path: Path) -> None:
    with FaultServer(lambda messages: "It is Hue.") as server:
        name = f"openai:{server.base_url}#status-500"
        words = ("evaluate", "help_desk", "--assistant", name, "--assistant", "CQ", *SMALL)
        more = ("--out", str(tmp_path / "e"), "--tries", "1", "--fault-limit", "1", "--json")
        done = CliRunner().invoke(main, [*words, *more])
    assert done.exit_code == 3, done.output
    told = json.loads(done.stdout)
    assert told["faults"][name] == 12
    assert told["welfare"][0]["welfare"] is None
    assert told["differences"] == []


@pytest.fixture
def untrained(tmp_path: Path) -> Path:
    """The folder of a GRPO run whose model has learnt nothing."""
    recipe = load_recipe("tiny-grpo")
    folder = RunFolder.open(tmp_path / "grpo", recipe, [], resume=False)
    from gtalign_env.scenario.compile import compile_scenario

    scenario = load_scenario(recipe.game.scenario)
    specs = [
        compile_scenario(scenario.with_pricing(load_pricing(name))) for name in recipe.game.pricing
    ]
    save_assistant(new_assistant(recipe, specs), folder / "model")
    return folder.path


@pytest.mark.slow
def test_a_training_run_s_model_is_asked_as_in_training(untrained: Path, tmp_path: Path) -> None:
    """It writes no block, so no conversation of it has a positive W; and it says the same again."""
    words = ("evaluate", "help_desk", "--assistant", f"run:{untrained}", "--assistant", "CQ")
    few = (*words, "--out", str(tmp_path / "e"), "--seed", "4", "--episodes", "3")
    call(*few)
    told = json.loads(call(*words, *SMALL, "--out", str(tmp_path / "e"), "--resume", "--json"))
    fresh = json.loads(call(*words, *SMALL, "--out", str(tmp_path / "f"), "--json"))
    assert told["welfare"][0]["welfare"][0] <= 0.0
    assert told["welfare"][1]["welfare"][0] > 0.0
    assert {k: v for k, v in fresh.items() if k != "command"} == {
        k: v for k, v in told.items() if k != "command"
    }


def test_a_run_without_a_model_is_refused(untrained: Path) -> None:
    import shutil

    shutil.rmtree(untrained / "model")
    with pytest.raises(RunError, match="no trained model"):
        contender(str(untrained))
