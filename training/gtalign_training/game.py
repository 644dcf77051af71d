"""The game of a recipe: its tables of talks, for training, for imitation and for evaluation."""

from __future__ import annotations

from dataclasses import replace

from gtalign_agents.prompts import FOUR_BLOCK_INSTRUCTIONS, PLAIN_INSTRUCTIONS
from gtalign_env.core.policies import UserSeat, default_seat
from gtalign_env.core.spec import GameSpec
from gtalign_env.envs.dialogue_aec import TalkTable
from gtalign_env.envs.talk import Talk
from gtalign_env.scenario.schema import PricingFile
from gtalign_env.welfare import Welfare
from gtalign_training.recipe import Recipe, TinyModel


def training_table(recipe: Recipe, *, knowing: bool = False) -> TalkTable:
    """Return the conversations to learn from; each plays one of the regimes.

    Args:
        recipe: The recipe.
        knowing: Whether they are to be imitated: under all regimes, by a scripted assistant that
            knows every answer, so that nobody imitates mistakes.
    """
    named = zip(recipe.game.pricing, recipe.game_files.pricing, strict=True)
    table = _table(
        recipe,
        tuple(price for name, price in named if knowing or name not in recipe.game.held_out),
    )
    if knowing:
        table.specs = tuple(replace(spec, p_correct=1.0) for spec in table.specs)
    table.seed(recipe.seed)
    return table


def known_specs(recipe: Recipe) -> tuple[GameSpec, ...]:
    """Return the game under every regime, in the recipe's order."""
    return tuple(_table(recipe, recipe.game_files.pricing).specs)


def held_out_tables(recipe: Recipe) -> list[TalkTable]:
    """Return the conversations to be measured on, one table per regime."""
    tables = [_table(recipe, pricing) for pricing in recipe.game_files.pricing]
    for table in tables:
        table.seed(recipe.evaluation.seed)
    return tables


def _table(recipe: Recipe, pricing: PricingFile | tuple[PricingFile, ...]) -> TalkTable:
    files = recipe.game_files
    return TalkTable(
        files.scenario,
        pricing,
        files.tasks,
        covered_only=isinstance(recipe.model, TinyModel),
    )


def open_talk(table: TalkTable, index: int) -> Talk:
    """Return the talk of an episode."""
    return table.talk(table.open(index))


def user_of(recipe: Recipe) -> UserSeat:
    """Return the user that the assistant meets."""
    return default_seat(recipe.game.p_vague)


def instructions_of(recipe: Recipe) -> str:
    """Return what the system message says before the price: nothing to a model taught the format."""
    if isinstance(recipe.model, TinyModel):
        return ""
    return FOUR_BLOCK_INSTRUCTIONS if recipe.format == "four-blocks" else PLAIN_INSTRUCTIONS


def reward_welfare(recipe: Recipe, spec: GameSpec) -> Welfare:
    """Return the aggregator that the assistant is rewarded with.

    Args:
        recipe: The recipe; its ``random`` reward has no aggregator and is logged with the
            scenario's own.
        spec: The game.
    """
    if recipe.reward in ("scenario", "random"):
        return spec.welfare
    return Welfare(kind=recipe.reward, rho=recipe.rho, disagreement=spec.welfare.disagreement)
