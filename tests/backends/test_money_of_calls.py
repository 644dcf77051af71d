"""The cap on model calls under threads, cancellations and faults, and usage that cannot be."""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence

import pytest

from gtalign_agents.backends.chat import Completion, Fault, Message, Outcome, Request, Sampling
from gtalign_agents.backends.openai_http import OpenAIHttp
from gtalign_agents.backends.purse import Account, Purse
from gtalign_env.pricing import Rates, Usage
from gtalign_env.testing import FaultServer

RATES = Rates(input=3, cached_input=1, output=10, reasoning=10)


class Cancelled(BaseException):
    """Stands in for an interruption."""


class Provider:
    """Bills what it has said, to itself, under chance; fails and is interrupted at times."""

    name = "provider"

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.billed = 0

    def complete(self, requests: Sequence[Request]) -> list[Outcome]:
        made: list[Outcome] = []
        for _ in requests:
            usage = Usage(self.rng.randint(1, 6), 0, self.rng.randint(1, 50), 0)
            self.billed += RATES.of(usage)
            fate = self.rng.random()
            if fate < 0.01:
                raise Cancelled
            if fate < 0.1:
                made.append(Fault("server", "status 500", 1, retryable=True))
            else:
                made.append(Completion("x", "stop", usage, "server", self.name))
        return made


@pytest.mark.parametrize(
    ("tasks", "calls"), [(64, 150), pytest.param(64, 10_000, marks=pytest.mark.slow)]
)
def test_the_cap_holds_among_threads_cancellations_and_faults(tasks: int, calls: int) -> None:
    request = Request((Message("user", "hi"),), Sampling(max_tokens=50))
    worst = Purse(Provider(0), RATES, Account(0)).worst_case(request)
    told: list[int] = []
    # a call costs half its worst case or less on average: the cap is met before the calls are over
    account = Account(worst * tasks * calls // 4, tell=told.append)
    providers = [Provider(i) for i in range(tasks)]

    def work(provider: Provider) -> None:
        purse = Purse(provider, RATES, account)
        for _ in range(calls // 10):
            try:
                purse.complete([request] * 10)
            except Cancelled:
                continue

    threads = [threading.Thread(target=work, args=(one,)) for one in providers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    billed = sum(one.billed for one in providers)
    assert billed <= account.spent <= account.cap
    assert account.reserved == 0
    assert account.spent >= 0.95 * account.cap
    assert max(told) <= account.cap
    assert told[-1] == account.spent


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        ("negative_usage", "out_of_range"),
        ("absurd_usage", "out_of_range"),
        ("text_usage", "schema"),
    ],
)
def test_usage_that_cannot_be_is_a_fault(step: str, kind: str) -> None:
    with FaultServer() as server:
        (outcome,) = OpenAIHttp(server.base_url, step, attempts=1).complete([Request(())])
    assert isinstance(outcome, Fault)
    assert outcome.kind == kind


@pytest.mark.parametrize(("ours", "source"), [(10, "server"), (12, "server"), (14, "disputed"), (5, "disputed")])  # fmt: skip
def test_a_count_that_differs_from_our_own_is_marked(ours: int, source: str) -> None:
    with FaultServer(
        lambda messages: "word " * 8
    ) as server:  # which the server counts as 11 tokens
        model = OpenAIHttp(server.base_url, "ok", count=lambda text: ours)
        (outcome,) = model.complete([Request((Message("user", "x"),))])
    assert isinstance(outcome, Completion)
    assert outcome.usage.output == 11
    assert outcome.usage_source == source


def test_usage_that_is_missing_is_estimated_and_counts_with_its_worst_case() -> None:
    request = Request((Message("user", "x"),), Sampling(max_tokens=50))
    with FaultServer() as server:
        account = Account(10**9)
        purse = Purse(OpenAIHttp(server.base_url, "no_usage"), RATES, account)
        (outcome,) = purse.complete([request])
    assert isinstance(outcome, Completion)
    assert outcome.usage_source == "estimate"
    assert (account.spent, account.unknown) == (purse.worst_case(request), 1)
