"""A person's conversation on the page: who sits where, what is under way, what came of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from gtalign_agents.backends.named import is_model, without_login
from gtalign_agents.table import seated
from gtalign_env.core.moves import AssistantMove, UserMove
from gtalign_env.draws import Seat
from gtalign_env.errors import EpisodeError, GTAlignError, ScenarioError, SolverError
from gtalign_env.scenario.resolved import Scenario
from gtalign_training.human.review import Review
from gtalign_training.human.sitting import OPPONENTS, Move, Sitting, other_seat, sit_down
from gtalign_training.runs.folder import Plan
from gtalign_training.runs.words import Words

SEATS = {"user": Seat.USER, "assistant": Seat.ASSISTANT}


@dataclass
class Standing:
    """Where both sides stood after a move.

    Attributes:
        seat: Whose move it was.
        move: The move.
        text: What was said; None by moves.
        right: Whether an answer was right; None where nothing was answered.
        user: U so far, points.
        assistant: L so far, points.
        charged: Billed so far, pico-USD.
    """

    seat: Seat
    move: Move
    text: str | None
    right: bool | None
    user: float
    assistant: float
    charged: int


@dataclass
class Table:
    """A conversation between a person on the page and somebody else.

    Attributes:
        sitting: The person's place.
        opponent: Name of who sits across.
        seed: What it was dealt with.
        past: Every move so far, with where it left both sides.
        problem: What went wrong last, in words; the conversation stands as it was.
        stack: Closes what the other seat holds open.
        lock: Held while somebody moves: a page may send two clicks at once.
    """

    sitting: Sitting
    opponent: str
    seed: int
    past: list[Standing] = field(default_factory=list)
    problem: str = ""
    stack: ExitStack = field(default_factory=ExitStack)
    lock: Any = field(default_factory=Lock)

    @property
    def hides_user(self) -> bool:
        """Whether nothing of the user may be shown yet."""
        return self.sitting.hides_user

    @property
    def in_words(self) -> bool:
        """Whether the conversation is in words."""
        return self.sitting.dialogue is not None

    def moves(self) -> list[tuple[Move, str, bool]]:
        """Return all moves of the person's seat: each, what it is in words, whether it is legal."""
        sitting = self.sitting
        if sitting.is_persons_turn:
            legal = dict(sitting.options())
            every = UserMove if sitting.seat is Seat.USER else tuple(legal)
            return [(move, legal.get(move, ""), move in legal) for move in every]
        return []

    def play(self, move: Move) -> None:
        """Make a move of the person's; in words, in the bundled wording.

        What is illegal now changes nothing, but `problem`.

        Args:
            move: One of `moves`.
        """
        talk = self.sitting.talk
        if talk is None:
            self._do(lambda: self.sitting.move(move))
            return
        word = talk.word_user if isinstance(move, UserMove) else talk.word_assistant
        legal = {one for one, _, is_legal in self.moves() if is_legal}
        if move not in legal:
            self.problem = f"{move.label} is not possible now"
            return
        self.say(word(move))  # type: ignore[arg-type]  # of this seat

    def say(self, text: str) -> None:
        """Say something, in words.

        Args:
            text: What; nothing changes if it is blank.
        """
        if not text.strip():
            self.problem = "say something first"
            return
        self._do(lambda: self.sitting.say(text.strip()))

    def answer(self) -> None:
        """Let the other side go on, until it is the person's turn or the conversation has ended."""
        while not self.sitting.is_over and not self.sitting.is_persons_turn:
            try:
                self.sitting.answer()
            except GTAlignError as error:
                # what cannot answer at all ends the conversation, as a model that fails does
                self.sitting.conversation.fault()
                self.problem = str(error)
                return
            if self.sitting.fault is None:
                self._note(other_seat(self.sitting.seat))

    def _do(self, act: Callable[[], None]) -> None:
        self.problem = ""
        try:
            act()
        except EpisodeError as error:
            self.problem = str(error)
        else:
            self._note(self.sitting.seat)

    def _note(self, seat: Seat) -> None:
        sitting = self.sitting
        move, state = sitting.last(seat), sitting.conversation.state
        wrote = sitting.talk is not None and len(sitting.talk.messages) > sum(
            one.text is not None for one in self.past
        )
        u, l = sitting.conversation.returns  # noqa: E741  # U and L, as the model writes them
        self.past.append(
            Standing(
                seat=seat,
                move=move,
                text=sitting.talk.messages[-1].text if sitting.talk and wrote else None,
                right=state.right if isinstance(move, AssistantMove) and move.answers else None,
                user=u,
                assistant=l,
                charged=state.charged,
            )
        )

    def review(self) -> Review | None:
        """Return the person's moves beside the optimum; None where there is nothing to compare.

        Why there is nothing stands in `problem`, where a game is too long to be solved.
        """
        try:
            return self.sitting.review(self.opponent) if self.sitting.is_over else None
        except SolverError as error:
            self.problem = f"no optimum to compare with: {error}"
            return None

    def close(self) -> None:
        """Let go of what the other seat holds open."""
        self.stack.close()


def opponents(seat: str) -> dict[str, str]:
    """Return who can sit across from a person, by name, with what they do.

    Args:
        seat: The person's, ``user`` or ``assistant``.
    """
    across = other_seat(SEATS[seat]).name.lower()
    rows = [row for row in seated(across) if not row.traits.needs_model]
    return {row.name: row.description for row in rows}


def across(seat: str, picked: str) -> str:
    """Return who sits across: who was picked, unless that is somebody of the other seat.

    A page may still show who sat across from the seat that was left.

    Args:
        seat: The person's, ``user`` or ``assistant``.
        picked: A name.
    """
    known, others = opponents(seat), opponents(other_seat(SEATS[seat]).name.lower())
    stale = picked in others and picked not in known
    return OPPONENTS[SEATS[seat]] if stale else picked


def take_seat(
    scenario: Scenario, seat: str, opponent: str, seed: int, *, in_words: bool = False
) -> Table:
    """Return a fresh conversation, in which the other side has opened if it is its turn.

    Args:
        scenario: The game.
        seat: The person's, ``user`` or ``assistant``.
        opponent: An agent, or a model, across from which the conversation is in words.
        seed: Deals everything that is drawn.
        in_words: Whether to play in words across from an agent.

    Raises:
        ScenarioError: There is no such opponent, or no question for this game.
        MissingExtraError: A model needs what is not installed.
    """
    if seat not in SEATS:
        raise ScenarioError(f"a seat is user or assistant; got {seat!r}")
    mine = SEATS[seat]
    name = opponent.strip()
    sits = {mine: OPPONENTS[other_seat(mine)], other_seat(mine): name}
    words = Words() if in_words or is_model(name) else None
    plan = Plan(scenario, sits[Seat.USER], sits[Seat.ASSISTANT], seed, 1, words)
    stack = ExitStack()
    try:
        table = Table(sit_down(plan, mine, stack), without_login(name), seed, stack=stack)
    except BaseException:
        stack.close()
        raise
    return table
