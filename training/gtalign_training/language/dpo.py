"""Direct preference optimisation: of the model's own tries, the best is preferred to the worst.

TRL's trainer, given tokens instead of text: a conversation is one growing sequence, in which the
user's words take no part in the preference.

The preference alone lets the likelihood of both tries fall as long as that of the worse one falls
faster; with many exact tokens to a turn, the format is gone soon. `imitation` adds the loss of
imitating the better one.

References:
    Pang et al. (2024), "Iterative reasoning preference optimization", sec. 2 (the imitation term).
    Rafailov et al. (2023), "Direct preference optimization: your language model is secretly a
    reward model", eq. 7.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gtalign_env.errors import RunError
from gtalign_training.callbacks import Progress, trainer_callbacks
from gtalign_training.language.hf_trainer import train_to_the_end, trainer_arguments
from gtalign_training.language.models import Assistant, lora_config
from gtalign_training.language.processes import Processes
from gtalign_training.language.tries import Try, pairs_of, summary, tries_together
from gtalign_training.recipe import Recipe
from gtalign_training.run_folder import RunFolder

STAGE = "dpo"
SIDES = ("chosen", "rejected")


def fine_tune(
    recipe: Recipe, assistant: Assistant, folder: RunFolder, progress: Progress
) -> Assistant:
    """Return the assistant after DPO, going on from a checkpoint if the folder has one.

    Args:
        recipe: The recipe.
        assistant: What to start from.
        folder: The run folder.
        progress: Told after every batch of tries, then after every step.

    Raises:
        RunError: No two tries differ enough, too many faulted, or a gradient was not finite.
    """
    from trl import DPOConfig

    section = recipe.dpo
    processes = Processes()
    groups = tries_together(recipe, assistant, folder, progress, processes)
    pairs = pairs_of(groups, section.margin)
    if processes.first:
        folder.mark(tries={**summary(groups), "pairs": len(pairs)})
    if not pairs:
        raise RunError(
            f"no two tries at one of {len(groups)} conversations differ by dpo.margin, "
            f"{section.margin:g} points, with the better one well-formed: lower it, make more "
            "tries, or begin with a warm start (sft)"
        )
    args = DPOConfig(
        **trainer_arguments(recipe, folder, STAGE, save_every=section.save_every),
        max_steps=section.steps,
        per_device_train_batch_size=processes.share(section.batch_size, "dpo.batch_size"),
        learning_rate=section.learning_rate,
        lr_scheduler_type="linear",
        beta=section.beta,
        loss_type=["sigmoid", "sft"] if section.imitation else "sigmoid",
        loss_weights=[1.0, section.imitation] if section.imitation else None,
        max_length=None,
    )
    trainer = _token_trainer()(
        model=assistant.model,
        args=args,
        train_dataset=preference_data(pairs),
        data_collator=collator(assistant.tokenizer.pad_token_id),
        processing_class=assistant.tokenizer,
        callbacks=trainer_callbacks(folder, STAGE, progress),
        peft_config=lora_config(recipe.model),
    )
    return train_to_the_end(trainer, assistant.tokenizer, folder, STAGE, processes)


def preference_data(pairs: Sequence[tuple[Try, Try]]) -> Any:
    """Return the pairs as a Hugging Face data set of tokens.

    Columns are ``prompt_ids`` and, for chosen and rejected, ``_ids`` and ``_mask``.

    Args:
        pairs: The better and the worse try.
    """
    from datasets import Dataset

    return Dataset.from_list(
        [
            {
                "prompt_ids": pair[0].prompt_ids,
                **{
                    f"{side}_ids": one.completion_ids for side, one in zip(SIDES, pair, strict=True)
                },
                **{f"{side}_mask": one.mask for side, one in zip(SIDES, pair, strict=True)},
            }
            for pair in pairs
        ]
    )


def collator(pad: int) -> Any:
    """Return a function from rows to a batch, first the chosen, then the rejected ones.

    Its tensors are ``input_ids``, ``attention_mask`` and ``completion_mask``, each of shape
    ``(2B, T)``; the last is 1 at the model's own tokens.

    Args:
        pad: Token that fills up.
    """
    import torch

    def collate(rows: list[dict[str, Any]]) -> dict[str, Any]:
        sequences = [row["prompt_ids"] + row[f"{side}_ids"] for side in SIDES for row in rows]
        masks = [
            [0] * len(row["prompt_ids"]) + row[f"{side}_mask"] for side in SIDES for row in rows
        ]
        attention = [[1] * len(sequence) for sequence in sequences]

        def padded(parts: list[list[int]], value: int) -> Any:
            return torch.nn.utils.rnn.pad_sequence(
                [torch.tensor(part) for part in parts], batch_first=True, padding_value=value
            )

        return {
            "input_ids": padded(sequences, pad),
            "attention_mask": padded(attention, 0),
            "completion_mask": padded(masks, 0),
        }

    return collate


def _token_trainer() -> Any:
    """Return TRL's trainer for data that is tokens already."""
    from trl import DPOTrainer

    class TokenTrainer(DPOTrainer):  # type: ignore[misc]  # TRL ships no types
        def _prepare_dataset(self, dataset: Any, *args: Any, **kw: Any) -> Any:
            return dataset

        def _set_signature_columns_if_needed(self) -> None:
            self._signature_columns = [
                "prompt_ids",
                *(f"{side}_{part}" for side in SIDES for part in ("ids", "mask")),
            ]

    return TokenTrainer
