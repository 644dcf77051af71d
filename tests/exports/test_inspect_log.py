"""A run as Inspect's log: what the format asks for, both welfares of every conversation, no zero for a fault."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from typer.testing import CliRunner

from gtalign_training.cli import main
from gtalign_training.exports.told import read_story
from gtalign_training.runs.folder import read_run

SCHEMA = json.loads((Path(__file__).parent / "inspect_log.json").read_text(encoding="utf-8"))
LISTED = re.compile(r"^\d{4}-\d{2}-\d{2}T\d{2}[:-]\d{2}[:-]\d{2}.*\.json$")
"""What Inspect's viewer takes for a log (`log_file_pattern` of inspect_ai.log)."""


def exported(target: Path, folder: Path) -> tuple[Path, dict[str, Any]]:
    done = CliRunner().invoke(
        main, ["export", str(target), "--format", "inspect", "--out", str(folder)]
    )
    assert done.exit_code == 0, done.stderr
    assert "inspect view --log-dir" in done.stdout
    (file,) = folder.glob("*.json")
    log: dict[str, Any] = json.loads(
        file.read_text(encoding="utf-8"), parse_constant=lambda name: pytest.fail(name)
    )
    return file, log


@pytest.mark.parametrize("run", ["by_moves", "with_faults", "transcripts"])
def test_a_log_is_what_the_format_asks_for(
    run: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    file, log = exported(request.getfixturevalue(run), tmp_path / "logs")
    jsonschema.validate(log, SCHEMA, cls=jsonschema.Draft202012Validator)
    assert LISTED.match(file.name)
    ids = [sample["id"] for sample in log["samples"]]
    assert ids == log["eval"]["dataset"]["sample_ids"] == list(range(len(ids)))


def test_the_scores_are_the_welfares_of_the_run(by_moves: Path, tmp_path: Path) -> None:
    _, log = exported(by_moves, tmp_path)
    episodes = read_run(by_moves).episodes
    for sample in log["samples"]:
        one = episodes[sample["id"]]
        scores = {name: score["value"] for name, score in sample["scores"].items()}
        assert scores == {"user": one.user, "assistant": one.assistant, "joint": one.welfare}
        assert sample["metadata"]["persona"] == one.persona
        assert sample["metadata"]["charged_pico_usd"] == one.charged
        moves = [message["metadata"]["move"] for message in sample["messages"]]
        assert moves[::2] == list(one.user_moves)
        assert moves[1::2] == list(one.assistant_moves)
    means = {score["name"]: score["metrics"]["mean"]["value"] for score in log["results"]["scores"]}
    expected = sum(one.user for one in episodes.values()) / len(episodes)
    assert means["user"] == pytest.approx(expected, abs=1e-12)


def test_a_fault_is_an_error_without_a_score_and_models_have_their_tokens(
    with_faults: Path, tmp_path: Path
) -> None:
    _, log = exported(with_faults, tmp_path)
    failed = [sample for sample in log["samples"] if "error" in sample]
    assert len(failed) == 3
    assert all("scores" not in sample for sample in failed)
    assert all("status 401" in sample["error"]["message"] for sample in failed)
    assert log["results"]["completed_samples"] == 9
    assert log["results"]["total_samples"] == 12
    episodes = read_run(with_faults).episodes
    for sample in log["samples"]:
        words = episodes[sample["id"]].words
        assert words is not None
        sent, cached, written, hidden = words[1].usage
        if words[1].calls:
            used = sample["role_usage"]["assistant"]
            assert used["input_tokens"] + used["input_tokens_cache_read"] == sent
            assert used["input_tokens_cache_read"] == cached
            assert used["output_tokens"] == written + hidden
            assert used["total_tokens"] == sent + written + hidden
    said = [one for sample in log["samples"] for one in sample["messages"]]
    assert {one["role"] for one in said} == {"user", "assistant"}
    assert any(one["content"] == "It is Nice." and one["source"] == "generate" for one in said)


def test_what_a_model_wrote_beside_its_message_is_its_reasoning(
    transcripts: Path, tmp_path: Path
) -> None:
    _, log = exported(transcripts, tmp_path)
    story = read_story(transcripts)
    assert len(log["samples"]) == len(story.conversations) == 50
    reasoning, text = log["samples"][1]["messages"][1]["content"]
    assert reasoning == {"type": "reasoning", "reasoning": "+1<thinking>", "redacted": False}
    assert text == {"type": "text", "text": "+1"}
    assert "\ufffd half" in log["samples"][8]["input"]


def test_the_same_run_gives_the_same_file_and_none_is_replaced_unasked(
    by_moves: Path, tmp_path: Path
) -> None:
    first, _ = exported(by_moves, tmp_path / "one")
    second, _ = exported(by_moves, tmp_path / "other")
    assert first.name == second.name
    assert first.read_bytes() == second.read_bytes()
    again = CliRunner().invoke(
        main, ["export", str(by_moves), "--format", "inspect", "--out", str(tmp_path / "one")]
    )
    assert again.exit_code == 2
    assert "exists already" in again.stderr


def test_inspect_itself_reads_it(transcripts: Path, with_faults: Path, tmp_path: Path) -> None:
    log_module = pytest.importorskip("inspect_ai.log", reason="inspect-ai is not installed")
    for target in (transcripts, with_faults):
        file, written = exported(target, tmp_path / target.stem)
        log = log_module.read_eval_log(str(file))
        assert log.status == "success"
        for sample, ours in zip(log.samples, written["samples"], strict=True):
            if "scores" in ours:
                assert sample.scores["user"].value == ours["scores"]["user"]["value"]
                assert sample.scores["assistant"].value == ours["scores"]["assistant"]["value"]
            else:
                assert sample.error.message == ours["error"]["message"]
        assert len(log_module.list_eval_logs(str(file.parent))) == 1
