"""A recipe: all fields of a training run."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import Field, PrivateAttr, ValidationError, model_validator

from gtalign_env.errors import RunError
from gtalign_env.scenario.fields import (
    AuthoredFile,
    Description,
    Strict,
    described,
    fail,
    schema_line,
)
from gtalign_env.scenario.yaml_reader import field_path
from gtalign_training.recipe.game_files import GameFiles, load_game_files
from gtalign_training.recipe.language import (
    BestOfKModel,
    DpoModel,
    GrpoModel,
    LmPpoModel,
    RlooModel,
    SftModel,
)
from gtalign_training.recipe.parts import EvaluationModel, GameModel, PretrainedModel, TinyModel
from gtalign_training.recipe.rules import contradictions
from gtalign_training.recipe.selfplay import SelfplayModel
from gtalign_training.recipe.strategic import A2cModel, DqnModel, PpoModel, RecurrentPpoModel

Reward = Literal[
    "scenario", "user_only", "assistant_only", "utilitarian", "nash", "egalitarian", "ces", "random"
]
"""``scenario`` is the scenario's own W(U, L); ``random`` is a control that means nothing."""

RecipeName = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9][a-z0-9_.-]*$",
        max_length=64,
        description="Lower-case letters, digits, and _ - . as in the names of models.",
    ),
]

LanguageAlgorithm = Literal["grpo", "rloo", "lm-ppo", "best-of-k", "dpo"]
"""What trains a language model."""

StrategicAlgorithm = Literal["ppo", "a2c", "dqn", "recurrent-ppo"]
"""What trains a small network on the game without text."""

Section = GrpoModel | LmPpoModel | BestOfKModel | DpoModel
"""What a language algorithm is set by; `RlooModel` is a `GrpoModel`."""

StrategicSection = PpoModel | A2cModel | DqnModel
"""What a strategic algorithm is set by; `RecurrentPpoModel` is a `PpoModel`."""


TrackerName = Literal["tensorboard", "trackio", "wandb"]
"""Those of `gtalign_training.trackers`."""


class Recipe(AuthoredFile):
    """A training run."""

    schema_id: Literal["gtalign/recipe/1"] = schema_line("gtalign/recipe/1")
    name: RecipeName
    description: Description
    algorithm: Literal[LanguageAlgorithm, StrategicAlgorithm, "selfplay"]
    seed: int = described("Seed of everything that is drawn.", "1", ge=0, default=0)
    game: GameModel
    reward: Reward = Field(default="scenario", description="What the assistant is rewarded with.")
    rho: float = described(
        "Substitution parameter of the `ces` reward: 1 sum, 0 nash, to -infinity the worse off.",
        "1",
        ge=-1e6,
        le=1,
        default=0.0,
    )
    calibration: float = described(
        "What a first matrix that orders the cells as the exact one does is worth beside the reward.",
        "points",
        ge=0,
        le=1000,
        default=0.0,
    )
    normalise: Literal["none", "zscore", "minmax"] = Field(
        default="none", description="What is done to the rewards of a step, regime by regime."
    )
    format: Literal["four-blocks", "none"] = Field(
        default="four-blocks",
        description="How a language model writes a turn: four blocks, or its message alone.",
    )
    model: Annotated[TinyModel | PretrainedModel, Field(discriminator="kind")] = TinyModel(
        kind="tiny"
    )
    sft: SftModel | None = Field(default=None, description="Warm start; none without it.")
    grpo: GrpoModel = GrpoModel()
    rloo: RlooModel = RlooModel()
    lm_ppo: LmPpoModel = LmPpoModel()
    best_of_k: BestOfKModel = BestOfKModel()
    dpo: DpoModel = DpoModel()
    ppo: PpoModel = PpoModel()
    recurrent_ppo: RecurrentPpoModel = RecurrentPpoModel()
    a2c: A2cModel = A2cModel()
    dqn: DqnModel = DqnModel()
    selfplay: SelfplayModel = SelfplayModel()
    evaluation: EvaluationModel = EvaluationModel()
    track: tuple[TrackerName, ...] = Field(
        default=(), description="Who is told of every step: tensorboard, trackio, wandb."
    )
    # With the names that they stand for: a copy with another game does not keep them.
    _bound: tuple[GameModel, GameFiles] | None = PrivateAttr(default=None)

    @property
    def game_files(self) -> GameFiles:
        """The game's files: those that the recipe came with, else what its names stand for now.

        Raises:
            ScenarioError: A name stands for nothing, or for what is invalid.
        """
        if self._bound is not None and self._bound[0] == self.game:
            return self._bound[1]
        return load_game_files(self.game)

    def with_game(self, found: GameFiles) -> Self:
        """Return this recipe with its game's files, which are then not looked up by name any more.

        Args:
            found: The files.
        """
        bound = self.model_copy()
        bound._bound = (self.game, found)
        return bound

    def changed(self, data: dict[str, Any]) -> Self:
        """Return another recipe with the same game's files.

        Args:
            data: All of it, as `plain` gives it.

        Raises:
            RunError: It is not valid; lists everything that is wrong.
        """
        try:
            made = type(self).model_validate_json(json.dumps(data))
        except ValidationError as error:
            faults = [
                f"{field_path((*one['loc'], *below))}: {message}"
                for one in error.errors(include_url=False)
                for below, message in (one.get("ctx") or {}).get("faults", [((), one["msg"])])
            ]
            raise RunError(f"recipe {self.name}, as changed: " + "; ".join(faults)) from error
        made._bound = self._bound
        return made

    @property
    def section_name(self) -> str:
        """The field that sets the algorithm: its name, with underscores."""
        return self.algorithm.replace("-", "_")

    @property
    def strategic(self) -> bool:
        """Whether the game is played without text."""
        return self.algorithm not in get_args(LanguageAlgorithm)

    @property
    def reads_matrices(self) -> bool:
        """Whether the warm start imitates choices that follow from the written payoffs."""
        return self.sft is not None and self.sft.matrices == "read"

    @property
    def language(self) -> Section:
        """The section of a language algorithm."""
        section = getattr(self, self.section_name)
        assert isinstance(section, Section)
        return section

    @property
    def network(self) -> StrategicSection:
        """The section of an algorithm without text."""
        section = getattr(self, self.section_name)
        assert isinstance(section, StrategicSection)
        return section

    def plain(self) -> dict[str, Any]:
        """Return the recipe as plain data, complete but for other algorithms' sections."""
        data = self.model_dump(mode="json", by_alias=True)
        return {k: v for k, v in data.items() if k == self.section_name or k not in _SECTIONS}

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        faults = [
            *contradictions(self),
            *(
                ((name,), f"sets another algorithm than the recipe's, {self.algorithm}")
                for name in sorted(self.model_fields_set & set(_SECTIONS))
                if name != self.section_name and getattr(self, name) != _SECTIONS[name]
            ),
        ]
        if faults:
            fail(*faults)
        return self


_SECTIONS: dict[str, Strict] = {
    algorithm.replace("-", "_"): Recipe.model_fields[algorithm.replace("-", "_")].default
    for algorithm in (*get_args(LanguageAlgorithm), *get_args(StrategicAlgorithm), "selfplay")
}
