"""Charges against closed forms in fractions of a USD, written out from the price lists."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtalign_env.core.ledger import Exchange, bill
from gtalign_env.core.moves import AssistantMove
from gtalign_env.money import PICO_PER_USD, parse_money, rate_per_token
from gtalign_env.pricing import (
    Component,
    History,
    Outcome,
    PerMessage,
    PerToken,
    Rates,
    Regime,
    Subscription,
    Usage,
)

tokens = st.integers(0, 10**6)
rates = st.builds(Rates, *(st.integers(0, 10**9) for _ in range(4)))
usages = st.tuples(tokens, tokens, tokens, tokens).map(
    lambda t: Usage(t[0] + t[1], t[1], t[2], t[3])
)
money = st.integers(0, 10**16)
histories = st.tuples(st.integers(0, 9), tokens, tokens, tokens, money).map(
    lambda t: History(*t, charged=t[-1])  # without minimum or cap the running sum is charged
)
components: st.SearchStrategy[Component] = (
    st.builds(PerToken, rates)
    | st.builds(PerMessage, money)
    | st.builds(Subscription, money, st.none() | tokens, st.integers(0, 10**9))
    | st.builds(Outcome, money)
)


@given(rates, usages, histories)
def test_tokens_are_billed_at_their_four_rates(rate: Rates, used: Usage, seen: History) -> None:
    usd = (
        Fraction(rate.input, PICO_PER_USD) * (used.input - used.cached_input)
        + Fraction(rate.cached_input, PICO_PER_USD) * used.cached_input
        + Fraction(rate.output, PICO_PER_USD) * used.output
        + Fraction(rate.reasoning, PICO_PER_USD) * used.reasoning
    )
    assert Fraction(PerToken(rate).charge(used, seen), PICO_PER_USD) == usd


def test_a_worked_bill_by_the_token() -> None:
    # 1,000 input of which 400 cached, 500 output, 200 reasoning, at 3.00 / 0.30 / 15.00 / 15.00
    # USD per 1M tokens: 0.0018 + 0.00012 + 0.0075 + 0.003 USD
    price = PerToken(Rates(*map(rate_per_token, (3, 0.3, 15, 15))))
    assert price.charge(Usage(1000, 400, 500, 200), History(0, 0)) == parse_money("0.01242 USD")


@given(money, usages, histories)
def test_a_message_costs_its_fee(fee: int, used: Usage, seen: History) -> None:
    assert PerMessage(fee).charge(used, seen) == fee


@given(st.integers(0, 10**16), st.integers(1, 10**6))
def test_a_subscription_is_shared_half_even(fee: int, conversations: int) -> None:
    assert Subscription.spread(fee, conversations) == round(Fraction(fee, conversations))


@given(money, usages, histories)
def test_the_share_is_charged_with_the_first_exchange_only(
    share: int, used: Usage, seen: History
) -> None:
    assert Subscription(share).charge(used, seen) == (share if seen.exchanges == 0 else 0)


@given(money, tokens, st.integers(0, 10**9), st.lists(st.integers(0, 5000), min_size=1))
def test_overage_is_what_the_whole_conversation_has_beyond_the_allowance(
    share: int, allowance: int, overage: int, outputs: list[int]
) -> None:
    regime = Regime("s", (Subscription(share, allowance, overage),))
    talk = [Exchange(Usage(9, 0, n, 9), AssistantMove.DA_CONCISE) for n in outputs]
    beyond = max(0, sum(outputs) - allowance)
    assert sum(bill(talk, False, regime)) == share + beyond * overage


def test_an_exchange_that_crosses_the_allowance_pays_for_the_part_beyond() -> None:
    price = Subscription(0, 100, 7)
    crossing = [price.charge(Usage(0, 0, 60, 0), History(i, 60 * i)) for i in range(3)]
    assert crossing == [0, 20 * 7, 60 * 7]
    at_zero = Subscription(0, 0, 7)
    assert at_zero.charge(Usage(0, 0, 60, 0), History(0, 0)) == 420


@given(st.lists(components, min_size=1, max_size=5), usages, histories, st.booleans())
def test_components_add_up(
    parts: list[Component], used: Usage, seen: History, question: bool
) -> None:
    both = Regime("all", tuple(parts))
    each = sum(Regime("one", (part,)).charge(used, question, seen) for part in parts)
    assert both.charge(used, question, seen) == each
    assert both.outcome_fee == sum(part.fee for part in parts if isinstance(part, Outcome))


@given(st.lists(components, min_size=1, max_size=5), usages, histories)
def test_free_questions_cost_nothing_and_nothing_else_is_free(
    parts: list[Component], used: Usage, seen: History
) -> None:
    free, full = (Regime("r", tuple(parts), switch) for switch in (True, False))
    assert free.charge(used, True, seen) == 0
    assert free.charge(used, False, seen) == full.charge(used, False, seen)
    assert full.charge(used, True, seen) == full.charge(used, False, seen)


def test_the_tokens_of_a_free_question_count_against_the_allowance() -> None:
    regime = Regime("r", (Subscription(5, 50, 3),), free_questions=True)
    ask = Exchange(Usage(10, 0, 40, 0), AssistantMove.CQ)
    answer = Exchange(Usage(60, 10, 40, 0), AssistantMove.DA_CONCISE)
    both = Exchange(Usage(60, 10, 40, 0), AssistantMove.AQ_CONCISE)
    assert bill([ask, answer], False, regime) == [0, 30 * 3]
    assert bill([answer, ask, both], False, regime) == [5, 0, 40 * 3]  # AQ is no pure question


def test_an_outcome_fee_is_a_line_of_its_own() -> None:
    regime = Regime("r", (Outcome(7), PerMessage(2)))
    talk = [Exchange(Usage(1, 0, 1, 0), AssistantMove.DA_CONCISE)] * 2
    assert bill(talk, True, regime) == [2, 2, 7]
    assert bill(talk, False, regime) == [2, 2]
    assert bill(talk, True, Regime("r", (Outcome(0),))) == [0, 0]


@pytest.mark.parametrize("component", [PerToken(Rates(3, 2, 5, 7)), PerMessage(11)])
def test_charges_do_not_depend_on_what_went_before(component: Component) -> None:
    used = Usage(10, 4, 3, 2)
    assert component.charge(used, History(0, 0)) == component.charge(used, History(5, 999))
