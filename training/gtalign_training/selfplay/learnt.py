"""Best responses in turns, learnt: masked PPO in one seat against the other's frozen policy.

Each turn begins with random numbers of its own and with new conversations, both functions of
(seed, round, seat). So what a turn does follows from the two networks alone, and two files are a
whole checkpoint.
"""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

from gtalign_env.core.mixed import assistant_mix, user_mix
from gtalign_env.envs.conversation import ConversationEnv
from gtalign_env.envs.observe import Array
from gtalign_env.errors import MissingExtraError, RunError
from gtalign_env.welfare import Welfare
from gtalign_training.game import reward_welfare
from gtalign_training.recipe import Recipe
from gtalign_training.run_folder import CHECKPOINT
from gtalign_training.runs.seats import assistant_seat, user_seat
from gtalign_training.selfplay.measure import Pair
from gtalign_training.selfplay.network import FrozenSeat
from gtalign_training.tabular.checkpoint import save_model
from gtalign_training.tabular.model import damage, load_parameters

_PLAY, _TURN = 21, 22  # streams of a recipe's seed
SEATS = ("user", "assistant")


class SeatEnv(gymnasium.Wrapper[Array, int, Array, int]):
    """One seat against a policy, rewarded at the end; every ending terminates.

    Args:
        recipe: The recipe.
        seat: Who learns.
        opponent: The other seat's policy.
        seed: Of its conversations.
    """

    def __init__(self, recipe: Recipe, seat: str, opponent: Any, seed: int) -> None:
        files = recipe.game_files
        self.game = ConversationEnv(
            files.scenario,
            files.pricing,
            seat=seat,  # type: ignore[arg-type]  # one of the two
            opponent=opponent,
            compiled=False,
        )
        super().__init__(self.game)
        self._seed: int | None = seed
        self._welfare = {
            spec.digest: Welfare("user_only") if seat == "user" else reward_welfare(recipe, spec)
            for spec in self.game.table.specs
        }

    def action_masks(self) -> Any:
        """Return which moves are legal now."""
        return self.game.action_masks()

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Array, dict[str, Any]]:
        """Begin the next conversation; the seed given when it was made holds for good.

        The observation has the shape ``(len(ENTRIES),)``.
        """
        seed, self._seed = self._seed, None
        observation, _ = self.game.reset(seed=seed)
        return observation, {}

    def step(self, action: int) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        """Make the seat's move and let the other answer.

        The observation has the shape ``(len(ENTRIES),)``.
        """
        observation, _, terminated, truncated, _ = self.game.step(int(action))
        if not (terminated or truncated):
            return observation, 0.0, False, False, {}
        talk = self.game.conversation
        return observation, self._welfare[talk.spec.digest](*talk.returns), True, False, {}


class Learners:
    """Both seats, those that learn with a network.

    Args:
        recipe: The recipe.

    Raises:
        MissingExtraError: sb3-contrib is not installed.
    """

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        section = recipe.selfplay
        self.fixed: dict[str, Any] = {
            "user": user_seat(section.user),
            "assistant": assistant_seat(section.assistant),
        }
        self.models = {seat: self._model(seat) for seat in section.learning}
        self.learnt: set[str] = set()

    def policy(self, seat: str, *, greedy: bool) -> Any:
        """Return a seat's policy as it is now; a network that has not learnt yet is not asked.

        Args:
            seat: ``user`` or ``assistant``.
            greedy: Whether a network plays its likeliest move, instead of drawing one.
        """
        if seat not in self.learnt:
            return self.fixed[seat]
        return FrozenSeat.of(self.models[seat], greedy=greedy)

    def pair(self) -> Pair:
        """Return both policies as they would be used: networks play their likeliest move."""
        return (
            user_mix(self.policy("user", greedy=True)),
            assistant_mix(self.policy("assistant", greedy=True)),
        )

    def learn(self, round_index: int, seat: str) -> dict[str, float]:
        """Let a seat learn against the other, and return what its optimiser says.

        Args:
            round_index: Which of its turns it is, from 0.
            seat: ``user`` or ``assistant``.
        """
        import torch
        from stable_baselines3.common.utils import FloatSchedule

        section, model = self.recipe.selfplay, self.models[seat]
        key = [self.recipe.seed, _TURN, round_index, SEATS.index(seat)]
        seed = int(np.random.SeedSequence(key).generate_state(1)[0])
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002  # the library's own generator
        model.set_env(self._environments(round_index, seat))
        left = 1.0 - round_index / section.rounds
        model.lr_schedule = FloatSchedule(section.learning_rate * left)
        model.num_timesteps = 0
        size = section.environments * section.horizon
        model.learn(math.ceil(section.steps / size) * size, reset_num_timesteps=False)
        self.learnt.add(seat)
        losses = model.logger.name_to_value
        return {
            "entropy": -float(losses["train/entropy_loss"]),
            "value_loss": float(losses["train/value_loss"]),
            "approx_kl": float(losses["train/approx_kl"]),
        }

    def _environments(self, round_index: int, seat: str) -> Any:
        from stable_baselines3.common.vec_env import DummyVecEnv

        other = "assistant" if seat == "user" else "user"
        opponent = self.policy(other, greedy=False)
        key = [self.recipe.seed, _PLAY, round_index, SEATS.index(seat)]
        number = self.recipe.selfplay.environments
        seeds = np.random.SeedSequence(key).generate_state(number, np.uint32)
        envs = [SeatEnv(self.recipe, seat, opponent, int(seed)) for seed in seeds]
        return DummyVecEnv([lambda env=env: env for env in envs])  # type: ignore[misc]  # a bound default

    def _model(self, seat: str) -> Any:
        try:
            from sb3_contrib import MaskablePPO
        except ImportError:
            raise MissingExtraError("self-play by PPO", "sb3") from None
        import torch
        from stable_baselines3.common.logger import Logger
        from stable_baselines3.common.vec_env import DummyVecEnv

        section = self.recipe.selfplay
        key = [self.recipe.seed, _TURN, section.rounds, SEATS.index(seat)]
        torch.manual_seed(int(np.random.SeedSequence(key).generate_state(1)[0]))
        other = "assistant" if seat == "user" else "user"
        envs = [
            SeatEnv(self.recipe, seat, self.fixed[other], i) for i in range(section.environments)
        ]
        model = MaskablePPO(
            "MlpPolicy",
            DummyVecEnv([lambda env=env: env for env in envs]),  # type: ignore[misc]  # a bound default
            learning_rate=section.learning_rate,
            n_steps=section.horizon,
            batch_size=section.batch_size,
            n_epochs=section.epochs,
            gamma=1.0,  # welfare is paid once at the end, and its own discount is part of it
            gae_lambda=1.0,
            ent_coef=section.entropy,
            policy_kwargs={"net_arch": [section.hidden, section.hidden]},
            device="cpu",
        )
        model.set_logger(Logger(folder=None, output_formats=[]))  # ours does the reporting
        return model

    def save(self, folder: Path, rounds: int) -> None:
        """Write a checkpoint whole or not at all.

        Args:
            folder: Where checkpoints lie.
            rounds: How many rounds are done.
        """
        final = folder / f"{CHECKPOINT}{rounds}"
        temporary = folder / f"unfinished-{final.name}"
        for stale in (temporary, final):
            if stale.exists():
                shutil.rmtree(stale)
        temporary.mkdir(parents=True)
        for seat, model in self.models.items():
            save_model(model, temporary / f"{seat}.zip")
        temporary.replace(final)

    def load(self, checkpoint: Path) -> None:
        """Go on from a checkpoint.

        Args:
            checkpoint: Its folder.
        """
        for seat, model in self.models.items():
            load_parameters(model, checkpoint / f"{seat}.zip")
            self.learnt.add(seat)

    def read(self, checkpoint: Path) -> int:
        """Return the rounds of a checkpoint, once it has been found to be whole.

        Args:
            checkpoint: Its folder.

        Raises:
            RunError: It is damaged.
        """
        for seat in self.models:
            problem = damage(checkpoint / f"{seat}.zip")
            if problem is not None:
                raise RunError(f"{checkpoint} is damaged: {problem}")
        return int(checkpoint.name.removeprefix(CHECKPOINT))
