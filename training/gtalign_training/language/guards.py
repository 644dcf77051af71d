"""What stops a run before it is spoilt: no memory left, numbers that are none, a wrong tokenizer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from gtalign_agents.fourblock import parse, render
from gtalign_env.core.moves import AssistantMove
from gtalign_env.errors import FormatError, RunError
from gtalign_training.game import open_talk, training_table, user_of
from gtalign_training.language.chat import ChatTokens
from gtalign_training.language.demonstrations import written_block
from gtalign_training.recipe import Recipe

_NO_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")


@contextmanager
def memory_guard(recipe: Recipe, stage: str) -> Iterator[None]:
    """Turn the library's way to say that memory ran out into one that says what to do.

    Args:
        recipe: The recipe.
        stage: What is being done: ``sft``, or the algorithm.

    Raises:
        RunError: Memory ran out; what was saved stays as it is.
    """
    import torch

    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise _no_memory(recipe, stage) from error
    except RuntimeError as error:
        if any(words in str(error) for words in _NO_MEMORY):  # what a CPU's allocator raises
            raise _no_memory(recipe, stage) from error
        raise


def _no_memory(recipe: Recipe, stage: str) -> RunError:
    if stage == "sft":
        knobs = "sft.batch_size"
    elif hasattr(recipe.language, "micro_batch"):
        knobs = f"{recipe.section_name}.micro_batch (the result stays the same), turn_tokens"
    else:
        knobs = f"{recipe.section_name}.batch_size, turn_tokens"
    return RunError(
        f"memory ran out in stage {stage}. Lower {knobs}, or choose a smaller model, and run again "
        "in another folder; the checkpoints of this one are whole"
    )


def require_finite(parameters: Iterable[Any], step: int, *, left_out: bool = False) -> None:
    """Raise where a gradient is NaN or infinite: the step must not be taken.

    Args:
        parameters: The model's.
        step: Which step, from 1.
        left_out: Whether the optimiser has found that already, and left the step out.

    Raises:
        RunError: One is; the weights and all checkpoints are still sound.
    """
    import torch

    gradients = [p.grad for p in parameters if p.grad is not None]
    norm: Any = torch.nn.utils.get_total_norm(gradients)
    if hasattr(norm, "full_tensor"):  # gradients in shards: the norm over all processes
        norm = norm.full_tensor()
    if left_out or not bool(torch.isfinite(norm)):
        raise RunError(
            f"the gradient of step {step} is not finite, so the step was not taken; the checkpoints "
            "are whole. Lower learning_rate, and run again in another folder"
        )


def require_writable(recipe: Recipe, tokenizer: Any) -> None:
    """Raise where a model's tokenizer cannot carry what an assistant must write.

    One turn is encoded and decoded again: four blocks must come back as they were.

    Args:
        recipe: The recipe.
        tokenizer: The model's tokenizer.

    Raises:
        RunError: They do not.
    """
    if recipe.format != "four-blocks":
        return
    talk = open_talk(training_table(recipe), 0)
    talk.say_user(talk.word_user(user_of(recipe)(talk.conversation.user_view(), 0.0)))
    move = AssistantMove.DA_CONCISE
    block = written_block(talk, move, talk.word_assistant(move), np.random.default_rng(0))
    text = render(block)
    written = tokenizer.encode(text, add_special_tokens=False)
    back, _ = ChatTokens(tokenizer).decode([*written, tokenizer.eos_token_id])
    try:
        # what stands in the other blocks is words: a language may lack some of them
        same = parse(back).payoff == block.payoff
        why = "the payoffs come back changed"
    except FormatError as error:
        same, why = False, str(error)
    name = tokenizer.name_or_path or type(tokenizer).__name__
    if not same:
        raise RunError(
            f"the tokenizer of {name} must carry the four blocks, and does not: encoded and decoded "
            f"again, {why}. Choose another model, or format: none"
        )
    dropped = set(written) & set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}
    if dropped:
        shown = ", ".join(sorted(repr(t) for t in tokenizer.convert_ids_to_tokens(sorted(dropped))))
        raise RunError(
            f"the tokenizer of {name} has parts of the four blocks as special tokens ({shown}), "
            "which trainers drop. Make them ordinary ones, or choose format: none"
        )
