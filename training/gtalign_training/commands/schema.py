"""`gtalign schema`: the JSON Schemas of authored files, for editors and other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gtalign_env.errors import ScenarioError
from gtalign_env.scenario.json_schema import json_schema, schema_text
from gtalign_training.authored import ALL_KINDS, kind_named
from gtalign_training.console import out, print_json, safe

EXAMPLES = (
    "gtalign schema persona",
    "gtalign schema --out my_games/schemas",
    "gtalign schema pricing --out .",
)


def schema(
    kind: Annotated[
        str | None, typer.Argument(help="What the file is of; by default every kind.")
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option("--out", help="Write KIND.json there instead of printing it.", metavar="DIR"),
    ] = None,
) -> None:
    """Print or write the JSON Schemas of the files.

    An editor that reads the line "# yaml-language-server: $schema=..." checks and completes a file
    with them. What a JSON Schema cannot say is for gtalign validate.
    """
    if kind is not None:
        kind = kind_named(kind)
    kinds = list(ALL_KINDS.values()) if kind is None else [ALL_KINDS[kind]]
    if folder is None:
        found = {one.name: json_schema(one.load_model(), one.schema) for one in kinds}
        print_json(found if kind is None else found[kind])
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for one in kinds:
            file = folder / f"{one.name}.json"
            file.write_text(schema_text(one.load_model(), one.schema), encoding="utf-8")
            out().print(safe(f"wrote {file}"), soft_wrap=True)
    except OSError as error:
        raise ScenarioError(f"{folder}: cannot be written: {error.strerror}") from error
