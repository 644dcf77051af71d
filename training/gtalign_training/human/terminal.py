"""A person in a seat at the terminal: what is shown, and what is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console

from gtalign_env.core.moves import AssistantMove
from gtalign_env.draws import Seat
from gtalign_env.words import plural
from gtalign_training.console import safe
from gtalign_training.human.sitting import Move, Sitting, task_lines, type_lines
from gtalign_training.legend import MOVES

Ask = Callable[[str], str]
"""Shows a prompt and returns a line; raises EOFError where there is none."""


@dataclass
class AtTerminal:
    """A sitting whose person is at a terminal.

    Attributes:
        sitting: The person's place.
        console: Where to print.
        ask: Reads a line.
    """

    sitting: Sitting
    console: Console
    ask: Ask

    def play(self) -> bool:
        """Play until the conversation ends; return False if it stays unfinished.

        It does where the person leaves the table, or the model in the other seat fails.

        Raises:
            KeyboardInterrupt: The person interrupted.
        """
        self._introduce()
        try:
            while self.sitting.conversation.state.ending is None:
                self._turn()
                if self.sitting.fault is not None:
                    self._say(f"\nThe other seat failed: {self.sitting.fault.message}.", "bold red")
                    return False
        except EOFError:
            self._say("\nYou leave the table; the conversation stays unfinished.")
            return False
        return True

    def _turn(self) -> None:
        sitting = self.sitting
        seat = sitting.conversation.state.to_move
        said = len(sitting.talk.messages) if sitting.talk else 0
        if seat is sitting.seat:
            self._persons_move()
        else:
            sitting.answer()
            if sitting.fault is not None:
                return
        self._show_last(seat, said)

    def _persons_move(self) -> None:
        if self.sitting.dialogue is None:
            self.sitting.move(self._ask_move())
            return
        for line in self.sitting.brief():
            self._say(line, "dim")
        self.sitting.say(self._line("you> "))

    def _ask_move(self) -> Move:
        options = self.sitting.options()
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

    def _line(self, prompt: str) -> str:
        while not (line := self.ask(prompt).strip()):
            pass
        return line

    def _introduce(self) -> None:
        sitting = self.sitting
        spec = sitting.conversation.spec
        self._say(f"{spec.name}: you are the {sitting.seat.name.lower()}.", "bold")
        self._say(f"Price: {spec.regime.description}")
        self._say(f"At most {plural(spec.max_exchanges, 'exchange')}. Ctrl-D leaves the table.")
        self._say(f"Moves: {MOVES}.")
        if sitting.seat is Seat.USER or sitting.open_type:
            for line in type_lines(sitting.conversation.who):
                self._say(f"  {line}")
        if sitting.seat is Seat.ASSISTANT:
            for line in task_lines(spec):
                self._say(f"  {line}")

    def _show_last(self, seat: Seat, said: int) -> None:
        sitting = self.sitting
        state = sitting.conversation.state
        move = sitting.last(seat)
        name = f"{seat.name.lower():>9}"
        words = ""
        if sitting.talk is not None and len(sitting.talk.messages) > said:
            words = f"  {sitting.talk.messages[-1].text}"
        self._say(f"{name}  {move.label}{words}", "cyan" if seat is sitting.seat else "")
        if seat is Seat.USER and state.ending is None:
            return
        if isinstance(move, AssistantMove) and move.answers and sitting.seat is Seat.USER:
            self._say(f"{'':>9}  that is {'right' if state.right else 'not right'}")
        self._say(f"{'':>9}  {sitting.standing()}", "dim")

    def _say(self, text: str, style: str = "") -> None:
        self.console.print(safe(text, style), soft_wrap=True)


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
