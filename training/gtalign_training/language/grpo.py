"""Fine-tuning by GRPO or RLOO: TRL's trainer, rolled out in conversations with simulated users.

A row of the data set is the seed of a conversation and nothing else, so all tries of a group meet
the same user with the same question, and no hidden preference passes through the trainer's
columns. TRL calls `rollout_func` with the rows; every try is played to its end here, with the
user's tokens masked out, and returns its reward. A faulted conversation returns None: it takes no
part in its group's mean and gets no advantage.

RLOO is the same trainer with another advantage: TRL's own `RLOOTrainer` has no rollout hook. With
`credit: turn`, a token's advantage is that of its turn's reward to go.

Deviations from the paper's setting: no critic, no KL term by default, one advantage per
conversation or turn. From RLOO as published: the KL term is in the loss and not in the reward, and
the loss is a mean over tokens, which scales the gradient of the sum over conversations.

References:
    Shao et al. (2024), "DeepSeekMath", sec. 4 (GRPO). Ahmadian et al. (2024), "Back to basics:
    revisiting REINFORCE style optimization", sec. 3 (RLOO). Yu et al. (2025), "DAPO", sec. 3.3 (the
    token-level loss that TRL uses by default). Zhu et al. (2025), "GTAlign", sec. 3-4.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

from gtalign_env.errors import RunError
from gtalign_training.callbacks import Progress, trainer_callbacks
from gtalign_training.language.advantages import (
    by_conversation,
    by_turn,
    group_relative,
    leave_one_out,
    on_tokens,
)
from gtalign_training.language.chat import Tokens
from gtalign_training.language.conversations import Batch, Conversations
from gtalign_training.language.engine import (
    Logprobs,
    beside,
    engine_arguments,
    single_turn,
    uses_vllm,
    write,
)
from gtalign_training.language.hf_trainer import train_to_the_end, trainer_arguments
from gtalign_training.language.models import Assistant, lora_config
from gtalign_training.language.processes import Processes
from gtalign_training.language.shards import whole_weights
from gtalign_training.recipe import PretrainedModel, Recipe
from gtalign_training.recipe.language import GrpoModel
from gtalign_training.run_folder import RunFolder


def fine_tune(
    recipe: Recipe, assistant: Assistant, folder: RunFolder, progress: Progress
) -> Assistant:
    """Return the assistant after GRPO or RLOO, going on from a checkpoint if the folder has one.

    Args:
        recipe: The recipe.
        assistant: What to start from.
        folder: The run folder.
        progress: Told after every step.

    Raises:
        RunError: Too many conversations of a step faulted, or a gradient was not finite; the last
            checkpoint stays as it is.
    """
    os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")  # rollout_func: TRL is pinned exactly
    import torch
    from trl import GRPOConfig

    grpo, stage = recipe.language, recipe.algorithm
    assert isinstance(grpo, GrpoModel)
    processes = Processes()
    prompts = processes.share(grpo.prompts, f"{recipe.section_name}.prompts")
    rollouts = prompts * grpo.group  # of this process, per step
    micro_batch = min(grpo.micro_batch or rollouts, rollouts)
    arguments = trainer_arguments(recipe, folder, stage, save_every=grpo.save_every)
    if isinstance(recipe.model, PretrainedModel):  # a large one: activations are made again
        arguments["gradient_checkpointing"] = torch.cuda.is_available()
    args = GRPOConfig(
        **arguments,
        max_steps=grpo.steps,
        per_device_train_batch_size=micro_batch,
        gradient_accumulation_steps=rollouts // micro_batch,
        num_generations=grpo.group,
        scale_rewards="none" if stage == "rloo" else "group",
        learning_rate=grpo.learning_rate,
        lr_scheduler_type=grpo.schedule,
        warmup_steps=round(grpo.warmup * grpo.steps),
        beta=grpo.beta,
        entropy_coef=grpo.entropy,
        temperature=grpo.temperature,
        max_completion_length=grpo.turn_tokens,
        **engine_arguments(grpo),
    )
    with beside(recipe, processes) as settle:
        trainer = group_trainer()(
            model=assistant.model,
            reward_funcs=given_reward,
            args=args,
            train_dataset=seeds(grpo.steps * grpo.prompts),
            processing_class=assistant.tokenizer,
            rollout_func=RolloutFunction(recipe, assistant.tokenizer),
            callbacks=trainer_callbacks(folder, stage, progress),
            peft_config=lora_config(recipe.model),
        )
        return train_to_the_end(settle(trainer), assistant.tokenizer, folder, stage, processes)


def group_trainer() -> Any:
    """Return TRL's GRPO trainer, its advantages replaced where the recipe asks for others."""
    import torch
    from trl import GRPOTrainer

    class GroupTrainer(GRPOTrainer):  # type: ignore[misc]  # TRL ships no types
        def _generate_and_score_completions(self, inputs: Any) -> dict[str, Any]:
            out: dict[str, Any] = super()._generate_and_score_completions(inputs)
            others = self.rollout_func.advantages()
            if others is not None:
                rows = torch.tensor(others, dtype=torch.float32)
                if rows.dim() == 2 and rows.shape != out["completion_ids"].shape:
                    raise AssertionError("one advantage per token, or one per conversation")
                out["advantages"] = rows.to(out["completion_ids"].device)
            return out

    return GroupTrainer


def seeds(count: int) -> Any:
    """Return the data set: one row per conversation, its seed as the prompt."""
    from datasets import Dataset

    return Dataset.from_dict({"prompt": [json.dumps({"seed": index}) for index in range(count)]})


def given_reward(
    prompts: Sequence[Any],
    completions: Sequence[Any],
    reward: Sequence[float | None],
    **columns: Any,
) -> list[float | None]:
    """Return the rewards that the rollouts brought along, and log what they were like.

    Args:
        prompts: Not used.
        completions: Not used.
        reward: One per completion; None for a fault.
        columns: What else TRL passes; ``log_metric`` takes the step's metrics.
    """
    for name, value in columns["metrics"][0].items():
        columns["log_metric"](name, value)
    return list(reward)


class RolloutFunction:
    """Plays a batch of conversations for TRL's ``rollout_func``.

    Args:
        recipe: The recipe.
        tokenizer: The model's tokenizer.

    Attributes:
        batch: What was played last.
    """

    def __init__(self, recipe: Recipe, tokenizer: Any) -> None:
        self.recipe = recipe
        self.conversations = Conversations(recipe, tokenizer)
        self.batch: Batch | None = None

    def __call__(self, prompts: list[str], trainer: Any) -> dict[str, list[Any]]:
        """Return one played conversation per prompt, as TRL wants them.

        Args:
            prompts: Rows of the data set; each stands here once per try.
            trainer: TRL's trainer, for its generation.

        Raises:
            RunError: More conversations faulted than the recipe allows.
        """
        noted, vllm = Logprobs(), uses_vllm(self.recipe)

        def generate(sequences: list[Tokens]) -> list[Tokens]:
            if vllm:
                return write(trainer, sequences, noted)
            return single_turn(trainer, sequences)[0]

        indices = [int(json.loads(prompt)["seed"]) for prompt in prompts]
        with nullcontext() if vllm else whole_weights(trainer):
            self.batch = self.conversations.batch(indices, generate, trainer.state.global_step)
        rollouts = self.batch.rollouts
        return {
            "prompt_ids": [rollout.prompt_ids for rollout in rollouts],
            "completion_ids": [rollout.completion_ids for rollout in rollouts],
            # without them, TRL computes them itself
            "logprobs": [noted.of(rollout) for rollout in rollouts] if vllm else None,  # type: ignore[dict-item]
            "env_mask": [rollout.mask for rollout in rollouts],
            "reward": self.batch.rewards,
            "metrics": [self.batch.metrics] * len(rollouts),
        }

    def advantages(self) -> list[Any] | None:
        """Return the last batch's advantages where they are not TRL's own, or None.

        They are one per conversation, or, with credit by turn, one per token: rows of equal length.

        Raises:
            RunError: Not all tries of a conversation were played by this process.
        """
        grpo = self.recipe.language
        assert isinstance(grpo, GrpoModel)
        assert self.batch is not None
        law = leave_one_out if self.recipe.algorithm == "rloo" else group_relative
        if law is group_relative and grpo.credit == "conversation":
            return None
        rollouts = self.batch.rollouts
        if len(rollouts) % grpo.group:
            raise RunError(
                f"{self.recipe.section_name}.prompts, {grpo.prompts}, must be a multiple of the "
                "number of processes: the tries of a conversation are compared within one of them"
            )
        if grpo.credit == "conversation":
            return list(by_conversation(self.batch.rewards, grpo.group, law))
        gains = [
            None if reward is None else self._gains(rollout, reward)
            for rollout, reward in zip(rollouts, self.batch.rewards, strict=True)
        ]
        rows = [
            on_tokens(rollout, turns)
            for rollout, turns in zip(rollouts, by_turn(gains, grpo.group, law), strict=True)
        ]
        longest = max(len(row) for row in rows)
        return [row + [0.0] * (longest - len(row)) for row in rows]

    def _gains(self, rollout: Any, reward: float) -> list[float]:
        if self.recipe.reward == "random":  # one number for it all: whichever turn it is put on
            return [0.0] * (len(rollout.turns) - 1) + [reward]
        gains = rollout.turn_rewards(self.conversations.welfare(rollout))
        assert gains is not None  # a fault has no reward
        return list(gains)
