"""Reading questions from files: parquet in GTAlign's schema, JSONL and CSV."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gtalign_agents.backends.chat import Message
from gtalign_agents.text_welfare import SOURCES
from gtalign_env.errors import MissingExtraError, ScenarioError, suggest
from gtalign_training.data.rows import Question, from_gtalign
from gtalign_training.json_lines import lines_of

FIELDS = {"question", "source", "history", "references", "reference", "label", "group", "data_set"}
"""Of a JSONL line or the head of a CSV file; ``question`` and ``source`` are needed."""


def read_questions(path: Path) -> list[Question]:
    """Return the rows of a file, by its ending: ``.parquet``, ``.jsonl`` or ``.csv``.

    Args:
        path: The file.

    Raises:
        ScenarioError: It cannot be read, or a row is no question; names file and row.
        MissingExtraError: A parquet file needs pyarrow, which is not installed.
    """
    readers = {".parquet": _parquet, ".jsonl": _jsonl, ".csv": _csv}
    if path.suffix not in readers:
        raise ScenarioError(f"{path}: must end in .parquet, .jsonl or .csv")
    try:
        return list(readers[path.suffix](path))
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{path}: cannot be read: {error}") from error


def _parquet(path: Path) -> Iterator[Question]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtraError("reading parquet", "studies") from error
    try:
        rows = pyarrow.parquet.read_table(path).to_pylist()
    except (pyarrow.ArrowInvalid, OSError) as error:
        raise ScenarioError(f"{path}: must be a parquet file: {error}") from error
    for number, row in enumerate(rows):
        with _placed(path, number):
            yield from_gtalign(row, f"{path}:{number}")


def _jsonl(path: Path) -> Iterator[Question]:
    for number, line in lines_of(path):
        with _placed(path, number):
            yield _plain(json.loads(line), f"{path}:{number}")


def _csv(path: Path) -> Iterator[Question]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), start=2):
            with _placed(path, number):
                yield _plain(
                    {key: value for key, value in row.items() if value}, f"{path}:{number}"
                )


def to_line(row: Question) -> str:
    """Return a row as a line of JSONL that reads back as the same row, without a line break.

    Args:
        row: The row.
    """
    kept = {
        "question": row.question,
        "source": row.source,
        "data_set": row.data_set,
        "history": [asdict(message) for message in row.history],
        "references": list(row.references),
        "label": row.label,
        "group": row.group,
    }
    return json.dumps(kept, ensure_ascii=False)


@contextmanager
def _placed(path: Path, number: int) -> Iterator[None]:
    """Name file and row in whatever is wrong with a row."""
    try:
        yield
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ScenarioError(f"{path}:{number}: {error}") from error


def _plain(row: Any, place: str) -> Question:
    if not isinstance(row, dict):
        raise ValueError(f"a row must be an object; got {type(row).__name__}")
    for name in row:
        if name not in FIELDS:
            raise ValueError(f"unknown field {name!r}.{suggest(str(name), FIELDS)}")
    question, source = row.get("question"), row.get("source")
    if not isinstance(question, str) or not question.strip():
        raise ValueError("question must be a text; it is missing or empty")
    if source not in SOURCES:
        raise ValueError(f"source must be one of {', '.join(SOURCES)}; got {source!r}")
    if row.get("label") not in (None, "harmful", "unharmful"):
        raise ValueError(f"label must be harmful or unharmful; got {row['label']!r}")
    references = row.get("references") or ([row["reference"]] if row.get("reference") else [])
    return Question(
        question=question,
        source=source,
        data_set=row.get("data_set", Path(place).stem),
        history=tuple(Message(turn["role"], turn["content"]) for turn in row.get("history") or ()),
        references=tuple(references),
        label=row.get("label"),
        group=row.get("group") or place,
        place=place,
    )
