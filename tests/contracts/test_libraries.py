"""What users of other libraries do with our environments: checkers, trainers, vectors."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import gymnasium
import numpy as np
import pettingzoo
import pytest
from gymnasium.utils.env_checker import data_equivalence

from gtalign_env.envs.wrappers import TextOff, UniformSpaces
from tests.contracts.cases import CASES, FEW, IDS, SEATS, both_seats, one_seat, slow_but

with warnings.catch_warnings():
    # importing the tests of PettingZoo imports one of its own deprecated modules
    warnings.simplefilter("ignore", DeprecationWarning)
    import supersuit
    from pettingzoo.test import parallel_api_test, parallel_seed_test
    from pettingzoo.test.render_test import render_test
    from pettingzoo.utils.conversions import turn_based_aec_to_parallel_wrapper

QUESTIONS = ("What is it?", "Do you mean this?", "Where is Athens", "東京, ü 🙂\n", "", "Thanks.")


@pytest.mark.parametrize("env_id", IDS)
def test_render_modes_give_what_their_names_say(
    env_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def make(render_mode: str) -> Any:
        # the test draws its acts without looking at masks: take those that are always legal
        env = pettingzoo.make("aec", env_id, scenario="upsell", render_mode=render_mode)
        if "Conversation" in env_id:
            env = LegalOnly(env)
        return env

    render_test(make)
    assert "upsell" in capsys.readouterr().out


class LegalOnly(UniformSpaces):
    """Puts a legal act in the place of an illegal one: for tools that look at no mask."""

    def step(self, action: Any) -> None:
        agent = self.env.agent_selection
        mask = self.env.infos[agent]["action_mask"]
        if action is not None and (action >= len(mask) or not mask[action]):
            action = int(np.flatnonzero(mask)[0])
        super().step(action)


@pytest.mark.parametrize("name", slow_but(FEW[:2]))
def test_as_a_parallel_environment_in_turns(name: str) -> None:
    def make() -> Any:
        return turn_based_aec_to_parallel_wrapper(
            LegalOnly(both_seats("gtalign/Conversation-v0", name))
        )

    parallel_api_test(make(), num_cycles=200)
    parallel_seed_test(make, num_cycles=50)


@pytest.mark.parametrize(("env_id", "name"), CASES)
def test_no_episode_is_longer_than_its_exchanges(env_id: str, name: str) -> None:
    env = both_seats(env_id, name)
    for episode in range(30):
        env.reset(seed=4, options={"episode": episode})
        turns = 0
        for agent in env.agent_iter():
            if env.terminations[agent] or env.truncations[agent]:
                env.step(None)
                continue
            talk = env.conversation
            # ask and answer for ever: only the limit, or the budget, ends this
            opening = not talk.user_moves
            move = {"user_0": 0 if opening else 2, "assistant_0": 3}[agent]
            env.step(
                move if "Conv" in env_id else {"user_0": "Hm?", "assistant_0": "Which?"}[agent]
            )
            turns += 1
        # the user's wish to go on is the move that finds no exchange left
        limit = 2 * env.conversation.spec.max_exchanges + 1
        ending = env.conversation.state.ending.name
        assert (ending, turns) == ("TRUNCATED", limit) or (ending == "BROKE" and turns < limit)


@pytest.mark.parametrize("env_id", IDS)
def test_supersuit_vectors_of_both_seats(env_id: str) -> None:
    seats = UniformSpaces(both_seats(env_id, "mixed_crowd"))
    one = supersuit.pettingzoo_env_to_vec_env_v1(turn_based_aec_to_parallel_wrapper(seats))
    vector = supersuit.concat_vec_envs_v1(one, 4, num_cpus=0, base_class="gymnasium")
    observations, infos = vector.reset(seed=3)
    rng = np.random.default_rng(0)
    ended = 0
    for _ in range(250):
        if "Conv" in env_id:
            acts: Any = np.array([_legal(rng, info) for info in infos])
        else:
            acts = [QUESTIONS[rng.integers(len(QUESTIONS))] for _ in infos]
        observations, rewards, terminated, truncated, infos = vector.step(acts)
        assert rewards.shape == terminated.shape == truncated.shape == (8,)
        assert np.isfinite(rewards).all()
        ended += int((terminated.astype(bool) | truncated.astype(bool)).sum())
    assert ended > 50
    numbers = observations["observation"] if isinstance(observations, dict) else observations
    assert numbers.shape[0] == 8


def _legal(rng: np.random.Generator, info: dict[str, Any]) -> int:
    return int(rng.choice(np.flatnonzero(info["action_mask"])))


@pytest.mark.parametrize("env_id", IDS)
def test_supersuit_vectors_of_one_seat(env_id: str) -> None:
    env = one_seat(env_id, "mixed_crowd", "assistant")
    vector = supersuit.gym_vec_env_v0(env, 3)
    vector.action_space.seed(0)
    vector.reset(seed=1)
    for _ in range(60):
        _, rewards, *_ = vector.step(vector.action_space.sample())
        assert rewards.shape == (3,)
    vector.close()


MODES: dict[str, dict[str, Any]] = {
    "sync": {},
    "async": {"vector_kwargs": {"shared_memory": False, "context": "spawn"}},
}


def acts_of(env_id: str, seed: int, steps: int, envs: int) -> list[list[Any]]:
    rng = np.random.default_rng(seed)
    if "Conv" in env_id:
        return [rng.integers(7, size=envs).tolist() for _ in range(steps)]
    return [[QUESTIONS[i] for i in rng.integers(len(QUESTIONS), size=envs)] for _ in range(steps)]


@pytest.mark.parametrize("mode", ["sync", pytest.param("async", marks=pytest.mark.slow)])
@pytest.mark.parametrize("env_id", IDS)
def test_a_vector_is_its_environments_text_included(env_id: str, mode: str) -> None:
    count, steps, first = 4, 40, 11
    vector = gymnasium.make_vec(
        env_id, num_envs=count, vectorization_mode=mode, scenario="mixed_crowd", opponent="random",
        **MODES[mode],
    )  # fmt: skip
    singles = [
        gymnasium.make(env_id, scenario="mixed_crowd", opponent="random") for _ in range(count)
    ]
    came, _ = vector.reset(seed=first)
    alone: list[Any] = [env.reset(seed=first + i)[0] for i, env in enumerate(singles)]
    over = [False] * count
    texts = set()
    for acts in acts_of(env_id, 0, steps, count):
        for i in range(count):
            mine = {k: v[i] for k, v in came.items()} if isinstance(came, dict) else came[i]
            assert data_equivalence(mine, alone[i])
            texts.add(str(mine))
        came, rewards, terminated, truncated, _ = vector.step(
            np.array(acts) if "Conv" in env_id else tuple(acts)
        )
        for i, env in enumerate(singles):
            if over[i]:  # the vector resets by itself with the next step
                alone[i], expected = env.reset()[0], (0.0, False, False)
            else:
                alone[i], *paid, _ = env.step(acts[i])
                expected = (float(paid[0]), bool(paid[1]), bool(paid[2]))
            assert (float(rewards[i]), bool(terminated[i]), bool(truncated[i])) == expected
            over[i] = expected[1] or expected[2]
    vector.close()
    assert len(texts) > 40  # nothing is frozen


def test_shared_memory_refuses_text_instead_of_freezing_it() -> None:
    with pytest.raises(ValueError, match="shared_memory=False"):
        gymnasium.make_vec("gtalign/Dialogue-v0", num_envs=2, vectorization_mode="async")


def learn(env: Callable[[], Any], steps: int) -> Any:
    """Return a model of SB3 after some steps of PPO."""
    from stable_baselines3 import PPO
    from stable_baselines3.common.env_checker import check_env

    check_env(env(), warn=True)
    model = PPO("MlpPolicy", env(), gamma=1.0, n_steps=64, batch_size=64, n_epochs=1, seed=0)
    return model.learn(steps)


@pytest.mark.parametrize("seat", SEATS)
def test_sb3_takes_some_steps(seat: str) -> None:
    talk = one_seat("gtalign/Dialogue-v0", "mixed_crowd", seat)
    assert learn(lambda: TextOff(copy.deepcopy(talk)), 64).num_timesteps == 64


@pytest.mark.slow
@pytest.mark.parametrize("seat", SEATS)
@pytest.mark.parametrize("env_id", IDS)
def test_sb3_takes_2048_steps(env_id: str, seat: str) -> None:
    env = one_seat(env_id, "mixed_crowd", seat)
    wrap = TextOff if "Dialogue" in env_id else (lambda env: env.unwrapped)
    assert learn(lambda: wrap(copy.deepcopy(env)), 2_048).num_timesteps == 2_048


@pytest.mark.parametrize("env_id", IDS)
def test_every_registry_makes_the_same_by_name(env_id: str) -> None:
    makers = (
        partial(gymnasium.make, env_id),
        partial(gymnasium.make, f"gtalign_env:{env_id}"),
        partial(pettingzoo.make, "aec", env_id),
    )
    envs: list[Any] = [make(scenario="upsell") for make in makers]
    for env in envs:
        env.reset(seed=2)
    drawn = [env.unwrapped.conversation.draws for env in envs]
    assert drawn[0] == drawn[1] == drawn[2]
