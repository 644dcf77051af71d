"""Who answers: a language model, told the price and the chat so far, or a baseline without one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, cast

from gtalign_agents.backends.chat import (
    Completion,
    Fault,
    Message,
    Request,
    Sampling,
    estimated_tokens,
)
from gtalign_agents.backends.named import is_model
from gtalign_agents.backends.purse import Account
from gtalign_agents.dialogue.assistant import Format, LanguageAssistant
from gtalign_agents.dialogue.fence import fenced
from gtalign_agents.dialogue.speaker import Dialogue, Said
from gtalign_agents.fourblock import FourBlock, render
from gtalign_agents.prompts import FOUR_BLOCK_INSTRUCTIONS, PLAIN_INSTRUCTIONS, system_message
from gtalign_agents.steering import FIGURE4_BEFORE, steer
from gtalign_env.core.spec import GameSpec
from gtalign_env.errors import ScenarioError, suggest
from gtalign_env.pricing import Usage
from gtalign_training.data.evaluation.plan import Arm, Evaluation
from gtalign_training.data.rows import Question
from gtalign_training.runs.talk import Pricing, open_model, require_continuing
from gtalign_training.runs.words import Service

BASELINES = {
    "reference": "states the accepted answers; refuses harmful requests and offers something else",
    "ask": "asks which meaning is meant, whatever is asked",
    "refuse": "refuses, whatever is asked",
}
"""Assistants without a model, with what they do: what quality a judge can give at best, and floors."""


@dataclass(frozen=True)
class Posed:
    """A row under a price, as an assistant is asked it.

    Attributes:
        question: The row.
        spec: The game of its regime.
        index: Number of the row, by which samples of equal chats are told apart.
    """

    question: Question
    spec: GameSpec
    index: int


class Answerer(Protocol):
    """Answers rows."""

    def answer(self, asked: Sequence[Posed], arm: Arm) -> list[tuple[Said | Fault, Any]]:
        """Return what is said to each, in order, with the record of its matrix, if it is steered."""


@dataclass(frozen=True)
class _Row(LanguageAssistant):
    """A language model that answers a row: the chat before the question is the row's history."""

    told: GameSpec | None = None

    def request(self, dialogue: Dialogue) -> Request:
        """Return what the model is asked."""
        asked = cast("Posed", dialogue)
        return request_of(asked, self.format, self.sampling, self.told, self.instructions)


def request_of(
    asked: Posed,
    format: Format,
    sampling: Sampling,
    told: GameSpec | None = None,
    instructions: str | None = None,
) -> Request:
    """Return what a model is asked: instructions, price, history and question.

    Args:
        asked: The row.
        format: What is to be written.
        sampling: How to sample.
        told: The game whose price the model is told; None for the row's own.
        instructions: What stands before the price; None for what the format asks for.
    """
    if instructions is None:
        instructions = PLAIN_INSTRUCTIONS if format == "plain" else FOUR_BLOCK_INSTRUCTIONS
    messages = [Message("system", system_message(told or asked.spec, instructions))]
    for message in asked.question.history:
        if message.role == "user":
            messages.append(Message("user", fenced(message.content)))
        else:
            messages.append(message)
    messages.append(Message("user", fenced(asked.question.question)))
    return Request(tuple(messages), sampling, asked.index)


@dataclass(frozen=True)
class ModelAnswers:
    """Rows answered by a model, its matrices edited, recorded or left.

    Attributes:
        speaker: Leaves matrices as they are written.
        edits: Halts at the matrix and goes on from the edited one; None without steering.
    """

    speaker: _Row
    edits: _Row | None

    def answer(self, asked: Sequence[Posed], arm: Arm) -> list[tuple[Said | Fault, Any]]:
        """Return what is said to each, in order; one batched call, two where matrices are edited."""
        # it needs of a dialogue what a row has, too: its game, its number, and what is asked
        dialogues = cast("Sequence[Dialogue]", asked)
        if arm == "edit":
            assert self.edits is not None, "an edit needs steering"
            return [(said, _record(said)) for said in self.edits.speak(dialogues)]
        said = self.speaker.speak(dialogues)
        if arm == "unsteered":
            return [(one, None) for one in said]
        return [(one, self._would(one, row)) for one, row in zip(said, asked, strict=True)]

    def _would(self, said: Said | Fault, row: Posed) -> dict[str, Any] | None:
        """Return what the edit would do to a matrix that is left as it was written."""
        if isinstance(said, Fault):
            return None
        assert self.edits is not None, "a control needs an edit to be the control of"
        assert self.edits.steering is not None, "likewise"
        before, end, _ = said.written.partition("</payoff>")
        record = steer(before + end, self.edits.steering(row.spec)).to_json()
        return {"applied": False, **record}


def _record(said: Said | Fault) -> dict[str, Any] | None:
    if isinstance(said, Fault) or said.steered is None:
        return None
    return {"applied": said.steered.fault is None, **said.steered.to_json()}


@dataclass(frozen=True)
class Baseline:
    """An assistant without a model.

    Attributes:
        name: One of `BASELINES`.
        format: What it writes.
    """

    name: str
    format: Format

    def answer(self, asked: Sequence[Posed], arm: Arm) -> list[tuple[Said | Fault, Any]]:
        """Return what is said to each, in order."""
        return [(self._one(row), None) for row in asked]

    def _one(self, row: Posed) -> Said:
        text = self._text(row.question)
        written = text
        if self.format == "four_block":
            written = render(FourBlock("", FIGURE4_BEFORE, "", fenced(text)))
        request = request_of(row, self.format, Sampling())
        sent = sum(estimated_tokens(message.content) for message in request.messages)
        usage = Usage(sent, 0, estimated_tokens(written), 0)
        return Said(
            text, written, calls=(Completion(written, "stop", usage, "estimate", self.name),)
        )

    def _text(self, question: Question) -> str:
        if self.name == "ask":
            return "Which meaning do you have in mind?"
        if self.name == "refuse" or (question.label == "harmful"):
            offer = " I can suggest a safe alternative instead." * (self.name == "reference")
            return f"I cannot help with that.{offer}"
        if question.source == "math" and question.references:
            return f"The answer is $\\boxed{{{question.references[0]}}}$."
        answers = [reference.split("|")[0] for reference in question.references]
        return "; ".join(answers) + "." if answers else "Here is what I know."


@contextmanager
def assistant_of(
    plan: Evaluation, service: Service, account: Account | None, *, ask: bool = True
) -> Iterator[Answerer]:
    """Give the assistant of an evaluation; its cassette is closed afterwards.

    Args:
        plan: The evaluation.
        service: How models are reached.
        account: What their calls may cost; None without a cap.
        ask: Whether anything is going to be asked; a steered model must then be able to go on with
            a halted turn.

    Raises:
        RunError: A cassette cannot be used, or the model cannot continue a turn.
    """
    if not is_model(plan.assistant):
        yield Baseline(baseline(plan.assistant), plan.format)
        return
    told = None
    if plan.told is not None:
        from gtalign_env.scenario.compile import compile_scenario

        told = compile_scenario(plan.scenario.with_pricing(plan.told))
    sampling = Sampling(plan.max_tokens, plan.temperature, seed=plan.seed)
    edits = "edit" in plan.arms
    with open_model(
        plan.assistant,
        service,
        account,
        rates=plan.assistant_rates,
        at_once=plan.at_once,
        continues=edits,
    ) as model:
        if edits and ask:
            require_continuing(model, service)
        plain = _Row(model, plan.format, None, sampling, plan.instructions, told=told)
        if plan.steer is None:
            yield ModelAnswers(plain, None)
            return
        pricing = Pricing(plan.steer, plan.told_regime)
        edited = _Row(model, plan.format, pricing, sampling, plan.instructions, told=told)
        yield ModelAnswers(plain, edited)


def baseline(name: str) -> str:
    """Return the name of a baseline.

    Args:
        name: As given.

    Raises:
        ScenarioError: There is none of that name.
    """
    if name not in BASELINES:
        raise ScenarioError(
            f"an assistant that answers data is a model (openai:URL#MODEL, local:PATH) or one of "
            f"{', '.join(BASELINES)}; got {name!r}.{suggest(name, BASELINES)}"
        )
    return name
