"""`docs/cli.md`: every command with its arguments, options and examples, as the program has them."""

from __future__ import annotations

import importlib
import re
import types
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import typer
from making.tables import table

from gtalign_training.cli import PANELS, TABLE, LazyCommand, main

NAMES = {bool: "", str: "text", int: "whole number", float: "number", Path: "path"}
"""What a value is called."""

HEAD = """\
# Commands

`gtalign COMMAND`. Every command has `--help`; those that print results have `--json`, with the
results on standard output and everything else on standard error. Colours go with `NO_COLOR` or
where the output is no terminal.

| exit code | meaning |
| --- | --- |
| 0 | done |
| 1 | a bug: please report it |
| 2 | what was asked for cannot be done, or is not as it must be: an invalid file, a rule that an environment breaks; the message says why and what to do |
| 3 | finished, and something is wrong: faults, a leak, a budget used up |
| 130, 143 | interrupted; what was finished is kept |
"""


def _value(annotation: Any) -> str:
    """Return what an option takes, as an author would say it."""
    if annotation in NAMES:
        return NAMES[annotation]
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return ", ".join(f"`{one.value}`" for one in annotation)
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{one}`" for one in get_args(annotation))
    if get_origin(annotation) in (Union, types.UnionType, list, tuple):
        parts = [_value(one) for one in get_args(annotation) if one not in (type(None), Ellipsis)]
        return parts[0] if parts else ""
    return "text"


def _default(parameter: Any) -> str:
    value = parameter.default
    if parameter.required:
        return "required"
    if value is None or value is False or value == () or not parameter.show_default:
        return ""
    if isinstance(value, Enum):
        value = value.value
    return f"`{str(value).lower() if value is True else value}`"


def _takes(parameter: Any) -> str:
    value = _value(parameter.type_descriptor.annotation)
    if parameter.metavar and value and not value.startswith("`"):
        value = f"`{parameter.metavar}`"
    low, high = parameter.min, parameter.max
    if low is not None and high is not None:
        value += f" from {low} to {high}"
    elif low is not None:
        value += f", at least {low}"
    elif high is not None:
        value += f", at most {high}"
    return value


def _code(text: str) -> str:
    """Return a text with the options that it names, and its own backticks, as code."""
    pattern = r"`[^`]*`|(?<![\w-])--[a-z][a-z-]+"
    return re.sub(pattern, lambda found: f"`{found[0].strip('`')}`", text)


def _rows(parameters: Sequence[Any]) -> list[tuple[str, ...]]:
    found = []
    for one in parameters:
        names = [*one.opts, *one.secondary_opts]
        shown = ", ".join(f"`{name}`" for name in names if name != "--help")
        if one.param_type_name == "argument":
            shown = f"`{one.metavar or one.name.upper()}`"
        found.append((shown, _code(one.help or ""), _takes(one), _default(one)))
    return found


def command_section(name: str) -> str:
    """Return one command's section: what it does, what it takes, how it is called.

    Args:
        name: One of `gtalign_training.cli.TABLE`.
    """
    group: Any = typer.main.get_command(main)
    lazy = group.commands[name]
    assert isinstance(lazy, LazyCommand)
    command = lazy.load()
    module = importlib.import_module(TABLE[name][0].partition(":")[0])
    lines = [f"### gtalign {name}", *_described(command)]
    for sub, part in getattr(command, "commands", {}).items():
        lines += ["", f"#### gtalign {name} {sub}", *_described(part)]
    lines += ["", "```text", *module.EXAMPLES, "```"]
    return "\n".join(lines)


def _described(command: Any) -> list[str]:
    """Return what a command does, and the table of what it takes."""
    summary = (command.help or "").partition("\n\nArgs:")[0]
    lines = ["", _code(" ".join(summary.split()))]
    parameters = [one for one in command.params if not one.hidden and one.name != "help"]
    if parameters:
        head = ("argument or option", "meaning", "takes", "default")
        lines += ["", table(head, _rows(parameters))]
    return lines


def cli_page() -> str:
    """Return the page."""
    parts = [HEAD]
    for panel, names in PANELS.items():
        parts += [f"## {panel}\n", *(f"{command_section(name)}\n" for name in names)]
    return "\n".join(parts)
