"""`gtalign new`: a commented file to fill in."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from gtalign_env.errors import ScenarioError, suggest
from gtalign_env.scenario.fields import NAME_PATTERN, show
from gtalign_env.scenario.json_schema import shipped_schema
from gtalign_env.scenario.library import scenario_root
from gtalign_training.authored import ALL_KINDS, OTHER_WORDS
from gtalign_training.console import out, safe

EXAMPLES = (
    "gtalign new persona night_owl --out my_games",
    "gtalign new pricing night_rate --out my_games",
    "gtalign new scenario late_shift --out my_games",
    "gtalign new recipe night_shift --out my_games",
)

MAX_NAME = 64  # characters, as in the schema

_SPOKEN_FOR = re.compile(r"^name: .*$", re.M)


class Template(StrEnum):
    """What there is a template for."""

    persona = "persona"
    pricing = "pricing"
    scenario = "scenario"
    game = "game"
    study = "study"
    design = "design"
    recipe = "recipe"


def new(
    kind: Annotated[str, typer.Argument(help=f"What to write: {', '.join(Template)}.")],
    name: Annotated[str, typer.Argument(help="What to call it, and the file.")],
    folder: Annotated[
        Path, typer.Option("--out", help="Folder of your games; made if need be.", metavar="DIR")
    ] = Path(),
) -> None:
    """Write a commented file of your own to fill in.

    The file is DIR/KIND'S FOLDER/NAME.yaml; it is valid as it stands, and says what every field
    means. Its first line lets an editor check it as you type. A file that exists is left alone.
    """
    if kind not in list(Template):
        kind = OTHER_WORDS.get(kind, kind.removesuffix("s"))
    if kind not in list(Template):
        raise ScenarioError(
            f"there is a template for {', '.join(Template)}; got {show(kind)}."
            f"{suggest(kind, [one.value for one in Template])}"
        )
    if len(name) > MAX_NAME or not re.fullmatch(NAME_PATTERN, name):
        raise ScenarioError(
            f"a {kind} is named by lower-case letters, digits, _ and -; got {show(name)}"
        )
    file = folder / ALL_KINDS[kind].folder / f"{name}.yaml"
    text = f"# yaml-language-server: $schema={_schema_for(file, kind)}\n{template(kind, name)}"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError as error:
        raise ScenarioError(f"{file}: exists already, and is left as it is") from error
    except OSError as error:
        raise ScenarioError(f"{file}: cannot be written: {error.strerror}") from error
    out().print(safe(f"wrote {file}"), soft_wrap=True)
    out().print(safe(f"next: gtalign validate {file}", "dim"), soft_wrap=True)


def template(kind: str, name: str) -> str:
    """Return the commented file of a kind under a name of its own.

    Args:
        kind: Name of a kind that there is a template for.
        name: What to call it.
    """
    file = scenario_root() / "templates" / f"{kind}.yaml"
    return _SPOKEN_FOR.sub(f"name: {name}", file.read_text(encoding="utf-8"), count=1)


def _schema_for(file: Path, kind: str) -> str:
    """Return where an editor finds the schema: beside the games if it was written there."""
    beside = file.parent.parent / "schemas" / f"{kind}.json"
    return f"../schemas/{kind}.json" if beside.is_file() else shipped_schema(kind).as_uri()
