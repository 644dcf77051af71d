"""Runs whose assistant is steered at its matrix, and runs with a model in this process."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from gtalign_agents.fourblock import PAYOFF_KEYS
from gtalign_agents.steering import choose
from gtalign_env.scenario.loader import load_pricing, load_scenario, load_tasks
from gtalign_env.testing import FaultServer
from gtalign_training.language.tiny.language import pieces
from gtalign_training.language.tiny.model import build_model, build_tokenizer
from gtalign_training.run_log import read_log
from gtalign_training.runs.folder import EPISODES, EVENTS, Plan, read_run
from gtalign_training.runs.run import run
from gtalign_training.runs.transcripts import TRANSCRIPTS
from gtalign_training.runs.words import Service, Words

from .conftest import talk_plan

MATRIX = (
    '{"DQ_AQ": {"LLM": 1, "user": 2.5}, "DQ_CQ": {"LLM": 1.3, "user": 2.7},'
    ' "DQ_DA": {"LLM": 1.6, "user": 2.8}, "VQ_AQ": {"LLM": 1.4, "user": 2.3},'
    ' "VQ_CQ": {"LLM": 1.7, "user": 2.9}, "VQ_DA": {"LLM": 1.9, "user": 2.4}}'
)
BEGIN = f"<thinking>So.</thinking><payoff>{MATRIX}</payoff>"
END = "<analyze>VQ_DA</analyze><response>It is Hue.</response>"


def steered_plan(base_url: str) -> Plan:
    plan = talk_plan(base_url, 12, user="default")
    return replace(plan, words=Words(at_once=8, format="four_block", steer=150.0))


def test_a_steered_run_edits_every_matrix_and_goes_on_from_it(tmp_path: Path) -> None:
    def continues(messages: list[dict[str, str]]) -> str:
        return END if messages[-1]["role"] == "assistant" else BEGIN + END

    with FaultServer(continues) as server:
        summary = run(steered_plan(server.base_url), tmp_path)
        prompts = server.prompts
    assistant = summary["seats"]["assistant"]
    assert assistant["labels"] == {}
    assert assistant["model"]["calls"] == 2 * assistant["messages"]
    assert len(prompts) == 1 + assistant["model"]["calls"]  # the first: can it continue a turn?

    said = [e for e in read_log(tmp_path / EVENTS).records if "steered" in e]
    assert len(said) == assistant["messages"]
    assert all(one["text"] == "It is Hue." for one in said)
    # what is recorded as written is what the model was given and went on from
    given = {p["messages"][-1]["content"] for p in prompts[1:] if "continue_final_message" in p}
    assert {one["written"] for one in said} == {prefix + END for prefix in given}
    assert all(one["steered"]["before"] != one["steered"]["after"] for one in said)


def test_under_a_schedule_the_same_policy_does_another_thing_when_the_price_changes(
    tmp_path: Path,
) -> None:
    acts = {"DA": "It is Hue.", "CQ": "Which one do you mean?", "AQ": "It is Hue. Is that it?"}
    # an answer is a little better than a question, as long as nobody counts its tokens
    matrix = {key: {"LLM": 1.0, "user": 1.0} for key in PAYOFF_KEYS}
    matrix |= {"VQ_DA": {"LLM": 2.0, "user": 3.0}, "VQ_CQ": {"LLM": 2.0, "user": 2.8}}
    begin = f"<thinking>So.</thinking><payoff>{json.dumps(matrix)}</payoff>"

    def obeys(messages: list[dict[str, str]]) -> str:
        """Act by the best cell of the matrix that stands in the turn, whoever wrote it there."""
        if messages[-1]["role"] != "assistant":
            return begin + END
        if "<payoff>" not in messages[-1]["content"]:
            return "two"  # it was only asked whether it can
        cell = choose(
            json.loads(messages[-1]["content"].partition("<payoff>")[2].partition("<")[0])
        )
        return f"<analyze>{cell}</analyze><response>{acts[cell[-2:]]}</response>"

    with FaultServer(obeys) as server:
        plan = steered_plan(server.base_url)
        # a flat fee at first, and a price by the token from the seventh conversation on
        shift = [(0, load_pricing("subscription")), (6, load_pricing("reasoning_api"))]
        scenario = replace(plan.scenario, schedule=tuple(shift))
        assert plan.words is not None
        words = replace(plan.words, steer=150.0)
        run(replace(plan, scenario=scenario, words=words), tmp_path)
    first = {
        episode: one.assistant_moves[0] for episode, one in read_run(tmp_path).episodes.items()
    }
    assert {first[i] for i in range(6)} == {"DA:concise"}
    assert {first[i] for i in range(6, 12)} == {"CQ"}
    records = [e for e in read_log(tmp_path / EVENTS).records if "steered" in e and e["turn"] == 1]
    assert {one["steered"]["choice_before"] for one in records} == {"VQ_DA"}
    whys = {one["episode"] >= 6: one["steered"]["why"] for one in records}
    assert "subscription" in whys[False]
    assert "reasoning_api" in whys[True]


def test_a_server_that_begins_a_steered_turn_anew_is_a_fault(tmp_path: Path) -> None:
    with FaultServer(lambda messages: BEGIN + END) as server:
        summary = run(steered_plan(server.base_url), tmp_path)
    assert summary["faults"] == {"refused": 12}
    assert {one.fault.message for one in read_run(tmp_path).episodes.values() if one.fault} == {
        "the turn was begun anew where it had to be continued"
    }


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_model_in_this_process_says_the_same_in_a_run_that_was_broken_off(
    tmp_path: Path,
) -> None:
    path = tmp_path / "model"
    regimes = [regime.regime() for _, regime in load_scenario("help_desk").schedule]
    tokenizer = build_tokenizer(pieces(load_tasks("general_knowledge"), regimes))
    build_model(tokenizer, layers=1, hidden=32, seed=0).save_pretrained(str(path))
    tokenizer.save_pretrained(str(path))
    words = Words(at_once=3, max_tokens=12, user_max_tokens=12, tasks="general_knowledge")
    plan = Plan(load_scenario("help_desk"), f"local:{path}", f"local:{path}", 1, 6, words)
    whole = run(plan, tmp_path / "whole", service=Service())
    run(replace(plan, episodes=3), tmp_path / "broken")
    again = run(plan, tmp_path / "broken", resume=True)
    assert again == whole
    for name in (EVENTS, EPISODES, TRANSCRIPTS):
        assert (tmp_path / "broken" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    seats = whole["seats"]
    assert seats["assistant"]["model"]["calls"] == seats["assistant"]["messages"]
    # a model that knows no words for its moves has all of them replaced
    assert seats["user"]["labels"]["misphrased"] > 0
    assert seats["user"]["model"]["estimated"] == 0
