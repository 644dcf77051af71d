"""Checkpoints of a network's run: all that decides how it goes on, without a pickle.

```
checkpoint-N/       N environment steps
  model.zip         the library's own file: weights and the optimiser's state
  memory.npz        what else the algorithm remembers, if anything
  state.json        where each environment stands, and both random generators
```

A folder gets its name when it is whole, so a crash leaves a temporary folder and never a
half-written checkpoint. What damages one later is found on reading.
"""

from __future__ import annotations

import base64
import io
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from gtalign_env.errors import RunError
from gtalign_training.run_folder import CHECKPOINT, RunFolder, whole_file, write_json
from gtalign_training.tabular.env import Place
from gtalign_training.tabular.memory import memory_of, read_memory, write_memory
from gtalign_training.tabular.model import damage

MODEL, MEMORY, STATE = "model.zip", "memory.npz", "state.json"


def save_model(model: Any, path: Path) -> None:
    """Write a model whole or not at all.

    Args:
        model: The model.
        path: A file whose folder exists.
    """
    buffer = io.BytesIO()
    model.save(buffer)
    with whole_file(path) as file:
        file.write(buffer.getvalue())


def save_checkpoint(folder: Path, model: Any, places: list[Place]) -> Path:
    """Write a checkpoint and return its folder.

    Args:
        folder: Where checkpoints lie.
        model: The model, between two updates.
        places: Where its environments stand.
    """
    final = folder / f"{CHECKPOINT}{model.num_timesteps}"
    temporary = folder / f"unfinished-{final.name}"
    for stale in (temporary, final):  # a damaged one that was passed over on resuming
        if stale.exists():
            shutil.rmtree(stale)
    temporary.mkdir(parents=True)
    save_model(model, temporary / MODEL)
    memory = memory_of(model)
    write_memory(temporary / MEMORY, memory)
    write_json(
        temporary / STATE,
        {
            "step": model.num_timesteps,
            "places": [place._asdict() for place in places],
            "memory": bool(memory),
            **_random_state(),
        },
    )
    temporary.replace(final)
    return final


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Return a checkpoint's state, once all of it has been found to be whole.

    Args:
        path: The checkpoint's folder.

    Raises:
        RunError: It is damaged.
    """
    problem = damage(path / MODEL)
    if problem is not None:
        raise RunError(f"{path} is damaged: {problem}")
    state = RunFolder(path).read(STATE)
    if not isinstance(state, dict) or not {"step", "places", "numpy", "torch"} <= state.keys():
        raise RunError(f"{path} is damaged: {STATE} lacks some of its entries")
    if state.get("memory") and not read_memory(path / MEMORY):
        raise RunError(f"{path} is damaged: {MEMORY} is missing")
    return state


def places_of(state: dict[str, Any]) -> list[Place]:
    """Return where the environments of a checkpoint stand."""
    return [Place(p["seed"], p["episode"], tuple(p["moves"])) for p in state["places"]]


def restore_random_state(state: dict[str, Any]) -> None:
    """Put both generators that the library draws from back to where a checkpoint left them."""
    import torch

    numpy_state = dict(state["numpy"])
    key = np.frombuffer(base64.b64decode(numpy_state.pop("key")), dtype=np.uint32)
    position = numpy_state.pop("pos")
    np.random.set_state(  # noqa: NPY002  # the library's own generator
        {**numpy_state, "state": {"key": key, "pos": position}}
    )
    torch_state = np.frombuffer(base64.b64decode(state["torch"]), dtype=np.uint8)
    torch.set_rng_state(torch.from_numpy(torch_state.copy()))


def _random_state() -> dict[str, Any]:
    import torch

    numpy_state = np.random.get_state(legacy=False)  # noqa: NPY002  # the library's own generator
    assert isinstance(numpy_state, dict)
    return {
        "numpy": {
            "bit_generator": numpy_state["bit_generator"],
            "key": _text(numpy_state["state"]["key"]),
            "pos": int(numpy_state["state"]["pos"]),
            "has_gauss": int(numpy_state["has_gauss"]),
            "gauss": float(numpy_state["gauss"]),
        },
        "torch": _text(torch.get_rng_state().numpy()),
    }


def _text(array: np.ndarray[Any, np.dtype[Any]]) -> str:
    return base64.b64encode(array.tobytes()).decode("ascii")
