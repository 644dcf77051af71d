"""Judging again what is there already: nothing is asked of the assistant, and nothing old is lost.

Every judgement is a line of its own in ``verdicts.jsonl``; the last one of an answer counts. The
summary that stood before is kept as ``summary-before-N.json``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from gtalign_env.errors import RunError
from gtalign_training.data.evaluation.judges import is_judged, judge_of, judged
from gtalign_training.data.evaluation.plan import NO_JUDGE, Evaluation
from gtalign_training.data.evaluation.records import (
    VERDICTS,
    Answer,
    Kept,
    read_kept,
)
from gtalign_training.data.evaluation.run import (
    Report,
    blocks,
    require_prices,
)
from gtalign_training.data.evaluation.summary import summarise
from gtalign_training.run_folder import RunFolder, write_text
from gtalign_training.run_log import RunLog, fsync_folder
from gtalign_training.runs.folder import RUN, SUMMARY, mark, write_summary
from gtalign_training.runs.hold import held_folder
from gtalign_training.runs.run import DIRECT
from gtalign_training.runs.signals import Stoppable
from gtalign_training.runs.spending import open_account
from gtalign_training.runs.stop import Stop
from gtalign_training.runs.words import Service

AGAIN = "the same command"
"""How one goes on with a rescoring that was broken off."""


def rescore(
    plan: Evaluation,
    path: Path,
    *,
    every: bool = False,
    report: Report = lambda done, every, answers, verdicts: None,
    say: Callable[[str], None] = lambda line: None,
    service: Service = DIRECT,
    fault_limit: float = 1.0,
) -> dict[str, Any]:
    """Judge answers again and return the summary as it then is.

    1. A round is begun, or the one that was broken off is gone on with.
    2. The answers whose judge failed, or all, are put before the judge; each judgement is on the disk
       before it is reported.
    3. The summary is written anew, the one before it kept beside it.

    Args:
        plan: The evaluation as it was run, with the judge that is to judge now.
        path: Its folder.
        every: Whether to judge all answers; else those whose judge failed or was never asked.
        report: Told about judged answers.
        say: Told what is wrong with the logs.
        service: How the judge is reached.
        fault_limit: Share of the answers whose judge may fail before it stops.

    Raises:
        DiskFullError: No more can be written.
        FaultsError: Too much failed, or the budget is used up.
        RunError: It is no evaluation's folder, or holds nothing that could be judged.
        ScenarioError: There is a budget, and a judge without a price.
    """
    if plan.judge == NO_JUDGE:
        raise RunError("to rescore, name a judge: rules, or a model")
    require_prices(plan, service)
    with held_folder(path, "go on"):
        kept = read_kept(path)
        for note in kept.notes:
            say(note)
        begun = _begun(plan, path, kept, every)
        due = _due(kept, every, begun["round"])
        if due or begun["new"]:
            _judge(plan, path, kept, due, begun, report, service, fault_limit)
        summary = summarise(plan, read_kept(path))
        if due or not begun["new"]:
            _keep_summary(path, begun["round"])
            write_summary(path, summary)
        mark(path, rescoring=None)
    return summary


def _begun(plan: Evaluation, path: Path, kept: Kept, every: bool) -> dict[str, Any]:
    """Return the round that this is: a new one, or one that was broken off."""
    asked = {"judge": plan.judge, "rules_first": plan.rules_first, "every": every}
    before = RunFolder(path).read(RUN).get("rescoring")
    if before is not None and {key: before.get(key) for key in asked} == asked:
        return {**before, "new": False}
    last = max((one.round for one in kept.history), default=0)
    return {"round": last + 1, **asked, "new": True}


def _due(kept: Kept, every: bool, round: int) -> list[Answer]:
    found = []
    for key in sorted(kept.answers):
        answer, verdict = kept.answers[key], kept.verdicts.get(key)
        if not is_judged(answer):
            continue
        failed = verdict is None or verdict.fault is not None
        if failed or (every and verdict is not None and verdict.round < round):
            found.append(answer)
    return found


def _judge(
    plan: Evaluation,
    path: Path,
    kept: Kept,
    due: list[Answer],
    begun: dict[str, Any],
    report: Report,
    service: Service,
    fault_limit: float,
) -> None:
    by_key = {one.key: one for one in due}
    limits = Stop(len(due), fault_limit, service.cap, "answers", AGAIN)
    done = 0
    report(0, len(due), [], [])
    with (
        open_account(path, service.cap) as account,
        judge_of(plan, service, account, begun["round"]) as judge,
        Stoppable() as stop,
        RunLog(path / VERDICTS, kept.ends[1]) as log,
    ):
        assert judge is not None, "a rescoring has a judge"
        mark(path, rescoring={key: value for key, value in begun.items() if key != "new"})
        for block in blocks(plan, set(by_key)):
            made = judged(judge, plan, [by_key[key] for key in block], begun["round"])
            with stop.held():
                log.append(one.to_data() for one in made)
                done += len(made)
                report(done, len(due), [], made)
            limits.watch(made, len(due) - done)


def _keep_summary(path: Path, round: int) -> None:
    """Keep the summary that stands, under the number of the round that replaces it."""
    place = path / f"summary-before-{round}.json"
    if (path / SUMMARY).exists() and not place.exists():
        write_text(place, (path / SUMMARY).read_text(encoding="utf-8"))
        fsync_folder(path)
