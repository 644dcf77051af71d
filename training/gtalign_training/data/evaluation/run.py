"""Evaluations, kept as they go: what has been reported done is on the disk, and is not paid for twice.

```
run.json         what is asked of whom, complete; how it stands
rows.jsonl       the rows, so that the folder is complete without the files
answers.jsonl    one line an answer
verdicts.jsonl   one line a judgement
spending.jsonl   with a budget: the most that model calls may have cost by now
summary.json     what came of it
lock             who is writing
```
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from gtalign_agents.judging.verdict import Judge
from gtalign_env.errors import ScenarioError
from gtalign_training.data.evaluation.judges import judge_of, judged, unjudged
from gtalign_training.data.evaluation.plan import NO_JUDGE, ROWS, Evaluation
from gtalign_training.data.evaluation.records import (
    ANSWERS,
    VERDICTS,
    Answer,
    Judgement,
    Key,
    read_kept,
)
from gtalign_training.data.evaluation.seats import Answerer, Posed, assistant_of
from gtalign_training.data.evaluation.summary import summarise
from gtalign_training.data.files import to_line
from gtalign_training.run_folder import write_text
from gtalign_training.run_log import RunLog
from gtalign_training.runs.folder import mark, open_folder, write_summary
from gtalign_training.runs.hold import held_folder
from gtalign_training.runs.run import DIRECT
from gtalign_training.runs.signals import Stoppable
from gtalign_training.runs.spending import open_account
from gtalign_training.runs.stop import FaultsError, Stop
from gtalign_training.runs.talk import needs_price
from gtalign_training.runs.words import Service

Report = Callable[[int, int, Sequence[Answer], Sequence[Judgement]], None]
"""Told (finished, all, answers and judgements just made), once these are on the disk."""


def evaluate(
    plan: Evaluation,
    path: Path,
    *,
    command: str = "",
    resume: bool = False,
    report: Report = lambda done, every, answers, verdicts: None,
    say: Callable[[str], None] = lambda line: None,
    service: Service = DIRECT,
    fault_limit: float = 1.0,
) -> dict[str, Any]:
    """Ask and judge what is missing of an evaluation, and return its summary.

    Args:
        plan: The evaluation.
        path: Its folder.
        command: The command line, for the record.
        resume: Whether to go on with one that is there; what is missing or failed is done.
        report: Told about finished answers.
        say: Told what is wrong with the logs of an evaluation that is gone on with.
        service: How language models are reached.
        fault_limit: Share of all answers that may fail, or whose judge may, before it stops.

    Raises:
        DiskFullError: No more can be written.
        FaultsError: Too much failed, or the budget is used up.
        RunError: The folder cannot be used, or a server cannot do what is asked of it.
        ScenarioError: There is a budget, and a model without a price.
        KeyboardInterrupt: It was interrupted; what was finished is kept.
    """
    require_prices(plan, service)
    with held_folder(path, "go on"):
        open_folder(
            path,
            plan.identity(),
            {"rows": plan.limit},
            (ANSWERS, VERDICTS),
            command,
            resume=resume,
        )
        if not (path / ROWS).exists():
            write_text(path / ROWS, "".join(f"{to_line(row)}\n" for row in plan.rows))
        for note in read_kept(path).notes:
            say(note)
        _ask_and_judge(plan, path, report, service, fault_limit)
        summary = summarise(plan, read_kept(path))
        write_summary(path, summary)
        mark(path, status="finished")
    return summary


def require_prices(plan: Evaluation, service: Service) -> None:
    """Make sure that a budget can be kept to: every model on a server has a price.

    Args:
        plan: The evaluation.
        service: How models are reached.

    Raises:
        ScenarioError: There is a cap, and a model without a price.
    """
    if service.cap is None or service.cassette_mode == "replay":
        return
    for seat, name, rates in (
        ("assistant", plan.assistant, plan.assistant_rates),
        ("judge", plan.judge, plan.judge_rates),
    ):
        if rates is None and needs_price(name):
            raise ScenarioError(
                f"to keep to a budget, say what the {seat}'s model costs: --model-price "
                f"{seat}:INPUT,CACHED,OUTPUT,REASONING, USD per 1M tokens"
            )


def _ask_and_judge(
    plan: Evaluation, path: Path, report: Report, service: Service, fault_limit: float
) -> None:
    kept = read_kept(path)
    answers, verdicts = kept.answers, kept.verdicts
    keys = [(row, index) for row in range(plan.limit) for index in range(len(plan.conditions))]
    missing = {key for key in keys if key not in answers or answers[key].fault is not None}
    waiting = {one.key for one in unjudged(answers, verdicts, keys)}
    if plan.judge == NO_JUDGE:
        waiting = set()
    left = len(missing | waiting)
    # counted apart: a judge that is down must not hide behind the answers that it fails to judge
    answering = Stop(len(keys), fault_limit, service.cap, "answers")
    judging = Stop(len(keys), fault_limit, service.cap, "verdicts")
    report(len(keys) - left, len(keys), [], [])
    with (
        open_account(path, service.cap) as account,
        assistant_of(plan, service, account, ask=bool(missing)) as assistant,
        judge_of(plan, service, account) as judge,
        Stoppable() as stop,
        RunLog(path / ANSWERS, kept.ends[0]) as answer_log,
        RunLog(path / VERDICTS, kept.ends[1]) as verdict_log,
    ):
        try:
            for block in blocks(plan, missing | waiting):
                fresh = answered(plan, assistant, [key for key in block if key in missing])
                with stop.held():
                    answer_log.append(one.to_data() for one in fresh)
                answers |= {one.key: one for one in fresh}
                made = _judged(plan, judge, answers, verdicts, block)
                with stop.held():
                    verdict_log.append(one.to_data() for one in made)
                    verdicts |= {one.key: one for one in made}
                    left -= len(block)
                    report(len(keys) - left, len(keys), fresh, made)
                answering.watch(fresh, left)
                judging.watch(made, left)
        except KeyboardInterrupt:
            mark(path, status="interrupted")
            raise
        except FaultsError:
            mark(path, status="stopped")
            raise


def blocks(plan: Evaluation, keys: set[Key]) -> Iterator[list[Key]]:
    """Yield keys in blocks of one condition and `at_once` rows, beginning at its multiples.

    So a model in this process, whose draws depend on its batch, says the same after a crash; and all
    conditions of a row are answered soon after each other.

    Args:
        plan: The evaluation.
        keys: What is to be done.
    """

    def place(key: Key) -> tuple[int, int]:
        return key[0] // plan.at_once, key[1]

    for _, block in groupby(sorted(keys, key=lambda key: (place(key), key)), key=place):
        yield list(block)


def answered(plan: Evaluation, assistant: Answerer, keys: Sequence[Key]) -> list[Answer]:
    """Return the answers to rows under one condition, in order.

    Args:
        plan: The evaluation.
        assistant: Who answers.
        keys: Rows and their one condition.
    """
    if not keys:
        return []
    condition = plan.conditions[keys[0][1]]
    asked = [Posed(plan.rows[row], plan.spec(condition), row) for row, _ in keys]
    made = assistant.answer(asked, condition.arm)
    return [Answer.of(key, said, record) for key, (said, record) in zip(keys, made, strict=True)]


def _judged(
    plan: Evaluation,
    judge: Judge | None,
    answers: dict[Key, Answer],
    verdicts: dict[Key, Judgement],
    block: Sequence[Key],
) -> list[Judgement]:
    due = unjudged(answers, verdicts, block)
    return [] if judge is None or not due else judged(judge, plan, due)
