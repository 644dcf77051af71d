"""Find one authored file and check it against the schema of its kind."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from gtalign_env.errors import suggest
from gtalign_env.scenario.fields import show
from gtalign_env.scenario.library import KINDS, Kind, find
from gtalign_env.scenario.problems import check
from gtalign_env.scenario.yaml_reader import Document, Problem, problems_error, read_file

M = TypeVar("M", bound=BaseModel)


def locate(
    kind: str, name_or_path: str | Path, roots: Sequence[Path]
) -> tuple[Path, tuple[Path, ...]]:
    """Return the file meant, and the search folders for names in it."""
    text = str(name_or_path)
    separators = {os.sep, os.altsep or os.sep, "/"}
    is_path = isinstance(name_or_path, Path) or text.endswith((".yaml", ".yml"))
    if not is_path and not any(separator in text for separator in separators):
        return find(kind, text, roots), tuple(roots)
    file = Path(name_or_path)
    folder = file.parent
    # A file in its kind's folder belongs to the collection one level up.
    own = folder.parent if folder.resolve().name == KINDS[kind].folder else folder
    return file, (own, *roots)


def load_one(model: type[M], kind: str, name_or_path: str | Path, roots: Sequence[Path]) -> M:
    """Return the checked model of a name or path.

    Args:
        model: Schema of the kind.
        kind: Name of the kind.
        name_or_path: What the author or user gave.
        roots: Search folders.

    Raises:
        ScenarioError: It is unknown or invalid.
    """
    file, _ = locate(kind, name_or_path, roots)
    return finish(model, kind, read_file(file), file.stem, [])


def finish(
    model: type[M], kind: str, document: Document, stem: str | None, problems: list[Problem]
) -> M:
    """Return the model of a document, or raise with everything wrong in it."""
    found = check_file(model, kind, document, stem, problems)
    if found is None or problems:
        raise problems_error(document.source, problems)
    return found


def check_file(
    model: type[M], kind: str, document: Document, stem: str | None, problems: list[Problem]
) -> M | None:
    """Return the model of a document, or None with problems appended."""
    came = kind_of(document)
    if came != kind:
        message = f"must be {KINDS[kind].schema}, for it is used as a {kind}; this is a {came} file"
        problems.append(Problem(document.locate(("schema",)), "schema", message))
        return None
    found = check(model, document, problems)
    check_name(document, stem, problems)
    return found


def check_name(document: Document, stem: str | None, problems: list[Problem]) -> None:
    """Append the problem of a file that is not called as what is in it.

    Args:
        document: What was read.
        stem: Name of the file without its ending; None for data that is no file.
        problems: Where to append.
    """
    name = document.data.get("name")
    if stem is not None and isinstance(name, str) and name != stem:
        message = f"must equal the file's name, {stem!r}; got {show(name)}"
        problems.append(Problem(document.locate(("name",)), "name", message))


def kind_of(document: Document, kinds: Mapping[str, Kind] = KINDS) -> str:
    """Return the kind that a document says it is.

    Args:
        document: What was read.
        kinds: The kinds that it may be.

    Raises:
        ScenarioError: It does not say.
    """
    schemas = {kind.schema: kind.name for kind in kinds.values()}
    if not isinstance(document.data, dict):
        problem = Problem(
            document.locate(()), "", f"must be a mapping of fields; got {show(document.data)}"
        )
        raise problems_error(document.source, [problem])
    if "schema" not in document.data:
        raise problems_error(document.source, [_without_schema(document, schemas)])
    schema = document.data["schema"]
    if not isinstance(schema, str) or schema not in schemas:
        message = f"must be one of {', '.join(schemas)}; got {show(schema)}."
        message += suggest(str(schema), schemas)
        raise problems_error(
            document.source, [Problem(document.locate(("schema",)), "schema", message)]
        )
    return schemas[schema]


def _without_schema(document: Document, schemas: Iterable[str]) -> Problem:
    """Return the problem of a file without a schema line, or with a mistyped one."""
    for key in document.data:
        if hint := suggest(key, ("schema",)):
            position = document.locate((key,), key=True)
            return Problem(position, key, f"unknown field.{hint}")
    message = f"required, and missing: the first line is one of {', '.join(schemas)}"
    return Problem(document.locate(()), "schema", message)
