"""Reading questions from files: parquet, JSONL, CSV, and saved Hugging Face data sets."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
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
    """Return the rows of a file, by its ending: ``.parquet``, ``.jsonl`` or ``.csv``; or of a folder.

    Rows of parquet files and folders are in GTAlign's schema where they have a ``data_source``, else
    they have the fields of a line.

    Args:
        path: The file, or a folder that a Hugging Face data set was saved to.

    Raises:
        ScenarioError: It cannot be read, or a row is no question; names file and row.
        MissingExtraError: Reading it needs pyarrow or datasets, which is not installed.
    """
    readers = {".parquet": _parquet, ".jsonl": _jsonl, ".csv": _csv}
    if path.suffix not in readers and not path.is_dir():
        raise ScenarioError(
            f"{path}: must end in .parquet, .jsonl or .csv, or be a folder of a saved data set"
        )
    try:
        return list(_saved(path) if path.is_dir() else readers[path.suffix](path))
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
    yield from _columns(path, rows)


def _saved(path: Path) -> Iterator[Question]:
    """Yield the rows of a folder that ``Dataset.save_to_disk`` or ``DatasetDict`` has made."""
    try:
        import datasets
    except ImportError as error:
        raise MissingExtraError("reading a saved data set", "train") from error
    try:
        found = datasets.load_from_disk(str(path))
    except (FileNotFoundError, ValueError) as error:
        raise ScenarioError(f"{path}: must be a data set saved by datasets: {error}") from error
    if isinstance(found, dict):
        names = ", ".join(str(path / str(name)) for name in found)
        raise ScenarioError(f"{path}: holds several parts; name one: {names}")
    yield from _columns(path, found)


def _columns(path: Path, rows: Iterable[dict[str, Any]]) -> Iterator[Question]:
    for number, row in enumerate(rows):
        with _placed(path, number):
            if "data_source" in row:
                yield from_gtalign(row, f"{path}:{number}")
            else:
                filled = {key: value for key, value in row.items() if value is not None}
                yield _plain(filled, f"{path}:{number}")


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
