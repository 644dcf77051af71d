"""The upsell with short conversations, so that a best response takes a moment."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from gtalign_env.scenario.loader import load_scenario
from gtalign_training.recipe import Recipe, load_recipe

MakeRecipe = Callable[..., Recipe]


@pytest.fixture
def make_recipe(tmp_path: Path) -> MakeRecipe:
    """Return `tiny-selfplay` on conversations of two exchanges; fields can be changed."""
    file = tmp_path / "upsell.yaml"
    short = dataclasses.replace(load_scenario("upsell"), max_exchanges=2)
    file.write_text(yaml.safe_dump(short.to_data(), sort_keys=False), encoding="utf-8")

    def make(**changes: Any) -> Recipe:
        data = load_recipe("tiny-selfplay").model_dump(mode="json", by_alias=True)
        data["game"]["scenario"] = str(file)
        section = data["selfplay"]
        for key, value in changes.items():
            if key in section:
                section[key] = value
            elif key == "pricing":
                data["game"]["pricing"] = value
            else:
                data[key] = value
        return Recipe.model_validate(data, strict=False)

    return make
