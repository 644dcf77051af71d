"""`deepspeed_on_a_cpu.py`, where every gradient but the first is not a number."""

from __future__ import annotations

from typing import Any

import deepspeed.ops

from gtalign_training import models

begin = models.new_assistant


def spoilt(*args: Any) -> models.Assistant:
    """Return the assistant with one parameter whose later gradients are spoilt."""
    assistant, seen = begin(*args), []

    def late(gradient: Any) -> Any:
        seen.append(gradient)
        return gradient if len(seen) == 1 else gradient * float("nan")

    next(iter(assistant.model.parameters())).register_hook(late)
    return assistant


if __name__ == "__main__":
    deepspeed.ops.__compatible_ops__ = {}
    models.new_assistant = spoilt
    from gtalign_training.cli import main

    main()
