"""From the names on a command line to the policies in the seats."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gtalign_agents.backends.named import is_model
from gtalign_agents.dialogue.replayed import is_replayed, replayed_user
from gtalign_agents.responses import responders
from gtalign_agents.table import AGENTS, assistant_agent, find_agent, user_agent
from gtalign_env.core.mixed import AssistantMix, UserMix, assistant_mix, user_mix
from gtalign_env.core.moves import AssistantMove
from gtalign_env.core.policies import AssistantSeat, UserSeat, random_assistant, random_user
from gtalign_env.core.views import AssistantView
from gtalign_env.errors import RunError, ScenarioError
from gtalign_training.folders import is_training, no_folder, what_is

if TYPE_CHECKING:
    from gtalign_training.selfplay.network import FrozenSeat

TRAINED = "trained"
"""``trained@FOLDER`` is the assistant of a run folder of `gtalign train`, trained without text; or
the user, of one of self-play. ``run:FOLDER`` and the folder alone are other spellings of it."""
RUN = "run:"
RANDOM = "random"  # its probabilities are known and need no search


def training_of(name: str) -> Path | None:
    """Return the training's folder that a seat's name stands for; None where it stands for none.

    An agent's name is the agent's, whatever folder is called like it.

    Args:
        name: ``trained@FOLDER``, ``run:FOLDER``, a folder, or any other name.

    Raises:
        ScenarioError: No folder follows.
        RunError: There is no such folder, or it holds no training; the message says what it is.
    """
    for before in (f"{TRAINED}@", RUN):
        if name.startswith(before):
            if name == before:
                raise ScenarioError(
                    f"after {before} comes a run folder of gtalign train; got nothing"
                )
            return _training(Path(name.removeprefix(before)))
    if not name or name.partition("@")[0] in AGENTS or is_model(name) or is_replayed(name):
        return None
    folder = Path(name)
    return _training(folder) if folder.is_dir() or "/" in name or os.sep in name else None


def _training(folder: Path) -> Path:
    if not folder.is_dir():
        raise RunError(no_folder(folder))
    if not is_training(folder):
        raise RunError(
            f"{folder} holds no training that could take a seat: it is {what_is(folder)}"
        )
    return folder


def seat_name(name: str) -> str:
    """Return a seat's name in its main spelling, which does not depend on how it was given.

    Args:
        name: Who is to sit there.

    Raises:
        ScenarioError: As for `training_of`.
        RunError: As for `training_of`.
    """
    folder = training_of(name)
    return name if folder is None else f"{TRAINED}@{folder}"


def user_seat(name: str) -> UserSeat:
    """Return a fresh user policy.

    Args:
        name: A row of the table of agents, or ``trained@FOLDER`` of a self-play run.

    Raises:
        ScenarioError: Unknown name.
        RunError: The folder holds no user that has learnt.
    """
    folder = training_of(name)
    if folder is not None:
        return _selfplayer(folder, "user")
    policy: UserSeat = _responder(name) or user_agent(name)
    return policy


def _responder(name: str) -> Any:
    """Return who answers a training, such as ``best_response@trained@FOLDER``; else None."""
    base, _, other = name.partition("@")
    if base not in _RESPONDERS or not other or training_of(other) is None:
        return None
    return _RESPONDERS[base].make(other)


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
    folder = training_of(name)
    if folder is not None:
        return trained_seat(folder)
    policy: AssistantSeat = _responder(name) or assistant_agent(name)
    return policy


def trained_seat(path: Path) -> AssistantSeat:
    """Return the assistant of a run without text; it plays its likeliest move.

    Args:
        path: The run folder.

    Raises:
        RunError: It is no finished run folder of a recipe without text, or of one with memory.
        MissingExtraError: Stable-Baselines3 is not installed.
    """
    from gtalign_agents.adapters import NetworkSeat
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
    recipe = folder.recipe()
    if not recipe.strategic:
        raise RunError(
            f"{path} holds an assistant that speaks (recipe {recipe.name!r}), and is played by "
            "gtalign evaluate; by moves plays what a recipe without text has trained, such as "
            "strategic-ppo"
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
    if training_of(name) is not None:
        return False  # it plays its likeliest move
    return find_agent(name, seat)[0].traits.stochastic


def user_mix_of(name: str) -> UserMix:
    """Return the probabilities of a named user's moves.

    Raises:
        ScenarioError: Unknown name.
    """
    if name == RANDOM:
        return user_mix(random_user)
    return user_mix(user_seat(name), stochastic=is_stochastic(name, "user"))


def assistant_mix_of(name: str) -> AssistantMix:
    """Return the probabilities of a named assistant's moves.

    Raises:
        ScenarioError: Unknown name.
        RunError: ``trained@FOLDER`` names no run that has trained an assistant.
    """
    if name == RANDOM:
        return assistant_mix(random_assistant)
    return assistant_mix(assistant_seat(name), stochastic=is_stochastic(name, "assistant"))


_RESPONDERS = {row.name: row for row in responders(user_seat, assistant_seat, is_stochastic)}
