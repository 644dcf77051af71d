"""Judging again: only what failed, nothing asked of the assistant, nothing old lost, crash-safe."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gtalign_env.errors import RunError
from gtalign_env.scenario.loader import load_pricing
from gtalign_training.cli import main
from gtalign_training.data.evaluation.plan import from_run
from gtalign_training.data.evaluation.records import VERDICTS, read_kept
from gtalign_training.data.evaluation.rescoring import rescore
from gtalign_training.data.evaluation.run import evaluate
from gtalign_training.run_log import read_log
from gtalign_training.runs.folder import SUMMARY
from gtalign_training.runs.stop import FaultsError
from gtalign_training.runs.words import Service

from .conftest import Server, evaluation, is_judge, reply

ONE_TRY = Service(tries=1)
ONE_PRICE = (load_pricing("per_token"),)


def asked_row(payload: dict[str, Any]) -> int:
    """Return the row that a judge is asked about."""
    question = json.loads(payload["messages"][1]["content"].split("\n")[1])["question"]
    return int(question.rpartition("?")[0].replace("+ 2", "").split()[-1])


def dead_for(hit: set[int]) -> Any:
    def choose(payload: dict[str, Any]) -> str:
        down = is_judge(payload["messages"]) and asked_row(payload) in hit
        return "error500" if down else "ok"

    return choose


def without(summary: dict[str, Any]) -> dict[str, Any]:
    """Return a summary without what names the servers, and what was rescored."""
    return {k: v for k, v in summary.items() if k not in ("assistant", "judge", "rescored")}


@pytest.mark.parametrize(
    ("count", "failed"), [(50, 20), pytest.param(500, 200, marks=pytest.mark.slow)]
)
def test_after_a_dead_judge_only_its_rows_are_judged_and_all_is_as_if_it_had_lived(
    tmp_path: Path, count: int, failed: int
) -> None:
    hit = {i for i in range(count) if i % 5 in (1, 2)}
    assert len(hit) == failed
    with Server(reply) as server:
        plan = evaluation(server.base_url, count, pricings=ONE_PRICE, at_once=25)
        healthy = evaluate(plan, tmp_path / "healthy")
    with Server(reply, dead_for(hit)) as server:
        plan = evaluation(server.base_url, count, pricings=ONE_PRICE, at_once=25)
        sick = evaluate(plan, tmp_path / "sick", service=ONE_TRY)
        assert sick["faults"]["judge"] == {"server": failed}
        assert sick["conditions"][0]["quality"]["n"] == count - failed
        before = (tmp_path / "sick" / SUMMARY).read_bytes()
        old = read_log(tmp_path / "sick" / VERDICTS).records
        hit.clear()
        server.prompts.clear()
        mended = rescore(from_run(tmp_path / "sick"), tmp_path / "sick")
        assert [is_judge(one["messages"]) for one in server.prompts] == [True] * failed
        server.prompts.clear()
        again = rescore(from_run(tmp_path / "sick"), tmp_path / "sick")
        assert server.prompts == []
    assert without(mended) == without(healthy)
    assert again == mended == json.loads((tmp_path / "sick" / SUMMARY).read_text())
    assert mended["rescored"] == [
        {"round": 1, "judged": failed, "newly_scored": failed, "changed": 0, "failed": 0}
    ]
    # old verdicts and the old summary are kept
    assert read_log(tmp_path / "sick" / VERDICTS).records[: len(old)] == old
    assert (tmp_path / "sick" / "summary-before-1.json").read_bytes() == before


def test_all_answers_by_another_judge_and_how_many_changed(tmp_path: Path) -> None:
    with Server(reply) as server:
        plan = evaluation(server.base_url, 20, pricings=ONE_PRICE)
        first = evaluate(plan, tmp_path)
        server.reply = lambda messages: "All are good.\nVERDICT: 1"
        server.prompts.clear()
        second = rescore(from_run(tmp_path), tmp_path, every=True)
        assert len(server.prompts) == 20
        assert all(is_judge(one["messages"]) for one in server.prompts)
        third = rescore(from_run(tmp_path, judge="rules"), tmp_path, every=True)
    wrong = round(20 * (1 - first["conditions"][0]["quality"]["mean"]))
    assert 0 < wrong < 20
    assert second["conditions"][0]["quality"]["mean"] == 1.0
    assert third["rescored"][0]["changed"] == wrong
    assert [one["round"] for one in third["rescored"]] == [1, 2]
    assert third["conditions"][0]["judged"]["abstained"] > 0  # rules cannot tell everything
    assert {one.round for one in read_kept(tmp_path).history} == {0, 1, 2}


@pytest.mark.parametrize("every", [False, True])
def test_a_rescoring_that_is_killed_goes_on(tmp_path: Path, every: bool) -> None:
    class Killed(BaseException):
        pass

    def kill(done: int, all_: int, answers: Any, verdicts: Any) -> None:
        if verdicts:
            raise Killed

    hit = set(range(0, 40, 3))
    summaries = []
    for name, report in (("unbroken", None), ("broken", kill)):
        folder = tmp_path / name
        with Server(reply, dead_for(set(hit))) as server:
            plan = evaluation(server.base_url, 40, pricings=ONE_PRICE)
            evaluate(plan, folder, service=ONE_TRY)
            server.choose = lambda payload: "ok"
            server.prompts.clear()
            if report is not None:
                for _ in range(2):
                    with pytest.raises(Killed):
                        rescore(from_run(folder), folder, every=every, report=report)
                data = (folder / VERDICTS).read_bytes()
                (folder / VERDICTS).write_bytes(data[:-30])  # the last line is torn
            summaries.append(rescore(from_run(folder), folder, every=every))
            asked = [asked_row(one) for one in server.prompts]
            due = 40 if every else len(hit)
            assert len(set(asked)) == due
            assert len(asked) == due + (report is not None)  # but for the torn one, none twice
    assert without(summaries[0]) == without(summaries[1])
    assert summaries[0]["rescored"] == summaries[1]["rescored"]


def test_a_judge_that_is_still_down_stops_it(tmp_path: Path) -> None:
    with Server(reply, dead_for(set(range(40)))) as server:
        plan = evaluation(server.base_url, 40, pricings=ONE_PRICE)
        with pytest.raises(FaultsError, match="go on with --resume"):
            evaluate(plan, tmp_path / "run", service=ONE_TRY)
        # an evaluation that nobody has judged can be judged later, too
        unjudged = evaluate(replace(plan, judge="none"), tmp_path / "none")
        assert unjudged["conditions"][0]["judged"]["not_asked"] == 40
        assert unjudged["conditions"][0]["quality"] is None
        later = from_run(tmp_path / "none", judge=plan.judge)
        with pytest.raises(FaultsError, match="then go on with the same command"):
            rescore(later, tmp_path / "none", service=ONE_TRY)
        server.choose = lambda payload: "ok"
        summary = rescore(later, tmp_path / "none")
        assert summary["faults"]["judge"] == {}
        resumed = evaluate(plan, tmp_path / "run", resume=True)
    for each in (summary, resumed):
        assert each["answers"] == each["conditions"][0]["quality"]["n"] == 40


def test_the_command(tmp_path: Path) -> None:
    hit = {1, 5}
    with Server(reply, dead_for(hit)) as server:
        plan = evaluation(server.base_url, 12, pricings=ONE_PRICE)
        evaluate(plan, tmp_path / "run", service=ONE_TRY)
        hit.clear()
        result = CliRunner().invoke(main, ["rescore", str(tmp_path / "run")])
        assert result.exit_code == 0, result.output
        assert "2 judged again, 2 newly scored, 0 changed" in result.stdout.replace("\n", " ")
        name = plan.judge
        args = ["data", "agreement", str(tmp_path / "run"), "--judge", name, "--rounds", "2"]
        agreed = CliRunner().invoke(main, [*args, "--json"])
        assert agreed.exit_code == 0, agreed.output
        found = json.loads(agreed.stdout)
        assert {key: one["disputed"] for key, one in found.items()} == {"math": 0, "ambiguity": 0}
        answers = iter(range(1000))
        server.reply = lambda messages: f"Hm.\nVERDICT: {next(answers) % 2}"
        moody = CliRunner().invoke(main, [*args, "--limit", "3"])
        assert moody.exit_code == 0
        assert "100.0%" in moody.stdout
    (tmp_path / "other").mkdir()
    for folder, said in (("none", "does not exist"), ("other", "has no run.json")):
        wrong = CliRunner().invoke(main, ["rescore", str(tmp_path / folder)])
        assert wrong.exit_code == 2
        assert said in wrong.stderr
    with pytest.raises(RunError, match="name a judge"):
        rescore(from_run(tmp_path / "run", judge="none"), tmp_path / "run")
    CliRunner().invoke(
        main, ["run", "quick_question", "--episodes", "3", "--out", str(tmp_path / "moves")]
    )
    moves = CliRunner().invoke(main, ["rescore", str(tmp_path / "moves")])
    assert "no folder of gtalign data evaluate" in moves.stderr.replace("\n", " ")


def test_judging_again_under_a_budget_counts_what_was_spent_before(tmp_path: Path) -> None:
    with Server(reply) as server:
        plan = evaluation(server.base_url, 12, pricings=ONE_PRICE)
        evaluate(plan, tmp_path, service=Service(cap=10**12))
        with pytest.raises(RunError, match="say --budget-cap again"):
            rescore(plan, tmp_path, every=True)
        with pytest.raises(RunError, match="raise --budget-cap"):
            rescore(plan, tmp_path, every=True, service=Service(cap=1))
        rescore(replace(plan), tmp_path, every=True, service=Service(cap=10**12))
