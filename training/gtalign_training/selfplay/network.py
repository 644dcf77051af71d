"""A small network as plain arrays: a frozen policy that is fast to ask, and a file without code."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from gtalign_agents.adapters import View, observe
from gtalign_env.core.moves import AssistantMove, UserMove
from gtalign_env.core.views import AssistantView, UserView
from gtalign_env.errors import RunError
from gtalign_training.run_folder import whole_file

Arrays = Mapping[str, NDArray[np.float32]]
LAYERS = ("mlp_extractor.policy_net.0", "mlp_extractor.policy_net.2", "action_net")
"""The library's names of a policy's layers, from observation to moves."""


class FrozenSeat:
    """The policy of a network at one moment, in either seat.

    Args:
        arrays: ``LAYER.weight`` and ``LAYER.bias`` of every layer.
        greedy: Whether to play the likeliest move, instead of drawing one.
    """

    def __init__(self, arrays: Arrays, *, greedy: bool) -> None:
        self.arrays = {name: np.asarray(value, np.float64) for name, value in arrays.items()}
        self.greedy = greedy
        self._seen: dict[tuple[bytes, bytes], NDArray[np.float64]] = {}

    @classmethod
    def of(cls, model: Any, *, greedy: bool) -> FrozenSeat:
        """Return a copy of a learning model's policy.

        Args:
            model: A model of Stable-Baselines3 with two hidden layers.
            greedy: As for the class.
        """
        weights = model.policy.state_dict()
        arrays = {name: weights[name].numpy().copy() for name in names()}
        return cls(arrays, greedy=greedy)

    def shares(self, view: View) -> NDArray[np.float64]:
        """Return how often each move of the seat is played here, shape ``(6,)`` or ``(7,)``."""
        observation, mask = observe(view)
        key = observation.tobytes(), mask.tobytes()
        if key not in self._seen:
            self._seen[key] = self._shares(observation, mask)
        return self._seen[key]

    def _shares(self, observation: Any, mask: Any) -> NDArray[np.float64]:
        x = np.asarray(observation, np.float64)
        for layer in LAYERS[:-1]:
            x = np.tanh(self.arrays[f"{layer}.weight"] @ x + self.arrays[f"{layer}.bias"])
        last = LAYERS[-1]
        logits = self.arrays[f"{last}.weight"] @ x + self.arrays[f"{last}.bias"]
        logits = np.where(mask, logits, -np.inf)
        if self.greedy:
            return np.asarray(np.eye(len(logits))[int(np.argmax(logits))], dtype=np.float64)
        odds = np.exp(logits - logits.max())
        return np.asarray(odds / odds.sum(), dtype=np.float64)

    @overload
    def __call__(self, view: UserView, u: float) -> UserMove: ...
    @overload
    def __call__(self, view: AssistantView, u: float) -> AssistantMove: ...
    def __call__(self, view: View, u: float) -> UserMove | AssistantMove:
        """Return the move at cumulative probability ``u``."""
        shares = self.shares(view)
        index = int(np.searchsorted(np.cumsum(shares), u, side="right"))
        last = int(np.flatnonzero(shares)[-1])  # the shares may sum to a little less than u
        moves = UserMove if isinstance(view, UserView) else AssistantMove
        return moves(min(index, last))

    def save(self, path: Path) -> None:
        """Write the network whole or not at all."""
        with whole_file(path) as file:
            np.savez(file, **self.arrays)  # type: ignore[arg-type]  # arrays by name


def names() -> list[str]:
    """Return the names of a policy's arrays."""
    return [f"{layer}.{part}" for layer in LAYERS for part in ("weight", "bias")]


def load_seat(path: Path) -> FrozenSeat:
    """Return a saved network's policy; it plays its likeliest move.

    Args:
        path: A file that `FrozenSeat.save` wrote.

    Raises:
        RunError: It is missing, damaged or something else.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            return FrozenSeat({name: file[name] for name in names()}, greedy=True)
    except FileNotFoundError:
        raise RunError(f"{path} is missing; go on with the run (--resume)") from None
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise RunError(f"{path} is damaged: {error}") from error
