"""What a network plays: endless conversations of one seed, which can be put back to where they were."""

from __future__ import annotations

from typing import Any, NamedTuple

import gymnasium
import numpy as np

from gtalign_env.core.conversation import Conversation
from gtalign_env.envs.conversation import ConversationEnv
from gtalign_env.envs.observe import Array
from gtalign_training.game import reward_welfare
from gtalign_training.recipe import Recipe


class Place(NamedTuple):
    """Where an environment stands: all draws follow from it, so it is all there is to save."""

    seed: int
    episode: int = 0
    moves: tuple[int, ...] = ()
    """The assistant's moves so far in the episode under way."""


class Finished(NamedTuple):
    """A conversation that has ended, and what the assistant was rewarded with."""

    conversation: Conversation
    reward: float


class TrainingEnv(gymnasium.Wrapper[Array, int, Array, int]):
    """The assistant's seat of `gtalign/Conversation-v0`, rewarded at the end as a recipe asks.

    Every ending terminates. The exchange limit is a rule of the game and its welfare is paid, so
    a trainer must not add its own guess of what would have come after.

    Args:
        recipe: The recipe.
        place: Where the first `reset` goes on.

    Attributes:
        finished: Conversations that have ended since the list was last emptied.
    """

    def __init__(self, recipe: Recipe, place: Place) -> None:
        files = recipe.game_files
        self.game = ConversationEnv(
            files.scenario,
            files.pricing,
            seat="assistant",
            p_vague=recipe.game.p_vague,
            reward="joint",
        )
        super().__init__(self.game)
        self.finished: list[Finished] = []
        self._recipe = recipe
        self._welfare = {
            spec.digest: reward_welfare(recipe, spec) for spec in self.game.table.specs
        }
        self._place = place
        self._begun = False

    @property
    def place(self) -> Place:
        """Where the environment stands now."""
        if not self._begun:
            return self._place
        moves = tuple(int(move) for move in self.game.conversation.assistant_moves)
        return self._place._replace(moves=moves)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Array, dict[str, Any]]:
        """Begin the next episode; the first time, go on from the place given.

        The observation has the shape ``(len(ENTRIES),)``.

        Args:
            seed: Not used: the place's seed holds for good.
            options: Not used.
        """
        if self._begun:
            self._place = Place(self._place.seed, self._place.episode + 1)
        self._begun = True
        observation, _ = self.game.reset(
            seed=self._place.seed, options={"episode": self._place.episode}
        )
        for move in self._place.moves:
            observation, *_ = self.game.step(move)
        return observation, {}

    def step(self, action: int) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        """Make the assistant's move and let the user answer.

        The observation has the shape ``(len(ENTRIES),)``.
        """
        observation, _, terminated, truncated, _ = self.game.step(int(action))
        if not (terminated or truncated):
            return observation, 0.0, False, False, {}
        reward = self._reward(self.game.conversation)
        self.finished.append(Finished(self.game.conversation, reward))
        return observation, reward, True, False, {}

    def _reward(self, conversation: Conversation) -> float:
        if self._recipe.reward == "random":
            entropy = [self._recipe.seed, 2, self._place.seed, self._place.episode]
            return float(np.random.default_rng(np.random.SeedSequence(entropy)).random())
        return self._welfare[conversation.spec.digest](*conversation.returns)
