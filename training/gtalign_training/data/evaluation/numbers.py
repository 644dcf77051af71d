"""An answer and its verdict as numbers: moves, tokens, bill, welfares. Nothing here asks anybody.

What is not known is None and stays out of every mean: without a verdict there is no quality and no
welfare, and an answer that failed is nowhere.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from gtalign_agents.text_welfare import Row, quality, score
from gtalign_env.core.conversation import Conversation
from gtalign_env.core.ledger import Exchange, bill
from gtalign_env.core.moves import AssistantMove, UserMove
from gtalign_env.core.spec import GameSpec
from gtalign_env.distributions import Constant
from gtalign_env.draws import Draws, stream_key
from gtalign_env.pricing import Rates, Usage
from gtalign_env.text.reader import read_assistant
from gtalign_training.data.evaluation.plan import Evaluation
from gtalign_training.data.evaluation.records import Answer, Call, Judgement
from gtalign_training.data.rows import Question

ACCEPTED = 0.5
"""Least quality of an answer that the user of the economic welfare accepts."""

NO_MOVE = "none"
"""The move of an answer whose form is broken: it says nothing to anybody."""


class Line(NamedTuple):
    """One side of one payment; the two sides of a payment cancel."""

    account: str
    amount: int
    """pico-USD; negative for the side that pays."""
    usage: Usage


@dataclass(frozen=True)
class Measured:
    """One answer in numbers.

    Attributes:
        row: Index of the row.
        source: Of the row.
        family: What rows of one conversation share.
        move: ``DA``, ``CQ``, ``AQ``, or `NO_MOVE`.
        usage: Tokens of the exchange that the user is billed for.
        bill: What the user is charged, pico-USD; None where that hangs on a missing verdict.
        cost: What the provider bears, pico-USD.
        quality: Of the answer, in [0, 1].
        user: U of the text.
        assistant: L of the text.
        joint: √(U·L) of the text.
        economic: U, L and W of the game's welfare, points.
        lines: The bill as two lines that cancel, and what was paid to models.
    """

    row: int
    source: str
    family: str
    move: str
    usage: Usage
    bill: int | None
    cost: int
    quality: float | None = None
    user: float | None = None
    assistant: float | None = None
    joint: float | None = None
    economic: tuple[float, float, float] | None = None
    lines: tuple[Line, ...] = ()


def measure(plan: Evaluation, answer: Answer, verdict: Judgement | None) -> Measured | None:
    """Return the numbers of an answer; None where it failed.

    Args:
        plan: The evaluation.
        answer: The answer.
        verdict: What was said of it, if anything.
    """
    if answer.fault is not None:
        return None
    row, spec = plan.rows[answer.row], plan.spec(plan.conditions[answer.condition])
    broken = not answer.text.strip()
    move = read_assistant(answer.text)
    usage = usage_of(answer)
    grade = None if broken or verdict is None else verdict.score
    text = _row(row, answer.written, grade)
    good = 0.0 if broken else quality(_row(row, answer.text, grade))
    found = score(text, plan.welfare, plain=plan.format == "plain")
    accepted = None if good is None else good >= ACCEPTED and move.answers and not broken
    charge = _bill(spec, usage, move, accepted)
    lines = [] if charge is None else two_lines("user", "assistant", charge, usage)
    lines += paid(answer.calls, "assistant's model", plan.assistant_rates)
    if verdict is not None:
        lines += paid(verdict.calls, "judge", plan.judge_rates)
    return Measured(
        row=answer.row,
        source=row.source,
        family=row.group or row.place,
        move=NO_MOVE if broken else move.label.partition(":")[0],
        usage=usage,
        bill=charge,
        cost=spec.cost.of(usage),
        quality=good,
        user=found.user,
        assistant=found.assistant,
        joint=found.welfare["cobb-douglas"],
        economic=None
        if accepted is None or plan.persona is None
        else economic(plan, answer.row, row, spec, usage, move, accepted),
        lines=tuple(lines),
    )


def usage_of(answer: Answer) -> Usage:
    """Return the tokens of the exchange: what was read once, what is seen, and what is hidden.

    A turn that was halted and gone on with is one exchange: its second call reads again what the
    first wrote, which is no second message. What is seen has its share of the written text.

    Args:
        answer: The answer.
    """
    if not answer.calls:
        return Usage(0, 0, 0, 0)
    written = sum(call.usage.output for call in answer.calls)
    hidden = sum(call.usage.reasoning for call in answer.calls)
    share = len(answer.text.strip()) / max(1, len(answer.written.strip()))
    seen = min(written, round(written * min(1.0, share)))
    return Usage(answer.calls[0].usage.input, 0, seen, hidden + written - seen)


def _row(row: Question, text: str, grade: float | None) -> Row:
    reference = row.references[0] if row.references else ""
    return Row(row.source, text, grade, reference, row.label)


def _bill(spec: GameSpec, usage: Usage, move: AssistantMove, accepted: bool | None) -> int | None:
    if accepted is None and spec.regime.outcome_fee:
        return None
    return sum(bill([Exchange(usage, move)], bool(accepted), spec.regime))


def two_lines(payer: str, payee: str, amount: int, usage: Usage) -> list[Line]:
    """Return a payment as two lines that cancel.

    Args:
        payer: Who pays.
        payee: Who receives.
        amount: pico-USD.
        usage: What it is paid for.
    """
    return [Line(payer, -amount, usage), Line(payee, amount, usage)]


def paid(calls: tuple[Call, ...], payee: str, rates: Rates | None) -> list[Line]:
    """Return what the researcher pays for calls of a model, two lines a call.

    Args:
        calls: The calls.
        payee: Whose they are.
        rates: pico-USD per token; None counts nothing.
    """
    if rates is None:
        return []
    return [
        line
        for call in calls
        for line in two_lines("researcher", payee, rates.of(call.usage), call.usage)
    ]


def economic(
    plan: Evaluation,
    number: int,
    row: Question,
    spec: GameSpec,
    usage: Usage,
    move: AssistantMove,
    accepted: bool,
) -> tuple[float, float, float]:
    """Return U, L and W of the game of one exchange (docs: the game, Welfare), points.

    The user of this row opens, vaguely where the question has several meanings; reads the answer;
    accepts it, or leaves. The same row has the same user under every price.

    Args:
        plan: The evaluation.
        number: Index of the row, which draws the user's type.
        row: The row.
        spec: The game of the regime.
        usage: Tokens of the exchange.
        move: What the assistant did.
        accepted: Whether the user takes the answer.
    """
    vague = row.source == "ambiguity" and len(row.references) > 1
    talk = Conversation(_measured_game(spec), Draws(_types(plan), number))
    talk.step_user(UserMove.VQ if vague else UserMove.DQ, message=usage.input)
    if talk.state.ending is None:
        talk.step_assistant(move, right=accepted, output=usage.output, reasoning=usage.reasoning)
    if talk.state.ending is None:
        talk.step_user(UserMove.ACCEPT if accepted else UserMove.LEAVE)
    user, assistant = talk.returns
    return user, assistant, spec.welfare(user, assistant)


@lru_cache(maxsize=64)
def _measured_game(spec: GameSpec) -> GameSpec:
    """Return a game in which the prompt's tokens are the measured ones, nothing added."""
    return dataclasses.replace(
        spec, lengths=dataclasses.replace(spec.lengths, system=Constant(0.0))
    )


def _types(plan: Evaluation) -> int:
    return stream_key(plan.scenario.digest, plan.seed)
