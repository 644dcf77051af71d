"""Models on a server: every way to fail has its own kind, no call outlives its deadline."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

from gtalign_agents.backends.chat import Completion, Fault, Message, Outcome, Request, Sampling
from gtalign_agents.backends.openai_http import OpenAIHttp
from gtalign_env.pricing import Usage
from gtalign_env.testing import FAULTS, FaultServer

HELLO = Request((Message("user", "Hello there."),))

EXPECTED: dict[str, tuple[str | None, bool]] = {  # kind, or None for an answer; is it tried again
    "reset": ("connect", True),
    "hang": ("timeout", False),  # the deadline is spent
    "drip": ("timeout", False),
    "slow_header": ("timeout", False),  # unless the library stops at so many headers
    "endless": ("truncated", False),
    "cut": ("truncated", True),
    "huge": ("truncated", False),
    "gzip": ("truncated", False),
    "rate": ("rate", True),
    "rate_after": ("rate", True),
    "rate_never": ("rate", False),
    "error500": ("server", True),
    "error503": ("server", True),
    "forbidden": ("refused", False),
    "redirect": ("server", False),
    "html": ("bad_json", True),
    "error_body": ("server", False),
    "no_choices": ("schema", True),
    "null_choices": ("schema", True),
    "null_content": ("schema", True),
    "list_body": ("schema", True),
    "refusal": ("refused", False),
    "length": (None, False),
    "no_usage": (None, False),
    "negative_usage": ("out_of_range", False),
    "absurd_usage": ("out_of_range", False),
    "text_usage": ("schema", True),
}


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    with FaultServer() as running:
        yield running


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gtalign_agents.backends.limits.FIRST_WAIT", 0.01)


def ask(server: FaultServer, model: str, request: Request = HELLO, **settings: Any) -> Outcome:
    backend = OpenAIHttp(server.base_url, model, **({"deadline": 3.0, "attempts": 3} | settings))
    (outcome,) = backend.complete([request])
    return outcome


def test_every_fault_of_the_server_is_expected_here() -> None:
    assert set(EXPECTED) == set(FAULTS)


@pytest.mark.parametrize("step", FAULTS)
def test_each_fault_has_its_kind_and_is_tried_as_often_as_it_says(
    server: FaultServer, step: str
) -> None:
    kind, again = EXPECTED[step]
    before = server.tries[step]
    started = time.monotonic()
    outcome = ask(server, step, deadline=0.5 if kind == "timeout" else 3.0)
    assert time.monotonic() - started < 3.5
    assert outcome.attempts == server.tries[step] - before == (3 if again else 1)
    if kind is None:
        assert isinstance(outcome, Completion)
    else:
        assert isinstance(outcome, Fault)
        assert outcome.kind == kind
        assert "Hello" not in outcome.message


def test_nobody_there_is_a_fault_of_the_connection() -> None:
    outcome = OpenAIHttp("http://127.0.0.1:9/v1", "x", attempts=2).complete([HELLO])[0]
    assert isinstance(outcome, Fault)
    assert (outcome.kind, outcome.attempts) == ("connect", 2)


@pytest.mark.parametrize("deadline", [0.3, 1.0])
@pytest.mark.parametrize("step", ["drip", "hang", "error500*99"])
def test_the_deadline_is_of_the_whole_call(server: FaultServer, step: str, deadline: float) -> None:
    taken: list[float] = []
    while not taken or (
        min(taken) >= 1.1 * deadline + 0.3 and len(taken) < 3
    ):  # others may be busy
        started = time.monotonic()
        outcome = ask(server, step, deadline=deadline, attempts=1000)
        taken.append(time.monotonic() - started)
        assert isinstance(outcome, Fault)
    assert min(taken) < 1.1 * deadline + 0.3


def test_a_good_answer_has_text_usage_and_who_counted(server: FaultServer) -> None:
    outcome = ask(server, "ok")
    assert outcome == Completion(
        text="Fine.",
        finish="stop",
        usage=Usage(input=4, cached_input=0, output=2, reasoning=0),
        usage_source="server",
        model="ok",
    )
    estimated = ask(server, "no_usage")
    assert isinstance(estimated, Completion)
    assert estimated.usage_source == "estimate"
    cut = ask(server, "length")
    assert isinstance(cut, Completion)
    assert not cut.is_whole


def test_it_goes_on_where_the_server_recovers(server: FaultServer) -> None:
    for step in ("rate,ok", "error503*2,ok", "reset,cut,ok", "rate_after,ok"):
        outcome = ask(server, step)
        assert isinstance(outcome, Completion)
        assert outcome.attempts == server.tries[step]


def test_the_server_s_wait_is_honoured(server: FaultServer) -> None:
    started = time.monotonic()
    assert isinstance(ask(server, "rate_after*2,ok"), Completion)
    assert time.monotonic() - started >= 0.2


def test_a_huge_body_is_not_read() -> None:
    with FaultServer() as server:
        tracemalloc.start()
        outcome = ask(server, "huge", most_bytes=1 << 16)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert isinstance(outcome, Fault)
    assert outcome.kind == "truncated"
    assert peak < 60 * 2**20  # the server's own copies stand in this process


def test_answers_come_in_the_order_of_the_requests_and_never_too_many_at_once() -> None:
    with FaultServer(lambda messages: messages[-1]["content"], latency=0.01) as server:
        backend = OpenAIHttp(server.base_url, "ok", at_once=8)
        requests = [Request((Message("user", str(i)),)) for i in range(100)]
        outcomes = backend.complete(requests)
        assert [getattr(outcome, "text", None) for outcome in outcomes] == [
            str(i) for i in range(100)
        ]
        assert server.peak <= 8


def test_under_a_storm_of_refusals_nothing_is_lost() -> None:
    with FaultServer(latency=0.005) as server:
        # all calls share one name, so the first 60 tries are refused, whoever makes them
        backend = OpenAIHttp(server.base_url, "rate*60,ok", at_once=16, attempts=30)
        outcomes = backend.complete([HELLO] * 100)
        assert all(isinstance(outcome, Completion) for outcome in outcomes)
        assert sum(outcome.attempts for outcome in outcomes) == server.tries["rate*60,ok"] == 160


def test_what_is_sent_is_what_was_asked_for(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    sampling = Sampling(max_tokens=7, temperature=0.5, top_p=0.9, seed=3, stop=("</payoff>",))
    request = Request((Message("system", "Be brief."), *HELLO.messages), sampling, index=2)
    ask(server, "ok", request)
    sent = server.prompts[-1]
    assert sent == {
        "model": "ok",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hello there."},
        ],
        "max_tokens": 7,
        "temperature": 0.5,
        "top_p": 0.9,
        "seed": 5,
        "stop": ["</payoff>"],
    }
    for step in ("forbidden", "reset", "html"):
        assert "sk-canary" not in repr(ask(server, step))


def test_a_turn_is_continued_only_where_the_server_can(server: FaultServer) -> None:
    request = Request(HELLO.messages, prefix="<thinking>")
    before = len(server.prompts)
    refused = ask(server, "ok", request)
    assert isinstance(refused, Fault)
    assert (refused.kind, refused.attempts) == ("refused", 0)
    assert len(server.prompts) == before
    assert isinstance(ask(server, "ok", request, continues=True), Completion)
    sent = server.prompts[-1]
    assert sent["messages"][-1] == {"role": "assistant", "content": "<thinking>"}
    assert sent["continue_final_message"] is True
    assert sent["add_generation_prompt"] is False


def test_a_schema_is_asked_for(server: FaultServer) -> None:
    ask(server, "ok", Request(HELLO.messages, schema={"type": "object"}))
    asked = server.prompts[-1]["response_format"]
    assert asked["json_schema"]["schema"] == {"type": "object"}
