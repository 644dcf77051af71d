"""Completions on disk, by key: one SQLite file of JSON values that several processes may share.

Every value is stored with a digest of key and value, so a byte that was changed on the disk makes an
absent value and never a wrong one. A file that is damaged as a database is set aside where it is a
cache, and told of where it is a recording.

Each transaction holds a shared lock on a file beside it; setting aside holds it alone. So nobody
has a journal open while the file is moved, and everybody opens the new one before the next look. The
rollback journal is used and not the write-ahead log, whose files belong to a name and not to a file.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar

from gtalign_env.errors import RunError

FORMAT = 2

_HEADER = b"SQLite format 3\0"
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_WAIT = 60.0  # seconds; another process may be writing: wait for it rather than fail

T = TypeVar("T")


class CallStore:
    """Texts by key.

    Args:
        path: The file; made where it is missing.
        replace_damaged: Whether a damaged file is set aside and begun anew, as for a cache.

    Attributes:
        damaged: Values whose digest did not hold.
        aside: Where damaged files were put.

    Raises:
        RunError: The file cannot be opened, is no such file, is of another format, or is damaged and
            not to be replaced.
    """

    def __init__(self, path: Path, *, replace_damaged: bool) -> None:
        self.path = path
        self.replace_damaged = replace_damaged
        self.damaged = 0
        self.aside: list[Path] = []
        self._file: sqlite3.Connection | None = None
        self._inode = -1
        self._run(lambda file: None)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __len__(self) -> int:
        return self._run(lambda file: int(file.execute("select count(*) from calls").fetchone()[0]))

    def get(self, keys: Sequence[str]) -> dict[str, str]:
        """Return the values of those keys that are stored and sound.

        Args:
            keys: The keys.
        """

        def read(file: sqlite3.Connection) -> dict[str, str]:
            found: dict[str, str] = {}
            for key in dict.fromkeys(keys):
                query = "select value, digest from calls where key = ?"
                row = file.execute(query, (key,)).fetchone()
                if row is None:
                    continue
                if row[1] == _digest(key, row[0]):
                    found[key] = row[0]
                else:
                    self.damaged += 1
            return found

        return self._run(read)

    def put(self, rows: Iterable[tuple[str, str]]) -> None:
        """Store values; all of them or, if the process dies, none.

        Args:
            rows: Keys and values.
        """
        checked = [(key, value, _digest(key, value)) for key, value in rows]

        def write(file: sqlite3.Connection) -> None:
            with file:
                file.executemany("insert or replace into calls values (?, ?, ?)", checked)

        if checked:
            self._run(write)

    def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        for attempt in (1, 2):
            try:
                with self._locked(alone=False):
                    return work(self._current())
            except sqlite3.DatabaseError as error:
                # errors such as "locked" are of this class, too
                if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _DAMAGE:
                    raise RunError(f"{self.path}: cannot be used: {error}") from error
                if not self.replace_damaged or attempt == 2:
                    raise RunError(
                        f"{self.path}: is damaged: {error}. Move it away and record again, or "
                        "recover what can be with the command sqlite3 and .recover"
                    ) from error
                self._set_aside()
        raise AssertionError("the second attempt returns or raises")

    def _current(self) -> sqlite3.Connection:
        """Return the connection to the file that stands at the path now."""
        inode = self.path.stat().st_ino if self.path.exists() else -2
        if self._file is None or inode != self._inode:
            self.close()
            self._file = _open(self.path)
            if self.replace_damaged:
                # a killed process loses nothing by it; a loss of power may damage a cache
                self._file.execute("pragma synchronous = off")
            self._inode = self.path.stat().st_ino
        return self._file

    def _set_aside(self) -> None:
        with self._locked(alone=True):
            standing = self.path.stat().st_ino if self.path.exists() else -2
            damaged_one = standing == self._inode or self._file is None
            self.close()
            if not damaged_one:
                return  # another process was first
            number = 1
            while (target := Path(f"{self.path}.damaged-{number}")).exists():
                number += 1
            self.path.rename(target)
            journal = Path(f"{self.path}-journal")
            if journal.exists():
                journal.rename(f"{target}-journal")
            self.aside.append(target)

    @contextlib.contextmanager
    def _locked(self, *, alone: bool) -> Iterator[None]:
        try:
            import fcntl
        except ImportError:  # no such locks there: a file is then for one process
            yield
            return
        try:
            descriptor = os.open(f"{self.path}.lock", os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise RunError(f"{self.path}: its folder must be writable: {error}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
            yield
        finally:
            os.close(descriptor)  # which gives the lock back


def _open(path: Path) -> sqlite3.Connection:
    if path.is_file():
        with path.open("rb") as file:
            begins = file.read(len(_HEADER))
        if begins and begins != _HEADER:
            # perhaps somebody's own file: it is left alone
            raise RunError(
                f"{path}: must be a cassette, which is an SQLite file. Move it away, or give another path"
            )
    try:
        opened = sqlite3.connect(path, timeout=_WAIT)
        # bytes that are no text any more make another text, whose digest does not hold
        opened.text_factory = lambda raw: raw.decode("utf-8", "replace")
        version = _prepared(opened)
    except sqlite3.OperationalError as error:
        raise RunError(
            f"{path}: must be a cassette that can be opened: {error}. Move it away, or give another path"
        ) from error
    if version != FORMAT:
        opened.close()
        raise RunError(f"{path}: is a cassette of format {version}; this version reads {FORMAT}")
    return opened


def _prepared(file: sqlite3.Connection) -> int:
    """Return the format of a file, made where it is empty."""
    (version,) = file.execute("pragma user_version").fetchone()
    tables: list[Any] = file.execute("select name from sqlite_master").fetchall()
    if version == 0 and not tables:
        with file:
            file.execute("begin immediate")  # two that find it empty make it one after the other
            file.execute(
                "create table if not exists calls "
                "(key text primary key, value text not null, digest text not null)"
            )
            file.execute(f"pragma user_version = {FORMAT}")
        return FORMAT
    return int(version)


def _digest(key: str, value: str) -> str:
    return blake2b(f"{key}:{value}".encode(), digest_size=8).hexdigest()
