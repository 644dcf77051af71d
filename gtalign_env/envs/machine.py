"""One conversation on the compiled kernel: what a long run is played on."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from gtalign_env.core.compiled import entry_point
from gtalign_env.core.moves import ONGOING
from gtalign_env.core.policies import ANY, Script
from gtalign_env.draws import Seat
from gtalign_env.envs.batch import Batch, kernels, require_script
from gtalign_env.envs.observe import ALL, ENDINGS, N_ENTRIES, USER_MASKS, Array, Mask
from gtalign_env.envs.seated import AGENTS
from gtalign_env.envs.table import Table
from gtalign_env.errors import EpisodeError


class Machine:
    """A batch of one environment, stepped with as little Python as can be.

    Args:
        table: The games to play.
        seat: The own seat.
        script: The other seat's policy.
        joint: Whether W(U, L) at the end is the reward.
    """

    def __init__(self, table: Table, seat: Seat, script: Script, joint: bool) -> None:
        self._batch = Batch([table], seat, [script], joint)
        self._kernels = kernels()
        self._seed: int | None = None
        self._which = np.arange(1)
        self._plays: object = None

    def _look_up(self, seed: int, episode: int) -> None:
        """Find the game and the key of an episode."""
        batch = self._batch
        if seed != self._seed:
            self._seed = seed
            batch.seed(0, seed)
        if batch.has_choice:
            batch.chairs["episode"][0] = episode - 1
            batch.look_up(self._which)
        if self._plays is not batch.plays:  # a new game has joined, or this is the first
            self._plays = batch.plays
            self._bind()

    def _bind(self) -> None:
        """Choose the machine code for the arrays of the batch."""
        raise TypeError("a machine says what it calls")

    def _bound(self, function: Any, *arguments: Any) -> Callable[[int], Any]:
        """Return a compiled function of one number, for these arrays."""
        return partial(entry_point(function, *arguments, 0), *arguments)


class MachineSeat(Machine):
    """One seat; a scripted policy plays the other.

    Args:
        table: The games to play.
        seat: The own seat.
        opponent: Name of the other seat's policy.
        p_vague: How often the default user opens vaguely.
        joint: Whether W(U, L) at the end is the reward.
    """

    def __init__(
        self, table: Table, seat: Seat, opponent: object, p_vague: float, joint: bool
    ) -> None:
        super().__init__(table, seat, require_script(seat, opponent, p_vague), joint)
        self._masks = USER_MASKS if seat is Seat.USER else (ALL,) * len(USER_MASKS)
        self._observation = self._batch.observations[0]
        self._answered = -1
        self._over = True

    def open(self, seed: int, episode: int) -> tuple[Array, dict[str, Any]]:
        """Begin an episode; the observation has shape ``(N_ENTRIES,)``.

        Args:
            seed: What fixes the draws.
            episode: Index of the episode.
        """
        self._look_up(seed, episode)
        told = self._open(episode)
        self._answered, self._over = told[6], False
        return self._observation.copy(), self._info(told[4], told[5])

    def _bind(self) -> None:
        batch, seen, code = self._batch, self._observation, self._kernels
        plays, people, types, chairs = batch.plays, batch.people, batch.types, batch.chairs
        self._open = self._bound(code.open_one, plays, people, types, chairs, seen, batch.room)
        self._step = self._bound(code.step_one, plays, types, chairs, seen)

    def step(self, action: int) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        """Make a move, and let the other seat move; the observation has shape ``(N_ENTRIES,)``.

        Args:
            action: One of the seat's moves.

        Raises:
            EpisodeError: The episode is over.
        """
        if self._over:
            raise EpisodeError("the episode is over; call reset()")
        reward, terminated, truncated, refused, ended, gained, self._answered = self._step(action)
        self._over = terminated or truncated
        info = self._info(ended, gained)
        if refused:
            info["illegal_move"] = True
        return self._observation.copy(), reward, terminated, truncated, info

    def mask(self) -> Mask:
        """Return which moves are legal now, shape ``(moves,)``."""
        return self._masks[self._answered + 1].copy()

    def _info(self, ended: int, gained: float) -> dict[str, Any]:
        info = {"action_mask": self._masks[self._answered + 1].copy(), "reward_valid": True}
        if ended != ONGOING:
            info["ending"], info["return"] = ENDINGS[ended], gained
        return info


class MachineSeats(Machine):
    """Both seats open, for `ConversationAEC`.

    Args:
        table: The games to play.

    Attributes:
        observations: Of user and assistant, shape ``(2, N_ENTRIES)``.
        seen: The same, by the agent's name.
        step: Makes the move of the seat whose turn it is, see `kernel_one.step_both`.
    """

    step: Callable[[int], tuple[bool, float, float, int, int, float, float]]

    def __init__(self, table: Table) -> None:
        super().__init__(table, Seat.USER, Script(ANY, 0.0), joint=False)
        self.observations = np.zeros((2, N_ENTRIES), np.float32)
        self.seen = dict(zip(AGENTS, self.observations, strict=True))

    def open(self, seed: int, episode: int) -> None:
        """Begin an episode.

        Args:
            seed: What fixes the draws.
            episode: Index of the episode.
        """
        self._look_up(seed, episode)
        self._open(episode)

    def _bind(self) -> None:
        batch, seen, code = self._batch, self.observations, self._kernels
        plays, people, types, chairs = batch.plays, batch.people, batch.types, batch.chairs
        self._open = self._bound(code.open_both, plays, people, types, chairs, seen, batch.room)
        self.step = self._bound(code.step_both, plays, types, chairs, seen)
