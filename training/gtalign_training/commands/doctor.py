"""`gtalign doctor`: is this installation whole?"""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from gtalign_training.commands.options import Json
from gtalign_training.commands.options_words import Deadline
from gtalign_training.console import out, print_json, safe
from gtalign_training.doctor import Finding, Status, examine
from gtalign_training.doctor.server import examine_server

EXAMPLES = (
    "gtalign doctor",
    "gtalign doctor --json",
    "gtalign doctor --problems",
    "gtalign doctor --server http://127.0.0.1:8000/v1#NAME",
)

PROBLEMS = 3
"""Exit code where something is broken; what is optional and missing is no problem."""

MARKS: dict[Status, tuple[str, str]] = {
    "ok": ("ok      ", "green"),
    "note": ("note    ", "yellow"),
    "problem": ("problem ", "bold red"),
}


def doctor(
    problems: Annotated[
        bool, typer.Option("--problems", help="Print what is not in order, and nothing else.")
    ] = False,
    server: Annotated[
        str | None,
        typer.Option(help="Look at a model server instead, by asking it.", metavar="URL#MODEL"),
    ] = None,
    deadline: Deadline = 60.0,
    json: Json = False,
) -> None:
    """Check the installation: versions, extras, library, a known result; tell what to do.

    With --server: does it answer, count tokens, continue a turn, keep to a schema or a grammar?
    Exit code 3 if something is broken.
    """
    found: list[Finding] = []
    for one in examine() if server is None else examine_server(server, deadline):
        found.append(one)
        if not json and not (problems and one.status == "ok"):
            _print(one)
    broken = sum(one.status == "problem" for one in found)
    if json:
        print_json({"ok": not broken, "checks": [one._asdict() for one in found]})
    elif not problems or broken:
        verdict = f"problems: {broken}" if broken else "Everything needed works."
        out().print(safe(verdict, "bold red" if broken else "bold green"))
    if broken:
        raise typer.Exit(PROBLEMS)


def _print(one: Finding) -> None:
    mark, style = MARKS[one.status]
    line = (
        Text(mark, style).append_text(safe(f"{one.name}: ", "bold")).append_text(safe(one.detail))
    )
    console = out()
    console.print(line, soft_wrap=True)
    if one.fix:
        console.print(Text(" " * len(mark) + "-> ").append_text(safe(one.fix)), soft_wrap=True)
