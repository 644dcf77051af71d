"""`gtalign/Dialogue-v0` for PettingZoo: the game in words, both seats open."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces

from gtalign_env.core.conversation import Conversation
from gtalign_env.core.moves import AssistantMove
from gtalign_env.draws import Seat
from gtalign_env.envs.faults import FaultPolicy, Faults
from gtalign_env.envs.observe import (
    OBSERVATION_SPACE,
    assistant_mask,
    assistant_observation,
    user_mask,
    user_observation,
)
from gtalign_env.envs.render import lines
from gtalign_env.envs.seated import AGENTS, SeatedEnv
from gtalign_env.envs.spaces import MAX_MESSAGE, Utterance
from gtalign_env.envs.table import PricingLike, ScenarioLike, Table
from gtalign_env.envs.talk import Meter, Talk, askable, known_meter
from gtalign_env.errors import EpisodeError, ModelError
from gtalign_env.scenario.loader import load_tasks
from gtalign_env.scenario.schema import MAX_EXCHANGES
from gtalign_env.scenario.tasks import TaskSet
from gtalign_env.text.reader import BANDS

TasksLike = str | TaskSet
TextObservation = dict[str, Any]
"""``observation`` (numbers), ``action_mask`` and ``text``."""

TEXT_OBSERVATION_SPACE = spaces.Dict(
    {
        "observation": OBSERVATION_SPACE,
        "action_mask": spaces.Box(0, 1, (len(AssistantMove),), np.int8),
        "text": Utterance(2 * (MAX_EXCHANGES + 1) * MAX_MESSAGE),  # every message, and the brief
    }
)
"""The observation of either seat; the user's six moves are the first six entries of the mask."""


class TalkTable(Table):
    """The games in words that an environment's episodes are played on.

    Args:
        scenario: As for `Table`.
        pricing: As for `Table`.
        tasks: Name or path of a task set, or a loaded one.
        covered_only: Whether to keep to the questions that the tiny language model is taught.
        bands: Most words of a concise and of a standard answer.
        meter: Counts tokens.
    """

    def __init__(
        self,
        scenario: ScenarioLike,
        pricing: PricingLike = None,
        tasks: TasksLike = "general_knowledge",
        covered_only: bool = False,
        bands: tuple[int, int] = BANDS,
        meter: Meter = "nominal",
    ) -> None:
        super().__init__(scenario, pricing)
        self._tasks = load_tasks(tasks) if isinstance(tasks, str) else tasks
        concise, standard = bands
        self._bands = (concise, standard)
        self._meter: Meter = known_meter(meter)
        self._pools = {
            k: askable(self._tasks, k, covered_only)
            for k in {spec.interpretations for spec in self.specs}
        }

    def talk(self, conversation: Conversation) -> Talk:
        """Return the talk that puts a conversation into words."""
        pool = self._pools[conversation.spec.interpretations]
        return Talk(conversation, pool, self._tasks, self._bands, self._meter)


def text_observation(talk: Talk, seat: Seat, price: tuple[float, ...]) -> TextObservation:
    """Return what a seat sees of a talk.

    Args:
        talk: The talk.
        seat: Who looks.
        price: The entries that describe the regime.
    """
    conversation = talk.conversation
    if seat is Seat.ASSISTANT:
        return {
            "observation": assistant_observation(conversation.assistant_view(), price),
            "action_mask": assistant_mask(),
            "text": "\n".join(talk.public_lines()),
        }
    mask = np.zeros(len(AssistantMove), np.int8)
    own = user_mask(conversation.state)
    mask[: len(own)] = own
    return {
        "observation": user_observation(conversation.user_view(), price),
        "action_mask": mask,
        "text": "\n".join(talk.brief() + talk.public_lines()),
    }


class DialogueAEC(SeatedEnv[TextObservation, str]):
    """Two seats play one conversation in words; moves are read off the texts by rules.

    ## Description
    As `gtalign/Conversation-v0`, with a question of general knowledge from a task set. Whether an
    answer is right is judged from its text.

    ## Action Space
    ``Utterance``: any text. The reader takes a legal move off every text.

    ## Observation Space
    ``Dict(observation: Box(-1, 1, (57,)), action_mask: Box(0, 1, (7,), int8), text: Utterance)``.
    The mask says which moves a text can be read as now.

    ## Rewards
    As `gtalign/Conversation-v0`.

    ## Starting State
    The user is to open. Its type, its question and what it means are drawn.

    ## Episode End
    ``accepted``, ``left`` and ``broke`` terminate; ``truncated`` and ``fault`` truncate.

    ## Arguments
    ``scenario``, ``pricing``, ``render_mode``: as `gtalign/Conversation-v0`. ``tasks``: name or
    path of a task set, or a loaded one. ``covered_only``: keep to its marked subset. ``bands``:
    most words of a concise and of a standard answer. ``meter``: "nominal", or a callable that
    counts tokens. ``fault_policy``: what happens when the meter raises `ModelError`, or a seat's
    model failed and `fail` is called: "truncate" ends the episode, "raise" lets the error through,
    "resample" lets the seat try again, up to three times, and then truncates.

    ## Version History
    v0: first version.
    """

    metadata: ClassVar[dict[str, Any]] = {**SeatedEnv.metadata, "name": "dialogue_v0"}
    table: TalkTable

    def __init__(
        self,
        scenario: ScenarioLike = "quick_question",
        pricing: PricingLike = None,
        tasks: TasksLike = "general_knowledge",
        covered_only: bool = False,
        bands: tuple[int, int] = BANDS,
        meter: Meter = "nominal",
        fault_policy: FaultPolicy = "truncate",
        render_mode: str | None = None,
    ) -> None:
        super().__init__(
            TalkTable(scenario, pricing, tasks, covered_only, bands, meter), render_mode
        )
        self._faults = Faults(fault_policy)
        self._failure: ModelError | None = None
        for agent in AGENTS:
            self.observation_spaces[agent] = deepcopy(TEXT_OBSERVATION_SPACE)
            self.action_spaces[agent] = Utterance()

    @property
    def talk(self) -> Talk:
        """The talk under way: all of it, what is meant included, for researchers.

        Raises:
            EpisodeError: There is none yet.
        """
        assert self.conversation is self._talk.conversation
        return self._talk

    def observe(self, agent: str) -> Mapping[str, Any]:
        """Return what a seat sees now."""
        price = self.table.price(self.conversation.spec)
        return text_observation(self.talk, Seat(AGENTS.index(agent)), price)

    def fail(self, error: ModelError) -> None:
        """Report, instead of a step, that the model of the seat to move failed.

        Where the policy has the seat try again, nothing changes but ``info["resampled"]``.

        Args:
            error: What the model raised.

        Raises:
            EpisodeError: No episode is under way.
            ModelError: The policy lets it through.
        """
        agent = self.agent_selection if self.agents else None
        if agent is None or self.terminations[agent] or self.truncations[agent]:
            raise EpisodeError("no episode is under way, so nobody's model is asked; call reset()")
        if self._faults.resamples(error):
            self.infos = {name: self._info(name) for name in AGENTS}
            return
        self._failure = error
        self.step("")

    def _open(self, episode: int) -> Conversation:
        conversation = self.table.open(episode)
        self._talk = self.table.talk(conversation)
        self._faults.begin()
        return conversation

    def _move(self, agent: str, action: str) -> tuple[float, float]:
        seat = Seat(AGENTS.index(agent))
        say = self.talk.say_user if seat is Seat.USER else self.talk.say_assistant
        try:
            if self._failure is not None:
                failure, self._failure = self._failure, None
                raise failure
            return self._faults.ask(lambda: say(action))
        except ModelError as error:
            self._faults.end(error, seat)
            self.conversation.fault()
            return 0.0, 0.0

    def _info(self, agent: str) -> dict[str, Any]:
        return {**super()._info(agent), **self._faults.info()}

    def _lines(self) -> list[str]:
        return lines(self.conversation, [message.text for message in self.talk.messages])
