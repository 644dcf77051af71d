"""Folders of every kind, small: made by the real commands' code, damaged by hand."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gtalign_env.scenario.loader import load_scenario
from gtalign_env.scenario.sweep import load_study
from gtalign_env.testing import FaultServer
from gtalign_training.play_run import run
from gtalign_training.play_run_folder import Plan
from gtalign_training.play_run_words import Words
from gtalign_training.recipe import load_recipe
from gtalign_training.report.compare import compare
from gtalign_training.report.page import Report, page_of
from gtalign_training.report.readers import read_folders
from gtalign_training.run_folder import RunFolder, write_json
from gtalign_training.studies.sweep import sweep
from gtalign_training.tabular.evaluation import evaluate_shares

MATRIX = (
    '{"DQ_AQ": {"LLM": 1, "user": 2.5}, "DQ_CQ": {"LLM": 1.3, "user": 2.7},'
    ' "DQ_DA": {"LLM": 1.6, "user": 2.8}, "VQ_AQ": {"LLM": 1.4, "user": 2.3},'
    ' "VQ_CQ": {"LLM": 1.7, "user": 2.9}, "VQ_DA": {"LLM": 1.9, "user": 2.4}}'
)
BEGIN = f"<thinking>Asking costs little.</thinking><payoff>{MATRIX}</payoff>"
END = "<analyze>VQ_DA</analyze><response>It is Hue.</response>"

STUDY = """\
schema: gtalign/study/1
name: drawn
description: A study to draw.
scenario: upsell
axes:
  - {field: pricing.components.per_token.rates.output, label: price, grid: {from: 0, to: 30, points: 5}}
  - {field: persona.conciseness, log_grid: {from: 0.01, to: 1, points: 4}}
restriction: {user: [DQ, VQ], assistant: ["DA:concise", "AQ:standard"]}
"""


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that holds one folder of each kind, see the names below."""
    root = tmp_path_factory.mktemp("folders")
    game = load_scenario("quick_question")
    run(Plan(game, "default", "clarify_once", 0, 60), root / "moves")
    run(Plan(game, "default", "DA:concise", 0, 60), root / "rival")
    run(Plan(game, "default", "clarify_once", 1, 30), root / "other_seed")
    run(Plan(game, "default", "clarify_once", 0, 40, Words()), root / "words")
    _steered(root / "steered")
    _faulted(root / "faults")
    _damaged(root / "words", root / "damaged")
    (root / "empty").mkdir()
    shutil.copy(root / "moves" / "run.json", root / "empty")
    (root / "empty" / "events.jsonl").touch()
    (root / "drawn.yaml").write_text(STUDY, encoding="utf-8")
    sweep(load_study(root / "drawn.yaml"), root / "sweep")
    _trained(root / "training", root / "words")
    return root


def _steered(out: Path) -> None:
    def goes_on(messages: list[dict[str, str]]) -> str:
        return END if messages[-1]["role"] == "assistant" else BEGIN + END

    words = Words(at_once=8, format="four_block", steer=150.0)
    with FaultServer(goes_on) as server:
        name = f"openai:{server.base_url}#ok"
        run(Plan(load_scenario("price_rise"), "default", name, 4, 8, words), out)


def _faulted(out: Path) -> None:
    with FaultServer() as server:
        name = f"openai:{server.base_url}#refusal"
        run(Plan(load_scenario("help_desk"), "default", name, 0, 5, Words(at_once=5)), out)


def _damaged(whole: Path, out: Path) -> None:
    """Copy a run, flip bits in both logs, cut one, and say that another version made it."""
    shutil.copytree(whole, out)
    for name, step in (("events.jsonl", 6000), ("episodes.jsonl", 2500)):
        data = bytearray((out / name).read_bytes())
        for place in range(1500, len(data), step):
            data[place] ^= 0x11
        (out / name).write_bytes(data[:-40])
    (out / "summary.json").write_text('{"scenar')
    told = json.loads((out / "run.json").read_text())
    write_json(out / "run.json", told | {"gtalign-env": "0.0.1"})


def _trained(out: Path, words: Path) -> None:
    """Make what training leaves behind: a real recipe, a real evaluation of a fixed policy."""
    recipe = load_recipe("strategic-ppo")
    result = evaluate_shares(
        recipe, after=lambda seen: np.eye(7)[0], before=lambda seen: np.full(7, 1 / 7)
    )
    digests = [
        "5fd19e87a8e31798ec7949da06e7fa7b7884a6c2f26cc7a8cb8f8c317f9b876f",
    ]
    folder = RunFolder.open(out, recipe, digests, resume=False)
    for step in range(1, 60):
        gained = {"joint_welfare": 2 - 1 / step, "user_welfare": 1.0, "assistant_welfare": 3.0}
        folder.log("ppo", 1024 * step, {**gained, "loss": 1 / step, "entropy": float("nan")})
    write_json(out / "evaluation.json", result)
    for which in ("before", "after"):
        shutil.copy(words / "transcripts.jsonl", out / f"transcripts-{which}.jsonl")


Page = Callable[..., Path]


@pytest.fixture(scope="session")
def page(folders: Path, tmp_path_factory: pytest.TempPathFactory) -> Page:
    """Give a function that writes the report of some of the folders and returns the file."""
    out = tmp_path_factory.mktemp("pages")

    def write(*names: str) -> Path:
        file = out / f"{'-'.join(names)}.html"
        if not file.exists():
            read = read_folders([folders / name for name in names])
            shown = Report(read, compare([one for some in read for one in some.outcomes]))
            file.write_text(page_of(shown), encoding="utf-8")
        return file

    return write
