"""`gtalign oracle`: what it prints is the oracle's own play, and nothing else."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console
from typer.testing import CliRunner

from gtalign_env.core.oracle import bayes_oracle
from gtalign_env.scenario.compile import compile_scenario
from gtalign_env.scenario.loader import load_scenario
from gtalign_training.cli import main
from gtalign_training.commands.oracle import on_path
from gtalign_training.progress import working

RUN = CliRunner()


def test_json_holds_value_and_decisions() -> None:
    result = RUN.invoke(main, ["oracle", "quick_question", "--json"])
    assert result.exit_code == 0
    data = json.loads(result.stdout)
    solved = bayes_oracle(compile_scenario(load_scenario("quick_question")))
    assert data["value"]["welfare"] == solved.value.welfare
    assert data["exact"] is True
    first = {row["history"]: row["move"] for row in data["decisions"]}
    assert first["VQ"] == "DA:concise"
    assert first["DQ"] == "DA:standard"


def test_only_what_its_own_play_reaches_is_shown() -> None:
    solved = bayes_oracle(compile_scenario(load_scenario("quick_question")))
    for known, _ in on_path(solved):
        for step, move in enumerate(known.assistant_moves):
            earlier = known._replace(
                user_moves=known.user_moves[: step + 1],
                assistant_moves=known.assistant_moves[:step],
            )
            played = {
                solved.decisions[earlier._replace(informed=informed)].move
                for informed in (False, True)
                if earlier._replace(informed=informed) in solved.decisions
            }
            assert move in played


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["oracle", "expert_report"], "at most 5 exchanges"),
        (["oracle", "quick_qestion"], "Did you mean 'quick_question'"),
        (["oracle", "quick_question", "--pricing", "subscripton"], "Did you mean 'subscription'"),
    ],
)
def test_what_cannot_be_solved_is_said_in_one_message(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.setattr("gtalign_env.core.oracle.MOST_EXCHANGES", 5)  # the longest have 6
    result = RUN.invoke(main, arguments)
    assert result.exit_code == 2
    assert message in result.stderr


@pytest.mark.parametrize(
    ("terminal", "quiet", "shown"),
    [(True, False, True), (True, True, False), (False, False, False)],
)
def test_work_is_shown_on_a_terminal_and_nowhere_else(
    terminal: bool, quiet: bool, shown: bool
) -> None:
    text = io.StringIO()
    with working(Console(file=text, force_terminal=terminal), "Solving it", quiet=quiet):
        pass
    assert ("Solving it" in text.getvalue()) is shown
    assert bool(text.getvalue()) is shown
