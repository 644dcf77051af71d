"""Which function trains a language model by which algorithm."""

from __future__ import annotations

from collections.abc import Callable

from gtalign_training.callbacks import Progress
from gtalign_training.language.models import Assistant
from gtalign_training.recipe import Recipe
from gtalign_training.run_folder import RunFolder

FineTune = Callable[[Recipe, Assistant, RunFolder, Progress], Assistant]
"""From a recipe, what to start from, the run folder and a progress report to what was learnt."""

NAMES = {
    "grpo": "GRPO",
    "rloo": "RLOO",
    "lm-ppo": "PPO with a critic",
    "best-of-k": "imitation of the best of k",
    "dpo": "DPO",
}
"""What the algorithms are called in sentences."""


def fine_tune_of(algorithm: str) -> FineTune:
    """Return the function that trains by an algorithm.

    Args:
        algorithm: One of `gtalign_training.recipe.LanguageAlgorithm`.
    """
    from gtalign_training.language import best_of_k, dpo, grpo
    from gtalign_training.language.lm_ppo import trainer as lm_ppo

    table: dict[str, FineTune] = {
        "grpo": grpo.fine_tune,
        "rloo": grpo.fine_tune,
        "lm-ppo": lm_ppo.fine_tune,
        "best-of-k": best_of_k.fine_tune,
        "dpo": dpo.fine_tune,
    }
    return table[algorithm]
