"""`deepspeed_on_a_cpu.py`, where every gradient but the first is not a number."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import deepspeed.ops

from gtalign_env.core.spec import GameSpec
from gtalign_training.language import models
from gtalign_training.recipe import Recipe

begin = models.new_assistant


def spoilt(recipe: Recipe, specs: Iterable[GameSpec]) -> models.Assistant:
    """Return the assistant with one parameter whose later gradients are spoilt."""
    assistant, seen = begin(recipe, specs), []

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
