"""The language of the tiny model: every text it meets, cut into pieces of one token each.

A phrase that never varies is one piece: a wording's fixed part, a question, a sentence, the
skeleton of the payoff JSON. That keeps a completion at about forty tokens, and a token is what
training and generation cost. The language covers the questions marked ``covered`` in a task set.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import numpy as np

from gtalign_agents.calibration import best_cells, payoff_of
from gtalign_agents.fourblock import PAYOFF_KEYS, FourBlock, Payoff, render
from gtalign_agents.prompts import PRICING
from gtalign_env.core.moves import STYLES, VERBOSITIES, AssistantMove, UserMove
from gtalign_env.pricing import Regime
from gtalign_env.scenario.tasks import Question, TaskSet
from gtalign_env.text.phrasing import wordings
from gtalign_env.text.writer import CONFIRM

PAYOFF_LEVELS = tuple(step / 2 for step in range(-4, 11))
"""Values that a written payoff can take: −2.0 to 5.0 by halves."""

SKETCHES = 8
"""How many payoff matrices the language has. They mean nothing until training makes them: few, so
that what a trainer credits is the choice and not a dozen random digits."""

SEEN = {
    UserMove.VQ: "The question is vague.",
    UserMove.DQ: "The question is definite.",
    UserMove.REPLY: "The user has replied.",
    UserMove.FOLLOW_UP: "The answer was not right.",
}
"""What the model thinks, by the user's last move: what is plain to see."""

_MANNERS = {"plain": "plainly", "terse": "briefly", "chatty": "warmly"}
_REQUESTS = {
    UserMove.VQ: "a vague question",
    UserMove.DQ: "a definite question",
    UserMove.REPLY: "a reply",
    UserMove.FOLLOW_UP: "a second request",
}


def sketch(index: int) -> dict[str, dict[str, float]]:
    """Return a payoff matrix of the language.

    Args:
        index: Which one, below `SKETCHES`.
    """
    levels = len(PAYOFF_LEVELS)
    values = [PAYOFF_LEVELS[(5 * index + 7 * i + index * i) % levels] for i in range(12)]
    return {
        key: {"LLM": values[2 * i], "user": values[2 * i + 1]} for i, key in enumerate(PAYOFF_KEYS)
    }


def reason_for(cell: str, rng: np.random.Generator) -> Payoff:
    """Return payoffs by which a cell is the best one of its query, all others drawn evenly.

    Args:
        cell: Such as ``VQ_CQ``.
        rng: Draws the payoffs: U from -2.0 to 4.0, L from -1.0 to 5.0, by tenths.
    """
    while True:
        tenths = rng.integers([-10, -20] * len(PAYOFF_KEYS), [51, 41] * len(PAYOFF_KEYS))
        payoff = payoff_of([float(tenth) / 10 for tenth in tenths])
        if best_cells(payoff, cell[:2]) == (cell,):
            return payoff


def analysis(regime: Regime, style: str, last: UserMove, move: AssistantMove) -> str:
    """Return the weighing of a choice: the request, the manner, the price, and the chosen cell.

    It is one phrase and so one token, one for every choice in every situation. The tiny model
    learns what to do in each situation it was taught; it cannot carry over to a price that it
    never met, as a model that reads words can.

    Args:
        regime: The price.
        style: How the user writes.
        last: The user's last move.
        move: The chosen move.
    """
    price = regime.name.replace("_", " ")
    situation = f"For {_REQUESTS[last]}, put {_MANNERS[style]}, under {price}"
    return f"{situation}: {chosen_cell(last, move)}"


def chosen_cell(last: UserMove, move: AssistantMove) -> str:
    """Return the name of the cell that a move chooses, with its verbosity."""
    query = "VQ" if last is UserMove.VQ else "DQ"
    kind = move.label.partition(":")[0]
    if move.verbosity is None:
        return f"{query}_{kind}"
    return f"{query}_{kind} {VERBOSITIES[move.verbosity]}"


USER_TURN = "\nUser: "
ASSISTANT_TURN = "\nAssistant: "
END = "<eos>"
PAD = "<pad>"
UNKNOWN = "<unk>"


def questions(tasks: TaskSet) -> list[Question]:
    """Return the questions that the language covers."""
    return [question for question in tasks.questions if question.covered]


def pieces(tasks: TaskSet, regimes: Iterable[Regime], *, read: bool = False) -> list[str]:
    """Return the vocabulary, longest piece first, without the special tokens.

    Args:
        tasks: The task set.
        regimes: The prices it knows.
        read: Whether choices are to follow from payoffs. Then a choice is the same token in every
            situation, so that reading is learnt once and not once for each of them.
    """
    known = list(regimes)
    found: dict[str, None] = {}
    for piece in (
        PRICING,
        *(regime.description for regime in known),
        *_grammar(),
        *SEEN.values(),
        *(
            piece
            for regime in known
            for style in STYLES
            for last in SEEN
            for move in AssistantMove
            for piece in _choice(analysis(regime, style, last, move), read=read)
        ),
        *_numbers(),
        *_fragments(),
        *_facts(questions(tasks)),
        " ",
    ):
        found[piece] = None
    return sorted((piece for piece in found if piece), key=lambda piece: (-len(piece), piece))


def _grammar() -> Iterator[str]:
    """Yield the fixed parts of a completion and of the turns around it.

    One of them ends at ``</payoff>``: there a turn is halted, and goes on from an edited matrix.
    """
    yield from (USER_TURN, ASSISTANT_TURN)
    mark = 0.5
    empty = {key: {"LLM": mark, "user": mark} for key in PAYOFF_KEYS}
    text = render(FourBlock(thinking="§", payoff=empty, analyze="§", response="§"))
    yield from re.split(rf"§|{mark}|(?<=</payoff>)", text)


def _choice(text: str, *, read: bool) -> tuple[str, ...]:
    """Return the pieces of an analysis: one, or the situation and the choice apart."""
    situation, colon, choice = text.rpartition(": ")
    return (situation + colon, choice) if read else (text,)


def _numbers() -> Iterator[str]:
    """Yield every number of one decimal that a matrix can hold, and what longer ones are made of."""
    yield from (f"{tenth / 10:.1f}" for tenth in range(-99, 100))
    yield from "0123456789.-"


def _fragments() -> Iterator[str]:
    """Yield the fixed parts of all wordings of both seats."""
    for move in UserMove:
        for style in STYLES:
            for clear in (True, False):
                for template in wordings(move, style, clear):
                    yield from re.split(r"\{\w+\}", template)
    yield from ("Do you mean ", ", ", " or ", "?", CONFIRM, "; ", ": ", ".")


def _facts(covered: Iterable[Question]) -> Iterator[str]:
    """Yield the questions, meanings and answers."""
    for question in covered:
        yield from (question.vague, question.vague.removesuffix("?"))
        for own in question.interpretations:
            yield from (own.definite, own.definite.removesuffix("?"), own.sentence, own.detail)
            yield from (own.meaning, own.meaning[0].upper() + own.meaning[1:], own.gold)
