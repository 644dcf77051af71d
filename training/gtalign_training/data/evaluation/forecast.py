"""What an evaluation can cost at most, before anything is sent."""

from __future__ import annotations

from gtalign_agents.backends.chat import Request, Sampling
from gtalign_agents.backends.named import is_model
from gtalign_agents.backends.purse import FRAME_TOKENS
from gtalign_agents.backends.scripted import ScriptedModel
from gtalign_agents.judging.language import LanguageJudge
from gtalign_agents.judging.verdict import Item
from gtalign_env.pricing import Rates
from gtalign_env.scenario.compile import compile_scenario
from gtalign_training.data.evaluation.plan import Evaluation
from gtalign_training.data.evaluation.seats import Posed, request_of
from gtalign_training.runs.forecast import GROWTH, Forecast
from gtalign_training.runs.talk import CONTINUES, needs_price

ESCAPED = 6
"""Characters of JSON that one character of an answer can become before a judge."""


def forecast(plan: Evaluation) -> list[Forecast]:
    """Return what the models of an evaluation can cost at most; nothing is sent.

    Every prompt is taken to have as many tokens as bytes, every answer and verdict to be as long as
    it may, and every answer to be put before the model that judges.

    Args:
        plan: The evaluation.
    """
    return [one for one in (_assistant(plan), _judge(plan)) if one is not None]


def _assistant(plan: Evaluation) -> Forecast | None:
    if not is_model(plan.assistant):
        return None
    told = None if plan.told is None else compile_scenario(plan.scenario.with_pricing(plan.told))
    sampling = Sampling(plan.max_tokens)
    calls = sent = 0
    if "edit" in plan.arms:  # it is asked whether it can continue a turn
        calls, sent = 1, _sent(CONTINUES)
    for condition in plan.conditions:
        spec = plan.spec(condition)
        for number, row in enumerate(plan.asked):
            asked = Posed(row, spec, number)
            prompt = _sent(request_of(asked, plan.format, sampling, told, plan.instructions))
            calls, sent = calls + 1, sent + prompt
            if condition.arm == "edit":  # the halted turn is sent again, with another matrix
                calls, sent = calls + 1, sent + prompt + plan.max_tokens + 2 * GROWTH
    return _told("assistant", plan.assistant, calls, sent, plan.max_tokens, plan.assistant_rates)


def _judge(plan: Evaluation) -> Forecast | None:
    if not is_model(plan.judge):
        return None
    judge = LanguageJudge(ScriptedModel(lambda request: ""), Sampling(plan.judge_max_tokens))
    sent = sum(
        _sent(judge.request(Item(row.source, row.question, "", row.references, row.label)))
        + ESCAPED * plan.max_tokens
        for row in plan.asked
    )
    times = len(plan.conditions)
    calls = times * len(plan.asked)
    return _told("judge", plan.judge, calls, times * sent, plan.judge_max_tokens, plan.judge_rates)


def _sent(request: Request) -> int:
    texts = [message.content for message in request.messages]
    return sum(len(text.encode("utf-8", "replace")) + FRAME_TOKENS for text in texts) + FRAME_TOKENS


def _told(
    seat: str, name: str, calls: int, sent: int, longest: int, rates: Rates | None
) -> Forecast:
    written = calls * longest
    cost = None if rates is None and needs_price(name) else 0
    if rates is not None:
        cost = sent * max(rates.input, rates.cached_input)
        cost += written * max(rates.output, rates.reasoning)
    return Forecast(seat, name, calls, sent, written, cost)
