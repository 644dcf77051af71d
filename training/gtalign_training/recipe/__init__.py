"""Recipes: what a training run is made of, authored in YAML and checked before anything starts."""

from gtalign_training.recipe.files import (
    bundled_recipes,
    find_recipe,
    load_recipe,
    recipe_of,
    recipe_root,
)
from gtalign_training.recipe.parts import GameModel, PretrainedModel, TinyModel
from gtalign_training.recipe.recipe import Recipe, Reward, StrategicSection

__all__ = [
    "GameModel",
    "PretrainedModel",
    "Recipe",
    "Reward",
    "StrategicSection",
    "TinyModel",
    "bundled_recipes",
    "find_recipe",
    "load_recipe",
    "recipe_of",
    "recipe_root",
]
