"""`gtalign/Dialogue-v0` for Gymnasium: one seat of the game in words."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from gtalign_env.core.conversation import Conversation
from gtalign_env.core.policies import AssistantSeat, UserSeat, assistant_policy, user_policy
from gtalign_env.draws import Purpose, Seat
from gtalign_env.envs.dialogue_aec import (
    TEXT_OBSERVATION_SPACE,
    TalkTable,
    TasksLike,
    TextObservation,
    text_observation,
)
from gtalign_env.envs.faults import FaultPolicy, Faults
from gtalign_env.envs.render import lines
from gtalign_env.envs.single import SEATS, SeatName, SingleSeatEnv
from gtalign_env.envs.spaces import Utterance
from gtalign_env.envs.table import PricingLike, ScenarioLike
from gtalign_env.envs.talk import Meter, Talk
from gtalign_env.errors import ModelError
from gtalign_env.text.reader import BANDS

Speaker = Callable[[TextObservation], str]
"""A seat that speaks for itself: maps what it sees to what it says; `ModelError` is a fault."""


class DialogueEnv(SingleSeatEnv[TextObservation, str]):
    """One seat of a conversation in words; a scripted policy or a speaker plays the other.

    ## Description
    The game of `gtalign/Dialogue-v0` for PettingZoo, from one side.

    ## Action Space
    ``Utterance``: any text. The reader takes a legal move off every text.

    ## Observation Space
    ``Dict(observation: Box(-1, 1, (57,)), action_mask: Box(0, 1, (7,), int8), text: Utterance)``.

    ## Rewards
    ``reward="own"``: increments of your side's welfare, points. ``reward="joint"``: the scenario's
    W(U, L) at the end. 0.0 with ``info["reward_valid"] = False`` after a fault.

    ## Starting State
    As ``user`` you are to open; as ``assistant`` the user has opened.

    ## Episode End
    ``accepted``, ``left`` and ``broke`` terminate; ``truncated`` and ``fault`` truncate.

    ## Arguments
    As `gtalign/Dialogue-v0` for PettingZoo, and ``seat``, ``opponent``, ``p_vague``, ``reward``
    as `gtalign/Conversation-v0`. An opponent by name speaks in the bundled wordings; a callable
    ``speaker(observation) -> text`` speaks for itself. ``fault_policy``: what happens when it, or
    the meter, raises `ModelError`: "truncate" ends the episode, "raise" lets the error through,
    "resample" asks for the message again, up to three times, and then truncates.

    ## Version History
    v0: first version.
    """

    def __init__(
        self,
        scenario: ScenarioLike = "quick_question",
        pricing: PricingLike = None,
        tasks: TasksLike = "general_knowledge",
        covered_only: bool = False,
        bands: tuple[int, int] = BANDS,
        meter: Meter = "nominal",
        seat: SeatName = "assistant",
        opponent: str | Speaker | None = None,
        p_vague: float = 0.5,
        reward: str = "own",
        fault_policy: FaultPolicy = "truncate",
        render_mode: str | None = None,
    ) -> None:
        table = TalkTable(scenario, pricing, tasks, covered_only, bands, meter)
        super().__init__(table, seat, reward, render_mode)
        self._talks = table
        self._faults = Faults(fault_policy)
        self._other = Seat.ASSISTANT if SEATS[seat] is Seat.USER else Seat.USER
        self._speaker: Speaker | None = None
        self._user: UserSeat | None = None
        self._assistant: AssistantSeat | None = None
        if callable(opponent):
            self._speaker = opponent
        elif self._other is Seat.USER:
            self._user = user_policy(opponent or "default", p_vague)
        else:
            self._assistant = assistant_policy(opponent or "DA:standard", p_vague)
        self.observation_space = deepcopy(TEXT_OBSERVATION_SPACE)
        self.action_space = Utterance()

    @property
    def talk(self) -> Talk:
        """The talk under way: all of it, what is meant included, for researchers.

        Raises:
            EpisodeError: There is none yet.
        """
        assert self.conversation is self._talk.conversation
        return self._talk

    def _see(self, seat: Seat) -> TextObservation:
        return text_observation(self._talk, seat, self.table.price(self.conversation.spec))

    def _open(self, episode: int) -> Conversation:
        conversation = self.table.open(episode)
        self._talk = self._talks.talk(conversation)
        self._faults.begin()
        return conversation

    def _observe(self) -> TextObservation:
        return self._see(self.seat)

    def _is_legal(self, action: str) -> bool:
        return True

    def _move(self, seat: Seat, action: str) -> tuple[float, float]:
        say = self._talk.say_user if seat is Seat.USER else self._talk.say_assistant
        try:
            return self._faults.ask(lambda: say(action))
        except ModelError as error:  # the meter's
            if seat is self._other:
                raise
            self._end(error, seat)
            return 0.0, 0.0

    def _end(self, error: ModelError, seat: Seat) -> None:
        self._faults.end(error, seat)
        self.conversation.fault()

    def _let_others_move(self) -> None:
        try:
            super()._let_others_move()
        except ModelError as error:
            self._end(error, self._other)
            self._ended_early = self.conversation

    def _other_move(self) -> str:
        conversation = self.conversation
        if self._speaker is not None:
            speaker = self._speaker
            return self._faults.ask(lambda: speaker(self._see(self._other)))
        u = conversation.chance(self._other, Purpose.POLICY)
        if self._user is not None:
            return self._talk.word_user(self._user(conversation.user_view(), u))
        assert self._assistant is not None
        return self._talk.word_assistant(self._assistant(conversation.assistant_view(), u))

    def _lines(self) -> list[str]:
        return lines(self.conversation, [message.text for message in self._talk.messages])

    def _info(self) -> dict[str, Any]:
        return {**super()._info(), **self._faults.info()}
