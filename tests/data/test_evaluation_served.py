"""A real server, killed runs: what a user does with ``transformers serve`` and a file of rows."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gtalign_training.cli import main
from gtalign_training.data.evaluation.records import ANSWERS, read_kept
from gtalign_training.run_log import read_log
from gtalign_training.runs.folder import RUN, SUMMARY

from .conftest import ambig_row, math_row

GTALIGN = [sys.executable, "-m", "gtalign_training.cli"]


def files_of(folder: Path, count: int) -> list[str]:
    """Write generated rows as two parquet files in the published schemas."""
    import pyarrow
    import pyarrow.parquet

    paths = []
    for name, make in (("ambig_qa_test", ambig_row), ("math_hard_test", math_row)):
        path = folder / f"{name}.parquet"
        table = pyarrow.Table.from_pylist([make(i) for i in range(count)])
        pyarrow.parquet.write_table(table, path)
        paths.append(str(path))
    return paths


def child(args: list[str]) -> subprocess.Popen[bytes]:
    path = os.pathsep.join(entry for entry in sys.path if entry)
    env = os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [*GTALIGN, *args], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def killed(args: list[str], folder: Path, more: int) -> int:
    """Run a command, kill it when it has so many answers more, and return how many it has kept."""
    before = len(read_log(folder / ANSWERS).records)
    process = child(args)
    while process.poll() is None:
        kept = len(read_log(folder / ANSWERS).records)
        if kept >= before + more:
            process.send_signal(signal.SIGKILL)
            break
        time.sleep(0.01)
    said = process.communicate()[0].decode()
    assert process.returncode == -signal.SIGKILL, said
    return len(read_log(folder / ANSWERS).records)


def killed_twice_and_resumed(args: list[str], folder: Path, answers: int, seed: int) -> None:
    rng = random.Random(seed)
    full = [*args, "--out", str(folder)]
    first = killed(full, folder, rng.randrange(1, answers // 3))
    second = killed([*full, "--resume"], folder, rng.randrange(1, answers // 3))
    assert first < second < answers
    done = child([*full, "--resume"])
    said = done.communicate()[0].decode()
    assert done.returncode == 0, said
    kept = read_kept(folder)
    assert len(kept.answers) == answers
    assert len(read_log(folder / ANSWERS).records) == answers  # none lost, none twice
    assert json.loads((folder / RUN).read_text())["status"] == "finished"


def test_a_killed_evaluation_resumes_to_the_bytes_of_the_unbroken_one(tmp_path: Path) -> None:
    args = ["data", "evaluate", *files_of(tmp_path, 60), "--assistant", "reference"]
    args += ["--pricing", "per_token", "--pricing", "subscription", "--at-once", "4"]
    args += ["--persona", "busy_engineer"]
    done = CliRunner().invoke(main, [*args, "--out", str(tmp_path / "unbroken")])
    assert done.exit_code == 0, done.output
    killed_twice_and_resumed(args, tmp_path / "killed", 240, seed=1)
    whole, broken = (tmp_path / name / SUMMARY for name in ("unbroken", "killed"))
    assert whole.read_bytes() == broken.read_bytes()


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), pytest.param(signal.SIGTERM, 143, marks=pytest.mark.slow)],
)
def test_an_interruption_keeps_what_is_finished_and_says_how_to_go_on(
    tmp_path: Path, number: int, code: int
) -> None:
    args = ["data", "evaluate", *files_of(tmp_path, 60), "--assistant", "reference"]
    args += ["--at-once", "2", "--out", str(tmp_path / "run")]
    process = child(args)
    while process.poll() is None and len(read_log(tmp_path / "run" / ANSWERS).records) < 10:
        time.sleep(0.01)
    process.send_signal(number)
    said = process.communicate()[0].decode()
    assert process.returncode == code, said
    assert "add --resume" in said
    assert "Traceback" not in said
    assert json.loads((tmp_path / "run" / RUN).read_text())["status"] == "interrupted"
    done = CliRunner().invoke(main, [*args, "--resume"])
    assert done.exit_code == 0, done.output


SERVED = ["--temperature", "0", "--max-tokens", "24", "--at-once", "4"]


@pytest.mark.slow
def test_a_real_server_answers_rows_and_killed_runs_are_the_unbroken_one(
    served: str, tmp_path: Path
) -> None:
    args = ["data", "evaluate", *files_of(tmp_path, 24), "--assistant", served, *SERVED]
    args += ["--pricing", "per_token", "--pricing", "subscription"]
    whole = child([*args, "--out", str(tmp_path / "unbroken")])
    said = whole.communicate()[0].decode()
    assert whole.returncode == 0, said
    killed_twice_and_resumed(args, tmp_path / "killed", 96, seed=2)
    summaries = [tmp_path / name / SUMMARY for name in ("unbroken", "killed")]
    assert summaries[0].read_bytes() == summaries[1].read_bytes()
    summary: dict[str, Any] = json.loads(summaries[0].read_text())
    model = summary["models"]["assistant"]
    assert model["calls"] == 96
    assert model["estimated"] == 0  # the server counts its tokens
    # what it writes is the model's text alone: the prompt does not come back with it
    answers = read_kept(tmp_path / "unbroken").answers.values()
    assert all(0 < one.calls[0].usage.output <= 24 for one in answers)
    assert not any(one.text.startswith(("User:", "\nUser:")) for one in answers)


@pytest.mark.slow
def test_a_real_server_judges_and_what_it_says_is_no_verdict(served: str, tmp_path: Path) -> None:
    args = ["data", "evaluate", *files_of(tmp_path, 3), "--assistant", "reference", *SERVED]
    args += ["--judge", served, "--no-rules", "--out", str(tmp_path / "run"), "--json"]
    result = CliRunner().invoke(main, [*args, "--fault-limit", "1"])
    assert result.exit_code == 3, result.output
    summary = json.loads(result.stdout)
    # random weights give no verdict: each is a fault, none a zero
    kinds = summary["faults"]["judge"]
    assert sum(kinds.values()) == 6
    assert set(kinds) <= {"schema", "truncated"}
    assert summary["conditions"][0]["quality"] is None
    again = CliRunner().invoke(
        main, ["rescore", str(tmp_path / "run"), "--judge", "rules", "--json"]
    )
    assert again.exit_code == 0, again.output
    assert json.loads(again.stdout)["conditions"][0]["quality"]["n"] == 6


@pytest.mark.slow
@pytest.mark.parametrize("command", ["evaluate", "run"])
def test_a_real_server_that_cannot_continue_a_turn_is_told_so(
    served: str, tmp_path: Path, command: str
) -> None:
    args = ["run", "help_desk", "--episodes", "4"]
    if command == "evaluate":
        args = ["data", "evaluate", *files_of(tmp_path, 3)]
    args += ["--assistant", served, "--steer", "150", "--out", str(tmp_path / "run")]
    result = CliRunner().invoke(main, args)
    assert result.exit_code == 2, result.output
    said = result.stderr.replace("\n", " ")
    assert "cannot continue a turn (status 422" in said
    assert "such as vLLM or SGLang" in said
    if command == "evaluate":
        control = CliRunner().invoke(
            main, [*args[:-1], str(tmp_path / "control"), "--steer-mode", "record-only", *SERVED]
        )
        assert control.exit_code == 0, control.output


@pytest.mark.slow
def test_a_real_server_in_a_conversation(served: str, tmp_path: Path) -> None:
    args = ["run", "help_desk", "--assistant", served, "--episodes", "6", "--max-tokens", "24"]
    result = CliRunner().invoke(
        main, [*args, "--temperature", "0", "--out", str(tmp_path / "run"), "--json"]
    )
    assert result.exit_code == 0, result.output
    seat = json.loads(result.stdout)["seats"]["assistant"]
    assert seat["model"]["calls"] == seat["messages"] > 0
    doctor = CliRunner().invoke(main, ["doctor", "--server", served])
    assert doctor.exit_code == 0, doctor.output
    assert "continues a turn: status 422" in doctor.stdout
