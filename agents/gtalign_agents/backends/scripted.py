"""Models without weights: for tests, for demonstrations, and as the worst case of an opponent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gtalign_agents.backends.chat import (
    Completion,
    Fault,
    Outcome,
    Request,
    estimated_usage,
)


@dataclass(frozen=True)
class ScriptedModel:
    """Answers by a function of the request.

    Attributes:
        reply: Returns the text to write, or a fault.
        name: What to call it.
    """

    reply: Callable[[Request], str | Fault]
    name: str = "scripted"

    def complete(self, requests: Sequence[Request]) -> list[Outcome]:
        """Return one outcome for each request, in order."""
        return [self._one(request) for request in requests]

    def _one(self, request: Request) -> Outcome:
        reply = self.reply(request)
        if isinstance(reply, Fault):
            return reply
        return Completion(reply, "stop", estimated_usage(request, reply), "estimate", self.name)


def script(lines: Sequence[str], name: str = "script") -> ScriptedModel:
    """Return a model that says these lines, by how often it has spoken in the chat before.

    Args:
        lines: What it says; the last line again and again after that.
        name: What to call it.
    """

    def reply(request: Request) -> str:
        spoken = sum(message.role == "assistant" for message in request.messages)
        return lines[min(spoken, len(lines) - 1)]

    return ScriptedModel(reply, name)


def echo() -> ScriptedModel:
    """Return a model that repeats the last message to it: the worst case for injected text."""
    return ScriptedModel(lambda request: request.messages[-1].content, "echo")
