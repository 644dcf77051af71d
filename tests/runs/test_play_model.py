"""A person across from a language model: in words, and a model that fails ends it without a score."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from gtalign_env.envs.transcript import read_transcripts
from gtalign_env.testing import FaultServer
from gtalign_training.cli import main

from .conftest import reply


def played(server: FaultServer, seat: str, said: str, model: str = "ok", *more: str) -> Any:
    opponent = f"openai:{server.base_url}#{model}"
    args = ["play", "help_desk", "--as", seat, "--opponent", opponent, "--seed", "3", *more]
    return CliRunner().invoke(main, args, input=said)


def test_a_model_answers_a_person(tmp_path: Path) -> None:
    file = tmp_path / "told.jsonl"
    with FaultServer(reply) as server:
        result = played(
            server, "user", "Where is that town?\nThank you.\n", "ok", "--out", str(file)
        )
        system = server.prompts[0]["messages"][0]["content"]
    assert result.exit_code == 0
    assert "assistant  CQ  Which one do you mean?" in result.stdout
    assert "The optimum" not in result.stdout  # nobody can say what a model would have done
    assert "points" not in system
    (told,) = read_transcripts(file)
    assert [turn.written for turn in told.turns][:2] == [None, "Which one do you mean?"]


def test_a_model_asks_a_person() -> None:
    with FaultServer(reply) as server:
        result = played(server, "assistant", "Which one?\nIt is Nice.\nIt is Ontario.\n")
    assert result.exit_code == 0
    assert "U hidden" in result.stdout
    assert result.stdout.count("you> ") >= 2


def test_a_model_that_fails_ends_it_without_a_score() -> None:
    with FaultServer(reply) as server:
        result = played(server, "user", "Where is that town?\n", "forbidden")
    assert result.exit_code == 3
    assert "The other seat failed: status 401" in result.stdout
    assert "Fault. Seed 3." in result.stdout
    assert "joint W" not in result.stdout
