"""Runs to export: by moves, in words with a model that sometimes fails, and transcripts from anywhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gtalign_env.scenario.loader import load_scenario
from gtalign_env.testing import FaultServer
from gtalign_training.runs.folder import Plan
from gtalign_training.runs.run import run
from gtalign_training.runs.words import Words

ODD = [
    "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "plain", "a,b\n\"c\"", "\ud800 half", "NaN",
    "<script>window.pwn=1</script>", "\x00\x1b[31m", "", "  ", "\u202eabc", "'quoted", "x" * 3_000,
]  # fmt: skip
"""Texts that a table, a spreadsheet or a page could take for something else."""


@pytest.fixture(scope="session")
def by_moves(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of 20 conversations by moves."""
    folder = tmp_path_factory.mktemp("moves") / "run"
    run(Plan(load_scenario("upsell"), "default", "clarify_once", 3, 20), folder)
    return folder


@pytest.fixture(scope="session")
def with_faults(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of 12 conversations in words; the model of three of them failed."""
    folder = tmp_path_factory.mktemp("words") / "run"
    with FaultServer(lambda messages: "It is Nice.") as server:
        name = f"openai:{server.base_url}#ok*3,forbidden,ok*4,forbidden*2,ok"
        words = Words(at_once=1, max_tokens=64)
        run(Plan(load_scenario("help_desk"), "default", name, 3, 12, words), folder)
    return folder


@pytest.fixture(scope="session")
def transcripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of 50 transcripts with odd texts in every field, some of them faults."""
    file = tmp_path_factory.mktemp("told") / "told.jsonl"
    lines = []
    for index in range(50):
        text = ODD[index % len(ODD)]
        turns: list[dict[str, Any]] = [
            {"seat": "user", "move": "VQ", "text": text, "written": None, "charge": 0, "rewards": [-0.1, 0.0]},
            {"seat": "assistant", "move": "DA:concise", "text": text, "written": f"{text}<thinking>", "charge": 7, "rewards": [-0.25, 0.5]},
            {"seat": "user", "move": "ACCEPT", "text": None, "written": None, "charge": 3, "rewards": [4.0, 1.0]},
        ]  # fmt: skip
        lines.append(
            {
                "scenario": "quick_question",
                "digest": "0" * 64,
                "regime": text,
                "seed": 5,
                "episode": index,
                "persona": text,
                "turns": turns,
                "ending": "accepted" if index % 10 else "fault",
                "returns": [3.65 + index, 1.5],
                "welfare": 2.5,
                "charged": 10,
                "cost": 4,
            }
        )
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return file
