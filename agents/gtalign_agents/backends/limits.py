"""How many calls at once, and how long to wait before the next try."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime

import numpy as np

FIRST_WAIT = 0.5  # seconds; the longest wait before the second try
LONGEST_WAIT = 30.0  # seconds


class AdaptiveLimit:
    """At most so many calls at once: halved when the server has had too much, raised slowly again.

    Additive increase, multiplicative decrease: a limit of n grows by about 1 for every n calls that
    go well. Calls that failed before the last halving started do not halve it again.

    Args:
        most: Calls at once at best, from 1.

    References:
        Chiu and Jain (1989), "Analysis of the increase and decrease algorithms for congestion
        avoidance in computer networks".
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.limit = float(most)
        self.running = 0
        self.halvings = 0
        self._free = asyncio.Condition()

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[int]:
        """Hold one of the places; gives the number of halvings so far, for `overloaded`."""
        async with self._free:
            await self._free.wait_for(lambda: self.running < max(1, int(self.limit)))
            self.running += 1
        try:
            yield self.halvings
        finally:
            async with self._free:
                self.running -= 1
                self._free.notify_all()

    def went_well(self) -> None:
        """Say that a call succeeded."""
        self.limit = min(float(self.most), self.limit + 1.0 / self.limit)

    def overloaded(self, seen: int) -> int:
        """Say that the server refused a try for its rate; halves unless that was done since.

        Args:
            seen: What `slot`, or this, gave before the try.

        Returns:
            The number of halvings so far.
        """
        if seen == self.halvings:
            self.halvings += 1
            self.limit = max(1.0, self.limit / 2)
        return self.halvings


def wait_before(attempt: int, asked: float | None, rng: np.random.Generator) -> float:
    """Return how long to wait before a try, seconds: full jitter, or what the server asks for.

    Args:
        attempt: Tries so far, from 1.
        asked: ``Retry-After`` of the server, seconds; None without one.
        rng: For the jitter.

    References:
        Brooker (2015), "Exponential backoff and jitter".
    """
    if asked is not None:
        return asked
    ceiling = min(LONGEST_WAIT, FIRST_WAIT * 2 ** (attempt - 1))
    return float(rng.uniform(0.0, ceiling))


def retry_after(header: str | None, now: float) -> float | None:
    """Return the seconds that a ``Retry-After`` header asks for; None where it says nothing.

    Args:
        header: Its value: seconds, or a date.
        now: The time, seconds since 1970.
    """
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(header).timestamp() - now
        except (TypeError, ValueError):
            return None
    return max(0.0, seconds) if np.isfinite(seconds) else None
