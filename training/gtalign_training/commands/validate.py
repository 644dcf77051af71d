"""`gtalign validate`: are these files right, and if not, where not?"""

from __future__ import annotations

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
    "gtalign validate games/*.yaml --json",
)


def validate(
    files: Annotated[
        list[Path], typer.Argument(help="Files of any kind, told by their schema line.")
    ],
    path: Folders = None,
    json: Json = False,
) -> None:
    """Check files; every problem with its line.

    Names in a scenario are looked up beside its file first. Exit code 2 if any file is invalid.
    """
    results: list[dict[str, Any]] = []
    for file in files:
        try:
            kind, model = validate_any(file, search=path or ())
        except ScenarioError as error:
            results.append(
                {"file": str(file), "valid": False, "kind": None, "errors": str(error).splitlines()}
            )
            if not json:
                print_error(str(error))
        else:
            results.append({"file": str(file), "valid": True, "kind": kind, "errors": []})
            if not json:
                name = str(getattr(model, "name", ""))
                line = Text("ok: ", style="green").append_text(safe(f"{file}: {kind} {name}"))
                out().print(line, soft_wrap=True)
    if json:
        print_json(results)
    if not all(result["valid"] for result in results):
        raise typer.Exit(2)
