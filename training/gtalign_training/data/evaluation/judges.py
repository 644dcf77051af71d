"""Who judges the answers of an evaluation, by name, and what is put before a judge."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from gtalign_agents.backends.chat import Sampling
from gtalign_agents.backends.purse import Account
from gtalign_agents.judging.language import LanguageJudge
from gtalign_agents.judging.rules import Mathematics, Refusals, ShortAnswers
from gtalign_agents.judging.verdict import InTurn, Item, Judge
from gtalign_training.data.evaluation.plan import NO_JUDGE, RULES, Evaluation
from gtalign_training.data.evaluation.records import Answer, Judgement, Key
from gtalign_training.data.rows import Question
from gtalign_training.runs.talk import open_model
from gtalign_training.runs.words import Service

BY_RULES = (Mathematics(), ShortAnswers(), Refusals())
"""The judges without a model; each abstains from what is not its own."""


@contextmanager
def judge_of(
    plan: Evaluation, service: Service, account: Account | None, round: int = 0
) -> Iterator[Judge | None]:
    """Give the judge of an evaluation; None where nothing is judged.

    Args:
        plan: The evaluation.
        service: How models are reached.
        account: What their calls may cost; None without a cap.
        round: Which of several judgements of the same answers.

    Raises:
        RunError: A cassette cannot be used.
    """
    if plan.judge == NO_JUDGE:
        yield None
    elif plan.judge == RULES:
        yield InTurn(BY_RULES)
    else:
        with open_model(
            plan.judge, service, account, rates=plan.judge_rates, at_once=plan.at_once
        ) as model:
            sampling = Sampling(plan.judge_max_tokens, temperature=0.0, seed=plan.seed)
            of_model = LanguageJudge(model, sampling, plan.seed, round)
            yield InTurn((*BY_RULES, of_model)) if plan.rules_first else of_model


def item_of(row: Question, answer: Answer) -> Item:
    """Return what a judge reads of an answer: nothing of its form, price or reasoning.

    Args:
        row: The row.
        answer: What was answered.
    """
    return Item(row.source, row.question, answer.text, row.references, row.label)


def is_judged(answer: Answer) -> bool:
    """Return whether an answer is put before a judge: it is there, and there is something to read.

    An answer whose form is broken reaches nobody; it is worth 0 whatever it says.
    """
    return answer.fault is None and bool(answer.text.strip())


def judged(
    judge: Judge, plan: Evaluation, answers: Sequence[Answer], round: int = 0
) -> list[Judgement]:
    """Return the judgements of answers, in order.

    Args:
        judge: The judge.
        plan: The evaluation.
        answers: What is judged; each `is_judged`.
        round: Which of several judgements of the same answers.
    """
    items = [item_of(plan.rows[one.row], one) for one in answers]
    return [
        Judgement.of(one, round, outcome)
        for one, outcome in zip(answers, judge.judge(items), strict=True)
    ]


def unjudged(
    answers: dict[Key, Answer], verdicts: dict[Key, Judgement], keys: Sequence[Key]
) -> list[Answer]:
    """Return the answers that wait for a judge: those without a judgement, or with a failed one.

    Args:
        answers: What there is.
        verdicts: What has been judged.
        keys: Which to look at, in order.
    """
    found = []
    for key in keys:
        answer, verdict = answers.get(key), verdicts.get(key)
        if answer is not None and is_judged(answer) and (verdict is None or verdict.fault):
            found.append(answer)
    return found
