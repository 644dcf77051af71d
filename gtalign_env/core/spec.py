"""`GameSpec`: one scenario under one pricing regime, as numbers. Every layer plays this object."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

from gtalign_env.core.moves import AssistantMove, UserMove
from gtalign_env.core.numbers import Numbers, p_right
from gtalign_env.persona import Constant, Distribution, Population
from gtalign_env.pricing import Rates, Regime
from gtalign_env.welfare import Welfare


@dataclass(frozen=True, slots=True)
class Lengths:
    """Lengths of the messages, tokens; each a constant or a distribution, drawn per message."""

    system: Distribution
    vague: Distribution
    definite: Distribution
    reply: Distribution
    follow_up: Distribution
    question: Distribution
    reasoning: Distribution
    answer: tuple[Distribution, Distribution, Distribution]

    @property
    def is_constant(self) -> bool:
        """Whether no length is random."""
        rest = (self.system, self.vague, self.definite, self.reply, self.follow_up)
        return all(
            isinstance(d, Constant) for d in (*rest, self.question, self.reasoning, *self.answer)
        )

    def message(self, move: UserMove) -> Distribution:
        """Return the length of the user message that a move writes."""
        return {
            UserMove.VQ: self.vague,
            UserMove.DQ: self.definite,
            UserMove.REPLY: self.reply,
            UserMove.FOLLOW_UP: self.follow_up,
        }[move]

    def output(self, move: AssistantMove, u: float | None) -> int:
        """Return the length of the visible assistant message.

        Args:
            move: What the assistant does; answer and question tokens add up.
            u: Where in the distribution, in [0, 1); None for the mean.
        """
        total = 0
        if move.verbosity is not None:
            total += tokens(self.answer[move.verbosity], u)
        if move.asks:
            total += tokens(self.question, u)
        return total


def tokens(length: Distribution, u: float | None) -> int:
    """Return a length as a whole number of tokens ≥ 0: at quantile ``u``, or the mean."""
    return max(0, round(length.mean if u is None else length.quantile(u)))


class Means(NamedTuple):
    """All message lengths at their means, whole tokens."""

    system: int
    reasoning: int
    messages: tuple[int, ...]
    """By `UserMove`; 0 for a move that writes nothing."""
    outputs: tuple[int, ...]
    """By `AssistantMove`."""


@dataclass(frozen=True)
class GameSpec:
    """One game (docs: the game). Welfare in points, money in pico-USD, lengths in tokens.

    Attributes:
        name: The scenario's name.
        digest: The scenario's hash; keys every random draw.
        population: Who the user may be; the assistant knows the mixture, never the type.
        regime: What the user pays.
        cost: What the provider's compute costs, pico-USD per token.
        margin_weight: μ, points per USD of margin.
        retention: ρ, points when a right answer is accepted.
        churn: ψ, points lost when the user leaves, is broke, is cut off, or accepts a wrong answer.
        interpretations: K, what a vague query could mean.
        p_correct: Probability that a fully informed, full-quality answer is right.
        reply_clarity: r, probability that a reply settles the meaning.
        lengths: Message lengths.
        coverage: k_ν by verbosity, interpretations that an uninformed answer covers.
        quality: q_ν by verbosity, in (0, 1].
        max_exchanges: Limit per conversation.
        welfare: The joint welfare W(U, L).
    """

    name: str
    digest: str
    population: Population
    regime: Regime
    cost: Rates
    margin_weight: float
    retention: float
    churn: float
    interpretations: int
    p_correct: float
    reply_clarity: float
    lengths: Lengths
    coverage: tuple[int, int, int]
    quality: tuple[float, float, float]
    max_exchanges: int
    welfare: Welfare

    @cached_property
    def has_constant_lengths(self) -> bool:
        """Whether no length is random."""
        return self.lengths.is_constant

    @cached_property
    def means(self) -> Means:
        """The mean lengths, which are the lengths where none is random."""
        lengths = self.lengths
        return Means(
            system=tokens(lengths.system, None),
            reasoning=tokens(lengths.reasoning, None),
            messages=tuple(
                tokens(lengths.message(move), None) if move.writes else 0 for move in UserMove
            ),
            outputs=tuple(lengths.output(move, None) for move in AssistantMove),
        )

    @cached_property
    def numbers(self) -> Numbers:
        """The numbers that the rules read; of conversation 0 where a surge depends on it."""
        lengths = self.lengths
        nothing = Constant(0.0)
        laws = (
            lengths.system,
            *(lengths.message(move) if move.writes else nothing for move in UserMove),
            lengths.question,
            lengths.reasoning,
            *lengths.answer,
        )
        return Numbers(
            tariff=self.regime.tariff,
            cost=self.cost,
            margin_weight=self.margin_weight,
            retention=self.retention,
            churn=self.churn,
            interpretations=self.interpretations,
            p_correct=self.p_correct,
            reply_clarity=self.reply_clarity,
            covers=tuple(min(1.0, k / self.interpretations) for k in self.coverage),  # type: ignore[arg-type]  # three
            quality=self.quality,
            max_exchanges=self.max_exchanges,
            lengths=tuple(length.law for length in laws),
            tokens=tuple(
                max(0, round(length.value)) if isinstance(length, Constant) else -1
                for length in laws
            ),
        )

    def at(self, conversation: int) -> GameSpec:
        """Return the game of one conversation: a surge of the regime is in force in it or not.

        The hash stays: with a surge and without, the same draws are played at another price.

        Args:
            conversation: Index of the conversation, from 0.
        """
        regime = self.regime.at(conversation)
        return self if regime is self.regime else replace(self, regime=regime)

    @property
    def is_exact(self) -> bool:
        """Whether expectations by enumeration are exact: finitely many types, constant lengths."""
        return self.population.is_finite and self.has_constant_lengths

    def p_covers(self, verbosity: int, informed: bool) -> float:
        """Return c: 1 when informed, else min(1, k_ν / K)."""
        return 1.0 if informed else self.numbers.covers[verbosity]

    def p_right(self, move: AssistantMove, informed: bool) -> float:
        """Return the probability that an answer is right, p_correct · q_ν · c; 0 for a question."""
        return p_right(self.numbers, move, informed)
