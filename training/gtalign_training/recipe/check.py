"""The one check of a recipe's file: its fields, its name, and everything that it names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gtalign_env.errors import GTAlignError, MissingExtraError, ScenarioError
from gtalign_env.scenario.library import search_roots
from gtalign_env.scenario.loader import load_pricing, load_scenario, load_tasks
from gtalign_env.scenario.problems import check
from gtalign_env.scenario.reading import check_name, locate
from gtalign_env.scenario.yaml_reader import (
    Document,
    Key,
    Problem,
    field_path,
    problems_error,
    read_file,
)
from gtalign_training.recipe import GameModel, Recipe, recipe_root
from gtalign_training.recipe.game_files import load_game_files


def checked_recipe(file: Path, search: Iterable[str | Path] = ()) -> Recipe:
    """Return the recipe of a file with its game's files.

    Args:
        file: The file; names in it are looked up beside it first, unless it is a bundled one.
        search: Folders to search before GTALIGN_PATH and the bundled library.

    Raises:
        ScenarioError: It is invalid; lists everything wrong with it and with the files it names.
    """
    document = read_file(file)
    folders = _folders(file, search)
    found = _Found(document, folders)
    recipe = check(Recipe, document, found.problems)
    check_name(document, file.stem, found.problems)
    found.look_up()
    if recipe is not None and not found.problems and not found.foreign:
        return recipe.with_game(load_game_files(recipe.game, folders))
    own = [str(problems_error(document.source, found.problems))] if found.problems else []
    raise ScenarioError("\n".join([*own, *found.foreign]))


def _folders(file: Path, search: Iterable[str | Path]) -> tuple[str | Path, ...]:
    """Return where names are looked up before GTALIGN_PATH and the bundled library."""
    folder = file.parent
    if folder.resolve() == recipe_root().resolve():
        return tuple(search)
    # A file in a folder of recipes belongs to the collection one level up.
    return (folder.parent if folder.resolve().name == "recipes" else folder, *search)


@dataclass
class _Found:
    """What is wrong with a recipe, and with the files that it names."""

    document: Document
    folders: tuple[str | Path, ...]
    problems: list[Problem] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)  # error texts of other files

    def look_up(self) -> None:
        """Look every name up, whether or not the rest of the recipe is valid."""
        roots = search_roots(self.folders)
        for where, kind, load, name in _files_in(self.document.data):
            try:
                file, _ = locate(kind, name, roots)
                if not file.is_file():
                    raise ScenarioError(f"there is no file {name!r}")
            except ScenarioError as error:
                self._add(where, error)
                continue
            try:
                load(name, path=self.folders)
            except ScenarioError as error:
                self.foreign += [one for one in str(error).split("\n") if one not in self.foreign]
        for where, seat, name in _agents_in(self.document.data):
            try:
                seat(name)
            except MissingExtraError:
                continue  # says nothing about the file
            except GTAlignError as error:
                self._add(where, error)

    def _add(self, where: Key, error: Exception) -> None:
        self.problems.append(Problem(self.document.locate(where), field_path(where), str(error)))


def _files_in(data: Any) -> Iterator[tuple[Key, str, Callable[..., object], str]]:
    """Yield path, kind, loader and name of every file that a recipe's raw data name as text."""
    game = data.get("game") if isinstance(data, dict) else None
    if not isinstance(game, dict):
        return
    listed = game.get("pricing")
    tasks = game.get("tasks", GameModel.model_fields["tasks"].default)
    named: list[tuple[Key, str, Callable[..., object], Any]] = [
        (("game", "scenario"), "scenario", load_scenario, game.get("scenario")),
        *(
            (("game", "pricing", i), "pricing", load_pricing, name)
            for i, name in enumerate(listed if isinstance(listed, list) else ())
        ),
        (("game", "tasks"), "tasks", load_tasks, tasks),
    ]
    for where, kind, load, name in named:
        if isinstance(name, str):  # anything else is for the schema to report
            yield where, kind, load, name


def _agents_in(data: Any) -> Iterator[tuple[Key, Callable[[str], object], str]]:
    """Yield path, seat and name of the agents that a self-play recipe begins with."""
    from gtalign_training.runs.seats import assistant_seat, user_seat

    section = data.get("selfplay") if isinstance(data, dict) else None
    if not isinstance(section, dict):
        return
    for seat, make in (("user", user_seat), ("assistant", assistant_seat)):
        if isinstance(name := section.get(seat), str):
            yield ("selfplay", seat), make, name
