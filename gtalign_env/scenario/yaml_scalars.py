"""What a plain YAML scalar means: the YAML 1.2 core schema, narrowed to numbers that can be kept.

`no`, `1:30` and `2024-01-01` stay text and `010` is ten, as every editor with YAML 1.2 support
reads them; PyYAML's own resolver follows YAML 1.1 and disagrees on all four.

References:
    YAML 1.2.2 specification, section 10.3, "Core Schema".
"""

from __future__ import annotations

import math
import re

MAX_INTEGER = 2**53  # the largest n up to which every integer is exact as a double
MAX_DIGITS = 17  # significant digits that a double can keep apart

Scalar = str | int | float | bool | None

_WORDS: dict[str, bool | None] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_DECIMAL = re.compile(r"[-+]?[0-9]+")
_PREFIXED = re.compile(r"0o([0-7]+)|0x([0-9a-fA-F]+)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


def resolve_plain(text: str) -> Scalar:
    """Return the value that an unquoted scalar stands for.

    Args:
        text: The scalar as the parser hands it over.

    Raises:
        ValueError: It is a number that cannot be kept exactly enough: not finite, an integer
            beyond 2^53, more than 17 significant digits, or so small that it would become zero.
    """
    if text in _WORDS:
        return _WORDS[text]
    if _DECIMAL.fullmatch(text):
        digits = text.lstrip("+-").lstrip("0")
        # Length first: converting a very long run of digits is itself slow.
        if len(digits) > len(str(MAX_INTEGER)):
            raise ValueError(_too_large(text))
        return _bounded(int(text), text)
    if prefixed := _PREFIXED.fullmatch(text):
        octal, hexadecimal = prefixed.groups()
        digits = (octal or hexadecimal).lstrip("0") or "0"
        if len(digits) > 18:  # 2^54 has 18 octal digits
            raise ValueError(_too_large(text))
        return _bounded(int(digits, 8 if octal else 16), text)
    if _SPECIAL.fullmatch(text):
        raise ValueError(f"a number must be finite; got {text}")
    if _FLOAT.fullmatch(text):
        return _float(text)
    return text


def _float(text: str) -> float:
    """Return the double nearest to a decimal literal, refusing what it cannot stand for."""
    mantissa = re.split("[eE]", text.lstrip("+-"))[0]
    significant = mantissa.replace(".", "").strip("0")
    if len(significant) > MAX_DIGITS:
        raise ValueError(
            f"a number may have at most {MAX_DIGITS} significant digits; got {shorten(text)}"
        )
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"a number must be finite; {shorten(text)} is too large to hold")
    if value == 0.0 and significant:
        raise ValueError(f"a number must not vanish; {shorten(text)} would be read as 0")
    return value


def _bounded(value: int, text: str) -> int:
    """Return the integer, refusing those that a double cannot hold exactly."""
    if abs(value) > MAX_INTEGER:
        raise ValueError(_too_large(text))
    return value


def _too_large(text: str) -> str:
    return f"an integer must lie within ±2^53; got {shorten(text)}"


def shorten(text: str, width: int = 40) -> str:
    """Return the text cut to a width in characters, with an ellipsis where it was cut."""
    return text if len(text) <= width else text[: width - 1] + "…"
