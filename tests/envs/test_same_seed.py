"""Same seed, same bytes: in another process, in another order, and from any episode on."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import gymnasium
import pettingzoo
import pytest

from gtalign_env.envs import ENVS

# Everything that the seats of all ids see, get and leave behind, as one line of hashes.
PROGRAM = """
import hashlib, json, sys
import pettingzoo
import gtalign_env
from gtalign_env.draws import Purpose, Seat
from gtalign_env.core.policies import random_assistant, random_user
from gtalign_env.envs.transcript import transcript_of

seed = int(sys.argv[1])
for env_id in gtalign_env.envs.ENVS:
    for scenario in ("quick_question", "small_screen", "mixed_crowd", "price_rise"):
        env = pettingzoo.make("aec", env_id, scenario=scenario)
        total = hashlib.sha256()
        for episode in range(25):
            env.reset(seed=seed if episode == 0 else None)
            talk = env.conversation
            for agent in env.agent_iter():
                observation, reward, terminated, truncated, info = env.last()
                parts = observation.values() if isinstance(observation, dict) else [observation]
                for part in parts:
                    total.update(part.encode() if isinstance(part, str) else part.tobytes())
                total.update(repr((agent, reward, terminated, truncated)).encode())
                total.update(repr(sorted((k, str(v)) for k, v in info.items())).encode())
                action = None
                if not (terminated or truncated):
                    seat = talk.state.to_move
                    u = talk.chance(seat, Purpose.POLICY)
                    user = seat is Seat.USER
                    action = (
                        random_user(talk.user_view(), u) if user
                        else random_assistant(talk.assistant_view(), u)
                    )
                    if "Dialogue" in env_id:
                        action = env.talk.word_user(action) if user else env.talk.word_assistant(action)
                env.step(action)
            texts = [m.text for m in env.talk.messages] if "Dialogue" in env_id else None
            transcript = transcript_of(talk, seed=seed, episode=episode, texts=texts)
            total.update(transcript.to_json().encode())
        print(env_id, scenario, total.hexdigest())
"""


def run(seed: int, hash_seed: str, **more: str) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, **more}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM, str(seed)],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert not done.stderr
    return done.stdout


def test_two_processes_write_the_same_bytes() -> None:
    first = run(1, "1")
    assert run(1, "2", TZ="Asia/Tokyo", LC_ALL="C", PYTHONOPTIMIZE="1") == first
    hashes = first.split()[2::3]
    assert len(set(hashes)) == len(ENVS) * 4
    other = run(2, "1").split()[2::3]
    assert not set(hashes) & set(other)


def shadow(env: gymnasium.Env[object, object], steps: int) -> str:
    """Return a hash of what an environment does from now on, under a fixed row of actions."""
    total = hashlib.sha256()
    for _ in range(steps):
        action: object = 3 if isinstance(env.action_space, gymnasium.spaces.Discrete) else "Do you?"
        observation, reward, terminated, truncated, info = env.step(action)
        total.update(repr((observation, reward, terminated, truncated, info)).encode())
        if terminated or truncated:
            break
    return total.hexdigest()


@pytest.mark.parametrize("scenario", ["mixed_crowd", "price_rise"])
@pytest.mark.parametrize("env_id", ENVS)
def test_an_episode_by_its_index_is_the_one_reached_by_resets(env_id: str, scenario: str) -> None:
    walked = gymnasium.make(env_id, scenario=scenario)
    jumped = gymnasium.make(env_id, scenario=scenario)
    walked.reset(seed=4)
    ways = []
    for episode in range(1, 12):
        expected, info = walked.reset()
        observation, jumped_info = jumped.reset(seed=4, options={"episode": episode})
        assert repr(observation) == repr(expected)
        assert repr(jumped_info) == repr(info)
        ways.append(shadow(walked, 3))
        assert shadow(jumped, 3) == ways[-1]
    assert len(set(ways)) > 1
    # and without a new seed the count goes on from there
    jumped.reset()
    walked.reset()
    assert shadow(jumped, 3) == shadow(walked, 3)


@pytest.mark.parametrize("env_id", ENVS)
def test_both_registries_play_the_same_episode(env_id: str) -> None:
    single = gymnasium.make(env_id, opponent="VQ")
    both = pettingzoo.make("aec", env_id)
    single.reset(seed=8, options={"episode": 3})
    both.reset(seed=8, options={"episode": 3})
    assert single.unwrapped.conversation.who == both.conversation.who  # type: ignore[attr-defined]  # ours
    assert single.unwrapped.conversation.draws == both.conversation.draws  # type: ignore[attr-defined]  # ours


@pytest.mark.parametrize("env_id", ENVS)
def test_without_a_seed_every_environment_goes_its_own_way(env_id: str) -> None:
    keys = set()
    for _ in range(4):
        env = gymnasium.make(env_id)
        env.reset()
        keys.add(env.unwrapped.conversation.draws)  # type: ignore[attr-defined]  # ours
        env.reset()
        keys.add(env.unwrapped.conversation.draws)  # type: ignore[attr-defined]  # ours
    assert len(keys) == 8


@pytest.mark.parametrize("episode", [-1, 1.5, "two", None])
@pytest.mark.parametrize("env_id", ENVS)
def test_an_episode_is_a_whole_number(env_id: str, episode: object) -> None:
    for env in (gymnasium.make(env_id), pettingzoo.make("aec", env_id)):
        with pytest.raises(ValueError, match="an episode is a whole number, from 0; got"):
            env.reset(seed=1, options={"episode": episode})


@pytest.mark.parametrize("env_id", ENVS)
def test_several_regimes_take_turns_evenly_by_the_seed(env_id: str) -> None:
    regimes = ["per_token", "per_message", "subscription"]
    env = gymnasium.make(env_id, pricing=regimes)
    names = []
    env.reset(seed=6)
    for _ in range(600):
        env.reset()
        names.append(env.unwrapped.conversation.spec.regime.name)  # type: ignore[attr-defined]  # ours
    for name in regimes:
        assert abs(names.count(name) - 200) < 4 * (600 * 2 / 9) ** 0.5
    env.reset(seed=6)
    again = []
    for _ in range(50):
        env.reset()
        again.append(env.unwrapped.conversation.spec.regime.name)  # type: ignore[attr-defined]  # ours
    assert again == names[:50]
    with pytest.raises(ValueError, match="at least one regime"):
        gymnasium.make(env_id, pricing=[])
    with pytest.raises(ValueError, match="compiled game has its regime already"):
        gymnasium.make(env_id, scenario=env.unwrapped.conversation.spec, pricing="per_token")  # type: ignore[attr-defined]  # ours
