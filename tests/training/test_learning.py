"""Does it learn? A short run that must gain, and the full bars on three seeds with a control."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gtalign_training import pipeline
from gtalign_training.commands.train import with_options
from gtalign_training.recipe import Recipe, load_recipe

pytestmark = [  # from inside the trainers; nothing that a caller could change
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


def rows(recipe: Recipe, path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Run a recipe and return its result and its rows by name."""
    result = pipeline.run(recipe, path).read("evaluation.json")
    return result, {row["name"]: row for row in result["rows"]}


@pytest.mark.long
def test_a_short_run_gains_joint_welfare(tmp_path: Path) -> None:
    data = load_recipe("tiny-grpo").model_dump(mode="json", by_alias=True)
    data["sft"]["steps"] = 700
    data["grpo"]["steps"] = 40
    data["evaluation"]["conversations"] = 200
    _, named = rows(Recipe.model_validate(data, strict=False), tmp_path / "run")
    before, after = named["before"], named["after"]
    assert before["well_formed"] > 0.8
    assert after["welfare"][0] - before["welfare"][0] > 0.15


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_training_closes_most_of_the_gap_and_follows_the_price(tmp_path: Path, seed: int) -> None:
    recipe = with_options(load_recipe("tiny-grpo"), seed=seed)
    result, named = rows(recipe, tmp_path / "run")
    before, after = named["before"], named["after"]
    assert after["gap_closed"][0] >= 0.6
    assert after["user"][0] > before["user"][0]
    assert after["assistant"][0] > before["assistant"][0]
    assert all(row["held"] for row in result["directions"])


@pytest.mark.slow
def test_a_random_reward_closes_nothing(tmp_path: Path) -> None:
    recipe = with_options(load_recipe("tiny-grpo"), reward="random")
    _, named = rows(recipe, tmp_path / "run")
    assert named["after"]["gap_closed"][0] < 0.1
