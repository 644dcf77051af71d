"""What the other side wrote, made harmless before it stands in a prompt, and noticed.

Harmless is what cannot be read as one of the four blocks nor as a token of a chat format. Noticed is
more: also what looks like one to a reader, such as ``＜payoff＞`` in full-width signs.
"""

from __future__ import annotations

import re
import unicodedata

_BLOCKS = "thinking|payoff|analyze|analysis|response"
# tokens of the chat formats of Llama 2, Mistral, Gemma, DeepSeek, and those of the form <|name|>
_TOKENS = "s|bos|eos|pad|unk|start_of_turn|end_of_turn"
_TAG = re.compile(
    rf"<(?=/?(?:{_BLOCKS}|{_TOKENS})>|[|｜]|</?SYS>)"
    r"|\[(?=/?(?:INST|SYSTEM_PROMPT|TOOL_CALLS|AVAILABLE_TOOLS|TOOL_RESULTS)\])",
    re.IGNORECASE,
)

SUBSTITUTE = "\u2039"
"""Stands for ``<`` where that would begin one of the four blocks, or a token of a chat format."""

_OF_BRACKET = "\u2045"  # for a square one

_LOOKS = re.compile(
    rf"<\s*/?\s*(?:{_BLOCKS}|{_TOKENS}|system|assistant|user|im_start|im_end)\s*/?\s*>"
    r"|<\s*\|[^<>]{0,40}\|?\s*>|<\s*<\s*/?\s*SYS|\[\s*/?\s*(?:INST|GAME|SYSTEM\w*|player\s*\d*)\s*\]"
    r"|#{2,}\s*(?:stop|end|system)\s*#{2,}",
    re.IGNORECASE,
)


def fenced(text: str) -> str:
    """Return a text in which nothing is a tag of the four blocks or of a chat format.

    Substituted in one pass, so that nothing new can come of what is taken away.

    Args:
        text: What the other seat said.
    """
    return _TAG.sub(lambda found: SUBSTITUTE if found.group() == "<" else _OF_BRACKET, text)


def has_tags(text: str) -> bool:
    """Return whether `fenced` changes a text: the other seat wrote what looks like ours."""
    return _TAG.search(text) is not None


def injects(text: str) -> bool:
    """Return whether a text looks as if it were to be taken for another's: tags, however written.

    Full-width and other forms of signs are folded (NFKC), and signs without width are left out.

    Args:
        text: What a seat said.
    """
    if has_tags(text):
        return True
    folded = unicodedata.normalize("NFKC", text)
    shown = "".join(sign for sign in folded if unicodedata.category(sign) != "Cf")
    return _LOOKS.search(shown) is not None
