"""The Bayes oracle: the assistant policy that maximises expected W given what it can observe.

The assistant does not know the user's type. It knows the population, sees how the user writes and
what it does, and may move differently at every information set. Because W is not linear in the
welfares, the value of a move depends on what each possible user has gained so far, so a node of
the dynamic program is an information set with its particles: every (type, state) that is still
possible there, with probability and welfares so far.

1. At an information set, try each of the seven moves on all particles.
2. Conversations that end add their probability times W(U, L).
3. The others split by what the assistant sees next: the user's move, and whether it is informed.
4. Recurse into the parts; the value of a move is the sum; keep the best (ties: first move).

The user's policy is fixed and deterministic, the default user unless another is given.

References:
    Kaelbling, Littman and Cassandra (1998), "Planning and acting in partially observable
    stochastic domains", sec. 3 (belief states).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from gtalign_env.core.descent import WELFARE, is_large, solve_opening
from gtalign_env.core.moves import AssistantMove
from gtalign_env.core.plans import USER_PLANS, default_user
from gtalign_env.core.rules import State
from gtalign_env.core.spec import GameSpec
from gtalign_env.core.tree import UserPolicy, assistant_outcomes, user_outcomes
from gtalign_env.core.views import InformationSet
from gtalign_env.errors import SolverError
from gtalign_env.persona import UserType

MOST_TYPES = 64
"""Types per persona that stand in for a continuous distribution."""

MOST_EXCHANGES = 6
"""Longest conversation that is solved; the number of information sets grows as 7 to this power."""


class Value(NamedTuple):
    """Expected welfares of a policy; of an information set, times its probability."""

    welfare: float
    """Mean over episodes of W(U, L)."""
    user: float
    assistant: float

    def plus(self, other: Value) -> Value:
        """Return the sum, field by field."""
        return Value(*(a + b for a, b in zip(self, other, strict=True)))


ZERO = Value(0.0, 0.0, 0.0)


class Particle(NamedTuple):
    """One possibility at an information set."""

    probability: float
    who: UserType
    state: State
    user: float
    assistant: float


class Decision(NamedTuple):
    """What the oracle does at an information set."""

    move: AssistantMove
    values: tuple[float, ...]
    """Expected W of each of the seven moves, given that the information set is reached."""
    probability: float
    """Probability that the oracle's own play reaches it."""

    @property
    def margin(self) -> float:
        """Expected W of the best move less that of the next best."""
        best, second = sorted(self.values, reverse=True)[:2]
        return best - second


@dataclass(frozen=True)
class BayesOracle:
    """An optimal assistant policy and its exact expected welfares.

    Attributes:
        value: Expected welfares under the optimal policy.
        decisions: The policy, for every information set that optimal play can reach or could
            have reached by another move.
        exact: Whether nothing was approximated.
    """

    value: Value
    decisions: Mapping[InformationSet, Decision]
    exact: bool

    def __call__(self, history: InformationSet) -> AssistantMove:
        """Return the optimal move at an information set.

        Raises:
            SolverError: The history cannot occur under the user's policy that was solved for.
        """
        try:
            return self.decisions[history].move
        except KeyError:
            raise SolverError(
                f"the oracle knows the histories of its own user policy only; got {history}"
            ) from None


Policy = Callable[[InformationSet], AssistantMove]
_Parts = dict[InformationSet, list[Particle]]


def openings(
    spec: GameSpec, p_vague: float, most_types: int = MOST_TYPES
) -> dict[InformationSet, list[Particle]]:
    """Return the information sets that an opening can lead to, with their particles.

    Args:
        spec: The game.
        p_vague: Probability that the user opens with a vague query.
        most_types: Types per persona that stand in for continuous distributions.

    Raises:
        ValueError: ``p_vague`` is no probability.
    """
    if not 0.0 <= p_vague <= 1.0:
        raise ValueError(f"p_vague is a probability, in [0, 1]; got {p_vague!r}")
    parts: _Parts = {}
    for weight, who in spec.population.types(most_types):
        for move, share in zip(USER_PLANS, (p_vague, 1.0 - p_vague), strict=True):
            for p, step in user_outcomes(spec, who, State(), move) if share > 0 else ():
                known = InformationSet(who.style, (move,), (), step.state.informed)
                particle = Particle(weight * share * p, who, step.state, step.user, step.assistant)
                parts.setdefault(known, []).append(particle)
    return parts


def branch(
    spec: GameSpec,
    known: InformationSet,
    particles: list[Particle],
    move: AssistantMove,
    user: UserPolicy,
) -> tuple[Value, _Parts]:
    """Return what a move gains at once, and the information sets it leads to.

    Args:
        spec: The game.
        known: Where the assistant moves.
        particles: What is possible there.
        move: What the assistant does.
        user: The user's policy.
    """
    gained, parts = ZERO, {}  # type: Value, _Parts
    for particle in particles:
        for p, step in assistant_outcomes(spec, particle.who, particle.state, move):
            after = _advance(particle, p, step.user, step.assistant, step.state)
            if after.state.ending is not None:
                gained = gained.plus(worth(spec, after))
                continue
            reply = user(after.who, after.state, spec.max_exchanges)
            for q, answer in user_outcomes(spec, after.who, after.state, reply):
                last = _advance(after, q, answer.user, answer.assistant, answer.state)
                if last.state.ending is not None:
                    gained = gained.plus(worth(spec, last))
                    continue
                seen = InformationSet(
                    known.style,
                    (*known.user_moves, reply),
                    (*known.assistant_moves, move),
                    last.state.informed,
                )
                parts.setdefault(seen, []).append(last)
    return gained, parts


def _advance(particle: Particle, p: float, user: float, assistant: float, state: State) -> Particle:
    return Particle(
        particle.probability * p,
        particle.who,
        state,
        particle.user + user,
        particle.assistant + assistant,
    )


def worth(spec: GameSpec, particle: Particle) -> Value:
    """Return what an ended or dead-on-arrival particle adds to the expectations."""
    p = particle.probability
    welfare = spec.welfare(particle.user, particle.assistant)
    return Value(p * welfare, p * particle.user, p * particle.assistant)


def require_solvable(spec: GameSpec) -> None:
    """Raise where the oracle's tree would be too large.

    Raises:
        SolverError: Conversations are longer than `MOST_EXCHANGES`.
    """
    if spec.max_exchanges > MOST_EXCHANGES:
        raise SolverError(
            f"the Bayes oracle solves conversations of at most {MOST_EXCHANGES} exchanges; "
            f"{spec.name!r} has max_exchanges {spec.max_exchanges}: lower it in the scenario"
        )


def bayes_oracle(
    spec: GameSpec,
    p_vague: float = 0.5,
    user: UserPolicy = default_user,
    most_types: int = MOST_TYPES,
) -> BayesOracle:
    """Return the assistant policy that maximises expected W, with its exact value.

    Args:
        spec: The game.
        p_vague: Probability that the user opens with a vague query.
        user: The user's policy after the opening.
        most_types: Types per persona that stand in for continuous distributions.

    Raises:
        SolverError: Conversations are longer than `MOST_EXCHANGES`.
        ValueError: ``p_vague`` is no probability.
    """
    require_solvable(spec)
    decisions: dict[InformationSet, Decision] = {}

    def decide(
        known: InformationSet, move: AssistantMove, values: Iterable[float], reach: float
    ) -> None:
        # one set can be reached by several routes: told now, or told already one reply ago
        before = decisions[known].probability if known in decisions else 0.0
        means = tuple(value / reach for value in values)
        decisions[known] = Decision(move, means, before + reach)

    def best(known: InformationSet, particles: list[Particle]) -> Value:
        values = []
        for move in AssistantMove:
            value, parts = branch(spec, known, particles, move, user)
            for seen, rest in parts.items():
                value = value.plus(best(seen, rest))
            values.append(value)
        reach = sum(particle.probability for particle in particles)
        index = max(range(len(values)), key=lambda i: (values[i].welfare, -i))
        decide(known, AssistantMove(index), [value.welfare for value in values], reach)
        return values[index]

    def at_once(known: InformationSet, particles: list[Particle]) -> Value:
        value, places = solve_opening(spec, known.informed, particles, WELFARE, apart=False)
        for place in places:
            seen = InformationSet(
                known.style,
                (*known.user_moves, *place.user_moves),
                place.assistant_moves,
                place.informed,
            )
            decide(seen, place.best, place.values, place.reach)
        return Value(*value)

    compiled = user is default_user and is_large(spec, openings(spec, p_vague, most_types).values())
    total = _sum_over_openings(spec, p_vague, most_types, at_once if compiled else best)
    return BayesOracle(total, decisions, exact=spec.is_exact)


def evaluate_policy(
    spec: GameSpec,
    policy: Policy,
    p_vague: float = 0.5,
    user: UserPolicy = default_user,
    most_types: int = MOST_TYPES,
) -> Value:
    """Return the exact expected welfares of any deterministic assistant policy.

    Args:
        spec: The game.
        policy: Maps an information set to a move.
        p_vague: Probability that the user opens with a vague query.
        user: The user's policy after the opening.
        most_types: Types per persona that stand in for continuous distributions.
    """

    def follow(known: InformationSet, particles: list[Particle]) -> Value:
        value, parts = branch(spec, known, particles, policy(known), user)
        for seen, rest in parts.items():
            value = value.plus(follow(seen, rest))
        return value

    return _sum_over_openings(spec, p_vague, most_types, follow)


def _sum_over_openings(
    spec: GameSpec,
    p_vague: float,
    most_types: int,
    solve: Callable[[InformationSet, list[Particle]], Value],
) -> Value:
    total = ZERO
    for known, particles in openings(spec, p_vague, most_types).items():
        live = []
        for particle in particles:
            if particle.state.ending is None:
                live.append(particle)
            else:  # broke before the first exchange: the assistant never moves
                total = total.plus(worth(spec, particle))
        if live:
            total = total.plus(solve(known, live))
    return total
