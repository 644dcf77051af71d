"""Runs in words with models in the seats: what is recorded, how they go on, what they refuse."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gtalign_agents.backends.openai_http import OpenAIHttp
from gtalign_env.envs.transcript import read_transcripts
from gtalign_env.errors import RunError
from gtalign_env.money import parse_money
from gtalign_env.testing import FaultServer
from gtalign_training.cli import main
from gtalign_training.run_log import read_log
from gtalign_training.runs.folder import (
    EPISODES,
    EVENTS,
    RUN,
    SUMMARY,
    Plan,
    episodes_of_events,
    read_run,
)
from gtalign_training.runs.run import run, summary_of
from gtalign_training.runs.spending import spent_in
from gtalign_training.runs.transcripts import TRANSCRIPTS
from gtalign_training.runs.words import Service, Words

from .conftest import ChosenFaults, reply, talk_plan

FILES = (EVENTS, EPISODES, SUMMARY, TRANSCRIPTS)
KEY = "sk-canary-4f1c77"
CLI = (sys.executable, "-m", "gtalign_training.cli")


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in FILES}


def test_a_phrasing_model_plays_what_the_scripted_user_plays_in_other_words(
    tmp_path: Path,
) -> None:
    with FaultServer(reply) as server:
        plan = talk_plan(server.base_url, assistant="clarify_once")
        model = run(plan, tmp_path / "model")
        calls = len(server.prompts)
    scripted = run(replace(plan, user="default"), tmp_path / "scripted")
    for measure in ("welfare", "moves", "endings", "total_pico_usd"):
        assert model[measure] == scripted[measure]
    seats = model["seats"]
    assert seats["user"]["model"]["calls"] == calls > 0
    assert seats["assistant"]["model"]["calls"] == 0
    assert seats["user"]["messages"] == scripted["seats"]["user"]["messages"]
    assert seats["user"]["labels"] == {}


def test_two_models_talk_and_every_call_is_counted(tmp_path: Path) -> None:
    with FaultServer(reply) as server:
        summary = run(talk_plan(server.base_url), tmp_path)
        sent = len(server.prompts)
    seats = summary["seats"]
    assert summary["endings"]["accepted"] > 0.5
    assert seats["user"]["model"]["calls"] + seats["assistant"]["model"]["calls"] == sent
    assert seats["assistant"]["messages"] == seats["assistant"]["model"]["calls"]
    assert seats["user"]["faults"] == seats["assistant"]["faults"] == {}


def test_everything_said_and_written_is_on_record_and_the_record_suffices(tmp_path: Path) -> None:
    with FaultServer(reply) as server:
        plan = talk_plan(server.base_url, 12)
        summary = run(plan, tmp_path)
    assert summary == summary_of(plan, episodes_of_events(tmp_path))
    assert read_run(tmp_path).episodes == episodes_of_events(tmp_path)
    told = list(read_transcripts(tmp_path / TRANSCRIPTS))
    assert [one.episode for one in told] == list(range(12))
    for one in told:
        episode = read_run(tmp_path).episodes[one.episode]
        assert one.returns == (episode.user, episode.assistant)
        assert one.welfare == episode.welfare
        assert one.charged == sum(turn.charge for turn in one.turns) == episode.charged
        assert all(turn.text for turn in one.turns)
        assert all(turn.written == turn.text for turn in one.turns if turn.seat == "assistant")
    events = read_log(tmp_path / EVENTS).records
    tokens = sum(call[2] for event in events for call in event.get("calls", ()))
    seats = summary["seats"].values()
    assert tokens == sum(seat["model"]["tokens"]["output"] for seat in seats)


def test_labels_of_either_seat_are_counted(tmp_path: Path) -> None:
    def bad(messages: list[dict[str, str]]) -> str:
        if "You play a person" in messages[0]["content"]:
            return "As an AI, my budget is 3 USD."
        return "<thinking>no matrix"

    with FaultServer(bad) as server:
        words = Words(at_once=8, format="four_block", user_mode="decided", steer=150.0)
        summary = run(talk_plan(server.base_url, 8, words=words), tmp_path)
        # nothing to edit: one call a turn
        assert (
            summary["seats"]["assistant"]["model"]["calls"]
            == summary["seats"]["assistant"]["messages"]
        )
    user, assistant = summary["seats"]["user"], summary["seats"]["assistant"]
    assert user["labels"]["plays_assistant"] == user["labels"]["reveals"] == user["messages"]
    assert sum(assistant["labels"].values()) == assistant["messages"]
    steered = [e["steered"] for e in read_log(tmp_path / EVENTS).records if "steered" in e]
    assert len(steered) == assistant["messages"]
    assert not any(one["steered"] for one in steered)


def test_nothing_of_the_user_s_persona_reaches_the_assistant_s_model(tmp_path: Path) -> None:
    with ChosenFaults() as server:
        run(talk_plan(server.base_url), tmp_path)
        systems: dict[bool, set[str]] = {True: set(), False: set()}
        for _, payload in server.steps:
            system = payload["messages"][0]["content"]
            systems["You play a person" in system].add(system)
    assert len(systems[True]) > 24  # the user's differ by person and by how things stand
    (assistant,) = systems[False]  # byte for byte the same, whoever asks
    assert "points" not in assistant
    assert "budget" not in assistant


@pytest.mark.parametrize("episodes", [24, pytest.param(100, marks=pytest.mark.slow)])
def test_a_replay_with_the_server_off_is_byte_equal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, episodes: int
) -> None:
    tape = tmp_path / "tape.sqlite"
    with FaultServer(reply) as server:
        plan = talk_plan(server.base_url, episodes)
        run(plan, tmp_path / "first", service=Service(cassette=tape, cassette_mode="record"))

    def no_connection(*_: Any) -> Any:
        raise AssertionError("a replay asks nobody")

    monkeypatch.setattr(OpenAIHttp, "complete", no_connection)
    replaying = Service(cassette=tape, cassette_mode="replay")
    run(plan, tmp_path / "again", service=replaying)
    assert contents(tmp_path / "again") == contents(tmp_path / "first")
    missing = run(replace(plan, episodes=episodes + 1), tmp_path / "more", service=replaying)
    assert missing["faults"] == {"unrecorded": 1}  # a call that is not there is never asked


def command(base_url: str, folder: Path, *more: str) -> list[str]:
    name = f"openai:{base_url}#ok"
    return [
        *("run", "help_desk", "--user", f"llm:{name}", "--assistant", name, "--episodes", "24"),
        *("--seed", "5", "--at-once", "4", "--max-tokens", "64", "--out", str(folder), *more),
    ]


def test_a_run_killed_again_and_again_ends_as_the_unbroken_one(tmp_path: Path) -> None:
    price = ("--model-price", "1,0.1,4,4", "--budget-cap", "0.5 USD")
    with FaultServer(reply, latency=0.02) as server:
        whole = CliRunner().invoke(main, command(server.base_url, tmp_path / "whole", *price))
        assert whole.exit_code == 0, whole.output
        unbroken = len(server.prompts)
        tape = ("--cassette", str(tmp_path / "tape.sqlite"))
        folder, before = tmp_path / "killed", -1
        for size in (1_000, 6_000):
            resume = ("--resume",) if folder.exists() else ()
            child = subprocess.Popen(
                [*CLI, *command(server.base_url, folder, *price, *tape, *resume)],
                stderr=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
            while not (folder / EPISODES).exists() or (folder / EPISODES).stat().st_size < size:
                time.sleep(0.005)
                assert child.poll() is None, child.communicate()
            child.send_signal(signal.SIGKILL)
            child.communicate()
            kept = len(read_run(folder).episodes)
            assert before < kept < 24
            before = kept
        args = command(server.base_url, folder, *price, *tape, "--resume")
        assert CliRunner().invoke(main, args).exit_code == 0
        # what was answered before a kill was on the tape, and is not asked again
        assert len(server.prompts) - unbroken < unbroken + 2 * 2 * 4
    assert contents(folder) == contents(tmp_path / "whole")
    # the calls under way at a kill count with their worst case
    spent = [spent_in(path) or 0 for path in (tmp_path / "whole", folder)]
    told = json.loads((folder / SUMMARY).read_text())["seats"].values()
    cost = sum(seat["model"]["cost_pico_usd"] for seat in told)
    assert spent[0] == cost
    assert cost <= spent[1] < parse_money("0.5 USD")


def test_an_interrupted_run_ends_soon_even_while_a_server_hangs(tmp_path: Path) -> None:
    def late(payload: dict[str, Any]) -> str:
        return "hang" if payload["seed"] >= 5 + 8 else "ok"

    with ChosenFaults(late) as server:
        folder = tmp_path / "run"
        child = subprocess.Popen(
            [*CLI, *command(server.base_url, folder)],
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        while not any(step == "hang" for step, _ in server.steps):
            time.sleep(0.01)
            assert child.poll() is None
        time.sleep(0.1)
        began = time.monotonic()
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=20)
    assert time.monotonic() - began < 5.0
    assert child.returncode == 130
    assert "Traceback" not in err
    assert json.loads((folder / RUN).read_text())["status"] == "interrupted"
    assert read_run(folder).notes == ()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"temperature": 0.5}, "words.temperature: 1.0 then, 0.5 now"),
        ({"format": "four_block"}, "words.format: 'plain' then, 'four_block' now"),
        ({"user_mode": "decided"}, "words.user_mode: 'phrased' then, 'decided' now"),
        ({"max_tokens": 65}, "words.max_tokens: 64 then, 65 now"),
    ],
)
def test_going_on_with_other_words_is_refused(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    with FaultServer(reply) as server:
        plan = talk_plan(server.base_url, 2)
        run(plan, tmp_path)
        assert plan.words is not None
        with pytest.raises(RunError, match=message):
            run(replace(plan, words=replace(plan.words, **change)), tmp_path, resume=True)
        with pytest.raises(RunError, match="words: "):
            run(replace(plan, words=None), tmp_path, resume=True)
        # how many go on side by side changes nothing that a server says
        longer = replace(plan, words=replace(plan.words, at_once=3), episodes=5)
        assert run(longer, tmp_path, resume=True)["valid"] == 5


def test_no_key_reaches_a_file_or_the_screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, short_waits: None
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert KEY in OpenAIHttp("http://h/v1", "m")._headers()["Authorization"]  # it is sent
    shown = ""
    with FaultServer(reply) as server:
        for step in ("ok", "forbidden", "error_body", "html", "reset"):
            tape = str(tmp_path / f"{step}.sqlite")
            name = f"openai:{server.base_url}#{step}"
            args = ["run", "help_desk", "--assistant", name, "--episodes", "3", "--tries", "1"]
            args += ["--out", str(tmp_path / step), "--cassette", tape]
            result = CliRunner().invoke(main, args)
            assert result.exit_code == (0 if step == "ok" else 3)
            shown += result.output + repr(result.exception)
        doctor = CliRunner().invoke(main, ["doctor", "--server", f"{server.base_url}#forbidden"])
        assert doctor.exit_code == 3
        shown += doctor.output
    assert KEY not in shown
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 25
    assert not [path for path in files if KEY.encode() in path.read_bytes()]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--assistant", "opnai:http://h/v1#m"], "Did you mean 'openai'"),
        (["--assistant", "openai:http://h/v1"], "a model is openai:http"),
        (["--assistant", "openai:http://u:p4ss@h/v1#m"], "an address holds no key"),
        (["--user", "llm:patient"], "a model is openai:http"),
        (["--words", "--steer", "3"], "--steer is for a model in the assistant's seat"),
        (["--words", "--user-mode", "decided"], "--user-mode is for a model in the user's seat"),
        (["--words", "--workers", "2"], "use --at-once"),
        (["--words", "--tasks", "general_knowlege"], "Did you mean 'general_knowledge'"),
        (["--model-price", "1,1,1,1"], "none sits in a seat"),
        (["--assistant", "openai:http://h/v1#m", "--model-price", "1,2"], "four prices"),
        (["--assistant", "openai:http://h/v1#m", "--budget-cap", "5"], "like '0.05 USD'"),
        (["--assistant", "openai:http://h/v1#m", "--budget-cap", "5 USD"], "say what the assis"),
        (["--assistant", "openai:http://h/v1#m", "--format", "five"], "one of plain, four_block"),
    ],
)
def test_mistakes_are_told_before_anything_is_written(
    tmp_path: Path, arguments: list[str], message: str
) -> None:
    folder = tmp_path / "run"
    result = CliRunner().invoke(main, ["run", "help_desk", *arguments, "--out", str(folder)])
    assert result.exit_code == 2
    assert message in result.stderr.replace("\n", " ")
    assert "p4ss" not in result.stderr
    assert not folder.exists()


def test_scripted_seats_in_words_play_the_run_by_moves(
    tmp_path: Path, make_plan: Callable[..., Plan]
) -> None:
    by_moves = run(make_plan(30), tmp_path / "moves")
    in_words = run(make_plan(30, words=Words()), tmp_path / "words")
    assert in_words["welfare"] == by_moves["welfare"]
    assert in_words["moves"] == by_moves["moves"]
    assert os.listdir(tmp_path / "moves").count(TRANSCRIPTS) == 0
