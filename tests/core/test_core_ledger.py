"""The bill: conservation, and one play billed again under any regime."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from gtalign_env.core.conversation import Conversation
from gtalign_env.core.ledger import bill
from gtalign_env.core.moves import ONGOING, AssistantMove, Ending, UserMove
from gtalign_env.core.rules import State, legal_user_moves
from gtalign_env.core.spec import GameSpec
from gtalign_env.draws import Draws, Seat
from gtalign_env.pricing import Outcome, PerMessage, Regime
from gtalign_env.scenario.library import list_entries
from gtalign_env.scenario.loader import load_pricing

GameMaker = Callable[..., GameSpec]
RICH = 10**18  # pico-USD: a budget that nothing exceeds


def play_on(talk: Conversation, rng: random.Random) -> Conversation:
    while talk.state.ending is None:
        if talk.state.to_move is Seat.USER:
            talk.step_user(rng.choice(legal_user_moves(talk.state)))
        else:
            talk.step_assistant(rng.choice(tuple(AssistantMove)))
    return talk


def play_again(talk: Conversation, spec: GameSpec) -> Conversation:
    """Play the same moves with the same chance under another game, with money enough."""
    again = Conversation(spec, talk.draws)
    again.who = talk.who._replace(budget=RICH)
    usages = [exchange.usage for exchange in talk.ledger.exchanges]
    for index, move in enumerate(talk.user_moves):
        again.step_user(move)
        if index < len(usages):
            used = usages[index]
            answer = talk.assistant_moves[index]
            again.step_assistant(answer, output=used.output, reasoning=used.reasoning)
    return again


def test_money_is_neither_made_nor_lost(random_game: GameMaker) -> None:
    rng = random.Random(1)
    for episode in range(2_000):
        talk = play_on(Conversation(random_game(rng), Draws(2, episode)), rng)
        lines = talk.ledger.lines
        assert sum(line.amount for line in lines) == 0
        assert -talk.ledger.balance(Seat.USER) == talk.ledger.balance(Seat.ASSISTANT)
        assert -talk.ledger.balance(Seat.USER) == talk.state.charged
        for paid, received in zip(lines[::2], lines[1::2], strict=True):
            assert (paid.account, received.account) == (Seat.USER, Seat.ASSISTANT)
            assert paid.amount == -received.amount <= 0
            assert (paid.exchange, paid.usage) == (received.exchange, received.usage)


def test_the_bill_of_the_record_is_the_live_bill(random_game: GameMaker) -> None:
    rng = random.Random(2)
    for episode in range(1_000):
        spec = random_game(rng)
        talk = play_on(Conversation(spec, Draws(3, episode)), rng)
        accepted = talk.state.ending is Ending.ACCEPTED
        charges = bill(talk.ledger.exchanges, accepted, spec.regime)
        live = [-line.amount for line in talk.ledger.lines if line.account is Seat.USER]
        assert charges == live


@pytest.mark.parametrize("name", [entry.name for entry in list_entries("pricing")])
def test_the_record_under_another_regime_is_a_live_play_under_it(
    random_game: GameMaker, name: str
) -> None:
    rng = random.Random(3)
    regime = load_pricing(name).regime()
    for episode in range(150):
        spec = random_game(rng)
        talk = Conversation(spec, Draws(4, episode))
        talk.who = talk.who._replace(budget=RICH)
        play_on(talk, rng)
        other = play_again(talk, replace(spec, regime=regime))
        assert other.state.ending is talk.state.ending
        assert other.ledger.exchanges == talk.ledger.exchanges
        accepted = talk.state.ending is Ending.ACCEPTED
        assert sum(bill(talk.ledger.exchanges, accepted, regime)) == other.state.charged
        # and the price moves welfare by its own weight, and by nothing else
        dearer = (other.state.charged - talk.state.charged) / 10**12
        assert other.returns[0] == pytest.approx(
            talk.returns[0] - talk.who.price_sensitivity * dearer, abs=1e-9
        )
        assert other.returns[1] == pytest.approx(
            talk.returns[1] + spec.margin_weight * dearer, abs=1e-9
        )


def test_an_outcome_fee_beyond_the_budget_ends_it_before_anything_is_written(
    quick: GameSpec,
) -> None:
    spec = replace(quick, regime=Regime("r", (Outcome(10**12), PerMessage(0))))
    for opening in (UserMove.VQ, UserMove.DQ):
        talk = Conversation(spec, Draws(5, 0))
        rewards = talk.step_user(opening)
        assert talk.state.ending is Ending.BROKE
        assert rewards == (talk.who.outside_option, -spec.churn)  # no effort: nothing is written
        assert not talk.ledger.lines
        assert not talk.ledger.exchanges
        assert talk.state._replace(ended=ONGOING) == State()


def test_a_fee_that_fits_exactly_is_reserved_and_spent_on_nothing_else(quick: GameSpec) -> None:
    fee = 3 * 10**10
    for extra, ending in ((0, Ending.ACCEPTED), (1, Ending.BROKE)):
        regime = Regime("r", (Outcome(fee), PerMessage(2 * 10**10 + extra)))
        talk = Conversation(replace(quick, regime=regime), Draws(5, 0))
        assert talk.who.budget == 5 * 10**10
        talk.step_user(UserMove.DQ)
        talk.step_assistant(AssistantMove.DA_CONCISE, right=True)
        if talk.state.ending is None:
            talk.step_user(UserMove.ACCEPT)
        assert talk.state.ending is ending
        assert talk.state.charged == (5 * 10**10 if ending is Ending.ACCEPTED else 0)


def test_a_message_that_does_not_fit_is_computed_but_neither_delivered_nor_charged(
    quick: GameSpec,
) -> None:
    talk = Conversation(quick, Draws(6, 0))
    talk.who = talk.who._replace(budget=1)
    talk.step_user(UserMove.VQ)
    user, assistant = talk.step_assistant(AssistantMove.AQ_VERBOSE, right=True)
    cost = (215 * 500_000 + 510 * 2_000_000 + 100 * 2_000_000) / 10**12
    assert talk.state.ending is Ending.BROKE
    assert (user, assistant) == pytest.approx((0.0, -0.5 - 100 * cost), abs=1e-12)
    assert talk.state.charged == talk.state.total_output == talk.state.questions == 0
    assert talk.state.cost == round(cost * 10**12)
    assert not talk.ledger.lines
    assert not talk.ledger.exchanges
    assert talk.assistant_moves == (AssistantMove.AQ_VERBOSE,)
