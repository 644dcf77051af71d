"""A playground that is served as a user would serve it, with a hostile file in its library."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from gtalign_env.scenario.loader import load_scenario
from gtalign_training.ui.draw_seat import draw_brief, draw_end, draw_standing, draw_talk
from gtalign_training.ui.explore import draw_about
from gtalign_training.ui.handlers import draw_problem
from gtalign_training.ui.seat import Table, take_seat

from .hostile import HOSTILE


@dataclass
class Playground:
    """One that is running.

    Attributes:
        address: Of its page.
        process: Its process.
        hostile: Name of the scenario whose every text is hostile.
    """

    address: str
    process: subprocess.Popen[str]
    hostile: str


def hostile_library(folder: Path) -> str:
    """Write a scenario whose descriptions are all 120 strings; return its name."""
    data: dict[str, Any] = load_scenario("quick_question").to_data()
    text = "".join(letter for letter in " ".join(HOSTILE) if letter.isprintable())[:1900]
    data |= {"name": "hostile_words", "description": text}
    data["pricing"][0]["pricing"]["description"] = text
    data["persona"][0]["persona"]["description"] = text
    file = folder / "scenarios" / "hostile_words.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    return "hostile_words"


def environment(**more: str) -> dict[str, str]:
    """Return what a playground of a test knows of the shell."""
    known = {key: value for key, value in os.environ.items() if not key.startswith("GTALIGN")}
    return known | more | {"PYTHONPATH": os.pathsep.join(sys.path), "NO_COLOR": "1"}


def address_of(process: subprocess.Popen[str]) -> str:
    """Return where a playground that has been started is, once it is ready."""
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.search(r"http://127\.0\.0\.1:\d+/", line)
    if found is None:
        process.kill()
        raise AssertionError(f"no address: {line}{process.communicate()}")
    return found[0]


def serve(*arguments: str, folder: Path | None = None) -> subprocess.Popen[str]:
    """Start `gtalign ui` on a port of its own choice."""
    path = {} if folder is None else {"GTALIGN_PATH": str(folder)}
    return subprocess.Popen(
        [sys.executable, "-m", "gtalign_training.cli", "ui", "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(**path),
    )


@pytest.fixture(scope="session")
def playground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Playground]:
    """Serve a playground; at the end Ctrl-C must end it within seconds, with nothing gone wrong."""
    pytest.importorskip("gradio", reason="gradio is not installed (the extra ui)")
    folder = tmp_path_factory.mktemp("library")
    name = hostile_library(folder)
    process = serve(folder=folder)
    yield Playground(address_of(process), process, name)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 0, said
    assert "Traceback" not in said, said


@pytest.fixture(scope="session")
def table() -> Table:
    """A conversation in words that has ended, with everything on it that a page shows."""
    table = take_seat(load_scenario("quick_question"), "user", "DA:concise", 1, in_words=True)
    table.say("Where is it?")
    table.answer()
    table.sitting.conversation.fault()
    return table


def pages(table: Table, text: str) -> list[str]:
    """Return all parts of a page in which everything that can be authored or said is a text."""
    scenario = replace(load_scenario("quick_question"), description=text)
    pricing = scenario.schedule[0][1].model_copy(update={"description": text})
    spec = table.sitting.conversation.spec
    regime = replace(spec.regime, description=text)
    table.sitting.conversation.spec = replace(spec, regime=regime)
    for one in table.past:
        one.text = text
    table.opponent = table.problem = text
    return [
        draw_brief(table),
        draw_talk(table),
        draw_standing(table),
        draw_end(table, None),
        draw_about(scenario.with_pricing(pricing)),
        draw_problem(text),
    ]
