"""The language-model trainer: it learns, resumes bit for bit, and never learns from a fault."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gtalign_env.core.moves import UserMove
from gtalign_env.core.policies import default_seat
from gtalign_env.core.views import UserView
from gtalign_env.draws import Purpose, Seat
from gtalign_env.errors import ModelError, RunError
from gtalign_training import pipeline
from gtalign_training.callbacks import silent
from gtalign_training.game import training_table
from gtalign_training.language import conversations, grpo
from gtalign_training.language.models import load_assistant, new_assistant, save_assistant
from gtalign_training.language.sft import warm_start
from gtalign_training.recipe import Recipe
from gtalign_training.run_folder import RunFolder, checkpoints

from .conftest import small_recipe

pytestmark = [
    # from inside the trainers and TensorBoard; nothing that a caller could change
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


def weights(path: Path) -> dict[str, Any]:
    return {k: v.clone() for k, v in load_assistant(path).model.state_dict().items()}


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one.keys() == other.keys() and all(bool((one[k] == other[k]).all()) for k in one)


def digests(recipe: Recipe) -> list[str]:
    return [spec.digest for spec in training_table(recipe).specs]


def train(recipe: Recipe, path: Path, *, resume: bool = False) -> RunFolder:
    """Run the two training stages, without the evaluation."""
    folder = RunFolder.open(path, recipe, digests(recipe), resume=resume)
    table = training_table(recipe)
    start = warm_start(recipe, new_assistant(recipe, table.specs), folder, silent)
    save_assistant(grpo.fine_tune(recipe, start, folder, silent), folder / "model")
    return folder


class Interrupted(Exception):  # noqa: N818  # stands for a signal, not for an error
    pass


def test_a_resumed_run_equals_an_unbroken_one(tmp_path: Path, recipe: Recipe) -> None:
    train(recipe, tmp_path / "whole")

    def stop(stage: str, step: int, steps: int, metrics: dict[str, Any]) -> None:
        if stage == "grpo" and step == 3:  # after the checkpoint of step 2
            raise Interrupted

    table = training_table(recipe)
    folder = RunFolder.open(tmp_path / "broken", recipe, digests(recipe), resume=False)
    start = warm_start(recipe, new_assistant(recipe, table.specs), folder, silent)
    with pytest.raises(Interrupted):
        grpo.fine_tune(recipe, start, folder, stop)
    train(recipe, tmp_path / "broken", resume=True)

    assert same(weights(tmp_path / "whole" / "model"), weights(tmp_path / "broken" / "model"))
    whole, broken = (
        [
            {k: v for k, v in row.items() if "time" not in k and "runtime" not in k}
            for row in RunFolder(tmp_path / name).metrics("grpo")
        ]
        for name in ("whole", "broken")
    )
    assert whole == broken
    assert [row["step"] for row in whole] == [1, 2, 3, 4]


def test_the_same_seed_trains_the_same_model_and_another_another(
    tmp_path: Path, recipe: Recipe
) -> None:
    train(recipe, tmp_path / "one")
    train(recipe, tmp_path / "two")
    train(small_recipe(seed=1), tmp_path / "three")
    one, two, three = (weights(tmp_path / name / "model") for name in ("one", "two", "three"))
    assert same(one, two)
    assert not same(one, three)


def test_a_checkpoint_that_was_cut_short_is_passed_over(tmp_path: Path, recipe: Recipe) -> None:
    train(recipe, tmp_path / "whole")
    folder = train(recipe, tmp_path / "cut")
    newest = checkpoints(folder / "grpo")[0]
    assert newest.name == "checkpoint-4"
    data = (newest / "model.safetensors").read_bytes()
    (newest / "model.safetensors").write_bytes(data[: len(data) // 2])
    with pytest.warns(
        UserWarning, match=r"checkpoint-4 is damaged .* going on from the checkpoint before"
    ):
        train(recipe, tmp_path / "cut", resume=True)
    assert same(weights(tmp_path / "whole" / "model"), weights(tmp_path / "cut" / "model"))


def test_only_damaged_checkpoints_are_an_error(tmp_path: Path, recipe: Recipe) -> None:
    folder = train(recipe, tmp_path / "run")
    for path in checkpoints(folder / "grpo"):
        (path / "optimizer.pt").write_bytes(b"")
    with pytest.raises(RunError, match=r"every checkpoint in .* is damaged; delete that folder"):
        train(recipe, tmp_path / "run", resume=True)


def faulty(share: float) -> Any:
    """Return a user whose model fails in a share of the tries, whatever the conversation."""
    rng = np.random.default_rng(0)
    healthy = default_seat(0.5)

    def policy(view: UserView, u: float) -> UserMove:
        if view.state.exchange >= 0 and rng.random() < share:
            raise ModelError("no answer", kind="timeout", attempts=3)
        return healthy(view, u)

    return policy


def test_faulted_tries_get_no_advantage_and_leave_the_others_theirs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trl import GRPOTrainer

    recipe = small_recipe(grpo={"most_faults": 1.0, "steps": 3, "prompts": 4})
    seen: list[tuple[list[float | None], list[float]]] = []
    rewards: list[list[float | None]] = []
    given = grpo.given_reward
    original = GRPOTrainer._generate_and_score_completions

    def note(*args: Any, **kw: Any) -> list[float | None]:
        rewards.append(given(*args, **kw))
        return rewards[-1]

    def capture(self: Any, inputs: Any) -> Any:
        out = original(self, inputs)
        seen.append((rewards[-1], out["advantages"].tolist()))
        return out

    monkeypatch.setattr(grpo, "given_reward", note)
    monkeypatch.setattr(GRPOTrainer, "_generate_and_score_completions", capture)
    monkeypatch.setattr(conversations, "user_of", lambda recipe: faulty(0.3))
    # an untrained model scores 0 throughout: give the tries rewards that differ
    monkeypatch.setattr(
        conversations.Conversations,
        "rewards",
        lambda self, rollouts, step: [
            None if r.fault else 0.1 * (i % 7) for i, r in enumerate(rollouts)
        ],
    )
    train(recipe, tmp_path / "run")
    faults = 0
    for given_rewards, advantages in seen:
        for start in range(0, len(given_rewards), recipe.grpo.group):
            group = given_rewards[start : start + recipe.grpo.group]
            valid = np.array([r for r in group if r is not None])
            for reward, advantage in zip(group, advantages[start:], strict=False):
                if reward is None:
                    faults += 1
                    assert advantage == 0.0
                elif len(valid) > 1:
                    expected = (reward - valid.mean()) / (valid.std(ddof=1) + 1e-4)
                    assert advantage == pytest.approx(expected, abs=1e-3)
    assert faults > 3
    logged = RunFolder(tmp_path / "run").metrics("grpo")
    assert any(row["faults"] > 0 for row in logged)


def test_too_many_faults_stop_the_run_and_keep_the_checkpoint(
    tmp_path: Path, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def sick_later(recipe: Recipe) -> Any:
        healthy, sick = default_seat(0.5), faulty(0.9)

        def policy(view: UserView, u: float) -> UserMove:
            calls.append(1)
            opening = view.state.exchange < 0
            return healthy(view, u) if opening or len(calls) < 60 else sick(view, u)

        return policy

    monkeypatch.setattr(conversations, "user_of", sick_later)
    with pytest.raises(RunError, match=r"failed \(timeout\); at most 10% may.*--resume"):
        train(small_recipe(grpo={"steps": 20, "save_every": 1}), tmp_path / "run")
    assert checkpoints(tmp_path / "run" / "grpo")


def test_random_reward_is_random_and_resumable(recipe: Recipe) -> None:
    from gtalign_training.language.tiny.model import build_tokenizer

    control = small_recipe(reward="random")
    tokenizer = build_tokenizer(["a"])
    play = conversations.Conversations(control, tokenizer)
    rollouts: list[Any] = [object()] * 200
    first, again, later = (play.rewards(rollouts, step) for step in (5, 5, 6))
    assert first == again
    assert first != later
    assert 0.4 < float(np.mean([r for r in first if r is not None])) < 0.6


def test_a_run_leaves_everything_it_promises(tmp_path: Path, recipe: Recipe) -> None:
    said: list[str] = []
    folder = pipeline.run(recipe, tmp_path / "run", say=said.append)
    for name in ("recipe.json", "run.json", "metrics.jsonl", "evaluation.json"):
        assert (folder / name).stat().st_size > 0
    assert list((folder / "tensorboard" / "grpo").iterdir())
    assert {p.name for p in (folder / "plots").glob("*.png")} == {
        "learning_curves.png",
        "move_mix.png",
        "welfare.png",
    }
    assert folder.read("run.json")["status"] == "done"
    logged = folder.metrics("grpo")[-1]
    for key in ("user_welfare", "assistant_welfare", "joint_welfare", "well_formed", "charge_usd"):
        assert np.isfinite(logged[key])
    assert sum(v for k, v in logged.items() if k.startswith("move/subscription/")) in (
        0,
        pytest.approx(1),
    )
    result = folder.read("evaluation.json")
    names = [row["name"] for row in result["rows"]]
    assert names[:2] == ["before", "after"]
    assert "Bayes oracle" in names
    lines = (folder / "transcripts-after.jsonl").read_text().splitlines()
    assert len(lines) == 3 * recipe.evaluation.conversations
    assert json.loads(lines[0])["turns"][0]["seat"] == "user"
    # a finished run, resumed, trains nothing again
    stages: list[str] = []
    pipeline.run(
        recipe, tmp_path / "run", resume=True, progress=lambda stage, *rest: stages.append(stage)
    )
    assert stages == []


def test_the_oracle_row_agrees_with_the_exact_optimum(tmp_path: Path) -> None:
    from gtalign_training.evaluate import baselines, oracles, play_policy
    from gtalign_training.game import held_out_tables

    recipe = small_recipe(evaluation={"conversations": 1500})
    played = play_policy(recipe, baselines(recipe)["Bayes oracle"])
    exact = np.mean(
        [oracle.value.welfare for oracle in oracles(recipe, held_out_tables(recipe)).values()]
    )
    error = played.welfare.std() / np.sqrt(len(played.welfare))
    assert abs(played.welfare.mean() - exact) < 4 * error


def test_held_out_conversations_are_not_the_training_ones() -> None:
    from gtalign_training.game import held_out_tables

    recipe = small_recipe()
    training = training_table(recipe)
    keys = {training.draws(spec, 0).key for spec in training.specs}
    for table in held_out_tables(recipe):
        assert table.draws(table.specs[0], 0).key not in keys
        assert table.open(0).chance(Seat.USER, Purpose.MEANT) >= 0.0
