"""What a run plays, how it goes on, and what it refuses."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import gtalign_env
from gtalign_agents.table import AGENTS
from gtalign_env.core.moves import assistant_move
from gtalign_env.core.oracle import bayes_oracle
from gtalign_env.envs.conversation import ConversationEnv
from gtalign_env.errors import ModelError, RunError, SolverError
from gtalign_env.scenario.compile import compile_scenario
from gtalign_env.scenario.loader import load_pricing, load_scenario, parse_scenario
from gtalign_training.cli import main
from gtalign_training.run_log import encode, read_log
from gtalign_training.run_log_lock import FolderLock, identity
from gtalign_training.runs.episode import Episode
from gtalign_training.runs.folder import (
    EPISODES,
    EVENTS,
    RUN,
    SUMMARY,
    Plan,
    episodes_of_events,
    read_run,
)
from gtalign_training.runs.run import run
from gtalign_training.runs.stop import FAULTS_IN_A_ROW
from gtalign_training.runs.workers import chunks_of, named_seats

Planner = Callable[..., Plan]


def test_any_number_of_processes_writes_the_same_files(
    tmp_path: Path, unbroken: Path, make_plan: Planner
) -> None:
    run(make_plan(200), tmp_path, workers=3)
    for name in (EVENTS, EPISODES, SUMMARY):
        assert (tmp_path / name).read_bytes() == (unbroken / name).read_bytes()


def test_the_episodes_are_those_of_the_environment(unbroken: Path) -> None:
    """Seed and episode name the same conversation, here and there."""
    env = ConversationEnv("quick_question", seat="assistant")
    for index, one in list(read_run(unbroken).episodes.items())[:25]:
        env.reset(seed=3, options={"episode": index})
        labels = list(one.assistant_moves)
        while env.conversation.state.ending is None:
            env.step(assistant_move(labels.pop(0)))
        assert env.conversation.returns == (one.user, one.assistant)
        assert env.conversation.state.charged == one.charged


def test_the_means_are_the_exact_ones(tmp_path: Path, make_plan: Planner) -> None:
    summary = run(make_plan(3000, assistant="oracle"), tmp_path)
    exact = bayes_oracle(compile_scenario(load_scenario("quick_question"))).value
    for key, value in (
        ("user", exact.user),
        ("assistant", exact.assistant),
        ("joint", exact.welfare),
    ):
        interval = summary["welfare"][key]
        width = interval["high"] - interval["low"]
        assert interval["low"] < interval["mean"] < interval["high"]
        assert abs(interval["mean"] - value) < width  # about four standard errors
    assert summary["valid"] == summary["finished"] == 3000
    for shares in (
        *summary["moves"].values(),
        *summary["first_moves"].values(),
        summary["endings"],
    ):
        assert sum(shares.values()) == pytest.approx(1.0)
    bill = summary["bill_usd"]["charged"] * 3000 * 1e12
    assert bill == pytest.approx(summary["total_pico_usd"]["charged"])


def test_a_schedule_is_followed_and_told_apart(tmp_path: Path) -> None:
    scenario = load_scenario("price_rise")
    turn = scenario.schedule[1][0]
    summary = run(Plan(scenario, "DQ", "DA:concise", 0, turn + 40), tmp_path)
    names = [pricing.name for _, pricing in scenario.schedule]
    assert {name: part["episodes"] for name, part in summary["by_regime"].items()} == {
        names[0]: turn,
        names[1]: 40,
    }


class Flaky:
    """A user whose model is down in some episodes, as long as it is broken."""

    broken = True

    def __call__(self, view: Any, u: float) -> Any:
        if Flaky.broken and view.public.exchange < 0 and 0.2 < u < 0.4:
            raise ModelError("no answer", kind="timeout", attempts=3)
        return AGENTS["default"].make()(view, u)


@pytest.fixture
def flaky(monkeypatch: pytest.MonkeyPatch) -> type[Flaky]:
    monkeypatch.setitem(AGENTS, "flaky", replace(AGENTS["default"], name="flaky", make=Flaky))
    monkeypatch.setattr(Flaky, "broken", True)
    return Flaky


def test_faults_are_counted_left_out_and_played_again(
    tmp_path: Path, flaky: type[Flaky], unbroken: Path
) -> None:
    options = ["run", "quick_question", "--user", "flaky", "--assistant", "clarify_once"]
    options += ["--episodes", "200", "--seed", "3", "--out", str(tmp_path / "run"), "--json"]
    options += ["--fault-limit", "1"]
    first = CliRunner().invoke(main, options)
    assert first.exit_code == 3
    summary = json.loads(first.stdout)
    faulted = [one for one in read_run(tmp_path / "run").episodes.values() if one.fault]
    assert summary["faults"] == {"timeout": len(faulted)}
    assert 20 < len(faulted) < 60
    assert summary["valid"] == 200 - len(faulted)
    assert all(one.welfare is None and one.ending == "fault" for one in faulted)
    good = read_run(unbroken).episodes
    assert all(
        one == good[index]
        for index, one in read_run(tmp_path / "run").episodes.items()
        if not one.fault
    )
    flaky.broken = False
    again = CliRunner().invoke(main, [*options, "--resume"])
    assert again.exit_code == 0
    lines = read_log(tmp_path / "run" / EPISODES).records
    assert len(lines) == 200 + len(faulted)  # those and no others
    mended = json.loads(again.stdout)
    whole = json.loads((unbroken / SUMMARY).read_text())
    assert {**mended, "user": "default"} == whole
    found = read_run(tmp_path / "run")
    assert found.notes == ()
    assert found.missing(200) == []
    assert found.episodes == good == episodes_of_events(tmp_path / "run")


def test_a_run_stops_where_everything_fails(tmp_path: Path, make_plan: Planner) -> None:
    def down(view: Any, u: float) -> Any:
        raise ModelError("no answer", kind="connect", attempts=1)

    with pytest.raises(
        RunError, match=r"\d+ episodes in a row failed, the last by connect in the a"
    ):
        run(make_plan(200), tmp_path, make=lambda plan: (named_seats(plan)[0], down))
    assert len(read_run(tmp_path).episodes) >= FAULTS_IN_A_ROW
    assert run(make_plan(200), tmp_path, resume=True)["faults"] == {}


def test_a_run_can_be_lengthened_and_a_finished_one_is_left_as_it_is(
    tmp_path: Path, unbroken: Path, make_plan: Planner, summary_hash: Callable[[Path], str]
) -> None:
    run(make_plan(50), tmp_path)
    run(make_plan(200), tmp_path, resume=True)
    assert summary_hash(tmp_path) == summary_hash(unbroken)
    before = {name: (tmp_path / name).read_bytes() for name in (EVENTS, EPISODES, SUMMARY)}
    reports: list[tuple[int, int]] = []
    run(make_plan(200), tmp_path, resume=True, report=lambda a, b, c: reports.append((a, b)))
    assert reports == [(200, 200)]
    assert before == {name: (tmp_path / name).read_bytes() for name in before}


def edited(**changes: Any) -> Any:
    data = load_scenario("quick_question").to_data()
    for name, value in changes.items():
        place, *keys = name.split("__")
        if keys:
            data[place][keys[0]] = value
        else:
            data[place] = value
    return parse_scenario(data)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 4}, "seed: 3 then, 4 now"),
        ({"user": "patient"}, "user: 'default' then, 'patient' now"),
        ({"assistant": "CQ"}, "assistant: 'clarify_once' then, 'CQ' now"),
        ({"episodes": 40}, "episodes: 60 then, 40 now"),
        ({"scenario": edited(task__p_correct=0.8)}, "scenario.task.p_correct: 0.9 then, 0.8 now"),
        ({"scenario": edited(max_exchanges=3)}, "scenario.max_exchanges: 4 then, 3 now"),
        (
            {
                "scenario": load_scenario("quick_question").with_pricing(
                    load_pricing("subscription")
                )
            },
            "scenario.pricing[0].pricing.name: 'per_token' then, 'subscription' now",
        ),
    ],
)
def test_going_on_with_something_else_is_refused_and_the_difference_named(
    tmp_path: Path, make_plan: Planner, changes: dict[str, Any], message: str
) -> None:
    run(make_plan(60), tmp_path)
    before = (tmp_path / EPISODES).read_bytes()
    with pytest.raises(RunError) as refused:
        run(replace(make_plan(60), **changes), tmp_path, resume=True)
    assert message in str(refused.value)
    assert (tmp_path / EPISODES).read_bytes() == before


def test_going_on_with_another_version_is_refused(
    tmp_path: Path, make_plan: Planner, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(make_plan(5), tmp_path)
    monkeypatch.setattr(gtalign_env, "__version__", "9.9.9")
    with pytest.raises(RunError, match=r"gtalign-env: '[\d.]+' then, '9.9.9' now"):
        run(make_plan(5), tmp_path, resume=True)


def test_a_description_may_change(tmp_path: Path, make_plan: Planner) -> None:
    run(make_plan(5), tmp_path)
    run(replace(make_plan(9), scenario=edited(description="Other words.")), tmp_path, resume=True)


def test_two_runs_in_one_folder_are_refused(tmp_path: Path, make_plan: Planner) -> None:
    with (
        FolderLock(tmp_path / "lock"),
        pytest.raises(RunError, match=f"is being written by process {os.getpid()}; wait for it"),
    ):
        run(make_plan(5), tmp_path)
    run(make_plan(5), tmp_path)
    with pytest.raises(RunError, match="holds a run already; add --resume"):
        run(make_plan(5), tmp_path)


def test_the_lock_of_a_dead_process_does_not_hold(tmp_path: Path, make_plan: Planner) -> None:
    lock = tmp_path / "lock"
    me = identity(os.getpid())
    for left in ("", "{", json.dumps({**me, "pid": 2**22 + 1}), json.dumps({**me, "began": "1"})):
        lock.write_text(left)
        with FolderLock(lock):
            assert json.loads(lock.read_text()) == me
        assert lock.read_text() == ""
    # the system's lock counts, whatever the file says
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(RunError, match="is being written by another process"):
            run(make_plan(5), tmp_path)
    # where the system's lock does not reach, the name of a live process still counts
    lock.write_text(json.dumps(identity(os.getppid())))
    with pytest.raises(RunError, match=f"process {os.getppid()}"):
        run(make_plan(5), tmp_path)


@pytest.mark.parametrize(
    ("prepare", "resume", "message"),
    [
        (lambda folder: None, True, "there is no run in .* to resume; leave out --resume"),
        (
            lambda folder: (folder / EPISODES).write_bytes(b""),
            False,
            r"holds logs of a run that has lost its run\.json",
        ),
        (lambda folder: (folder / RUN).write_text("{"), True, r"run\.json is damaged"),
    ],
)
def test_folders_that_are_no_runs_are_refused(
    tmp_path: Path, make_plan: Planner, prepare: Any, resume: bool, message: str
) -> None:
    prepare(tmp_path)
    with pytest.raises(RunError, match=message):
        run(make_plan(5), tmp_path, resume=resume)


def test_a_file_in_the_folders_place_is_refused(tmp_path: Path, make_plan: Planner) -> None:
    (tmp_path / "taken").write_text("")
    for path in (tmp_path / "taken", tmp_path / "taken" / "below"):
        with pytest.raises(RunError, match="must be a folder that can be written"):
            run(make_plan(5), path)


def test_a_process_that_dies_is_told_and_the_rest_kept(
    tmp_path: Path, make_plan: Planner, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(
        RunError, match=r"episodes \d+ to \d+ died \(exit code 1\).*go on with --res"
    ):
        run(make_plan(60), tmp_path, workers=2, make=os._exit)  # type: ignore[arg-type]  # fails there
    capfd.readouterr()
    run(make_plan(60), tmp_path, workers=2, resume=True)


def test_a_game_that_cannot_be_solved_is_told_by_every_process(tmp_path: Path) -> None:
    plan = Plan(edited(max_exchanges=30), "default", "oracle", 0, 20)
    for workers in (1, 2):
        with pytest.raises((SolverError, RunError), match=r"of at most .* exchanges"):
            run(plan, tmp_path / str(workers), workers=workers)


def test_damaged_logs_are_told_and_what_is_lost_is_played_again(
    tmp_path: Path, make_plan: Planner, summary_hash: Callable[[Path], str], unbroken: Path
) -> None:
    run(make_plan(200), tmp_path)
    path = tmp_path / EPISODES
    lines = path.read_bytes().splitlines(keepends=True)
    lines[7] = lines[7].replace(b'"episode":7', b'"episode":9')
    lines[20:22] = [lines[20], lines[20], lines[21]]
    old = encode({"v": 0, "episode": 30})
    path.write_bytes(b"".join([*lines[:30], old, *lines[31:]]) + b'{"crc32":"0')
    said: list[str] = []
    run(make_plan(200), tmp_path, resume=True, say=said.append)
    assert said == [
        "episodes.jsonl: the last line was cut off (11 bytes); it is left out",
        "episodes.jsonl: damaged in 1 places; what is intact is kept",
        "episodes.jsonl: 1 lines are of another version; they are left out",
        "episodes.jsonl: 1 episodes are repeated; the last line counts",
    ]
    assert summary_hash(tmp_path) == summary_hash(unbroken)


def test_episodes_are_read_as_they_were_written(unbroken: Path) -> None:
    for one in read_run(unbroken).episodes.values():
        assert Episode.from_data(json.loads(json.dumps(one.to_data()))) == one
    others: list[Any] = [None, [], {"v": 1}, {"v": 1, "episode": 1}, {"v": 2, "episode": 1}]
    for strange in others:
        assert Episode.from_data(strange) is None


@pytest.mark.parametrize(("n", "workers"), [(0, 1), (1, 4), (63, 1), (200, 2), (100_000, 3)])
def test_chunks_cover_all_episodes_in_order(n: int, workers: int) -> None:
    chunks = chunks_of(range(n), workers)
    assert [index for chunk in chunks for index in chunk] == list(range(n))
    assert max(map(len, chunks), default=0) <= 64
