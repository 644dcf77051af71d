"""Where recipes lie, and how one is read."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

from gtalign_env.errors import RunError, suggest
from gtalign_env.scenario.library import search_roots
from gtalign_env.scenario.problems import check
from gtalign_env.scenario.yaml_reader import Document, Problem, problems_error
from gtalign_training.recipe.recipe import Recipe


def recipe_root() -> Path:
    """Return the folder of the bundled recipes."""
    installed = Path(str(files("gtalign_training"))) / "recipes"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "recipes"


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
    from gtalign_training.recipe.check import checked_recipe

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
