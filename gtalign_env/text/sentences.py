"""Split a message into statements and questions, in time linear in its length.

Rules:

1. A sentence ends at ``.``, ``!``, ``?`` or ``…`` (closing quotes and brackets included) before
   white space or the line's end, at the full-width marks, and at the end of a line.
2. A full stop ends nothing inside a number, after a known abbreviation or after an initial, unless
   the next word is one that begins sentences.
3. A closing mark inside a quotation that goes on in lower case ends nothing.
4. A sentence that ends in a question mark is a question. So is one such as ``Do you mean:`` at the
   end of a line, and so are the list items right after a question: they are its options.
5. Polite filler (``Sure!``, ``Good question.``) is neither statement nor question, nor is a
   sentence without a letter or digit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from gtalign_env.scenario.words import LETTER_OR_DIGIT
from gtalign_env.text.phrases import PhraseBook

MAX_SENTENCES = 4096
"""What follows this many line breaks, or breaks within lines, is read as one more sentence."""

_STOPS = ".!?…。！？؟"
# It begins with a set of characters, which `re` looks for much faster than for anything else.
_END = re.compile(
    rf"[{_STOPS}](?:(?<![{_STOPS}][{_STOPS}])[{_STOPS}]*+[\"'”’»)\]}}*_`]*+(?:\s++|$)"
    r"|(?<=[。！？])[。！？]*+)",
)
_LINE = re.compile("[^\r\n\v\f\x1c-\x1e\x85\u2028\u2029]++")
_ITEM = re.compile(r"\s*+(?:[-*•–‣]|(\(?\d{1,2}[.)]))\s++(?=\S)")
_QUOTE_CLOSERS = "\"'”’»)]"


def _word_set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_ABBREVIATIONS = _word_set(
    "dr mr mrs ms prof st mt ft no nos vol fig vs approx ca cf al jr sr gen col capt lt gov sen rep"
    " jan feb mar apr jun jul aug sep sept oct nov dec"
)
# Words that begin a sentence and hardly ever follow an abbreviation within one.
_OPENERS = _word_set(
    "do did does is are was were which what who where when why how could can would should shall"
    " it this that these those the there he she they i you we if please but so in"
)
_ASKING = re.compile(
    r"(?:do|did|are|could|can|would) you\b|which\b|please (?:specify|clarify|choose)\b", re.I
)

_FILLER_WORDS = 16  # a longer sentence says something
_FILLER = PhraseBook(
    {
        "filler": (
            "sure",
            "sure thing",
            "of course",
            "certainly",
            "absolutely",
            "okay",
            "ok",
            "hello",
            "hi",
            "there",
            "good question",
            "great question",
            "interesting question",
            "that is",
            "that's",
            "thanks",
            "thank you",
            "for asking",
            "for your question",
            "happy to help",
            "glad to help",
            "to help you with that",
            "with that",
            "i'd be",
            "i would be",
            "i'll be",
            "i'm",
            "i am",
            "i can help",
            "no problem",
            "you're welcome",
            "got it",
            "i see",
            "understood",
            "sorry",
            "let me check",
            "let me help",
            "let me clarify",
            "let me know",
            "which one you mean",
            "so that i can help",
            "one moment",
            "just",
            "please",
            "and",
            "to be sure",
            "to clarify",
            "it depends",
            "that depends",
        )
    }
)


class Sentence(NamedTuple):
    """A sentence of a message.

    Attributes:
        text: As written, without a list marker.
        asks: Whether it is a question, or an option of one.
    """

    text: str
    asks: bool


@lru_cache(maxsize=1)  # a message is read, then judged
def split(message: str) -> tuple[Sentence, ...]:
    """Return the sentences that say or ask something, in order; filler is left out.

    Args:
        message: Any string.
    """
    lines = _lines(message)
    markers = [_ITEM.match(line) for line in lines]
    # One number at the start of a line may be an answer (``8. Do you mean ...``); two are a list.
    numbered = sum(1 for marker in markers if marker and marker.group(1)) > 1
    found: list[Sentence] = []
    breaks = MAX_SENTENCES
    after_question = False
    for line, marker in zip(lines, markers, strict=True):
        item = marker is not None and (numbered or marker.group(1) is None)
        text = (line[marker.end() :] if marker is not None and item else line).strip()
        if not text:
            continue
        pieces = list(_pieces(text, breaks))
        breaks -= len(pieces) - 1
        option = item and after_question
        found += [
            Sentence(piece, option or _asks(piece)) for piece in pieces if _says_something(piece)
        ]
        after_question = option or _asks(pieces[-1])
    return tuple(found)


def statements(message: str) -> list[str]:
    """Return the sentences of a message that are no questions.

    Args:
        message: Any string.
    """
    return [sentence.text for sentence in split(message) if not sentence.asks]


def _lines(message: str) -> list[str]:
    """Return the lines that are not empty; what follows `MAX_SENTENCES` line breaks is the last."""
    most = MAX_SENTENCES - (_LINE.match(message) is None)
    lines: list[str] = []
    for line in _LINE.finditer(message):
        if len(lines) == most:
            lines.append(message[line.start() :])
            break
        lines.append(line.group())
    return lines


def _pieces(line: str, most: int) -> Iterator[str]:
    """Yield the sentences of a line, with at most so many breaks between them."""
    start = 0
    for end in _END.finditer(line):
        if most <= 0:
            break
        most -= 1
        if _ends_sentence(line, start, end):
            yield line[start : end.end()].rstrip()
            start = end.end()
    if start < len(line):
        yield line[start:]


def _ends_sentence(line: str, start: int, end: re.Match[str]) -> bool:
    follows = line[end.end() : end.end() + 12]
    if not follows:
        return True
    mark = end.group().rstrip()
    if mark[-1] in _QUOTE_CLOSERS and follows[0].islower():
        return False
    if mark != ".":
        return True
    before = line[max(start, end.start() - 12) : end.start()]
    word = before.split()[-1].lstrip("\"'“‘«(*_").lower() if before.strip() else ""
    dotted = word.replace(".", "").isalpha() and (
        "." in word or len(word) == 1 or word in _ABBREVIATIONS
    )
    if not dotted:
        return True
    following = re.match(r"[\W_]*([^\W_]+)", follows)
    return following is not None and following.group(1).lower() in _OPENERS


def _asks(piece: str) -> bool:
    tail = piece.rstrip(_QUOTE_CLOSERS + " *_`")
    marks = tail[len(tail.rstrip(_STOPS)) :]
    return any(mark in marks for mark in "?？؟") or (
        piece.endswith(":") and _ASKING.match(piece) is not None
    )


def _says_something(piece: str) -> bool:
    return LETTER_OR_DIGIT.search(piece) is not None and _FILLER.kinds(piece, _FILLER_WORDS) is None
