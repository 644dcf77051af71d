"""Numbers with the word that they count, as people write them."""

from __future__ import annotations


def plural(number: float, one: str, many: str | None = None) -> str:
    """Return a number with its word: ``1 point``, ``0.5 points``, ``1,200 runs``.

    Args:
        number: How many.
        one: The word for one.
        many: For any other number; by default with an s.
    """
    shown = f"{number:,}" if isinstance(number, int) else f"{number:g}"
    return f"{shown} {one if number == 1 else many or one + 's'}"
