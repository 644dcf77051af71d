"""Named tuples of plain numbers as records of NumPy arrays, for code compiled over batches.

A record has the fields of its named tuple, so compiled code reads it by the same names as the
interpreter reads the tuple. Tuples of any length become arrays of one width, padded with zeros.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

Small = Annotated[int, np.int8]
Short = Annotated[int, np.int16]
Count = Annotated[int, np.int32]
"""Whole numbers that a record keeps in one, two and four bytes; a plain ``int`` takes eight."""

_PLAIN = {int: np.int64, float: np.float64, bool: np.bool_}
whole = int
"""A whole number of eight bytes, where this is compiled."""

LEAST_WIDTH = 16


def copied(source: Any, target: Any, count: int) -> None:
    """Copy the first numbers of an array; compiled code does so in one go.

    Args:
        source: In one piece.
        target: Likewise, of the same type.
        count: How many; where this is compiled, a constant.
    """
    for k in range(count):
        target[k] = source[k]


def streamed(source: Any, target: Any, count: int) -> None:
    """Copy as `copied` does; compiled code writes past the caches, which hold what is read again.

    Args:
        source: In one piece, of numbers of four bytes.
        target: Likewise, of the same type.
        count: How many; where this is compiled, a constant.
    """
    copied(source, target, count)


@cache
def record_dtype(of: Any, width: int) -> np.dtype[Any]:
    """Return the record type of a named tuple: one object, as compiled calls know it by identity.

    Args:
        of: A class of named tuples, with annotations.
        width: How many entries a tuple of any length has room for.
    """
    fields: list[Any] = []
    for name, hint in get_type_hints(of, include_extras=True).items():
        shape: tuple[int, ...] = ()
        if get_origin(hint) is Annotated:
            fields.append((name, get_args(hint)[1]))
            continue
        if get_origin(hint) is tuple:
            hint, *more = get_args(hint)
            shape = (width,) if more == [...] else (1 + len(more),)
        kind = _PLAIN[hint] if hint in _PLAIN else record_dtype(hint, width)
        fields.append((name, kind, shape))
    return np.dtype(fields, align=True)


def widest(value: Any) -> int:
    """Return the length of the longest tuple inside a named tuple."""
    if not isinstance(value, tuple):
        return 0
    own = 0 if hasattr(value, "_fields") else len(value)
    return max([own, *map(widest, value)])


def packed(of: type[tuple[Any, ...]], values: Iterable[tuple[Any, ...]]) -> NDArray[Any]:
    """Return named tuples as an array of records, shape ``(n,)``.

    Args:
        of: Their class.
        values: What to pack.
    """
    rows = list(values)
    width = LEAST_WIDTH
    while width < max(map(widest, rows), default=0):
        width *= 2  # few widths, as code is compiled for each
    dtype = record_dtype(of, width)
    return np.array([_plain(row, dtype) for row in rows], dtype)


def _plain(value: Any, dtype: np.dtype[Any]) -> Any:
    if dtype.subdtype is not None:
        base, (length,) = dtype.subdtype
        empty = np.zeros((), base).item()
        return [_plain(x, base) for x in value] + [empty] * (length - len(value))
    if dtype.names is None:
        return value
    return tuple(_plain(getattr(value, name), dtype[name]) for name in dtype.names)
