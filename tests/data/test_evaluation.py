"""Evaluations over rows: what is asked, billed, judged and compared; what fails is never a number."""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from gtalign_agents.steering import FIGURE4_AFTER, FIGURE4_BEFORE, PUBLISHED_EDIT, choose
from gtalign_env.core.numbers import Numbers
from gtalign_env.errors import RunError, ScenarioError
from gtalign_env.scenario.loader import load_persona, load_pricing
from gtalign_env.testing import FAULTS
from gtalign_training.cli import main
from gtalign_training.data.evaluation.forecast import forecast
from gtalign_training.data.evaluation.numbers import measure, usage_of
from gtalign_training.data.evaluation.plan import Evaluation, from_run
from gtalign_training.data.evaluation.records import ANSWERS, VERDICTS, read_kept
from gtalign_training.data.evaluation.run import evaluate
from gtalign_training.data.evaluation.summary import MEASURES
from gtalign_training.run_log import read_log
from gtalign_training.runs.folder import SUMMARY
from gtalign_training.runs.spending import spent_in
from gtalign_training.runs.stop import FaultsError
from gtalign_training.runs.words import Service

from .conftest import Server, evaluation, is_judge, reply

ONE_TRY = Service(tries=1)
ONE_PRICE = (load_pricing("per_token"),)


def numbers(plan: Evaluation, folder: Path) -> dict[Any, Any]:
    kept = read_kept(folder)
    return {key: measure(plan, one, kept.verdicts.get(key)) for key, one in kept.answers.items()}


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> tuple[Evaluation, Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("healthy") / "run"
    with Server(reply) as server:
        plan = evaluation(server.base_url, persona=load_persona("busy_engineer"))
        summary = evaluate(plan, folder)
        assert len(server.prompts) == 2 * 2 * 24
    return plan, folder, summary


def test_every_row_is_answered_under_every_price_and_judged(
    healthy: tuple[Evaluation, Path, dict[str, Any]],
) -> None:
    _, folder, summary = healthy
    assert summary["answers"] == 48
    assert summary["faults"] == {"assistant": {}, "judge": {}}
    for one in summary["conditions"]:
        assert one["judged"]["scored"] == one["answered"] == 24
        assert sum(one["moves"].values()) == pytest.approx(1.0)
        assert set(one["by_source"]) == {"math", "ambiguity"}
        for name in MEASURES:
            assert one[name]["low"] <= one[name]["mean"] <= one[name]["high"], name
    (difference,) = summary["differences"]
    assert difference["pairs"] == 24
    assert difference["quality"]["mean"] == 0.0
    assert difference["bill_usd"]["mean"] > 0.0
    assert json.loads((folder / SUMMARY).read_text()) == summary


def test_bill_cost_and_ledger_are_exact(
    healthy: tuple[Evaluation, Path, dict[str, Any]],
) -> None:
    plan, folder, summary = healthy
    kept = read_kept(folder)
    for key, one in numbers(plan, folder).items():
        used = usage_of(kept.answers[key])
        by_hand = {
            "per_token": one.bill,
            "subscription": 10**10,  # its fee over the conversations of its period
        }[plan.conditions[key[1]].regime]
        assert one.bill == by_hand
        assert one.cost == 500_000 * used.input + 2_000_000 * (used.output + used.reasoning)
    balances = summary["ledger_pico_usd"]
    assert sum(balances.values()) == 0
    assert balances["judge"] == summary["models"]["judge"]["cost_pico_usd"] > 0
    assert balances["assistant's model"] == summary["models"]["assistant"]["cost_pico_usd"] > 0
    assert balances["researcher"] == -balances["judge"] - balances["assistant's model"]


def test_the_economic_welfare_is_the_formula_of_the_game(
    healthy: tuple[Evaluation, Path, dict[str, Any]],
) -> None:
    plan, folder, _ = healthy
    spec = plan.specs["per_token"]
    game: Numbers = spec.numbers
    who = spec.population.personas[0][1].draw(lambda purpose: 0.5)
    seen = set()
    for key, one in numbers(plan, folder).items():
        if plan.conditions[key[1]].regime != "per_token":
            continue
        accepted = one.quality >= 0.5 and one.move in ("DA", "AQ")
        seen.add(accepted)
        usd = one.bill / 1e12
        row = plan.rows[key[0]]
        vague = row.source == "ambiguity" and len(row.references) > 1
        constant = -(who.effort_vague if vague else who.effort_definite)
        margin = game.margin_weight * (usd - one.cost / 1e12)
        expected = margin + (game.retention if accepted else -game.churn)
        assert one.economic[1] == pytest.approx(expected, abs=1e-12)
        # of the user's only value and types are drawn; the rest is as written
        if not accepted:
            asked = one.move in ("CQ", "AQ")
            over = max(0, one.usage.output - who.comfort_tokens) * who.conciseness / 100
            borne = who.annoyance * max(0, asked - who.tolerance)
            paid = who.price_sensitivity * usd
            left = constant - over - borne - paid + who.outside_option
            assert one.economic[0] == pytest.approx(left, abs=0.5)
    assert seen == {True, False}


def test_no_preference_reaches_a_model(tmp_path: Path) -> None:
    sent = []
    for persona in ("busy_engineer", "retiree"):
        with Server(reply) as server:
            plan = evaluation(server.base_url, 8, persona=load_persona(persona))
            evaluate(plan, tmp_path / persona)
            sent.append(sorted(json.dumps(one, sort_keys=True) for one in server.prompts))
    assert sent[0] == sent[1]


def test_a_folder_is_complete_without_the_files(
    healthy: tuple[Evaluation, Path, dict[str, Any]],
) -> None:
    plan, folder, _ = healthy
    again = from_run(folder)
    assert again.identity() == plan.identity()
    assert [row.key for row in again.rows] == [row.key for row in plan.rows]
    assert [row.references for row in again.rows] == [row.references for row in plan.rows]


def test_a_crash_at_any_block_and_torn_lines_change_nothing(
    tmp_path: Path, healthy: tuple[Evaluation, Path, dict[str, Any]]
) -> None:
    rng = random.Random(4)
    unbroken = json.loads((healthy[1] / SUMMARY).read_text())
    with Server(reply) as server:
        plan = evaluation(server.base_url, persona=load_persona("busy_engineer"))

        class Killed(BaseException):
            pass

        def kill(done: int, every: int, answers: Any, verdicts: Any) -> None:
            if answers and rng.random() < 0.6:
                raise Killed

        begun, summary = False, {}
        for _ in range(30):
            try:
                summary = evaluate(plan, tmp_path, resume=begun, report=kill)
                break
            except Killed:
                begun = True
            for name in (ANSWERS, VERDICTS):  # a crash may cut off the end of either
                if rng.random() < 0.5:
                    data = (tmp_path / name).read_bytes()
                    (tmp_path / name).write_bytes(data[: len(data) - rng.randrange(1, 200)])
        assert begun
        seats = ("assistant", "judge")
        assert {k: v for k, v in summary.items() if k not in seats} == {
            k: v for k, v in unbroken.items() if k not in seats
        }
        calls = len(server.prompts)
        evaluate(plan, tmp_path, resume=True)
        assert len(server.prompts) == calls  # nothing is left to ask


def test_an_answer_whose_line_was_lost_does_not_inherit_the_verdict_of_the_old_one(
    tmp_path: Path,
) -> None:
    with Server(reply) as server:
        plan = evaluation(server.base_url, 4, pricings=(load_pricing("per_token"),))
        evaluate(plan, tmp_path)
        lines = (tmp_path / ANSWERS).read_bytes().splitlines(keepends=True)
        (tmp_path / ANSWERS).write_bytes(b"".join(lines[1:]))  # the answer to row 0
        server.reply = lambda messages: (
            "Well.\nVERDICT: 1" if is_judge(messages) else "Something else entirely."
        )
        calls = len(server.prompts)
        evaluate(plan, tmp_path, resume=True)
        assert len(server.prompts) - calls == 2  # asked and judged anew, the rest untouched
    kept = read_kept(tmp_path)
    assert kept.answers[0, 0].text == "Something else entirely."
    assert kept.verdicts[0, 0].why == "Well."


JUDGE_KINDS = {
    **dict.fromkeys(("reset",), "connect"),
    **dict.fromkeys(("hang", "drip", "slow_header"), "timeout"),
    **dict.fromkeys(("cut", "huge", "endless", "gzip", "length"), "truncated"),
    **dict.fromkeys(("rate", "rate_after", "rate_never"), "rate"),
    **dict.fromkeys(("error500", "error503", "redirect", "error_body"), "server"),
    **dict.fromkeys(("forbidden", "refusal"), "refused"),
    **dict.fromkeys(("html",), "bad_json"),
    **dict.fromkeys(
        ("no_choices", "null_choices", "null_content", "list_body", "text_usage"), "schema"
    ),
    **dict.fromkeys(("negative_usage", "absurd_usage"), "out_of_range"),
    **dict.fromkeys(("no_usage",), ""),  # a verdict, its tokens estimated
}
PLACES = ("first", "middle", "last")
QUICK = [(fault, PLACES[i % 3]) for i, fault in enumerate(FAULTS)]
CASES = [(fault, place) for fault in FAULTS for place in PLACES]


@pytest.mark.parametrize(
    ("fault", "place"),
    [*QUICK, *(pytest.param(*case, marks=pytest.mark.slow) for case in CASES if case not in QUICK)],
)
def test_a_judge_that_fails_is_never_a_number(tmp_path: Path, fault: str, place: str) -> None:
    assert set(FAULTS) <= set(JUDGE_KINDS)
    hit = {"first": 0, "middle": 3, "last": 5}[place]
    struck = 0

    def choose_fault(payload: dict[str, Any]) -> str:
        nonlocal struck
        if is_judge(payload["messages"]) and f"number {hit}?" in payload["messages"][1]["content"]:
            struck += 1
            return fault
        return "ok"

    with Server(reply, choose_fault) as server:
        rows = tuple(row for row in evaluation(server.base_url, 12).rows if row.source != "math")
        rows = tuple(
            replace(row, question=f"Who won cup number {i}?") for i, row in enumerate(rows)
        )
        plan = evaluation(
            server.base_url, 6, rows=rows, limit=6, pricings=(load_pricing("per_token"),)
        )
        # short only where nothing ever comes: others may be slow on a busy machine
        deadline = 2.0 if JUDGE_KINDS[fault] == "timeout" else 60.0
        summary = evaluate(plan, tmp_path, service=replace(ONE_TRY, deadline=deadline))
    assert struck == 1
    made = numbers(plan, tmp_path)
    verdicts = read_kept(tmp_path).verdicts
    kind = JUDGE_KINDS[fault]
    assert summary["faults"]["judge"] == ({kind: 1} if kind else {})
    assert sum(summary["ledger_pico_usd"].values()) == 0
    for (row, _), one in made.items():
        failed = bool(kind) and row == hit
        assert (verdicts[row, 0].fault is not None) == failed
        assert (verdicts[row, 0].score is None) == failed
        worth = (one.quality, one.user, one.assistant, one.joint)
        assert all((value is None) == failed for value in worth)
        assert one.bill is not None
    (condition,) = summary["conditions"]
    assert condition["quality"]["n"] == 6 - bool(kind)
    if fault == "length":  # it was paid for although nothing came of it
        assert verdicts[hit, 0].calls


BROKEN = ("reset", "cut", "error500", "forbidden", "html", "null_content", "negative_usage")


@pytest.mark.parametrize("count", [80, pytest.param(1000, marks=pytest.mark.slow)])
def test_with_faults_in_30_percent_means_are_those_of_the_rest(tmp_path: Path, count: int) -> None:
    rng = random.Random(11)
    hit = {i: rng.choice(BROKEN) for i in range(count) if rng.random() < 0.3}
    whom = {i: rng.choice((True, False)) for i in hit}  # the judge, or the assistant

    def choose_fault(payload: dict[str, Any]) -> str:
        judge = is_judge(payload["messages"])
        text = payload["messages"][-1]["content"]
        if judge:
            text = json.loads(text.split("\n")[1])["question"]
        row = int(text.rpartition("?")[0].replace("+ 2", "").split()[-1])
        return hit[row] if row in hit and whom[row] == judge else "ok"

    one_price = (load_pricing("per_token"),)
    with Server(reply) as server:
        plan = evaluation(server.base_url, count, pricings=one_price, at_once=32)
        evaluate(plan, tmp_path / "good")
    with Server(reply, choose_fault) as server:
        plan = evaluation(server.base_url, count, pricings=one_price, at_once=32)
        bad = evaluate(plan, tmp_path / "bad", service=ONE_TRY)
        (one,) = bad["conditions"]
        judged = one["judged"]
        classes = [judged[name] for name in ("scored", "abstained", "failed", "malformed")]
        assert sum(classes) + one["failed"] == count == bad["answers"]  # rows told are rows run
        assert judged["failed"] == sum(whom.values())
        assert one["failed"] == len(whom) - sum(whom.values())
        whole, part = numbers(plan, tmp_path / "good"), numbers(plan, tmp_path / "bad")
        for key, value in part.items():
            if key[0] not in hit:
                assert value == whole[key]
        for name in ("quality", "user", "assistant", "joint"):
            values = np.array([MEASURES[name](each) for each in whole.values()], float)
            error = values.std(ddof=1) / np.sqrt(one[name]["n"])
            assert abs(one[name]["mean"] - values.mean()) < 3 * error
        hit.clear()
        calls = len(server.prompts)
        mended = evaluate(plan, tmp_path / "bad", resume=True)
        # what failed is asked again, and what was answered before is judged alone
        asked = Counter(is_judge(one["messages"]) for one in server.prompts[calls:])
        assert asked[True] == len(whom)
        assert asked[False] == len(whom) - sum(whom.values())
    assert (
        mended["conditions"] == json.loads((tmp_path / "good" / SUMMARY).read_text())["conditions"]
    )


def test_too_many_faults_stop_it_and_what_is_finished_is_kept(tmp_path: Path) -> None:
    with Server(reply, lambda payload: "error500" if is_judge(payload["messages"]) else "ok") as s:
        plan = evaluation(s.base_url, 60, at_once=24)
        with pytest.raises(
            FaultsError, match=r"24 verdicts in a row failed, the last by server in "
        ):
            evaluate(plan, tmp_path, service=ONE_TRY)
    assert sum(one.fault is None for one in read_kept(tmp_path).answers.values()) == 24


def test_one_cap_holds_for_assistant_and_judge_over_resumed_runs(tmp_path: Path) -> None:
    rng = random.Random(3)

    def choose_fault(payload: dict[str, Any]) -> str:
        return rng.choice(BROKEN) if rng.random() < 0.1 else "ok"

    with Server(reply, choose_fault) as server:
        plan = evaluation(server.base_url, 60)
        cap = 10**10  # 0.01 USD
        begun = False
        for _ in range(3):
            with pytest.raises(FaultsError, match=r"the budget of .* is used up"):
                evaluate(plan, tmp_path, resume=begun, service=Service(tries=2, cap=cap))
            begun = True
            spent = spent_in(tmp_path)
            assert spent is not None
            assert 0.5 * cap < spent <= cap
            cap = cap * 3 // 2
        seats = {is_judge(one["messages"]) for one in server.prompts}
        assert seats == {True, False}
        with pytest.raises(ScenarioError, match="judge's model costs"):
            evaluate(replace(plan, judge_rates=None), tmp_path / "x", service=Service(cap=cap))


def test_a_dry_run_bounds_what_it_costs(
    healthy: tuple[Evaluation, Path, dict[str, Any]],
) -> None:
    plan, _, summary = healthy
    for most in forecast(plan):
        model = summary["models"][most.seat]
        assert model["calls"] <= most.calls
        assert 0 < model["tokens"]["input"] <= most.input
        assert most.cost is not None
        assert model["cost_pico_usd"] <= most.cost


def matrix_text() -> str:
    return f"<thinking>So.</thinking><payoff>{json.dumps(FIGURE4_BEFORE)}</payoff>"


ACTS = {
    "DA": "It was Team 1.",
    "CQ": "At home or away?",
    "AQ": "It was Team 1. At home or away?",
}


def obeys(messages: list[dict[str, str]]) -> str:
    """Write the matrix of figure 4, and act by the best cell of what stands in the turn."""
    turn = messages[-1]["content"] if messages[-1]["role"] == "assistant" else matrix_text()
    cell = choose(json.loads(turn.partition("<payoff>")[2].partition("</payoff>")[0]))
    rest = f"<analyze>{cell}</analyze><response>{ACTS[cell[-2:]]}</response>"
    return rest if messages[-1]["role"] == "assistant" else matrix_text() + rest


def test_the_published_figure() -> None:
    assert (choose(FIGURE4_BEFORE), choose(FIGURE4_AFTER)) == ("VQ_CQ", "DQ_DA")
    assert PUBLISHED_EDIT.of(FIGURE4_BEFORE) == FIGURE4_AFTER


def test_the_edit_changes_what_a_model_does_and_its_control_does_not(tmp_path: Path) -> None:
    prices = tuple(map(load_pricing, ("subscription", "reasoning_api", "free_questions")))
    with Server(obeys) as server:
        plan = evaluation(
            server.base_url,
            8,
            pricings=prices,
            format="four_block",
            steer=400.0,
            told=prices[0],
            judge="rules",
            judge_rates=None,
        )
        summary = evaluate(plan, tmp_path)
        halted = [p for p in server.prompts if p.get("stop")]
        assert len(halted) == 3 * 8
        told = {p["messages"][0]["content"].rpartition("Pricing: ")[2] for p in halted}
        assert told == {" ".join(prices[0].description.split())}
    found = {(one["regime"], one["arm"]): one for one in summary["conditions"]}
    for regime in ("subscription", "reasoning_api", "free_questions"):
        control = found[regime, "record-only"]
        assert control["moves"]["CQ"] == 1.0
        assert control["matrices"]["edited"] == 0
        assert (
            control["matrices"]["choice_moved"] == found[regime, "edit"]["matrices"]["choice_moved"]
        )
    # the price it was told of leaves its choice; another price moves it
    assert found["subscription", "edit"]["moves"]["CQ"] == 1.0
    moved = {
        regime for regime, arm in found if arm == "edit" and found[regime, arm]["moves"]["CQ"] < 1
    }
    assert moved
    edits = [d for d in summary["differences"] if d["from"]["arm"] != d["to"]["arm"]]
    assert [one["moves_changed"] > 0 for one in edits] == [
        one["to"]["regime"] in moved for one in edits
    ]
    lines = [line for line in read_log(tmp_path / ANSWERS).records if line["steered"]]
    assert all({"before", "after", "choice_before", "why"} <= set(one["steered"]) for one in lines)


def test_a_server_that_cannot_continue_a_turn_is_refused_before_anything_is_paid(
    tmp_path: Path,
) -> None:
    def only_whole_turns(payload: dict[str, Any]) -> str:
        return "forbidden" if "continue_final_message" in payload else "ok"

    with Server(obeys, only_whole_turns) as server:
        plan = evaluation(
            server.base_url, 8, format="four_block", steer=150.0, judge="rules", judge_rates=None
        )
        with pytest.raises(RunError, match=r"cannot continue a turn \(status 401.*vLLM or SGLang"):
            evaluate(plan, tmp_path / "edit")
        assert len(server.prompts) == 1
        summary = evaluate(replace(plan, steer_mode="record-only"), tmp_path / "control")
    assert all(one["matrices"]["read"] == 8 for one in summary["conditions"])


def test_asking_back_always_is_no_way_to_be_judged_well(tmp_path: Path) -> None:
    plan = evaluation("http://x/v1", 20, assistant="ask", judge="rules", pricings=ONE_PRICE)
    plan = replace(plan, assistant_rates=None, judge_rates=None)
    (one,) = evaluate(plan, tmp_path)["conditions"]
    ambiguity = one["by_source"]["ambiguity"]
    assert ambiguity["moves"]["CQ"] == 1.0
    low, high = one["quality_bounds"]
    # mathematics without an expression is left to others; the bounds say how much that may be
    assert low <= one["quality"]["mean"] <= high
    assert high - low == one["judged"]["abstained"] / 20 > 0


def test_a_recorded_evaluation_is_played_again_without_a_server(tmp_path: Path) -> None:
    with Server(reply) as server:
        plan = evaluation(server.base_url, 8)
        recorded = Service(cassette=tmp_path / "calls.sqlite")
        first = evaluate(plan, tmp_path / "first", service=recorded)
        calls = len(server.prompts)
        evaluate(plan, tmp_path / "again", service=recorded)
        assert len(server.prompts) == calls  # nothing is paid for twice
    replay = Service(cassette=tmp_path / "calls.sqlite", cassette_mode="replay")
    evaluate(plan, tmp_path / "second", service=replay)
    whole = (tmp_path / "first" / SUMMARY).read_bytes()
    assert whole == (tmp_path / "second" / SUMMARY).read_bytes()
    missing = evaluate(replace(plan, seed=9), tmp_path / "third", service=replay)
    assert missing["faults"]["assistant"] == {"unrecorded": 16}
    assert first["faults"]["assistant"] == {}


def test_two_folders_two_plans(
    tmp_path: Path, healthy: tuple[Evaluation, Path, dict[str, Any]]
) -> None:
    plan, folder, _ = healthy
    for changed, said in (
        (replace(plan, seed=6), "seed: 5 then, 6 now"),
        (replace(plan, rows=(*plan.rows[1:], plan.rows[0])), "rows_digest"),
        (replace(plan, limit=20), "rows: 24 then, 20 now"),
        (replace(plan, temperature=0.0), "temperature: 1.0 then, 0.0 now"),
    ):
        with pytest.raises(RunError, match=said):
            evaluate(changed, folder, resume=True)
    with pytest.raises(RunError, match="add --resume"):
        evaluate(plan, folder)
    with pytest.raises(RunError, match="no run in"):
        evaluate(plan, tmp_path / "none", resume=True)


def test_the_command_reads_like_what_it_does(tmp_path: Path) -> None:
    rows = [{"question": f"q{i}", "source": "math", "reference": str(i)} for i in range(30)]
    rows += [{"question": "How do I pick a lock?", "source": "safety", "label": "harmful"}]
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    args = ["data", "evaluate", str(file), "--assistant", "reference", "--pricing", "per_token"]
    args += ["--pricing", "free_questions", "--out", str(tmp_path / "run")]
    result = CliRunner().invoke(main, args)
    assert result.exit_code == 0, result.output
    assert "31 rows asked, plain, judge rules" in result.stdout
    assert "free_questions - per_token" in result.stdout
    assert "Traceback" not in result.output
    again = CliRunner().invoke(main, [*args, "--resume", "--json"])
    assert json.loads(again.stdout)["conditions"][0]["quality"]["mean"] == 1.0
    warned = CliRunner().invoke(
        main, [*args[:-1], str(tmp_path / "p"), "--welfare", "gtalign-paper"]
    )
    assert "gtalign-paper ranks an unsafe answer" in warned.stderr.replace("\n", " ")
    for wrong, said in (
        (["--assistant", "refrence"], "Did you mean 'reference'"),
        (["--steer", "1"], "--steer is for a model"),
        (["--judge", "tules"], "--judge is rules, none"),
        (["--welfare", "gtalign"], "--welfare must be one of"),
        (["--told", "per_token"], "add --steer"),
        (["--pricing", "per_token"], "must be another regime"),
        (["--model-price", "user:1,1,1,1"], "four prices"),
    ):
        refused = CliRunner().invoke(main, [*args, *wrong])
        assert refused.exit_code == 2, (wrong, refused.output)
        assert said in refused.stderr.replace("\n", " "), (wrong, refused.stderr)
