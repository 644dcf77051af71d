"""The warm start: TRL's `SFTTrainer` on conversations without strategy."""

from __future__ import annotations

import numpy as np

from gtalign_training.callbacks import Progress, trainer_callbacks
from gtalign_training.game import instructions_of, open_talk, training_table, user_of
from gtalign_training.language.chat import ChatTokens, Tokens
from gtalign_training.language.demonstrations import demonstrations
from gtalign_training.language.hf_trainer import train_to_the_end, trainer_arguments
from gtalign_training.language.models import Assistant, load_assistant, lora_config, save_assistant
from gtalign_training.language.processes import Processes
from gtalign_training.recipe import PretrainedModel, Recipe
from gtalign_training.recipe.language import SftModel
from gtalign_training.run_folder import RunFolder

IGNORE = -100
"""Label of a token that is not to be imitated: the user's, and the prompt's."""


def warm_start(
    recipe: Recipe,
    assistant: Assistant,
    folder: RunFolder,
    progress: Progress,
    processes: Processes | None = None,
) -> Assistant:
    """Return the assistant after imitation; made once, then read from the run folder.

    It is always read back: a trainer that compares with where it began loads that from a path.

    Args:
        recipe: The recipe.
        assistant: What to start from.
        folder: The run folder; the result lies in ``sft/model``.
        progress: Told after every logged step.
        processes: The processes of the run; this one alone without them.
    """
    processes = Processes() if processes is None else processes
    done = folder / "sft" / "model"
    if not done.exists():
        if recipe.sft is not None and recipe.sft.steps > 0:
            assistant = _train(recipe, recipe.sft, assistant, folder, progress, processes)
        elif isinstance(recipe.model, PretrainedModel):
            return assistant
        processes.wait()
        if processes.first:
            save_assistant(assistant, done)
        processes.wait()
    return load_assistant(done)


def _train(
    recipe: Recipe,
    sft: SftModel,
    assistant: Assistant,
    folder: RunFolder,
    progress: Progress,
    processes: Processes,
) -> Assistant:
    from trl import SFTConfig, SFTTrainer

    args = SFTConfig(
        **trainer_arguments(recipe, folder, "sft", save_every=max(1, sft.steps // 3), log_every=10),
        max_steps=sft.steps,
        per_device_train_batch_size=processes.share(sft.batch_size, "sft.batch_size"),
        learning_rate=sft.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=min(20, sft.steps // 10),
        weight_decay=0.0,
        max_length=None,
        dataset_kwargs={"skip_prepare_dataset": True},
    )
    trainer = SFTTrainer(
        model=assistant.model,
        args=args,
        train_dataset=imitation_data(recipe, sft.conversations, ChatTokens(assistant.tokenizer)),
        processing_class=assistant.tokenizer,
        callbacks=trainer_callbacks(folder, "sft", progress),
        peft_config=lora_config(recipe.model),
    )
    return train_to_the_end(trainer, assistant.tokenizer, folder, "sft", processes)


def imitation_data(recipe: Recipe, count: int, chat: ChatTokens) -> object:
    """Return the conversations to imitate as a Hugging Face data set.

    Columns are ``input_ids`` and ``labels``.

    Args:
        recipe: The recipe.
        count: How many conversations.
        chat: Renders the tokens.
    """
    from datasets import Dataset

    table = training_table(recipe, knowing=True)
    rows = demonstrations(
        lambda index: open_talk(table, index),
        user_of(recipe),
        chat,
        count,
        np.random.default_rng(np.random.SeedSequence([recipe.seed, 1])),
        instructions_of(recipe),
        blocks=recipe.format == "four-blocks",
        read=recipe.reads_matrices,
    )
    return Dataset.from_list([labelled(row.input_ids, row.mask) for row in rows])


def labelled(input_ids: Tokens, mask: list[int]) -> dict[str, list[int]]:
    """Return a row of the data set: the tokens, and those of them that are to be imitated.

    Args:
        input_ids: The conversation's tokens.
        mask: 1 where the model is to imitate, as long.
    """
    labels = [token if own else IGNORE for token, own in zip(input_ids, mask, strict=True)]
    return {"input_ids": input_ids, "labels": labels}
