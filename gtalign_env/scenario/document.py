"""What was read of one file: its data, where each part stands, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from gtalign_env.errors import ScenarioError
from gtalign_env.scenario.yaml_scalars import shorten

MAX_REPORTED = 100  # problems printed for one file

Key = tuple[str | int, ...]
"""Keys and indices from the root to a part of the data."""

Position = tuple[int, int]
"""Line and column, from 1."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a file.

    Attributes:
        position: Line and column, from 1.
        where: Path of the field, such as ``task.tokens.system``; empty for the file as a whole.
        message: What must hold, and what came.
    """

    position: Position
    where: str
    message: str

    def render(self, source: str) -> str:
        """Return ``file:line:col: field: message``."""
        line, column = self.position
        label = f"{self.where}: " if self.where else ""
        return f"{source}:{line}:{column}: {label}{self.message}"

    def below(self, lines: int) -> Problem:
        """Return this problem so many lines further down."""
        return replace(self, position=(self.position[0] + lines, self.position[1]))


def problems_error(source: str, problems: list[Problem]) -> ScenarioError:
    """Return the one error that lists all problems of a file, in the order of the file."""
    ordered = sorted(problems, key=lambda problem: (problem.position, problem.where))
    lines = [problem.render(source) for problem in ordered[:MAX_REPORTED]]
    if len(ordered) > MAX_REPORTED:
        lines.append(f"{source}: {len(ordered) - MAX_REPORTED} more problems are not listed")
    return ScenarioError("\n".join(lines))


def field_path(path: Key) -> str:
    """Return a path as authors write it: ``components[0].rates.input``."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{shorten(printable(step))}" if text else shorten(printable(step))
    return text


def printable(text: str) -> str:
    """Return the text with everything unprintable escaped, safe to show on a terminal."""
    return text if text.isprintable() else repr(text)[1:-1]


@dataclass(frozen=True)
class Document:
    """Plain data of one file and where each part of it stands.

    Attributes:
        data: Mappings, lists, text, numbers, truth values and None.
        source: Name of the file, for messages.
        values: Line and column of every value, from 1, by its path.
        keys: Line and column of every mapping key, from 1, by the path of its value.
    """

    data: Any
    source: str
    values: Mapping[Key, Position]
    keys: Mapping[Key, Position]

    def locate(self, path: Key, *, key: bool = False) -> Position:
        """Return line and column of a path, or of its nearest ancestor that exists.

        Args:
            path: Keys and indices from the root.
            key: Whether the key is meant and not its value.
        """
        if key and path in self.keys:
            return self.keys[path]
        while path and path not in self.values:
            path = path[:-1]
        return self.values[path]
