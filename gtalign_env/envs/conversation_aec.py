"""`gtalign/Conversation-v0` for PettingZoo: the game without text, both seats open."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any, ClassVar

from gymnasium import spaces

from gtalign_env.core.conversation import Conversation
from gtalign_env.core.moves import ONGOING, TRUNCATED, UserMove
from gtalign_env.draws import Seat
from gtalign_env.envs.observe import (
    ALL,
    ENDINGS,
    MOVES,
    OBSERVATION_SPACE,
    USER_MASKS,
    Array,
    assistant_observation,
    read_action,
    user_observation,
)
from gtalign_env.envs.seated import AGENTS, ASSISTANT, USER, SeatedEnv
from gtalign_env.envs.table import COMPILE_AFTER, PricingLike, ScenarioLike, Table

if TYPE_CHECKING:
    from gtalign_env.envs.machine import MachineSeats


class ConversationAEC(SeatedEnv[Array, int]):
    """Two seats play one conversation by moves alone; the source of truth for this game.

    ## Description
    A user with latent preferences and a budget wants an answer; an assistant answers, asks, or
    does both, at a verbosity; a pricing regime bills every exchange. Each side's welfare is its
    reward.

    ## Action Space
    ``user_0``: ``Discrete(6)``: VQ, DQ, REPLY, ACCEPT, FOLLOW_UP, LEAVE. ``assistant_0``:
    ``Discrete(7)``: DA:concise, DA:standard, DA:verbose, CQ, AQ:concise, AQ:standard, AQ:verbose.
    ``info["action_mask"]`` says which are legal now; an illegal one raises `EpisodeError`.

    ## Observation Space
    ``Box(-1, 1, (57,), float32)`` for both seats; `gtalign_env.envs.observe.ENTRIES` names every
    entry and its scale. The entries of the user's own type are 0 in the assistant's observation.

    ## Rewards
    Increments of U and L, points: efforts, reading, annoyance and charges as they arise, the
    worth of the answer at the end. They sum to each side's welfare.

    ## Starting State
    The user is to open. Its type is drawn from the scenario's population.

    ## Episode End
    ``accepted``, ``left`` and ``broke`` terminate; ``truncated`` (no exchange left) truncates.

    ## Arguments
    ``scenario``: name, path or loaded scenario. ``pricing``: a regime, or several of which each
    episode plays one, instead of the scenario's own. ``render_mode``: None, "ansi" or "human".
    ``compiled``: whether steps run as machine code, which changes nothing but the speed; None
    compiles a run that has become long (20,000 steps), True from the first episode on.

    ## Version History
    v0: first version.
    """

    metadata: ClassVar[dict[str, Any]] = {**SeatedEnv.metadata, "name": "conversation_v0"}

    def __init__(
        self,
        scenario: ScenarioLike = "quick_question",
        pricing: PricingLike = None,
        render_mode: str | None = None,
        compiled: bool | None = None,
    ) -> None:
        super().__init__(Table(scenario, pricing), render_mode)
        if compiled and render_mode is not None:
            raise ValueError(f"compiled steps are not rendered; got {render_mode!r}")
        self._countdown = 0 if compiled else COMPILE_AFTER
        if compiled is False or render_mode is not None:
            self._countdown = -1
        self._machine: MachineSeats | None = None
        self._played: list[int] | None = None  # moves of an episode under way as machine code
        self._over = False
        for agent in AGENTS:
            self.observation_spaces[agent] = deepcopy(OBSERVATION_SPACE)
            self.action_spaces[agent] = spaces.Discrete(len(MOVES[agent]))
        self._sizes = {agent: len(MOVES[agent]) for agent in AGENTS}

    @property
    def conversation(self) -> Conversation:
        """The conversation under way: all of it, latent preferences included, for researchers.

        Where steps run as machine code, it is made from the moves so far; the rest of the episode
        is then played on it.

        Raises:
            EpisodeError: There is none yet.
        """
        if self._played is not None:
            played, self._played = self._played, None
            super()._begin()
            for turn, action in enumerate(played):
                self._move(AGENTS[turn % 2], action)
        return super().conversation

    def observe(self, agent: str) -> Array:
        """Return what a seat sees now, of shape ``(len(ENTRIES),)``."""
        if self._played is not None and self._machine is not None:
            return self._machine.seen[agent].copy()
        conversation = self.conversation
        price = self.table.price(conversation.spec)
        if agent == AGENTS[Seat.USER]:
            return user_observation(conversation.user_view(), price)
        return assistant_observation(conversation.assistant_view(), price)

    def step(self, action: int) -> None:
        """Make the selected seat's move.

        Args:
            action: The move; None once the seat's episode is over.

        Raises:
            EpisodeError: No episode is under way, or the move is illegal (see the action mask).
        """
        machine, played = self._machine, self._played
        if played is None or machine is None or self._over:
            self._countdown -= self._countdown > 0
            super().step(action)
            return
        agent = self.agent_selection
        if type(action) is not int or not 0 <= action < self._sizes[agent]:
            action = int(read_action(agent, action))
        refused, user, assistant, ended, answered, gained, earned = machine.step(action)
        if refused:
            super().step(action)  # which says what is legal
            return
        played.append(action)
        rewards, total = self.rewards, self._cumulative_rewards
        rewards[USER], rewards[ASSISTANT] = user, assistant
        total[agent] = 0.0
        total[USER] += user
        total[ASSISTANT] += assistant
        infos = self.infos
        self.agent_selection = ASSISTANT if agent == USER else USER
        if agent != USER:
            infos[USER] = {"action_mask": USER_MASKS[answered + 1].copy(), "reward_valid": True}
        if ended == ONGOING:
            return
        self._over = True
        cut, ending = ended == TRUNCATED, ENDINGS[ended]
        self.terminations = {USER: not cut, ASSISTANT: not cut}
        self.truncations = {USER: cut, ASSISTANT: cut}
        infos[USER] = {**infos[USER], "ending": ending, "return": gained}
        infos[ASSISTANT] = {**infos[ASSISTANT], "ending": ending, "return": earned}

    def __getstate__(self) -> dict[str, Any]:
        """Return the environment without machine code; what it plays is put into a conversation."""
        if self._played is not None:
            assert self.conversation is self._conversation
        return {**self.__dict__, "_machine": None}

    def _begin(self) -> None:
        self._played = None
        if self._countdown != 0:
            super()._begin()
            return
        if self._machine is None:
            from gtalign_env.envs.machine import MachineSeats

            self._machine = MachineSeats(self.table)
        self._conversation, self._played, self._over = None, [], False
        self._machine.open(self.table.seed_in_force, self._episode)

    def _info(self, agent: str) -> dict[str, Any]:
        if self._played is None:
            return super()._info(agent)
        mask = USER_MASKS[0] if agent == USER else ALL
        return {"action_mask": mask.copy(), "reward_valid": True}

    def _open(self, episode: int) -> Conversation:
        return self.table.open(episode)

    def _move(self, agent: str, action: int) -> tuple[float, float]:
        move = read_action(agent, action)
        if isinstance(move, UserMove):
            return self.conversation.step_user(move)
        return self.conversation.step_assistant(move)
