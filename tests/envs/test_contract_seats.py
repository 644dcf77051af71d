"""The contract of environments with both seats open: who moves, who is paid, and when it ends."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
import pettingzoo
import pytest
from gymnasium.utils.env_checker import data_equivalence

from gtalign_env.core.moves import UserMove, assistant_move
from gtalign_env.core.policies import random_assistant, random_user
from gtalign_env.draws import Seat
from gtalign_env.envs import ENVS

AGENTS = ["user_0", "assistant_0"]


def next_action(env: Any, rng: random.Random) -> Any:
    """Return a random legal action, in words where the environment is one of words."""
    talk = env.conversation
    words = hasattr(env, "talk")
    if talk.state.to_move is Seat.USER:
        move = random_user(talk.user_view(), rng.random())
        return env.talk.word_user(move) if words else int(move)
    answer = random_assistant(talk.assistant_view(), rng.random())
    return env.talk.word_assistant(answer) if words else int(answer)


def check_now(env: Any) -> None:
    """Check what holds between any two steps."""
    live = env.agents
    for name in ("rewards", "terminations", "truncations", "infos", "_cumulative_rewards"):
        assert set(getattr(env, name)) == set(live), name
    for agent in live:
        assert env.observation_space(agent).contains(env.observe(agent))
        assert type(env.rewards[agent]) in (float, int)  # PettingZoo clears the dead to int 0
        assert math.isfinite(env.rewards[agent])
        assert type(env.terminations[agent]) is bool
        assert type(env.truncations[agent]) is bool
        assert not (env.terminations[agent] and env.truncations[agent])
        assert env.infos[agent]["reward_valid"] is True
        mask = env.infos[agent]["action_mask"]
        assert mask.dtype == np.int8
        assert mask.shape == (6 if agent == "user_0" else 7,)


def play(env: Any, rng: random.Random) -> tuple[str, list[Any]]:
    """Play one episode; return its ending and all that came back."""
    seen: list[Any] = []
    paid = dict.fromkeys(AGENTS, 0.0)
    turns = 0
    for agent in env.agent_iter():
        check_now(env)
        observation, reward, terminated, truncated, _ = env.last()
        seen.append((agent, observation, reward, terminated, truncated))
        paid[agent] += reward
        talk = env.conversation
        over = talk.state.ending is not None
        assert (terminated or truncated) is over
        if over:
            env.step(None)
            continue
        assert agent == AGENTS[turns % 2] == AGENTS[talk.state.to_move]
        env.step(next_action(env, rng))
        turns += 1
        if talk.state.ending is None:
            assert env.agents == AGENTS
    ending = str(env.conversation.state.ending.name.lower())
    assert env.agents == []
    assert turns <= 2 * env.conversation.spec.max_exchanges + 1
    assert tuple(paid.values()) == pytest.approx(env.conversation.returns, abs=1e-12)
    return ending, seen


@pytest.mark.parametrize("env_id", ENVS)
def test_rollouts_keep_what_is_between_two_steps(env_id: str) -> None:
    runs = []
    for _ in range(2):
        env = pettingzoo.make("aec", env_id, scenario="mixed_crowd")
        rng = random.Random(1)
        env.reset(seed=6)
        episodes = [play(env, rng)]
        for _ in range(24):
            env.reset()
            episodes.append(play(env, rng))
        runs.append(episodes)
    assert data_equivalence(runs[0], runs[1], exact=True)


@pytest.mark.parametrize(
    ("ending", "moves"),
    [
        ("accepted", ["DQ", "DA:standard", "ACCEPT"]),
        ("left", ["VQ", "CQ", "LEAVE"]),
        ("truncated", ["VQ", "CQ", "REPLY", "CQ", "REPLY", "CQ", "REPLY", "CQ", "REPLY"]),
        ("broke", ["VQ", "AQ:verbose"]),
    ],
)
@pytest.mark.parametrize("env_id", ENVS)
def test_every_ending_terminates_or_truncates_both_seats(
    env_id: str, ending: str, moves: list[str]
) -> None:
    env = pettingzoo.make("aec", env_id)
    env.reset(seed=1)
    if ending == "broke":
        env.conversation.who = env.conversation.who._replace(budget=10)
    for label in moves:
        assert not any(env.terminations.values())
        assert not any(env.truncations.values())
        if env.agent_selection == "user_0":
            move = UserMove[label]
            env.step(env.talk.word_user(move) if "Dialogue" in env_id else int(move))
        else:
            answer = assistant_move(label)
            env.step(env.talk.word_assistant(answer) if "Dialogue" in env_id else int(answer))
    cut = ending == "truncated"
    assert env.terminations == dict.fromkeys(AGENTS, not cut)
    assert env.truncations == dict.fromkeys(AGENTS, cut)
    for agent, total in zip(AGENTS, env.conversation.returns, strict=True):
        assert env.infos[agent]["ending"] == ending
        assert env.infos[agent]["return"] == total
