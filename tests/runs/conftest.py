"""Runs small enough for tests, and the unbroken one that all others are compared with."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gtalign_env.scenario.loader import load_scenario, load_tasks
from gtalign_env.testing import FaultServer
from gtalign_training.runs.folder import SUMMARY, Plan
from gtalign_training.runs.run import run
from gtalign_training.runs.words import Words


def plan(episodes: int = 60, **changes: Any) -> Plan:
    given: dict[str, Any] = {"user": "default", "assistant": "clarify_once", "seed": 3} | changes
    return Plan(load_scenario("quick_question"), episodes=episodes, **given)


def digest(folder: Path) -> str:
    return hashlib.sha256((folder / SUMMARY).read_bytes()).hexdigest()


@pytest.fixture(scope="session")
def make_plan() -> Callable[..., Plan]:
    """Return a plan of so many episodes of the quick question; fields can be given."""
    return plan


@pytest.fixture(scope="session")
def summary_hash() -> Callable[[Path], str]:
    """Return the hash of a run's ``summary.json``."""
    return digest


@pytest.fixture(scope="session")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of 200 episodes that were played in one go."""
    folder = tmp_path_factory.mktemp("unbroken") / "run"
    run(plan(200), folder)
    return folder


TALK_SEED = 5


def talk_plan(base_url: str, episodes: int = 24, **changes: Any) -> Plan:
    """Return a plan with a model on a server in both seats."""
    name = f"openai:{base_url}#ok"
    given: dict[str, Any] = {"user": f"llm:{name}", "assistant": name, "seed": TALK_SEED}
    given |= {"words": Words(at_once=8, max_tokens=64)} | changes
    return Plan(load_scenario("help_desk"), episodes=episodes, **given)


def reply(messages: list[dict[str, str]]) -> str:
    """Play either seat well, from what stands in the prompt alone."""
    if is_user(messages):
        return _as_user(messages[0]["content"])
    said = messages[-1]["content"]
    own = sum(message["role"] == "assistant" for message in messages)
    if own == 1 and len(said) % 3 == 0:
        return "It is Hue."  # wrong, so that some have to ask on
    for definite, meaning, gold in ANSWERS:
        if definite in said or f"I mean {meaning}." in said:
            return f"It is {gold}."
    return "It is Hue." if own else "Which one do you mean?"


def is_user(messages: list[dict[str, str]]) -> bool:
    """Return whether a chat is one of the model that plays the user."""
    return "You play a person" in messages[0]["content"]


def _as_user(system: str) -> str:
    def part(begin: str) -> str:
        found = re.search(rf"^{re.escape(begin)}(.*)$", system, re.MULTILINE)
        assert found is not None, system
        return found[1]

    order = part("Now ")
    if order.startswith("ask your question carelessly"):
        return part("Asked carelessly, that would be: ")
    if order.startswith("ask your question so that"):
        return part("What you want to know: ")
    if order.startswith("thank"):
        return "Thank you."
    if order.startswith("give up"):
        return "Never mind."
    return f"I mean {part('The answer has to be about: ')}."


ANSWERS = [
    (one.definite, one.meaning, one.gold)
    for question in load_tasks("general_knowledge").questions
    for one in question.interpretations
]


class ChosenFaults(FaultServer):
    """A server that fails where a function of the payload says so; it bills every try.

    Attributes:
        steps: What happened to each try, with its payload.
    """

    def __init__(
        self, choose: Callable[[dict[str, Any]], str] = lambda payload: "ok", latency: float = 0.0
    ) -> None:
        super().__init__(reply, latency)
        self.choose = choose
        self.steps: list[tuple[str, dict[str, Any]]] = []

    def begin(self, payload: dict[str, Any]) -> str:
        super().begin(payload)
        step = self.choose(payload)
        self.steps.append((step, payload))
        return step


@pytest.fixture
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let failed calls be tried again at once."""
    monkeypatch.setattr("gtalign_agents.backends.limits.FIRST_WAIT", 0.01)
