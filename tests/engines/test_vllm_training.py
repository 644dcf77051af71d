"""Rollouts of GRPO and RLOO written by vLLM itself, in the trainer's process; see `test_vllm` for how to run it.

The model is a tiny one that writes four blocks. In float32, the trainer and vLLM differ by the order
in which they add up, and by nothing else: whatever is off by more than `ROUNDING` is a fault.
"""

from __future__ import annotations

import os
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gtalign_training.callbacks import Progress, silent
from gtalign_training.game import training_table
from gtalign_training.language import engine, grpo
from gtalign_training.language.engine import require_engine
from gtalign_training.language.models import (
    Assistant,
    load_assistant,
    new_assistant,
    save_assistant,
)
from gtalign_training.language.rollouts import Rollout
from gtalign_training.language.tiny.model import LENGTH
from gtalign_training.language.trainers import fine_tune_of
from gtalign_training.recipe import Recipe, load_recipe
from gtalign_training.run_folder import RunFolder, checkpoints

FOLDER = os.environ.get("GTALIGN_SERVED_MODEL", "")
pytest.importorskip("vllm", reason="vLLM has an environment of its own; see docs/models.md")
pytest.importorskip("trl", reason="training needs the extra train; see docs/models.md")
pytestmark = [
    pytest.mark.net,
    pytest.mark.skipif(not FOLDER, reason="set GTALIGN_SERVED_MODEL; see docs/models.md"),
    pytest.mark.filterwarnings("ignore"),  # of the engine and its libraries
]

ROUNDING = 1e-3
"""Nats. Measured, the log-probabilities of a step's tokens differ by 1e-5 at most; by 0.9 to 4.5 where vLLM
goes on with the weights of the first step."""

LOGP = "sampling/sampling_logp_difference"
RATIO = "sampling/importance_sampling_ratio"


def recipe(algorithm: str = "grpo", **section: Any) -> Recipe:
    data = load_recipe("tiny-grpo").plain()
    steps = {"steps": 4, "prompts": 2, "group": 4, "save_every": 2, "engine": "vllm"}
    data |= {"algorithm": algorithm, algorithm: data.pop("grpo") | steps | section}
    return Recipe.model_validate(data, strict=False)


class Interrupted(Exception):  # noqa: N818  # stands for a signal, not for an error
    pass


def train(
    one: Recipe, path: Path, *, start: str = FOLDER, resume: bool = False, told: Progress = silent
) -> dict[str, Any]:
    """Train from the model in a folder; return the weights."""
    folder = RunFolder.open(path, one, [], resume=resume)
    if not resume:
        shutil.copytree(start, folder / "sft" / "model")
    trained = fine_tune_of(one.algorithm)(
        one, load_assistant(folder / "sft" / "model"), folder, told
    )
    return {name: part.clone() for name, part in trained.model.state_dict().items()}


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one.keys() == other.keys() and all(bool((one[k] == other[k]).all()) for k in one)


def steps(path: Path, algorithm: str = "grpo") -> list[dict[str, Any]]:
    return [row for row in RunFolder(path).metrics(algorithm) if "loss" in row]


@pytest.fixture
def float32(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have vLLM compute as the trainer does; left to itself it takes bfloat16."""
    from trl.generation import vllm_generation

    monkeypatch.setattr(
        vllm_generation, "LLM", partial(vllm_generation.LLM, dtype="float32", enforce_eager=True)
    )


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> list[Rollout]:
    """Give every conversation that a trainer gets."""
    out: list[Rollout] = []
    play = grpo.RolloutFunction.__call__

    def keep(self: grpo.RolloutFunction, *args: Any) -> Any:
        made = play(self, *args)
        assert self.batch is not None
        out.extend(self.batch.rollouts)
        return made

    monkeypatch.setattr(grpo.RolloutFunction, "__call__", keep)
    return out


@pytest.fixture
def by_vllm(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """Give whatever vLLM writes."""
    from trl.generation.vllm_generation import VLLMGeneration

    out: list[list[int]] = []
    generate = VLLMGeneration.generate

    def keep(self: Any, **asked: Any) -> Any:
        made = generate(self, **asked)
        out.extend(list(tokens) for tokens in made[1])
        return made

    monkeypatch.setattr(VLLMGeneration, "generate", keep)
    return out


def own(rollouts: list[Rollout]) -> int:
    return sum(sum(rollout.mask) for rollout in rollouts)


@pytest.mark.usefixtures("float32")
@pytest.mark.parametrize(("algorithm", "credit"), [("grpo", "conversation"), ("rloo", "turn")])
def test_vllm_writes_the_turns_and_thinks_of_them_as_the_trainer_does(
    tmp_path: Path,
    played: list[Rollout],
    by_vllm: list[list[int]],
    algorithm: str,
    credit: str,
) -> None:
    one = recipe(algorithm, credit=credit)
    require_engine(one)
    before = dict(os.environ)
    trained = train(one, tmp_path)
    assert {k: v for k, v in os.environ.items() if k in engine.LAUNCHER} == {
        k: v for k, v in before.items() if k in engine.LAUNCHER
    }
    assert not same(trained, load_assistant(FOLDER).model.state_dict())
    assert len(played) == 4 * 8
    assert own(played) == sum(len(tokens) for tokens in by_vllm) > 1000
    assert len(by_vllm) == sum(len(rollout.turns) for rollout in played) > len(played)
    assert sum(rollout.well_formed for rollout in played) > len(played) / 2
    rows = steps(tmp_path, algorithm)
    assert [row["step"] for row in rows] == [1, 2, 3, 4]
    for row in rows:  # at the first step, and after every change of the weights
        assert row[f"{LOGP}/max"] < ROUNDING
        assert row[f"{RATIO}/min"] == pytest.approx(1.0, abs=0.01)
        assert row[f"{RATIO}/max"] == pytest.approx(1.0, abs=0.01)


@pytest.mark.usefixtures("float32")
def test_weights_that_do_not_arrive_are_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_reload", lambda generation: None)
    train(recipe(), tmp_path)
    first, *later = steps(tmp_path)
    assert first[f"{LOGP}/max"] < ROUNDING  # it has read them from the folder
    assert all(row[f"{LOGP}/max"] > 50 * ROUNDING for row in later)


def test_in_the_precision_that_vllm_takes_it_is_near(tmp_path: Path) -> None:
    train(recipe(), tmp_path)
    for row in steps(tmp_path):  # bfloat16 has 8 bits: a logit of 10 is off by 0.02
        assert ROUNDING < row[f"{LOGP}/max"] < 0.5
        assert row[f"{LOGP}/mean"] < 0.006
        assert row[f"{RATIO}/mean"] == pytest.approx(1.0, abs=0.15)


def test_a_killed_run_ends_where_it_would_have_ended(tmp_path: Path) -> None:
    def kill(stage: str, step: int, steps: int, metrics: dict[str, Any]) -> None:
        if step == 3:
            raise Interrupted

    whole = train(recipe(), tmp_path / "whole")
    with pytest.raises(Interrupted):
        train(recipe(), tmp_path / "broken", told=kill)
    assert [path.name for path in checkpoints(tmp_path / "broken" / "grpo")] == ["checkpoint-2"]
    assert same(train(recipe(), tmp_path / "broken", resume=True), whole)


def test_the_seed_of_the_recipe_decides_what_is_sampled(
    tmp_path: Path, by_vllm: list[list[int]]
) -> None:
    made = []
    for name, seed in (("one", 1), ("again", 1), ("other", 2)):
        one = recipe(steps=1)
        # the conversations stay: only what is sampled may differ
        by_vllm.clear()
        train(one.model_copy(update={"seed": seed}), tmp_path / name)
        made.append(list(by_vllm))
    assert made[0] == made[1] != made[2]


@pytest.mark.usefixtures("float32")
@pytest.mark.parametrize("turn_tokens", [80, 34, 1])
def test_turns_end_where_those_of_the_model_itself_end(
    tmp_path: Path, played: list[Rollout], turn_tokens: int
) -> None:
    sure, tokenizer = load_assistant(FOLDER)
    sure.lm_head.weight.data *= 1e5  # it writes what is likeliest, whoever draws, near ties too
    save_assistant(Assistant(sure, tokenizer), tmp_path / "sure")
    for name in ("vllm", "transformers"):
        short = recipe(steps=1, turn_tokens=turn_tokens, engine=name)
        train(short, tmp_path / name, start=str(tmp_path / "sure"))
    ours, theirs = played[:8], played[8:]
    for one, other in zip(ours, theirs, strict=True):
        assert one.completion_ids == other.completion_ids
        assert one.mask == other.mask
        assert one.turns == other.turns
        assert one.welfare == other.welfare
    ends = {turn.rule for rollout in ours for turn in rollout.turns}
    assert ends == {80: {None}, 34: {None, "unfinished"}, 1: {"unfinished"}}[turn_tokens]


@pytest.mark.usefixtures("float32")
def test_a_conversation_that_fills_the_context_goes_on_with_turns_that_are_not_finished(
    tmp_path: Path, played: list[Rollout]
) -> None:
    one = recipe(steps=1, turn_tokens=510)
    save_assistant(new_assistant(one, training_table(one).specs), tmp_path / "untrained")
    train(one, tmp_path / "run", start=str(tmp_path / "untrained"))
    full = [one for one in played if len(one.prompt_ids) + one.turns[0].tokens == LENGTH]
    assert full  # an untrained model ends hardly a turn
    for rollout in full:
        assert [turn.rule for turn in rollout.turns] == ["unfinished", "unfinished"]
        assert rollout.turns[1].tokens == 0
        assert rollout.fault is None
    (row,) = steps(tmp_path / "run")
    assert row[f"{LOGP}/max"] < ROUNDING
