"""What the other side wrote, made harmless before it stands in a prompt."""

from __future__ import annotations

import re

_TAG = re.compile(r"<(?=/?(?:thinking|payoff|analyze|analysis|response)>|\|)", re.IGNORECASE)

SUBSTITUTE = "\u2039"
"""Stands for ``<`` where that would begin one of the four blocks, or a token of a chat format."""


def fenced(text: str) -> str:
    """Return a text in which nothing is a tag of the four blocks or of a chat format.

    Substituted in one pass, so that nothing new can come of what is taken away.

    Args:
        text: What the other seat said.
    """
    return _TAG.sub(SUBSTITUTE, text)


def has_tags(text: str) -> bool:
    """Return whether `fenced` changes a text: the other seat wrote what looks like ours."""
    return _TAG.search(text) is not None
