"""A conversation put into words: texts come in, moves are read off them, the rules do the rest.

Words become a move once (`gtalign_env.text.reader`), moves become words once (`phrasing` for the
user, `writer` for the assistant). Scripted words follow the same draws as the game without text,
so with scripted seats both play the same conversation, step for step.

What a message costs is counted by a meter. The nominal one bills every message at the scenario's
length of its kind, as if the short bundled sentences were abridged; a callable counts the text.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, cast

from gtalign_env.core.conversation import Conversation
from gtalign_env.core.moves import STYLES, AssistantMove, UserMove
from gtalign_env.draws import Purpose, Seat
from gtalign_env.envs.spaces import MAX_MESSAGE
from gtalign_env.errors import EpisodeError, ScenarioError
from gtalign_env.scenario.loader import load_tasks
from gtalign_env.scenario.tasks import MAX_LISTED, Question, TaskSet
from gtalign_env.text.grading import is_right, settles
from gtalign_env.text.phrasing import say
from gtalign_env.text.reader import BANDS, read_assistant, read_user
from gtalign_env.text.writer import distractors, write

Meter = Callable[[str], int] | Literal["nominal"]
"""Counts the tokens of a text; ``"nominal"`` takes the scenario's lengths."""


class Message(NamedTuple):
    """One message as both sides see it."""

    seat: Seat
    text: str


def askable(tasks: TaskSet, interpretations: int, covered_only: bool = False) -> list[Question]:
    """Return the questions that can play a scenario with ``K`` interpretations.

    They come from the set, or, where none of its questions has so many, from the one that it names
    in ``more``.

    Args:
        tasks: The task set.
        interpretations: K; a question with more is played with its first K.
        covered_only: Whether to keep to the marked subset that the tiny model is taught.

    Raises:
        ScenarioError: No question has that many interpretations.
    """
    pool = [
        question
        for question in tasks.questions
        if len(question.interpretations) >= interpretations
        and (question.covered or not covered_only)
    ]
    if not pool and tasks.more is not None and tasks.more != tasks.name:
        return askable(load_tasks(tasks.more), interpretations, covered_only)
    if not pool:
        most = max(len(question.interpretations) for question in tasks.questions)
        raise ScenarioError(
            f"task set {tasks.name!r} has no question with {interpretations} interpretations "
            f"(the most is {most}); lower the scenario's task.interpretations, or give the set "
            "`more`: the name of one with such questions"
        )
    return pool


def known_meter(meter: object) -> Meter:
    """Return a meter as it was given.

    Raises:
        ScenarioError: It is neither ``"nominal"`` nor a callable.
    """
    if meter != "nominal" and not callable(meter):
        raise ScenarioError(
            f'meter is "nominal" or a callable that counts the tokens of a text; got {meter!r}'
        )
    return cast("Meter", meter)


def _require_utterance(text: object) -> None:
    if not isinstance(text, str):
        raise EpisodeError(f"what is said is a string; got {type(text).__name__}")
    if len(text) > MAX_MESSAGE:
        raise EpisodeError(
            f"a message has at most {MAX_MESSAGE:,} characters; got {len(text):,}. Cut it first"
        )


class Talk:
    """One conversation in words.

    Args:
        conversation: The conversation; nothing said yet.
        pool: Questions to draw the user's question from.
        tasks: The task set they come from; wrong answers are taken from it.
        bands: Most words of a concise and of a standard answer.
        meter: Counts tokens.

    Attributes:
        messages: Everything said so far; public.
        question: What the user asks about; private.
        meant: Index of the interpretation the user means; private.
    """

    def __init__(
        self,
        conversation: Conversation,
        pool: Sequence[Question],
        tasks: TaskSet,
        bands: tuple[int, int] = BANDS,
        meter: Meter = "nominal",
    ) -> None:
        self.conversation = conversation
        self.bands = bands
        self.messages: list[Message] = []
        self._meter = None if meter == "nominal" else meter
        self._k = conversation.spec.interpretations
        u = conversation.chance(Seat.USER, Purpose.QUESTION)
        self.question = pool[int(u * len(pool))]
        self.meant = int(conversation.chance(Seat.USER, Purpose.MEANT) * self._k)
        self._tasks = tasks

    def __repr__(self) -> str:
        # what is meant stays hidden also where somebody prints an environment
        return f"Talk({self.conversation.spec.name!r}, {len(self.messages)} messages)"

    def say_user(self, text: str) -> tuple[float, float]:
        """Deliver the user's text and return the rewards (user, assistant), points.

        Raises:
            EpisodeError: It is no text that can be said, the conversation is over, or it is not
                the user's turn.
        """
        _require_utterance(text)
        move, settled = self.read_user(text)
        length = self._count(text) if self._meter is not None and move.writes else None
        rewards = self.conversation.step_user(move, settled=settled, message=length)
        self.messages.append(Message(Seat.USER, text))
        return rewards

    def read_user(self, text: str) -> tuple[UserMove, bool]:
        """Return what a text of the user would do now, and whether it is a reply that settles.

        Args:
            text: Any string; nothing is said.
        """
        state = self.conversation.state
        last = state.assistant_move
        move = read_user(
            text,
            opening=state.exchange < 0,
            after_question=last is AssistantMove.CQ,
            after_answer_and_question=last is not None and last.answers and last.asks,
            question=self.question,
            meant=self.meant,
            k=self._k,
        )
        return move, move is UserMove.REPLY and settles(text, self.question, self.meant, self._k)

    def say_assistant(
        self, text: str, reasoning: str = "", move: AssistantMove | None = None
    ) -> tuple[float, float]:
        """Deliver the assistant's text and return the rewards (user, assistant), points.

        An answer is right if it gives what is meant, and if an answer of its verbosity is good
        enough for this user. Listing more answers than the verbosity covers does not help: only
        the first ones count.

        Args:
            text: The visible message.
            reasoning: The hidden part; counted by a meter, never shown.
            move: What the text does, where somebody has judged that; by rules if None.

        Raises:
            EpisodeError: It is no text that can be said, the conversation is over, or it is not
                the assistant's turn.
        """
        _require_utterance(text)
        conversation = self.conversation
        if move is None:
            move = read_assistant(text, self.bands)
        allowed = 1
        if move.verbosity is not None and not conversation.state.informed:
            allowed = conversation.spec.coverage[move.verbosity]
        right = (
            move.answers
            and is_right(text, self.question, self.meant, self._k, allowed)
            and conversation.draw_suffices(move)
        )
        counts = {}
        if self._meter is not None:
            counts = {"output": self._count(text), "reasoning": self._count(reasoning)}
        rewards = conversation.step_assistant(move, right=right, **counts)
        self.messages.append(Message(Seat.ASSISTANT, text))
        return rewards

    def _count(self, text: str) -> int:
        assert self._meter is not None
        try:
            count = operator.index(self._meter(text))
        except TypeError:
            count = -1
        if count < 0:
            raise ValueError("a meter returns a whole number of tokens ≥ 0")
        return count

    def word_user(self, move: UserMove) -> str:
        """Return a scripted wording of the user's move, in the user's style."""
        conversation = self.conversation
        return say(
            move,
            STYLES[conversation.who.style],
            self.question,
            self.meant,
            conversation.chance(Seat.USER, Purpose.PHRASE),
            clear=move is not UserMove.REPLY or conversation.draw_settled(),
        )

    def word_assistant(self, move: AssistantMove) -> str:
        """Return a scripted wording of the assistant's move, as right as the game draws it.

        The writer knows what is meant so that chance alone decides whether the answer is right;
        it stands in for an assistant, it is not one.
        """
        conversation = self.conversation
        wrong = move.answers and not conversation.draw_knows()
        return write(
            move,
            self.question,
            self._k,
            covered=self._covered(move),
            wrong=wrong,
            informed=conversation.state.informed,
            choice=conversation.chance(Seat.ASSISTANT, Purpose.PHRASE),
            distractors=distractors(self._tasks.questions, self.question) if wrong else (),
        )

    def _covered(self, move: AssistantMove) -> tuple[int, ...]:
        conversation = self.conversation
        if conversation.state.informed or move.verbosity is None:
            return (self.meant,)
        others = [i for i in range(self._k) if i != self.meant]
        # which of the others come first is chance as well
        turn = int(conversation.chance(Seat.ASSISTANT, Purpose.DISTRACTOR) * max(1, len(others)))
        others = others[turn:] + others[:turn]
        count = min(conversation.spec.coverage[move.verbosity], self._k, MAX_LISTED)
        if conversation.draw_covers(move):
            return tuple(sorted([self.meant, *others[: count - 1]]))
        return tuple(sorted(others[:count]))

    def public_lines(self, last: int | None = None) -> list[str]:
        """Return the price and everything said; a message's further lines are indented.

        Args:
            last: How many exchanges to keep, from the end; all of them if None. A user's message
                that waits for its answer is one more.
        """
        names = {Seat.USER: "User", Seat.ASSISTANT: "Assistant"}
        head = f"Pricing: {self.conversation.spec.regime.description}"
        begin = 0 if last is None else max(0, len(self.messages) // 2 - last) * 2
        # an indented line cannot pass for the start of the other side's message, or of the brief
        return [
            head,
            *(
                f"{names[seat]}: " + "\n    ".join(text.splitlines())
                for seat, text in self.messages[begin:]
            ),
        ]

    def brief(self) -> list[str]:
        """Return what only the user knows: what it means, and whether the last answer is right."""
        meant = self.question.interpretations[self.meant]
        out = [f"You want to know: {meant.definite}"]
        last = self.conversation.state.assistant_move
        if last is not None and last.answers:
            right = self.conversation.state.right
            out.append(f"The last answer is {'right' if right else 'not right'}.")
        return out
