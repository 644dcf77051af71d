"""Looking for hidden values in a text, however they are written."""

from __future__ import annotations

import base64
import html
import re
import unicodedata
from collections.abc import Iterable
from urllib.parse import unquote


def _folded(text: str) -> str:
    kept = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"[^\w.]", "", kept)


def found(text: str, words: Iterable[str]) -> set[str]:
    """Return which words stand in a text: plainly, folded, reversed, escaped or encoded.

    Args:
        text: What somebody can read.
        words: What nobody should; long enough not to come up by chance.
    """
    texts = [text, html.unescape(text), unquote(text)]
    folded = [_folded(t) for t in texts]
    encoded = re.sub(r"[\s\-_:]", "", text)
    told = set()
    for word in words:
        raw = word.encode()
        # base64 looks different at each of the three offsets within a longer text
        turns = (
            base64.b64encode(b"\0" * pad + raw).decode()[(0, 2, 3)[pad] : (pad + len(raw)) * 8 // 6]
            for pad in range(3)
        )
        codes = (raw.hex(), raw.hex().upper(), *turns)
        if any(_folded(word) in t or _folded(word)[::-1] in t for t in folded) or any(
            code in encoded for code in codes
        ):
            told.add(word)
    return told
