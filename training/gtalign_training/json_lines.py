"""Read checked objects from JSON Lines, one at a time; errors name file, line, column and field."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from pydantic import BaseModel, ValidationError

from gtalign_env.errors import ScenarioError
from gtalign_env.scenario.problems import check
from gtalign_env.scenario.yaml_reader import MAX_BYTES, Problem, problems_error, read_text

M = TypeVar("M", bound=BaseModel)


def lines_of(file: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines of a file with their numbers, from 1; blank ones are passed over.

    For files whose lines are long or of many shapes; where a line has a schema, see `read_lines`.

    Args:
        file: UTF-8 text; ``-`` is standard input.

    Raises:
        ScenarioError: It cannot be read.
    """
    try:
        data = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        text = data.decode("utf-8")
    except FileNotFoundError as error:
        raise ScenarioError(f"{file}: there is no such file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{file}: cannot be read: {error}") from error
    # not splitlines: a line separator of Unicode may stand inside a JSON string
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line


class _RepeatedKeyError(ValueError):
    """JSON lets a key stand twice and keeps the last; a record that does so is broken."""


def read_lines(model: type[M], stream: BinaryIO, source: str) -> Iterator[M]:
    """Yield the object on every line; blank lines are passed over.

    Args:
        model: The schema of a line; strict, without unknown keys.
        stream: Lines of UTF-8; read one at a time, however many there are.
        source: Name of the file, for messages.

    Raises:
        ScenarioError: A line is no JSON object or breaks the schema; lists everything wrong in the
            first such line, and what came before it has been yielded.
    """
    # no more than the limit is taken in, even of a line that never ends
    lines = iter(partial(stream.readline, MAX_BYTES + 1), b"")
    for number, raw in enumerate(lines, start=1):
        if len(raw) > MAX_BYTES or raw.strip():
            yield _read_line(model, raw, source, number)


def _read_line(model: type[M], raw: bytes, source: str, number: int) -> M:
    if len(raw) > MAX_BYTES:
        raise _refused(source, number, 1, f"a line may hold at most {MAX_BYTES // 1024} kB")
    try:
        text = raw.decode("utf-8").rstrip()
    except UnicodeDecodeError as error:
        column = len(raw[: error.start].decode("utf-8", "replace")) + 1
        raise _refused(source, number, column, "must be UTF-8 text; this is not") from error
    try:
        return model.model_validate(json.loads(text, object_pairs_hook=_once))
    except json.JSONDecodeError as error:
        message = f"must be one JSON object on one line: {error.msg}"
        raise _refused(source, number, error.colno, message) from error
    except (_RepeatedKeyError, ValidationError, RecursionError) as error:
        # JSON is YAML: the reader of authored files finds the places, which costs time only here
        document = read_text(text.replace("\t", " "), source, first_line=number)
        problems: list[Problem] = []
        check(model, document, problems)
        raise problems_error(source, problems) from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _RepeatedKeyError
    return found


def _refused(source: str, line: int, column: int, message: str) -> Exception:
    return problems_error(source, [Problem((line, column), "", message)])
