"""Tell whether a message consists of known phrases and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from gtalign_env.scenario.words import ARTICLES, canonical

# A word that folding leaves as it is, and joins to nothing: ASCII up to the sign after it.
_FIRST_WORD = re.compile(r"[\x00-/:-@\[-`{-\x7f]*+([A-Za-z]++)(?=[\x00-/:-@\[-`{-\x7f]|$)")


class PhraseBook:
    """Known phrases, each of a kind.

    Args:
        phrases: Kind to the phrases of that kind, in any spelling that `canonical` folds.
    """

    def __init__(self, phrases: Mapping[str, Iterable[str]]) -> None:
        self._kinds = {
            tuple(canonical(phrase).split()): kind
            for kind, group in phrases.items()
            for phrase in group
        }
        self._longest = max(map(len, self._kinds))
        self._words = ARTICLES.union(*self._kinds)

    def kinds(self, text: str, most_words: int) -> frozenset[str] | None:
        """Return the kinds of phrases a text is made of, or None if anything else is in it.

        From left to right the longest known phrase is taken. A text without words, or with more
        than ``most_words``, is made of no phrases.

        Args:
            text: Any string.
            most_words: Longest text to consider, words.
        """
        if len(text) > 40 * most_words:  # no need to fold a megabyte
            return None
        first = _FIRST_WORD.match(text)
        if first is not None and first.group(1).lower() not in self._words:
            return None  # most messages; no need to fold them
        words = canonical(text).split()
        if not words or len(words) > most_words:
            return None
        kinds = set()
        start = 0
        while start < len(words):
            for length in range(min(self._longest, len(words) - start), 0, -1):
                kind = self._kinds.get(tuple(words[start : start + length]))
                if kind is not None:
                    kinds.add(kind)
                    start += length
                    break
            else:
                return None
        return frozenset(kinds)
