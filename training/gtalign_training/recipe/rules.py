"""What the fields of a recipe must be to each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gtalign_env.scenario.fields import Fault
from gtalign_training.recipe.language import OnlineModel
from gtalign_training.recipe.parts import PretrainedModel

if TYPE_CHECKING:
    from gtalign_training.recipe.recipe import Recipe


def contradictions(recipe: Recipe) -> Iterator[Fault]:
    """Yield what does not fit together.

    Args:
        recipe: A recipe whose fields are valid each by itself.
    """
    yield from _of_numbers(recipe)
    yield from _of_held_out(recipe)
    yield from _of_rewards(recipe)
    yield from _of_models(recipe)


def _of_numbers(recipe: Recipe) -> Iterator[Fault]:
    if recipe.seed == recipe.evaluation.seed:
        yield ("evaluation", "seed"), f"must differ from seed, {recipe.seed}: it is held out"
    if recipe.rho and recipe.reward != "ces":
        yield ("rho",), f"belongs to reward: ces; got reward: {recipe.reward}"


def _of_held_out(recipe: Recipe) -> Iterator[Fault]:
    game, place = recipe.game, ("game", "held_out")
    strange = [name for name in game.held_out if name not in game.pricing]
    if strange:
        yield place, f"names regimes of pricing; got {', '.join(strange)}"
    elif game.held_out and recipe.strategic:
        yield place, f"is for language models; {recipe.algorithm} has none"
    elif set(game.held_out) >= set(game.pricing):
        yield place, "must leave a regime to learn under"


def _of_rewards(recipe: Recipe) -> Iterator[Fault]:
    section = getattr(recipe, recipe.section_name)
    by_turn = isinstance(section, OnlineModel) and section.credit == "turn"
    if recipe.calibration:
        if recipe.strategic or recipe.format == "none":
            yield ("calibration",), "needs a model that writes matrices"
        elif by_turn:
            yield ("calibration",), "is of whole conversations: leave it out with credit: turn"
    if recipe.normalise != "none":
        if recipe.strategic:
            yield ("normalise",), f"needs batches of conversations; {recipe.algorithm} has none"
        elif by_turn:
            yield ("normalise",), "scales whole conversations: leave it out with credit: turn"


def _of_models(recipe: Recipe) -> Iterator[Fault]:
    pretrained = isinstance(recipe.model, PretrainedModel)
    if recipe.format == "none" and recipe.strategic:
        yield ("format",), f"belongs to language models; {recipe.algorithm} has none"
    if recipe.reads_matrices and (pretrained or recipe.format == "none"):
        yield ("sft", "matrices"), "read is for the tiny model that writes four blocks"
    adapters = isinstance(recipe.model, PretrainedModel) and recipe.model.lora is not None
    if adapters and recipe.algorithm == "lm-ppo":
        yield ("model", "lora"), "must be left out: lm-ppo trains all weights"
