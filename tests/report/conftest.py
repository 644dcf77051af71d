"""Folders of every kind, small: made by the real commands' code, damaged by hand."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml

from gtalign_env.scenario.loader import load_persona, load_pricing, load_scenario
from gtalign_env.scenario.sweep import load_study
from gtalign_env.testing import FaultServer
from gtalign_training.ablation import recipe_of, variants
from gtalign_training.data.evaluation.plan import Evaluation
from gtalign_training.data.evaluation.run import evaluate as answer
from gtalign_training.data.rows import Question
from gtalign_training.grid.cells import Grid, cells_of
from gtalign_training.grid.contenders import contender
from gtalign_training.grid.evaluation import evaluate
from gtalign_training.recipe import Recipe, load_recipe
from gtalign_training.report.compare import compare
from gtalign_training.report.page import Report, page_of
from gtalign_training.report.readers import read_folders
from gtalign_training.run_folder import RunFolder, write_json
from gtalign_training.runs.folder import Plan
from gtalign_training.runs.run import run
from gtalign_training.runs.words import Words
from gtalign_training.selfplay.run import run as learn_in_turns
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
    _evaluated(root / "evaluation")
    _answered(root / "answers")
    _ablation(root / "ablation")
    _selfplay(root / "selfplay", root / "upsell.yaml")
    return root


def _evaluated(out: Path) -> None:
    """Play an evaluation over two regimes and two users, one assistant a model that writes matrices."""
    words = Words(at_once=8, format="four_block")
    game = load_scenario("quick_question")
    cells = cells_of([game], ("default", "impatient"), pricing=("own", "subscription"))
    with FaultServer(lambda messages: BEGIN + END) as server:
        names = ("CQ", "oracle", f"openai:{server.base_url}#ok")
        grid = Grid(cells, tuple(contender(name) for name in names), 6, 5, words)
        evaluate(grid, out, reference="CQ", command="gtalign evaluate quick_question")


def _answered(out: Path) -> None:
    """Ask the reference answers of eight rows, half of which no rule can judge, under two prices."""
    rows = tuple(
        row
        for k in range(4)
        for row in (
            Question(f"What is {k} + 1?", "math", "own", references=(str(k + 1),)),
            Question(f"Who won cup {k}?", "ambiguity", "own"),
        )
    )
    plan = Evaluation(
        rows,
        (("rows.jsonl", len(rows)),),
        len(rows),
        load_scenario("quick_question"),
        (load_pricing("subscription"), load_pricing("per_token")),
        "reference",
        persona=load_persona("busy_engineer"),
    )
    answer(plan, out)


def _ablation(out: Path) -> None:
    """Make what an ablation leaves: two rewards, two seeds each, with known numbers."""
    base = load_recipe("tiny-ablation")
    for cell in variants(("scenario", "random"), ("four-blocks",), (0, 1)):
        folder = RunFolder.open(out / cell.folder, recipe_of(base, cell), ["d1"], resume=False)
        gain = {"scenario": 1.0, "random": 0.0}[cell.reward] + cell.seed / 10
        row = {"name": "after", "well_formed": 0.5, "gap_closed": [gain / 2, 0, 0]}
        row |= {key: [gain, gain, gain] for key in ("welfare", "user", "assistant")}
        oracle = {"name": "Bayes oracle", "welfare": 2.0, "user": 1.0, "assistant": 3.0}
        result = {
            "rows": [{"name": "before", "welfare": [0.0, 0.0, 0.0]}, row, oracle],
            "directions": [{"held": True}, {"held": False}],
            "optimum": {"welfare": 2.0},
            "conversations": 4,
            "seed": 7,
        }
        write_json(folder.path / "evaluation.json", result)
        folder.mark(status="done")


def _selfplay(out: Path, file: Path) -> None:
    """Let two seats respond in turns, computed, on an upsell of two exchanges."""
    short = dataclasses.replace(load_scenario("upsell"), max_exchanges=2)
    file.write_text(yaml.safe_dump(short.to_data(), sort_keys=False), encoding="utf-8")
    data = load_recipe("tiny-selfplay").plain()
    data["game"] |= {"scenario": str(file)}
    data["selfplay"] |= {"learner": "exact", "rounds": 2}
    learn_in_turns(Recipe.model_validate_json(json.dumps(data)), out)


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
