"""Weights in shards over processes (FSDP 2): whole while a process plays, and whole at the end.

A forward pass of a sharded model is a call of all processes together. Processes that play different
conversations make different numbers of them, so each gets all weights before it plays, as DeepSpeed's
trainers do it, and plays alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from gtalign_env.errors import RunError
from gtalign_training.language.models import load_assistant, merged
from gtalign_training.language.processes import sharded


def require_usable_shards(trainer: Any) -> None:
    """Raise where the launcher asked for shards of a kind that cannot be trained in here.

    Args:
        trainer: A Hugging Face trainer.

    Raises:
        RunError: It did; the message says what to set.
    """
    asked = sharded()
    if asked and not trainer.is_fsdp_enabled:
        raise RunError(
            "accelerate shards weights on accelerators only and would train whole copies here: leave "
            "FSDP out (see docs/training.md, Several processes)"
        )
    if asked and trainer.accelerator.state.fsdp_plugin.fsdp_version != 2:
        raise RunError("fsdp_version must be 2, as in training/accelerate/fsdp.yaml; got 1")
    if asked and os.environ.get("FSDP_CPU_RAM_EFFICIENT_LOADING", "").lower() in ("1", "true"):
        raise RunError(
            "fsdp_cpu_ram_efficient_loading must be false, as in training/accelerate/fsdp.yaml: with "
            "it, all processes but the first compare with a start that was never read"
        )
    if asked and "FULL" not in str(trainer.accelerator.state.fsdp_plugin.state_dict_type):
        raise RunError(
            "fsdp_state_dict_type must be FULL_STATE_DICT, as in training/accelerate/fsdp.yaml: what "
            "was trained has to be read by one process"
        )
    if not trainer.is_deepspeed_enabled:
        return
    plugin = trainer.accelerator.state.deepspeed_plugin
    if plugin.zero_stage == 3:
        raise RunError(
            "zero_stage must be at most 2, as in training/accelerate/deepspeed-zero2.yaml: processes "
            "play alone, each with all weights. Use FSDP for weights in shards"
        )
    if plugin.deepspeed_config.get("bf16", {}).get("enabled") is True and not trainer.args.bf16:
        raise RunError(
            "mixed_precision must be no where there is no GPU; got bf16: add --mixed_precision no to "
            "the options of accelerate launch"
        )


@contextmanager
def whole_weights(trainer: Any) -> Iterator[None]:
    """Give this process all weights for as long as it plays; nothing to do where they are whole.

    Called by all processes together.

    Args:
        trainer: A Hugging Face trainer that is training.
    """
    if not trainer.is_fsdp_enabled:
        yield
        return
    from torch.distributed.fsdp import FSDPModule

    model, reshard = trainer.model, trainer.accelerator.state.fsdp_plugin.reshard_after_forward
    parts = [module for module in model.modules() if isinstance(module, FSDPModule)]
    model.set_reshard_after_forward(False)
    for part in parts:
        part.unshard()
    # the trainer's own is a call of all processes, at its begin, its end and every token
    together = model.generate
    model.generate = partial(type(model).generate, model, synced_gpus=False)
    try:
        yield
    finally:
        model.generate = together
        model.set_reshard_after_forward(bool(reshard))
        for part in parts:
            part.reshard()


def trained_model(trainer: Any, checkpoint: Path | None) -> Any:
    """Return the trained model, whole, its adapters folded in.

    Args:
        trainer: A Hugging Face trainer that has trained.
        checkpoint: The one of its last step.
    """
    if not trainer.is_fsdp_enabled:
        return merged(trainer.model)
    assert checkpoint is not None
    if not (checkpoint / "adapter_config.json").exists():
        return load_assistant(checkpoint).model
    from peft import AutoPeftModelForCausalLM

    return merged(AutoPeftModelForCausalLM.from_pretrained(str(checkpoint)))
