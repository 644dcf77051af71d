"""What one more question is worth: the best assistant that may ask against the best that never does.

An optimal-stopping problem: a question buys information and costs a message, patience and time; an
answer without it stops. At every information set three values of the mean of W are compared, all
with the best play that each allows from there on: free to ask or not, asking now, and never asking
again. Against the default user and for the scenario's own joint welfare, as the Bayes oracle.

1. Go down the tree as the oracle does, with the particles of every information set.
2. Coming up, keep two values of each: of the best of all moves, followed by best play; and of the
   best answer without a question (``DA``), followed by the best play that never asks.
3. The worth of asking is the difference, at least 0. Asking now gains what the best of ``CQ`` and
   ``AQ`` has over never asking; it may lose.

A closed form. Two interpretations of a vague query (K = 2, k = 1), nothing is charged, W = U, at
most two exchanges, a user that does not try again, r = 1, τ = 0, every verbosity alike. An answer
now is right with probability p/2, an answer after the reply with probability p. So never asking is
worth (p/2) v + (1 − p/2) o, and asking first −γ − e + p δ v + (1 − p) o, with e the effort of the
reply. The question gains

    (p/2) (v − o)  −  (1 − δ) p v  −  γ  −  e
    information       delay           annoyance, effort

and without an outside option it is worth asking where δ > 1/2 + (γ + e) / (p v).

References:
    Howard (1966), "Information value theory"; Chow, Robbins and Siegmund (1971), "Great
    expectations: the theory of optimal stopping", ch. 3 (backward induction).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gtalign_env.core.descent import WELFARE, is_large, solve_opening
from gtalign_env.core.mixed import DefaultMix, UserMix, user_mix
from gtalign_env.core.moves import AssistantMove
from gtalign_env.core.oracle import MOST_TYPES, Particle, require_solvable
from gtalign_env.core.play_out import Known, answered, known_of, opened
from gtalign_env.core.policies import default_seat
from gtalign_env.core.spec import GameSpec
from gtalign_env.core.views import InformationSet


class QuestionValue(NamedTuple):
    """What asking is worth at an information set: means of W, given that it is reached, points."""

    free: float
    """Of the best play, which may ask or not."""
    now: float
    """Of the best play that asks now, ``CQ`` or ``AQ``, and is free afterwards."""
    never: float
    """Of the best play that never asks from here on."""

    @property
    def worth(self) -> float:
        """What being allowed to ask is worth, at least 0."""
        return self.free - self.never

    @property
    def gain_now(self) -> float:
        """What asking now gains over never asking; negative where it is a mistake."""
        return self.now - self.never


@dataclass(frozen=True)
class QuestionValues:
    """What asking is worth, everywhere.

    Attributes:
        overall: Over whole conversations; ``now`` is with the first message.
        by_place: At every place that the user's policy can lead to.
        exact: Whether nothing was approximated.
    """

    overall: QuestionValue
    by_place: Mapping[Known, QuestionValue]
    exact: bool

    def at(self, history: InformationSet) -> QuestionValue:
        """Return what asking is worth at an information set.

        Against a user whose moves do not depend on whether a reply was clear, as the default one's,
        it makes no difference since when the assistant has been informed: the first place counts.

        Raises:
            KeyError: The history cannot occur.
        """
        for known, value in self.by_place.items():
            if known.history == history:
                return value
        raise KeyError(history)


class _Sums(NamedTuple):
    """Three values times the probability of the place, so that parts add up."""

    free: float
    now: float
    never: float


def question_values(
    spec: GameSpec,
    p_vague: float = 0.5,
    user: UserMix | None = None,
    most_types: int = MOST_TYPES,
) -> QuestionValues:
    """Return what asking is worth at every information set, for the mean of W.

    Args:
        spec: The game.
        p_vague: Probability that the default user opens with a vague query.
        user: Another user's policy, in place of the default user.
        most_types: Types per persona that stand in for continuous distributions.

    Raises:
        SolverError: Conversations are too long; see `gtalign_env.core.oracle.MOST_EXCHANGES`.
        ValueError: ``p_vague`` is no probability.
    """
    require_solvable(spec)
    plays = user_mix(default_seat(p_vague)) if user is None else user
    found: dict[Known, QuestionValue] = {}

    def note(known: Known, values: Sequence[float], never: float, reach: float) -> _Sums:
        asking = max(value for move, value in zip(AssistantMove, values, strict=True) if move.asks)
        sums = _Sums(max(values), asking, never)
        found[known] = QuestionValue(*(value / reach for value in sums))
        return sums

    def solve(known: Known, particles: list[Particle]) -> _Sums:
        free, never = [], []
        for move in AssistantMove:
            gained, places = answered(spec, known, particles, move, plays)
            later = [solve(seen, rest) for seen, rest in places.items()]
            free.append(_sum(gained.welfare, (value.free for value in later)))
            if not move.asks:
                never.append(_sum(gained.welfare, (value.never for value in later)))
        reach = sum(particle.probability for particle in particles)
        return note(known, free, max(never), reach)

    def at_once(known: Known, particles: list[Particle]) -> _Sums:
        start, sums = known.history, _Sums(0.0, 0.0, 0.0)
        _, places = solve_opening(spec, start.informed, particles, WELFARE, apart=True)
        for place in places:  # the opening itself comes last
            sums = note(known_of(start, place), place.values, place.never, place.reach)
        return sums

    gained, places = opened(spec, plays, most_types)
    compiled = isinstance(plays, DefaultMix) and is_large(spec, places.values())
    go = at_once if compiled else solve
    parts = [go(known, particles) for known, particles in places.items()]
    overall = QuestionValue(
        *(gained.welfare + sum(column) for column in zip(*parts, strict=True))
        if parts
        else [gained.welfare] * 3
    )
    return QuestionValues(overall, found, spec.is_exact)


def _sum(first: float, others: Iterable[float]) -> float:
    """Return a sum, added up from left to right."""
    for value in others:
        first += value
    return first
