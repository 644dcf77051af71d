"""`gtalign validate`: are these files right, and if not, where not?"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from gtalign_env.errors import ScenarioError
from gtalign_training.authored import validate_any
from gtalign_training.commands.options import Folders, Json
from gtalign_training.console import out, print_error, print_json, safe

EXAMPLES = (
    "gtalign validate my_persona.yaml",
    "gtalign validate my_games",
    "gtalign validate games/*.yaml --json",
)

_FILE = re.compile(r"(.+?\.ya?ml):")


def validate(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Files of any kind, told by their schema line; of a folder, all that are in it."
        ),
    ],
    path: Folders = None,
    json: Json = False,
) -> None:
    """Check files; every problem with its line.

    Names in a scenario are looked up beside its file first. Exit code 2 if any file is invalid.
    """
    results: list[dict[str, Any]] = []
    names: list[str] = []
    for file in _files(files):
        kind, errors, name = None, [], ""
        try:
            kind, model = validate_any(file, search=path or ())
            name = str(getattr(model, "name", ""))
        except ScenarioError as error:
            errors = str(error).splitlines()
        results.append(
            {"file": str(file), "valid": kind is not None, "kind": kind, "errors": errors}
        )
        names.append(name)
    _say_once(results)
    if json:
        print_json(results)
    else:
        for result, name in zip(results, names, strict=True):
            _print(result, name)
    if not all(result["valid"] for result in results):
        raise typer.Exit(2)


def _files(given: list[Path]) -> list[Path]:
    """Return the files meant, of a folder its YAML files at any depth.

    Args:
        given: Files and folders.

    Raises:
        ScenarioError: A folder holds none.
    """
    found: list[Path] = []
    for one in given:
        if not one.is_dir():
            found.append(one)
            continue
        inside = sorted(file for file in one.rglob("*") if file.suffix in (".yaml", ".yml"))
        if not inside:
            raise ScenarioError(f"{one}: a folder to check must hold a YAML file; it holds none")
        found += inside
    return list(dict.fromkeys(found))


def _say_once(results: list[dict[str, Any]]) -> None:
    """Put one line in place of what another file of the same call says of itself already.

    Args:
        results: Of all files; their errors are changed.
    """
    said = {
        error
        for result in results
        for error in result["errors"]
        if error.startswith(f"{result['file']}:")
    }
    for result in results:
        own = f"{result['file']}:"
        kept: dict[str, None] = {}  # in order, each once
        for error in result["errors"]:
            named = _FILE.match(error)
            if error in said and not error.startswith(own) and named is not None:
                kept[f"{own} waits for {named[1]}, which is to be mended first"] = None
            else:
                kept[error] = None
                said.add(error)
        result["errors"] = list(kept)


def _print(result: dict[str, Any], name: str) -> None:
    if not result["valid"]:
        print_error("\n".join(result["errors"]))
        return
    line = Text("ok: ", style="green")
    line.append_text(safe(f"{result['file']}: {result['kind']} {name}"))
    out().print(line, soft_wrap=True)
