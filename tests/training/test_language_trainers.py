"""Every algorithm of a language model: it goes on bit for bit, and stops before it is spoilt."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gtalign_env.core.policies import default_seat
from gtalign_env.errors import ModelError, RunError
from gtalign_training import pipeline
from gtalign_training.game import open_talk, training_table
from gtalign_training.language import conversations
from gtalign_training.language.chat import ChatTokens
from gtalign_training.language.demonstrations import demonstrations
from gtalign_training.language.guards import memory_guard, require_writable
from gtalign_training.language.lm_ppo import trainer as lm_ppo
from gtalign_training.language.lm_ppo.network import ActorCritic
from gtalign_training.language.lm_ppo.tokens import tokens_of
from gtalign_training.language.models import (
    Assistant,
    load_assistant,
    new_assistant,
    save_assistant,
)
from gtalign_training.language.trainers import NAMES, fine_tune_of
from gtalign_training.language.tries import Try, best_of, pairs_of
from gtalign_training.recipe import Recipe
from gtalign_training.run_folder import RunFolder, checkpoints

from .conftest import small_recipe

pytestmark = [  # from inside the trainers and TensorBoard; nothing that a caller could change
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

SHORT: dict[str, dict[str, Any]] = {
    "grpo": {"prompts": 2, "group": 4, "credit": "turn", "micro_batch": 4, "entropy": 0.01},
    "rloo": {"prompts": 2, "group": 4},
    "lm-ppo": {"prompts": 8, "batch_size": 4, "micro_batch": 2, "epochs": 2, "kl": 0.05},
    "best-of-k": {"source": "oracle", "conversations": 8, "tries": 1, "batch_size": 2},
    "dpo": {"conversations": 24, "tries": 4, "batch_size": 2, "turn_tokens": 120, "margin": 0.0},
}


def short(algorithm: str, seed: int = 0, **changes: Any) -> Recipe:
    """Return a recipe of four steps; its rewards are random, as an untrained model earns none."""
    data = small_recipe().plain()
    del data["grpo"]
    section = {"steps": 4, "save_every": 2, **SHORT[algorithm]}
    if algorithm != "best-of-k":
        section.setdefault("turn_tokens", 24)
    if algorithm == "dpo":
        data["format"] = "none"  # a turn that ends is well-formed, as an untrained one may be
    name = algorithm.replace("-", "_")
    data |= {"algorithm": algorithm, "seed": seed, "reward": "random", name: section, "sft": None}
    section |= changes.pop("section", {})
    return Recipe.model_validate(data | changes, strict=False)


def begin(recipe: Recipe) -> Assistant:
    return new_assistant(recipe, training_table(recipe).specs)


def opened(recipe: Recipe, path: Path, *, resume: bool = False) -> RunFolder:
    return RunFolder.open(path, recipe, [], resume=resume)


class Interrupted(Exception):  # noqa: N818  # stands for a signal, not for an error
    pass


def train(recipe: Recipe, path: Path, *, resume: bool = False, stop: int = -1) -> dict[str, Any]:
    """Train from the same untrained model; return the weights."""

    def kill(stage: str, step: int, steps: int, metrics: dict[str, Any]) -> None:
        if stage == recipe.algorithm and step == stop:
            raise Interrupted

    folder = opened(recipe, path, resume=resume)
    start = folder / "sft" / "model"
    if not start.exists():
        save_assistant(begin(recipe), start)
    trained = fine_tune_of(recipe.algorithm)(recipe, load_assistant(start), folder, kill)
    return {name: part.clone() for name, part in trained.model.state_dict().items()}


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one.keys() == other.keys() and all(bool((one[k] == other[k]).all()) for k in one)


def lines(path: Path, stage: str) -> list[dict[str, Any]]:
    rows = RunFolder(path).metrics(stage)
    left_out = ("time", "num_tokens")  # TRL's SFT and DPO count tokens anew after a resume
    return [{k: v for k, v in row.items() if not any(o in k for o in left_out)} for row in rows]


@pytest.mark.parametrize("algorithm", NAMES)
def test_a_killed_run_ends_where_it_would_have_ended(tmp_path: Path, algorithm: str) -> None:
    recipe = short(algorithm)
    whole = train(recipe, tmp_path / "whole")
    begun = load_assistant(tmp_path / "whole" / "sft" / "model").model.state_dict()
    assert not same(whole, begun)  # it did learn something
    with pytest.raises(Interrupted):
        train(recipe, tmp_path / "broken", stop=3)
    assert same(train(recipe, tmp_path / "broken", resume=True), whole)
    expected = lines(tmp_path / "whole", algorithm)
    assert lines(tmp_path / "broken", algorithm) == expected
    assert [row["step"] for row in expected if "loss" in row] == [1, 2, 3, 4]


@pytest.mark.slow
def test_another_seed_trains_another_model(tmp_path: Path) -> None:
    one, other = (train(short("lm-ppo", seed), tmp_path / str(seed)) for seed in (0, 1))
    assert not same(one, other)


@pytest.mark.parametrize("changes", [{"critic": "shared"}, {"micro_batch": None}])
def test_what_only_saves_memory_changes_nothing_else(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    one = train(short("lm-ppo", section={"steps": 2}), tmp_path / "one")
    other = train(short("lm-ppo", section={"steps": 2, **changes}), tmp_path / "other")
    distance = max(float((one[k] - other[k]).abs().max()) for k in one)
    if "critic" in changes:
        assert distance > 1e-4  # the values pull on the same weights
    else:
        assert distance < 1e-4


def test_a_damaged_checkpoint_of_ppo_is_passed_over(tmp_path: Path) -> None:
    recipe = short("lm-ppo")
    whole = train(recipe, tmp_path / "run")
    file = tmp_path / "run" / "lm-ppo" / "checkpoint-4" / "optimizer.safetensors"
    file.write_bytes(file.read_bytes()[:500])
    with pytest.warns(UserWarning, match=r"checkpoint-4.* is damaged .*checkpoint before"):
        assert same(train(recipe, tmp_path / "run", resume=True), whole)


def test_an_actor_critic_says_what_the_model_says(tmp_path: Path) -> None:
    import torch

    recipe = short("lm-ppo")
    model = begin(recipe).model
    network = ActorCritic(model, recipe.lm_ppo)
    ids = torch.tensor([[5, 6, 7, 8, 0], [9, 8, 7, 6, 5]])
    attention = torch.tensor([[1, 1, 1, 1, 0], [1, 1, 1, 1, 1]])
    mask = torch.tensor([[0, 1, 0, 1, 0], [0, 0, 1, 1, 1]]).float()
    judged = network.judge(ids, attention, mask)
    logits = model(input_ids=ids, attention_mask=attention).logits[:, :-1].log_softmax(-1)
    expected = logits.gather(-1, ids[:, 1:].unsqueeze(-1)).squeeze(-1) * mask[:, 1:]
    assert torch.allclose(judged.logprobs[:, 1:], expected, atol=1e-5)
    assert bool((judged.values == 0).all())  # nothing is expected yet


def test_the_reward_is_paid_at_the_last_own_token() -> None:
    recipe = short("lm-ppo")
    assistant = begin(recipe)
    played = conversations.Conversations(recipe, assistant.tokenizer)
    batch = played.batch(range(4), lm_ppo._generate(recipe, assistant, 0), 0)
    tokens = tokens_of(batch, played, "cpu")
    for i, rollout in enumerate(batch.rollouts):
        paid = np.flatnonzero(tokens.rewards[i].numpy())
        own = np.flatnonzero(tokens.mask[i].numpy())
        assert paid.tolist() == [own[-1]]
        assert len(own) == sum(rollout.mask)
        assert float(tokens.rewards[i, own[-1]]) == pytest.approx(batch.rewards[i])


def test_the_best_and_the_worst_make_a_pair() -> None:
    def tried(conversation: int, reward: float, well_formed: bool = True) -> Try:
        return Try(conversation, [1], [2], [1], reward, well_formed)

    groups = [
        [tried(0, 1.0), tried(0, 3.0), tried(0, -1.0, False)],
        [tried(1, 2.0), tried(1, 2.0)],
        [tried(2, 5.0, False), tried(2, 1.0)],
        [tried(3, 1.0), tried(3, 1.05)],
    ]
    assert [one.reward for one in best_of(groups)] == [3.0, 2.0, 1.0, 1.05]
    pairs = [(best.reward, worst.reward) for best, worst in pairs_of(groups, 0.1)]
    assert pairs == [(3.0, -1.0)]  # equal ones, a malformed best, too small a difference: none


# What stops a run


@pytest.mark.parametrize("algorithm", ["rloo", "lm-ppo", "dpo"])
def test_too_many_faults_stop_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, algorithm: str
) -> None:
    healthy, calls = default_seat(0.5), []

    def sick(view: Any, u: float) -> Any:
        calls.append(1)
        if len(calls) > (0 if algorithm == "dpo" else 30) and len(calls) % 4 == 0:
            raise ModelError("no answer", kind="timeout", attempts=3)
        return healthy(view, u)

    monkeypatch.setattr(conversations, "user_of", lambda recipe: sick)
    recipe = short(algorithm, section={"save_every": 1, "steps": 30})
    with pytest.raises(RunError, match=r"failed \(timeout\); at most 10% may.*--resume"):
        train(recipe, tmp_path)
    if algorithm != "dpo":
        assert checkpoints(tmp_path / algorithm)


@pytest.mark.parametrize("algorithm", ["rloo", "lm-ppo", "best-of-k"])
def test_a_gradient_that_is_not_finite_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, algorithm: str
) -> None:
    import torch

    recipe, steps = short(algorithm, section={"save_every": 1}), []
    original = torch.nn.utils.get_total_norm

    def spoilt(*args: Any, **kw: Any) -> Any:
        steps.append(1)
        # two mini-batches in each of two passes make a step of lm-ppo
        late = len(steps) > (4 if algorithm == "lm-ppo" else 1)
        return torch.tensor(math.nan) if late else original(*args, **kw)

    monkeypatch.setattr(torch.nn.utils, "get_total_norm", spoilt)
    with pytest.raises(RunError, match="gradient of step 2 is not finite, so the step was not"):
        train(recipe, tmp_path)
    assert [path.name for path in checkpoints(tmp_path / algorithm)] == ["checkpoint-1"]


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_a_lack_of_memory_says_what_to_lower(error: Exception) -> None:
    with (
        pytest.raises(RunError, match=r"ran out in stage lm-ppo. Lower lm_ppo.micro_batch"),
        memory_guard(short("lm-ppo"), "lm-ppo"),
    ):
        raise error
    with pytest.raises(RuntimeError, match="another"), memory_guard(short("dpo"), "dpo"):
        raise RuntimeError("another")


def byte_tokenizer() -> Any:
    """Return a tokenizer that carries any text, byte by byte."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = pre_tokenizers.ByteLevel.alphabet()
    raw = Tokenizer(models.BPE({mark: i for i, mark in enumerate(["<eos>", *alphabet])}, []))
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(tokenizer_object=raw, eos_token="<eos>", pad_token="<eos>")
    fast.chat_template = begin(small_recipe()).tokenizer.chat_template
    fast.name_or_path = "some/model"
    return fast


def test_a_tokenizer_that_cannot_carry_the_blocks_is_refused_by_name(tmp_path: Path) -> None:
    recipe = small_recipe()
    tokenizer = byte_tokenizer()
    require_writable(recipe, tokenizer)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<payoff>"]})
    with pytest.raises(RunError, match=r"some/model has parts .* special tokens \('<payoff>'\)"):
        require_writable(recipe, tokenizer)
    require_writable(small_recipe(format="none"), tokenizer)


def test_a_language_without_the_blocks_is_refused_before_a_folder_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gtalign_training.language import models
    from gtalign_training.language.tiny.model import build_tokenizer

    poor = begin(small_recipe())._replace(tokenizer=build_tokenizer(["a", "b", " "]))
    monkeypatch.setattr(models, "new_assistant", lambda *args: poor)
    with pytest.raises(RunError, match=r"must carry the four blocks, and does not"):
        pipeline.run(small_recipe(), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_without_a_well_formed_try_there_is_nothing_to_imitate(tmp_path: Path) -> None:
    recipe = short("best-of-k", section={"source": "model", "turn_tokens": 8})
    with pytest.raises(RunError, match="nothing to imitate: begin with a warm start"):
        train(recipe, tmp_path)


# Without the four blocks


def test_without_the_format_a_turn_is_its_message(tmp_path: Path) -> None:
    recipe = small_recipe(format="none", sft=None, grpo={"steps": 1})
    folder = pipeline.run(recipe, tmp_path / "run")
    rows = {row["name"]: row for row in folder.read("evaluation.json")["rows"]}
    assert rows["after"]["distinct_payoffs"] is None
    chat = ChatTokens(begin(recipe).tokenizer)
    for blocks in (False, True):
        (row,) = demonstrations(
            lambda index: open_talk(training_table(recipe, knowing=True), index),
            default_seat(0.5),
            chat,
            1,
            np.random.default_rng(0),
            blocks=blocks,
        )
        own = [token for token, m in zip(row.input_ids, row.mask, strict=True) if m]
        assert ("<response>" in chat.decode(own)[0]) is blocks
