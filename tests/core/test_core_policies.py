"""Named policies: what they play, how they are named, and that they travel between processes."""

from __future__ import annotations

import pickle
import random
from dataclasses import replace

import pytest

from gtalign_env.core.conversation import Conversation
from gtalign_env.core.moves import ASSISTANT_LABELS, AssistantMove, UserMove
from gtalign_env.core.oracle import bayes_oracle
from gtalign_env.core.plans import continue_plan, default_user
from gtalign_env.core.policies import (
    ASSISTANT_POLICIES,
    OFF_PATH,
    USER_POLICIES,
    OracleSeat,
    assistant_policy,
    user_policy,
)
from gtalign_env.core.rules import legal_user_moves
from gtalign_env.core.spec import GameSpec
from gtalign_env.draws import Draws, Purpose, Seat
from gtalign_env.errors import ScenarioError


def play(spec: GameSpec, user: str, assistant: str, episode: int, p_vague: float) -> Conversation:
    talk = Conversation(spec, Draws(3, episode))
    one, other = user_policy(user, p_vague), assistant_policy(assistant, p_vague)
    while talk.state.ending is None:
        if talk.state.to_move is Seat.USER:
            before = talk.state
            move = one(talk.user_view(), talk.chance(Seat.USER, Purpose.POLICY))
            assert move in legal_user_moves(before)
            if user != "random" and before.exchange >= 0:
                assert move is default_user(talk.who, before, spec.max_exchanges)
            talk.step_user(move)
        else:
            u = talk.chance(Seat.ASSISTANT, Purpose.POLICY)
            talk.step_assistant(other(talk.assistant_view(), u))
    return talk


@pytest.mark.parametrize("label", ASSISTANT_LABELS)
@pytest.mark.parametrize("user", USER_POLICIES)
def test_plans_follow_their_labels(quick: GameSpec, user: str, label: str) -> None:
    for episode in range(20):
        talk = play(quick, user, label, episode, 0.5)
        for index, move in enumerate(talk.assistant_moves):
            plan = next(one for one in AssistantMove if one.label == label)
            assert move is continue_plan(plan, index)


def test_the_default_user_opens_vaguely_as_often_as_said(quick: GameSpec) -> None:
    for p_vague in (0.0, 0.25, 1.0):
        vague = [
            play(quick, "default", "CQ", episode, p_vague).user_moves[0] is UserMove.VQ
            for episode in range(800)
        ]
        sd = (p_vague * (1 - p_vague) / 800) ** 0.5
        assert abs(sum(vague) / 800 - p_vague) <= 4 * sd
    assert play(quick, "VQ", "CQ", 0, 0.0).user_moves[0] is UserMove.VQ
    assert play(quick, "DQ", "CQ", 0, 1.0).user_moves[0] is UserMove.DQ


def test_random_policies_play_every_move(quick: GameSpec) -> None:
    talks = [play(quick, "random", "random", episode, 0.5) for episode in range(400)]
    assert {move for talk in talks for move in talk.user_moves} == set(UserMove)
    assert {move for talk in talks for move in talk.assistant_moves} == set(AssistantMove)


def test_the_oracle_plays_its_policy_and_has_a_plan_for_strangers(quick: GameSpec) -> None:
    oracle = bayes_oracle(quick, 0.25)
    known = strange = 0
    for episode in range(300):
        talk = play(quick, "random", "oracle" if episode < 3 else "random", episode, 0.25)
        seat = OracleSeat(0.25)
        seat._solved[quick.digest, quick.regime.surge] = oracle
        again = Conversation(quick, Draws(3, episode))
        for index, move in enumerate(talk.assistant_moves):
            again.step_user(talk.user_moves[index])
            history = again.history()
            if history in oracle.decisions:
                known += 1
                assert seat(again.assistant_view(), 0.9) is oracle(history)
            else:
                strange += 1
                assert seat(again.assistant_view(), 0.9) is OFF_PATH
            again.step_assistant(move)
    assert known > 100
    assert strange > 20


def test_policies_travel(quick: GameSpec) -> None:
    rng = random.Random(0)
    talk = Conversation(quick, Draws(3, 0))
    for name in USER_POLICIES:
        policy = user_policy(name, 0.5)
        twin = pickle.loads(pickle.dumps(policy))  # noqa: S301  # our own bytes
        u = rng.random()
        assert twin(talk.user_view(), u) is policy(talk.user_view(), u)
    talk.step_user(UserMove.VQ)
    for label in ASSISTANT_POLICIES:
        seat = assistant_policy(label, 0.5)
        twin_seat = pickle.loads(pickle.dumps(seat))  # noqa: S301  # our own bytes
        u = rng.random()
        assert twin_seat(talk.assistant_view(), u) is seat(talk.assistant_view(), u)


def test_two_regimes_have_two_oracles(quick: GameSpec) -> None:
    seat = OracleSeat(0.5)
    dear = replace(quick, digest="dear", margin_weight=5_000.0, quality=(0.1, 0.1, 1.0))
    moves = []
    for spec in (quick, dear):
        talk = Conversation(spec, Draws(3, 0))
        talk.step_user(UserMove.DQ)
        moves.append(seat(talk.assistant_view(), 0.0))
    assert moves[0] is not moves[1]


def test_wrong_names_are_answered_with_the_right_ones() -> None:
    with pytest.raises(ScenarioError, match=r"user's policy is one of default, VQ, DQ, random.*"
                       r"got 'defualt'. Did you mean 'default'"):  # fmt: skip
        user_policy("defualt")
    with pytest.raises(ScenarioError, match=r"got 'orcale'. Did you mean 'oracle'"):
        assistant_policy("orcale")
    with pytest.raises(ScenarioError, match=r"import user_agent; opponent=user_agent\('patient'\)"):
        user_policy("patient")
    for p_vague in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match=r"p_vague is a probability, in \[0, 1\]"):
            user_policy("default", p_vague)
    assert user_policy(user_policy("VQ")) == user_policy("VQ")
