"""`gtalign bill`: a recorded conversation costs what it cost when it was played, under any regime."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gtalign_env.core.conversation import Conversation
from gtalign_env.core.moves import ASSISTANT_LABELS, AssistantMove, Ending
from gtalign_env.core.rules import legal_user_moves
from gtalign_env.draws import Draws, Seat
from gtalign_env.scenario.compile import compile_scenario
from gtalign_env.scenario.library import list_entries
from gtalign_env.scenario.loader import load_pricing, load_scenario
from gtalign_training import cli, json_lines

run = CliRunner()

TALK: dict[str, Any] = {
    "exchanges": [
        {"input": 215, "cached_input": 0, "output": 60, "reasoning": 100, "move": "DA:concise"},
        {"input": 335, "cached_input": 215, "output": 30, "reasoning": 100, "move": "CQ"},
    ],
    "accepted": False,
}


def bills(text: str, *arguments: str) -> Any:
    return run.invoke(cli.main, ["bill", "-", *arguments], input=text)


def played(name: str, count: int) -> list[Conversation]:
    """Return conversations of random moves under a regime, each at its place in the order."""
    rng = random.Random(name)
    scenario = load_scenario("small_screen").with_pricing(load_pricing(name))
    found = []
    for episode in range(count):
        spec = compile_scenario(scenario)
        talk = Conversation(spec, Draws(11, episode))
        while talk.state.ending is None:
            if talk.state.to_move is Seat.USER:
                talk.step_user(rng.choice(legal_user_moves(talk.state)))
            else:
                talk.step_assistant(rng.choice(tuple(AssistantMove)))
        found.append(talk)
    return found


def line_of(talk: Conversation) -> str:
    exchanges = [{**one.usage._asdict(), "move": one.move.label} for one in talk.ledger.exchanges]
    return json.dumps({"exchanges": exchanges, "accepted": talk.state.ending is Ending.ACCEPTED})


@pytest.mark.parametrize("name", [entry.name for entry in list_entries("pricing")])
def test_the_bill_of_a_played_conversation_is_the_live_one(name: str) -> None:
    talks = played(name, 40)
    result = bills("\n".join(map(line_of, talks)), "--pricing", name)
    assert result.exit_code == 0, result.output
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    live = [
        [-line.amount for line in talk.ledger.lines if line.account is Seat.USER] for talk in talks
    ]
    assert [line["charges_pico_usd"] for line in lines] == live
    assert [line["total_pico_usd"] for line in lines] == [talk.state.charged for talk in talks]
    assert any(line["total_pico_usd"] for line in lines)


def test_a_bill_by_hand() -> None:
    result = bills(json.dumps(TALK), "--pricing", "per_token")
    # 215 new at 3; 120 new and 215 cached at 3 and 0.3; visible and hidden output at 15 USD per 1M
    first = 215 * 3_000_000 + 160 * 15_000_000
    second = 120 * 3_000_000 + 215 * 300_000 + 130 * 15_000_000
    assert json.loads(result.stdout) == {
        "charges_pico_usd": [first, second],
        "total_pico_usd": first + second,
    }


def test_the_index_of_the_conversation_decides_about_a_surge(tmp_path: Path) -> None:
    file = tmp_path / "rush.yaml"
    file.write_text(
        "schema: gtalign/pricing/1\nname: rush\ndescription: Dearer in the rush.\ncomponents:\n"
        "  - {kind: per_message, fee: 0.000000000001 USD}\n"
        "  - {kind: surge, multiplier: 3, from_conversation: 5, until_conversation: 7, every: 10}\n"
    )
    totals = []
    for index in (0, 5, 6, 7, 16):
        result = bills(json.dumps(TALK), "--pricing", str(file), "--conversation", str(index))
        totals.append(json.loads(result.stdout)["total_pico_usd"])
    assert totals == [2, 6, 6, 2, 6]


def test_lines_are_billed_as_they_come_and_the_first_broken_one_ends_it(tmp_path: Path) -> None:
    file = tmp_path / "talks.jsonl"
    good = json.dumps(TALK)
    bad = good.replace('"output": 60', '"output": -60').replace('"accepted"', '"acepted"')
    file.write_text(f"{good}\n\n{good}\n{bad}\n{good}\n")
    result = run.invoke(cli.main, ["bill", str(file), "--pricing", "per_message"])
    assert result.exit_code == 2
    assert len(result.stdout.splitlines()) == 2
    heads = [line.removeprefix("error: ") for line in result.stderr.splitlines()]
    assert all(head.startswith(f"{file}:4:") for head in heads)
    assert "exchanges[0].output: must be greater than or equal to 0; got -60" in heads[0]
    assert "acepted: unknown field. Did you mean 'accepted'?" in heads[1]
    assert len(heads) == 2


BROKEN = {
    "no JSON": ('{"exchanges": [', "1:16: must be one JSON object on one line"),
    "a list": ("[1]", "1:1: must be a mapping; got [1]"),
    "twice": ('{"exchanges": [], "exchanges": [], "accepted": false}', "1:19: exchanges: a key"),
    "NaN": ('{"exchanges": [], "accepted": NaN}', "1:31: accepted: must be true or false"),
    "text": ('{"exchanges": [], "accepted": "yes"}', "1:31: accepted: must be true or false"),
    "nothing to accept": ('{"exchanges": [], "accepted": true}', "1:31: accepted: must be false"),
    "a question to accept": (
        json.dumps({**TALK, "accepted": True}),
        "accepted: must be false: the last exchange holds no answer",
    ),
    "cached more than sent": (
        json.dumps(TALK).replace('"cached_input": 0', '"cached_input": 216'),
        "exchanges[0].cached_input: must be at most input, 215",
    ),
    "absurd": (json.dumps(TALK).replace("335", "1000000000000"), "exchanges[1].input: must be"),
    "half a token": (json.dumps(TALK).replace("335", "335.5"), "must be a whole number; got 335.5"),
    "true": (json.dumps(TALK).replace("335", "true"), "must be a whole number; got True"),
    "a move": (json.dumps(TALK).replace("CQ", "QC"), "exchanges[1].move: must be DA:concise or"),
    "depth": ("[" * 5000, "1:"),
    "length": (" " * 300_000 + "{}", "1:1: a line may hold at most 256 kB"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_line_is_refused_with_place_field_and_reason(what: str) -> None:
    text, said = BROKEN[what]
    result = bills(text, "--pricing", "per_token")
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("error: <stdin>:1:")
    assert said in result.stderr


def test_bytes_that_are_no_text_are_refused() -> None:
    result = run.invoke(cli.main, ["bill", "-", "--pricing", "per_token"], input=b'\n{"\xff": 1}')
    assert result.exit_code == 2
    assert "error: <stdin>:2:3: must be UTF-8 text" in result.stderr


def test_unknown_files_regimes_and_indices_are_usage_errors(tmp_path: Path) -> None:
    absent = run.invoke(cli.main, ["bill", str(tmp_path / "x"), "--pricing", "per_token"])
    unknown = bills("", "--pricing", "per_tokn")
    negative = bills("", "--pricing", "per_token", "--conversation", "-1")
    assert [one.exit_code for one in (absent, unknown, negative)] == [2, 2, 2]
    assert "Did you mean 'per_token'?" in unknown.stderr


def test_a_file_is_read_line_by_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """The third line is broken; the first two are out before it is looked at."""
    seen: list[int] = []
    read_line = json_lines._read_line

    def watched(*arguments: Any) -> Any:
        seen.append(arguments[-1])
        return read_line(*arguments)

    monkeypatch.setattr(json_lines, "_read_line", watched)
    result = bills(f"{json.dumps(TALK)}\n" * 2 + "{\n" + "x\n" * 1000, "--pricing", "per_token")
    assert seen == [1, 2, 3]
    assert len(result.stdout.splitlines()) == 2


def test_the_moves_of_a_line_are_those_of_the_game() -> None:
    from typing import get_args

    from gtalign_training.commands.bill import Label

    assert get_args(Label) == ASSISTANT_LABELS


@pytest.mark.parametrize(
    "record",
    [
        {"scenario": "quick_question", "turns": [], "charged": 3},
        {"crc32": "0", "bytes": 2, "record": {}},
    ],
)
def test_transcripts_and_logs_are_told_what_they_lack(record: dict[str, Any]) -> None:
    result = bills(json.dumps(record), "--pricing", "per_token")
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert "has nothing to bill: name the folder of the run" in result.stderr


@pytest.mark.parametrize("words", [False, True], ids=["moves", "words"])
@pytest.mark.parametrize("regime", ["reasoning_api", "rush_hours", "base_and_success"])
def test_a_run_is_billed_as_it_was_played(tmp_path: Path, regime: str, words: bool) -> None:
    folder = str(tmp_path / "run")
    played = run.invoke(
        cli.main,
        [
            *("run", "quick_question", "--pricing", regime, "--episodes", "12", "--out", folder),
            *("--user", "random", "--assistant", "random", *(["--words"] if words else [])),
        ],
    )
    assert played.exit_code == 0, played.output
    again = run.invoke(cli.main, ["bill", folder, "--pricing", regime])
    assert again.exit_code == 0, again.output
    lines = [json.loads(line) for line in again.stdout.splitlines()]
    log = Path(folder, "episodes.jsonl").read_text(encoding="utf-8")
    episodes = [json.loads(line)["record"] for line in log.splitlines()]
    assert [one["total_pico_usd"] for one in lines] == [one["charged"] for one in episodes]
    assert "12 conversations" in again.stderr
    free = run.invoke(cli.main, ["bill", folder, "--pricing", "unlimited"])
    assert free.stdout != again.stdout
    if words:
        told = run.invoke(cli.main, ["bill", f"{folder}/transcripts.jsonl", "--pricing", regime])
        assert told.stdout == again.stdout


def test_a_folder_that_is_no_run_is_named(tmp_path: Path) -> None:
    result = run.invoke(cli.main, ["bill", str(tmp_path), "--pricing", "per_token"])
    assert result.exit_code == 2
    assert "is no run of `gtalign run`" in " ".join(result.stderr.split())


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "none.jsonl"
    result = run.invoke(cli.main, ["bill", str(file), "--pricing", "per_token"])
    assert result.exit_code == 2
    assert result.stderr == f"error: {file}: there is no such file\n"
