"""The assistant's language model: a tiny one built here, or any Hugging Face one."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from gtalign_agents.backends.weights import load_weights
from gtalign_env.core.spec import GameSpec
from gtalign_env.errors import MissingExtraError
from gtalign_training.recipe import PretrainedModel, Recipe, TinyModel


class Assistant(NamedTuple):
    """A model with its tokenizer."""

    model: Any
    tokenizer: Any


def require_train_extra(feature: str) -> None:
    """Raise where the libraries of the ``train`` extra are missing.

    Raises:
        MissingExtraError: One of them is.
    """
    if any(find_spec(name) is None for name in ("torch", "transformers", "trl", "datasets")):
        raise MissingExtraError(feature, "train")
    from transformers.utils import logging

    logging.disable_progress_bar()  # of shards written and read: ours shows what takes time


def new_assistant(recipe: Recipe, specs: Iterable[GameSpec]) -> Assistant:
    """Return the model that a recipe starts from.

    Args:
        recipe: The recipe.
        specs: The games; their public prices are part of the tiny model's language.

    Raises:
        RunError: A pretrained model cannot be loaded.
    """
    if isinstance(recipe.model, PretrainedModel):
        return load_assistant(recipe.model.path)
    from gtalign_training.language.tiny.language import pieces
    from gtalign_training.language.tiny.model import build_model, build_tokenizer

    regimes = [spec.regime for spec in specs]
    tokenizer = build_tokenizer(
        pieces(recipe.game_files.tasks, regimes, read=recipe.reads_matrices)
    )
    model = build_model(
        tokenizer, layers=recipe.model.layers, hidden=recipe.model.hidden, seed=recipe.seed
    )
    return Assistant(model, tokenizer)


def load_assistant(path: str | Path) -> Assistant:
    """Return a saved or published model; in bf16 on a GPU, in float32 on a CPU.

    Args:
        path: Folder, or name on the hub.

    Raises:
        RunError: It is not there, or it is damaged.
    """
    return Assistant(*load_weights(path))


def save_assistant(assistant: Assistant, path: Path) -> None:
    """Save a model with its tokenizer: the folder is there whole, or not at all.

    Args:
        assistant: What to save.
        path: The folder; what was there is replaced.
    """
    unfinished = path.with_name(f"{path.name}.unfinished")
    for stale in (unfinished, path):
        if stale.exists():
            shutil.rmtree(stale)
    assistant.tokenizer.save_pretrained(str(unfinished))
    assistant.model.save_pretrained(str(unfinished))
    unfinished.rename(path)


def merged(model: Any) -> Any:
    """Return a model with its adapters, if it has any, folded into its weights."""
    return model.merge_and_unload() if hasattr(model, "merge_and_unload") else model


def lora_config(model: TinyModel | PretrainedModel) -> Any:
    """Return peft's configuration of a model's adapters, or None where it has none."""
    lora = model.lora if isinstance(model, PretrainedModel) else None
    if lora is None:
        return None
    if find_spec("peft") is None:
        raise MissingExtraError("LoRA", "train")
    from peft import LoraConfig

    return LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
