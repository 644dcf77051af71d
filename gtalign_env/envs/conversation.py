"""`gtalign/Conversation-v0` for Gymnasium: one seat of the game without text."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from gymnasium import spaces

from gtalign_env.core.conversation import Conversation
from gtalign_env.core.moves import AssistantMove, UserMove
from gtalign_env.core.policies import (
    AssistantSeat,
    UserSeat,
    assistant_policy,
    scripted,
    user_policy,
)
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
from gtalign_env.envs.table import COMPILE_AFTER, PricingLike, ScenarioLike, Table

if TYPE_CHECKING:
    from gtalign_env.envs.machine import MachineSeat


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
    ``Box(-1, 1, (57,), float32)``; `gtalign_env.envs.observe.ENTRIES` names every entry and its
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
    "human". ``compiled``: whether steps run as machine code, which changes nothing but the speed;
    None compiles a run that has become long (20,000 steps), True from the first episode on.

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
        compiled: bool | None = None,
    ) -> None:
        super().__init__(Table(scenario, pricing), seat, reward, render_mode)
        self._other = opponent or ("default" if self.seat is Seat.ASSISTANT else "DA:standard")
        self._p_vague = p_vague
        self._countdown = 0 if compiled else COMPILE_AFTER
        if compiled is False or render_mode is not None or not self._is_scripted():
            self._countdown = -1
            if compiled:
                raise ValueError(
                    "compiled steps need a scripted opponent other than the oracle and no "
                    f"render_mode; got {opponent!r} and {render_mode!r}. Leave out compiled"
                )
        self._machine: MachineSeat | None = None
        self._played: list[int] | None = None  # moves of an episode under way as machine code
        self._user: UserSeat | None = None
        self._assistant: AssistantSeat | None = None
        if self.seat is Seat.ASSISTANT:
            self._user = user_policy(self._other, p_vague)  # type: ignore[arg-type]  # a user's policy, by the seat
        else:
            self._assistant = assistant_policy(self._other, p_vague)  # type: ignore[arg-type]  # likewise
        moves = UserMove if self.seat is Seat.USER else AssistantMove
        self.observation_space = deepcopy(OBSERVATION_SPACE)
        self._n_moves = len(moves)
        self.action_space = spaces.Discrete(len(moves))  # type: ignore[assignment]  # NumPy integers are ints to us

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
            for action in played:
                self._unpaid = 0.0
                self._ended_early = None
                self._move(self.seat, action)
                self._let_others_move()
            if played:
                self._unpaid, self._ended_early = 0.0, None
        return super().conversation

    def step(self, action: int) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        """Make your move, then let the other seat move; the observation has shape ``(len(ENTRIES),)``.

        An illegal move is refused: nothing changes, the reward is 0.0 and
        ``info["illegal_move"]`` is True.

        Raises:
            EpisodeError: The episode is over, there is none, or the action is no move.
        """
        if self._played is None or self._machine is None:
            self._countdown -= self._countdown > 0
            return super().step(action)
        if type(action) is not int or not 0 <= action < self._n_moves:
            action = int(read_action(AGENTS[self.seat], action))
        result = self._machine.step(action)
        if "illegal_move" not in result[-1]:
            self._played.append(action)
        return result

    def action_masks(self) -> Any:
        """Return which actions are legal now, as `sb3_contrib.MaskablePPO` asks for it."""
        if self._played is None or self._machine is None:
            return super().action_masks()
        return self._machine.mask().astype(bool)

    def __getstate__(self) -> dict[str, Any]:
        """Return the environment without machine code; what it plays is put into a conversation."""
        if self._played is not None:
            assert self.conversation is self._conversation
        return {**self.__dict__, "_machine": None}

    def _is_scripted(self) -> bool:
        return scripted(self.seat, self._other, self._p_vague) is not None

    def _begin(self) -> tuple[Array, dict[str, Any]]:
        self._played = None
        if self._countdown != 0:
            return super()._begin()
        if self._machine is None:
            from gtalign_env.envs.machine import MachineSeat

            self._machine = MachineSeat(
                self.table, self.seat, self._other, self._p_vague, self.reward == "joint"
            )
        self._conversation, self._played = None, []
        return self._machine.open(self.table.seed_in_force, self._episode)

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
