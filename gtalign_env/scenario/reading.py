"""Find one authored file and check it against the schema of its kind."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from gtalign_env.errors import suggest
from gtalign_env.scenario.fields import show
from gtalign_env.scenario.library import KINDS, find
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
    name = document.data.get("name")
    if stem is not None and isinstance(name, str) and name != stem:
        message = f"must equal the file's name, {stem!r}; got {show(name)}"
        problems.append(Problem(document.locate(("name",)), "name", message))
    return found


def kind_of(document: Document) -> str:
    """Return the kind that a document says it is.

    Raises:
        ScenarioError: It does not say.
    """
    schemas = {kind.schema: kind.name for kind in KINDS.values()}
    if not isinstance(document.data, dict):
        problem = Problem(
            document.locate(()), "", f"must be a mapping of fields; got {show(document.data)}"
        )
        raise problems_error(document.source, [problem])
    if "schema" not in document.data:
        known = ", ".join(schemas)
        problem = Problem(
            document.locate(()),
            "schema",
            f"required, and missing: the first line is one of {known}",
        )
        raise problems_error(document.source, [problem])
    schema = document.data["schema"]
    if not isinstance(schema, str) or schema not in schemas:
        message = f"must be one of {', '.join(schemas)}; got {show(schema)}."
        message += suggest(str(schema), schemas)
        raise problems_error(
            document.source, [Problem(document.locate(("schema",)), "schema", message)]
        )
    return schemas[schema]
