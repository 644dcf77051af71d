"""Two policies played out exactly: what the assistant has seen, and who may be on the other side.

A place of the assistant is what it has seen, with its *particles*: every (type, state) that is still
possible there, with its probability and the welfares so far. Particles of one type and state that
meet again become one, so that the number of places and not that of paths is what counts.

Lengths stand at their means, types that vary continuously in bins, as in the Bayes oracle.

References:
    Kaelbling, Littman and Cassandra (1998), "Planning and acting in partially observable
    stochastic domains", sec. 3 (belief states).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from gtalign_env.core.descent import Place
from gtalign_env.core.mixed import AssistantMix, UserMix
from gtalign_env.core.moves import AssistantMove, UserMove
from gtalign_env.core.oracle import MOST_TYPES, ZERO, Particle, Value, worth
from gtalign_env.core.rules import State, Step
from gtalign_env.core.spec import GameSpec
from gtalign_env.core.tree import assistant_outcomes, user_outcomes
from gtalign_env.core.views import InformationSet, UserView, assistant_view
from gtalign_env.persona import UserType


class Known(NamedTuple):
    """What an assistant with a perfect memory can tell apart."""

    history: InformationSet
    since: int
    """The exchange since which it has been informed; −1 if it is not."""


def known_of(start: InformationSet, place: Place) -> Known:
    """Return where the assistant is at a place that an opening led to.

    Args:
        start: What it saw of the opening.
        place: The place.
    """
    history = start._replace(
        user_moves=(*start.user_moves, *place.user_moves),
        assistant_moves=place.assistant_moves,
        informed=place.informed,
    )
    return Known(history, place.since)


Places = dict[Known, list[Particle]]
"""Where the assistant may be to move, with what is possible there."""


def evaluate_profile(
    spec: GameSpec, user: UserMix, assistant: AssistantMix, most_types: int = MOST_TYPES
) -> Value:
    """Return the exact expected welfares of two policies that meet.

    Args:
        spec: The game.
        user: The user's policy.
        assistant: The assistant's policy.
        most_types: Types per persona that stand in for continuous distributions.
    """

    def follow(known: Known, particles: list[Particle]) -> Value:
        view = assistant_view(spec, known.history, particles[0].state)
        values = []
        for share, move in assistant(view):
            gained, places = answered(spec, known, particles, move, user)
            rest = (follow(seen, left) for seen, left in places.items())
            values.append(times(share, total((gained, *rest))))
        return total(values)

    gained, places = opened(spec, user, most_types)
    return total((gained, *(follow(known, particles) for known, particles in places.items())))


def opened(spec: GameSpec, user: UserMix, most_types: int = MOST_TYPES) -> tuple[Value, Places]:
    """Return what conversations that end at once add, and where the others begin.

    Args:
        spec: The game.
        user: The user's policy.
        most_types: Types per persona that stand in for continuous distributions.
    """
    nothing = [
        (Known(InformationSet(who.style, (), (), False), -1), start(who, weight))
        for weight, who in spec.population.types(most_types)
    ]
    return _users_move(spec, nothing, user)


def answered(
    spec: GameSpec, known: Known, particles: list[Particle], move: AssistantMove, user: UserMix
) -> tuple[Value, Places]:
    """Return what an assistant's move gains at once, and where it leads to.

    Args:
        spec: The game.
        known: Where the assistant moves.
        particles: What is possible there.
        move: What the assistant does.
        user: The user's policy.
    """
    gained, waiting = [], []
    said = known._replace(history=with_answer(known.history, move))
    for particle in particles:
        for after in after_answer(spec, particle, move):
            if after.state.ending is not None:
                gained.append(worth(spec, after))
            else:
                waiting.append((said, after))
    more, places = _users_move(spec, waiting, user)
    return total((*gained, more)), places


def _users_move(
    spec: GameSpec, waiting: Iterable[tuple[Known, Particle]], user: UserMix
) -> tuple[Value, Places]:
    gained = []
    met: dict[tuple[Known, UserType, State], Particle] = {}
    for known, particle in waiting:
        for share, move in user(user_view(spec, known.history, particle)):
            for seen, after in after_message(spec, known.history, particle, move, share):
                if after.state.ending is not None:
                    gained.append(worth(spec, after))
                    continue
                told = seen.informed and known.since < 0
                place = Known(seen, after.state.exchange if told else known.since)
                key = (place, after.who, after.state)
                before = met[key].probability if key in met else 0.0
                met[key] = after._replace(probability=before + after.probability)
    places: Places = {}
    for (place, _, _), particle in met.items():
        places.setdefault(place, []).append(particle)
    return total(gained), places


def start(who: UserType, probability: float = 1.0) -> Particle:
    """Return a user before the opening."""
    return Particle(probability, who, State(), 0.0, 0.0)


def user_view(spec: GameSpec, history: InformationSet, particle: Particle) -> UserView:
    """Return what the user knows."""
    public = assistant_view(spec, history, particle.state)
    return UserView(public, particle.who, particle.state)


def with_answer(history: InformationSet, move: AssistantMove) -> InformationSet:
    """Return the history with one more move of the assistant."""
    return history._replace(assistant_moves=(*history.assistant_moves, move))


def after_message(
    spec: GameSpec,
    history: InformationSet,
    particle: Particle,
    move: UserMove,
    share: float = 1.0,
) -> Iterator[tuple[InformationSet, Particle]]:
    """Yield what a user's move can lead to, with the history as the assistant then sees it.

    Args:
        spec: The game.
        history: The public history before the move.
        particle: The user is to move.
        move: A legal move.
        share: Probability of the move.
    """
    for p, step in user_outcomes(spec, particle.who, particle.state, move):
        moves = (*history.user_moves, move)
        seen = history._replace(user_moves=moves, informed=step.state.informed)
        yield seen, _advanced(particle, share * p, step)


def after_answer(
    spec: GameSpec, particle: Particle, move: AssistantMove, share: float = 1.0
) -> Iterator[Particle]:
    """Yield what an assistant's move can lead to.

    Args:
        spec: The game.
        particle: The assistant is to move.
        move: What it does.
        share: Probability of the move.
    """
    for p, step in assistant_outcomes(spec, particle.who, particle.state, move):
        yield _advanced(particle, share * p, step)


def _advanced(particle: Particle, p: float, step: Step) -> Particle:
    return Particle(
        particle.probability * p,
        particle.who,
        step.state,
        particle.user + step.user,
        particle.assistant + step.assistant,
    )


def total(values: Iterable[Value]) -> Value:
    """Return the sum, field by field."""
    out = ZERO
    for value in values:
        out = out.plus(value)
    return out


def times(share: float, value: Value) -> Value:
    """Return a value times a probability."""
    return Value(*(share * x for x in value))
