"""Markup that is escaped by construction: only `Html` is taken as markup, all else is text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

_SURROGATE = re.compile("[\ud800-\udfff]")
_VOID = frozenset(
    {"br", "hr", "input", "meta", "link", "circle", "line", "path", "rect", "polygon"}
)


class Html(str):
    """Text that is markup already; made by `tag`, never from data."""

    __slots__ = ()


Child = str | None | Iterable["Child"]
"""What an element may hold: markup, text, nothing, or several of these."""


def visible(text: str) -> str:
    """Return text in which what cannot be printed is shown escaped, and what is no text as U+FFFD.

    Args:
        text: Any.
    """
    text = _SURROGATE.sub("\ufffd", text)
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else repr(c)[1:-1] for c in text)


def tag(name: str, /, *children: Child, **attributes: str | float | bool | None) -> Html:
    """Return an element.

    Args:
        name: Of the element.
        children: What it holds; a plain string is text and is escaped.
        attributes: A trailing underscore is dropped and others become dashes, so ``class_`` and
            ``aria_label`` can be said; None and False leave the attribute out, True gives it no
            value.
    """
    parts = [name]
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        word = key.rstrip("_").replace("_", "-")
        if value is True:
            parts.append(word)
        else:
            shown = f"{value:.6g}" if isinstance(value, float) else visible(str(value))
            parts.append(f'{word}="{escape(shown)}"')
    head = f"<{' '.join(parts)}>"
    if name in _VOID and not children:
        return Html(head if name in ("br", "hr", "input", "meta", "link") else f"{head[:-1]}/>")
    return Html(f"{head}{joined(*children)}</{name}>")


def joined(*children: Child) -> Html:
    """Return markup and text one after another, as markup.

    Args:
        children: As of `tag`.
    """
    return Html("".join(_flat(children)))


def _flat(children: Iterable[Child]) -> Iterable[str]:
    for child in children:
        if child is None:
            continue
        if isinstance(child, Html):
            yield child
        elif isinstance(child, str):
            yield escape(visible(child), quote=False)
        else:
            yield from _flat(child)
