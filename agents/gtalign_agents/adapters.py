"""Trained networks and other people's policies as a seat of the game.

An adapter builds the observation that the environments give, from the seat's view and from nothing
else, and asks the network with the seat's action mask. What comes back is a policy
``policy(view, u) -> move`` like every other agent's, so it plays wherever a callable may.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import signature
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from gtalign_env.core.moves import AssistantMove, UserMove
from gtalign_env.core.views import AssistantView, UserView
from gtalign_env.envs.observe import (
    Array,
    Mask,
    assistant_mask,
    assistant_observation,
    regime_entries,
    user_mask,
    user_observation,
)
from gtalign_env.errors import EpisodeError

View = UserView | AssistantView
Move = UserMove | AssistantMove


def observe(view: View) -> tuple[Array, Mask]:
    """Return what an environment shows a seat: the observation and the mask of legal moves.

    Args:
        view: What the seat may know.

    Returns:
        The observation, shape ``(len(ENTRIES),)``, and the mask, shape ``(6,)`` for the user and
        ``(7,)`` for the assistant.
    """
    if isinstance(view, UserView):
        price = regime_entries(view.public.spec.regime)
        return user_observation(view, price), user_mask(view.state)
    return assistant_observation(view, regime_entries(view.spec.regime)), assistant_mask()


class NetworkSeat:
    """A Stable-Baselines3 model in a seat; the model says which seat by the size of its actions.

    A model of `sb3_contrib.MaskablePPO` is given the mask. Of any other actor-critic model, the
    probabilities of illegal moves are set to 0 and the rest divided by their sum, which is the
    same for a categorical distribution.

    Args:
        model: A model with a policy over ``Discrete`` actions, such as PPO, A2C or MaskablePPO.
        greedy: Whether to play the likeliest move, instead of drawing one.

    Raises:
        ValueError: The model has no probabilities of actions, as DQN has none: adapt such a model
            by `CallableSeat`.
    """

    def __init__(self, model: Any, *, greedy: bool = True) -> None:
        if not hasattr(model.policy, "get_distribution"):
            raise ValueError(
                "a network in a seat gives probabilities of moves, as PPO, A2C and MaskablePPO do; "
                f"{type(model).__name__} has none. Adapt it by CallableSeat(model.predict ...)"
            )
        self.model = model
        self.greedy = greedy
        self._maskable = "action_masks" in signature(model.policy.get_distribution).parameters

    def shares(self, view: View) -> NDArray[np.float64]:
        """Return how often each move of the seat is played here, of shape ``(6,)`` or ``(7,)``.

        Raises:
            EpisodeError: The model is for the other seat.
        """
        observation, mask = observe(view)
        probabilities = self._probabilities(observation, mask)
        if len(probabilities) != len(mask):
            raise EpisodeError(
                f"the {'user' if isinstance(view, UserView) else 'assistant'} has {len(mask)} "
                f"moves; this model was trained on {len(probabilities)}, the other seat's"
            )
        legal = np.where(mask, probabilities, 0.0)
        if self.greedy:
            chosen = np.zeros_like(legal)
            chosen[int(np.argmax(np.where(mask, probabilities, -1.0)))] = 1.0
            return chosen
        return np.asarray(legal / legal.sum(), dtype=np.float64)

    @overload
    def __call__(self, view: UserView, u: float) -> UserMove: ...
    @overload
    def __call__(self, view: AssistantView, u: float) -> AssistantMove: ...
    def __call__(self, view: View, u: float) -> Move:
        """Return the move at cumulative probability ``u``."""
        shares = self.shares(view)
        index = int(np.searchsorted(np.cumsum(shares), u, side="right"))
        last = int(np.flatnonzero(shares)[-1])  # the shares may sum to a little less than u
        moves = UserMove if isinstance(view, UserView) else AssistantMove
        return moves(min(index, last))

    def _probabilities(self, observation: Array, mask: Mask) -> NDArray[np.float64]:
        import torch

        policy = self.model.policy
        policy.set_training_mode(False)
        with torch.no_grad():
            batch, _ = policy.obs_to_tensor(observation[None])
            options = {"action_masks": mask[None].astype(bool)} if self._fits(mask) else {}
            found = policy.get_distribution(batch, **options).distribution.probs[0]
        return np.asarray(found.double().cpu().numpy(), dtype=np.float64)

    def _fits(self, mask: Mask) -> bool:
        return self._maskable and self.model.action_space.n == len(mask)


class CallableSeat:
    """Any function of an observation and a mask in a seat.

    Args:
        choose: Maps the observation, shape ``(len(ENTRIES),)``, and the mask of legal moves to the
            index of a move.
    """

    def __init__(self, choose: Callable[[Array, Mask], Any]) -> None:
        self.choose = choose

    @overload
    def __call__(self, view: UserView, u: float) -> UserMove: ...
    @overload
    def __call__(self, view: AssistantView, u: float) -> AssistantMove: ...
    def __call__(self, view: View, u: float) -> Move:
        """Return the chosen move.

        Raises:
            EpisodeError: What was chosen is no legal move now.
        """
        observation, mask = observe(view)
        moves: Sequence[Move] = list(UserMove if isinstance(view, UserView) else AssistantMove)
        chosen = np.asarray(self.choose(observation, mask)).item()
        if not isinstance(chosen, int) or not 0 <= chosen < len(moves) or not mask[chosen]:
            legal = ", ".join(f"{int(m)} ({m.label})" for m in moves if mask[m])
            raise EpisodeError(f"a policy chooses a legal move: {legal}; got {chosen!r}")
        return moves[chosen]
