"""What every command prints with: text of files made harmless, results and errors kept apart."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text


def out() -> Console:
    """Return the console of results; it honours NO_COLOR and is plain where it is no terminal."""
    return Console(highlight=False)


def err() -> Console:
    """Return the console of errors and progress."""
    return Console(stderr=True, highlight=False)


def safe(text: str, style: str = "") -> Text:
    """Return text from a file, model or command line as it may be printed.

    It is never read as markup, and control characters are shown escaped, so that it can neither
    colour, move nor link anything.

    Args:
        text: Any text.
        style: Rich style of the whole.
    """
    shown = "".join(
        character if character.isprintable() or character == "\n" else repr(character)[1:-1]
        for character in text
    )
    return Text(shown, style=style)


def point_to_report(folder: Path) -> None:
    """Say, beside the results, how a folder of results is looked at.

    Args:
        folder: What `gtalign report` reads.
    """
    place = shlex.quote(str(folder))
    page = shlex.quote(f"{folder.name or 'report'}.html")
    err().print(safe(f"Look at it: gtalign report {place} -o {page}"), soft_wrap=True)


def print_json(data: Any) -> None:
    """Print data as indented JSON and nothing else, for programs."""
    text = json.dumps(data, indent=2, allow_nan=False)
    out().print(Text(text), soft_wrap=True)


def print_error(message: str) -> None:
    """Print an error, one problem a line, unwrapped so that editors can follow the places."""
    console = err()
    for line in message.splitlines():
        console.print(Text("error: ", style="bold red").append_text(safe(line)), soft_wrap=True)
