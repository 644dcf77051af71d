"""What chance decides in a conversation, as functions of its stream of draws: once for all.

Scalar functions over plain numbers, as the rules; the vector environments compile them too.
"""

from __future__ import annotations

from gtalign_env.core.moves import answers, asks, verbosity, writes
from gtalign_env.core.numbers import ANSWERS, MESSAGES, QUESTION, SYSTEM, Numbers
from gtalign_env.core.numbers import REASONING as REASONING_LENGTH
from gtalign_env.core.rules import State
from gtalign_env.distributions import quantile
from gtalign_env.draws import (
    ASSISTANT,
    CLEAR,
    COVERS,
    KNOWS,
    LENGTH,
    REASONING,
    SUFFICES,
    USER,
    WORLD,
    uniform,
)


def turn_of(state: State) -> int:
    """Return the index of the exchange that the next draw belongs to."""
    return state.exchange + 1 if state.seat == USER else state.exchange


def happens(stream: int, turn: int, p: float, seat: int, purpose: int) -> bool:
    """Return whether something of probability ``p`` happens."""
    return (
        p >= 1.0 or uniform(stream, turn, seat, purpose) < p
    )  # draws are below 1: no need for one


def settling(game: Numbers) -> float:
    """Return the probability that a reply settles the meaning."""
    return game.reply_clarity


def covering(game: Numbers, informed: bool, move: int) -> float:
    """Return the probability that an answer covers what is meant."""
    return 1.0 if informed else game.covers[verbosity(move)]


def knowing(game: Numbers) -> float:
    """Return the probability that the assistant knows the answer asked for."""
    return game.p_correct


def sufficing(game: Numbers, move: int) -> float:
    """Return the probability that an answer of this verbosity is good enough."""
    return game.quality[verbosity(move)]


def settles(game: Numbers, stream: int, state: State) -> bool:
    """Return whether a reply written now settles the meaning."""
    return happens(stream, turn_of(state), settling(game), USER, CLEAR)


def covers(game: Numbers, stream: int, state: State, move: int) -> bool:
    """Return whether an answer given now covers what is meant."""
    p = covering(game, state.informed, move)
    return happens(stream, turn_of(state), p, ASSISTANT, COVERS)


def knows(game: Numbers, stream: int, state: State) -> bool:
    """Return whether the assistant knows the answer asked for now."""
    return happens(stream, turn_of(state), knowing(game), ASSISTANT, KNOWS)


def suffices(game: Numbers, stream: int, state: State, move: int) -> bool:
    """Return whether an answer of this verbosity is good enough now."""
    return happens(stream, turn_of(state), sufficing(game, move), ASSISTANT, SUFFICES)


def is_right(game: Numbers, stream: int, state: State, move: int) -> bool:
    """Return whether an answer given now is right: it covers, is known, suffices."""
    return (
        answers(move)
        and covers(game, stream, state, move)
        and knows(game, stream, state)
        and suffices(game, stream, state, move)
    )


def length(game: Numbers, which: int, stream: int, turn: int, seat: int, purpose: int) -> int:
    """Return a length as a whole number of tokens ≥ 0; where it is constant nothing is drawn."""
    if game.tokens[which] >= 0:
        return game.tokens[which]
    return max(0, round(quantile(game.lengths[which], uniform(stream, turn, seat, purpose))))


def system_length(game: Numbers, stream: int) -> int:
    """Return the tokens of the system prompt, drawn once."""
    return length(game, SYSTEM, stream, 0, WORLD, LENGTH)


def message_length(game: Numbers, stream: int, state: State, move: int) -> int:
    """Return the tokens of the message that a user's move writes; 0 if it writes none."""
    if not writes(move):
        return 0
    return length(game, MESSAGES + move, stream, turn_of(state), USER, LENGTH)


def output_length(game: Numbers, stream: int, state: State, move: int) -> int:
    """Return the visible tokens of an assistant's move; answer and question add up."""
    turn, total = turn_of(state), 0
    if answers(move):
        total += length(game, ANSWERS + verbosity(move), stream, turn, ASSISTANT, LENGTH)
    if asks(move):
        total += length(game, QUESTION, stream, turn, ASSISTANT, LENGTH)
    return total


def reasoning_length(game: Numbers, stream: int, state: State) -> int:
    """Return the hidden tokens of an assistant's message."""
    return length(game, REASONING_LENGTH, stream, turn_of(state), ASSISTANT, REASONING)
