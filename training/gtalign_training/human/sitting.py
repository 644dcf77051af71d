"""A person in a seat, by moves or in words; a policy or a model in the other.

What the person sees is what the seat may know. In the assistant's seat that leaves out the user's
type, and its welfare with it: from how that grows the type could be told.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field

from gtalign_agents.backends.chat import Fault
from gtalign_agents.backends.named import is_model
from gtalign_agents.dialogue.replayed import is_replayed
from gtalign_agents.dialogue.speaker import (
    Dialogue,
    Said,
    ScriptedAssistant,
    ScriptedUser,
    Speaker,
)
from gtalign_env.core.conversation import Conversation
from gtalign_env.core.moves import STYLES, VERBOSITIES, AssistantMove, Ending, UserMove
from gtalign_env.core.policies import AssistantSeat, UserSeat
from gtalign_env.core.rules import effort, legal_user_moves
from gtalign_env.core.spec import GameSpec
from gtalign_env.draws import Purpose, Seat
from gtalign_env.envs.table import Table
from gtalign_env.envs.talk import Talk
from gtalign_env.envs.transcript import Transcript, transcript_of
from gtalign_env.money import format_money
from gtalign_env.persona import UserType
from gtalign_env.words import plural
from gtalign_training.human.review import Made, Review, review_assistant, review_user
from gtalign_training.runs.folder import Plan
from gtalign_training.runs.seats import assistant_seat, is_stochastic, user_seat
from gtalign_training.runs.talk import speakers, talk_table
from gtalign_training.runs.words import Service

Move = UserMove | AssistantMove

OPPONENTS = {Seat.USER: "DA:standard", Seat.ASSISTANT: "default"}
"""Who sits across from a person in a seat, where nobody is named."""

USER_WORDS = {
    UserMove.VQ: "ask vaguely",
    UserMove.DQ: "ask definitely",
    UserMove.REPLY: "reply to the question",
    UserMove.ACCEPT: "accept the answer",
    UserMove.FOLLOW_UP: "ask on, definitely",
    UserMove.LEAVE: "leave",
}


def other_seat(seat: Seat) -> Seat:
    """Return the seat across from one.

    Args:
        seat: The user's or the assistant's.
    """
    return Seat.ASSISTANT if seat is Seat.USER else Seat.USER


@dataclass
class Sitting:
    """A person's place in a conversation with a policy, or in words a language model.

    Attributes:
        conversation: The conversation.
        seat: The person's.
        opponent: Who plays the other seat.
        dialogue: The conversation in words; None to play by moves.
        open_type: Whether the person sees type and both welfares from any seat.
        made: The person's moves so far.
    """

    conversation: Conversation
    seat: Seat
    opponent: UserSeat | AssistantSeat | Speaker
    dialogue: Dialogue | None = None
    open_type: bool = False
    made: list[Made] = field(default_factory=list)

    @property
    def fault(self) -> Fault | None:
        """Why the other seat has no answer; None where it has."""
        return None if self.dialogue is None else self.dialogue.fault

    @property
    def talk(self) -> Talk | None:
        """The conversation in words; None by moves."""
        return None if self.dialogue is None else self.dialogue.talk

    @property
    def is_over(self) -> bool:
        """Whether the conversation has ended, by a fault or otherwise."""
        return self.conversation.state.ending is not None

    @property
    def is_persons_turn(self) -> bool:
        """Whether the person is to move."""
        return not self.is_over and self.conversation.state.to_move is self.seat

    @property
    def hides_user(self) -> bool:
        """Whether the user's type and welfare are not for the person to see yet."""
        return self.seat is Seat.ASSISTANT and not self.open_type and not self.is_over

    def options(self) -> list[tuple[Move, str]]:
        """Return the person's legal moves, and what each is in words."""
        conversation = self.conversation
        if self.seat is Seat.USER:
            cost = {m: effort(conversation.who, m) for m in UserMove}
            return [
                (m, words_of(m) + (f" (effort {cost[m]:g})" if m.writes else ""))
                for m in legal_user_moves(conversation.state)
            ]
        lengths = conversation.spec.means.outputs
        return [(m, f"{words_of(m)}, about {lengths[m]} tokens") for m in AssistantMove]

    def brief(self) -> list[str]:
        """Return what only the user knows, where the person sits there and talks; else nothing."""
        return self.talk.brief() if self.talk is not None and self.seat is Seat.USER else []

    def move(self, move: Move) -> None:
        """Make the person's move.

        Args:
            move: One of `options`.

        Raises:
            EpisodeError: It is illegal now, or not the person's turn.
        """
        history, right = self.conversation.history(), self.conversation.state.right
        if isinstance(move, UserMove):
            self.conversation.step_user(move)
        else:
            self.conversation.step_assistant(move)
        self.made.append(Made(history, right, move))

    def say(self, text: str) -> None:
        """Deliver what the person says; the move is read off it.

        Args:
            text: The message.

        Raises:
            EpisodeError: It is not the person's turn.
        """
        assert self.dialogue is not None, "a conversation in words"
        history, right = self.conversation.history(), self.conversation.state.right
        self.dialogue.take(Said(text))
        self.made.append(Made(history, right, self.last(self.seat)))

    def answer(self) -> None:
        """Let the other seat make its move; where its model fails, the conversation ends in a fault."""
        conversation = self.conversation
        seat = conversation.state.to_move
        if self.dialogue is not None:
            self.dialogue.take(self._speaker(seat).speak([self.dialogue])[0])
            return
        u = conversation.chance(seat, Purpose.POLICY)
        view = conversation.user_view() if seat is Seat.USER else conversation.assistant_view()
        move: Move = self.opponent(view, u)  # type: ignore[arg-type, operator]  # a policy of this seat
        if isinstance(move, UserMove):
            conversation.step_user(move)
        else:
            conversation.step_assistant(move)

    def _speaker(self, seat: Seat) -> Speaker:
        if hasattr(self.opponent, "speak"):
            return self.opponent
        scripted = ScriptedUser if seat is Seat.USER else ScriptedAssistant
        return scripted(self.opponent)  # type: ignore[arg-type]  # a policy of this seat

    def last(self, seat: Seat) -> Move:
        """Return the last move of a seat."""
        conversation = self.conversation
        if seat is Seat.USER:
            return conversation.user_moves[-1]
        return conversation.assistant_moves[-1]

    def standing(self) -> str:
        """Return both welfares and the bill so far, as far as the person may see them."""
        u, l = self.conversation.returns  # noqa: E741  # U and L, as the model writes them
        mine = f"L {l:+.3f}, U hidden" if self.hides_user else f"U {u:+.3f}, L {l:+.3f}"
        return f"{mine}; billed {format_money(self.conversation.state.charged)}"

    def result(self) -> list[str]:
        """Return both welfares, bill and cost of a conversation that has ended, in words.

        Nothing after a fault, which earns nobody anything, and while it is unfinished.
        """
        state, spec = self.conversation.state, self.conversation.spec
        if state.ending in (None, Ending.FAULT):
            return []
        u, l = self.conversation.returns  # noqa: E741  # U and L, as the model writes them
        cost = format_money(state.cost)
        return [
            f"User's U {u:+.3f}, assistant's L {l:+.3f}, joint W {spec.welfare(u, l):.3f}",
            f"Billed {format_money(state.charged)}; cost to the provider {cost}",
        ]

    def transcript(self, seed: int) -> Transcript:
        """Return the record of the conversation.

        Args:
            seed: What it was dealt with.
        """
        texts = written = None
        if self.dialogue is not None:
            texts = [message.text for message in self.dialogue.talk.messages]
            by_model = [said.written for said in self.dialogue.of(Seat.ASSISTANT)]
            written = by_model if any(by_model) else None
        return transcript_of(self.conversation, seed=seed, episode=0, texts=texts, written=written)

    def review(self, name: str) -> Review | None:
        """Return the person's moves beside the optimum; None without moves, or against a model or a record.

        Args:
            name: Who was met.

        Raises:
            SolverError: The game is too long to be solved.
        """
        if not self.made or self.fault is not None or is_model(name) or is_replayed(name):
            return None
        spec = self.conversation.spec
        draws = is_stochastic(name, other_seat(self.seat).name.lower())
        if self.seat is Seat.USER:
            who, answers = self.conversation.who, assistant_seat(name)
            return review_user(spec, self.made, who, answers, stochastic=draws)
        return review_assistant(spec, self.made, user_seat(name), stochastic=draws)


def sit_down(
    plan: Plan, seat: Seat, stack: ExitStack, *, deadline: float = 120.0, open_type: bool = False
) -> Sitting:
    """Return a person's place in the first conversation of a plan.

    Args:
        plan: The game, and who would sit in each seat; whoever stands for the person is not asked.
        seat: The person's.
        stack: Closes what the other seat holds open.
        deadline: Longest time of one call of a model, seconds.
        open_type: Whether the person sees type and both welfares from any seat.

    Raises:
        ScenarioError: An agent is unknown.
        MissingExtraError: A model needs what is not installed.
    """
    other: Speaker | UserSeat | AssistantSeat
    if plan.words is None:
        table = Table(plan.scenario)
        table.seed(plan.seed)
        other = assistant_seat(plan.assistant) if seat is Seat.USER else user_seat(plan.user)
        return Sitting(table.open(0), seat, other, None, open_type)
    talking = talk_table(plan)
    dialogue = Dialogue(talking.talk(talking.open(0)))
    user, assistant = stack.enter_context(speakers(plan, Service(deadline=deadline)))
    other = assistant if seat is Seat.USER else user
    return Sitting(dialogue.talk.conversation, seat, other, dialogue, open_type)


def words_of(move: Move) -> str:
    """Return what a move is, in words.

    Args:
        move: Of either seat.
    """
    if isinstance(move, UserMove):
        return USER_WORDS[move]
    length = "" if move.verbosity is None else VERBOSITIES[move.verbosity]
    if not move.answers:
        return "ask back"
    return f"a {length} answer" + (", and a question" if move.asks else "")


def type_lines(who: UserType) -> list[str]:
    """Return what a user wants, in words.

    Args:
        who: The type.
    """
    lines = [f"a right answer, accepted, is worth {plural(who.value, 'point')}"]
    if who.harm:
        lines.append(f"a wrong one, accepted, costs {plural(who.harm, 'point')}")
    if who.conciseness:
        lines.append(
            f"100 tokens of a message beyond {who.comfort_tokens} cost "
            f"{plural(who.conciseness, 'point')}"
        )
    if who.annoyance:
        verb = "costs" if who.annoyance > 0 else "pleases by"
        lines.append(f"{_asked(who.tolerance)} {verb} {plural(abs(who.annoyance), 'point')}")
    if who.discount < 1:
        lines.append(f"with each exchange an answer's worth falls to {who.discount:.0%}")
    return [
        *lines,
        f"leaving is worth {plural(who.outside_option, 'point')}, a USD "
        f"{plural(who.price_sensitivity, 'point')}",
        f"budget {format_money(who.budget)}, style {STYLES[who.style]}",
    ]


def _asked(tolerance: int) -> str:
    """Return which questions a user minds: those beyond how many are taken without a word."""
    if not tolerance:
        return "every question asked back"
    return f"every question after the first{'' if tolerance == 1 else f' {tolerance}'}"


def task_lines(spec: GameSpec) -> list[str]:
    """Return what the assistant knows of its task, in words.

    Args:
        spec: The game.
    """
    covered = ", ".join(str(min(k, spec.interpretations)) for k in spec.coverage)
    right = ", ".join(f"{spec.p_correct * q:.0%}" for q in spec.quality)
    who = ", ".join(f"{persona.name} {share:.0%}" for share, persona in spec.population.personas)
    return [
        f"a vague query can mean {spec.interpretations} things; concise, standard and verbose "
        f"answers cover {covered} of them",
        f"told what is meant, they are right in {right} of all cases",
        f"you may meet: {who}",
    ]
