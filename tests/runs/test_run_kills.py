"""A run that is killed, interrupted or out of disk loses nothing that it has reported done."""

from __future__ import annotations

import errno
import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gtalign_training.cli import main
from gtalign_training.run_log import read_log
from gtalign_training.runs.folder import (
    EPISODES,
    RUN,
    SUMMARY,
    Plan,
    episodes_of_events,
    read_run,
)
from gtalign_training.runs.hold import DiskFullError
from gtalign_training.runs.run import run, summary_of

EPISODES_RUN = 200

CHILD = """
import sys, time
from pathlib import Path
from gtalign_env.scenario.loader import load_scenario
from gtalign_training.runs.run import run
from gtalign_training.runs.folder import Plan
from gtalign_training.runs.workers import named_seats

def slow(plan):
    user, assistant = named_seats(plan)
    def wait(view, u):
        time.sleep(0.001)
        return user(view, u)
    return wait, assistant

def tell(done, episodes, finished):
    for one in finished:
        print(one.episode, flush=True)

if __name__ == "__main__":
    folder, workers, episodes = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    plan = Plan(load_scenario("quick_question"), "default", "clarify_once", 3, episodes)
    print("ready", flush=True)
    run(plan, folder, workers=workers, resume=(folder / "run.json").exists(), report=tell,
        make=slow if workers == 1 else named_seats)
"""


def start(script: Path, folder: Path, workers: int, episodes: int) -> subprocess.Popen[str]:
    script.write_text(CHILD)
    command = [sys.executable, str(script), str(folder), str(workers), str(episodes)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    return child


def kill_after(child: subprocess.Popen[str], episodes: int, wait: float) -> set[int]:
    """Kill a child some time after it has reported so many episodes; return all it reported."""
    assert child.stdout is not None
    said = list(islice(child.stdout, episodes))
    time.sleep(wait)
    child.send_signal(signal.SIGKILL)
    said += child.communicate()[0].splitlines()
    return {int(line) for line in said}


def finish(child: subprocess.Popen[str]) -> set[int]:
    said, _ = child.communicate(timeout=60)
    assert child.returncode == 0
    return {int(line) for line in said.splitlines()}


def require_kept(folder: Path, acknowledged: set[int]) -> None:
    """Nothing that was acknowledged is lost, and nothing stands there twice."""
    lines = [record["episode"] for record in read_log(folder / EPISODES).records]
    assert acknowledged <= set(lines)
    assert len(lines) == len(set(lines))


def test_a_run_killed_eight_times_ends_as_the_unbroken_one(
    tmp_path: Path, unbroken: Path, summary_hash: Callable[[Path], str]
) -> None:
    rng = random.Random(36)
    folder, script = tmp_path / "run", tmp_path / "child.py"
    acknowledged: set[int] = set()
    cut = 0
    for _ in range(8):
        child = start(script, folder, 1, EPISODES_RUN)
        acknowledged |= kill_after(child, rng.randrange(20), rng.uniform(0.0, 0.03))
        require_kept(folder, acknowledged)
        cut += 0 < len(acknowledged) < EPISODES_RUN
    assert cut > 4  # the kills did come in the middle
    again = finish(start(script, folder, 1, EPISODES_RUN))
    assert again.isdisjoint(acknowledged)
    require_kept(folder, set(range(EPISODES_RUN)))
    assert summary_hash(folder) == summary_hash(unbroken)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_a_hundred_runs_killed_once_end_as_the_unbroken_one(
    tmp_path: Path, unbroken: Path, summary_hash: Callable[[Path], str], workers: int
) -> None:
    rng = random.Random(workers)
    script, cut = tmp_path / "child.py", 0
    for trial in range(50):
        folder = tmp_path / str(trial)
        child = start(script, folder, workers, EPISODES_RUN)
        acknowledged = kill_after(child, rng.randrange(180), rng.uniform(0.0, 0.02))
        require_kept(folder, acknowledged)
        again = finish(start(script, folder, workers, EPISODES_RUN))
        assert again.isdisjoint(acknowledged)
        require_kept(folder, set(range(EPISODES_RUN)))
        assert summary_hash(folder) == summary_hash(unbroken)
        cut += 0 < len(acknowledged) < EPISODES_RUN
    assert cut >= 25


@pytest.mark.parametrize(
    ("workers", "sent", "code"),
    [
        (1, [signal.SIGINT], 130),
        (1, [signal.SIGINT, signal.SIGINT], 130),
        (2, [signal.SIGTERM], 143),
    ],
)
def test_an_interrupted_run_ends_soon_and_clean(
    tmp_path: Path, workers: int, sent: list[signal.Signals], code: int
) -> None:
    folder = tmp_path / "run"
    command = ["run", "quick_question", "--out", str(folder), "--workers", str(workers)]
    child = subprocess.Popen(
        [sys.executable, "-m", "gtalign_training.cli", *command, "--episodes", "10000000"],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    while not (folder / EPISODES).exists() or (folder / EPISODES).stat().st_size < 10_000:
        time.sleep(0.01)
        assert child.poll() is None
    began = time.monotonic()
    for number in sent:
        child.send_signal(number)
        time.sleep(0.02)
    out, err = child.communicate(timeout=20)
    assert time.monotonic() - began < 5.0
    assert child.returncode == code
    assert "Traceback" not in err
    assert f"what has finished is kept in {folder}" in err.replace("\n", " ")
    assert out == ""
    assert json.loads((folder / RUN).read_text())["status"] == "interrupted"
    assert (folder / "lock").read_text() == ""
    found = read_run(folder)
    assert found.notes == ()
    assert sorted(found.episodes) == list(range(len(found.episodes)))
    assert not (folder / SUMMARY).exists()


def test_a_policy_that_hangs_is_interrupted_too(
    tmp_path: Path, make_plan: Callable[..., Plan]
) -> None:
    def hang(view: object, u: float) -> int:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(60)
        return 0

    before = signal.getsignal(signal.SIGINT)
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run(make_plan(5), tmp_path / "run", make=lambda plan: (hang, hang))  # type: ignore[arg-type,return-value]
    assert time.monotonic() - began < 5.0
    assert signal.getsignal(signal.SIGINT) is before


@contextmanager
def no_file_beyond(size: int) -> Iterator[None]:
    """Let no file grow beyond a size: the system refuses as it does when the disk is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_one_line_and_exit_code_3_wherever_it_strikes(
    tmp_path: Path, unbroken: Path, summary_hash: Callable[[Path], str]
) -> None:
    sizes = {name: (unbroken / name).stat().st_size for name in (RUN, "events.jsonl", EPISODES)}
    marks = [0, sizes[RUN] - 1, sizes[RUN] + 1, sizes[EPISODES] - 1, sizes["events.jsonl"] - 1]
    marks += random.Random(38).sample(range(sizes[RUN] + 1, sizes["events.jsonl"] - 1), 15)
    options = ["run", "quick_question", "--assistant", "clarify_once", "--seed", "3"]
    kept = set()
    for size in marks:
        folder = tmp_path / str(size)
        command = [*options, "--episodes", "200", "--out", str(folder)]
        with no_file_beyond(size):
            result = CliRunner().invoke(main, command)
        assert result.exit_code == 3
        errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
        assert len(errors) == 1
        assert "nothing more can be written to" in errors[0]
        assert "Traceback" not in result.stderr
        told = [line.split()[1] for line in result.stderr.splitlines() if line.startswith("  run ")]
        reported = max((int(one.partition("/")[0]) for one in told), default=0)
        found = read_run(folder)
        assert len(found.episodes) >= reported
        assert found.damaged == 0
        kept.add(len(found.episodes))
        if (folder / RUN).exists():
            command.append("--resume")
        assert CliRunner().invoke(main, command).exit_code == 0
        assert summary_hash(folder) == summary_hash(unbroken)
    assert len(kept) > 5


def test_a_quota_that_strikes_when_data_reach_the_disk_is_told_alike(
    tmp_path: Path, make_plan: Callable[..., Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = os.fsync, 0

    def full(file: int) -> None:
        nonlocal calls
        calls += 1
        if calls > 8:
            raise OSError(errno.EDQUOT, "Disk quota exceeded")
        real(file)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(DiskFullError, match="Disk quota exceeded"):
            run(make_plan(60), tmp_path / "run")
    run(make_plan(60), tmp_path / "run", resume=True)
    assert len(read_run(tmp_path / "run").episodes) == 60


def test_the_summary_follows_from_the_events_alone(
    unbroken: Path, make_plan: Callable[..., Plan]
) -> None:
    from_events = summary_of(make_plan(200), episodes_of_events(unbroken))
    assert from_events == json.loads((unbroken / SUMMARY).read_text())
    assert episodes_of_events(unbroken) == read_run(unbroken).episodes
