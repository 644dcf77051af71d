"""What is counted of played conversations: pure functions of arrays, none of which knows a file.

A point is what one conversation came to, (U, L). Rows may come in any order: nothing depends on it.
"""

from __future__ import annotations

from gtalign_training.metrics.dominance import Dominance, dominance
from gtalign_training.metrics.frontier import (
    chebyshev_regret,
    coverage,
    frontier,
    frontier_by_instance,
    hypervolume,
)
from gtalign_training.metrics.mix import agreement, total_variation
from gtalign_training.metrics.paired import Difference, holm, paired_difference, sign_flip
from gtalign_training.metrics.use import answers_per_1k, budget_use, ratio, response_share

__all__ = [
    "Difference",
    "Dominance",
    "agreement",
    "answers_per_1k",
    "budget_use",
    "chebyshev_regret",
    "coverage",
    "dominance",
    "frontier",
    "frontier_by_instance",
    "holm",
    "hypervolume",
    "paired_difference",
    "ratio",
    "response_share",
    "sign_flip",
    "total_variation",
]
