"""Authored files of every kind: those of the environment package, and recipes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel

from gtalign_env.errors import ScenarioError, suggest
from gtalign_env.scenario.fields import show
from gtalign_env.scenario.library import (
    KINDS,
    Entry,
    Kind,
    list_entries,
    read_entry,
    scenario_root,
)
from gtalign_env.scenario.loader import validate_file
from gtalign_env.scenario.reading import kind_of
from gtalign_env.scenario.yaml_reader import read_file
from gtalign_training.recipe import bundled_recipes, recipe_root
from gtalign_training.recipe.check import checked_recipe

RECIPE = Kind("recipe", "gtalign/recipe/1", "recipes", "gtalign_training.recipe:Recipe")

ALL_KINDS = KINDS | {RECIPE.name: RECIPE}
"""All kinds of authored files by name, in the order in which they are listed."""


OTHER_WORDS = {
    "price": "pricing",
    "prices": "pricing",
    "task": "tasks",
    "studies": "study",
    "sweep": "study",
}
"""What kinds are called beside their names and the plurals in s."""


def kind_named(word: str) -> str:
    """Return the kind that a word means: its name, its plural, or another word for it.

    Args:
        word: What the user wrote.

    Raises:
        ScenarioError: It means no kind.
    """
    for name in (word, OTHER_WORDS.get(word, ""), word.removesuffix("s")):
        if name in ALL_KINDS:
            return name
    known = [*ALL_KINDS, *OTHER_WORDS]
    raise ScenarioError(
        f"a kind is one of {', '.join(ALL_KINDS)}; got {show(word)}.{suggest(word, known)}"
    )


def list_all(kind: str | None = None, *, path: Iterable[str | Path] = ()) -> list[Entry]:
    """Return what the library and the search folders hold, and the bundled recipes.

    Args:
        kind: One kind, as `kind_named` takes it; by default all.
        path: Folders to search before GTALIGN_PATH and the bundled library.

    Raises:
        ScenarioError: The kind is unknown, or a search folder does not exist.
    """
    if kind is not None:
        kind = kind_named(kind)
    entries = [] if kind == RECIPE.name else list_entries(kind, path=path)
    if kind in (None, RECIPE.name):
        folder = recipe_root()
        # recipes lie with the trainer, which comes with the library
        entries += [
            read_entry(RECIPE.name, folder / f"{name}.yaml", scenario_root())
            for name in bundled_recipes()
        ]
    return entries


def validate_any(path: str | Path, *, search: Iterable[str | Path] = ()) -> tuple[str, BaseModel]:
    """Return the kind of a file, by its schema line, and its model, fully checked.

    Args:
        path: The file.
        search: Folders in which names are looked up first, after the file's own.

    Raises:
        ScenarioError: It is invalid; lists everything wrong.
    """
    file = Path(path)
    document = read_file(file)
    kind = kind_of(document, ALL_KINDS)
    if kind != RECIPE.name:
        return kind, validate_file(file, search=search)[1]
    return kind, checked_recipe(file, search)
