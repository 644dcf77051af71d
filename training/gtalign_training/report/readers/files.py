"""Reading what may be damaged: what is intact, and a sentence about what is not."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from gtalign_env import __version__
from gtalign_training.report.words import plural

BROKEN = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What data of another shape than expected raises."""

T = TypeVar("T")


def _loads(text: str | bytes) -> Any:
    """Return JSON; what is no finite number, such as NaN or 1e999, becomes None."""

    def finite(word: str) -> float | None:
        value = float(word)
        return value if math.isfinite(value) else None

    return json.loads(text, parse_constant=lambda word: None, parse_float=finite)


def read_object(path: Path, problems: list[str]) -> dict[str, Any]:
    """Return the JSON object of a file; an empty one, and a problem, where it cannot be read.

    Args:
        path: The file.
        problems: Gets a sentence about what is wrong.
    """
    try:
        data = _loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        problems.append(f"{path.name} is missing.")
        return {}
    except (OSError, ValueError, RecursionError) as error:
        problems.append(f"{path.name} is damaged and left out: {error}")
        return {}
    if not isinstance(data, dict):
        problems.append(f"{path.name} must hold a JSON object; it holds another value.")
        return {}
    return data


def read_rows(path: Path, problems: list[str]) -> list[dict[str, Any]]:
    """Return the objects of a file of JSON lines; damaged lines are counted and left out.

    Args:
        path: The file; one that is not there has no lines.
        problems: Gets a sentence about what is wrong.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        problems.append(f"{path.name} cannot be read: {error}")
        return []
    rows, damaged = [], 0
    for line in lines:
        if not line.strip():
            continue
        try:
            row = _loads(line)
        except (ValueError, RecursionError):
            row = None
        if isinstance(row, dict):
            rows.append(row)
        else:
            damaged += 1
    if damaged:
        problems.append(f"{path.name}: {plural(damaged, 'line')} damaged and left out.")
    return rows


def version_problem(version: object) -> list[str]:
    """Return a sentence where a result was made by another version of the package."""
    if version in (None, __version__):
        return []
    return [
        f"Made by version {version}; this is {__version__}. What is computed here (exact games, "
        "latent types) is by this version."
    ]


def attempt(make: Callable[[], T], otherwise: T, what: str, problems: list[str]) -> T:
    """Return what is made of data; something else, and a problem, where its shape is another.

    Args:
        make: Makes it.
        otherwise: What stands for it.
        what: It is, and of which file.
        problems: Gets a sentence about what is wrong.
    """
    try:
        return make()
    except BROKEN as error:
        problems.append(f"{what} cannot be read and is left out ({type(error).__name__}).")
        return otherwise
