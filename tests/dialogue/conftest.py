"""Talks to play, and models that obey, disobey and fail."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from gtalign_agents.backends.chat import Fault, Request
from gtalign_agents.backends.scripted import ScriptedModel
from gtalign_env.envs.dialogue_aec import TalkTable
from gtalign_env.envs.talk import Talk

Talks = Callable[..., list[Talk]]


@pytest.fixture
def talks() -> Talks:
    """Fresh talks of a scenario; the same ones at each call."""

    def make(count: int, scenario: str = "help_desk", pricing: str = "reasoning_api") -> list[Talk]:
        table = TalkTable(scenario, pricing)
        table.seed(7)
        return [table.talk(table.open(i)) for i in range(count)]

    return make


def part(text: str, begin: str) -> str:
    """Return the rest of the line that begins so."""
    found = re.search(rf"^{re.escape(begin)}(.*)$", text, re.MULTILINE)
    assert found is not None, text
    return found[1]


def obey(request: Request) -> str:
    """Do what the prompt of a phrasing user says, from the prompt alone."""
    system = request.messages[0].content
    order = part(system, "Now ")
    if order.startswith("ask your question carelessly"):
        return part(system, "Asked carelessly, that would be: ")
    if order.startswith("ask your question so that"):
        return part(system, "What you want to know: ")
    if order.startswith("thank"):
        return "Thank you."
    if order.startswith("give up"):
        return "Never mind."
    return f"I mean {part(system, 'The answer has to be about: ')}."


@pytest.fixture
def obedient() -> ScriptedModel:
    return ScriptedModel(obey, "obedient")


@pytest.fixture
def disobedient() -> ScriptedModel:
    """Says something that is no legal closing and settles nothing."""
    return ScriptedModel(lambda request: "How can I help you today?", "disobedient")


@pytest.fixture
def failing() -> ScriptedModel:
    return ScriptedModel(lambda request: Fault("server", "status 500", 4), "failing")
