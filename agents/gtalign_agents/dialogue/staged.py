"""Turns that are written in stages: halted, held to a schema or edited, and gone on with.

A turn is halted by a stop text and goes on from its own beginning (`Request.prefix`). Each stage is
one batched call for all dialogues that have come so far.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from gtalign_agents.backends.chat import ChatModel, Completion, Fault, Request
from gtalign_agents.grammar import AFTER_MATRIX_GRAMMAR, PAYOFF_SCHEMA
from gtalign_agents.steering import Edit, Steered, steer

MATRIX, END_OF_MATRIX = "<payoff>", "</payoff>"

BEGAN_ANEW = Fault("refused", "the turn was begun anew where it had to be continued", 1)
"""What a server that cannot continue a turn makes of one that is to go on."""


@dataclass(frozen=True)
class Begun:
    """A turn so far.

    Attributes:
        text: What stands there.
        calls: What the model was asked for it, in order.
        whole: Whether the last call ended by itself, at what it was to write.
        steered: The record of its edited matrix.
    """

    text: str
    calls: tuple[Completion, ...]
    whole: bool
    steered: Steered | None = None


Turn = Begun | Fault


def up_to_matrix(model: ChatModel, requests: Sequence[Request]) -> list[Turn]:
    """Return turns halted at the end of their matrix, or ended before.

    Args:
        model: Who writes.
        requests: What is asked; a grammar of the whole turn may stand there.
    """
    return _halted(model, requests, END_OF_MATRIX)


def with_schema(model: ChatModel, requests: Sequence[Request]) -> list[Turn]:
    """Return turns halted at the end of their matrix, which was held to its JSON schema.

    The turn is halted before the matrix; the matrix alone is written under the schema.

    Args:
        model: Who writes.
        requests: What is asked.
    """
    turns = _halted(model, requests, MATRIX)
    going = [i for i, turn in enumerate(turns) if isinstance(turn, Begun) and turn.whole]
    matrices = _go_on(model, requests, turns, going, lambda one: replace(one, schema=PAYOFF_SCHEMA))
    for i, turn in matrices.items():
        if isinstance(turn, Begun) and turn.whole:
            turn = replace(turn, text=turn.text + END_OF_MATRIX)
        turns[i] = turn  # one that was cut off holds half an object: nothing goes on from that
    return turns


def edited(turns: Sequence[Turn], edits: Sequence[Edit | None]) -> list[Turn]:
    """Return turns with their matrices edited; a missing or broken one is left as it is.

    Args:
        turns: Halted at their matrices.
        edits: What to add to each; None for nothing.
    """
    out: list[Turn] = []
    for turn, edit in zip(turns, edits, strict=True):
        if isinstance(turn, Fault) or edit is None:
            out.append(turn)
        else:
            steered = steer(turn.text, edit)
            out.append(replace(turn, text=steered.text, steered=steered))
    return out


def finished(model: ChatModel, requests: Sequence[Request], turns: Sequence[Turn]) -> list[Turn]:
    """Return whole turns: those with a matrix are gone on with, the others are as they ended.

    Args:
        model: Who writes.
        requests: What was asked.
        turns: Halted at their matrices.
    """
    out = list(turns)
    going = [
        i
        for i, turn in enumerate(turns)
        if isinstance(turn, Begun) and turn.whole and turn.text.endswith(END_OF_MATRIX)
    ]
    rest = _go_on(
        model,
        requests,
        turns,
        going,
        lambda one: replace(one, grammar=AFTER_MATRIX_GRAMMAR) if one.grammar else one,
    )
    for i, turn in rest.items():
        begun = turns[i]
        assert isinstance(begun, Begun), "only such turns go on"
        if isinstance(turn, Begun) and "<thinking>" in turn.text[len(begun.text) :]:
            # what it says to a matrix that it has not seen is no answer to it
            turn = BEGAN_ANEW
        out[i] = turn
    return out


def _halted(model: ChatModel, requests: Sequence[Request], stop: str) -> list[Turn]:
    halting = [
        replace(request, sampling=replace(request.sampling, stop=(stop,))) for request in requests
    ]
    out: list[Turn] = []
    for made in model.complete(halting):
        if isinstance(made, Fault):
            out.append(made)
            continue
        text = _with_stop(made, stop)
        out.append(Begun(text, (made,), text.endswith(stop)))
    return out


def _with_stop(made: Completion, stop: str) -> str:
    """Return what was written up to and with the stop text; most servers cut that off."""
    before, end, _ = made.text.partition(stop)
    # a server does not say why it stopped: at the stop text, if what has to precede it is there
    due = "<payoff>" in before if stop == END_OF_MATRIX else "</thinking>" in before
    if end or not due or not made.is_whole:
        return before + end
    return before + stop


def _go_on(
    model: ChatModel,
    requests: Sequence[Request],
    turns: Sequence[Turn],
    going: Sequence[int],
    change: Callable[[Request], Request],
) -> dict[int, Turn]:
    begun = {i: turn for i in going if isinstance(turn := turns[i], Begun)}
    made = model.complete(
        [change(replace(requests[i], prefix=turn.text)) for i, turn in begun.items()]
    )
    out: dict[int, Turn] = {}
    for (i, turn), more in zip(begun.items(), made, strict=True):
        if isinstance(more, Fault):
            out[i] = more
        else:
            calls = (*turn.calls, more)
            out[i] = replace(turn, text=turn.text + more.text, calls=calls, whole=more.is_whole)
    return out
