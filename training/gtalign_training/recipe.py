"""Recipes: what a training run is made of, authored in YAML and checked before anything starts."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from gtalign_env.errors import RunError, suggest
from gtalign_env.scenario.fields import (
    AuthoredFile,
    Description,
    Fault,
    Name,
    Strict,
    described,
    fail,
    schema_line,
)
from gtalign_env.scenario.problems import check
from gtalign_env.scenario.yaml_reader import Document, Problem, problems_error, read_file
from gtalign_training.recipe_selfplay import SelfplayModel

Reward = Literal[
    "scenario", "user_only", "assistant_only", "utilitarian", "nash", "egalitarian", "random"
]
"""``scenario`` is the scenario's own W(U, L); ``random`` is a control that means nothing."""


class GameModel(Strict):
    """What is played."""

    scenario: str = Field(description="Name or path of the scenario.")
    pricing: tuple[str, ...] = Field(
        min_length=1, description="Regimes; every conversation plays one of them, drawn evenly."
    )
    tasks: str = Field(default="general_knowledge", description="Name or path of the task set.")
    p_vague: float = described(
        "How often the default user opens with a vague query.", "1", ge=0, le=1, default=0.5
    )


class TinyModel(Strict):
    """A model built from nothing; its language covers the marked questions of the task set."""

    kind: Literal["tiny"]
    layers: int = described("Number of layers.", "layers", ge=1, le=24, default=2)
    hidden: int = described("Width; a multiple of 32.", "dimensions", ge=32, le=4096, default=64)

    @model_validator(mode="after")
    def _whole_heads(self) -> Self:
        if self.hidden % 32:
            faults: list[Fault] = [(("hidden",), f"must be a multiple of 32; got {self.hidden}")]
            fail(*faults)
        return self


class LoraModel(Strict):
    """Low-rank adapters: the base weights stay frozen."""

    rank: int = described("Rank of the adapters.", "dimensions", ge=1, le=1024, default=16)
    alpha: int = described("Scale of the adapters.", "1", ge=1, le=4096, default=32)
    dropout: float = described("Dropout inside the adapters.", "1", ge=0, lt=1, default=0.0)


class PretrainedModel(Strict):
    """Any Hugging Face causal language model with a chat template."""

    kind: Literal["pretrained"]
    path: str = Field(description="Folder, or name on the hub.")
    lora: LoraModel | None = Field(default=None, description="Adapters; all weights without them.")


class SftModel(Strict):
    """The warm start: imitation of conversations without strategy."""

    conversations: int = described(
        "Different conversations to imitate.", "conversations", ge=1, le=10**7, default=6000
    )
    steps: int = described("Optimiser steps.", "steps", ge=0, le=10**7, default=1500)
    batch_size: int = described("Conversations a step.", "conversations", ge=1, default=16)
    learning_rate: float = described("Peak rate, linear decay to 0.", "1", gt=0, lt=1, default=4e-3)


class GrpoModel(Strict):
    """Group-relative policy optimisation on conversations with simulated users."""

    steps: int = described("Optimiser steps.", "steps", ge=1, le=10**7, default=100)
    prompts: int = described("Different conversations a step.", "conversations", ge=1, default=16)
    group: int = described("Tries at each conversation.", "rollouts", ge=2, le=1024, default=8)
    learning_rate: float = described("Peak rate.", "1", gt=0, lt=1, default=4e-4)
    schedule: Literal["constant", "linear", "cosine"] = Field(
        default="linear", description="How the rate goes on; all but constant end at 0."
    )
    entropy: float = described("Weight of the entropy bonus.", "1", ge=0, default=0.0)
    temperature: float = described("Of sampling.", "1", gt=0, le=10, default=1.0)
    beta: float = described("Weight of the KL term to the start.", "1", ge=0, default=0.0)
    turn_tokens: int = described("Longest answer of one turn.", "tokens", ge=1, default=80)
    save_every: int = described("Steps between checkpoints.", "steps", ge=1, default=25)
    most_faults: float = described(
        "Share of faulted rollouts in a step that stops the run.", "1", ge=0, le=1, default=0.1
    )


class PpoModel(Strict):
    """Proximal policy optimisation of a small network on the game without text (SB3)."""

    steps: int = described(
        "Environment steps, rounded up to whole updates.", "steps", ge=1, le=10**9, default=60_000
    )
    environments: int = described("Environments in step.", "environments", ge=1, default=8)
    horizon: int = described("Steps of each before an update.", "steps", ge=2, default=128)
    batch_size: int = described("Transitions per gradient step.", "transitions", ge=2, default=256)
    epochs: int = described("Passes over an update's transitions.", "passes", ge=1, default=10)
    hidden: int = described("Width of both hidden layers.", "units", ge=1, le=4096, default=64)
    learning_rate: float = described("Peak rate, linear decay.", "1", gt=0, lt=1, default=3e-3)
    entropy: float = described("Weight of the entropy bonus.", "1", ge=0, default=0.01)
    save_every: int = described("Steps between checkpoints.", "steps", ge=1, default=20_000)

    @model_validator(mode="after")
    def _whole_batches(self) -> Self:
        size = self.environments * self.horizon
        if size % self.batch_size:
            faults: list[Fault] = [
                (
                    ("batch_size",),
                    f"must divide environments x horizon, {size}; got {self.batch_size}",
                )
            ]
            fail(*faults)
        return self


class EvaluationModel(Strict):
    """How the result is measured: on conversations never trained on."""

    conversations: int = described(
        "Conversations per regime.", "conversations", ge=2, le=10**7, default=300
    )
    seed: int = described("Seed of the held-out conversations.", "1", ge=0, default=1_000_003)
    batch_size: int = described("Conversations in step.", "conversations", ge=1, default=256)


class Recipe(AuthoredFile):
    """A training run."""

    schema_id: Literal["gtalign/recipe/1"] = schema_line("gtalign/recipe/1")
    name: Name
    description: Description
    algorithm: Literal["grpo", "ppo", "selfplay"]
    seed: int = described("Seed of everything that is drawn.", "1", ge=0, default=0)
    game: GameModel
    reward: Reward = Field(default="scenario", description="What the assistant is rewarded with.")
    model: Annotated[TinyModel | PretrainedModel, Field(discriminator="kind")] = TinyModel(
        kind="tiny"
    )
    sft: SftModel | None = Field(default=None, description="Warm start; none without it.")
    grpo: GrpoModel = GrpoModel()
    ppo: PpoModel = PpoModel()
    selfplay: SelfplayModel = SelfplayModel()
    evaluation: EvaluationModel = EvaluationModel()

    @model_validator(mode="after")
    def _seeds_apart(self) -> Self:
        if self.seed == self.evaluation.seed:
            fail((("evaluation", "seed"), f"must differ from seed, {self.seed}: it is held out"))
        return self


def recipe_root() -> Path:
    """Return the folder of the bundled recipes."""
    installed = Path(str(files("gtalign_training"))) / "recipes"
    return installed if installed.is_dir() else Path(__file__).parents[1] / "recipes"


def bundled_recipes() -> list[str]:
    """Return the names of the bundled recipes."""
    return sorted(file.stem for file in recipe_root().glob("*.yaml"))


def find_recipe(name_or_path: str) -> Path:
    """Return the file of a recipe.

    Args:
        name_or_path: Name of a bundled one, or a path.

    Raises:
        RunError: There is none.
    """
    if name_or_path.endswith((".yaml", ".yml")) or "/" in name_or_path:
        return Path(name_or_path)
    known = bundled_recipes()
    if name_or_path not in known:
        raise RunError(
            f"no recipe {name_or_path!r}.{suggest(name_or_path, known)} "
            f"Bundled: {', '.join(known)}; or give the path of a YAML file"
        )
    return recipe_root() / f"{name_or_path}.yaml"


def load_recipe(name_or_path: str) -> Recipe:
    """Return a checked recipe.

    Args:
        name_or_path: Name of a bundled one, or a path.

    Raises:
        RunError: There is none of that name.
        ScenarioError: It is not valid; the message lists everything that is wrong.
    """
    return recipe_of(read_file(find_recipe(name_or_path)))


def recipe_of(document: Document) -> Recipe:
    """Return the checked recipe of a document.

    Raises:
        ScenarioError: It is not valid.
    """
    problems: list[Problem] = []
    recipe = check(Recipe, document, problems)
    if recipe is None:
        raise problems_error(document.source, problems)
    return recipe
