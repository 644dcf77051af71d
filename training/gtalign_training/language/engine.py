"""What writes the turns of a rollout: the model that is trained, or vLLM beside it on the same GPU.

TRL runs vLLM in the trainer's process and gives it the weights before each step's conversations. Its
kernels round otherwise than the trainer's, so it samples from a slightly different policy; TRL weighs
by the ratio of the two, for which it needs what vLLM thought of each of its tokens.

References:
    Yao et al. (2025), "Your efficient RL framework secretly brings you off-policy RL training"
    (truncated importance sampling; TRL's default masks whole sequences instead).
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from gtalign_env.errors import MissingExtraError, RunError
from gtalign_training.language.chat import Tokens
from gtalign_training.language.rollouts import Rollout
from gtalign_training.recipe import Recipe
from gtalign_training.recipe.language import GrpoModel


def require_engine(recipe: Recipe) -> None:
    """Raise where a recipe's turns cannot be written as it asks.

    Args:
        recipe: The recipe.

    Raises:
        MissingExtraError: vLLM is not installed.
        RunError: There is no GPU.
    """
    if not uses_vllm(recipe):
        return
    if find_spec("vllm") is None:
        raise MissingExtraError("engine: vllm", "vllm")
    import torch

    if not torch.cuda.is_available():
        raise RunError(
            f"{recipe.section_name}.engine: vllm needs a GPU, and there is none: on a CPU, vLLM takes "
            "no new weights from a trainer. Use engine: transformers"
        )


def uses_vllm(recipe: Recipe) -> bool:
    """Return whether vLLM writes the turns.

    Args:
        recipe: The recipe.
    """
    return isinstance(recipe.language, GrpoModel) and recipe.language.engine == "vllm"


def engine_arguments(section: GrpoModel) -> dict[str, Any]:
    """Return what TRL is told about the engine.

    Args:
        section: The recipe's section.
    """
    if section.engine == "transformers":
        return {}
    return {
        "use_vllm": True,
        "vllm_mode": "colocate",
        "vllm_gpu_memory_utilization": section.engine_memory,
    }


class Logprobs:
    """What an engine thought of the tokens that it wrote, found again in the finished rollouts."""

    def __init__(self) -> None:
        self._noted: dict[tuple[int, ...], Sequence[float]] = {}

    def note(
        self,
        sequences: Sequence[Tokens],
        written: Sequence[Tokens],
        logprobs: Sequence[Sequence[float]],
    ) -> None:
        """Remember one call.

        Args:
            sequences: What was continued.
            written: How, for each.
            logprobs: Of every token written, nats.
        """
        for sequence, tokens, values in zip(sequences, written, logprobs, strict=True):
            self._noted[(*sequence, *tokens)] = values

    def of(self, rollout: Rollout) -> list[float]:
        """Return the log-probability of every token of a completion, nats; 0 for the user's.

        Args:
            rollout: A conversation, all of whose turns were noted.
        """
        out = [0.0] * len(rollout.completion_ids)
        end = 0
        for turn in rollout.turns:
            start = rollout.mask.index(1, end) if turn.tokens else end
            end = start + turn.tokens
            so_far = (*rollout.prompt_ids, *rollout.completion_ids[:end])
            out[start:end] = self._noted[so_far]
        return out
