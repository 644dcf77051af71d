"""Makes a model small enough to serve anywhere that writes four blocks: imitation, no strategy.

python tests/engines/warm_start.py FOLDER [STEPS]

Its vocabulary has a token that ends at ``</payoff>``, and digits, so that a turn can go on from an
edited matrix.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from gtalign_training.callbacks import silent
from gtalign_training.game import training_table
from gtalign_training.models import Assistant, require_train_extra
from gtalign_training.recipe import TinyModel, load_recipe
from gtalign_training.run_folder import RunFolder
from gtalign_training.sft import warm_start
from gtalign_training.tiny.language import pieces
from gtalign_training.tiny.model import build_model, build_tokenizer


def split_pieces(known: list[str]) -> list[str]:
    """Return a vocabulary cut at the end of the matrix, with digits, longest piece first."""
    parts = [part for piece in known for part in re.split(r"(?<=</payoff>)", piece) if part]
    return sorted({*parts, *"0123456789.-"}, key=lambda piece: (-len(piece), piece))


def main(folder: str, steps: int = 1200) -> None:
    """Leave the model in ``FOLDER/sft/model``."""
    require_train_extra("a tiny model")
    import torch

    from gtalign_env.scenario.loader import load_tasks

    torch.set_num_threads(1)
    recipe = load_recipe("tiny-grpo")
    assert recipe.sft is not None, "the recipe begins with imitation"
    recipe = recipe.model_copy(update={"sft": recipe.sft.model_copy(update={"steps": steps})})
    specs = training_table(recipe).specs
    known = pieces(load_tasks(recipe.game.tasks), [spec.regime for spec in specs])
    tokenizer = build_tokenizer(split_pieces(known))
    size = recipe.model
    assert isinstance(size, TinyModel), "of a model made here"
    model = build_model(tokenizer, layers=size.layers, hidden=size.hidden, seed=recipe.seed)
    run = RunFolder.open(Path(folder), recipe, [spec.digest for spec in specs], resume=False)
    warm_start(recipe, Assistant(model, tokenizer), run, silent)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:3]))
