"""From the names on a command line to the policies in the seats."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from gtalign_agents.dialogue.replayed import is_replayed, replayed_user
from gtalign_agents.table import assistant_agent, find_agent, user_agent
from gtalign_env.core.mixed import AssistantMix, UserMix, assistant_mix, user_mix
from gtalign_env.core.moves import AssistantMove
from gtalign_env.core.policies import AssistantSeat, UserSeat, random_assistant, random_user
from gtalign_env.core.views import AssistantView
from gtalign_env.errors import RunError, ScenarioError

if TYPE_CHECKING:
    from gtalign_training.selfplay.network import FrozenSeat

TRAINED = "trained"
"""``trained@FOLDER`` is the assistant of a run folder of `gtalign train`, trained without text; or
the user, of one of self-play."""
RANDOM = "random"  # its probabilities are known and need no search


def user_seat(name: str) -> UserSeat:
    """Return a fresh user policy.

    Args:
        name: A row of the table of agents, or ``trained@FOLDER`` of a self-play run.

    Raises:
        ScenarioError: Unknown name.
        RunError: The folder holds no user that has learnt.
    """
    base, _, folder = name.partition("@")
    if base == TRAINED:
        return _selfplayer(Path(folder), "user")
    return user_agent(name)


def require_user(name: str) -> None:
    """Make sure that a name stands for a user that needs no model.

    Args:
        name: A row of the table of agents, or ``replay@PATH``.

    Raises:
        ScenarioError: Unknown name.
        RunError: There is nothing to replay.
    """
    if is_replayed(name):
        replayed_user(name, seed=0)
    else:
        user_seat(name)


def assistant_seat(name: str) -> AssistantSeat:
    """Return a fresh assistant policy.

    Args:
        name: A row of the table of agents, or ``trained@FOLDER``.

    Raises:
        ScenarioError: Unknown name.
        RunError: The folder holds no assistant that plays by moves.
        MissingExtraError: What the assistant was trained with is not installed.
    """
    base, _, folder = name.partition("@")
    if base == TRAINED:
        if not folder:
            raise ScenarioError(f"after {TRAINED}@ comes a run folder; got nothing")
        return trained_seat(Path(folder))
    return assistant_agent(name)


def trained_seat(path: Path) -> AssistantSeat:
    """Return the assistant of a run without text; it plays its likeliest move.

    Args:
        path: The run folder.

    Raises:
        RunError: It is no finished run folder of a recipe without text, or of one with memory.
        MissingExtraError: Stable-Baselines3 is not installed.
    """
    from gtalign_agents.adapters import NetworkSeat
    from gtalign_training.recipe import Recipe
    from gtalign_training.run_folder import RunFolder
    from gtalign_training.tabular.model import (
        build_model,
        first_places,
        load_parameters,
        own_randomness,
    )

    folder = RunFolder(path)
    if folder.read("recipe.json").get("algorithm") == "selfplay":
        return _selfplayer(path, "assistant")
    recipe = Recipe.model_validate(folder.read("recipe.json"), strict=False)
    if not recipe.strategic:
        raise RunError(
            f"{path} holds an assistant that speaks (recipe {recipe.name!r}); by moves plays what "
            "a recipe without text has trained, such as strategic-ppo"
        )
    if recipe.algorithm == "recurrent-ppo":
        raise RunError(
            f"{path} holds a policy with memory (recipe {recipe.name!r}), and a seat has none; its "
            "exact value stands in evaluation.json"
        )
    with own_randomness(recipe):
        model, _ = build_model(recipe, first_places(recipe))
        load_parameters(model, folder / "model" / "model.zip")
    return LikeliestSeat(model) if recipe.algorithm == "dqn" else NetworkSeat(model)


class LikeliestSeat:
    """A network in the assistant's seat that says which move is best, and not how likely it is.

    Args:
        model: The model, of Q-learning.
    """

    def __init__(self, model: Any) -> None:
        self.model = model

    def __call__(self, view: AssistantView, u: float) -> AssistantMove:
        """Return the best move; no randomness."""
        from gtalign_agents.adapters import observe
        from gtalign_training.tabular.algorithms import move_shares

        shares = move_shares(self.model, observe(view)[0][None])
        return AssistantMove(int(shares.argmax()))


def _selfplayer(path: Path, seat: str) -> FrozenSeat:
    """Return a seat of a self-play run; it plays its likeliest move."""
    from gtalign_training.run_folder import RunFolder
    from gtalign_training.selfplay.network import load_seat

    recipe = RunFolder(path).read("recipe.json")
    section = recipe.get("selfplay", {})
    learnt = recipe["algorithm"] == "selfplay" and section["learner"] == "ppo"
    if not learnt or section["seat"] not in ("both", seat):
        raise RunError(f"{path} holds no {seat} that has learnt by a network in self-play")
    return load_seat(path / "model" / f"{seat}.npz")


def is_stochastic(name: str, seat: str) -> bool:
    """Return whether a named policy's moves depend on chance.

    Args:
        name: As for `user_seat` and `assistant_seat`.
        seat: ``user`` or ``assistant``.
    """
    if name.partition("@")[0] == TRAINED:
        return False  # it plays its likeliest move
    return find_agent(name, seat)[0].traits.stochastic


def user_mix_of(name: str) -> UserMix:
    """Return the probabilities of a named user's moves.

    Raises:
        ScenarioError: Unknown name.
    """
    if name == RANDOM:
        return user_mix(random_user)
    if name.partition("@")[0] == TRAINED:
        return user_mix(user_seat(name))
    return user_mix(user_seat(name), stochastic=find_agent(name, "user")[0].traits.stochastic)


def assistant_mix_of(name: str) -> AssistantMix:
    """Return the probabilities of a named assistant's moves.

    Raises:
        ScenarioError: Unknown name.
        RunError: ``trained@FOLDER`` names no run that has trained an assistant.
    """
    if name == RANDOM:
        return assistant_mix(random_assistant)
    if name.partition("@")[0] == TRAINED:
        return assistant_mix(assistant_seat(name))
    stochastic = find_agent(name, "assistant")[0].traits.stochastic
    return assistant_mix(assistant_seat(name), stochastic=stochastic)
