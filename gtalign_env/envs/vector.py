"""`gtalign/Conversation-v0` as a native vector environment: the same rules, compiled over the batch."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from functools import partial
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from gtalign_env.core.moves import ONGOING
from gtalign_env.draws import Seat
from gtalign_env.envs.batch import Batch, require_script
from gtalign_env.envs.observe import ENDINGS, OBSERVATION_SPACE, Array
from gtalign_env.envs.seated import fresh_seed
from gtalign_env.envs.single import SeatName, require_reward, require_seat
from gtalign_env.envs.table import PricingLike, ScenarioLike, Table, episode_of
from gtalign_env.errors import EpisodeError

Results = tuple[Array, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]


_ENDINGS = np.array([*ENDINGS, None], object)
"""What infos call the endings, by `Ending`; None stands last, at `ONGOING`."""


class ConversationVectorEnv(VectorEnv[Array, NDArray[np.int64], NDArray[Any]]):
    """Many conversations at once, one seat each; equal to as many single environments.

    ## Description
    As `gtalign/Conversation-v0`, one environment a row: observations, rewards, flags and infos equal
    those of a `gymnasium.vector.SyncVectorEnv` of single environments, to the last bit.

    ## Action Space
    ``MultiDiscrete``: the single environment's moves, one a row. ``infos["action_mask"]`` says which
    are legal now, shape ``(num_envs, moves)``; an illegal one is refused.

    ## Observation Space
    ``Box(-1, 1, (num_envs, 57), float32)``.

    ## Rewards
    As the single environment, shape ``(num_envs,)``.

    ## Starting State
    As the single environment. ``reset(seed=s)`` seeds row i with ``s + i``, a list row by row.

    ## Episode End
    ``autoreset_mode``: ``"NextStep"`` (the step after the end resets, its action is not looked at),
    ``"SameStep"`` (the end resets at once; the last observation and info stand in
    ``infos["final_obs"]`` and ``infos["final_info"]``), or ``"Disabled"`` (you reset, with
    ``options={"reset_mask": ...}``).

    ## Arguments
    As the single environment, and: ``num_envs``. ``scenario``: one, or a list that the rows take
    in turn. ``opponent``: a name, or a list likewise; no callable and no oracle, which are asked
    move by move. ``autoreset_mode``. ``copy``: whether a step returns a copy of the observations,
    not the array that the next step writes into. ``threads``: how many the rows are shared among.

    ## Version History
    v0: first version.
    """

    def __init__(
        self,
        num_envs: int = 1,
        scenario: ScenarioLike | Sequence[ScenarioLike] = "quick_question",
        pricing: PricingLike = None,
        seat: SeatName = "assistant",
        opponent: str | Sequence[str] | None = None,
        p_vague: float = 0.5,
        reward: str = "own",
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
        copy: bool = True,
        threads: int = 1,
        render_mode: str | None = None,
    ) -> None:
        if num_envs < 1 or threads < 1:
            raise ValueError(f"num_envs and threads are positive; got {num_envs} and {threads}")
        if render_mode is not None:
            raise ValueError("a vector environment renders nothing; make one with gymnasium.make")
        self.num_envs = num_envs
        self.seat = require_seat(seat)
        self.autoreset_mode = AutoresetMode(autoreset_mode)
        self.metadata = {"render_modes": [], "autoreset_mode": self.autoreset_mode}
        self.copy = copy
        several = isinstance(opponent, Sequence) and not isinstance(opponent, str)
        others: list[Any] = list(opponent or ()) if several else [opponent]
        default = "default" if self.seat is Seat.ASSISTANT else "DA:standard"
        plans = [require_script(self.seat, other or default, p_vague) for other in others]
        games = [scenario] if _is_one(scenario) else list(scenario)  # type: ignore[arg-type]  # not one, so several
        tables = [Table(game, pricing) for game in games]  # type: ignore[arg-type]  # likewise
        rows = range(num_envs)
        self.batch = Batch(
            [tables[i % len(tables)] for i in rows],
            self.seat,
            [plans[i % len(plans)] for i in rows],
            require_reward(reward) == "joint",
            threads,
        )
        moves = self.batch.masks.shape[1]
        self.single_action_space = spaces.Discrete(moves)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.single_observation_space = deepcopy(OBSERVATION_SPACE)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self._moves = moves
        self._all = np.ones(num_envs, np.bool_)
        self._unseeded = np.ones(num_envs, np.bool_)
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Array, dict[str, Any]]:
        """Begin an episode in every row, or in some.

        Args:
            seed: Row i is seeded with ``seed + i``, or with its entry of a list; None begins the
                next episode of the seed in force (a fresh seed, if there was none).
            options: ``{"episode": n}`` begins the n-th episode; ``{"reset_mask": mask}``, shape
                ``(num_envs,)``, resets these rows only.

        Raises:
            ValueError: A list of seeds or a mask of another length.
        """
        seeds = row_seeds(seed, self.num_envs)
        chosen = dict(options or {})
        mask = chosen.pop("reset_mask", None)
        if mask is None:
            mask = np.ones(self.num_envs, np.bool_)
        elif (
            not isinstance(mask, np.ndarray) or mask.shape != (self.num_envs,) or mask.dtype != bool
        ):
            raise ValueError(
                f"reset_mask is a bool array of shape ({self.num_envs},); got {mask!r}"
            )
        which = np.flatnonzero(mask)
        for i in which.tolist():
            given = seeds[i]
            if given is not None or self._unseeded[i]:
                self.batch.seed(i, fresh_seed() if given is None else given)
        self._unseeded[which] = False
        episode = episode_of(chosen, 0) if "episode" in chosen else None
        self.batch.open(which, episode)
        return self._seen(), self._infos(mask)

    def step(self, actions: NDArray[np.integer[Any]]) -> Results:
        """Make a move in every row, and let the other seats move until it is the rows' turn again.

        Args:
            actions: One a row, shape ``(num_envs,)``.

        Raises:
            EpisodeError: No episode is under way in a row, or an action is no move.
        """
        moves = self._checked(actions)
        batch = self.batch
        if self._unseeded.any():
            raise EpisodeError("not every row has an episode; call reset() first")
        if self.autoreset_mode is AutoresetMode.DISABLED:
            self._require_open()
        batch.prepare()
        seen = np.empty_like(batch.observations) if self.copy else batch.observations
        if self._pool is None:
            batch.step(moves, seen)
        else:
            list(self._pool.map(partial(batch.step, moves, seen), range(self._threads)))
        over = batch.told.terminated | batch.told.truncated
        results = tuple(array.copy() for array in batch.told[:3])
        if self.autoreset_mode is AutoresetMode.SAME_STEP and over.any():
            infos = self._reset_at_once(over, seen)
            seen[over] = batch.observations[over]
        else:
            infos = self._infos(self._all)
        return seen, *results, infos

    def close_extras(self, **kwargs: Any) -> None:
        """Let go of the threads."""
        if self._pool is not None:
            self._pool.shutdown()

    def _require_open(self) -> None:
        over = np.flatnonzero(self.batch.told.terminated | self.batch.told.truncated)
        if len(over):
            raise EpisodeError(
                f"the episode of row {over[0]} is over; call reset() with a reset_mask"
            )

    def _reset_at_once(self, over: NDArray[np.bool_], seen: Array) -> dict[str, Any]:
        """Begin the next episode where one is over; return the infos, with the last ones."""
        which = np.flatnonzero(over)
        final = np.full(self.num_envs, None, object)
        for i, row in zip(which, seen[which], strict=True):
            final[i] = row
        last = {"final_obs": final, "final_info": self._infos(over)}
        last |= {"_final_obs": over, "_final_info": over.copy()}
        self.batch.open(which)
        return {**self._infos(self._all), **last}

    def _seen(self) -> Array:
        return self.batch.shown().copy() if self.copy else self.batch.shown()

    def _infos(self, rows: NDArray[np.bool_]) -> dict[str, Any]:
        """Return the infos of some rows, as Gymnasium's own vector environments put them."""
        told, masks = self.batch.told, self.batch.masks
        infos: dict[str, Any] = {
            "action_mask": masks.copy() if rows is self._all else masks * rows[:, None],
            "_action_mask": rows.copy(),
            "reward_valid": rows.copy(),
            "_reward_valid": rows.copy(),
        }
        ended = rows & (told.ended != ONGOING)
        if ended.any():
            which = told.ended if rows is self._all else np.where(ended, told.ended, ONGOING)
            infos["ending"] = _ENDINGS.take(which)
            infos["return"] = told.returns.copy() if rows is self._all else told.returns * ended
            infos["_ending"], infos["_return"] = ended, ended.copy()
        refused = rows & told.refused
        if refused.any():
            infos["illegal_move"], infos["_illegal_move"] = refused, refused.copy()
        return infos

    def _checked(self, actions: Any) -> NDArray[np.int64]:
        moves = np.asarray(actions)
        if moves.shape != (self.num_envs,) or moves.dtype.kind not in "iu":
            raise EpisodeError(
                f"actions are whole numbers of shape ({self.num_envs},); got {moves.dtype} of "
                f"shape {moves.shape}"
            )
        if moves.min() < 0 or moves.max() >= self._moves:
            raise EpisodeError(f"an action is at least 0 and below {self._moves}; got {actions!r}")
        return moves.astype(np.int64, copy=False)


def _is_one(scenario: Any) -> bool:
    return isinstance(scenario, str) or not isinstance(scenario, Sequence)


def row_seeds(seed: int | Sequence[int | None] | None, n: int) -> list[int | None]:
    """Return the seed of each row.

    Args:
        seed: Of the first row, the others follow; or one a row; None for none.
        n: How many rows.

    Raises:
        ValueError: A list of another length.
    """
    if seed is None:
        return [None] * n
    if not isinstance(seed, Sequence):
        return [int(seed) + i for i in range(n)]
    if len(seed) != n:
        raise ValueError(f"a list of seeds has one a row, {n}; got {len(seed)}")
    return list(seed)
