"""`gtalign run` and `gtalign agents` as typed: what they print, and what they answer to mistakes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gtalign_agents.adapters import observe
from gtalign_agents.table import AGENTS
from gtalign_env.core.moves import AssistantMove
from gtalign_env.envs.table import Table
from gtalign_env.errors import RunError, ScenarioError
from gtalign_training.cli import main
from gtalign_training.recipe import load_recipe
from gtalign_training.run_folder import write_json
from gtalign_training.runs.seats import assistant_seat, is_stochastic
from gtalign_training.tabular.algorithms import move_shares
from gtalign_training.tabular.checkpoint import save_model
from gtalign_training.tabular.model import build_model, first_places, own_randomness

RUN = CliRunner()


def test_a_run_prints_its_summary_within_80_columns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    command = ["run", "help_desk", "--user", "random", "--assistant", "random"]
    result = RUN.invoke(main, [*command, "--episodes", "80", "--out", str(tmp_path / "run")])
    assert result.exit_code == 0
    assert "80 conversations, seed 0" in result.stdout
    assert "95 % interval" in result.stdout
    assert "hurried_admin" in result.stdout
    assert "Its bill: 0.0" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert f"Run folder: {tmp_path / 'run'}" in result.stderr
    assert "run 80/80" in result.stderr


def test_json_is_the_summary_and_nothing_else(tmp_path: Path) -> None:
    command = ["run", "quick_question", "--pricing", "subscription", "--episodes", "20", "--json"]
    result = RUN.invoke(main, [*command, "--out", str(tmp_path)])
    summary = json.loads(result.stdout)
    assert summary == json.loads((tmp_path / "summary.json").read_text())
    assert summary["pricing"] == ["subscription"]
    assert list(summary["welfare"]) == ["user", "assistant", "joint"]
    assert json.loads((tmp_path / "run.json").read_text())["status"] == "finished"


def test_the_default_folder_tells_runs_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for assistant in ("CQ", "AQ:concise"):
        command = ["run", "quick_question", "--user", "default@0.2", "--assistant", assistant]
        assert RUN.invoke(main, [*command, "--episodes", "2", "--seed", "5"]).exit_code == 0
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == [
        "quick_question-default@0.2-AQ_concise-5",
        "quick_question-default@0.2-CQ-5",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["quick_qestion"], "Did you mean 'quick_question'"),
        (["quick_question", "--pricing", "subscripton"], "Did you mean 'subscription'"),
        (["quick_question", "--user", "patiant"], "Did you mean 'patient'"),
        (["quick_question", "--assistant", "orcale"], "Did you mean 'oracle'"),
        (["quick_question", "--assistant", "trained@"], "after trained@ comes a run folder"),
        (["quick_question", "--assistant", "trained@nowhere"], "nowhere does not exist"),
        (["quick_question", "--user", "grim"], "the user is one of default"),
    ],
)
def test_mistakes_are_one_message_before_anything_is_written(
    tmp_path: Path, arguments: list[str], message: str
) -> None:
    result = RUN.invoke(main, ["run", *arguments, "--out", str(tmp_path / "run")])
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
    assert not (tmp_path / "run").exists()


def test_a_trained_assistant_plays_its_likeliest_move(tmp_path: Path) -> None:
    recipe = load_recipe("strategic-ppo")
    (tmp_path / "model").mkdir()
    write_json(tmp_path / "recipe.json", recipe.model_dump(mode="json", by_alias=True))
    with own_randomness(recipe):
        model, _ = build_model(recipe, first_places(recipe))
        save_model(model, tmp_path / "model" / "model.zip")
    seat = assistant_seat(f"trained@{tmp_path}")
    table = Table(recipe.game.scenario)
    user = AGENTS["VQ"].make()
    for episode in range(5):
        talk = table.open(episode)
        talk.step_user(user(talk.user_view(), 0.0))
        view = talk.assistant_view()
        likeliest = AssistantMove(int(move_shares(model, observe(view)[0][None]).argmax()))
        assert seat(view, 0.99) is likeliest
    assert is_stochastic(f"trained@{tmp_path}", "assistant") is False
    command = ["run", recipe.game.scenario, "--assistant", f"trained@{tmp_path}", "--episodes", "3"]
    assert RUN.invoke(main, [*command, "--out", str(tmp_path / "run")]).exit_code == 0


def test_a_folder_of_another_kind_of_assistant_is_refused(tmp_path: Path) -> None:
    recipe = load_recipe("tiny-grpo")
    write_json(tmp_path / "recipe.json", recipe.model_dump(mode="json", by_alias=True))
    with pytest.raises(RunError, match=r"holds an assistant that speaks \(recipe 'tiny-grpo'\)"):
        assistant_seat(f"trained@{tmp_path}")
    with pytest.raises(ScenarioError, match="comes a run folder"):
        assistant_seat("trained@")


def test_agents_lists_every_row_with_its_traits() -> None:
    every = json.loads(RUN.invoke(main, ["agents", "--json"]).stdout)
    assert [row["name"] for row in every] == list(AGENTS)
    users = json.loads(RUN.invoke(main, ["agents", "user", "--json"]).stdout)
    assert {row["seat"] for row in users} == {"user", "either"}
    assert all(row["games"] == ["conversation"] for row in users)
    shown = RUN.invoke(main, ["agents"], env={"COLUMNS": "80"}).stdout
    for name in AGENTS:
        assert f" {name}" in shown
    wrong = RUN.invoke(main, ["agents", "asistant"])
    assert wrong.exit_code == 2
    assert "Did you mean 'assistant'" in wrong.stderr
