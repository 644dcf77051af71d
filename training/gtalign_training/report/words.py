"""Numbers as people read them: few digits, a true minus, always with a unit nearby."""

from __future__ import annotations

import math

from gtalign_env.words import plural as plural

MINUS = "\N{MINUS SIGN}"
NARROW = "\N{NARROW NO-BREAK SPACE}"


def number(value: float | None, digits: int = 3) -> str:
    """Return a number with so many decimals; a dash where there is none.

    Args:
        value: Any.
        digits: Decimals.
    """
    if value is None or not math.isfinite(value):
        return "\N{EN DASH}"
    text = f"{value:,.{digits}f}"
    if not text.strip("-0.,"):
        text = text.lstrip("-")  # no minus zero
    return text.replace("-", MINUS)


def signed(value: float | None, digits: int = 3) -> str:
    """Return a difference with its sign."""
    text = number(value, digits)
    positive = value is not None and math.isfinite(value) and text.strip("0.,") and value > 0
    return f"+{text}" if positive else text


def percent(share: float, digits: int = 1) -> str:
    """Return a share as a percentage."""
    return f"{number(100 * share, digits)}{NARROW}%"


def usd(amount: float, digits: int = 5) -> str:
    """Return an amount of USD; a small one with two digits that say something.

    Args:
        amount: USD.
        digits: Decimals at least.
    """
    if 0 < abs(amount) < 10 ** (1 - digits):
        digits = 1 - math.floor(math.log10(abs(amount)))
    return f"{number(amount, digits)}{NARROW}USD"


def count(value: float) -> str:
    """Return a whole number with separators."""
    return f"{value:,.0f}".replace("-", MINUS)


def general(value: object) -> str:
    """Return any plain value as text: numbers short, true and false as yes and no."""
    if value is None:
        return "\N{EN DASH}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.4g}".replace("-", MINUS)
    if isinstance(value, int):
        return f"{value:,}".replace("-", MINUS)
    return str(value)
