"""Checkpoints of a PPO run: weights of actor and critic and the optimiser's state, without a pickle.

```
checkpoint-N/            N optimiser steps
  policy.safetensors     the language model
  head.safetensors       the critic's last layer
  critic.safetensors     the critic's own model, where it has one
  optimizer.safetensors  Adam's two moments of every parameter, and its count
  state.json             N
```

All else follows from the recipe and the step: what a step draws is seeded by its number. A folder
gets its name when it is whole.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from gtalign_env.errors import RunError
from gtalign_training.language.lm_ppo.network import ActorCritic
from gtalign_training.run_folder import CHECKPOINT, RunFolder, checkpoints, write_json

STATE, OPTIMIZER = "state.json", "optimizer"
KEPT = 2
"""How many checkpoints stay."""


def save_checkpoint(folder: Path, step: int, network: ActorCritic, optimizer: Any) -> Path:
    """Write a checkpoint and return its folder.

    Args:
        folder: Where checkpoints lie.
        step: Optimiser steps done.
        network: Actor and critic.
        optimizer: An Adam.
    """
    final = folder / f"{CHECKPOINT}{step}"
    temporary = folder / f"unfinished-{final.name}"
    for stale in (temporary, final):
        if stale.exists():
            shutil.rmtree(stale)
    temporary.mkdir(parents=True)
    for name, part in network.parts().items():
        _save(temporary / f"{name}.safetensors", dict(part.state_dict()))
    _save(temporary / f"{OPTIMIZER}.safetensors", _moments(optimizer))
    write_json(temporary / STATE, {"step": step})
    temporary.replace(final)
    for old in checkpoints(folder)[KEPT:]:
        shutil.rmtree(old)
    return final


def read_checkpoint(path: Path) -> int:
    """Return a checkpoint's step, once all its files have been found to be whole.

    Args:
        path: The checkpoint's folder.

    Raises:
        RunError: It is damaged.
    """
    for name in ("policy", "head", OPTIMIZER):
        _read(path / f"{name}.safetensors")
    state = RunFolder(path).read(STATE)
    if not isinstance(state, dict) or not isinstance(state.get("step"), int):
        raise RunError(f"{path} is damaged: {STATE} lacks its step")
    return int(state["step"])


def load_checkpoint(path: Path, network: ActorCritic, optimizer: Any) -> None:
    """Put actor, critic and optimiser back to where a checkpoint left them.

    Args:
        path: The checkpoint's folder.
        network: Built from the same recipe.
        optimizer: Its Adam, no step taken yet.

    Raises:
        RunError: It is damaged, or of another recipe.
    """
    try:
        for name, part in network.parts().items():
            part.load_state_dict(_read(path / f"{name}.safetensors"))
        moments = _read(path / f"{OPTIMIZER}.safetensors")
        for index, parameter in enumerate(_parameters(optimizer)):
            if f"{index}.step" in moments:
                optimizer.state[parameter] = {
                    key: moments[f"{index}.{key}"].to("cpu" if key == "step" else parameter.device)
                    for key in ("step", "exp_avg", "exp_avg_sq")
                }
    except (RuntimeError, KeyError) as error:
        raise RunError(f"{path} is of another network than the recipe's: {error}") from error


def _parameters(optimizer: Any) -> list[Any]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def _moments(optimizer: Any) -> dict[str, Any]:
    return {
        f"{index}.{key}": value
        for index, parameter in enumerate(_parameters(optimizer))
        for key, value in optimizer.state.get(parameter, {}).items()
    }


def _save(path: Path, tensors: dict[str, Any]) -> None:
    from safetensors.torch import save_file

    # tied tensors share memory, which the format refuses: each is written out
    save_file({name: value.detach().clone().contiguous() for name, value in tensors.items()}, path)


def _read(path: Path) -> dict[str, Any]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return dict(load_file(path))
    except (SafetensorError, OSError, ValueError) as error:
        raise RunError(f"{path} is damaged ({str(error).splitlines()[0]})") from error
