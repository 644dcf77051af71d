"""A conversation under way: order of play, named errors, and the worked numbers of the rules."""

from __future__ import annotations

import copy
import pickle
import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from gtalign_env.core.conversation import Conversation
from gtalign_env.core.moves import (
    ASSISTANT_LABELS,
    USER_LABELS,
    AssistantMove,
    Ending,
    UserMove,
    assistant_move,
)
from gtalign_env.core.plans import continue_plan, default_user
from gtalign_env.core.rules import legal_user_moves
from gtalign_env.core.spec import GameSpec
from gtalign_env.draws import Draws, Seat
from gtalign_env.errors import EpisodeError
from gtalign_env.persona import Constant, LogNormal, Uniform
from gtalign_env.pricing import Usage

GameMaker = Callable[..., GameSpec]


def open_talk(
    spec: GameSpec, *moves: UserMove | AssistantMove, right: bool = False
) -> Conversation:
    talk = Conversation(spec, Draws(9, 0))
    talk.who = talk.who._replace(budget=10**15)
    for move in moves:
        if isinstance(move, UserMove):
            talk.step_user(move)
        else:
            talk.step_assistant(move, right=right)
    return talk


def test_labels_are_the_ones_printed_everywhere() -> None:
    assert USER_LABELS == ("VQ", "DQ", "REPLY", "ACCEPT", "FOLLOW_UP", "LEAVE")
    assert ASSISTANT_LABELS == (
        "DA:concise", "DA:standard", "DA:verbose", "CQ", "AQ:concise", "AQ:standard", "AQ:verbose",
    )  # fmt: skip
    assert [assistant_move(label) for label in ASSISTANT_LABELS] == list(AssistantMove)
    with pytest.raises(ValueError, match=r"DA:concise, .*AQ:verbose; got 'DA:long'"):
        assistant_move("DA:long")


def test_an_illegal_user_move_names_the_legal_ones_and_changes_nothing(
    random_game: GameMaker,
) -> None:
    rng = random.Random(1)
    refused = 0
    for episode in range(200):
        talk = Conversation(random_game(rng), Draws(8, episode))
        while talk.state.ending is None:
            if talk.state.to_move is Seat.ASSISTANT:
                talk.step_assistant(rng.choice(tuple(AssistantMove)))
                continue
            legal = legal_user_moves(talk.state)
            before = (talk.state, talk.user_moves, talk.returns, list(talk.rewards))
            for move in UserMove:
                if move in legal:
                    continue
                named = ", ".join(one.label for one in legal)
                with pytest.raises(EpisodeError, match=f"may play {named} now; got {move.label}"):
                    talk.step_user(move)
                refused += 1
            assert (talk.state, talk.user_moves, talk.returns, list(talk.rewards)) == before
            talk.step_user(rng.choice(legal))
    assert refused > 1_000


def test_nobody_moves_out_of_turn_or_after_the_end(quick: GameSpec) -> None:
    talk = open_talk(quick)
    with pytest.raises(EpisodeError, match="turn of the user, not of the assistant"):
        talk.step_assistant(AssistantMove.CQ)
    talk.step_user(UserMove.VQ)
    with pytest.raises(EpisodeError, match="turn of the assistant, not of the user"):
        talk.step_user(UserMove.VQ)
    talk.step_assistant(AssistantMove.CQ)
    talk.step_user(UserMove.LEAVE)
    with pytest.raises(EpisodeError, match=r"ended \(left\); call reset\(\)"):
        talk.step_user(UserMove.REPLY)
    with pytest.raises(EpisodeError, match=r"ended \(left\); call reset\(\)"):
        talk.step_assistant(AssistantMove.CQ)


def test_a_fault_ends_it_once(quick: GameSpec) -> None:
    talk = open_talk(quick, UserMove.VQ)
    talk.fault()
    assert talk.state.ending is Ending.FAULT
    with pytest.raises(EpisodeError, match=r"ended \(fault\)"):
        talk.step_assistant(AssistantMove.CQ)


def test_context_grows_by_every_visible_message(quick: GameSpec) -> None:
    talk = open_talk(
        quick, UserMove.VQ, AssistantMove.CQ, UserMove.REPLY, AssistantMove.AQ_CONCISE,
        UserMove.REPLY, AssistantMove.DA_VERBOSE,
    )  # fmt: skip
    # system 200, vague 15, question 30, reply 20, concise 60, verbose 480; 100 of reasoning each
    # time, which does not stay
    assert [exchange.usage for exchange in talk.ledger.exchanges] == [
        Usage(215, 0, 30, 100),
        Usage(215 + 30 + 20, 215, 90, 100),
        Usage(265 + 90 + 20, 265, 480, 100),
    ]


@pytest.mark.parametrize("delay", [0, 1, 2, 3])
def test_value_and_harm_fade_with_every_exchange_before_the_accepted_one(
    quick: GameSpec, delay: int
) -> None:
    for right in (True, False):
        moves: list[UserMove | AssistantMove] = [UserMove.VQ]
        moves += [AssistantMove.CQ, UserMove.REPLY] * delay
        talk = open_talk(quick, *moves)
        talk.step_assistant(AssistantMove.DA_CONCISE, right=right)
        user, assistant = talk.step_user(UserMove.ACCEPT)
        assert user == pytest.approx(0.9**delay * (5.0 if right else -1.0), abs=1e-12)
        assert assistant == (1.0 if right else -0.5)


@pytest.mark.parametrize(
    ("annoyance", "tolerance", "lost"),
    [(0.4, 0, 1.2), (0.4, 1, 0.8), (0.4, 3, 0.0), (-0.3, 0, -0.9), (-0.3, 2, -0.3), (0.4, 9, 0.0)],
)
def test_questions_beyond_the_tolerance_annoy_or_please(
    quick: GameSpec, annoyance: float, tolerance: int, lost: float
) -> None:
    # three questions, one of them beside an answer
    talk = open_talk(quick)
    talk.who = talk.who._replace(annoyance=annoyance, tolerance=tolerance, price_sensitivity=0.0,
                                 effort_vague=0.0, effort_reply=0.0)  # fmt: skip
    for move in (AssistantMove.CQ, AssistantMove.AQ_CONCISE, AssistantMove.CQ):
        talk.step_user(UserMove.VQ if not talk.user_moves else UserMove.REPLY)
        talk.step_assistant(move)
    assert talk.state.questions == 3
    assert talk.returns[0] == pytest.approx(-lost, abs=1e-12)


def test_reading_costs_by_the_message_beyond_the_comfort(quick: GameSpec) -> None:
    talk = open_talk(quick)
    talk.who = talk.who._replace(price_sensitivity=0.0, effort_vague=0.0, effort_follow_up=0.0)
    talk.step_user(UserMove.VQ)
    talk.step_assistant(AssistantMove.DA_STANDARD, right=False)  # 180 tokens, 80 beyond comfort
    talk.step_user(UserMove.FOLLOW_UP)
    talk.step_assistant(AssistantMove.DA_CONCISE, right=False)  # 60 tokens: no credit for brevity
    assert talk.returns[0] == pytest.approx(-0.5 * 80 / 100, abs=1e-12)


@pytest.mark.parametrize("limit", [1, 2, 4])
def test_no_exchange_left_cuts_it_off(quick: GameSpec, limit: int) -> None:
    talk = open_talk(replace(quick, max_exchanges=limit))
    talk.step_user(UserMove.VQ)
    for _ in range(limit - 1):
        talk.step_assistant(AssistantMove.CQ)
        talk.step_user(UserMove.REPLY)
    talk.step_assistant(AssistantMove.CQ)
    assert talk.step_user(UserMove.REPLY) == (talk.who.outside_option, -quick.churn)
    assert talk.state.ending is Ending.TRUNCATED
    assert talk.state.exchange + 1 == limit == len(talk.ledger.exchanges)


def test_the_default_user_as_it_is_defined(quick: GameSpec) -> None:
    """Replies to questions, accepts what is right, tries again in measure, else leaves."""
    cases = [  # (last assistant move, right, tries, exchange) -> move, persistence 1, 4 exchanges
        (AssistantMove.CQ, False, 0, 0, UserMove.REPLY),
        (AssistantMove.CQ, False, 1, 3, UserMove.REPLY),  # which is cut off
        (AssistantMove.DA_CONCISE, True, 0, 0, UserMove.ACCEPT),
        (AssistantMove.AQ_VERBOSE, True, 1, 3, UserMove.ACCEPT),
        (AssistantMove.DA_CONCISE, False, 0, 0, UserMove.FOLLOW_UP),
        (AssistantMove.AQ_CONCISE, False, 0, 0, UserMove.REPLY),
        (AssistantMove.DA_CONCISE, False, 1, 1, UserMove.LEAVE),
        (AssistantMove.AQ_CONCISE, False, 0, 3, UserMove.LEAVE),
    ]
    talk = open_talk(quick, UserMove.VQ, AssistantMove.CQ)
    for last, right, tries, exchange, move in cases:
        state = talk.state._replace(answered=last, right=right, tries=tries, exchange=exchange)
        assert default_user(talk.who, state, quick.max_exchanges) is move


def test_trying_again_is_counted_after_answers_only(quick: GameSpec) -> None:
    talk = open_talk(
        quick, UserMove.VQ, AssistantMove.CQ, UserMove.REPLY, AssistantMove.AQ_CONCISE,
        UserMove.REPLY, AssistantMove.DA_CONCISE,
    )  # fmt: skip
    assert talk.state.tries == 1


def test_plans_go_on_with_direct_answers_of_their_verbosity() -> None:
    for plan in AssistantMove:
        assert continue_plan(plan, 0) is plan
        kind, _, verbosity = plan.label.partition(":")
        later = "DA:standard" if kind == "CQ" else f"DA:{verbosity}"
        assert [continue_plan(plan, t).label for t in (1, 2, 9)] == [later] * 3


def test_random_lengths_are_drawn_by_their_quantiles(quick: GameSpec) -> None:
    lengths = replace(quick.lengths, reasoning=LogNormal(80, 0.6), vague=Uniform(10, 30))
    spec = replace(
        quick, lengths=replace(lengths, answer=(Uniform(25, 45), Constant(1), Constant(1)))
    )
    outputs, reasonings, messages = [], [], []
    for episode in range(4_000):
        talk = Conversation(spec, Draws(77, episode))
        talk.step_user(UserMove.VQ)
        talk.step_assistant(AssistantMove.DA_CONCISE)
        used = talk.ledger.exchanges[0].usage
        outputs.append(used.output)
        reasonings.append(used.reasoning)
        messages.append(used.input - 200)
    assert (min(outputs), max(outputs)) == (25, 45)
    assert (min(messages), max(messages)) == (10, 30)
    assert sum(outputs) / 4_000 == pytest.approx(35, abs=4 * 5.8 / 4_000**0.5)
    assert sum(messages) / 4_000 == pytest.approx(20, abs=4 * 5.8 / 4_000**0.5)
    assert sum(reasonings) / 4_000 == pytest.approx(80, abs=4 * 53 / 4_000**0.5)


def test_copies_and_pickles_go_on_alike(random_game: GameMaker) -> None:
    rng = random.Random(4)
    for episode in range(100):
        talk = Conversation(random_game(rng), Draws(6, episode))
        talk.step_user(UserMove.VQ)
        if talk.state.ending is not None:
            continue
        twins = [talk, copy.deepcopy(talk), pickle.loads(pickle.dumps(talk))]  # noqa: S301  # our own bytes
        ends = []
        for twin in twins:
            order = random.Random(episode)
            while twin.state.ending is None:
                if twin.state.to_move is Seat.USER:
                    twin.step_user(order.choice(legal_user_moves(twin.state)))
                else:
                    twin.step_assistant(order.choice(tuple(AssistantMove)))
            ends.append((twin.state, twin.returns, twin.rewards, twin.ledger.lines))
        assert ends[0] == ends[1] == ends[2]
