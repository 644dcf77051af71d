"""The libraries' own checkers, over every id, seat and bundled scenario; warnings are errors."""

from __future__ import annotations

import warnings

import gymnasium
import pettingzoo
import pytest
from gymnasium.utils.env_checker import check_env, data_equivalence

from gtalign_env.envs import ENVS
from tests.contracts.cases import CASES, IDS, LIGHT

with warnings.catch_warnings():
    # importing the tests of PettingZoo imports one of its own deprecated modules
    warnings.simplefilter("ignore", DeprecationWarning)
    from pettingzoo.test import api_test, seed_test

# Of an environment whose observations are not arrays, or whose actions are texts, PettingZoo's
# api_test always says these three things: advice, not findings. Whatever else it says is an error.
ADVICE = [
    "Observation is not a NumPy array",
    "Observation space for each agent probably should be gymnasium.spaces.box or "
    "gymnasium.spaces.discrete",
    "Action space for each agent probably should be gymnasium.spaces.box or "
    "gymnasium.spaces.discrete",
]


def test_all_ids_are_in_both_registries() -> None:
    assert set(ENVS) <= set(gymnasium.registry)
    assert set(ENVS) <= set(pettingzoo.aec_registry)
    assert set(IDS) == set(ENVS)


@pytest.mark.parametrize("seat", ["assistant", "user"])
@pytest.mark.parametrize(("env_id", "scenario"), LIGHT)
def test_gymnasium_check_env(env_id: str, scenario: str, seat: str) -> None:
    env = gymnasium.make(env_id, scenario=scenario, seat=seat)
    check_env(env.unwrapped)


@pytest.mark.parametrize(("env_id", "scenario"), CASES)
def test_pettingzoo_api_and_seed(env_id: str, scenario: str) -> None:
    with warnings.catch_warnings():
        if "Dialogue" in env_id:
            for advice in ADVICE:
                warnings.filterwarnings("ignore", f"^{advice.replace('.', '[.]')}$", UserWarning)
        api_test(pettingzoo.make("aec", env_id, scenario=scenario), num_cycles=100)
    seed_test(lambda: pettingzoo.make("aec", env_id, scenario=scenario), num_cycles=50)


@pytest.mark.parametrize("scenario", ["quick_question", "mixed_crowd"])
@pytest.mark.parametrize("reward", ["own", "joint"])
def test_stable_baselines_check_env(reward: str, scenario: str) -> None:
    from stable_baselines3.common.env_checker import check_env as check_for_sb3

    env = gymnasium.make("gtalign/Conversation-v0", scenario=scenario, reward=reward)
    check_for_sb3(env.unwrapped, warn=True)


@pytest.mark.parametrize("seat", ["assistant", "user"])
@pytest.mark.parametrize("env_id", ENVS)
def test_a_spec_goes_through_json(env_id: str, seat: str) -> None:
    env = gymnasium.make(
        env_id, scenario="mixed_crowd", pricing=["per_token", "per_message"], seat=seat,
        p_vague=0.25, reward="joint",
    )  # fmt: skip
    assert env.spec is not None
    again = gymnasium.make(gymnasium.envs.registration.EnvSpec.from_json(env.spec.to_json()))
    for twin in (env, again):
        twin.action_space.seed(0)
    assert data_equivalence(env.reset(seed=1), again.reset(seed=1), exact=True)
    assert data_equivalence(env.action_space.sample(), again.action_space.sample())


@pytest.mark.parametrize("env_id", ENVS)
def test_vectors_of_environments(env_id: str) -> None:
    vector = gymnasium.make_vec(env_id, num_envs=3, vectorization_mode="sync")
    vector.action_space.seed(1)
    first, _ = vector.reset(seed=7)
    for _ in range(12):
        _, rewards, _, _, infos = vector.step(vector.action_space.sample())
        assert rewards.shape == (3,)
        assert infos["action_mask"].shape == (3, 7)
    again, _ = vector.reset(seed=7)
    assert data_equivalence(first, again, exact=True)
    vector.close()
