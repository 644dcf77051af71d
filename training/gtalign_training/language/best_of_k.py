"""Imitation of the best of several tries at each conversation: the model's own, or the oracle's.

The paper's warm start keeps the best of nine candidates by welfare; its data and code were not
published. Here the tries are whole conversations, made by the model itself or by the exact
optimum, so what is imitated is strategy that paid.

References:
    Zhu et al. (2025), "GTAlign", sec. 4 (best of nine by welfare). Dong et al. (2023), "RAFT: reward
    ranked finetuning", alg. 1 (the best of k samples of the model itself).
"""

from __future__ import annotations

from gtalign_env.errors import RunError
from gtalign_training.callbacks import Progress, trainer_callbacks
from gtalign_training.language.hf_trainer import train_to_the_end, trainer_arguments
from gtalign_training.language.models import Assistant, lora_config
from gtalign_training.language.processes import Processes
from gtalign_training.language.sft import labelled
from gtalign_training.language.tries import best_of, summary, tries_together
from gtalign_training.recipe import Recipe
from gtalign_training.run_folder import RunFolder

STAGE = "best-of-k"


def fine_tune(
    recipe: Recipe, assistant: Assistant, folder: RunFolder, progress: Progress
) -> Assistant:
    """Return the assistant after imitating the best tries, going on from a checkpoint if there is one.

    Args:
        recipe: The recipe.
        assistant: What to start from.
        folder: The run folder.
        progress: Told after every batch of tries, then after every logged step.

    Raises:
        RunError: No try was well-formed, too many faulted, or a gradient was not finite.
    """
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    section = recipe.best_of_k
    processes = Processes()
    groups = tries_together(recipe, assistant, folder, progress, processes)
    best = best_of(groups)
    if processes.first:
        folder.mark(tries=summary(groups))
    if not best:
        raise RunError(
            f"none of the tries at {len(groups)} conversations was well-formed, so there is nothing "
            "to imitate: begin with a warm start (sft), or with more tries"
        )
    args = SFTConfig(
        **trainer_arguments(recipe, folder, STAGE, save_every=section.save_every),
        max_steps=section.steps,
        per_device_train_batch_size=processes.share(section.batch_size, "best_of_k.batch_size"),
        learning_rate=section.learning_rate,
        lr_scheduler_type="linear",
        weight_decay=0.0,
        max_length=None,
        dataset_kwargs={"skip_prepare_dataset": True},
    )
    rows = [
        labelled(one.prompt_ids + one.completion_ids, [0] * len(one.prompt_ids) + one.mask)
        for one in best
    ]
    trainer = SFTTrainer(
        model=assistant.model,
        args=args,
        train_dataset=Dataset.from_list(rows),
        processing_class=assistant.tokenizer,
        callbacks=trainer_callbacks(folder, STAGE, progress),
        peft_config=lora_config(recipe.model),
    )
    return train_to_the_end(trainer, assistant.tokenizer, folder, STAGE, processes)
