"""Load authored files: by name from the library and search folders, or by path.

Every problem of a file is reported at once, as ``file:line:col: field: what must hold, what came``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from gtalign_env.scenario.assembly import build_scenario
from gtalign_env.scenario.library import KINDS, Entry, list_entries, scenario_root, search_roots
from gtalign_env.scenario.reading import finish, kind_of, load_one, locate
from gtalign_env.scenario.resolved import Scenario
from gtalign_env.scenario.schema import MatrixGameFile, PersonaFile, PricingFile
from gtalign_env.scenario.yaml_reader import Document, read_file, read_text

if TYPE_CHECKING:
    from gtalign_env.scenario.tasks import TaskSet

__all__ = [
    "Entry",
    "Scenario",
    "list_entries",
    "load_game",
    "load_persona",
    "load_pricing",
    "load_scenario",
    "load_tasks",
    "parse_pricing",
    "parse_scenario",
    "parse_tasks",
    "scenario_root",
    "validate_file",
]

Folders = Iterable[str | Path]


def load_scenario(name_or_path: str | Path, *, path: Folders = ()) -> Scenario:
    """Return a scenario with every name in it resolved.

    Args:
        name_or_path: A name, or a path (anything with a separator or ending in .yaml). Names in
            a file given by path are looked up beside it first.
        path: Folders to search before GTALIGN_PATH and the bundled library.

    Raises:
        ScenarioError: It is unknown or invalid; lists everything wrong, files and lines named.
    """
    roots = search_roots(path)
    file, roots = locate("scenario", name_or_path, roots)
    return build_scenario(read_file(file), file.stem, roots)[1]


def load_persona(name_or_path: str | Path, *, path: Folders = ()) -> PersonaFile:
    """Return a persona; arguments and errors as for `load_scenario`."""
    return load_one(PersonaFile, "persona", name_or_path, search_roots(path))


def load_pricing(name_or_path: str | Path, *, path: Folders = ()) -> PricingFile:
    """Return a pricing regime; arguments and errors as for `load_scenario`."""
    return load_one(PricingFile, "pricing", name_or_path, search_roots(path))


def load_tasks(name_or_path: str | Path, *, path: Folders = ()) -> TaskSet:
    """Return a task set; arguments and errors as for `load_scenario`."""
    from gtalign_env.scenario.tasks import TaskSet

    return load_one(TaskSet, "tasks", name_or_path, search_roots(path))


def load_game(name_or_path: str | Path, *, path: Folders = ()) -> MatrixGameFile:
    """Return a matrix game; arguments and errors as for `load_scenario`."""
    return load_one(MatrixGameFile, "game", name_or_path, search_roots(path))


def parse_scenario(
    data: dict[str, Any], *, source: str = "<scenario>", path: Folders = ()
) -> Scenario:
    """Return a scenario from plain data, such as `Scenario.to_data` gives or a study changes.

    Args:
        data: The content of a scenario file.
        source: How messages call it.
        path: Folders to search before GTALIGN_PATH and the bundled library.

    Raises:
        ScenarioError: As for `load_scenario`; positions are those in the data's indented JSON.
    """
    return build_scenario(_written(data, source), None, search_roots(path))[1]


def parse_pricing(data: dict[str, Any], *, source: str = "<pricing>") -> PricingFile:
    """Return a pricing regime from plain data; otherwise as `parse_scenario`."""
    return finish(PricingFile, "pricing", _written(data, source), None, [])


def parse_tasks(data: dict[str, Any], *, source: str = "<tasks>") -> TaskSet:
    """Return a task set from plain data; otherwise as `parse_scenario`."""
    from gtalign_env.scenario.tasks import TaskSet

    return finish(TaskSet, "tasks", _written(data, source), None, [])


def _written(data: dict[str, Any], source: str) -> Document:
    return read_text(json.dumps(data, indent=2, ensure_ascii=False), source)


def validate_file(path: str | Path, *, search: Folders = ()) -> tuple[str, BaseModel]:
    """Return the kind of a file, by its schema line, and its model, fully checked.

    Args:
        path: The file.
        search: Folders in which a scenario's names are looked up first, after its own.

    Raises:
        ScenarioError: It is invalid; lists everything wrong.
    """
    file = Path(path)
    document = read_file(file)
    kind = kind_of(document)
    if kind == "scenario":
        _, roots = locate(kind, file, search_roots(search))
        return kind, build_scenario(document, file.stem, roots)[0]
    if kind == "study":
        from gtalign_env.scenario.sweep import build_study

        _, roots = locate(kind, file, search_roots(search))
        return kind, build_study(document, file.stem, roots).file
    if kind == "design":
        from gtalign_env.scenario.sweep_design import build_design

        _, roots = locate(kind, file, search_roots(search))
        return kind, build_design(document, file.stem, roots).file
    return kind, finish(KINDS[kind].load_model(), kind, document, file.stem, [])
