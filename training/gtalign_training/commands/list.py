"""`gtalign list`: what can be named."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table

from gtalign_env.scenario.library import Entry
from gtalign_training.authored import ALL_KINDS, list_all
from gtalign_training.commands.options import Folders, Json
from gtalign_training.console import err, out, print_json, safe

EXAMPLES = (
    "gtalign list",
    "gtalign list personas",
    "gtalign list --tag pricing --json",
    "gtalign list scenario --path my_games",
)


def list_command(
    kind: Annotated[
        str | None,
        typer.Argument(help=f"One of {', '.join(ALL_KINDS)}, or its plural; by default all."),
    ] = None,
    tag: Annotated[str | None, typer.Option(help="Only entries with this tag.")] = None,
    path: Folders = None,
    json: Json = False,
) -> None:
    """List scenarios, personas, prices, games, studies, recipes and more.

    Entries of your own folders say which folder they are from.
    """
    entries = list_all(kind, path=path or ())
    if tag is not None:
        entries = [entry for entry in entries if tag in entry.tags]
    if json:
        print_json([_plain(entry) for entry in entries])
        return
    if not entries:
        err().print("nothing found")
        return
    own = any(not entry.bundled for entry in entries)
    head = ("kind", "name", *(["from"] if own else []), "description")
    table = Table(*head, box=None, pad_edge=False)
    for entry in entries:
        words = safe(entry.problem, "red") if entry.problem else safe(entry.description)
        origin = [safe("" if entry.bundled else str(entry.root), "cyan")] if own else []
        table.add_row(entry.kind, safe(entry.name, "bold"), *origin, words)
    out().print(table)


def _plain(entry: Entry) -> dict[str, Any]:
    return {
        "kind": entry.kind,
        "name": entry.name,
        "description": entry.description,
        "tags": list(entry.tags),
        "path": str(entry.path),
        "bundled": entry.bundled,
        "problem": entry.problem or None,
    }
