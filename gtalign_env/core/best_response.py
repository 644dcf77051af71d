"""Exact best responses: the most that a seat can get against a policy it knows, and how.

Of both seats, to any policy, deterministic or mixed. The **user** knows its type and sees whether an
answer is right; it is solved type by type. The **assistant** knows the population, not the type: it
weighs all types that are still possible. Against the default user and for the joint welfare its
best response is the Bayes oracle.

1. Go down the tree of public histories, the known policy played out over all its moves.
2. Where a conversation ends, take both welfares and W of the two.
3. Going up, the seat that responds takes the move of greatest expected objective (ties: the first).

References:
    Shoham and Leyton-Brown (2009), "Multiagent systems", sec. 6.3.2: the user's response is the ex
    interim one, the assistant's the ex ante one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, NamedTuple

from gtalign_env.core.descent import OWN, WELFARE, is_large, solve_opening
from gtalign_env.core.mixed import AssistantMix, DefaultMix, UserMix
from gtalign_env.core.moves import AssistantMove, UserMove
from gtalign_env.core.oracle import MOST_TYPES, Particle, Value, require_solvable, worth
from gtalign_env.core.play_out import (
    Known,
    after_answer,
    after_message,
    answered,
    known_of,
    opened,
    start,
    times,
    total,
    with_answer,
)
from gtalign_env.core.rules import legal_user_moves
from gtalign_env.core.spec import GameSpec
from gtalign_env.core.views import AssistantView, InformationSet, UserView, assistant_view
from gtalign_env.errors import SolverError, suggest
from gtalign_env.persona import UserType

Objective = Literal["own", "joint"]
OBJECTIVES = ("own", "joint")
"""What a seat maximises: its own welfare, U or L, or the mean over conversations of W(U, L)."""

Score = Callable[[Value], float]


class AssistantDecision(NamedTuple):
    """What the assistant does at one place."""

    move: AssistantMove
    values: Mapping[AssistantMove, float]
    """Expected objective of each move, given that the place is reached, points."""
    probability: float
    """Probability that its own play reaches the place."""

    @property
    def margin(self) -> float:
        """Value of the best move less that of the next best."""
        return _margin(self.values.values())


class UserDecision(NamedTuple):
    """What a user of one type does at one place."""

    move: UserMove
    values: Mapping[UserMove, float]
    """Expected objective of each legal move, given that the place is reached, points."""

    @property
    def margin(self) -> float:
        """Value of the best move less that of the next best."""
        return _margin(self.values.values())


class UserPlace(NamedTuple):
    """Where a user of one type moves: all that its future depends on."""

    history: InformationSet
    right: bool
    """Whether the last answer is right."""


@dataclass(frozen=True)
class AssistantResponse:
    """A best response of the assistant; also a policy, ``response(view, u) -> move``.

    Attributes:
        value: Expected welfares when it is played.
        decisions: What it does wherever the user's policy can lead, whatever it has done itself.
        exact: Whether nothing was approximated.
    """

    value: Value
    decisions: Mapping[Known, AssistantDecision]
    exact: bool
    _likeliest: Mapping[InformationSet, AssistantDecision] = field(repr=False)

    def __call__(self, view: AssistantView, u: float = 0.0) -> AssistantMove:
        """Return the move; no randomness.

        A view does not tell since when the assistant has been informed. Where that matters (replies
        are unclear, and the user's policy depends on whether one was), the likelier case counts.

        Raises:
            SolverError: The history cannot occur against the policy that was solved for.
        """
        if view.history not in self._likeliest:
            raise _unknown(view.history)
        return self._likeliest[view.history].move


@dataclass(frozen=True)
class UserResponse:
    """A best response of the user; also a policy, ``response(view, u) -> move``.

    Attributes:
        value: Expected welfares over the population.
        types: What it was evaluated on: weight, type, and what a user of this type can expect.
        exact: Whether nothing was approximated.
    """

    value: Value
    types: tuple[tuple[float, UserType, Value], ...]
    exact: bool
    _solve: Callable[[UserType], tuple[Value, Mapping[UserPlace, UserDecision]]] = field(repr=False)

    def decisions(self, who: UserType) -> Mapping[UserPlace, UserDecision]:
        """Return what a user of this type does wherever the assistant's policy can lead."""
        return self._solve(who)[1]

    def __call__(self, view: UserView, u: float = 0.0) -> UserMove:
        """Return the move; no randomness. A type that was not met before is solved now.

        Raises:
            SolverError: The history cannot occur against the policy that was solved for.
        """
        place = UserPlace(view.public.history, view.state.right)
        decisions = self.decisions(view.who)
        if place not in decisions:
            raise _unknown(place.history)
        return decisions[place].move


def best_assistant_response(
    spec: GameSpec,
    user: UserMix,
    objective: Objective = "own",
    most_types: int = MOST_TYPES,
) -> AssistantResponse:
    """Return the assistant policy that gets most against a user policy, not knowing the type.

    Args:
        spec: The game.
        user: The user's policy.
        objective: ``"own"`` maximises L, ``"joint"`` the mean of W.
        most_types: Types per persona that stand in for continuous distributions.

    Raises:
        SolverError: Conversations are too long; see `gtalign_env.core.oracle.MOST_EXCHANGES`.
        ValueError: Unknown objective.
    """
    require_solvable(spec)
    score = _score(objective, _assistants_own)
    decisions: dict[Known, AssistantDecision] = {}

    def best(known: Known, particles: list[Particle]) -> Value:
        values = {}
        for move in AssistantMove:
            gained, places = answered(spec, known, particles, move, user)
            values[move] = total((gained, *(best(seen, rest) for seen, rest in places.items())))
        chosen = max(values, key=lambda move: (score(values[move]), -move))
        reach = sum(particle.probability for particle in particles)
        scores = {move: score(value) / reach for move, value in values.items()}
        decisions[known] = AssistantDecision(chosen, scores, reach)
        return values[chosen]

    def at_once(known: Known, particles: list[Particle]) -> Value:
        kind = OWN if objective == "own" else WELFARE
        value, found = solve_opening(spec, known.history.informed, particles, kind, apart=True)
        for place in found:
            means = {
                move: sums / place.reach
                for move, sums in zip(AssistantMove, place.values, strict=True)
            }
            here = known_of(known.history, place)
            decisions[here] = AssistantDecision(place.best, means, place.reach)
        return Value(*value)

    gained, places = opened(spec, user, most_types)
    compiled = isinstance(user, DefaultMix) and is_large(spec, places.values())
    solve = at_once if compiled else best
    value = total((gained, *(solve(known, particles) for known, particles in places.items())))
    likeliest: dict[InformationSet, AssistantDecision] = {}
    for known, decision in sorted(decisions.items(), key=lambda item: item[1].probability):
        likeliest[known.history] = decision
    return AssistantResponse(value, decisions, spec.is_exact, likeliest)


def best_user_response(
    spec: GameSpec,
    assistant: AssistantMix,
    objective: Objective = "own",
    most_types: int = MOST_TYPES,
) -> UserResponse:
    """Return the user policy that gets most against an assistant policy.

    Args:
        spec: The game.
        assistant: The assistant's policy.
        objective: ``"own"`` maximises U, ``"joint"`` the mean of W.
        most_types: Types per persona that stand in for continuous distributions.

    Raises:
        ValueError: Unknown objective.
    """
    score = _score(objective, _users_own)
    solved: dict[UserType, tuple[Value, Mapping[UserPlace, UserDecision]]] = {}

    def solve(who: UserType) -> tuple[Value, Mapping[UserPlace, UserDecision]]:
        if who not in solved:
            solved[who] = _solve_type(spec, who, assistant, score)
        return solved[who]

    types = tuple((p, who, solve(who)[0]) for p, who in spec.population.types(most_types))
    value = total(times(p, value) for p, _, value in types)
    return UserResponse(value, types, spec.is_exact, solve)


def _solve_type(
    spec: GameSpec, who: UserType, assistant: AssistantMix, score: Score
) -> tuple[Value, Mapping[UserPlace, UserDecision]]:
    """Return what a user of one type can get, and what it does; every place is met once.

    What a place is worth is its expectation given that it is reached: particles have probability 1
    there, and welfares so far follow from the public history.
    """
    worths: dict[UserPlace, Value] = {}
    chosen: dict[UserPlace, UserDecision] = {}
    later: dict[InformationSet, Value] = {}

    def at_user(history: InformationSet, now: Particle) -> Value:
        place = UserPlace(history, now.state.right)
        if place not in worths:
            values = {
                move: total(
                    _worth_of(after, partial(at_assistant, seen))
                    for seen, after in after_message(spec, history, now, move)
                )
                for move in legal_user_moves(now.state)
            }
            best = max(values, key=lambda move: (score(values[move]), -move))
            scores = {move: score(value) for move, value in values.items()}
            worths[place], chosen[place] = values[best], UserDecision(best, scores)
        return worths[place]

    def at_assistant(history: InformationSet, now: Particle) -> Value:
        if history not in later:
            view = assistant_view(spec, history, now.state)
            later[history] = total(
                _worth_of(after, partial(at_user, with_answer(history, move)))
                for share, move in assistant(view)
                for after in after_answer(spec, now, move, share)
            )
        return later[history]

    def _worth_of(after: Particle, go_on: Callable[[Particle], Value]) -> Value:
        if after.state.ending is not None:
            return worth(spec, after)
        return times(after.probability, go_on(after._replace(probability=1.0)))

    value = at_user(InformationSet(who.style, (), (), False), start(who))
    return value, chosen


def _score(objective: str, own: Score) -> Score:
    if objective not in OBJECTIVES:
        raise ValueError(
            f"an objective is one of {', '.join(OBJECTIVES)}; got {objective!r}."
            f"{suggest(objective, OBJECTIVES)}"
        )
    return own if objective == "own" else _joint


def _users_own(value: Value) -> float:
    return value.user


def _assistants_own(value: Value) -> float:
    return value.assistant


def _joint(value: Value) -> float:
    return value.welfare


def _margin(values: Iterable[float]) -> float:
    best, second = sorted(values, reverse=True)[:2]  # every place leaves at least two moves
    return best - second


def _unknown(history: InformationSet) -> SolverError:
    return SolverError(
        f"a best response knows the histories of its own opponent only; got {history}"
    )
