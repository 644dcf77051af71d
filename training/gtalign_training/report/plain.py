"""Looking into plain JSON data whose shape nobody promises."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def dig(data: Any, *keys: str) -> Any:
    """Return what lies under keys inside keys; None where there is no such place.

    Args:
        data: Any plain data.
        keys: From the outside in.
    """
    for key in keys:
        data = data.get(key) if isinstance(data, Mapping) else None
    return data


def as_number(value: Any) -> float | None:
    """Return a number as a float; None where it is none.

    Args:
        value: Any plain value.
    """
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
