"""Read one YAML document into plain data, with the place of every key and value.

PyYAML's parser supplies events and marks (libyaml's where it is there); the tree is built here,
without recursion, so that limits are met before anything large exists. YAML's ways of meaning
something other than what stands on the line are refused: aliases, tags, merge keys, repeated keys,
directives, several documents, tabs, and invisible characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from gtalign_env.errors import ScenarioError
from gtalign_env.scenario.document import (
    MAX_REPORTED,
    Document,
    Key,
    Position,
    Problem,
    field_path,
    printable,
    problems_error,
)
from gtalign_env.scenario.yaml_scalars import resolve_plain, shorten

__all__ = [
    "MAX_REPORTED",
    "Document",
    "Key",
    "Position",
    "Problem",
    "field_path",
    "printable",
    "problems_error",
    "read_bytes",
    "read_file",
    "read_text",
]

MAX_BYTES = 256 * 1024
MAX_DEPTH = 20
MAX_NODES = 10_000
# The C parser is about ten times faster; the pure one reads the same language.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# libyaml 0.2.6 says this while it looks ahead, further on than where the limit here is passed; the pure
# parser has no such limit, so that the place is found.
_TOO_DEEP = "maximum nesting depth"

# Line and paragraph separators shift line numbers; direction marks show a line in another order.
_FORBIDDEN = re.compile(
    "\r(?!\n)|[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]"
)
# Escapes in quoted text may bring back the tab and nothing else of the above.
_FORBIDDEN_VALUE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)


def read_file(path: Path, source: str | None = None) -> Document:
    """Return the document in a file.

    Args:
        path: A regular file.
        source: How messages name it; by default its path.

    Raises:
        ScenarioError: It cannot be opened, or is not a document that `read_text` accepts.
    """
    name = str(path) if source is None else source
    try:
        if not path.is_file():
            if not path.exists():
                raise ScenarioError(f"{name}: there is no such file")
            what = "a folder" if path.is_dir() else "not a file"
            raise ScenarioError(f"{name}: must be a YAML file; it is {what}")
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise ScenarioError(f"{name}: cannot be read: {error.strerror}") from error
    return read_bytes(raw, name)


def read_bytes(raw: bytes, source: str) -> Document:
    """Return the document in raw bytes, which must be UTF-8.

    Raises:
        ScenarioError: As for `read_text`, or the bytes are too many or not UTF-8.
    """
    if len(raw) > MAX_BYTES:
        message = f"a file may hold at most {MAX_BYTES // 1024} kB"
        raise problems_error(source, [Problem((1, 1), "", message)])
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8", "replace")
        problem = Problem(_position(before, len(before)), "", "must be UTF-8 text; this is not")
        raise problems_error(source, [problem]) from error
    return read_text(text, source)


def read_text(text: str, source: str, *, first_line: int = 1) -> Document:
    """Return the document in a text.

    Args:
        text: One YAML document.
        source: Name of the file, for messages.
        first_line: Number of the text's first line in that file.

    Raises:
        ScenarioError: The text is no YAML, uses a refused feature, or breaks a limit.
    """
    builder = _build(text)
    lines = first_line - 1
    if builder.problems:
        raise problems_error(source, [problem.below(lines) for problem in builder.problems])
    return Document(
        builder.root, source, _below(builder.values, lines), _below(builder.keys, lines)
    )


def _below(places: dict[Key, Position], lines: int) -> dict[Key, Position]:
    """Return places so many lines further down."""
    if not lines:
        return places
    return {path: (line + lines, column) for path, (line, column) in places.items()}


def _build(text: str, parser: Any = None) -> _Builder:
    """Return the builder at the end of a text, or where reading had to stop."""
    builder = _Builder()
    if bad := _FORBIDDEN.search(text):
        message = (
            "use spaces, not tabs"
            if bad.group() == "\t"
            else f"character U+{ord(bad.group()):04X} is not allowed in a file"
        )
        builder.problems.append(Problem(_position(text, bad.start()), "", message))
        return builder
    try:
        # Text beyond the limit would have been refused as bytes; a caller's str is checked here.
        if len(text) > MAX_BYTES:
            raise _StopReadingError((1, 1), f"a file may hold at most {MAX_BYTES // 1024} kB")
        for event in _events(text, parser or _LOADER):
            builder.take(event)
    except _StopReadingError as stop:
        builder.problems.append(Problem(stop.position, "", stop.message))
    except yaml.YAMLError as error:
        if _TOO_DEEP in str(error) and parser is None:
            return _build(text, yaml.SafeLoader)
        builder.problems.append(_syntax_problem(error))
    return builder


def _events(text: str, parser: Any) -> Iterator[Any]:
    """Yield parser events, one at a time, so that a limit stops the parser too."""
    loader = parser(text)
    try:
        while loader.check_event():
            yield loader.get_event()
    finally:
        loader.dispose()


_ADVICE = (
    ("flow sequence", "Before this, a comma or a closing ] is missing."),
    ("flow mapping", "Before this, a comma or a closing } is missing."),
    (
        "block ",
        "Indent it and the line above as their neighbours; close brackets and quotes.",
    ),
    (
        "mapping values",
        "Put a space after each colon, indent as the neighbours, quote text with ': '.",
    ),
    ("quoted scalar", "A quote is never closed."),
    ("cannot start any token", "Quote a text that begins so."),
    ("expected ':'", "The line above needs the form 'field: value'."),
)
"""What to do about the parser's complaints, by words of theirs; both parsers use these."""


def _syntax_problem(error: yaml.YAMLError) -> Problem:
    """Return the parser's complaint with its place."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    position = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    parts = [getattr(error, "context", None), getattr(error, "problem", None)]
    said = ", ".join(part for part in parts if part) or "unreadable"
    advice = next((f". {what}" for sign, what in _ADVICE if sign in said), "")
    return Problem(position, "", f"must be valid YAML: {printable(said)}{advice}")


def _tag(tag: str) -> str:
    """Return a tag as it was written, shortened."""
    return shorten(printable(tag.replace("tag:yaml.org,2002:", "!!")))


def _position(text: str, offset: int) -> Position:
    """Return line and column, from 1, of a character offset."""
    start = text.rfind("\n", 0, offset) + 1
    return text.count("\n", 0, offset) + 1, offset - start + 1


class _StopReadingError(Exception):
    """Reading cannot go on; what follows would be noise or danger."""

    def __init__(self, position: Position, message: str) -> None:
        super().__init__(message)
        self.position = position
        self.message = message


@dataclass
class _Frame:
    """A collection under construction: its path, and for a mapping the key that waits."""

    path: Key
    value: dict[str, Any] | list[Any]
    key: str | None = None
    has_key: bool = False


@dataclass
class _Builder:
    """Turns events into data, iteratively, and keeps the places."""

    root: Any = None
    values: dict[Key, Position] = field(default_factory=dict)
    keys: dict[Key, Position] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    stack: list[_Frame] = field(default_factory=list)
    nodes: int = 0
    documents: int = 0

    def take(self, event: Any) -> None:
        """Take one parser event."""
        position = (event.start_mark.line + 1, event.start_mark.column + 1)
        if isinstance(event, yaml.NodeEvent):
            self._take_node(event, position)
        elif isinstance(event, yaml.CollectionEndEvent):
            self.stack.pop()
        elif isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                raise _StopReadingError(position, "a file holds one document; a second begins here")
            if event.version or event.tags:
                raise _StopReadingError(position, "directives (%YAML, %TAG) are not allowed")
        elif isinstance(event, yaml.StreamEndEvent) and not self.documents:
            raise _StopReadingError((1, 1), "the file is empty")

    def _take_node(self, event: Any, position: Position) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise _StopReadingError(position, f"a file may hold at most {MAX_NODES:,} nodes")
        frame = self.stack[-1] if self.stack else None
        expects_key = frame is not None and isinstance(frame.value, dict) and not frame.has_key
        path = self._path(frame)
        if isinstance(event, yaml.AliasEvent):
            raise _StopReadingError(position, f"aliases are not allowed; got *{event.anchor}")
        if event.anchor is not None:
            self._problem(position, path, f"anchors are not allowed; got &{event.anchor}")
        if event.tag is not None:
            self._problem(position, path, f"tags are not allowed; got {_tag(event.tag)}")
        if isinstance(event, yaml.CollectionStartEvent):
            if expects_key:
                raise _StopReadingError(position, "a key must be text; got a list or mapping")
            if len(self.stack) >= MAX_DEPTH:
                raise _StopReadingError(position, f"nesting may be at most {MAX_DEPTH} deep")
            value: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
            self._place(frame, path, position, value)
            self.stack.append(_Frame(path, value))
            return
        scalar = self._scalar(event, position, path)
        if frame is not None and expects_key:
            self._take_key(frame, scalar, position, plain=event.implicit[0])
        else:
            self._place(frame, path, position, scalar)

    def _scalar(self, event: Any, position: Position, path: Key) -> Any:
        if bad := _FORBIDDEN_VALUE.search(event.value):
            self._problem(position, path, f"character U+{ord(bad.group()):04X} is not allowed")
        if not event.implicit[0]:  # quoted and block scalars are always text
            return event.value
        try:
            return resolve_plain(event.value)
        except ValueError as error:
            self._problem(position, path, str(error))
            return None

    def _take_key(self, frame: _Frame, key: Any, position: Position, *, plain: bool) -> None:
        frame.has_key = True
        frame.key = None
        if not isinstance(key, str):
            self._problem(position, frame.path, f"a key must be text; got {key!r} (quote it)")
        elif key == "<<" and plain:
            self._problem(position, frame.path, "merge keys (<<) are not allowed; write it out")
        elif (path := (*frame.path, key)) in self.keys:
            first = self.keys[path][0]
            self._problem(position, path, f"a key may stand once; it is already on line {first}")
        else:
            frame.key = key
            self.keys[path] = position

    @staticmethod
    def _path(frame: _Frame | None) -> Key:
        if frame is None:
            return ()
        if isinstance(frame.value, list):
            return (*frame.path, len(frame.value))
        return frame.path if frame.key is None else (*frame.path, frame.key)

    def _place(self, frame: _Frame | None, path: Key, position: Position, value: Any) -> None:
        self.values.setdefault(path, position)
        if frame is None:
            self.root = value
        elif isinstance(frame.value, list):
            frame.value.append(value)
        else:
            if frame.key is not None:
                frame.value[frame.key] = value
            frame.key, frame.has_key = None, False

    def _problem(self, position: Position, path: Key, message: str) -> None:
        self.problems.append(Problem(position, field_path(path), message))
