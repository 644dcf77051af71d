"""Many calls at once: deadlines and caps that a hostile server cannot stretch, and nothing left over."""

from __future__ import annotations

import asyncio
import os
import random
import threading
import time
import tracemalloc

import pytest

from gtalign_agents.backends.chat import Completion, Fault, Message, Request
from gtalign_agents.backends.limits import AdaptiveLimit
from gtalign_agents.backends.openai_http import OpenAIHttp
from gtalign_env.testing import FAULTS, FaultServer

HELLO = Request((Message("user", "Hello there."),))
HOSTILE = ("hang", "drip", "slow_header", "endless", "huge", "redirect", "gzip", "rate_never")


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gtalign_agents.backends.limits.FIRST_WAIT", 0.01)


@pytest.mark.parametrize(
    "deadline", [0.5, *(pytest.param(s, marks=pytest.mark.slow) for s in (1.0, 2.0, 5.0))]
)
def test_no_call_outlives_its_deadline_nor_fills_the_memory(deadline: float) -> None:
    with FaultServer() as server:
        models = [
            OpenAIHttp(server.base_url, step, deadline=deadline, attempts=1_000, most_bytes=1 << 20)
            for step in HOSTILE
        ]
        OpenAIHttp(server.base_url, "ok").complete([HELLO])  # what is loaded once is loaded now
        for model in models:
            began = time.monotonic()
            (outcome,) = model.complete([HELLO])
            took = time.monotonic() - began
            assert isinstance(outcome, Fault)
            assert took < 1.1 * deadline + 0.1 + 0.5, (model.model, took)  # 0.5: a busy machine


def test_an_endless_body_takes_no_more_memory_than_the_cap() -> None:
    with FaultServer() as server:
        model = OpenAIHttp(server.base_url, "endless", deadline=5.0, most_bytes=1 << 20)
        tracemalloc.start()
        (outcome,) = model.complete([HELLO])
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert isinstance(outcome, Fault)
    assert outcome.kind == "truncated"
    assert peak < 20 * 2**20


@pytest.mark.parametrize("calls", [200, pytest.param(1_500, marks=pytest.mark.slow)])
def test_never_more_at_once_than_allowed_and_through_a_storm(calls: int) -> None:
    with FaultServer(latency=0.002) as server:
        requests = [Request((Message("user", str(i)),)) for i in range(calls)]
        model = OpenAIHttp(server.base_url, "ok", at_once=8)
        assert all(isinstance(one, Completion) for one in model.complete(requests))
        assert server.peak <= 8
        storm = OpenAIHttp(server.base_url, f"rate*{calls // 25 + 30},ok", at_once=8, attempts=200)
        outcomes = storm.complete(requests)
        assert all(isinstance(one, Completion) for one in outcomes)
        assert sum(one.attempts for one in outcomes) == server.tries[storm.model]
        assert server.peak <= 8


def test_a_refusal_for_the_rate_halves_at_once_whatever_is_under_way() -> None:
    async def scenario() -> float:
        limit = AdaptiveLimit(32)
        async with limit.slot() as seen:
            limit.overloaded(seen)
        return limit.limit

    assert asyncio.run(scenario()) == 16.0


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts open files on Linux")
def test_cancelled_calls_leave_nothing_behind() -> None:
    rng = random.Random(45)

    async def scenario(model: OpenAIHttp) -> int:
        tasks = [asyncio.create_task(model.complete_async([HELLO])) for _ in range(200)]
        for task in rng.sample(tasks, 200):
            if rng.random() < 0.3:
                await asyncio.sleep(rng.random() * 0.01)
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0.05)
        assert len(asyncio.all_tasks()) == 1  # this one
        return sum(isinstance(one, asyncio.CancelledError) for one in ended)

    with FaultServer(latency=0.3) as server:
        model = OpenAIHttp(server.base_url, "ok")
        asyncio.run(model.complete_async([HELLO]))
        before, threads = open_files(), threading.active_count()
        assert asyncio.run(scenario(model)) > 150
        for _ in range(100):  # the server's own ends of the connections close a little later
            if open_files() <= before:
                break
            time.sleep(0.05)
        assert open_files() <= before
        assert threading.active_count() <= threads + 1


@pytest.mark.parametrize("attempts", [1, pytest.param(4, marks=pytest.mark.slow)])
def test_tries_at_the_server_are_tries_on_record(attempts: int) -> None:
    with FaultServer() as server:
        for step in FAULTS:
            model = OpenAIHttp(server.base_url, step, deadline=0.4, attempts=attempts)
            outcomes = model.complete([HELLO] * 2)
            logged = sum(one.attempts for one in outcomes)
            assert server.tries[step] == logged <= 2 * attempts, step
