"""What both Gymnasium environments share: one seat is yours, a policy plays the other."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Generic, Literal, TypeVar

import gymnasium

from gtalign_env.core.conversation import Conversation
from gtalign_env.core.moves import Ending
from gtalign_env.draws import Seat
from gtalign_env.envs.observe import assistant_mask, user_mask
from gtalign_env.envs.render import lines
from gtalign_env.envs.seated import RENDER_MODES, check_render_mode, fresh_seed
from gtalign_env.envs.table import Table, ending_info, episode_of
from gtalign_env.errors import EpisodeError, suggest

Obs = TypeVar("Obs")
Act = TypeVar("Act")
SeatName = Literal["user", "assistant"]

SEATS = {"user": Seat.USER, "assistant": Seat.ASSISTANT}
REWARDS = ("own", "joint")


def require_seat(seat: str) -> Seat:
    """Return the seat of that name.

    Raises:
        ValueError: There is none.
    """
    if seat not in SEATS:
        raise ValueError(f"seat is one of {', '.join(SEATS)}; got {seat!r}.{suggest(seat, SEATS)}")
    return SEATS[seat]


def require_reward(reward: str) -> str:
    """Return the reward that is asked for.

    Raises:
        ValueError: It is none of `REWARDS`.
    """
    if reward not in REWARDS:
        raise ValueError(
            f"reward is one of {', '.join(REWARDS)}; got {reward!r}.{suggest(reward, REWARDS)}"
        )
    return reward


class SingleSeatEnv(gymnasium.Env[Obs, Act], Generic[Obs, Act]):
    """One seat of a conversation as an ordinary Gymnasium environment.

    Args:
        table: The games to play.
        seat: Whose seat is yours, ``"user"`` or ``"assistant"``.
        reward: ``"own"`` is your side's welfare, as increments; ``"joint"`` is the scenario's
            W(U, L), paid at the end.
        render_mode: ``"ansi"`` returns the conversation so far as text, ``"human"`` prints it.
    """

    metadata: dict[str, Any] = {"render_modes": list(RENDER_MODES), "render_fps": 1}  # noqa: RUF012  # as the base declares it

    def __init__(
        self, table: Table, seat: SeatName, reward: str, render_mode: str | None = None
    ) -> None:
        check_render_mode(render_mode)
        self.table = table
        self.seat = require_seat(seat)
        self.reward = require_reward(reward)
        self.render_mode = render_mode
        self._episode = -1
        self._conversation: Conversation | None = None
        self._unpaid = 0.0

    @property
    def conversation(self) -> Conversation:
        """The conversation under way: all of it, latent preferences included, for researchers.

        Raises:
            EpisodeError: There is none yet.
        """
        if self._conversation is None:
            raise EpisodeError("no conversation is under way; call reset() first")
        return self._conversation

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Obs, dict[str, Any]]:
        """Begin an episode and let the other seat move if it is first.

        Args:
            seed: Fixes this and all later episodes; without one the next episode of the seed in
                force begins (a fresh seed, if there was none).
            options: ``{"episode": n}`` begins the n-th episode of the seed.
        """
        super().reset(seed=seed)
        if seed is not None or self._episode < 0:
            self.table.seed(fresh_seed() if seed is None else seed)
            self._episode = -1
        self._episode = episode_of(options, self._episode + 1)
        return self._begin()

    def _begin(self) -> tuple[Obs, dict[str, Any]]:
        """Begin the episode that is next, and let the other seat move if it is first."""
        self._conversation = self._open(self._episode)
        self._unpaid = 0.0
        self._let_others_move()
        return self._observe(), self._info()

    def step(self, action: Act) -> tuple[Obs, float, bool, bool, dict[str, Any]]:
        """Make your move, then let the other seat move until it is your turn again.

        An illegal move is refused: nothing changes, the reward is 0.0 and
        ``info["illegal_move"]`` is True.

        Raises:
            EpisodeError: The episode is over, or there is none.
        """
        conversation = self.conversation
        refused = False
        if conversation.state.ending is None:
            refused = not self._is_legal(action)
            if not refused:
                self._unpaid += self._move(self.seat, action)[self.seat]
                self._let_others_move()
        elif self._ended_early is not conversation:
            raise EpisodeError("the episode is over; call reset()")
        self._ended_early = None
        reward = self._pay()
        ending = conversation.state.ending
        truncated = ending in (Ending.TRUNCATED, Ending.FAULT)
        info = self._info()
        if refused:
            info["illegal_move"] = True
        if self.render_mode == "human":
            self.render()
        return self._observe(), reward, ending is not None and not truncated, truncated, info

    def action_masks(self) -> Any:
        """Return which actions are legal now, as `sb3_contrib.MaskablePPO` asks for it."""
        return self._info()["action_mask"].astype(bool)

    def render(self) -> str | None:
        """Return (``ansi``) or print (``human``) the public side of the conversation."""
        if self.render_mode is None:
            return None
        text = "\n".join(self._lines())
        if self.render_mode == "ansi":
            return text
        print(text)  # noqa: T201  # what render_mode="human" asks for
        return None

    @abstractmethod
    def _open(self, episode: int) -> Conversation:
        """Return the conversation of an episode."""

    @abstractmethod
    def _observe(self) -> Obs:
        """Return what your seat sees now."""

    @abstractmethod
    def _is_legal(self, action: Act) -> bool:
        """Return whether your move is legal now."""

    @abstractmethod
    def _move(self, seat: Seat, action: Act) -> tuple[float, float]:
        """Make a seat's move and return the rewards (user, assistant), points."""

    @abstractmethod
    def _other_move(self) -> Act:
        """Return what the policy in the other seat does now."""

    _ended_early: Conversation | None = None
    """A conversation that ended before your first move; one step is left, to report it."""

    def _let_others_move(self) -> None:
        conversation = self.conversation
        other = Seat.USER if self.seat is Seat.ASSISTANT else Seat.ASSISTANT
        while conversation.state.ending is None and conversation.state.to_move is other:
            self._unpaid += self._move(other, self._other_move())[self.seat]
        if conversation.state.ending is not None:
            self._ended_early = conversation

    def _pay(self) -> float:
        ending = self.conversation.state.ending
        if ending is Ending.FAULT:
            return 0.0
        if self.reward == "joint":
            if ending is None:
                return 0.0
            return self.conversation.spec.welfare(*self.conversation.returns)
        reward, self._unpaid = self._unpaid, 0.0
        return reward

    def _lines(self) -> list[str]:
        return lines(self.conversation)

    def _info(self) -> dict[str, Any]:
        conversation = self.conversation
        mask = user_mask(conversation.state) if self.seat is Seat.USER else assistant_mask()
        return {
            "action_mask": mask,
            "reward_valid": conversation.state.ending is not Ending.FAULT,
            **ending_info(conversation, conversation.returns[self.seat]),
        }
