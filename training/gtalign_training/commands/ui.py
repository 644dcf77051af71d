"""`gtalign ui`: the playground, a page of this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from gtalign_training.commands.options import Folders
from gtalign_training.console import err, out, safe

EXAMPLES = (
    "gtalign ui",
    "gtalign ui --scenario help_desk --pricing per_message",
    "gtalign ui --path my_games --scenario late_shift",
    "gtalign ui --port 0",
)

FIRST = "upsell"
"""What is shown at first: a strict prisoner's dilemma that a price dissolves."""


def ui(
    scenario: Annotated[str, typer.Option(help="What is shown at first, by name.")] = FIRST,
    persona: Annotated[str | None, typer.Option(help="Who asks, by name.")] = None,
    pricing: Annotated[str | None, typer.Option(help="How the user pays, by name.")] = None,
    port: Annotated[
        int, typer.Option(help="Port of this machine; 0 takes any that is free.", min=0, max=65535)
    ] = 7860,
    host: Annotated[str, typer.Option(help="This machine's own name or address.")] = "127.0.0.1",
    path: Folders = None,
) -> None:
    """Open the playground: move prices and watch the game, or take a seat in it.

    A page of this machine. It listens to this machine alone, sends nothing anywhere and keeps nothing. Ctrl-C ends it.
    """
    from gtalign_training.progress import working
    from gtalign_training.ui.server import serving, wait
    from gtalign_training.ui.view import Choice, unreadable

    folders = tuple(path or ())
    for file, why in unreadable(folders).items():
        err().print(safe(f"not in the lists: {why} (gtalign validate {file})"), soft_wrap=True)
    with working(err(), "getting ready"):
        server = serving(Choice(scenario, persona, pricing, folders), host=host, port=port)
        address = server.__enter__()
    try:
        out().print(safe(f"Playground: {address}  (Ctrl-C ends it)"), soft_wrap=True)
        wait()
    finally:
        server.__exit__(None, None, None)
    err().print("closed")
