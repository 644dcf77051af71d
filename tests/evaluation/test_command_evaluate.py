"""`gtalign evaluate` and `gtalign compare` as people call them, models and trained runs included."""

from __future__ import annotations

import csv
import inspect
import io
import json
import shlex
from importlib import import_module
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gtalign_env.errors import RunError
from gtalign_env.scenario.loader import load_pricing, load_scenario
from gtalign_env.testing import FaultServer
from gtalign_training.cli import main
from gtalign_training.console import point_to_report
from gtalign_training.grid.cells import cells_of, unplayed
from gtalign_training.grid.contenders import contender
from gtalign_training.grid.spoken import unread
from gtalign_training.grid.tables_detail import dominance_table
from gtalign_training.language.models import new_assistant, save_assistant
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


def test_a_price_for_which_a_tiny_model_has_no_words_is_told(untrained: Path) -> None:
    scenario = load_scenario("help_desk")
    known, strange = (
        scenario.with_pricing(load_pricing(name)) for name in ("subscription", "outcome_based")
    )
    assert list(unread("run", untrained, [known])) == []
    (told,) = unread("run", untrained, [known, strange, strange])
    assert "words of the price outcome_based are not in the tiny model's language" in told
    assert "reasoning_api, subscription, reasoning_free_questions" in told


def test_a_run_without_a_model_is_refused(untrained: Path) -> None:
    import shutil

    shutil.rmtree(untrained / "model")
    with pytest.raises(RunError, match="no trained model"):
        contender(str(untrained))


def test_dominance_is_called_by_its_name_and_explained() -> None:
    strict = {"epsilon": 0.0, "first": 1, "second": 2, "equal": 0, "incomparable": 1}
    relaxed = {"epsilon": 0.1, "first": 0, "second": 1, "equal": 3, "incomparable": 0}
    row = {"contender": "CQ", "instances": 4, "strict": strict, "epsilon": relaxed}
    table = dominance_table({"reference": "oracle", "dominance": [row]})
    assert table.title == "Dominates oracle, instance by instance"
    names = [column.name for column in table.columns]
    assert names == ["assistant", "ε", "n", "dominates", "dominated", "equal", "incomparable"]
    assert table.rows[0][1:5] == ("0", 4, 0.25, 0.5)
    assert table.rows[1][1:5] == ("0.1", 4, 0.0, 0.25)
    (note,) = table.notes
    assert "neither side loses more than ε points and one gains more" in note


def test_regimes_of_a_schedule_that_are_not_reached_are_told(tmp_path: Path) -> None:
    first = ("evaluate", "help_desk", "--assistant", "CQ", "--optimum", "never", *SMALL)
    done = CliRunner().invoke(main, [*first, "--out", str(tmp_path / "own")])
    assert (
        "do not reach all of its schedule (reasoning_free_questions from conversation 1,000)"
        in (done.stderr)
    )
    assert "--pricing reasoning_api --pricing reasoning_free_questions" in done.stderr
    assert "--episodes 1001 or more" in done.stderr
    each = ("--pricing", "reasoning_api", "--pricing", "reasoning_free_questions")
    done = CliRunner().invoke(main, [*first, *each, "--out", str(tmp_path / "each")])
    assert "do not reach" not in done.stderr
    (cell,) = cells_of([load_scenario("help_desk")], ["default"])
    assert unplayed(cell, 1000)
    assert not unplayed(cell, 1001)


def test_results_end_with_how_they_are_looked_at_but_for_programs(tmp_path: Path) -> None:
    out = tmp_path / "a folder"
    first = ("evaluate", "quick_question", "--assistant", "CQ", "--assistant", "oracle", *SMALL)
    done = CliRunner().invoke(main, [*first, "--out", str(out)])
    line = done.stderr.splitlines()[-1]
    assert line == f"Look at it: gtalign report '{out}' -o 'a folder.html'"
    page = tmp_path / "page.html"
    words = shlex.split(line.partition("gtalign ")[2])[:-1]
    assert CliRunner().invoke(main, [*words, str(page)]).exit_code == 0
    assert "Welfare of both sides" in page.read_text(encoding="utf-8")
    done = CliRunner().invoke(main, [*first, "--out", str(out), "--resume", "--json"])
    assert "Look at it" not in done.output


@pytest.mark.parametrize(
    "name", ["run", "evaluate", "compare", "train", "ablation", "data_evaluate", "demo"]
)
def test_every_command_that_leaves_results_says_how_they_are_looked_at(name: str) -> None:
    source = import_module(f"gtalign_training.commands.{name}")
    assert source.point_to_report is point_to_report
    assert "Look at it" not in inspect.getsource(source)  # in one place
