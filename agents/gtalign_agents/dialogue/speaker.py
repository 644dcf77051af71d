"""`Speaker`: who says the next message in each of many dialogues, one batched call at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, cast

from gtalign_agents.backends.chat import Completion, Fault, FaultKind
from gtalign_agents.calibration import Choice
from gtalign_agents.dialogue.fence import injects
from gtalign_agents.dialogue.typed_move import Typed
from gtalign_agents.steering import Steered
from gtalign_env.core.moves import UserMove
from gtalign_env.core.policies import AssistantSeat, UserSeat
from gtalign_env.core.spec import GameSpec
from gtalign_env.draws import Purpose, Seat
from gtalign_env.envs.spaces import MAX_MESSAGE
from gtalign_env.envs.talk import Talk
from gtalign_env.errors import ModelError

INJECTS = "injects"
"""Label of a message of either seat that holds what looks like a tag; the other side reads it fenced."""


@dataclass(frozen=True)
class Said:
    """One message, and how it came about.

    Attributes:
        text: What the other side reads.
        written: All that a model wrote; empty for a script.
        reasoning: The hidden part of it.
        labels: What is wrong with it, by name: a broken rule of the grammar, or an error of the
            simulated user. The talk goes on; summaries count them.
        calls: What the model was asked for it, in order.
        steered: The record of an edited matrix.
        choice: The matrix and the chosen cell of a well-formed four-block turn.
        typed: What an assistant's text does, where that was asked for; else the rules read it.
    """

    text: str
    written: str = ""
    reasoning: str = ""
    labels: tuple[str, ...] = ()
    calls: tuple[Completion, ...] = field(default=(), repr=False)
    steered: Steered | None = None
    choice: Choice | None = None
    typed: Typed | None = None


@dataclass
class Dialogue:
    """A talk under way, with how each of its messages came about.

    Attributes:
        talk: The talk.
        turns: Everything said, in order, by seat.
        fault: What ended it, if a call failed.
        index: Which of many; two dialogues with the same chat are two samples of a model, which
            neither a cassette nor a seeded server mixes up.
    """

    talk: Talk
    turns: list[tuple[Seat, Said]] = field(default_factory=list)
    fault: Fault | None = None
    index: int = 0

    @property
    def spec(self) -> GameSpec:
        """The game."""
        return self.talk.conversation.spec

    @property
    def is_over(self) -> bool:
        """Whether the conversation has ended."""
        return self.talk.conversation.state.ending is not None

    def of(self, seat: Seat) -> list[Said]:
        """Return what one seat has said, in order."""
        return [said for who, said in self.turns if who is seat]

    def take(self, said: Said | Fault) -> None:
        """Deliver what the seat has said whose turn it is, or end the dialogue by its fault.

        Args:
            said: What its speaker has returned.
        """
        if isinstance(said, Fault):
            self.fault = said
            self.talk.conversation.fault()
            return
        seat = self.talk.conversation.state.to_move
        # a seat may write more than a message holds; what is cut off was never delivered
        text = said.text[:MAX_MESSAGE]
        if injects(text):
            said = replace(said, labels=(*said.labels, INJECTS))
        if seat is Seat.USER:
            self.talk.say_user(text)
        else:
            move = None if said.typed is None else said.typed.move
            self.talk.say_assistant(text, said.reasoning, move)
        self.turns.append((seat, said))


class Speaker(Protocol):
    """One seat of many dialogues."""

    def speak(self, dialogues: Sequence[Dialogue]) -> list[Said | Fault]:
        """Return the next message of each, in order; it is this seat's turn in all of them."""


@dataclass(frozen=True)
class ScriptedUser:
    """A policy in the user's seat, in the bundled wordings."""

    policy: UserSeat

    def speak(self, dialogues: Sequence[Dialogue]) -> list[Said | Fault]:
        """Return the next message of each; a policy that raises `ModelError` makes a fault."""
        return [_or_fault(self._say, dialogue.talk) for dialogue in dialogues]

    def _say(self, talk: Talk) -> str:
        return talk.word_user(decide(self.policy, talk))


def _or_fault(say: Callable[[Talk], str], talk: Talk) -> Said | Fault:
    try:
        return Said(say(talk))
    except ModelError as error:
        return Fault(cast("FaultKind", error.kind), str(error), error.attempts)


def decide(policy: UserSeat, talk: Talk) -> UserMove:
    """Return what a policy does in the user's seat now."""
    conversation = talk.conversation
    return policy(conversation.user_view(), conversation.chance(Seat.USER, Purpose.POLICY))


@dataclass(frozen=True)
class ScriptedAssistant:
    """A policy in the assistant's seat, in the bundled wordings."""

    policy: AssistantSeat

    def speak(self, dialogues: Sequence[Dialogue]) -> list[Said | Fault]:
        """Return the next message of each; a policy that raises `ModelError` makes a fault."""
        return [_or_fault(self._say, dialogue.talk) for dialogue in dialogues]

    def _say(self, talk: Talk) -> str:
        conversation = talk.conversation
        u = conversation.chance(Seat.ASSISTANT, Purpose.POLICY)
        return talk.word_assistant(self.policy(conversation.assistant_view(), u))
