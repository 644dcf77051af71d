"""What both PettingZoo environments share: two seats that take turns at one conversation."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
from gymnasium.spaces import Space
from pettingzoo import AECEnv

from gtalign_env.core.conversation import Conversation
from gtalign_env.core.moves import Ending
from gtalign_env.draws import Seat
from gtalign_env.envs.observe import Mask, assistant_mask, user_mask
from gtalign_env.envs.render import lines
from gtalign_env.envs.table import Table, ending_info, episode_of
from gtalign_env.errors import EpisodeError, suggest

AGENTS = ("user_0", "assistant_0")
"""The seats' names, in the order of `Seat`."""
USER, ASSISTANT = AGENTS

RENDER_MODES = ("ansi", "human")

Obs = TypeVar("Obs")
Act = TypeVar("Act")


def fresh_seed() -> int:
    """Return a seed from the operating system's entropy, for a reset that names none."""
    return int(np.random.SeedSequence().generate_state(1, np.uint64)[0])


def check_render_mode(mode: str | None) -> None:
    """Refuse an unknown render mode.

    Raises:
        ValueError: It is none of `RENDER_MODES`, and not None.
    """
    if mode is not None and mode not in RENDER_MODES:
        known = ", ".join(RENDER_MODES)
        raise ValueError(
            f"render_mode is one of {known}, or None; got {mode!r}.{suggest(str(mode), RENDER_MODES)}"
        )


class SeatedEnv(AECEnv[str, Obs, Act], Generic[Obs, Act]):
    """Two seats that take turns; a subclass says what a seat observes and how it moves.

    Args:
        table: The games to play.
        render_mode: ``"ansi"`` returns the conversation so far as text, ``"human"`` prints it.
    """

    metadata: ClassVar[dict[str, Any]] = {
        "render_modes": list(RENDER_MODES),
        "is_parallelizable": False,
        "render_fps": 1,
    }

    def __init__(self, table: Table, render_mode: str | None = None) -> None:
        super().__init__()
        check_render_mode(render_mode)
        self.table = table
        self.render_mode = render_mode
        self.possible_agents = list(AGENTS)
        self.agents: list[str] = []
        self.observation_spaces: dict[str, Space[Any]] = {}
        self.action_spaces: dict[str, Space[Any]] = {}
        self._episode = -1
        self._conversation: Conversation | None = None

    @property
    def conversation(self) -> Conversation:
        """The conversation under way: all of it, latent preferences included, for researchers.

        Raises:
            EpisodeError: There is none yet.
        """
        if self._conversation is None:
            raise EpisodeError("no conversation is under way; call reset() first")
        return self._conversation

    def observation_space(self, agent: str) -> Space[Any]:
        """Return a seat's observation space: the same object on every call."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> Space[Any]:
        """Return a seat's action space: the same object on every call."""
        return self.action_spaces[agent]

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        """Begin an episode.

        Args:
            seed: Fixes this and all later episodes; without one the next episode of the seed in
                force begins (a fresh seed, if there was none).
            options: ``{"episode": n}`` begins the n-th episode of the seed.
        """
        if seed is not None or self._episode < 0:
            self.table.seed(fresh_seed() if seed is None else seed)
            self._episode = -1
        self._episode = episode_of(options, self._episode + 1)
        self._begin()
        self.agents = list(AGENTS)
        self.rewards = {USER: 0.0, ASSISTANT: 0.0}
        self._cumulative_rewards = {USER: 0.0, ASSISTANT: 0.0}
        self.terminations = {USER: False, ASSISTANT: False}
        self.truncations = {USER: False, ASSISTANT: False}
        self.infos = {USER: self._info(USER), ASSISTANT: self._info(ASSISTANT)}
        self.agent_selection = USER
        self._skip_agent_selection = None

    def _begin(self) -> None:
        """Begin the episode that is next."""
        self._conversation = self._open(self._episode)

    def step(self, action: Act) -> None:
        """Make the selected seat's move.

        Args:
            action: The move; None once the seat's episode is over.

        Raises:
            EpisodeError: No episode is under way, or the move is illegal (see the action mask).
        """
        if not self.agents:
            raise EpisodeError("the episode is over; call reset()")
        agent = self.agent_selection
        if self.terminations[agent] or self.truncations[agent]:
            self._was_dead_step(action)
            return
        rewards = self._move(agent, action)
        self._cumulative_rewards[agent] = 0.0
        state = self.conversation.state
        cut = state.ending in (Ending.TRUNCATED, Ending.FAULT)
        for name, reward in zip(AGENTS, rewards, strict=True):
            self.rewards[name] = reward
            self.terminations[name] = state.ending is not None and not cut
            self.truncations[name] = cut
            self.infos[name] = self._info(name)
        self.agent_selection = AGENTS[
            state.to_move if state.ending is None else 1 - AGENTS.index(agent)
        ]
        self._accumulate_rewards()
        if self.render_mode == "human":
            self.render()

    def render(self) -> str | None:
        """Return (``ansi``) or print (``human``) the public side of the conversation."""
        if self.render_mode is None:
            return None
        text = "\n".join(self._lines())
        if self.render_mode == "ansi":
            return text
        print(text)  # noqa: T201  # what render_mode="human" asks for
        return None

    def close(self) -> None:
        """Nothing is held open; may be called any number of times."""

    @abstractmethod
    def _open(self, episode: int) -> Conversation:
        """Return the conversation of an episode."""

    @abstractmethod
    def _move(self, agent: str, action: Act) -> tuple[float, float]:
        """Make a seat's move and return the rewards (user, assistant), points."""

    def _lines(self) -> list[str]:
        return lines(self.conversation)

    def _mask(self, agent: str) -> Mask:
        state = self.conversation.state
        return user_mask(state) if agent == AGENTS[Seat.USER] else assistant_mask()

    def _info(self, agent: str) -> dict[str, Any]:
        own_return = self.conversation.returns[AGENTS.index(agent)]
        return {
            "action_mask": self._mask(agent),
            "reward_valid": self.conversation.state.ending is not Ending.FAULT,
            **ending_info(self.conversation, own_return),
        }
