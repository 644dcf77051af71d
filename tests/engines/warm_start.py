"""Makes a model small enough to serve anywhere that writes four blocks: imitation, no strategy.

python tests/engines/warm_start.py FOLDER [STEPS]
"""

from __future__ import annotations

import sys
from pathlib import Path

from gtalign_training.callbacks import silent
from gtalign_training.game import training_table
from gtalign_training.language.models import new_assistant, require_train_extra
from gtalign_training.language.sft import warm_start
from gtalign_training.recipe import load_recipe
from gtalign_training.run_folder import RunFolder


def main(folder: str, steps: int = 1200) -> None:
    """Leave the model in ``FOLDER/sft/model``."""
    require_train_extra("a tiny model")
    import torch

    torch.set_num_threads(1)
    recipe = load_recipe("tiny-grpo")
    assert recipe.sft is not None, "the recipe begins with imitation"
    recipe = recipe.model_copy(update={"sft": recipe.sft.model_copy(update={"steps": steps})})
    specs = training_table(recipe).specs
    run = RunFolder.open(Path(folder), recipe, [spec.digest for spec in specs], resume=False)
    warm_start(recipe, new_assistant(recipe, specs), run, silent)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:3]))
