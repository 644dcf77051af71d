"""Where authored files live: the bundled library, search folders, and names within them."""

from __future__ import annotations

import importlib
import importlib.resources
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from gtalign_env.errors import ScenarioError, suggest
from gtalign_env.scenario.fields import NAME_PATTERN, show
from gtalign_env.scenario.yaml_reader import read_file

PATH_VARIABLE = "GTALIGN_PATH"
"""Environment variable with more search folders, separated as in PATH."""

_NAME = re.compile(NAME_PATTERN)


@dataclass(frozen=True)
class Kind:
    """A kind of authored file.

    Attributes:
        name: What it is called in commands and messages.
        schema: Its schema line.
        folder: Its folder below a search folder.
        model: ``module:class`` of its schema, imported when needed.
    """

    name: str
    schema: str
    folder: str
    model: str

    def load_model(self) -> type[BaseModel]:
        """Return the schema's class."""
        module, _, attribute = self.model.partition(":")
        found: type[BaseModel] = getattr(importlib.import_module(module), attribute)
        return found


_HERE = "gtalign_env.scenario"
KINDS = {
    kind.name: kind
    for kind in (
        Kind("scenario", "gtalign/scenario/1", "scenarios", f"{_HERE}.schema:ScenarioFile"),
        Kind("persona", "gtalign/persona/1", "personas", f"{_HERE}.schema:PersonaFile"),
        Kind("pricing", "gtalign/pricing/1", "pricing", f"{_HERE}.schema:PricingFile"),
        Kind("tasks", "gtalign/tasks/1", "tasks", f"{_HERE}.tasks:TaskSet"),
        Kind("game", "gtalign/game/1", "games", f"{_HERE}.schema:MatrixGameFile"),
        Kind("study", "gtalign/study/1", "studies", f"{_HERE}.sweep_schema:StudyFile"),
        Kind("design", "gtalign/design/1", "designs", f"{_HERE}.sweep_design:DesignFile"),
    )
}
"""All kinds of authored files by name, in the order in which they are listed."""


@dataclass(frozen=True)
class Entry:
    """One file of the library.

    Attributes:
        kind: Name of its kind.
        name: Its name, which is also the file's.
        description: Its description, one line.
        tags: Words to find it by.
        path: Where it is.
        root: The search folder that it was found in.
        problem: Why it cannot be read; empty for a readable file.
    """

    kind: str
    name: str
    description: str
    tags: tuple[str, ...]
    path: Path
    root: Path
    problem: str = ""

    @property
    def bundled(self) -> bool:
        """Whether it came with the package, and not from a folder of the user's."""
        return self.root == scenario_root()


def scenario_root() -> Path:
    """Return the folder of the bundled library.

    Raises:
        ScenarioError: The installation lacks it.
    """
    installed = Path(str(importlib.resources.files("gtalign_env"))) / "scenarios"
    checkout = Path(__file__).resolve().parents[2] / "scenarios"
    for folder in (installed, checkout):
        if folder.is_dir():
            return folder
    raise ScenarioError("the bundled scenarios are missing; reinstall gtalign-env")


def search_roots(path: Iterable[str | Path] = ()) -> tuple[Path, ...]:
    """Return the search folders: those given, those of GTALIGN_PATH, the bundled library.

    Args:
        path: Folders to search first.

    Raises:
        ScenarioError: A folder does not exist.
    """
    given = [Path(one) for one in ([path] if isinstance(path, str | Path) else path)]
    given += [Path(one) for one in os.environ.get(PATH_VARIABLE, "").split(os.pathsep) if one]
    for folder in given:
        if not folder.is_dir():
            raise ScenarioError(f"a search folder must exist; got {show(str(folder))}")
    return (*given, scenario_root())


def find(kind: str, name: str, roots: Sequence[Path]) -> Path:
    """Return the file of a name: the first of ``root/folder/name.yaml`` and ``root/name.yaml``.

    Args:
        kind: Name of the kind.
        name: A name; never a path.
        roots: Search folders, first match wins.

    Raises:
        ScenarioError: The name is none, is unknown, or leads outside its search folder.
    """
    if len(name) > 64 or not _NAME.fullmatch(name):
        raise ScenarioError(
            f"a {kind} is named by lower-case letters, digits, _ and -; got {show(name)}"
        )
    for root in roots:
        inside = root / KINDS[kind].folder / f"{name}.yaml"
        beside = root / f"{name}.yaml"
        for file in (inside, beside):
            if not file.is_file():
                continue
            if not file.resolve().is_relative_to(root.resolve()):
                raise ScenarioError(f"{file} leads outside its search folder; name it by its path")
            if file is inside or _is_of_kind(file, kind):
                return file
    others = [one for one in KINDS if one != kind and name in names(one, roots)]
    if others:
        raise ScenarioError(f"no {kind} is named {name!r}: {what_takes(others[0], name)}")
    hint = suggest(name, names(kind, roots)) + where_to_look(kind)
    raise ScenarioError(f"no {kind} is named {name!r}.{hint}")


def where_to_look(kind: str = "") -> str:
    """Return what an error adds about an unknown name: where known ones are listed and looked for.

    Not every caller has an option for folders, so the environment variable comes first.

    Args:
        kind: Of what is looked for; any if empty.
    """
    listed = f"gtalign list {kind}".rstrip()
    return (
        f" See: {listed}; a folder of your own is searched if {PATH_VARIABLE} names it, or --path "
        "where a command has that"
    )


_TAKEN = {
    "game": "it is a matrix game; gtalign solve, repeated and tournament take those",
    "persona": "it is a persona file; a scenario names who asks: gtalign new scenario NAME",
    "pricing": "it is a pricing file; a scenario is played under it by --pricing {name}",
    "study": "it is a study file; gtalign sweep takes those",
    "design": "it is a design file; gtalign design takes those",
}


def what_takes(kind: str, name: str) -> str:
    """Return what a name of another kind stands for, and where it can be used.

    Args:
        kind: The name's kind.
        name: The name.
    """
    known = _TAKEN.get(kind, "it is a {kind} file; see: gtalign show {name}")
    return known.format(kind=kind, name=name)


def names(kind: str, roots: Sequence[Path]) -> list[str]:
    """Return the names of a kind in the kind's own folders, sorted."""
    return sorted({file.stem for _, file in _files(kind, roots)})


def list_entries(kind: str | None = None, *, path: Iterable[str | Path] = ()) -> list[Entry]:
    """Return what the library and the search folders hold; a nearer file hides a farther one.

    Args:
        kind: Name of one kind; by default all.
        path: Folders to search before GTALIGN_PATH and the bundled library.

    Raises:
        ScenarioError: The kind is unknown, or a search folder does not exist.
    """
    if kind is not None and kind not in KINDS:
        raise ScenarioError(
            f"a kind is one of {', '.join(KINDS)}; got {show(kind)}.{suggest(kind, KINDS)}"
        )
    roots = search_roots(path)
    entries: list[Entry] = []
    for one in KINDS if kind is None else (kind,):
        nearest: dict[str, tuple[Path, Path]] = {}
        for root, file in _files(one, roots):
            nearest.setdefault(file.stem, (file, root))
        entries += [read_entry(one, *nearest[name]) for name in sorted(nearest)]
    return entries


def _files(kind: str, roots: Sequence[Path]) -> Iterator[tuple[Path, Path]]:
    for root in roots:
        folder = root / KINDS[kind].folder
        if folder.is_dir():
            for file in sorted(folder.glob("*.yaml")):
                if file.is_file() and file.resolve().is_relative_to(root.resolve()):
                    yield root, file


def read_entry(kind: str, file: Path, root: Path) -> Entry:
    """Return what a listing says of a file, which may be broken.

    Args:
        kind: Name of its kind.
        file: The file.
        root: The search folder that it was found in.
    """
    try:
        data = read_file(file).data
    except ScenarioError as error:
        return Entry(kind, file.stem, "", (), file, root, str(error).splitlines()[0])
    data = data if isinstance(data, dict) else {}
    description = data.get("description")
    tags = data.get("tags")
    return Entry(
        kind,
        file.stem,
        " ".join(description.split()) if isinstance(description, str) else "",
        tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else (),
        file,
        root,
    )


def _is_of_kind(file: Path, kind: str) -> bool:
    """Return whether a file outside the kind's folder says that it is of the kind."""
    data: Any = read_file(file).data
    return isinstance(data, dict) and data.get("schema") == KINDS[kind].schema
