"""Stable-Baselines3's algorithms, set up for a short undiscounted game.

Deviations from the library's defaults, for all: no discounting, as welfare is paid once at the end
and its own discount is part of it. For the actor-critic ones: Monte-Carlo advantages, as
conversations are a few exchanges long. For DQN: random moves fade over the recipe's share of the
steps whatever part of the run is done, and rewards are not clipped.

The assistant's seven moves are always legal, so none of them needs a mask.

References:
    Schulman et al. (2017), "Proximal policy optimization algorithms". Mnih et al. (2016),
    "Asynchronous methods for deep reinforcement learning" (A2C is its synchronous form). Mnih et al.
    (2015), "Human-level control through deep reinforcement learning". Hausknecht and Stone (2015),
    "Deep recurrent Q-learning for partially observable MDPs", for memory in place of a state.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gtalign_env.core.moves import AssistantMove
from gtalign_env.envs.observe import Array
from gtalign_env.errors import MissingExtraError
from gtalign_training.recipe import Recipe

Shares = Callable[[Array], NDArray[np.float64]]
"""Maps the assistant's observations of a conversation so far, shape ``(exchanges, len(ENTRIES))``, to
the probabilities of the seven moves, shape ``(7,)``."""

_ACTIONS = 9  # stream of a recipe's seed: the random moves of Q-learning


def make(recipe: Recipe, environments: Any) -> Any:
    """Return an untrained model of a recipe's algorithm.

    Args:
        recipe: The recipe.
        environments: The library's vector of environments.

    Raises:
        MissingExtraError: sb3-contrib, which has the policy with memory, is not installed.
    """
    makers = {"ppo": _ppo, "recurrent-ppo": _recurrent_ppo, "a2c": _a2c, "dqn": _dqn}
    return makers[recipe.algorithm](recipe, environments)


def _common(recipe: Recipe) -> dict[str, Any]:
    hidden = recipe.network.hidden
    return {
        "learning_rate": recipe.network.learning_rate,
        "gamma": 1.0,
        "policy_kwargs": {"net_arch": [hidden, hidden]},
        "device": "cpu",
    }


def _clipped(recipe: Recipe) -> dict[str, Any]:
    ppo = recipe.recurrent_ppo if recipe.algorithm == "recurrent-ppo" else recipe.ppo
    return {
        "n_steps": ppo.horizon,
        "batch_size": ppo.batch_size,
        "n_epochs": ppo.epochs,
        "gae_lambda": 1.0,
        "ent_coef": ppo.entropy,
    }


def _ppo(recipe: Recipe, environments: Any) -> Any:
    from stable_baselines3 import PPO

    return PPO("MlpPolicy", environments, **_common(recipe), **_clipped(recipe))


def _recurrent_ppo(recipe: Recipe, environments: Any) -> Any:
    try:
        from sb3_contrib import RecurrentPPO
    except ImportError:
        raise MissingExtraError("PPO with memory", "sb3") from None
    common = _common(recipe)
    common["policy_kwargs"] |= {"lstm_hidden_size": recipe.recurrent_ppo.memory}
    return RecurrentPPO("MlpLstmPolicy", environments, **common, **_clipped(recipe))


def _a2c(recipe: Recipe, environments: Any) -> Any:
    from stable_baselines3 import A2C

    return A2C(
        "MlpPolicy",
        environments,
        **_common(recipe),
        n_steps=recipe.a2c.horizon,
        gae_lambda=1.0,
        ent_coef=recipe.a2c.entropy,
    )


def _dqn(recipe: Recipe, environments: Any) -> Any:
    from stable_baselines3 import DQN

    dqn = recipe.dqn
    return DQN(
        "MlpPolicy",
        environments,
        **_common(recipe),
        buffer_size=dqn.buffer,
        learning_starts=dqn.learning_starts,
        batch_size=dqn.batch_size,
        train_freq=1,
        gradient_steps=dqn.gradient_steps,
        target_update_interval=dqn.target_every,
    )


def begin_update(recipe: Recipe, model: Any, done: float) -> None:
    """Set what changes over a run: the rate, and how often Q-learning moves at random.

    Args:
        recipe: The recipe.
        model: The model, between two updates.
        done: Share of the run that is done.
    """
    from stable_baselines3.common.utils import FloatSchedule

    model.lr_schedule = FloatSchedule(recipe.network.learning_rate * (1 - done))
    if recipe.algorithm == "dqn":
        dqn = recipe.dqn
        faded = min(1.0, done / dqn.exploration)
        rate = 1.0 + faded * (dqn.final_exploration - 1.0)
        model.exploration_schedule = FloatSchedule(rate)
        model.exploration_rate = rate  # the library sets it after the first move only
        # the one generator that is not torch's or NumPy's: it begins each update anew
        entropy = [recipe.seed, _ACTIONS, int(model.num_timesteps)]
        model.action_space.seed(int(np.random.SeedSequence(entropy).generate_state(1)[0]))


LOGGED = {
    "policy_loss": ("train/policy_gradient_loss", "train/policy_loss"),
    "value_loss": ("train/value_loss",),
    "loss": ("train/loss",),
    "approx_kl": ("train/approx_kl",),
    "clip_fraction": ("train/clip_fraction",),
    "explained_variance": ("train/explained_variance",),
    "learning_rate": ("train/learning_rate",),
    "exploration": ("rollout/exploration_rate",),
}
"""Our names of an update's measurements, and the library's, which differ by algorithm."""


def measured(model: Any) -> dict[str, float]:
    """Return an update's measurements, as far as the algorithm has them.

    Args:
        model: The model, after an update.
    """
    values = model.logger.name_to_value
    found = {
        ours: values[theirs]
        for ours, names in LOGGED.items()
        for theirs in names
        if theirs in values
    }
    if "train/entropy_loss" in values:
        found = {"entropy": -values["train/entropy_loss"], **found}
    if hasattr(model, "exploration_rate"):
        found["exploration"] = model.exploration_rate
    # plain floats: the losses are NumPy's, which JSON does not know
    return {name: float(value) for name, value in found.items()}


def move_shares(model: Any, observations: Array) -> NDArray[np.float64]:
    """Return the probability of each of the seven moves, shape ``(7,)``.

    Q-learning has no probabilities: its likeliest move gets all.

    Args:
        model: The model.
        observations: The assistant's, of the conversation so far, shape
            ``(exchanges, len(ENTRIES))``.
    """
    import torch

    policy = model.policy
    with torch.no_grad():
        if hasattr(policy, "q_net"):
            best = int(policy.q_net(policy.obs_to_tensor(observations[-1:])[0])[0].argmax())
            return np.asarray(np.eye(len(AssistantMove))[best], dtype=np.float64)
        if hasattr(policy, "lstm_actor"):
            logits = _with_memory(policy, observations)
        else:
            batch = policy.obs_to_tensor(observations[-1:])[0]
            logits = policy.get_distribution(batch).distribution.logits[0]
    return np.asarray(torch.softmax(logits.double(), dim=-1).numpy(), dtype=np.float64)


def _with_memory(policy: Any, observations: Array) -> Any:
    """Return the logits at the last of a conversation's observations, shape ``(7,)``."""
    import torch

    lstm = policy.lstm_actor
    zeros = torch.zeros(lstm.num_layers, 1, lstm.hidden_size)
    batch = policy.obs_to_tensor(observations)[0]
    starts = torch.zeros(len(batch))
    starts[0] = 1.0
    return policy.get_distribution(batch, (zeros, zeros), starts)[0].distribution.logits[-1]
