"""Waiting and limiting: bounds that hold whatever a server asks for."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtalign_agents.backends.limits import LONGEST_WAIT, AdaptiveLimit, retry_after, wait_before


@given(attempt=st.integers(1, 60), seed=st.integers(0, 100))
def test_waits_grow_and_stay_bounded(attempt: int, seed: int) -> None:
    wait = wait_before(attempt, None, np.random.default_rng(seed))
    assert 0.0 <= wait <= min(LONGEST_WAIT, 0.5 * 2 ** (attempt - 1))


def test_what_the_server_asks_for_counts() -> None:
    assert wait_before(1, 7.0, np.random.default_rng(0)) == 7.0


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("2.5", 2.5),
        ("-3", 0.0),
        ("nan", None),
        ("soon", None),
        ("", None),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 40.0),
    ],
)
def test_a_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, now=60.0) == seconds


def test_a_burst_of_refusals_halves_once_and_the_limit_comes_back() -> None:
    async def scenario() -> None:
        limit = AdaptiveLimit(16)
        async with limit.slot() as first, limit.slot() as second:
            limit.overloaded(first)
            limit.overloaded(second)  # refused before the first halving could help
        assert limit.limit == 8.0
        for _ in range(200):
            limit.went_well()
        assert limit.limit == 16.0
        for _ in range(20):
            limit.overloaded(limit.halvings)
        assert limit.limit == 1.0

    asyncio.run(scenario())


def test_a_cancelled_call_gives_its_place_back() -> None:
    async def scenario() -> None:
        limit = AdaptiveLimit(2)

        async def call() -> None:
            async with limit.slot():
                await asyncio.sleep(60)

        tasks = [asyncio.create_task(call()) for _ in range(50)]
        await asyncio.sleep(0.01)
        assert limit.running == 2
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert limit.running == 0

    asyncio.run(scenario())
