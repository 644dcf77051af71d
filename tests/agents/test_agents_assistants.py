"""What each scripted assistant does, on games where the answer is known by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product

import pytest

from gtalign_agents.foresight import bills, replayed
from gtalign_agents.table import assistant_agent
from gtalign_env.core.conversation import Conversation
from gtalign_env.core.moves import AssistantMove, UserMove
from gtalign_env.core.oracle import bayes_oracle, evaluate_policy
from gtalign_env.core.policies import user_policy
from gtalign_env.core.spec import GameSpec
from gtalign_env.draws import Draws, Purpose, Seat

M = AssistantMove


def opened(spec: GameSpec, move: UserMove, episode: int = 0) -> Conversation:
    talk = Conversation(spec, Draws(11, episode))
    talk.step_user(move)
    return talk


def first_move(name: str, spec: GameSpec, opening: UserMove) -> AssistantMove:
    return assistant_agent(name)(opened(spec, opening).assistant_view(), 0.5)


def test_bills_are_what_the_conversation_then_charges(bundled: tuple[GameSpec, ...]) -> None:
    """Every kind of price, at any history: what an assistant expects is what is billed."""
    checked = 0
    for spec, episode in product(bundled, range(8)):
        talk = Conversation(spec, Draws(3, episode))
        # lengths that vary are billed as drawn, and thought of at their means
        exact = spec.has_constant_lengths
        user = user_policy("random")
        while talk.state.ending is None:
            if talk.state.to_move is Seat.USER:
                talk.step_user(user(talk.user_view(), talk.chance(Seat.USER, Purpose.POLICY)))
                continue
            move = M(episode % 7)
            view = talk.assistant_view()
            charge, cost = bills(spec, replayed(view))[move]
            before = talk.state
            talk.step_assistant(move)
            if exact:
                assert talk.state.cost - before.cost == cost
                assert talk.state.charged - before.charged in (charge, 0)  # 0: broke
                checked += 1
    assert checked > 100


def test_clarify_once_asks_once_and_only_where_the_meaning_is_open(
    priced: Callable[[str], GameSpec],
) -> None:
    spec = replace(priced("per_token"), reply_clarity=0.0, p_correct=0.0)
    assert first_move("clarify_once", spec, UserMove.DQ) is M.DA_STANDARD
    talk = opened(spec, UserMove.VQ)
    agent = assistant_agent("clarify_once")
    assert agent(talk.assistant_view(), 0.0) is M.CQ
    talk.step_assistant(M.CQ)
    talk.step_user(UserMove.REPLY)
    assert not talk.state.informed
    assert agent(talk.assistant_view(), 0.0) is M.DA_STANDARD


def test_greed_takes_the_longest_message_where_tokens_are_charged_and_the_cheapest_elsewhere(
    priced: Callable[[str], GameSpec],
) -> None:
    assert first_move("greedy_revenue", priced("per_token"), UserMove.DQ) is M.AQ_VERBOSE
    # every message costs the user the same: the shortest one costs the provider least
    assert first_move("greedy_revenue", priced("per_message"), UserMove.DQ) is M.CQ
    assert first_move("greedy_revenue", priced("free_questions"), UserMove.DQ) is M.AQ_VERBOSE


@pytest.mark.parametrize(
    ("pricing", "opening", "move"),
    [
        # 60 tokens at .85 are cheaper a right answer than 180 at 1, and than asking first
        ("per_token", UserMove.DQ, M.DA_CONCISE),
        # one fee a message: 1 / .9 messages told, 1 / .6 unasked at two of three meanings covered
        ("per_message", UserMove.DQ, M.DA_STANDARD),
        ("per_message", UserMove.VQ, M.DA_VERBOSE),
        # the question is free, and what follows it is told
        ("free_questions", UserMove.VQ, M.CQ),
        # all is free once the fee is paid: what is likeliest right, in the fewest messages
        ("outcome_based", UserMove.DQ, M.DA_STANDARD),
        ("outcome_based", UserMove.VQ, M.CQ),
    ],
)
def test_the_price_aware_rule_follows_the_price(
    priced: Callable[[str], GameSpec], pricing: str, opening: UserMove, move: AssistantMove
) -> None:
    assert first_move("price_aware", priced(pricing), opening) is move


def test_the_price_aware_rule_asks_once_at_most_and_never_where_no_exchange_is_left(
    priced: Callable[[str], GameSpec],
) -> None:
    spec = replace(priced("free_questions"), reply_clarity=0.5)
    talk = opened(spec, UserMove.VQ)
    agent = assistant_agent("price_aware")
    assert agent(talk.assistant_view(), 0.0) is M.CQ
    talk.step_assistant(M.CQ)
    talk.step_user(UserMove.REPLY, settled=False)
    assert replayed(talk.assistant_view()).informed is False  # as the history says
    assert agent(talk.assistant_view(), 0.0).answers
    assert first_move("price_aware", replace(spec, max_exchanges=1), UserMove.VQ).answers


def test_the_price_aware_rule_knows_nothing_of_the_user(priced: Callable[[str], GameSpec]) -> None:
    spec = priced("per_message")
    talk, other = opened(spec, UserMove.VQ), opened(spec, UserMove.VQ)
    other.who = other.who._replace(**{field: 3 for field in other.who._fields if field != "style"})
    agent = assistant_agent("price_aware")
    assert agent(talk.assistant_view(), 0.0) is agent(other.assistant_view(), 0.0)


def test_the_oracle_is_the_best_of_all_rows_on_a_solvable_game(
    priced: Callable[[str], GameSpec],
) -> None:
    """Exact expectations: no scripted assistant earns more than the Bayes oracle's W."""
    spec = priced("per_token")
    best = bayes_oracle(spec).value.welfare
    for plan in M:
        always = evaluate_policy(spec, lambda known, plan=plan: plan)  # type: ignore[misc]  # binds the loop variable
        assert always.welfare <= best + 1e-12
    share = assistant_agent("oracle@0.9")
    solved = bayes_oracle(spec, 0.9)
    talk = opened(spec, UserMove.VQ)
    assert share(talk.assistant_view(), 0.0) is solved(talk.history())
