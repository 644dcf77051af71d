"""Append-only logs that survive a crash: every line says how long it is and carries its checksum.

A line is plain JSON, ``{"crc32": "…", "bytes": …, "record": {…}}``, so any tool can read a log.
The reader takes nothing on trust: it looks for the heads of lines anywhere in the file, and keeps
a record if its length and checksum hold. So a torn end, a flipped bit or a lost line break costs
the record that it hits and no other.
"""

from __future__ import annotations

import json
import os
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_HEAD = re.compile(rb'\{"crc32":"([0-9a-f]{8})","bytes":(?= *[0-9]+,)([ 0-9]{8}),"record":')
_TAIL = b"}"
_SURROGATE = re.compile("[\ud800-\udfff]")
MOST_BYTES = 99_999_999
"""Longest record, as its length has eight digits."""


@dataclass(frozen=True)
class Contents:
    """What a log holds.

    Attributes:
        records: The intact records, in order.
        damaged: Places where something stands that is no intact record, the end apart.
        torn: Bytes at the end that a crash cut off; 0 if there are none.
        end: Where the last intact record ends, bytes from the start, line break included.
    """

    records: list[Any]
    damaged: int
    torn: int
    end: int


def encode(record: Any) -> bytes:
    """Return a record as a line; text that is no valid Unicode is written as U+FFFD.

    Args:
        record: Plain JSON data; NaN and infinities are refused.

    Raises:
        ValueError: The record is longer than `MOST_BYTES`, or holds a number that JSON lacks.
    """
    text = json.dumps(record, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    payload = _SURROGATE.sub("\ufffd", text).encode("utf-8")
    if len(payload) > MOST_BYTES:
        raise ValueError(f"a record has at most {MOST_BYTES:,} bytes; got {len(payload):,}")
    head = f'{{"crc32":"{zlib.crc32(payload):08x}","bytes":{len(payload):>8},"record":'
    return head.encode("ascii") + payload + _TAIL + b"\n"


def decode(data: bytes) -> Contents:
    """Return what the bytes of a log hold.

    Args:
        data: All of it.
    """
    records: list[Any] = []
    gaps: list[tuple[int, int]] = []
    at = end = 0
    while (head := _HEAD.search(data, at)) is not None:
        start, stop = head.end(), head.end() + int(head[2])
        payload = data[start:stop]
        if data[stop : stop + 1] != _TAIL or zlib.crc32(payload) != int(head[1], 16):
            at = head.start() + 1  # a later head may lie inside what this one claims
            continue
        gaps.append((end, head.start()))
        records.append(json.loads(payload))
        end = at = stop + 1
    damaged = sum(bool(data[low:high].strip()) for low, high in gaps)
    rest = data[end:]
    if not rest.strip():
        return Contents(records, damaged, 0, len(data))
    if rest.startswith((b"\n", b"\r\n")):
        end += rest.index(b"\n") + 1
    # what ends without a line break was being written; anything else was damaged later
    torn = 0 if data.endswith(b"\n") else len(data) - end
    return Contents(records, damaged + (torn == 0), torn, end if torn else len(data))


def read_log(path: Path) -> Contents:
    """Return what a log holds; a log that is not there holds nothing.

    Args:
        path: The file.
    """
    try:
        return decode(path.read_bytes())
    except FileNotFoundError:
        return Contents([], 0, 0, 0)


class RunLog:
    """A log that is being written. What `append` has returned from is on the disk.

    Args:
        path: The file; a torn end is cut off, everything else stays as it is.
        end: Where the last intact record ends, as `read_log` found it.
    """

    def __init__(self, path: Path, end: int) -> None:
        self.path = path
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            if os.fstat(self._file).st_size > end:
                os.ftruncate(self._file, end)
                os.fsync(self._file)
            elif end and not _ends_a_line(path):
                self._write(b"\n")
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def append(self, records: Iterable[Any]) -> None:
        """Write records and wait until they are on the disk.

        Raises:
            OSError: They could not be written, for instance because the disk is full.
        """
        self._write(b"".join(encode(record) for record in records))
        os.fsync(self._file)

    def close(self) -> None:
        """Close the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._file, data) :]


def _ends_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read() == b"\n"


def fsync_folder(path: Path) -> None:
    """Wait until the names in a folder are on the disk, as a new file's name may be lost otherwise.

    Args:
        path: The folder.
    """
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
