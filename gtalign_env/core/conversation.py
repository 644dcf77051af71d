"""One conversation under way: the pure rules with chance drawn and history kept.

Every environment holds one of these. Draws are functions of (scenario hash, seed, episode, turn,
seat, purpose), so the same seed gives the same conversation in every layer.
"""

from __future__ import annotations

from gtalign_env.core.ledger import Ledger
from gtalign_env.core.moves import AssistantMove, Ending, UserMove
from gtalign_env.core.rules import (
    State,
    Step,
    assistant_step,
    legal_user_moves,
    user_step,
)
from gtalign_env.core.spec import GameSpec, tokens
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
        # where no length is random there is nothing to draw
        self._fixed = spec.means if spec.has_constant_lengths else None
        if self._fixed is not None:
            self._system = self._fixed.system
        else:
            u = draws.uniform(0, Seat.WORLD, Purpose.LENGTH)
            self._system = tokens(spec.lengths.system, u)

    def __repr__(self) -> str:
        # the type stays hidden also where somebody prints an environment
        return f"Conversation({self.spec.name!r}, exchange {self.state.exchange})"

    @property
    def turn(self) -> int:
        """Index of the exchange that the next draw belongs to."""
        return self.state.exchange + (self.state.to_move is Seat.USER)

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

    def _happens(self, p: float, seat: Seat, purpose: Purpose) -> bool:
        return p >= 1.0 or self.chance(seat, purpose) < p  # draws are below 1: no need for one

    def draw_settled(self) -> bool:
        """Return whether a reply written now settles the meaning."""
        return self._happens(self.spec.reply_clarity, Seat.USER, Purpose.CLEAR)

    def draw_covers(self, move: AssistantMove) -> bool:
        """Return whether an answer given now covers what is meant."""
        p = self.spec.p_covers(move.verbosity or 0, self.state.informed)
        return self._happens(p, Seat.ASSISTANT, Purpose.COVERS)

    def draw_knows(self) -> bool:
        """Return whether the scripted assistant knows the answer asked for now."""
        return self._happens(self.spec.p_correct, Seat.ASSISTANT, Purpose.KNOWS)

    def draw_suffices(self, move: AssistantMove) -> bool:
        """Return whether an answer of this verbosity is good enough now."""
        quality = self.spec.quality[move.verbosity or 0]
        return self._happens(quality, Seat.ASSISTANT, Purpose.SUFFICES)

    def draw_right(self, move: AssistantMove) -> bool:
        """Return whether a scripted answer given now is right: it covers, is known, suffices."""
        return (
            move.answers
            and self.draw_covers(move)
            and self.draw_knows()
            and self.draw_suffices(move)
        )

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
            message = self._draw_message(move)
        self.user_moves += (move,)
        return self._take(
            user_step(self.spec, self.who, self.state, move, settled=settled, message=message)
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
            output = self._draw_output(move)
        if reasoning is None:
            reasoning = self._draw_reasoning()
        self.assistant_moves += (move,)
        return self._take(
            assistant_step(
                self.spec,
                self.who,
                self.state,
                move,
                right=right,
                system=self._system,
                output=output,
                reasoning=reasoning,
            )
        )

    def _draw_message(self, move: UserMove) -> int:
        if self._fixed is not None:
            return self._fixed.messages[move]
        if not move.writes:
            return 0
        return tokens(self.spec.lengths.message(move), self.chance(Seat.USER, Purpose.LENGTH))

    def _draw_output(self, move: AssistantMove) -> int:
        if self._fixed is not None:
            return self._fixed.outputs[move]
        return self.spec.lengths.output(move, self.chance(Seat.ASSISTANT, Purpose.LENGTH))

    def _draw_reasoning(self) -> int:
        if self._fixed is not None:
            return self._fixed.reasoning
        return tokens(self.spec.lengths.reasoning, self.chance(Seat.ASSISTANT, Purpose.REASONING))

    def fault(self) -> None:
        """End the conversation because a model, judge or server failed; no reward is due."""
        self.state = self.state._replace(ending=Ending.FAULT)

    def _take(self, step: Step) -> tuple[float, float]:
        self.state = step.state
        self.rewards.append((step.user, step.assistant))
        self.returns = (self.returns[0] + step.user, self.returns[1] + step.assistant)
        if step.usage is not None:
            self.ledger.exchange(step.usage, self.assistant_moves[-1], step.charge)
        elif step.state.ending is Ending.ACCEPTED:
            self.ledger.acceptance(step.charge)
        return step.user, step.assistant

    def _require(self, seat: Seat) -> None:
        if self.state.ending is not None:
            raise EpisodeError(
                f"the conversation has ended ({self.state.ending.name.lower()}); call reset()"
            )
        if self.state.to_move is not seat:
            raise EpisodeError(
                f"it is the turn of the {self.state.to_move.name.lower()}, "
                f"not of the {seat.name.lower()}"
            )
