"""Recipes small enough for tests, and the warnings of libraries that are not ours to mend."""

from __future__ import annotations

from typing import Any

import pytest

from gtalign_training.recipe import Recipe, load_recipe


def small_recipe(**changes: Any) -> Recipe:
    """Return `tiny-grpo` cut down to seconds; changes are merged field by field."""
    data = load_recipe("tiny-grpo").model_dump(mode="json", by_alias=True)
    data["sft"] |= {"conversations": 64, "steps": 4, "batch_size": 4}
    data["grpo"] |= {"steps": 4, "prompts": 2, "group": 4, "save_every": 2, "turn_tokens": 48}
    data["evaluation"] |= {"conversations": 8}
    for key, value in changes.items():
        merge = isinstance(value, dict) and key != "model"
        data[key] = {**data[key], **value} if merge else value
    return Recipe.model_validate(data, strict=False)


@pytest.fixture
def recipe() -> Recipe:
    return small_recipe()
