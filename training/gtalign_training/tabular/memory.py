"""What an algorithm remembers beside weights and optimiser: written out and put back, no pickle.

PPO and A2C begin each update anew. A policy with memory carries the state of its LSTM into the next
one, and Q-learning its replay buffer.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gtalign_env.errors import RunError

BUFFER = ("observations", "next_observations", "actions", "rewards", "dones", "timeouts")
STATES = ("pi_hidden", "pi_cell", "vf_hidden", "vf_cell", "episode_starts")


def memory_of(model: Any) -> dict[str, NDArray[Any]]:
    """Return what a model remembers between two updates, as arrays by name, each of its own shape.

    Those of a replay buffer have the shape ``(filled, environments, ...)``, the states of an LSTM
    ``(layers, environments, units)``.

    Args:
        model: The model, between two updates.
    """
    if hasattr(model, "replay_buffer"):
        buffer = model.replay_buffer
        filled = buffer.buffer_size if buffer.full else buffer.pos
        return {
            **{name: getattr(buffer, name)[:filled] for name in BUFFER},
            "counts": np.array([buffer.pos, buffer.full, model._n_calls, model._n_updates]),
        }
    if getattr(model, "_last_lstm_states", None) is not None:
        parts = (*model._last_lstm_states.pi, *model._last_lstm_states.vf)
        arrays = [np.asarray(part) for part in parts] + [model._last_episode_starts]
        return dict(zip(STATES, arrays, strict=True))
    return {}


def restore_memory(model: Any, memory: dict[str, NDArray[Any]]) -> None:
    """Put a model's memory back to where a checkpoint left it; shapes as of `memory_of`.

    Args:
        model: Built from the same recipe.
        memory: As `memory_of` returned it.
    """
    if hasattr(model, "replay_buffer") and memory:
        buffer = model.replay_buffer
        for name in BUFFER:
            getattr(buffer, name)[: len(memory[name])] = memory[name]
        pos, full, calls, updates = (int(number) for number in memory["counts"])
        buffer.pos, buffer.full = pos, bool(full)
        model._n_calls, model._n_updates = calls, updates
    elif memory:
        import torch
        from sb3_contrib.common.recurrent.type_aliases import RNNStates

        parts = [torch.from_numpy(memory[name].copy()) for name in STATES[:4]]
        model._last_lstm_states = RNNStates((parts[0], parts[1]), (parts[2], parts[3]))
        # with an observation at hand the library does not begin its environments anew
        model._last_obs = model.env.reset()
        model._last_episode_starts = memory["episode_starts"]


def write_memory(path: Path, memory: dict[str, NDArray[Any]]) -> None:
    """Write a model's memory; nothing where it has none. Shapes are kept.

    Args:
        path: An ``.npz`` file in a folder that is not yet in place.
        memory: As `memory_of` returned it.
    """
    if memory:
        with path.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **memory)


def read_memory(path: Path) -> dict[str, NDArray[Any]]:
    """Return a model's memory, shapes as written; empty where none was.

    Args:
        path: The file.

    Raises:
        RunError: It is damaged.
    """
    if not path.exists():
        return {}
    try:
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise RunError(f"{path} is damaged: {error}") from error
