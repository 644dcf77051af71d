"""Fine-tuning by GRPO: TRL's trainer, rolled out in conversations with simulated users.

A row of the data set is the seed of a conversation and nothing else, so all tries of a group meet
the same user with the same question, and no hidden preference passes through the trainer's
columns. TRL calls `rollout_func` with the rows; every try is played to its end here, with the
user's tokens masked out, and returns its reward. A faulted conversation returns None: it takes no
part in its group's mean and gets no advantage.

Deviations from the paper's setting: GRPO instead of PPO with a critic, no KL term by default, one
advantage per conversation.

References:
    Shao et al. (2024), "DeepSeekMath", sec. 4 (GRPO). Yu et al. (2025), "DAPO", sec. 3.3 (the
    token-level loss that TRL uses by default). Zhu et al. (2025), "GTAlign", sec. 3-4.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from gtalign_env.errors import RunError
from gtalign_training.callbacks import Progress, quiet, trainer_callbacks
from gtalign_training.chat import ChatTokens, Tokens
from gtalign_training.checkpoints import newest_whole
from gtalign_training.game import (
    instructions_of,
    open_talk,
    reward_welfare,
    training_table,
    user_of,
)
from gtalign_training.models import Assistant, lora_config, merged, save_assistant
from gtalign_training.recipe import PretrainedModel, Recipe
from gtalign_training.rollouts import Rollout, play
from gtalign_training.run_folder import RunFolder
from gtalign_training.sft import step_of
from gtalign_training.statistics import rollout_metrics


def fine_tune(
    recipe: Recipe, assistant: Assistant, folder: RunFolder, progress: Progress
) -> Assistant:
    """Return the assistant after GRPO, going on from a checkpoint if the folder has one.

    Args:
        recipe: The recipe.
        assistant: What to start from.
        folder: The run folder; the result lies in ``model``.
        progress: Told after every step.

    Raises:
        RunError: Too many conversations of a step faulted; the last checkpoint stays as it is.
    """
    os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")  # rollout_func: TRL is pinned exactly
    import torch
    from trl import GRPOConfig, GRPOTrainer

    grpo, gpu = recipe.grpo, torch.cuda.is_available()
    checkpoint = newest_whole(folder / "grpo")
    args = GRPOConfig(
        output_dir=str(folder / "grpo"),
        max_steps=grpo.steps,
        per_device_train_batch_size=grpo.prompts * grpo.group,
        num_generations=grpo.group,
        learning_rate=grpo.learning_rate,
        lr_scheduler_type=grpo.schedule,
        beta=grpo.beta,
        entropy_coef=grpo.entropy,
        temperature=grpo.temperature,
        max_completion_length=grpo.turn_tokens,
        bf16=gpu,
        use_cpu=not gpu,
        gradient_checkpointing=gpu and isinstance(recipe.model, PretrainedModel),
        logging_steps=1,
        save_strategy="steps",
        save_steps=grpo.save_every,
        save_total_limit=2,
        report_to="none",
        disable_tqdm=True,
        seed=recipe.seed,
    )
    trainer = GRPOTrainer(
        model=assistant.model,
        reward_funcs=given_reward,
        args=args,
        train_dataset=seeds(grpo.steps * grpo.prompts),
        processing_class=assistant.tokenizer,
        rollout_func=Conversations(recipe, assistant.tokenizer),
        callbacks=trainer_callbacks(folder, "grpo", progress),
        peft_config=lora_config(recipe.model),
    )
    quiet(trainer)
    folder.drop_metrics_after("grpo", step_of(checkpoint))
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    trained = Assistant(merged(trainer.model), assistant.tokenizer)
    save_assistant(trained, folder / "model")
    return trained


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


class Conversations:
    """Plays a batch of conversations for TRL's ``rollout_func``.

    Args:
        recipe: The recipe.
        tokenizer: The model's tokenizer.
    """

    def __init__(self, recipe: Recipe, tokenizer: Any) -> None:
        self.recipe = recipe
        self.chat = ChatTokens(tokenizer)
        self.table = training_table(recipe)
        self.user = user_of(recipe)
        self.instructions = instructions_of(recipe)

    def __call__(self, prompts: list[str], trainer: Any) -> dict[str, list[Any]]:
        """Return one played conversation per prompt, as TRL wants them.

        Args:
            prompts: Rows of the data set; each stands here once per try.
            trainer: TRL's trainer, for its generation.

        Raises:
            RunError: More conversations faulted than the recipe allows.
        """

        def generate(sequences: list[Tokens]) -> list[Tokens]:
            # TRL keeps this private; it is the one call that serves every generation backend
            written: list[Tokens] = trainer._generate_single_turn(sequences, None, {}, 1)[0]
            return written

        indices = [int(json.loads(prompt)["seed"]) for prompt in prompts]
        talks = [(index, open_talk(self.table, index)) for index in indices]
        rollouts = play(talks, self.user, self.chat, generate, self.instructions)
        faults = sum(rollout.fault is not None for rollout in rollouts) / len(rollouts)
        if faults > self.recipe.grpo.most_faults:
            kinds = sorted({rollout.fault for rollout in rollouts if rollout.fault is not None})
            raise RunError(
                f"{faults:.0%} of the conversations of step {trainer.state.global_step + 1} failed "
                f"({', '.join(kinds)}); at most {self.recipe.grpo.most_faults:.0%} may. Mend the "
                "cause and go on with --resume"
            )
        rewards = self._rewards(rollouts, trainer.state.global_step)
        metrics = rollout_metrics(rollouts)
        return {
            "prompt_ids": [rollout.prompt_ids for rollout in rollouts],
            "completion_ids": [rollout.completion_ids for rollout in rollouts],
            "logprobs": None,  # type: ignore[dict-item]  # TRL computes them itself
            "env_mask": [rollout.mask for rollout in rollouts],
            "reward": rewards,
            "metrics": [metrics] * len(rollouts),
        }

    def _rewards(self, rollouts: list[Rollout], step: int) -> list[float | None]:
        if self.recipe.reward == "random":
            rng = np.random.default_rng(np.random.SeedSequence([self.recipe.seed, 2, step]))
            return [float(value) for value in rng.random(len(rollouts))]
        return [
            rollout.score(reward_welfare(self.recipe, rollout.talk.conversation.spec))
            for rollout in rollouts
        ]
