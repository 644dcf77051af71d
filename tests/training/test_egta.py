"""Empirical games of played conversations, against the exact normal form and the logs of runs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from gtalign_env.core.conversation import Conversation
from gtalign_env.core.exact import normal_form
from gtalign_env.core.moves import ASSISTANT_LABELS
from gtalign_env.core.policies import assistant_policy, random_assistant, random_user, user_policy
from gtalign_env.core.views import AssistantView
from gtalign_env.draws import Draws, Purpose, Seat, stream_key
from gtalign_env.envs.table import Table
from gtalign_env.envs.transcript import transcript_of, write_transcripts
from gtalign_env.errors import ModelError, RunError
from gtalign_env.games.empirical import regret_of
from gtalign_env.games.nash import nash_equilibria
from gtalign_env.scenario.compile import compile_scenario
from gtalign_env.scenario.library import list_entries, scenario_root
from gtalign_env.scenario.loader import load_scenario
from gtalign_training.cli import main
from gtalign_training.egta import Collected, Results, analyse, collect, play_profiles, read_profiles
from gtalign_training.egta.plot import plot_empirical_game
from gtalign_training.egta.ranges import payoff_ranges

RUN = CliRunner()
USERS = {name: user_policy(name) for name in ("VQ", "DQ")}
PLANS = {name: assistant_policy(name) for name in ASSISTANT_LABELS}
FEW = {name: PLANS[name] for name in ("DA:concise", "CQ")}


def play(
    scenario: str, episodes: int, seed: int, assistants: dict[str, Any] | None = None
) -> Collected:
    return play_profiles(Table(scenario), USERS, assistants or PLANS, episodes, seed)


def test_intervals_hold_the_exact_payoffs_about_as_often_as_they_say() -> None:
    matrix = normal_form(compile_scenario(load_scenario("quick_question")))
    columns = [ASSISTANT_LABELS.index(name) for name in FEW]
    exact = np.stack([matrix.user[:, columns], matrix.assistant[:, columns]], axis=-1)
    inside = []
    for seed in range(40):
        game = play("quick_question", 150, seed, FEW).game
        low, high = np.moveaxis(game.intervals(), -1, 0)
        inside.append((low - 1e-9 <= exact) & (exact <= high + 1e-9))
    # 40 x 8 intervals, those of one seed correlated by their shared luck; payoffs are skewed, so
    # a little fewer than 95 % (docs/empirical.md has a table)
    assert 0.89 <= np.mean(inside) <= 0.985


@pytest.mark.parametrize("scenario", ["quick_question", "upsell"])
def test_verdicts_are_those_of_the_exact_game(scenario: str) -> None:
    matrix = normal_form(compile_scenario(load_scenario(scenario)))
    exact = regret_of(np.stack([matrix.user, matrix.assistant], axis=-1))
    collected = play(scenario, 800, 1)
    data = analyse(collected, Table(scenario), epsilon=0.05, seed=0)
    rows = np.array(data["profiles"]).reshape(exact.shape)
    for row, regret in zip(rows.flat, exact.flat, strict=True):
        if abs(regret - 0.05) > 0.1:  # not decided by luck
            assert row["equilibrium"] == (regret <= 0.05)
            assert row["probability"] == pytest.approx(float(regret <= 0.05), abs=0.02)
    ours = {one.cell for one in nash_equilibria(matrix.game).found}
    theirs = {one.cell for one in nash_equilibria(collected.game.mean_game).found}
    assert ours == theirs
    assert data["paired"] is True
    assert data["faults"] == 0


def test_sure_intervals_hold_where_few_episodes_mislead() -> None:
    matrix = normal_form(compile_scenario(load_scenario("upsell")))
    exact = np.stack([matrix.user, matrix.assistant], axis=-1)
    inside: dict[bool, list[bool]] = {False: [], True: []}
    for seed in range(12):
        collected = play("upsell", 30, seed)
        for sure in inside:
            data = analyse(collected, Table("upsell"), epsilon=0.05, seed=0, sure=sure)
            for row, truth in zip(data["profiles"], exact.reshape(-1, 2), strict=True):
                for cell, mean in zip(row["payoffs"].values(), truth, strict=True):
                    inside[sure].append(cell["low"] <= mean <= cell["high"])
    assert np.mean(inside[True]) >= 0.95
    assert np.mean(inside[False]) < 0.8  # a wrong answer in twenty is often not met in thirty


def test_a_run_folder_and_transcripts_hold_what_live_play_gives(tmp_path: Path) -> None:
    live = play("quick_question", 12, 3, FEW)
    table = Table("quick_question")
    logs = []
    for user in USERS:
        for assistant in FEW:
            folder = tmp_path / f"{user}-{assistant[:2]}"
            if assistant == "CQ":
                arguments = ["--user", user, "--assistant", assistant, "--episodes", "12"]
                done = RUN.invoke(
                    main,
                    ["run", "quick_question", *arguments, "--seed", "3", "--out", str(folder)],
                )
                assert done.exit_code == 0, done.stderr
                logs.append(str(folder))
            else:
                talks = talks_of(user, assistant, 12, 3)
                write_transcripts(folder.with_suffix(".jsonl"), talks)
                logs.append(f"{user},{assistant}={folder.with_suffix('.jsonl')}")
    found = read_profiles(logs, table, load_scenario("quick_question").digest)
    assert found.game.assistant_plans == live.game.assistant_plans
    assert np.array_equal(found.game.samples, live.game.samples)
    assert found.game.paired
    # the same through the command
    arguments = [part for log in logs for part in ("--from-logs", log)]
    done = RUN.invoke(main, ["egta", "quick_question", *arguments, "--json"])
    assert done.exit_code == 0, done.stderr
    means = json.loads(done.stdout)["payoffs"]["user"]
    assert means == live.game.means[..., 0].tolist()


def talks_of(user: str, assistant: str, episodes: int, seed: int, fault: int = -1) -> list[Any]:
    spec = compile_scenario(load_scenario("quick_question"))
    asks, answers = user_policy(user), assistant_policy(assistant)
    out = []
    for episode in range(episodes):
        talk = Conversation(spec, Draws(stream_key(spec.digest, seed), episode))
        while talk.state.ending is None:
            if episode == fault:
                talk.fault()
            elif talk.state.to_move is Seat.USER:
                talk.step_user(asks(talk.user_view(), talk.chance(Seat.USER, Purpose.POLICY)))
            else:
                talk.step_assistant(answers(talk.assistant_view(), 0.0))
        out.append(transcript_of(talk, seed=seed, episode=episode))
    return out


def test_faults_are_counted_and_left_out(tmp_path: Path) -> None:
    def broken(view: AssistantView, u: float) -> Any:
        if u < 0.3:
            raise ModelError("no answer", kind="timeout")
        return PLANS["CQ"](view, u)

    found = play("quick_question", 40, 5, {**FEW, "broken": broken})
    assert found.faults["VQ", "CQ"] == 0
    assert 2 < found.faults["VQ", "broken"] < 30
    sound = found.game.samples[:, 1][~np.isnan(found.game.samples[:, 2])]
    assert (found.game.samples[:, 2][~np.isnan(found.game.samples[:, 2])] == sound).all()
    file = tmp_path / "talks.jsonl"
    write_transcripts(file, talks_of("VQ", "CQ", 6, 0, fault=2))
    done = RUN.invoke(main, ["egta", "quick_question", "--from-logs", f"VQ,CQ={file}", "--json"])
    assert done.exit_code == 3
    assert "1 conversations ended in a fault" in done.stderr
    (row,) = json.loads(done.stdout)["profiles"]
    assert (row["episodes"], row["faults"]) == (5, 1)


def test_logs_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    table, digest = Table("quick_question"), load_scenario("quick_question").digest
    file = tmp_path / "talks.jsonl"
    talks = talks_of("VQ", "CQ", 4, 0)
    write_transcripts(file, talks)
    with pytest.raises(RunError, match="missing: VQ x DA:concise, DQ x CQ"):
        read_profiles([f"VQ,CQ={file}", f"DQ,DA:concise={file}"], table, digest)
    with pytest.raises(RunError, match="another scenario or price"):
        read_profiles([f"VQ,CQ={file}"], Table("upsell"), digest)
    with pytest.raises(RunError, match="USER,ASSISTANT=FILE"):
        read_profiles([f"VQ={file}"], table, digest)
    with pytest.raises(RunError, match="no such file"):
        read_profiles([f"VQ,CQ={tmp_path / 'none.jsonl'}"], table, digest)
    other = tmp_path / "other.jsonl"
    write_transcripts(other, [replace(talks[0], returns=(9.0, 9.0))])
    with pytest.raises(RunError, match="with another result"):
        read_profiles([f"VQ,CQ={file}", f"VQ,CQ={other}"], table, digest)
    write_transcripts(other, [replace(talks[0], ending=None)])
    with pytest.raises(RunError, match="has no end"):
        read_profiles([f"VQ,CQ={other}"], table, digest)
    with pytest.raises(RunError, match="at least 2"):
        collect({("a", "b"): {(0, 0): (1.0, 1.0), (0, 1): None}}, "game")


def test_profiles_with_other_episodes_are_not_paired() -> None:
    results: Results = {(0, k): (float(k), 0.0) for k in range(4)}
    others: Results = {(1, k): (float(k), 1.0) for k in range(3)}
    found = collect({("a", "x"): results, ("b", "x"): others}, "game")
    assert not found.game.paired
    assert found.game.counts.tolist() == [[4], [3]]


@pytest.mark.parametrize(
    "name",
    [
        entry.name
        for entry in list_entries("scenario")
        if entry.path.is_relative_to(scenario_root())
    ],
)
def test_no_conversation_leaves_the_range_of_payoffs(name: str) -> None:
    table = Table(name)
    widths = payoff_ranges(table.specs)
    if widths is None:
        assert not all(spec.is_exact for spec in table.specs)
        return
    game = play_profiles(table, {"r": random_user}, {"r": random_assistant}, 300, 0).game
    spread = np.ptp(game.samples[0, 0], axis=0)
    assert (spread <= np.array(widths) + 1e-9).all()
    assert (spread > np.array(widths) / 40).all()  # and it is not so wide as to say nothing


def test_the_picture_is_drawn_and_repeatable(tmp_path: Path) -> None:
    from matplotlib.image import imread

    data = analyse(play("upsell", 60, 0), Table("upsell"), epsilon=0.05, seed=0)
    first = plot_empirical_game(data, tmp_path / "a.png")
    second = plot_empirical_game(data, tmp_path / "b.png")
    assert imread(first).shape[1] == 1200
    assert first.read_bytes() == second.read_bytes()
    assert len(np.unique(imread(first)[..., :3].reshape(-1, 3), axis=0)) > 20


def test_the_command_prints_a_table_and_writes_both_files(tmp_path: Path) -> None:
    arguments = ["--users", "VQ,DQ", "--assistants", "CQ,DA:concise", "--episodes", "30"]
    done = RUN.invoke(main, ["egta", "help_desk", *arguments, "--out", str(tmp_path / "o")])
    assert done.exit_code == 0, done.stderr
    assert "Equilibria of the mean payoffs" in done.stdout
    assert (tmp_path / "o" / "egta.png").exists()
    data = json.loads((tmp_path / "o" / "egta.json").read_text())
    assert data["users"] == ["VQ", "DQ"]
    again = RUN.invoke(main, ["egta", "help_desk", *arguments, "--json"])
    assert json.loads(again.stdout) == data


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["upsell", "--users", "VQ,VQ"], "named once each"),
        (["upsell", "--users", "patent"], "Did you mean 'patient'"),
        (["upsel"], "Did you mean 'upsell'"),
        (["small_screen", "--episodes", "5", "--sure"], "need bounded payoffs"),
    ],
)
def test_mistakes_are_one_message(arguments: list[str], message: str) -> None:
    done = RUN.invoke(main, ["egta", *arguments])
    assert done.exit_code == 2
    assert message in done.stderr
