"""Best responses by dynamic programming are what a learner of another making finds by trying."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gtalign_agents.adapters import NetworkSeat
from gtalign_env.core.best_response import best_assistant_response, best_user_response
from gtalign_env.core.mixed import assistant_mix, user_mix
from gtalign_env.core.play_out import evaluate_profile
from gtalign_env.core.policies import assistant_policy, random_assistant, user_policy
from gtalign_env.core.spec import GameSpec
from gtalign_env.envs.conversation import ConversationEnv
from gtalign_env.scenario.compile import compile_scenario
from gtalign_env.scenario.loader import load_scenario

EPISODES = 4000
LONG = [
    ("quick_question", "user", "random", 40_960),
    ("quick_question", "assistant", "default", 122_880),
    ("help_desk", "user", "oracle", 40_960),
    ("help_desk", "assistant", "default", 61_440),
]


def learnt(spec: GameSpec, seat: Any, opponent: str, steps: int) -> Any:
    """Train a network in a seat, rewarded with its own welfare."""
    import torch
    from sb3_contrib import MaskablePPO
    from stable_baselines3.common.vec_env import DummyVecEnv

    def env(index: int) -> ConversationEnv:
        made = ConversationEnv(spec, seat=seat, opponent=opponent, reward="own")
        made.reset(seed=1000 + index)
        return made

    torch.set_num_threads(1)
    model = MaskablePPO(
        "MlpPolicy",
        DummyVecEnv([lambda index=index: env(index) for index in range(8)]),  # type: ignore[misc]  # a bound default
        seed=0,
        n_steps=256,
        batch_size=256,
        n_epochs=8,
        gamma=1.0,
        gae_lambda=1.0,
        ent_coef=0.02,
        learning_rate=lambda left: 2e-3 * left,
        policy_kwargs={"net_arch": [64, 64]},
        device="cpu",
    )
    model.learn(steps)
    return NetworkSeat(model)


def worth(spec: GameSpec, seat: str, own: Any, opponent: str) -> float:
    """Return what a policy in a seat gets of its own welfare, exactly."""
    if seat == "user":
        other = assistant_mix(assistant_policy(opponent))
        return evaluate_profile(spec, user_mix(own), other).user
    return evaluate_profile(spec, user_mix(user_policy(opponent)), assistant_mix(own)).assistant


def best(spec: GameSpec, seat: str, opponent: str) -> float:
    if seat == "user":
        return best_user_response(spec, assistant_mix(assistant_policy(opponent))).value.user
    return best_assistant_response(spec, user_mix(user_policy(opponent))).value.assistant


def test_a_short_training_comes_near_and_not_beyond() -> None:
    pytest.importorskip("sb3_contrib")
    spec = compile_scenario(load_scenario("help_desk"))
    found = worth(spec, "assistant", learnt(spec, "assistant", "DQ", 6144), "DQ")
    before, most = worth(spec, "assistant", random_assistant, "DQ"), best(spec, "assistant", "DQ")
    assert found <= most + 1e-9
    assert found - before > 0.9 * (most - before)


@pytest.mark.slow
@pytest.mark.parametrize(("scenario", "seat", "opponent", "steps"), LONG)
def test_a_learner_comes_to_the_best_response(
    scenario: str, seat: Any, opponent: str, steps: int
) -> None:
    pytest.importorskip("sb3_contrib")
    spec = compile_scenario(load_scenario(scenario))
    network = learnt(spec, seat, opponent, steps)
    most = best(spec, seat, opponent)
    assert worth(spec, seat, network, opponent) <= most + 1e-9
    # its own play, sampled: the computed best lies in the interval
    env = ConversationEnv(spec, seat=seat, opponent=opponent, reward="own")
    returns = []
    for episode in range(EPISODES):
        env.reset(seed=7, options={"episode": episode})
        while env.conversation.state.ending is None:
            talk = env.conversation
            view = talk.user_view() if seat == "user" else talk.assistant_view()
            env.step(int(network(view, 0.5)))
        returns.append(env.conversation.returns[env.seat])
    half = 2.576 * np.std(returns) / np.sqrt(EPISODES)  # 99 %
    assert abs(np.mean(returns) - most) < half
