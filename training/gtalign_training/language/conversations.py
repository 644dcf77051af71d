"""A step's worth of conversations: played, rewarded and measured, for every trainer that samples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from gtalign_agents.calibration import exact_payoff, order_agreement
from gtalign_agents.fourblock import Payoff
from gtalign_env.errors import RunError
from gtalign_env.welfare import Welfare, minmax, zscore
from gtalign_training.game import (
    instructions_of,
    open_talk,
    reward_welfare,
    training_table,
    user_of,
)
from gtalign_training.language.chat import ChatTokens
from gtalign_training.language.rollouts import Generate, Rollout, play
from gtalign_training.recipe import Recipe
from gtalign_training.statistics import rollout_metrics


class Batch(NamedTuple):
    """Conversations, and what the assistant is rewarded with.

    Attributes:
        rollouts: The conversations, n of them.
        rewards: One each; None after a fault.
        metrics: Means over the conversations, for the log.
    """

    rollouts: list[Rollout]
    rewards: list[float | None]
    metrics: dict[str, float]


class Conversations:
    """Plays batches of a recipe's training conversations.

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
        self._exact: dict[str, Payoff] = {}

    def batch(self, indices: Sequence[int], generate: Generate, step: int) -> Batch:
        """Return one played conversation per index; equal indices open equal conversations.

        Args:
            indices: Which of the training conversations.
            generate: The model.
            step: How many optimiser steps are done.

        Raises:
            RunError: More conversations faulted than the recipe allows.
        """
        return self.rated(self.play(indices, generate), step)

    def play(self, indices: Sequence[int], generate: Generate) -> list[Rollout]:
        """Return one played conversation per index; equal indices open equal conversations.

        Args:
            indices: Which of the training conversations.
            generate: The model.
        """
        return play(
            [(index, open_talk(self.table, index)) for index in indices],
            self.user,
            self.chat,
            generate,
            self.instructions,
            blocks=self.recipe.format == "four-blocks",
        )

    def rated(self, rollouts: list[Rollout], step: int) -> Batch:
        """Return a step's played conversations with their rewards and metrics.

        Args:
            rollouts: All of the step.
            step: How many optimiser steps are done.

        Raises:
            RunError: More conversations faulted than the recipe allows.
        """
        require_few_faults(rollouts, self.recipe.language.most_faults, step)
        return Batch(rollouts, self.rewards(rollouts, step), rollout_metrics(rollouts))

    def welfare(self, rollout: Rollout) -> Welfare:
        """Return the aggregator that a conversation is rewarded by."""
        return reward_welfare(self.recipe, rollout.talk.conversation.spec)

    def rewards(self, rollouts: Sequence[Rollout], step: int) -> list[float | None]:
        """Return what each conversation is worth to the assistant; None after a fault.

        Args:
            rollouts: Played conversations.
            step: How many optimiser steps are done.
        """
        if self.recipe.reward == "random":
            rng = np.random.default_rng(np.random.SeedSequence([self.recipe.seed, 2, step]))
            return [float(value) for value in rng.random(len(rollouts))]
        scores = [rollout.score(self.welfare(rollout)) for rollout in rollouts]
        if self.recipe.calibration:
            scores = self._with_calibration(rollouts, scores)
        if self.recipe.normalise == "none":
            return scores
        sources = [rollout.talk.conversation.spec.regime.name for rollout in rollouts]
        return normalised(scores, sources, self.recipe.normalise)

    def _with_calibration(
        self, rollouts: Sequence[Rollout], scores: Sequence[float | None]
    ) -> list[float | None]:
        """Return the scores, and what each first matrix is worth; nothing where it is malformed."""
        return [
            None
            if score is None
            else score + self.recipe.calibration * self._calibration_of(rollout)
            for rollout, score in zip(rollouts, scores, strict=True)
        ]

    def _calibration_of(self, rollout: Rollout) -> float:
        if not rollout.well_formed or not rollout.turns:
            return 0.0
        block = rollout.turns[0].block
        assert block is not None
        spec = rollout.talk.conversation.spec
        if spec.digest not in self._exact:  # a normal form: once a game, not once a conversation
            self._exact[spec.digest] = exact_payoff(spec)
        return order_agreement(block.payoff, self._exact[spec.digest])


def normalised(
    scores: Sequence[float | None], sources: Sequence[str], how: str
) -> list[float | None]:
    """Return the scores on one scale for all sources; None stays None and counts nowhere.

    Args:
        scores: One per conversation.
        sources: Where each is from, as many.
        how: ``zscore`` or ``minmax``; see `gtalign_env.welfare`. A source all of whose scores are
            equal gets 0 throughout.
    """
    law = {"zscore": zscore, "minmax": minmax}[how]
    values = law([math.nan if score is None else score for score in scores], list(sources))
    return [
        None if score is None else float(value) for score, value in zip(scores, values, strict=True)
    ]


def require_few_faults(rollouts: Sequence[Rollout], most: float, step: int) -> None:
    """Raise where too many conversations failed to learn from the others.

    Args:
        rollouts: Played conversations.
        most: Share of them that may fail.
        step: How many optimiser steps are done.

    Raises:
        RunError: More failed; whatever was saved stays as it is.
    """
    kinds = sorted({rollout.fault for rollout in rollouts if rollout.fault is not None})
    faults = sum(rollout.fault is not None for rollout in rollouts) / len(rollouts)
    if faults > most:
        raise RunError(
            f"{faults:.0%} of the conversations of step {step + 1} failed ({', '.join(kinds)}); "
            f"at most {most:.0%} may. Mend the cause and go on with --resume"
        )
