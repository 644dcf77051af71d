"""A cap on model calls: nothing is sent that could break it, whatever happens to a call."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from gtalign_agents.backends.chat import Completion, Fault, Message, Outcome, Request, Sampling
from gtalign_agents.backends.purse import Account, Purse
from gtalign_agents.backends.scripted import ScriptedModel
from gtalign_env.pricing import Rates, Usage

RATES = Rates(input=3, cached_input=1, output=10, reasoning=10)


class Chancy:
    """A model whose calls use what they are told, or fail."""

    name = "chancy"

    def __init__(self, fates: Sequence[int | None]) -> None:
        self.fates = list(fates)
        self.sent = 0

    def complete(self, requests: Sequence[Request]) -> list[Outcome]:
        made: list[Outcome] = []
        for request in requests:
            fate = self.fates[self.sent % len(self.fates)]
            self.sent += 1
            if fate is None:
                made.append(Fault("timeout", "too late", 2))
            else:
                usage = Usage(len(request.messages[0].content), 0, min(fate, 50), 0)
                made.append(Completion("x", "stop", usage, "server", self.name))
        return made


def asked(text: str = "hello") -> Request:
    return Request((Message("user", text),), Sampling(max_tokens=50))


@given(
    fates=st.lists(st.one_of(st.none(), st.integers(0, 50)), min_size=1, max_size=20),
    cap=st.integers(0, 20_000),
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=8),
)
def test_the_cap_holds_whatever_happens(
    fates: list[int | None], cap: int, sizes: list[int]
) -> None:
    purse = Purse(Chancy(fates), RATES, Account(cap))
    for size in sizes:
        outcomes = purse.complete([asked()] * size)
        assert len(outcomes) == size
        assert 0 <= purse.account.spent <= cap
        refused = [o for o in outcomes if isinstance(o, Fault) and o.kind == "budget"]
        assert all(fault.attempts == 0 for fault in refused)
        if refused:  # only where the worst case of one more call does not fit
            assert purse.worst_case(asked()) > purse.account.left


def test_nearly_all_is_used_because_what_is_not_spent_makes_room() -> None:
    model = Chancy([10])
    purse = Purse(model, RATES, Account(100_000))
    purse.complete([asked()] * 2000)
    assert purse.account.spent == model.sent * (5 * 3 + 10 * 10)
    assert purse.account.spent >= 0.95 * purse.account.cap


def test_a_call_that_failed_after_it_was_sent_counts_with_its_worst_case() -> None:
    purse = Purse(Chancy([None]), RATES, Account(100_000))
    purse.complete([asked()])
    assert purse.account.spent == purse.worst_case(asked())
    assert purse.account.unknown == 1
    never_sent = Purse(Chancy([None]), RATES, Account(10))
    (fault,) = never_sent.complete([asked()])
    assert isinstance(fault, Fault)
    assert (fault.kind, never_sent.account.spent) == ("budget", 0)
    assert "0.00000000001 USD is left" in fault.message


def test_every_try_that_may_be_billed_is_reserved() -> None:
    once, thrice = (Purse(Chancy([None]), RATES, Account(10**6), tries=tries) for tries in (1, 3))
    assert thrice.worst_case(asked()) == 3 * once.worst_case(asked())
    thrice.complete([asked()])  # fails after two tries
    assert thrice.account.spent == 2 * once.worst_case(asked())


def test_the_worst_case_bounds_any_tokenizer() -> None:
    # no tokenizer makes more tokens of a text than it has bytes
    purse = Purse(Chancy([0]), RATES, Account(1))
    text = "ÄÖÜ 漢字 𝔘"
    assert purse.worst_case(asked(text)) >= len(text.encode()) * RATES.input + 50 * RATES.output


def test_a_call_whose_tokens_nobody_counted_counts_with_its_worst_case() -> None:
    purse = Purse(ScriptedModel(lambda request: "Yes."), RATES, Account(100_000))
    purse.complete([asked()])
    assert purse.account.spent == purse.worst_case(asked())
    assert purse.account.unknown == 1


def test_models_can_share_an_account_and_every_reservation_is_told_before_it_is_used() -> None:
    told: list[int] = []
    account = Account(5_000, tell=told.append)
    first = Purse(Chancy([10, None]), RATES, account)
    second = Purse(Chancy([None, 20]), Rates(5, 5, 5, 5), account)
    for purse in (first, second) * 4:
        before = len(told)
        purse.complete([asked()] * 2)
        told_now = told[before:]
        # in pairs: what may be spent before the calls, what has been spent after them
        assert all(most >= spent for most, spent in zip(told_now[::2], told_now[1::2], strict=True))
    assert max(told) <= account.cap
    assert told[-1] == account.spent
