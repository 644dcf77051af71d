"""A person in a seat at the terminal, by moves or in words; a policy or a model in the other.

What the person sees is what the seat may know. In the assistant's seat that leaves out the user's
type, and its welfare with it: from how that grows the type could be told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from rich.console import Console

from gtalign_agents.backends.chat import Fault
from gtalign_agents.dialogue.speaker import (
    Dialogue,
    Said,
    ScriptedAssistant,
    ScriptedUser,
    Speaker,
)
from gtalign_env.core.conversation import Conversation
from gtalign_env.core.moves import STYLES, AssistantMove, UserMove
from gtalign_env.core.policies import AssistantSeat, UserSeat
from gtalign_env.core.rules import effort, legal_user_moves
from gtalign_env.core.spec import GameSpec
from gtalign_env.draws import Purpose, Seat
from gtalign_env.envs.talk import Talk
from gtalign_env.money import format_money
from gtalign_env.persona import UserType
from gtalign_training.console import safe
from gtalign_training.play_human_review import Made

Move = UserMove | AssistantMove
Ask = Callable[[str], str]
"""Shows a prompt and returns a line; raises EOFError where there is none."""

USER_WORDS = {
    UserMove.VQ: "ask vaguely",
    UserMove.DQ: "ask definitely",
    UserMove.REPLY: "reply to the question",
    UserMove.ACCEPT: "accept the answer",
    UserMove.FOLLOW_UP: "ask on, definitely",
    UserMove.LEAVE: "leave",
}


@dataclass
class Sitting:
    """A conversation between a person and a policy, or in words a language model.

    Attributes:
        conversation: The conversation.
        seat: The person's.
        opponent: Who plays the other seat.
        console: Where to print.
        ask: Reads a line.
        dialogue: The conversation in words; None to play by moves.
        open_type: Whether the person sees type and both welfares from any seat.
        made: The person's moves so far.
    """

    conversation: Conversation
    seat: Seat
    opponent: UserSeat | AssistantSeat | Speaker
    console: Console
    ask: Ask
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

    def play(self) -> bool:
        """Play until the conversation ends; return False if it stays unfinished.

        It does where the person leaves the table, or the model in the other seat fails.

        Raises:
            KeyboardInterrupt: The person interrupted.
        """
        self._introduce()
        try:
            while self.conversation.state.ending is None:
                self._turn()
                if self.fault is not None:
                    self._say(f"\nThe other seat failed: {self.fault.message}.", "bold red")
                    return False
        except EOFError:
            self._say("\nYou leave the table; the conversation stays unfinished.")
            return False
        return True

    def _turn(self) -> None:
        seat = self.conversation.state.to_move
        said = len(self.talk.messages) if self.talk else 0
        if seat is self.seat:
            history, right = self.conversation.history(), self.conversation.state.right
            self._persons_move()
            self.made.append(Made(history, right, self._last(seat)))
        else:
            self._others_move()
            if self.fault is not None:
                return
        self._show_last(seat, said)

    def _persons_move(self) -> None:
        if self.dialogue is None:
            move = self._ask_move()
            if isinstance(move, UserMove):
                self.conversation.step_user(move)
            else:
                self.conversation.step_assistant(move)
            return
        if self.seat is Seat.USER:
            for line in self.dialogue.talk.brief():
                self._say(line, "dim")
        self.dialogue.take(Said(self._line("you> ")))

    def _others_move(self) -> None:
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

    def _ask_move(self) -> Move:
        options = self._options()
        self._say("")
        for number, (move, words) in enumerate(options, start=1):
            self._say(f"  {number}  {move.label:<12} {words}")
        while True:
            given = self._line("your move> ")
            found = chosen(given, [move for move, _ in options])
            if found is not None:
                return found
            known = ", ".join(move.label for move, _ in options)
            self._say(f"that is none of your moves: a number, or one of {known}", "yellow")

    def _options(self) -> list[tuple[Move, str]]:
        conversation = self.conversation
        if self.seat is Seat.USER:
            cost = {m: effort(conversation.who, m) for m in UserMove}
            return [
                (m, USER_WORDS[m] + (f" (effort {cost[m]:g})" if m.writes else ""))
                for m in legal_user_moves(conversation.state)
            ]
        lengths = conversation.spec.means.outputs
        return [(m, f"{_message_words(m)}, about {lengths[m]} tokens") for m in AssistantMove]

    def _line(self, prompt: str) -> str:
        while not (line := self.ask(prompt).strip()):
            pass
        return line

    def _introduce(self) -> None:
        spec = self.conversation.spec
        self._say(f"{spec.name}: you are the {self.seat.name.lower()}.", "bold")
        self._say(f"Price: {spec.regime.description}")
        self._say(f"At most {spec.max_exchanges} exchanges. Ctrl-D leaves the table.")
        if self.seat is Seat.USER or self.open_type:
            for line in type_lines(self.conversation.who):
                self._say(f"  {line}")
        if self.seat is Seat.ASSISTANT:
            for line in task_lines(spec):
                self._say(f"  {line}")

    def _show_last(self, seat: Seat, said: int) -> None:
        conversation = self.conversation
        state = conversation.state
        move = self._last(seat)
        name = f"{seat.name.lower():>9}"
        words = ""
        if self.talk is not None and len(self.talk.messages) > said:
            words = f"  {self.talk.messages[-1].text}"
        self._say(f"{name}  {move.label}{words}", "cyan" if seat is self.seat else "")
        if seat is Seat.USER and state.ending is None:
            return
        if isinstance(move, AssistantMove) and move.answers and self.seat is Seat.USER:
            self._say(f"{'':>9}  that is {'right' if state.right else 'not right'}")
        self._say(f"{'':>9}  {self._standing()}", "dim")

    def _last(self, seat: Seat) -> Move:
        conversation = self.conversation
        if seat is Seat.USER:
            return conversation.user_moves[-1]
        return conversation.assistant_moves[-1]

    def _standing(self) -> str:
        conversation = self.conversation
        u, l = conversation.returns  # noqa: E741  # U and L, as the model writes them
        closed = self.seat is Seat.ASSISTANT and not self.open_type
        if closed and conversation.state.ending is None:
            mine = f"L {l:+.3f}, U hidden"
        else:
            mine = f"U {u:+.3f}, L {l:+.3f}"
        return f"{mine}; billed {format_money(conversation.state.charged)}"

    def _say(self, text: str, style: str = "") -> None:
        self.console.print(safe(text, style), soft_wrap=True)


def _message_words(move: AssistantMove) -> str:
    length = "" if move.verbosity is None else ("concise", "standard", "verbose")[move.verbosity]
    if not move.answers:
        return "ask back"
    return f"a {length} answer" + (", and a question" if move.asks else "")


def chosen(given: str, moves: list[Move]) -> Move | None:
    """Return the move that somebody typed: its number, its label, or what begins only one label.

    Args:
        given: What was typed.
        moves: What can be chosen.
    """
    word = given.strip().casefold()
    if word.isdecimal():
        return moves[int(word) - 1] if 1 <= int(word) <= len(moves) else None
    exact = [move for move in moves if move.label.casefold() == word]
    near = [move for move in moves if move.label.casefold().startswith(word)]
    found = exact or near
    return found[0] if word and len(found) == 1 else None


def type_lines(who: UserType) -> list[str]:
    """Return what a user wants, in words.

    Args:
        who: The type.
    """
    lines = [f"a right answer, accepted, is worth {who.value:g} points"]
    if who.harm:
        lines.append(f"a wrong one, accepted, costs {who.harm:g} points")
    if who.conciseness:
        lines.append(
            f"100 tokens of a message beyond {who.comfort_tokens} cost {who.conciseness:g} points"
        )
    if who.annoyance:
        verb = "costs" if who.annoyance > 0 else "pleases by"
        after = f" after the first {who.tolerance}" if who.tolerance else ""
        lines.append(f"being asked{after} {verb} {abs(who.annoyance):g} points")
    if who.discount < 1:
        lines.append(f"with each exchange an answer's worth falls to {who.discount:.0%}")
    return [
        *lines,
        f"leaving is worth {who.outside_option:g} points, a USD {who.price_sensitivity:g} points",
        f"budget {format_money(who.budget)}, style {STYLES[who.style]}",
    ]


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
