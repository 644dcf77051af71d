"""Every algorithm without text: it learns, goes on bit for bit, and says what it cannot do."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from gtalign_env.errors import MissingExtraError, RunError
from gtalign_training.recipe import Recipe, load_recipe
from gtalign_training.run_folder import RunFolder
from gtalign_training.runs.seats import trained_seat
from gtalign_training.tabular import evaluate_network, train_network
from gtalign_training.tabular.algorithms import move_shares
from gtalign_training.tabular.checkpoint import MEMORY
from gtalign_training.tabular.model import build_model, first_places, own_randomness

from .test_tabular import KilledError, parameters

SHORT: dict[str, dict[str, Any]] = {
    "ppo": {"horizon": 32, "batch_size": 64, "epochs": 2},
    "recurrent-ppo": {"horizon": 32, "batch_size": 64, "epochs": 2, "memory": 8},
    "a2c": {"horizon": 32},
    "dqn": {
        "horizon": 32,
        "buffer": 200,
        "learning_starts": 64,
        "batch_size": 16,
        "target_every": 40,
    },
}
"""Four updates of 128 steps each; the replay buffer runs over."""


def recipe(algorithm: str, seed: int = 0, **section: Any) -> Recipe:
    data = load_recipe("strategic-ppo").plain()
    del data["ppo"]
    section = {"steps": 512, "environments": 4, "hidden": 16, "save_every": 128} | section
    data |= {"algorithm": algorithm, "seed": seed, algorithm.replace("-", "_"): section}
    return Recipe.model_validate(data, strict=False)


def short(algorithm: str, **section: Any) -> Recipe:
    return recipe(algorithm, **SHORT[algorithm], **section)


def train(made_from: Recipe, path: Path, *, resume: bool = False, stop: int | None = None) -> Any:
    def kill(step: int, steps: int, metrics: dict[str, Any]) -> None:
        if step == stop:
            raise KilledError

    folder = RunFolder(path)
    if not resume:
        folder = RunFolder.open(path, made_from, [], resume=False)
    return train_network(made_from, folder, resume=resume, progress=kill)


@pytest.mark.parametrize("algorithm", SHORT)
def test_a_killed_run_ends_where_it_would_have_ended(tmp_path: Path, algorithm: str) -> None:
    made_from = short(algorithm)
    whole = train(made_from, tmp_path / "whole")
    expected = RunFolder(tmp_path / "whole").metrics(algorithm)
    assert [row["step"] for row in expected] == [128, 256, 384, 512]
    for stop in (128, 256, 384):  # what is carried over differs: an empty and a full buffer, say
        with pytest.raises(KilledError):
            train(made_from, tmp_path / f"broken-{stop}", stop=stop)
        resumed = train(made_from, tmp_path / f"broken-{stop}", resume=True)
        assert parameters(resumed) == parameters(whole)
        assert RunFolder(tmp_path / f"broken-{stop}").metrics(algorithm) == expected


@pytest.mark.slow
@pytest.mark.parametrize(
    ("algorithm", "section"),
    [
        ("a2c", {"steps": 16_000, "environments": 8, "hidden": 64}),
        ("dqn", {"steps": 16_000, "environments": 8, "hidden": 64}),
        ("recurrent-ppo", {"steps": 12_288, "environments": 8, "hidden": 64, "epochs": 6}),
    ],
)
def test_every_algorithm_learns_most_of_the_optimum(
    tmp_path: Path, algorithm: str, section: dict[str, Any]
) -> None:
    made_from = recipe(algorithm, **section)
    result = evaluate_network(made_from, train(made_from, tmp_path))
    assert result["share"] > 0.9
    last = RunFolder(tmp_path).metrics(algorithm)[-1]
    assert np.isfinite(last["joint_welfare"])
    assert np.isfinite(last["value_loss" if algorithm != "dqn" else "loss"])


def test_a_policy_with_memory_is_asked_with_all_it_has_seen() -> None:
    made_from = short("recurrent-ppo")
    with own_randomness(made_from):
        model, _ = build_model(made_from, first_places(made_from))
    shape = (3, *model.observation_space.shape)
    seen = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    assert move_shares(model, seen).sum() == pytest.approx(1.0)
    assert not np.allclose(move_shares(model, seen), move_shares(model, seen[-1:]))
    action, state, starts = None, None, np.ones(1, dtype=bool)
    for observation in seen:  # what the library itself would play
        action, state = model.predict(observation[None], state, starts, deterministic=True)
        starts = np.zeros(1, dtype=bool)
    assert action == np.argmax(move_shares(model, seen))


def test_a_lost_memory_makes_a_checkpoint_damaged(tmp_path: Path) -> None:
    made_from = short("dqn")
    whole = train(made_from, tmp_path / "whole")
    with pytest.raises(KilledError):
        train(made_from, tmp_path / "broken", stop=384)
    (tmp_path / "broken" / "dqn" / "checkpoint-384" / MEMORY).unlink()
    with pytest.warns(UserWarning, match=r"memory.npz is missing.*checkpoint before"):
        resumed = train(made_from, tmp_path / "broken", resume=True)
    assert parameters(resumed) == parameters(whole)


def test_what_was_trained_without_probabilities_takes_a_seat(tmp_path: Path) -> None:
    made_from = short("dqn", steps=128)
    train(made_from, tmp_path)
    summary = run_agents(tmp_path, "quick")
    assert summary == run_agents(tmp_path, "again")


def run_agents(path: Path, name: str) -> Any:
    from gtalign_training.cli import main

    command = ["run", "help_desk", "--assistant", f"trained@{path}", "--episodes", "20", "--json"]
    done = CliRunner().invoke(main, [*command, "--out", str(path / name)])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)["welfare"]


def test_a_policy_with_memory_takes_none(tmp_path: Path) -> None:
    made_from = short("recurrent-ppo", steps=128)
    train(made_from, tmp_path)
    with pytest.raises(RunError, match=r"a policy with memory .* and a seat has none"):
        trained_seat(tmp_path)


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sb3_contrib", None)
    made_from = short("recurrent-ppo")
    with (
        own_randomness(made_from),
        pytest.raises(MissingExtraError, match=r'memory needs .* pip install "gtalign-env\[sb3\]"'),
    ):
        build_model(made_from, first_places(made_from))
