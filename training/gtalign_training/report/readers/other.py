"""A folder of a kind that nobody has written a reader for: its JSON as it stands, its transcripts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gtalign_training.report.parts import Data, Folder, Part, Talks
from gtalign_training.report.readers.files import read_object, read_rows
from gtalign_training.report.talks import transcript_record, with_unique_keys
from gtalign_training.report.words import general, plural

MOST_FILES = 20
"""JSON files that are shown."""


def matches(path: Path) -> bool:
    """Return whether a folder holds any JSON."""
    return any(path.glob("*.json")) or any(path.glob("*.jsonl"))


def read(path: Path, name: str) -> Folder:
    """Return what a folder of JSON says.

    Args:
        path: The folder.
        name: What to call it.
    """
    problems: list[str] = []
    about: list[tuple[str, str]] = []
    parts: list[Part] = []
    talks: list[Talks] = []
    files = sorted(path.glob("*.json"))
    for file in files[:MOST_FILES]:
        data: Any = read_object(file, problems)
        about += [
            (key, general(value))
            for key, value in data.items()
            if value not in (None, "") and not isinstance(value, dict | list)
        ]
        nested = {key: value for key, value in data.items() if isinstance(value, dict | list)}
        if nested:
            parts.append(Data(file.name, nested))
    if len(files) > MOST_FILES:
        problems.append(f"{plural(len(files) - MOST_FILES, 'more JSON file')} not shown.")
    for file in sorted(path.glob("*.jsonl")):
        rows = read_rows(file, problems)
        records = [transcript_record(row) for row in rows if isinstance(row.get("turns"), list)]
        if records:
            talks.append(Talks(f"{name}/{file.stem}", with_unique_keys(records), {}))
        elif rows:
            about.append((file.name, plural(len(rows), "line")))
    return Folder(
        name,
        "folder",
        "results of a kind without a page of its own",
        tuple(about),
        tuple(problems),
        parts=tuple(parts),
        talks=tuple(talks),
    )
