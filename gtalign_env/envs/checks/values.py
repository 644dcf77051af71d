"""Whatever an environment gives: walked through, compared, hashed, overwritten."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any

import numpy as np


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the path and value of every part that holds no others; mappings by sorted key."""
    if isinstance(value, Mapping | list | tuple) and not value:
        yield path, value
    elif isinstance(value, Mapping):
        for key in sorted(value, key=repr):
            yield from leaves(value[key], f"{path}[{key!r}]")
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        for name, part in zip(value._fields, value, strict=True):
            yield from leaves(part, f"{path}.{name}" if path else name)
    elif isinstance(value, list | tuple):
        for index, part in enumerate(value):
            yield from leaves(part, f"{path}[{index}]")
    else:
        yield path, value


def spelled(leaf: Any) -> bytes:
    """Return the type and content of a leaf as bytes, the same in every process.

    An object that only compares by identity counts by its type alone.
    """
    kind = type(leaf)
    name = f"{kind.__module__}.{kind.__qualname__}:"
    if isinstance(leaf, np.ndarray) and leaf.dtype != object:
        name += f"{leaf.dtype.str}{leaf.shape}"
        content = np.ascontiguousarray(leaf).tobytes()
    elif isinstance(leaf, np.generic):
        content = leaf.tobytes()
    elif isinstance(leaf, str):
        content = leaf.encode("utf-8", "surrogatepass")
    elif isinstance(leaf, set | frozenset):
        content = b",".join(sorted(spelled(part) for part in leaf))
    elif getattr(kind, "__repr__", None) is object.__repr__:
        content = b""
    else:
        content = repr(leaf).encode("utf-8", "surrogatepass")
    return name.encode() + content


def digest(value: Any) -> str:
    """Return a hash of types and contents, the same in every process."""
    total = blake2b(digest_size=16)
    for path, leaf in leaves(value):
        for part in (path.encode(), spelled(leaf)):
            total.update(len(part).to_bytes(8, "big") + part)
    return total.hexdigest()


def difference(one: Any, two: Any) -> str | None:
    """Return where two values first differ and how, or None; types count, and NaN is NaN."""
    parts, others = list(leaves(one)), list(leaves(two))
    for (path, a), (other, b) in zip(parts, others, strict=False):
        if path != other:
            return f"{path} is on one side only"
        if spelled(a) != spelled(b):
            return f"{path} is {_short(a)} here and {_short(b)} there"
    if len(parts) != len(others):
        rest = parts[len(others) :] or others[len(parts) :]
        return f"{rest[0][0]} is on one side only"
    return None


def _short(leaf: Any) -> str:
    text = repr(leaf)
    return text if len(text) <= 80 else f"{text[:77]}..."


def mutables(value: Any) -> Iterator[Any]:
    """Yield every part that its holder could overwrite: arrays, dicts, lists."""
    if isinstance(value, np.ndarray | list | dict):
        yield value
    if isinstance(value, Mapping):
        for part in value.values():
            yield from mutables(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from mutables(part)


def shared(one: Any, two: Any) -> bool:
    """Return whether two values hold a common object, or arrays over common memory."""
    return any(
        part is theirs
        or (
            isinstance(part, np.ndarray)
            and isinstance(theirs, np.ndarray)
            and np.shares_memory(part, theirs)
        )
        for part in mutables(one)
        for theirs in mutables(two)
    )


def spoil(value: Any) -> None:
    """Overwrite all that can be overwritten, as a careless holder might."""
    for part in list(mutables(value)):
        if isinstance(part, np.ndarray):
            if part.flags.writeable and part.dtype != object:
                part[...] = part == 0
        else:
            part.clear()
