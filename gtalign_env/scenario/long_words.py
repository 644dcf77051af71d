"""The canonical form of a long text, with arrays over its characters instead of a search for words.

The same form as `gtalign_env.scenario.words.canonical`, for a text that is folded already. A million
characters take some 10 ms, whatever they are; regular expressions take 40 to 100.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint8] | NDArray[np.uint32]
Flags = NDArray[np.bool_]

_SPACE, _POINT, _COMMA = (ord(sign) for sign in " .,")
_WORD, _DIGIT, _KNOWN = 1, 2, 4
_PAGE = 256
_KINDS = np.zeros((0x110000 // _PAGE, _PAGE), np.uint8)
"""What each character is, as bits; filled page by page, as texts come with them."""


def canonical_of_folded(text: str, articles: frozenset[str]) -> str:
    """Return the words of a text, one space around each, without articles.

    1. A comma between the thousands of a number goes.
    2. Letters and digits stay, and a point between two digits. A run of others becomes one space.
    3. Articles go.

    Args:
        text: Folded text.
        articles: Words that are dropped, of ASCII letters.
    """
    encoding = "ascii" if text.isascii() else "utf-32-le"
    data = text.encode(encoding, "surrogatepass")
    chars: Codes = (
        np.frombuffer(data, np.uint8) if text.isascii() else np.frombuffer(data, np.uint32)
    )
    kinds = _kinds_of(chars)
    if "," in text:
        kept = ~_between_thousands(chars, kinds & _DIGIT != 0)
        chars, kinds = chars[kept], kinds[kept]
    digit, inside = kinds & _DIGIT != 0, kinds & _WORD != 0
    inside[1:-1] |= (chars[1:-1] == _POINT) & digit[:-2] & digit[2:]
    shown = inside.copy()
    shown[1:] |= inside[:-1]  # the first character after a word is the space after it
    words = np.where(inside, chars, np.array(_SPACE, chars.dtype))[shown]
    around = np.array([_SPACE], chars.dtype)
    form = np.concatenate([around, words, around if inside[-1:].any() else around[:0]])
    kept = np.ones(len(form), np.bool_)
    for article in articles:
        _drop(form, kept, f" {article} ")
    return form[kept].tobytes().decode(encoding, "surrogatepass")


def _kinds_of(chars: Codes) -> NDArray[np.uint8]:
    """Return what characters are, as bits, shape as they come."""
    kinds: NDArray[np.uint8] = _KINDS.reshape(-1)[chars]
    unknown = chars[kinds == 0]
    if len(unknown):
        for page in np.unique(unknown.astype(np.int64) // _PAGE).tolist():
            for code in range(_PAGE):
                sign = chr(page * _PAGE + code)
                bits = _KNOWN | (_WORD if sign.isalnum() else 0)
                _KINDS[page, code] = bits | (_DIGIT if sign.isdecimal() else 0)
        kinds = _KINDS.reshape(-1)[chars]
    return kinds


def _between_thousands(chars: Codes, digit: Flags) -> Flags:
    """Return which commas stand between the thousands of a number, shape as the characters.

    A number begins with one to three digits, after neither a point nor a comma. Groups of a comma and
    exactly three digits belong to it, up to the first that has another number of them.
    """
    edges = np.diff(digit.astype(np.int8), prepend=0, append=0)
    begins, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    between = np.zeros(len(chars), np.bool_)
    if len(begins) < 2:
        return between
    lengths = ends - begins
    before = chars[np.maximum(begins - 1, 0)]
    opens = (lengths <= 3) & ((begins == 0) | ((before != _COMMA) & (before != _POINT)))
    joined = (begins[1:] == ends[:-1] + 1) & (chars[ends[:-1]] == _COMMA) & (lengths[1:] == 3)
    # a row of joined groups is one number if its first stretch of digits opens one
    first = joined.copy()
    first[1:] &= ~joined[:-1]
    row = np.maximum.accumulate(np.where(first, np.arange(len(joined)), 0))
    between[ends[:-1][joined & opens[row]]] = True
    return between


def _drop(form: Codes, kept: Flags, word: str) -> None:
    """Mark a word with the space after it as not kept, wherever it stands between two spaces."""
    size = len(form) - len(word) + 1
    if size <= 0:
        return
    found = form[:size] == ord(word[0])
    for k, sign in enumerate(word[1:], 1):
        found &= form[k : size + k] == ord(sign)
    places = np.flatnonzero(found)
    for k in range(1, len(word)):
        kept[places + k] = False
