"""The assistants of an evaluation: named policies, trained runs, language models."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from gtalign_agents.backends.named import is_model
from gtalign_env.errors import RunError
from gtalign_training.recipe import Recipe
from gtalign_training.run_folder import RunFolder
from gtalign_training.runs.seats import RUN, TRAINED, assistant_seat, training_of


class Contender(NamedTuple):
    """An assistant of an evaluation.

    Attributes:
        name: As it was given.
        agent: What the plan of its runs calls it.
        speaks: Whether it is asked in words, over the seats of `gtalign run`.
        folder: The training run of a language model, which is asked as it was in training.
    """

    name: str
    agent: str
    speaks: bool = False
    folder: Path | None = None


def contender(name: str) -> Contender:
    """Return the assistant that a name stands for, once it is known to be there.

    Args:
        name: An agent of `gtalign agents`, ``trained@FOLDER``, ``openai:URL#MODEL`` or
            ``local:PATH``.

    Raises:
        ScenarioError: Unknown name.
        RunError: The folder holds no finished training run.
        MissingExtraError: What the assistant was trained with is not installed.
    """
    folder = training_of(name)
    if folder is not None:
        return _trained(name, folder)
    if is_model(name):
        return Contender(name, name, speaks=True)
    assistant_seat(name)
    return Contender(name, name)


def _trained(name: str, folder: Path) -> Contender:
    recipe = recipe_of_run(folder)
    if not recipe.strategic:
        if not (folder / "model").is_dir():
            raise RunError(f"{folder} has no trained model; go on with `gtalign train --resume`")
        return Contender(name, f"{RUN}{folder}", folder=folder)
    agent = f"{TRAINED}@{folder}"
    assistant_seat(agent)
    return Contender(name, agent)


def recipe_of_run(folder: Path) -> Recipe:
    """Return the recipe of a training run.

    Raises:
        RunError: The folder is none.
    """
    return RunFolder(folder).recipe()
