"""Steps as machine code: nothing but the speed may differ from steps in the interpreter."""

from __future__ import annotations

import copy
import pickle
import random
from typing import Any

import gymnasium
import numpy as np
import pytest

from gtalign_env.core.moves import UserMove
from gtalign_env.envs import conversation, conversation_aec
from gtalign_env.envs.conversation import ConversationEnv
from gtalign_env.envs.conversation_aec import ConversationAEC
from gtalign_env.errors import EpisodeError
from gtalign_env.scenario.library import list_entries

SCENARIOS = [entry.name for entry in list_entries("scenario")]


def assert_same_result(one: Any, other: Any) -> None:
    """Assert that two results of reset or step are equal, to the last bit."""
    assert len(one) == len(other)
    assert one[0].dtype == other[0].dtype
    assert np.array_equal(one[0], other[0])
    assert one[1:-1] == other[1:-1]
    assert [type(x) for x in one[1:-1]] == [type(x) for x in other[1:-1]]
    assert one[-1].keys() == other[-1].keys()
    for key, value in other[-1].items():
        assert np.array_equal(one[-1][key], value), key
        assert type(one[-1][key]) is type(value), key


def play_alike(fast: Any, plain: Any, episodes: int = 30, look: float = 0.0) -> None:
    """Play both with the same actions; now and then look at the conversation of the first."""
    rng = random.Random(3)
    assert_same_result(fast.reset(seed=9), plain.reset(seed=9))
    for _ in range(episodes):
        ended = False
        while not ended:
            if rng.random() < look:
                assert fast.unwrapped.conversation.state == plain.unwrapped.conversation.state
                assert fast.unwrapped.conversation.returns == plain.unwrapped.conversation.returns
            action = rng.randrange(plain.action_space.n)
            one, other = fast.step(action), plain.step(action)
            assert_same_result(one, other)
            assert np.array_equal(fast.unwrapped.action_masks(), plain.unwrapped.action_masks())
            ended = other[2] or other[3]
        assert_same_result(fast.reset(), plain.reset())


def both(**arguments: Any) -> tuple[Any, Any]:
    return ConversationEnv(compiled=True, **arguments), ConversationEnv(compiled=False, **arguments)


@pytest.mark.parametrize("seat", ["assistant", "user"])
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_nothing_differs_on_any_scenario(scenario: str, seat: Any) -> None:
    play_alike(*both(scenario=scenario, seat=seat))
    play_alike(*both(scenario=scenario, seat=seat, reward="joint", opponent="random"))


@pytest.mark.parametrize("seat", ["assistant", "user"])
def test_the_conversation_can_be_looked_at_in_the_middle(seat: Any) -> None:
    play_alike(*both(scenario="mixed_crowd", seat=seat), look=0.3)
    play_alike(*both(pricing=["per_token", "outcome_based"], seat=seat, reward="joint"), look=0.3)


@pytest.mark.parametrize("again", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))])  # noqa: S301  # our own bytes
def test_copies_go_on_alike_and_apart(again: Any) -> None:
    fast, plain = both(seat="user")
    fast.reset(seed=1)
    plain.reset(seed=1)
    assert_same_result(fast.step(UserMove.VQ), plain.step(UserMove.VQ))
    twin = again(fast)
    assert_same_result(twin.step(UserMove.LEAVE), plain.step(UserMove.LEAVE))
    assert fast.conversation.state.ending is None
    play_alike(twin, plain)


def test_a_long_run_is_compiled_on_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation, "COMPILE_AFTER", 25)
    env, plain = ConversationEnv(), ConversationEnv(compiled=False)
    play_alike(env, plain, episodes=8)
    assert env._machine is None
    play_alike(env, plain, episodes=60)
    assert env._machine is not None


def test_what_cannot_be_compiled_stays_in_the_interpreter_or_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(conversation, "COMPILE_AFTER", 0)
    for arguments in (
        {"opponent": "oracle", "seat": "user"},
        {"opponent": lambda view, u: UserMove.VQ},
        {"render_mode": "ansi"},
    ):
        env = ConversationEnv(**arguments)
        env.reset(seed=0)
        assert env._machine is None
        with pytest.raises(ValueError, match="scripted opponent"):
            ConversationEnv(compiled=True, **arguments)


def test_mistakes_are_the_same_mistakes() -> None:
    env = gymnasium.make("gtalign/Conversation-v0", compiled=True).unwrapped
    with pytest.raises(EpisodeError, match=r"call reset\(\) first"):
        env.step(0)
    env.reset(seed=0)
    for wrong in (7, -1, 0.5, "CQ"):
        with pytest.raises(EpisodeError, match="assistant_0 is one of 0 DA:concise"):
            env.step(wrong)
    while not any(env.step(np.int64(0))[2:4]):
        pass
    with pytest.raises(EpisodeError, match="the episode is over"):
        env.step(0)


def assert_same_seats(one: ConversationAEC, other: ConversationAEC) -> None:
    """Assert that two PettingZoo environments tell the same, to the last bit."""
    for name in ("agents", "agent_selection", "rewards", "_cumulative_rewards", "terminations"):
        assert getattr(one, name) == getattr(other, name), name
    assert one.truncations == other.truncations
    for agent in one.possible_agents:
        assert np.array_equal(one.observe(agent), other.observe(agent))
    assert one.infos.keys() == other.infos.keys()
    for agent, info in other.infos.items():
        mine = one.infos[agent]
        assert mine.keys() == info.keys()
        assert all(np.array_equal(mine[key], value) for key, value in info.items())
        assert all(type(mine[key]) is type(value) for key, value in info.items())


def play_seats(fast: ConversationAEC, plain: ConversationAEC, episodes: int, look: float) -> None:
    rng = random.Random(4)
    for episode in range(episodes):
        for env in (fast, plain):
            env.reset(seed=5 if episode == 0 else None)
        assert_same_seats(fast, plain)
        while plain.agents:
            agent = plain.agent_selection
            over = plain.terminations[agent] or plain.truncations[agent]
            mask = plain.infos[agent]["action_mask"]
            action: Any = None if over else int(rng.choice(np.flatnonzero(mask)))
            for env in (fast, plain):
                env.step(action)
            assert_same_seats(fast, plain)
            if rng.random() < look:
                assert fast.conversation.state == plain.conversation.state
                assert fast.conversation.ledger.lines == plain.conversation.ledger.lines


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_both_seats_differ_in_nothing(scenario: str) -> None:
    for look in (0.0, 0.3):
        fast = ConversationAEC(scenario, compiled=True)
        play_seats(fast, ConversationAEC(scenario, compiled=False), 12, look)


def test_both_seats_of_a_long_run_are_compiled_on_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation_aec, "COMPILE_AFTER", 25)
    env = ConversationAEC()
    play_seats(env, ConversationAEC(compiled=False), 30, 0.0)
    assert env._machine is not None
    env.reset(seed=3)
    with pytest.raises(EpisodeError, match="the user may play VQ, DQ now; got LEAVE"):
        env.step(UserMove.LEAVE)
    twin = copy.deepcopy(env)
    twin.step(0)
    assert env.conversation.user_moves == ()
    with pytest.raises(ValueError, match="not rendered"):
        ConversationAEC(compiled=True, render_mode="ansi")
