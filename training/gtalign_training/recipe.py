"""Recipes: what a training run is made of, authored in YAML and checked before anything starts."""

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import Field, PrivateAttr, ValidationError, model_validator

from gtalign_env.errors import RunError, suggest
from gtalign_env.scenario.fields import (
    AuthoredFile,
    Description,
    Fault,
    Strict,
    described,
    fail,
    schema_line,
)
from gtalign_env.scenario.library import search_roots
from gtalign_env.scenario.problems import check
from gtalign_env.scenario.yaml_reader import Document, Problem, field_path, problems_error
from gtalign_training.game_files import GameFiles, load_game_files
from gtalign_training.recipe_language import (
    BestOfKModel,
    DpoModel,
    GrpoModel,
    LmPpoModel,
    OnlineModel,
    RlooModel,
    SftModel,
)
from gtalign_training.recipe_selfplay import SelfplayModel
from gtalign_training.recipe_strategic import A2cModel, DqnModel, PpoModel, RecurrentPpoModel

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


class GameModel(Strict):
    """What is played."""

    scenario: str = Field(description="Name or path of the scenario.")
    pricing: tuple[str, ...] = Field(
        min_length=1, description="Regimes; every conversation plays one of them, drawn evenly."
    )
    tasks: str = Field(default="general_knowledge", description="Name or path of the task set.")
    held_out: tuple[str, ...] = Field(
        default=(),
        description="Those of the regimes that a language model imitates and is measured under, and "
        "never learns under.",
    )
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
        faults: list[Fault] = []
        if self.seed == self.evaluation.seed:
            faults.append(
                (("evaluation", "seed"), f"must differ from seed, {self.seed}: it is held out")
            )
        if self.rho and self.reward != "ces":
            faults.append((("rho",), f"belongs to reward: ces; got reward: {self.reward}"))
        section = getattr(self, self.section_name)
        strange = [name for name in self.game.held_out if name not in self.game.pricing]
        if strange:
            faults.append(
                (("game", "held_out"), f"names regimes of pricing; got {', '.join(strange)}")
            )
        elif self.game.held_out and self.strategic:
            faults.append(
                (("game", "held_out"), f"is for language models; {self.algorithm} has none")
            )
        elif set(self.game.held_out) >= set(self.game.pricing):
            faults.append((("game", "held_out"), "must leave a regime to learn under"))
        if self.calibration:
            if self.strategic or self.format == "none":
                faults.append((("calibration",), "needs a model that writes matrices"))
            elif isinstance(section, OnlineModel) and section.credit == "turn":
                faults.append(
                    (("calibration",), "is of whole conversations: leave it out with credit: turn")
                )
        if self.normalise != "none":
            if self.strategic:
                faults.append(
                    (("normalise",), f"needs batches of conversations; {self.algorithm} has none")
                )
            elif isinstance(section, OnlineModel) and section.credit == "turn":
                faults.append(
                    (("normalise",), "scales whole conversations: leave it out with credit: turn")
                )
        if self.format == "none" and self.strategic:
            faults.append((("format",), f"belongs to language models; {self.algorithm} has none"))
        if self.reads_matrices and (
            isinstance(self.model, PretrainedModel) or self.format == "none"
        ):
            faults.append(
                (("sft", "matrices"), "read is for the tiny model that writes four blocks")
            )
        adapters = isinstance(self.model, PretrainedModel) and self.model.lora is not None
        if adapters and self.algorithm == "lm-ppo":
            faults.append((("model", "lora"), "must be left out: lm-ppo trains all weights"))
        faults += [
            ((name,), f"sets another algorithm than the recipe's, {self.algorithm}")
            for name in sorted(self.model_fields_set & set(_SECTIONS))
            if name != self.section_name and getattr(self, name) != _SECTIONS[name]
        ]
        if faults:
            fail(*faults)
        return self


_SECTIONS: dict[str, Strict] = {
    algorithm.replace("-", "_"): Recipe.model_fields[algorithm.replace("-", "_")].default
    for algorithm in (*get_args(LanguageAlgorithm), *get_args(StrategicAlgorithm), "selfplay")
}


def recipe_root() -> Path:
    """Return the folder of the bundled recipes."""
    installed = Path(str(files("gtalign_training"))) / "recipes"
    return installed if installed.is_dir() else Path(__file__).parents[1] / "recipes"


def bundled_recipes() -> list[str]:
    """Return the names of the bundled recipes."""
    return sorted(file.stem for file in recipe_root().glob("*.yaml"))


def find_recipe(name_or_path: str, *, path: Iterable[str | Path] = ()) -> Path:
    """Return the file of a recipe.

    Args:
        name_or_path: Name of a bundled one or of one below ``recipes/`` of a search folder, or a path.
        path: Folders to search before GTALIGN_PATH and the bundled library.

    Raises:
        RunError: There is none.
        ScenarioError: A search folder does not exist.
    """
    if name_or_path.endswith((".yaml", ".yml")) or "/" in name_or_path:
        return Path(name_or_path)
    own = [
        file for root in search_roots(path) for file in sorted((root / "recipes").glob("*.yaml"))
    ]
    known = {file.stem: file for file in reversed(own)}  # the first folder wins
    known = {name: recipe_root() / f"{name}.yaml" for name in bundled_recipes()} | known
    if name_or_path not in known:
        raise RunError(
            f"no recipe {name_or_path!r}.{suggest(name_or_path, known)} "
            f"Known: {', '.join(known)}; or give the path of a YAML file"
        )
    return known[name_or_path]


def load_recipe(name_or_path: str, *, path: Iterable[str | Path] = ()) -> Recipe:
    """Return a checked recipe with its game's files.

    Args:
        name_or_path: As in `find_recipe`. Names in a file that is not bundled are looked up beside it
            first.
        path: Folders to search before GTALIGN_PATH and the bundled library.

    Raises:
        RunError: There is none of that name.
        ScenarioError: It is not valid; the message lists everything that is wrong.
    """
    from gtalign_training.recipe_check import checked_recipe

    return checked_recipe(find_recipe(name_or_path, path=path), path)


def recipe_of(document: Document) -> Recipe:
    """Return the recipe of a document, checked by itself: its names are not looked up.

    Raises:
        ScenarioError: It is not valid.
    """
    problems: list[Problem] = []
    recipe = check(Recipe, document, problems)
    if recipe is None:
        raise problems_error(document.source, problems)
    return recipe
