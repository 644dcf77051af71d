"""Models that fail in either seat: faults by kind, never a reward; the others go on as they were."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from gtalign_agents.backends.openai_http import OpenAIHttp
from gtalign_agents.dialogue.assistant import LanguageAssistant
from gtalign_agents.dialogue.play import play
from gtalign_agents.dialogue.speaker import Dialogue, ScriptedAssistant, ScriptedUser
from gtalign_agents.dialogue.user import LanguageUser
from gtalign_env.core.moves import Ending
from gtalign_env.core.policies import assistant_policy, user_policy
from gtalign_env.draws import Seat
from gtalign_env.envs.dialogue_aec import TalkTable
from gtalign_env.money import rate_per_token
from gtalign_env.pricing import Rates
from gtalign_env.scenario.loader import load_tasks
from gtalign_env.testing import FAULTS
from gtalign_training.cli import main
from gtalign_training.run_log import read_log
from gtalign_training.runs.folder import EPISODES, EVENTS, Plan, episodes_of_events, read_run
from gtalign_training.runs.forecast import longest_scripted
from gtalign_training.runs.record import record_dialogue
from gtalign_training.runs.run import run
from gtalign_training.runs.spending import spent_in
from gtalign_training.runs.stop import FaultsError
from gtalign_training.runs.transcripts import transcripts
from gtalign_training.runs.words import Service

from .conftest import TALK_SEED, ChosenFaults, is_user, reply, talk_plan

KINDS = {
    **dict.fromkeys(("reset",), "connect"),
    **dict.fromkeys(("hang", "drip", "slow_header"), "timeout"),
    **dict.fromkeys(("cut", "huge", "endless", "gzip"), "truncated"),
    **dict.fromkeys(("rate", "rate_after", "rate_never"), "rate"),
    **dict.fromkeys(("error500", "error503", "redirect", "error_body"), "server"),
    **dict.fromkeys(("forbidden", "refusal"), "refused"),
    **dict.fromkeys(("html",), "bad_json"),
    **dict.fromkeys(
        ("no_choices", "null_choices", "null_content", "list_body", "text_usage"), "schema"
    ),
    **dict.fromkeys(("negative_usage", "absurd_usage"), "out_of_range"),
    **dict.fromkeys(("length", "no_usage"), ""),  # an answer, labelled or estimated
}
CASES = [
    (fault, seat, turn) for fault in FAULTS for seat in ("user", "assistant") for turn in range(3)
]
QUICK = [(fault, ("user", "assistant")[i % 2], i // 2 % 3) for i, fault in enumerate(FAULTS)]

Talks = list[Dialogue]


def played(choose: Callable[[dict[str, Any]], str], deadline: float = 5.0) -> Talks:
    """Return eight dialogues of two models, with a server that fails as a function says."""
    table = TalkTable("help_desk", "subscription")
    table.seed(TALK_SEED)
    talks = [table.talk(table.open(i)) for i in range(8)]
    with ChosenFaults(choose) as server:
        model = OpenAIHttp(server.base_url, "m", deadline=deadline, attempts=1)
        assistant = LanguageAssistant(model, "plain")
        return play(talks, LanguageUser(model), assistant, indices=range(8))


@pytest.fixture(scope="module")
def healthy() -> Talks:
    return played(lambda payload: "ok")


def test_all_faults_of_the_server_have_a_kind() -> None:
    assert set(KINDS) == set(FAULTS)


@pytest.mark.parametrize(
    ("fault", "seat", "turn"),
    [*QUICK, *(pytest.param(*c, marks=pytest.mark.slow) for c in CASES if c not in QUICK)],
)
def test_every_fault_in_either_seat_on_any_turn(
    healthy: Talks, fault: str, seat: str, turn: int
) -> None:
    who = Seat.USER if seat == "user" else Seat.ASSISTANT

    def choose(payload: dict[str, Any]) -> str:
        messages = payload["messages"]
        here = ("user" if is_user(messages) else "assistant") == seat
        spoken = sum(message["role"] == "assistant" for message in messages)
        return fault if here and spoken == turn else "ok"

    reached = 0
    # what never ends is given up soon, what does end has time enough on a busy machine
    dialogues = played(choose, 0.4 if KINDS[fault] == "timeout" else 5.0)
    for dialogue, well in zip(dialogues, healthy, strict=True):
        conversation = dialogue.talk.conversation
        result = record_dialogue(dialogue, seed=TALK_SEED).result
        # what is paid is what is received, to the pico-USD, whatever failed
        ledger = conversation.ledger
        assert ledger.balance(Seat.USER) == -conversation.state.charged == -result.charged
        assert ledger.balance(Seat.USER) + ledger.balance(Seat.ASSISTANT) == 0
        if KINDS[fault] and len(well.of(who)) > turn:
            reached += 1
            assert conversation.state.ending is Ending.FAULT
            assert result.fault is not None
            assert (result.fault.kind, result.fault.seat) == (KINDS[fault], seat)
            assert result.welfare is None
            assert len(dialogue.of(who)) == turn
            assert dialogue.turns == well.turns[: len(dialogue.turns)]
        else:
            assert result.fault is None
            assert result.welfare is not None
            assert conversation.returns == well.talk.conversation.returns
    if KINDS[fault]:
        assert reached > 0
        return
    said = [one for dialogue in played(choose) for one in dialogue.of(who)[turn : turn + 1]]
    assert said
    if fault == "length":
        assert all("unfinished" in one.labels for one in said)
    else:
        assert all(one.calls[-1].usage_source == "estimate" for one in said)


BROKEN = ("reset", "cut", "error500", "forbidden", "html", "null_content", "negative_usage")


@pytest.mark.parametrize("episodes", [60, pytest.param(1000, marks=pytest.mark.slow)])
def test_with_faults_in_30_percent_the_rest_is_the_fault_free_run(
    tmp_path: Path, short_waits: None, episodes: int
) -> None:
    rng = random.Random(12)
    hit = {i: rng.choice(BROKEN) for i in range(episodes) if rng.random() < 0.3}

    def choose(payload: dict[str, Any]) -> str:
        # the seed of a call tells the episode; whom it hits has nothing to do with the play
        if is_user(payload["messages"]):
            return "ok"
        return hit.get(payload["seed"] - TALK_SEED, "ok")

    with ChosenFaults() as server:
        plan = talk_plan(server.base_url, episodes)
        good = run(plan, tmp_path / "good")
    with ChosenFaults(choose) as server:
        plan = talk_plan(server.base_url, episodes)
        bad = run(plan, tmp_path / "bad", service=Service(tries=1))
        found = read_run(tmp_path / "bad").episodes
        assert sorted(found) == list(range(episodes))  # rows reported are rows run
        assert Counter(bad["seats"]["assistant"]["faults"]) == bad["faults"]
        assert bad["seats"]["user"]["faults"] == {}
        assert {i for i, one in found.items() if one.fault} == set(hit)
        classes = {"accepted", "left", "broke", "truncated", "fault"}
        assert Counter(one.ending for one in found.values()).total() == episodes
        assert {one.ending for one in found.values()} <= classes
        whole = read_run(tmp_path / "good").episodes
        assert all(one == whole[i] for i, one in found.items() if i not in hit)
        told = list(transcripts(tmp_path / "bad", plan))
        assert [one.episode for one in told] == [i for i in range(episodes) if i not in hit]
        # means over the valid ones are those of the fault-free run, within three standard errors
        for key in ("user", "assistant"):
            values = np.array([getattr(one, key) for one in whole.values()])
            error = values.std(ddof=1) / np.sqrt(bad["valid"])
            assert abs(bad["welfare"][key]["mean"] - good["welfare"][key]["mean"]) < 3 * error
        assert bad["valid"] == episodes - len(hit)
        hit.clear()  # mended: what failed is played again, and nothing else
        calls = len(server.prompts)
        mended = run(plan, tmp_path / "bad", resume=True)
        assert len(server.prompts) - calls < 8 * episodes * 0.4
    assert read_run(tmp_path / "bad").episodes == whole
    assert {k: v for k, v in mended.items() if k not in ("user", "assistant")} == {
        k: v for k, v in good.items() if k not in ("user", "assistant")
    }
    assert episodes_of_events(tmp_path / "bad") == whole


def test_a_run_stops_where_too_much_fails_and_keeps_what_is_finished(
    tmp_path: Path, short_waits: None
) -> None:
    with ChosenFaults(lambda payload: "ok" if payload["seed"] < 40 else "error500") as server:
        plan = replace(talk_plan(server.base_url, 400), user="default")
        with pytest.raises(FaultsError, match=r"in a row failed, the last by server in the assis"):
            run(plan, tmp_path / "row", service=Service(tries=1))
        found = read_run(tmp_path / "row").episodes
        assert sum(one.fault is None for one in found.values()) == 40 - TALK_SEED
    with ChosenFaults(lambda payload: "html" if payload["seed"] % 9 == 0 else "ok") as server:
        plan = replace(talk_plan(server.base_url, 400), user="default")
        with pytest.raises(
            FaultsError, match=r"9 of 400 episodes failed, more than the share of 0"
        ):
            run(plan, tmp_path / "share", service=Service(tries=1), fault_limit=0.02)
        assert len(read_run(tmp_path / "share").episodes) == 80
    name = "openai:http://127.0.0.1:9/v1#m"
    args = ["run", "help_desk", "--assistant", name, "--tries", "1", "--episodes", "60"]
    result = CliRunner().invoke(main, [*args, "--out", str(tmp_path / "down")])
    assert result.exit_code == 3
    assert "32 episodes in a row failed, the last by connect" in result.stderr.replace("\n", " ")
    assert "Traceback" not in result.output


RATES = Rates(*(rate_per_token(price) for price in ("1", "0.1", "4", "4")))


def billed(server: ChosenFaults) -> int:
    """Return what a provider bills that charges for failed tries as if they had said all they may."""
    total = 0
    for step, payload in server.steps:
        sent = sum(len(message["content"]) for message in payload["messages"])
        if step == "ok":
            written = len(reply(payload["messages"]))
            total += RATES.input * (sent // 4 + 1) + RATES.output * (written // 4 + 1)
        else:
            total += RATES.input * sent + RATES.output * payload["max_tokens"]
    return total


def test_a_cap_holds_under_faults_and_over_resumed_runs(tmp_path: Path, short_waits: None) -> None:
    rng = random.Random(32)

    def choose(payload: dict[str, Any]) -> str:
        return rng.choice(BROKEN) if rng.random() < 0.1 else "ok"

    with ChosenFaults(choose) as server:
        plan = talk_plan(server.base_url, 200)
        assert plan.words is not None
        plan = replace(plan, words=replace(plan.words, user_rates=RATES, assistant_rates=RATES))
        cap, finished = 10**10, -1  # 0.01 USD
        for _ in range(3):
            with pytest.raises(FaultsError, match=r"the budget of 0\.\d+ USD is used up"):
                run(plan, tmp_path, resume=finished >= 0, service=Service(tries=2, cap=cap))
            spent = spent_in(tmp_path)
            assert spent is not None
            assert 0.5 * cap < spent <= cap
            assert billed(server) <= cap
            valid = sum(one.fault is None for one in read_run(tmp_path).episodes.values())
            assert valid > finished
            finished = valid
            cap *= 2
        calls = len(server.prompts)
        for other, message in ((None, "say --budget-cap again"), (10**9, "raise --budget-cap")):
            with pytest.raises(Exception, match=message):
                run(plan, tmp_path, resume=True, service=Service(tries=2, cap=other))
        assert len(server.prompts) == calls  # nothing was sent
    assert Plan.facts(plan)["words"]["user_rates"] == list(RATES)
    assert all(read_log(tmp_path / name).damaged == 0 for name in (EVENTS, EPISODES))


def test_a_dry_run_bounds_what_a_run_costs_and_sends_nothing(tmp_path: Path) -> None:
    with ChosenFaults() as server:
        name = f"openai:{server.base_url}#m"
        args = ["run", "help_desk", "--user", name, "--assistant", name, "--episodes", "16"]
        args += ["--model-price", "1,0.1,4,4", "--max-tokens", "64", "--out", str(tmp_path)]
        dry = CliRunner().invoke(main, [*args, "--dry-run", "--json"])
        assert server.prompts == []
        assert dry.exit_code == 0
        assert CliRunner().invoke(main, [*args, "--dry-run"]).stdout.count(" calls, ") == 2
        real = CliRunner().invoke(main, [*args, "--json"])
    bound = {one["seat"]: one for one in json.loads(dry.stdout)["models"]}
    seats = json.loads(real.stdout)["seats"]
    for seat, most in bound.items():
        model = seats[seat]["model"]
        assert 0 < model["calls"] <= most["calls"]
        assert model["tokens"]["input"] <= most["input"]
        assert model["cost_pico_usd"] <= most["cost"]


def test_no_bundled_wording_is_longer_than_a_dry_run_takes_it_to_be() -> None:
    tasks = load_tasks("general_knowledge")
    bound = longest_scripted(tasks)
    seen = {"user": 0, "assistant": 0}
    for scenario in ("help_desk", "quick_question"):
        table = TalkTable(scenario, tasks=tasks)
        table.seed(0)
        talks = [table.talk(table.open(i)) for i in range(150)]
        user, assistant = ScriptedUser(user_policy("random")), assistant_policy("AQ:verbose")
        for dialogue in play(talks, user, ScriptedAssistant(assistant)):
            for seat, said in dialogue.turns:
                name = seat.name.lower()
                seen[name] = max(seen[name], len(said.text.encode()))
    assert all(bound[seat] / 4 < seen[seat] <= bound[seat] for seat in bound)
