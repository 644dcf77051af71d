"""What each scripted user does, on games where the answer is known by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from gtalign_agents.table import assistant_agent, user_agent
from gtalign_env.core.conversation import Conversation
from gtalign_env.core.moves import AssistantMove, Ending, UserMove
from gtalign_env.core.spec import GameSpec
from gtalign_env.draws import Draws, Purpose, Seat

VQ, DQ, REPLY, ACCEPT, FOLLOW_UP, LEAVE = UserMove


def play(spec: GameSpec, user: str, assistant: str, episode: int = 0) -> Conversation:
    talk = Conversation(spec, Draws(11, episode))
    return finish(talk, user, assistant)


def finish(talk: Conversation, user: str, assistant: str) -> Conversation:
    one, other = user_agent(user), assistant_agent(assistant)
    while talk.state.ending is None:
        if talk.state.to_move is Seat.USER:
            talk.step_user(one(talk.user_view(), talk.chance(Seat.USER, Purpose.POLICY)))
        else:
            u = talk.chance(Seat.ASSISTANT, Purpose.POLICY)
            talk.step_assistant(other(talk.assistant_view(), u))
    return talk


@pytest.fixture
def quick(priced: Callable[[str], GameSpec]) -> GameSpec:
    return priced("per_token")


@pytest.fixture
def hopeless(quick: GameSpec) -> GameSpec:
    """A game in which no answer is ever right."""
    return replace(quick, p_correct=0.0)


@pytest.fixture
def easy(quick: GameSpec) -> GameSpec:
    """A game in which every informed answer is right."""
    return replace(quick, p_correct=1.0, quality=(1.0, 1.0, 1.0), reply_clarity=1.0)


@pytest.mark.parametrize(
    ("user", "assistant", "moves"),
    [
        ("VQ", "DA:concise", (VQ, FOLLOW_UP, LEAVE)),
        ("DQ", "AQ:concise", (DQ, REPLY, LEAVE)),
        ("default@1", "CQ", (VQ, REPLY, FOLLOW_UP, LEAVE)),
        ("patient", "DA:concise", (DQ, FOLLOW_UP, FOLLOW_UP, FOLLOW_UP, LEAVE)),
        ("patient", "CQ", (DQ, REPLY, FOLLOW_UP, FOLLOW_UP, LEAVE)),
        ("impatient", "DA:verbose", (VQ, LEAVE)),
        ("impatient", "CQ", (VQ, LEAVE)),
        ("trusting", "DA:concise", (DQ, ACCEPT)),
        ("trusting", "CQ", (DQ, REPLY, ACCEPT)),
        ("over_asker", "AQ:verbose", (VQ, REPLY, FOLLOW_UP, FOLLOW_UP, LEAVE)),
    ],
)
def test_where_nothing_is_ever_right(
    hopeless: GameSpec, user: str, assistant: str, moves: tuple[UserMove, ...]
) -> None:
    assert play(hopeless, user, assistant).user_moves == moves


@pytest.mark.parametrize(
    ("user", "assistant", "moves"),
    [
        ("DQ", "DA:concise", (DQ, ACCEPT)),
        ("patient", "DA:concise", (DQ, ACCEPT)),
        ("patient", "CQ", (DQ, REPLY, ACCEPT)),
        ("over_asker", "CQ", (VQ, REPLY, FOLLOW_UP, FOLLOW_UP, ACCEPT)),
        ("default@0", "AQ:concise", (DQ, ACCEPT)),
    ],
)
def test_where_everything_told_is_right(
    easy: GameSpec, user: str, assistant: str, moves: tuple[UserMove, ...]
) -> None:
    assert play(easy, user, assistant).user_moves == moves


def test_the_share_of_vague_openings_is_the_one_after_the_name(quick: GameSpec) -> None:
    vague = [play(quick, "default@0.2", "CQ", i).user_moves[0] is VQ for i in range(400)]
    assert abs(sum(vague) / 400 - 0.2) <= 4 * (0.2 * 0.8 / 400) ** 0.5


@pytest.mark.parametrize("pricing", ["per_token", "per_message", "reasoning_api"])
def test_a_budget_watcher_goes_broke_in_its_first_exchange_or_never(
    priced: Callable[[str], GameSpec], pricing: str
) -> None:
    broke, left = 0, 0
    for cents in (0.03, 0.1, 0.2, 0.4, 0.8, 1.6):
        for episode in range(12):
            talk = Conversation(priced(pricing), Draws(2, episode))
            talk.who = talk.who._replace(budget=int(cents * 10**10), persistence=9)
            finish(talk, "budget_watcher", "random")
            broke += talk.state.ending is Ending.BROKE
            left += talk.state.ending is Ending.LEFT
            assert talk.state.charged <= talk.who.budget
            assert talk.state.ending is not Ending.BROKE or talk.state.exchange == 0
    assert broke > 0
    assert left > 0


def test_a_budget_watcher_opens_definitely_where_it_can_pay_for_any_answer(quick: GameSpec) -> None:
    for cents, opening in ((5.0, DQ), (0.01, VQ)):
        talk = Conversation(quick, Draws(2, 0))
        talk.who = talk.who._replace(budget=int(cents * 10**10))
        assert finish(talk, "budget_watcher", "CQ").user_moves[0] is opening


def test_an_exploiter_wears_out_a_flat_fee_and_spares_a_list_price(
    priced: Callable[[str], GameSpec],
) -> None:
    flat = replace(priced("subscription"), p_correct=0.0)
    asked = play(flat, "flat_fee_exploiter", "DA:concise")
    assert asked.user_moves == (VQ, FOLLOW_UP, FOLLOW_UP, FOLLOW_UP, LEAVE)
    default = play(flat, "VQ", "DA:concise")
    assert asked.state.charged == default.state.charged
    assert asked.state.cost > default.state.cost
    dear = replace(priced("per_token"), p_correct=0.0)
    assert play(dear, "flat_fee_exploiter", "DA:concise").user_moves == (DQ, FOLLOW_UP, LEAVE)


def test_random_users_choose_evenly_among_legal_moves(quick: GameSpec) -> None:
    openings = [play(quick, "random", "random", i).user_moves[0] for i in range(600)]
    assert abs(openings.count(VQ) / 600 - 0.5) <= 4 * (0.25 / 600) ** 0.5
    user, talk = user_agent("random"), Conversation(quick, Draws(0, 0))
    talk.step_user(DQ)
    talk.step_assistant(AssistantMove.DA_CONCISE)
    moves = [user(talk.user_view(), (i + 0.5) / 300) for i in range(300)]
    assert {move: moves.count(move) for move in moves} == {ACCEPT: 100, FOLLOW_UP: 100, LEAVE: 100}
