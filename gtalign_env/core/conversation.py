"""One conversation under way: the pure rules with chance drawn and history kept.

Every environment holds one of these. Draws are functions of (scenario hash, seed, episode, turn,
seat, purpose), so the same seed gives the same conversation in every layer.
"""

from __future__ import annotations

from gtalign_env.core import chance
from gtalign_env.core.ledger import Ledger
from gtalign_env.core.moves import ACCEPTED, FAULT, ONGOING, AssistantMove, UserMove
from gtalign_env.core.rules import (
    State,
    Step,
    after_assistant,
    after_user,
    legal_user_moves,
)
from gtalign_env.core.spec import GameSpec
from gtalign_env.core.views import AssistantView, InformationSet, UserView, assistant_view
from gtalign_env.draws import Draws, Purpose, Seat
from gtalign_env.errors import EpisodeError


class Conversation:
    """A conversation between one drawn user and an assistant.

    Args:
        spec: The game.
        draws: The random numbers of this episode.

    Attributes:
        persona: Index of the drawn persona in the population; private.
        who: The drawn type; private.
        state: Where the conversation stands; holds private fields.
        returns: Sum of rewards so far, (user, assistant), points.
        rewards: The rewards of every move so far, likewise.
        user_moves: All user moves so far, accepting and leaving included; public.
        assistant_moves: All assistant moves so far; public.
        ledger: The bill so far.
    """

    def __init__(self, spec: GameSpec, draws: Draws) -> None:
        self.spec = spec
        self.draws = draws
        self.persona, self.who = spec.population.draw(
            lambda purpose: draws.uniform(0, Seat.USER, purpose)
        )
        self.state = State()
        self.returns = (0.0, 0.0)
        self.rewards: list[tuple[float, float]] = []
        self.user_moves: tuple[UserMove, ...] = ()
        self.assistant_moves: tuple[AssistantMove, ...] = ()
        self.ledger = Ledger()
        self._game, self._stream = spec.numbers, draws.stream
        self._system = chance.system_length(self._game, self._stream)

    def __repr__(self) -> str:
        # the type stays hidden also where somebody prints an environment
        return f"Conversation({self.spec.name!r}, exchange {self.state.exchange})"

    @property
    def turn(self) -> int:
        """Index of the exchange that the next draw belongs to."""
        return chance.turn_of(self.state)

    def history(self) -> InformationSet:
        """Return what the assistant can tell this conversation by."""
        return InformationSet(
            self.who.style, self.user_moves, self.assistant_moves, self.state.informed
        )

    def assistant_view(self) -> AssistantView:
        """Return what the assistant may know now."""
        return assistant_view(self.spec, self.history(), self.state)

    def user_view(self) -> UserView:
        """Return what the user may know now."""
        return UserView(self.assistant_view(), self.who, self.state)

    def chance(self, seat: Seat, purpose: Purpose) -> float:
        """Return a draw of this turn, in [0, 1)."""
        return self.draws.uniform(self.turn, seat, purpose)

    def draw_settled(self) -> bool:
        """Return whether a reply written now settles the meaning."""
        return chance.settles(self._game, self._stream, self.state)

    def draw_covers(self, move: AssistantMove) -> bool:
        """Return whether an answer given now covers what is meant."""
        return chance.covers(self._game, self._stream, self.state, move)

    def draw_knows(self) -> bool:
        """Return whether the scripted assistant knows the answer asked for now."""
        return chance.knows(self._game, self._stream, self.state)

    def draw_suffices(self, move: AssistantMove) -> bool:
        """Return whether an answer of this verbosity is good enough now."""
        return chance.suffices(self._game, self._stream, self.state, move)

    def draw_right(self, move: AssistantMove) -> bool:
        """Return whether a scripted answer given now is right: it covers, is known, suffices."""
        return chance.is_right(self._game, self._stream, self.state, move)

    def step_user(
        self, move: UserMove, *, settled: bool | None = None, message: int | None = None
    ) -> tuple[float, float]:
        """Make the user's move and return the rewards (user, assistant), points.

        Args:
            move: A legal move.
            settled: Whether a reply settles the meaning; drawn if None.
            message: Tokens of the message written; drawn if None.

        Raises:
            EpisodeError: The conversation is over, it is not the user's turn, or the move is
                illegal now.
        """
        self._require(Seat.USER)
        legal = legal_user_moves(self.state)
        if move not in legal:
            names = ", ".join(m.label for m in legal)
            raise EpisodeError(f"the user may play {names} now; got {move.label}")
        if settled is None:
            settled = move is UserMove.REPLY and self.draw_settled()
        if message is None:
            message = chance.message_length(self._game, self._stream, self.state, move)
        self.user_moves += (move,)
        return self._take(
            after_user(self._game, self.who, self.state, move, settled, message), charged=False
        )

    def step_assistant(
        self,
        move: AssistantMove,
        *,
        right: bool | None = None,
        output: int | None = None,
        reasoning: int | None = None,
    ) -> tuple[float, float]:
        """Make the assistant's move and return the rewards (user, assistant), points.

        Args:
            move: Any of the seven moves.
            right: Whether the answer is right; drawn if None.
            output: Visible tokens written; drawn if None.
            reasoning: Hidden tokens written; drawn if None.

        Raises:
            EpisodeError: The conversation is over, or it is not the assistant's turn.
        """
        self._require(Seat.ASSISTANT)
        if right is None:
            right = self.draw_right(move)
        if output is None:
            output = chance.output_length(self._game, self._stream, self.state, move)
        if reasoning is None:
            reasoning = chance.reasoning_length(self._game, self._stream, self.state)
        self.assistant_moves += (move,)
        step = after_assistant(
            self._game, self.who, self.state, move, right, self._system, output, reasoning
        )
        return self._take(step, charged=step.state.ended == ONGOING)

    def fault(self) -> None:
        """End the conversation because a model, judge or server failed; no reward is due."""
        self.state = self.state._replace(ended=FAULT)

    def _take(self, step: Step, *, charged: bool) -> tuple[float, float]:
        self.state = step.state
        self.rewards.append((step.user, step.assistant))
        self.returns = (self.returns[0] + step.user, self.returns[1] + step.assistant)
        if charged:
            self.ledger.exchange(step.usage, self.assistant_moves[-1], step.charge)
        elif step.state.ended == ACCEPTED:
            self.ledger.acceptance(step.charge)
        return step.user, step.assistant

    def _require(self, seat: Seat) -> None:
        state = self.state
        if state.ended == ONGOING and state.seat == seat:
            return
        if state.ending is not None:
            raise EpisodeError(
                f"the conversation has ended ({state.ending.name.lower()}); call reset()"
            )
        raise EpisodeError(
            f"it is the turn of the {state.to_move.name.lower()}, not of the {seat.name.lower()}"
        )
