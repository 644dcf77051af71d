"""`gtalign/Conversation-v0` for PettingZoo: the game without text, both seats open."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, ClassVar

from gymnasium import spaces

from gtalign_env.core.conversation import Conversation
from gtalign_env.core.moves import UserMove
from gtalign_env.draws import Seat
from gtalign_env.envs.observe import (
    MOVES,
    OBSERVATION_SPACE,
    Array,
    assistant_observation,
    read_action,
    user_observation,
)
from gtalign_env.envs.seated import AGENTS, SeatedEnv
from gtalign_env.envs.table import PricingLike, ScenarioLike, Table


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
    ``Box(-1, 1, (51,), float32)`` for both seats; `gtalign_env.envs.observe.ENTRIES` names every
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

    ## Version History
    v0: first version.
    """

    metadata: ClassVar[dict[str, Any]] = {**SeatedEnv.metadata, "name": "conversation_v0"}

    def __init__(
        self,
        scenario: ScenarioLike = "quick_question",
        pricing: PricingLike = None,
        render_mode: str | None = None,
    ) -> None:
        super().__init__(Table(scenario, pricing), render_mode)
        for agent in AGENTS:
            self.observation_spaces[agent] = deepcopy(OBSERVATION_SPACE)
            self.action_spaces[agent] = spaces.Discrete(len(MOVES[agent]))

    def observe(self, agent: str) -> Array:
        """Return what a seat sees now, of shape ``(len(ENTRIES),)``."""
        conversation = self.conversation
        price = self.table.price(conversation.spec)
        if agent == AGENTS[Seat.USER]:
            return user_observation(conversation.user_view(), price)
        return assistant_observation(conversation.assistant_view(), price)

    def _open(self, episode: int) -> Conversation:
        return self.table.open(episode)

    def _move(self, agent: str, action: int) -> tuple[float, float]:
        move = read_action(agent, action)
        if isinstance(move, UserMove):
            return self.conversation.step_user(move)
        return self.conversation.step_assistant(move)
