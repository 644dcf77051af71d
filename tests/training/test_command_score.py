"""`gtalign score`: one line out for each line in, and what it says of bad lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gtalign_agents.fourblock import PAYOFF_KEYS, FourBlock, render
from gtalign_training.cli import main

RUN = CliRunner()
TEXT = render(
    FourBlock("", {key: {"LLM": 1, "user": 2} for key in PAYOFF_KEYS}, "", "Four.\u2028Yes.")
)
GOOD = {"source": "math", "completion": TEXT, "reference": "4", "label": None, "judge": 1}


def file_of(folder: Path, *lines: Any) -> str:
    path = folder / "completions.jsonl"
    text = [
        line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines
    ]
    path.write_text("\n".join(text) + "\n", encoding="utf-8")
    return str(path)


def test_a_score_for_each_line_in_order(tmp_path: Path) -> None:
    file = file_of(tmp_path, GOOD, GOOD | {"judge": None}, "", GOOD | {"completion": "no blocks"})
    result = RUN.invoke(main, ["score", file, "--welfare", "gtalign-paper"])
    assert result.exit_code == 0, result.output
    first, second, third = (json.loads(line) for line in result.stdout.splitlines())
    assert set(first) == {"valid", "error", "user", "assistant", "welfare", "components"}
    assert first["valid"]
    assert first["error"] is None
    assert first["welfare"]["cobb-douglas"] ** 2 == pytest.approx(
        first["user"] * first["assistant"]
    )
    assert second["valid"]
    assert second["user"] is None
    assert set(second["welfare"].values()) == {None}
    assert not third["valid"]
    assert third["error"] == {"rule": "outside_text", "offset": 0}
    assert "1 scored, 1 malformed (0 in every field), 1 masked" in result.stderr


def test_the_published_safety_order_is_warned_of(tmp_path: Path) -> None:
    file = file_of(tmp_path, GOOD | {"source": "safety", "label": "harmful"})
    for welfare, warned in (("gtalign-paper", True), ("gtalign-corrected", False)):
        result = RUN.invoke(main, ["score", file, "--welfare", welfare])
        assert ("ranks an unsafe answer" in result.stderr) is warned


def test_scores_go_to_a_file_or_come_from_standard_input(tmp_path: Path) -> None:
    out = tmp_path / "scores.jsonl"
    result = RUN.invoke(main, ["score", "-", "--out", str(out)], input=json.dumps(GOOD) + "\n")
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    assert json.loads(out.read_text())["valid"]
    again = RUN.invoke(main, ["score", "-", "--out", str(out)], input=json.dumps(GOOD) + "\n")
    assert again.exit_code == 2
    assert "--force replaces it" in again.stderr


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "Expecting property name"),
        ("[]", "a line must be an object; got list"),
        (GOOD | {"jugde": 1}, "unknown field 'jugde'. Did you mean 'judge'?"),
        (GOOD | {"completion": 5}, "completion must be a string; got 5"),
        (GOOD | {"judge": True}, "judge must be a number or null; got True"),
        (GOOD | {"judge": 2}, "judge must be 0 or 1"),
        (GOOD | {"label": 1}, "label must be a string or null; got 1"),
        (GOOD | {"source": "maths"}, "source must be one of math"),
        ("[" * 100_000, "recursion"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: Any, said: str) -> None:
    file = file_of(tmp_path, GOOD, line)
    result = RUN.invoke(main, ["score", file])
    assert result.exit_code == 2
    assert f"{file}:2: " in result.stderr
    assert said in result.stderr


def test_a_missing_file_and_an_unknown_welfare_are_named(tmp_path: Path) -> None:
    result = RUN.invoke(main, ["score", str(tmp_path / "none.jsonl")])
    assert result.exit_code == 2
    assert "none.jsonl: there is no such file" in result.stderr
    result = RUN.invoke(main, ["score", "-", "--welfare", "gtalign-papre"], input="")
    assert result.exit_code == 2
    assert "Did you mean 'gtalign-paper'?" in result.stderr
