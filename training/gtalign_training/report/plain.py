"""Looking into plain JSON data whose shape nobody promises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gtalign_training.statistics import Interval


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


def interval_of(value: Any) -> Interval | None:
    """Return a mean with its interval; None where it is none.

    Args:
        value: Any plain value: mean, low and high in a list or by name, or one number, which has no
            width.
    """
    if isinstance(value, Mapping):
        value = [value.get(key) for key in Interval._fields]
    if isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 3:
        numbers = [one for one in map(as_number, value) if one is not None]
        return Interval(*numbers) if len(numbers) == 3 else None
    one = as_number(value)
    return None if one is None else Interval(one, one, one)


def shares_of(value: Any) -> dict[str, float]:
    """Return the shares above 0 by label; none where the data are no such thing.

    Args:
        value: Any plain value.
    """
    known = value if isinstance(value, Mapping) else {}
    found = {str(label): as_number(share) for label, share in known.items()}
    return {label: share for label, share in found.items() if share is not None and share > 0}


def rows_of(data: Any, *keys: str) -> list[Mapping[str, Any]]:
    """Return the objects of the list that lies under keys; what is no object is left out.

    Args:
        data: Any plain data.
        keys: As of `dig`.
    """
    found = dig(data, *keys)
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []
