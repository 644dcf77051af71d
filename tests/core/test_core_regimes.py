"""Tiers, minimum, cap and surge: closed forms, and the live bill under any regime."""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gtalign_env.core.conversation import Conversation
from gtalign_env.core.exact import normal_form
from gtalign_env.core.ledger import Exchange, bill
from gtalign_env.core.moves import AssistantMove, Ending
from gtalign_env.core.rules import legal_user_moves
from gtalign_env.core.spec import GameSpec
from gtalign_env.draws import Draws, Seat
from gtalign_env.envs.table import Table
from gtalign_env.pricing import (
    Cap,
    Component,
    History,
    Minimum,
    Outcome,
    PerMessage,
    PerToken,
    Rates,
    Regime,
    Subscription,
    Surge,
    Tiered,
    Usage,
)

rate = st.integers(0, 10**7)
money = st.integers(0, 10**10)
bounds = st.lists(st.integers(1, 3000), max_size=3, unique=True).map(sorted)
multiplier = st.fractions(0, 5, max_denominator=97)


def tiers(cut: list[int], rates: list[int], meter: str) -> Tiered:
    return Tiered(meter, tuple(cut), tuple(rates[: len(cut) + 1]))


components: st.SearchStrategy[Component] = st.one_of(
    st.builds(PerToken, st.builds(Rates, rate, rate, rate, rate)),
    st.builds(PerMessage, money),
    st.builds(Subscription, money, st.none() | st.integers(0, 900), rate),
    st.builds(
        tiers,
        bounds,
        st.lists(rate, min_size=4, max_size=4),
        st.sampled_from(("output", "input", "total")),
    ),
    st.builds(Minimum, money),
    st.builds(Cap, money),
    st.builds(Outcome, money),
    st.builds(Surge, multiplier, st.integers(0, 3), st.none() | st.integers(0, 5)),
)
regimes = st.builds(
    Regime, st.just("any"), st.lists(components, max_size=6).map(tuple), st.booleans()
)
lengths = st.integers(0, 1500)
talks = st.lists(
    st.tuples(lengths, lengths, lengths, st.sampled_from(AssistantMove)), min_size=1, max_size=6
).map(lambda rows: [Exchange(Usage(i, i // 2, o, r), move) for i, o, r, move in rows])


def cost_of(regime: Regime, talk: list[Exchange], conversation: int) -> Fraction:
    """Return what a conversation costs before rounding, from its totals; no minimum, no cap."""
    charged = [not (regime.free_questions and move is AssistantMove.CQ) for _, move in talk]
    total = Fraction(0)
    for part in regime.components:
        before = dict.fromkeys(("input", "output", "total"), 0)
        for (used, _), counts, first in zip(talk, charged, [1, *[0] * len(talk)], strict=False):
            amount = 0
            match part:
                case PerToken(rates):
                    fresh = used.input - used.cached_input
                    amount = fresh * rates[0] + used.cached_input * rates[1]
                    amount += used.output * rates[2] + used.reasoning * rates[3]
                case PerMessage(fee):
                    amount = fee
                case Subscription(share, included, overage):
                    amount = share * first
                    if included is not None:
                        end = before["output"] + used.output
                        paid = range(before["output"], end)  # token by token
                        amount += overage * max(0, end - max(included, paid.start))
                case Tiered(meter, cut, rates):
                    size = {"input": used.input, "output": used.output, "total": sum(used[::2])}
                    size["total"] += used.reasoning
                    edges = [0, *cut, 10**9]
                    low, high = before[meter], before[meter] + size[meter]
                    for k, one in enumerate(rates):
                        amount += one * max(0, min(high, edges[k + 1]) - max(low, edges[k]))
                case _:
                    amount = 0
            total += amount * counts
            before["input"] += used.input
            before["output"] += used.output
            before["total"] += used.input + used.output + used.reasoning
    for part in regime.components:
        if isinstance(part, Surge):
            index = conversation if part.every is None else conversation % part.every
            if part.start <= index and (part.stop is None or index < part.stop):
                total *= part.multiplier
    return total


@given(regimes, talks, st.integers(0, 6))
def test_a_conversation_costs_its_totals_between_minimum_and_cap(
    regime: Regime, talk: list[Exchange], conversation: int
) -> None:
    paid = sum(bill(talk, False, regime, conversation))
    minimum = max([0, *(p.amount for p in regime.components if isinstance(p, Minimum))])
    cap = min([10**30, *(p.amount for p in regime.components if isinstance(p, Cap))])
    if all(regime.free_questions and move is AssistantMove.CQ for _, move in talk):
        assert paid == 0
        return
    exact = cost_of(regime, talk, conversation)
    expected = min(Fraction(cap), max(Fraction(minimum), exact))
    # a surge rounds once an exchange, by at most one half
    assert abs(paid - expected) <= (Fraction(len(talk), 2) if exact.denominator > 1 or paid else 0)
    if regime.at(conversation).surge.denominator == 1:
        assert paid == expected


@pytest.mark.parametrize(
    ("meter", "used", "amount"),
    [
        ("output", Usage(900, 0, 250, 70), 100 * 5 + 150 * 3),
        ("input", Usage(250, 200, 900, 70), 100 * 5 + 150 * 3),
        ("total", Usage(120, 0, 230, 50), 100 * 5 + 200 * 3 + 100 * 1),
    ],
)
def test_a_tier_bills_what_its_meter_counts(meter: str, used: Usage, amount: int) -> None:
    price = Tiered(meter, (100, 300), (5, 3, 1))
    assert price.charge(used, History(0, 0)) == amount


def test_tiers_do_not_care_how_a_conversation_is_cut() -> None:
    regime = Regime("t", (Tiered("output", (100, 300), (5, 3, 1)),))
    for cut in ([400], [100, 200, 100], [1] * 400, [99, 2, 299]):
        talk = [Exchange(Usage(7, 0, n, 7), AssistantMove.DA_CONCISE) for n in cut]
        assert sum(bill(talk, False, regime)) == 100 * 5 + 200 * 3 + 100


def test_a_minimum_is_paid_at_first_and_then_used_up() -> None:
    def charges(*parts: Component, free: bool = False, first: int = 0) -> list[int]:
        talk = [Exchange(Usage(0, 0, 40, 0), AssistantMove(first)), *[exchange] * 3]
        return bill(talk, True, Regime("m", parts, free))

    exchange = Exchange(Usage(0, 0, 40, 0), AssistantMove.DA_CONCISE)
    price, question = PerToken(Rates(0, 0, 1, 0)), int(AssistantMove.CQ)
    assert charges(price, Minimum(100)) == [100, 0, 20, 40]
    assert charges(price, Minimum(100), Minimum(50)) == [100, 0, 20, 40]
    assert charges(price, Cap(90)) == [40, 40, 10, 0]
    assert charges(price, Cap(90), Cap(95)) == [40, 40, 10, 0]
    assert charges(price, Minimum(100), Cap(130)) == [100, 0, 20, 10]
    assert charges(price, Minimum(100), Cap(60)) == [60, 0, 0, 0]  # the cap binds the minimum
    # a free question neither calls for the minimum nor uses it up
    assert charges(price, Minimum(100), free=True, first=question) == [0, 100, 0, 20]
    # the outcome fee stands apart from both
    assert charges(price, Minimum(100), Cap(110), Outcome(7)) == [100, 0, 10, 0, 7]


def test_a_surge_rounds_half_even_once_an_exchange_before_minimum_and_cap() -> None:
    exchange = Exchange(Usage(0, 0, 5, 0), AssistantMove.DA_CONCISE)
    price, half = PerToken(Rates(0, 0, 1, 0)), Surge(Fraction(1, 2))
    for parts, charges in (
        ((price, half), [2, 2, 2]),  # 2.5 to even, three times; not 7.5 at the end
        ((price, half, Surge(Fraction(3))), [8, 8, 8]),  # 7.5 to even: factors multiply, then round
        ((price, Surge(Fraction(2)), Minimum(25)), [25, 0, 5]),
        ((price, Surge(Fraction(2)), Cap(15)), [10, 5, 0]),
        ((price, Surge(Fraction(0))), [0, 0, 0]),
        ((Surge(Fraction(3)), Outcome(4)), [0, 0, 0, 4]),  # the outcome fee does not surge
    ):
        assert bill([exchange] * 3, True, Regime("s", parts)) == charges


def test_a_surge_follows_the_conversation() -> None:
    exchange = [Exchange(Usage(0, 0, 5, 0), AssistantMove.DA_CONCISE)]
    price = PerToken(Rates(0, 0, 1, 0))

    def paid(surge: Surge) -> list[int]:
        regime = Regime("s", (price, surge))
        return [sum(bill(exchange, False, regime, i)) for i in range(9)]

    two = Fraction(2)
    assert paid(Surge(two, 3)) == [5, 5, 5, 10, 10, 10, 10, 10, 10]
    assert paid(Surge(two, 3, 5)) == [5, 5, 5, 10, 10, 5, 5, 5, 5]
    assert paid(Surge(two, 1, 2, every=4)) == [5, 10, 5, 5, 5, 10, 5, 5, 5]
    assert paid(Surge(two, 2, None, every=4)) == [5, 5, 10, 10, 5, 5, 10, 10, 5]
    resolved = Regime("s", (price, Surge(two, 3))).at(7)
    assert resolved.surge == 2
    assert resolved.surges == ()
    assert resolved.at(0) is resolved
    assert Regime("plain", (price,)).at(5).surge == 1


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Tiered("outptu", (), (1,)),
        lambda: Tiered("output", (5,), (1,)),
        lambda: Tiered("output", (5, 5), (1, 2, 3)),
        lambda: Tiered("output", (0,), (1, 2)),
        lambda: Tiered("output", (5,), (1, -2)),
        lambda: Surge(Fraction(-1)),
        lambda: Surge(Fraction(1), every=0),
    ],
)
def test_what_is_no_component_is_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match=r"tier|surge"):
        wrong()  # type: ignore[operator]  # a function


@settings(max_examples=300)
@given(regimes, st.integers(0, 2**32), st.integers(0, 10**11), st.integers(0, 5))
def test_the_live_bill_is_the_bill_of_the_record_and_never_beyond_the_budget(
    quick: GameSpec, regime: Regime, seed: int, budget: int, conversation: int
) -> None:
    spec = replace(quick, regime=regime, max_exchanges=6).at(conversation)
    rng, talk = random.Random(seed), Conversation(spec, Draws(seed, 0))
    talk.who = talk.who._replace(budget=budget, persistence=3)
    while talk.state.ending is None:
        if talk.state.to_move is Seat.USER:
            talk.step_user(rng.choice(legal_user_moves(talk.state)))
        else:
            talk.step_assistant(rng.choice(tuple(AssistantMove)))
        assert talk.state.charged <= budget
    live = [-line.amount for line in talk.ledger.lines if line.account is Seat.USER]
    accepted = talk.state.ending is Ending.ACCEPTED
    assert bill(talk.ledger.exchanges, accepted, regime, conversation) == live
    assert sum(live) == talk.state.charged
    assert min(live, default=0) >= 0


def test_what_is_played_and_seen_follows_the_conversation(quick: GameSpec) -> None:
    surge = Surge(Fraction(3), start=1, stop=2, every=2)
    spec = replace(quick, regime=Regime("s", (*quick.regime.components, surge)))
    table = Table(spec)
    table.seed(4)
    calm, dear, again = (table.open(i) for i in (0, 1, 2))
    assert [talk.spec.regime.surge for talk in (calm, dear)] == [Fraction(1), Fraction(3)]
    assert again.spec is calm.spec
    assert table.price(calm.spec)[-1] == 0.0
    assert table.price(dear.spec)[-1] == 0.5
    # at another price the same draws are played
    assert dear.draws == Conversation(quick, table.draws(quick, 1)).draws
    cells = normal_form(spec), normal_form(spec.at(1)), normal_form(quick)
    assert (cells[0].charge == cells[2].charge).all()
    cheap = slice(0, 2)  # concise and standard answers fit the budget at both prices
    assert cells[1].charge[:, cheap] == pytest.approx(3 * cells[2].charge[:, cheap])
