"""`gtalign/Conversation-v0` for Gymnasium: one seat of the game without text."""

from __future__ import annotations

from copy import deepcopy

from gymnasium import spaces

from gtalign_env.core.conversation import Conversation
from gtalign_env.core.moves import AssistantMove, UserMove
from gtalign_env.core.policies import AssistantSeat, UserSeat, assistant_policy, user_policy
from gtalign_env.core.rules import legal_user_moves
from gtalign_env.draws import Purpose, Seat
from gtalign_env.envs.observe import (
    OBSERVATION_SPACE,
    Array,
    assistant_observation,
    read_action,
    user_observation,
)
from gtalign_env.envs.seated import AGENTS
from gtalign_env.envs.single import SeatName, SingleSeatEnv
from gtalign_env.envs.table import PricingLike, ScenarioLike, Table


class ConversationEnv(SingleSeatEnv[Array, int]):
    """One seat of a conversation by moves alone; a policy plays the other.

    ## Description
    The game of `gtalign/Conversation-v0` for PettingZoo, from one side.

    ## Action Space
    As ``user``: ``Discrete(6)``: VQ, DQ, REPLY, ACCEPT, FOLLOW_UP, LEAVE. As ``assistant``:
    ``Discrete(7)``: DA:concise, DA:standard, DA:verbose, CQ, AQ:concise, AQ:standard, AQ:verbose.
    ``info["action_mask"]`` and `action_masks()` say which are legal now; an illegal one is refused
    (nothing changes, ``info["illegal_move"]`` is True).

    ## Observation Space
    ``Box(-1, 1, (51,), float32)``; `gtalign_env.envs.observe.ENTRIES` names every entry and its
    scale. The entries of the user's own type are 0 for the assistant.

    ## Rewards
    ``reward="own"``: increments of your side's welfare, points. ``reward="joint"``: the scenario's
    W(U, L) at the end.

    ## Starting State
    As ``user`` you are to open; as ``assistant`` the user has opened.

    ## Episode End
    ``accepted``, ``left`` and ``broke`` terminate; ``truncated`` (no exchange left) truncates.

    ## Arguments
    ``scenario``: name, path or loaded scenario. ``pricing``: a regime, or several of which each
    episode plays one. ``seat``: "assistant" or "user". ``opponent``: a policy's name (see
    `gtalign_env.core.policies`) or a callable ``policy(view, u) -> move``. ``p_vague``: how often
    the default user opens vaguely. ``reward``: "own" or "joint". ``render_mode``: None, "ansi" or
    "human".

    ## Version History
    v0: first version.
    """

    def __init__(
        self,
        scenario: ScenarioLike = "quick_question",
        pricing: PricingLike = None,
        seat: SeatName = "assistant",
        opponent: str | UserSeat | AssistantSeat | None = None,
        p_vague: float = 0.5,
        reward: str = "own",
        render_mode: str | None = None,
    ) -> None:
        super().__init__(Table(scenario, pricing), seat, reward, render_mode)
        self._user: UserSeat | None = None
        self._assistant: AssistantSeat | None = None
        if self.seat is Seat.ASSISTANT:
            self._user = user_policy(opponent or "default", p_vague)  # type: ignore[arg-type]  # a user's policy, by the seat
        else:
            self._assistant = assistant_policy(opponent or "DA:standard", p_vague)  # type: ignore[arg-type]  # likewise
        moves = UserMove if self.seat is Seat.USER else AssistantMove
        self.observation_space = deepcopy(OBSERVATION_SPACE)
        self.action_space = spaces.Discrete(len(moves))  # type: ignore[assignment]  # NumPy integers are ints to us

    def _open(self, episode: int) -> Conversation:
        return self.table.open(episode)

    def _observe(self) -> Array:
        conversation = self.conversation
        price = self.table.price(conversation.spec)
        if self.seat is Seat.USER:
            return user_observation(conversation.user_view(), price)
        return assistant_observation(conversation.assistant_view(), price)

    def _is_legal(self, action: int) -> bool:
        move = read_action(AGENTS[self.seat], action)
        return self.seat is Seat.ASSISTANT or move in legal_user_moves(self.conversation.state)

    def _move(self, seat: Seat, action: int) -> tuple[float, float]:
        move = read_action(AGENTS[seat], action)
        if isinstance(move, UserMove):
            return self.conversation.step_user(move)
        return self.conversation.step_assistant(move)

    def _other_move(self) -> int:
        conversation = self.conversation
        if self._user is not None:
            u = conversation.chance(Seat.USER, Purpose.POLICY)
            return self._user(conversation.user_view(), u)
        assert self._assistant is not None
        u = conversation.chance(Seat.ASSISTANT, Purpose.POLICY)
        return self._assistant(conversation.assistant_view(), u)
