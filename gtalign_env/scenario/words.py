"""Words as the text layer sees them: one canonical form for comparing, one count for lengths.

Both are linear in the text and accept any string: NUL, lone surrogates, right-to-left marks and
long runs of combining marks included.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

ARTICLES = frozenset({"a", "an", "the"})

LONG_TEXT = 4096
"""Characters from which on the canonical form is made with arrays: the same, several times faster."""

LONG_WORD = 20
"""Characters that count as one word: text without spaces is no way to look short."""

# Compatibility forms are folded in slices: Python sorts a run of combining marks by insertion,
# which is quadratic in its length, so a run must not be handed over whole. A slice takes along
# the ASCII character before it, the base of its first mark, and ends where ASCII goes on.
_SLICE_LENGTH = 160
_SLICE = re.compile(rf"[\x00-\x7f]?[^\x00-\x7f][\s\S]{{0,{_SLICE_LENGTH - 1}}}[^\x00-\x7f]{{0,64}}")
_PHRASE_SIGNS = re.compile("[\ufdfa\ufdfb]")  # these two unfold to whole phrases: read as marks
_THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?!\d)")
_TOKEN = re.compile(r"[^\W_]+(?:(?<=\d)\.\d[^\W_]*)*")
LETTER_OR_DIGIT = re.compile(r"[^\W_]")
_FROM_FIRST_LETTER = re.compile(r"[^\W_]\S*+")


def fold(text: str) -> str:
    """Return the text in NFKC form, casefolded.

    Args:
        text: Any string.

    References:
        Unicode Standard Annex 15, "Unicode normalization forms".
    """
    if not text.isascii():
        text = _PHRASE_SIGNS.sub(" ", text)
        if len(text) <= _SLICE_LENGTH:
            return unicodedata.normalize("NFKC", text).casefold()
        text = _SLICE.sub(lambda found: unicodedata.normalize("NFKC", found.group()), text)
    return text.casefold()


def canonical(text: str) -> str:
    """Return the words that matter, folded, one space around each: ``" 1054 kilometres "``.

    Punctuation and articles are dropped, ``1,054`` becomes ``1054``, a decimal stays one word. A
    sequence of whole words occurs in a text iff its canonical form is a substring of the text's.

    Args:
        text: Any string.

    Returns:
        The words, or one space if there is none.
    """
    if len(text) >= LONG_TEXT:
        from gtalign_env.scenario.long_words import canonical_of_folded

        return canonical_of_folded(fold(text), ARTICLES)
    folded = fold(text)
    if "," in folded:
        folded = _THOUSANDS.sub(lambda found: found.group().replace(",", ""), folded)
    kept = [word for word in _TOKEN.findall(folded) if word not in ARTICLES]
    return f" {' '.join(kept)} " if kept else " "


def contains(text: str, phrase: str) -> bool:
    """Return whether one canonical form occurs in another as a sequence of whole words.

    Args:
        text: A canonical form.
        phrase: A canonical form; an empty one occurs nowhere.
    """
    return phrase != " " and phrase in text


def count_words(text: str, stop: int | None = None) -> int:
    """Return the number of words: stretches between white space that hold a letter or digit.

    Every further `LONG_WORD` characters of a stretch count as one more word.

    Args:
        text: Any string.
        stop: Stop counting beyond this many words.
    """
    return count_all((text,), stop)


def count_all(texts: Iterable[str], stop: int | None = None) -> int:
    """Return the number of words of several texts together, as `count_words` counts them.

    Args:
        texts: Any strings.
        stop: Stop counting beyond this many words.
    """
    count = 0
    for text in texts:
        end = 0
        for found in _FROM_FIRST_LETTER.finditer(text):
            before = text[end : found.start()]
            end = found.end()
            length = end - found.start()
            if before and not before[-1].isspace():  # an opening bracket, say, belongs to the word
                length += len(before.rsplit(None, 1)[-1])
            count += -(-length // LONG_WORD)
            if stop is not None and count > stop:
                return count
    return count
