"""Markup that is escaped by construction: only `Html` is taken as markup, all else is text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

_SURROGATE = re.compile("[\ud800-\udfff]")
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]"
)
_VOID = frozenset(
    {"br", "hr", "input", "meta", "link", "circle", "line", "path", "rect", "polygon", "wbr"}
)


_PLAIN = frozenset({"br", "hr", "input", "meta", "link", "wbr"})


class Html(str):
    """Text that is markup already; made by `tag`, never from data."""

    __slots__ = ()


Child = str | None | Iterable["Child"]
"""What an element may hold: markup, text, nothing, or several of these."""


LONG = 20
"""Letters that fit into a heading on a narrow page; a longer word may be broken at its joints."""


def visible(text: str) -> str:
    """Return text whose control and direction characters are shown escaped; no text as U+FFFD.

    Neither an escape sequence nor a right-to-left override then changes how a page reads.

    Args:
        text: Any.
    """
    return _HIDDEN.sub(_escaped, _SURROGATE.sub("\ufffd", text))


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


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
        return Html(head if name in _PLAIN else f"{head[:-1]}/>")
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


def breakable(text: str) -> list[Child]:
    """Return a name that may be broken after its joints, and so fits a narrow page.

    Args:
        text: Such as a file's name or an address.
    """
    parts: list[Child] = []
    for word in re.split(r"(?<= )", text):
        pieces = re.split(r"(?<=[_:/#@.])(?=\S)", word) if len(word) > LONG else [word]
        parts += [piece if k == 0 else [tag("wbr"), piece] for k, piece in enumerate(pieces)]
    return parts
