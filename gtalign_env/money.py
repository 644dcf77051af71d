"""Money: integer pico-USD everywhere, decimal strings at the rim, floats only for welfare.

One pico-USD is 10⁻¹² USD, so a list price of 0.075 USD per million tokens is exactly
75,000 pico-USD a token. Python integers do not overflow; arrays of int64 hold 9.2 million USD.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

PICO_PER_USD = 10**12
"""pico-USD in one USD."""

_MONEY = re.compile(r"\s*(?P<amount>[0-9]+(?:\.[0-9]+)?)\s*USD\s*")


def parse_money(text: str) -> int:
    """Return the amount in pico-USD.

    Args:
        text: A decimal number and the unit, such as ``"0.05 USD"``.

    Raises:
        ValueError: The text has another form, or a fraction of a pico-USD.
    """
    match = _MONEY.fullmatch(text)
    if match is None:
        raise ValueError(f"money is a decimal number and its unit, like '0.05 USD'; got {text!r}")
    return _exact(_shifted(match["amount"], 12), repr(text))


def rate_per_token(usd_per_million: Decimal | float | int | str) -> int:
    """Return a token rate in pico-USD per token.

    Args:
        usd_per_million: List price, USD per 1,000,000 tokens. A float stands for the decimal
            number that it prints as.

    Raises:
        ValueError: Not a finite number ≥ 0, or finer than one pico-USD a token.
    """
    try:
        price = Decimal(str(usd_per_million))
    except InvalidOperation:
        price = Decimal("NaN")
    if not price.is_finite() or price < 0:
        raise ValueError(f"a rate is a finite number ≥ 0, USD per 1M tokens; got {usd_per_million}")
    try:
        return _exact(_shifted(str(usd_per_million), 6), f"{usd_per_million} USD per 1M tokens")
    except ValueError as error:
        if price >= Decimal("0.001"):
            raise
        meant = format((price * 1_000_000).normalize(), "f")
        raise ValueError(f"{error}, or write {meant} if it was meant per token") from None


def _shifted(number: str, places: int) -> Decimal:
    """Return a decimal number times a power of ten; only the exponent changes, so it is exact."""
    sign, digits, exponent = Decimal(number).as_tuple()
    assert isinstance(exponent, int)
    return Decimal((sign, digits, exponent + places))


def _exact(amount: Decimal, what: str) -> int:
    whole = int(amount)
    if whole != amount:
        raise ValueError(f"{what} is finer than one pico-USD (10⁻¹² USD); round it")
    return whole


def format_money(pico_usd: int) -> str:
    """Return the exact decimal string, the inverse of `parse_money` for amounts ≥ 0."""
    sign = "-" if pico_usd < 0 else ""
    whole, rest = divmod(abs(pico_usd), PICO_PER_USD)
    decimals = f"{rest:012d}".rstrip("0")
    return f"{sign}{whole}.{decimals} USD" if decimals else f"{sign}{whole} USD"


def to_usd(pico_usd: int) -> float:
    """Return the amount in USD as a float, for welfare and display only."""
    return pico_usd / PICO_PER_USD


def divide_half_even(amount: int, parts: int) -> int:
    """Return ``amount / parts`` rounded to the nearest integer, ties to even.

    Raises:
        ValueError: ``parts`` is not positive.
    """
    if parts <= 0:
        raise ValueError(f"an amount is shared among a positive number of parts; got {parts}")
    return half_even(amount, parts)


def half_even(amount: int, parts: int) -> int:
    """Return ``amount / parts`` as `divide_half_even` does, for ``parts`` known to be positive.

    Args:
        amount: What is divided.
        parts: By how much, positive.
    """
    quotient, rest = divmod(amount, parts)
    return quotient + (2 * rest > parts or (2 * rest == parts and quotient % 2 == 1))
