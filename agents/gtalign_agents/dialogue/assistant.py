"""A language model in the assistant's seat: plain, with four blocks, or steered by the price.

It is told the price in words and reads what was said. Nothing else reaches it: no preference, no
budget, no bill of the user's, no seed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from gtalign_agents.backends.chat import ChatModel, Completion, Fault, Message, Request, Sampling
from gtalign_agents.dialogue.fence import fenced
from gtalign_agents.dialogue.speaker import Dialogue, Said
from gtalign_agents.fourblock import parse
from gtalign_agents.prompts import FOUR_BLOCK_INSTRUCTIONS, PLAIN_INSTRUCTIONS, system_message
from gtalign_agents.steering import Edit, Steered, steer
from gtalign_env.core.spec import GameSpec
from gtalign_env.draws import Seat
from gtalign_env.errors import FormatError

Format = Literal["plain", "four_block"]

END_OF_MATRIX = "</payoff>"

BEGAN_ANEW = Fault("refused", "the turn was begun anew where it had to be continued", 1)
"""What a server that cannot continue a turn makes of a steered one."""


@dataclass(frozen=True)
class LanguageAssistant:
    """A language model in the assistant's seat.

    Attributes:
        model: The model.
        format: What it writes: only the answer, or four blocks of which the user reads the last.
        steering: Returns the edit of the matrix for a game; None leaves matrices as written.
        sampling: How to sample.
        instructions: What the system message says before the price; by default as the format asks.
    """

    model: ChatModel
    format: Format = "four_block"
    steering: Callable[[GameSpec], Edit] | None = None
    sampling: Sampling = field(default_factory=Sampling)
    instructions: str | None = None

    def __post_init__(self) -> None:
        if self.steering is not None and self.format != "four_block":
            raise ValueError("steering edits a written matrix; use format='four_block' with it")

    def speak(self, dialogues: Sequence[Dialogue]) -> list[Said | Fault]:
        """Return the next message of each dialogue; one batched call, two where matrices are edited."""
        requests = [self.request(dialogue) for dialogue in dialogues]
        if self.steering is None:
            outcomes = self.model.complete(requests)
            return [
                outcome if isinstance(outcome, Fault) else self._said(outcome.text, (outcome,))
                for outcome in outcomes
            ]
        return self._steered(dialogues, requests, self.steering)

    def request(self, dialogue: Dialogue) -> Request:
        """Return what the model is asked next.

        Its own earlier turns stand there as it wrote them, hidden blocks included.

        Args:
            dialogue: The dialogue; the assistant is to speak.
        """
        instructions = self.instructions
        if instructions is None:
            plain = self.format == "plain"
            instructions = PLAIN_INSTRUCTIONS if plain else FOUR_BLOCK_INSTRUCTIONS
        messages = [Message("system", system_message(dialogue.spec, instructions))]
        for seat, said in dialogue.turns:
            if seat is Seat.ASSISTANT:
                messages.append(Message("assistant", said.written or said.text))
            else:
                messages.append(Message("user", fenced(said.text)))
        return Request(tuple(messages), self.sampling, dialogue.index)

    def _steered(
        self,
        dialogues: Sequence[Dialogue],
        requests: list[Request],
        steering: Callable[[GameSpec], Edit],
    ) -> list[Said | Fault]:
        halted = [
            replace(request, sampling=replace(request.sampling, stop=(END_OF_MATRIX,)))
            for request in requests
        ]
        firsts = self.model.complete(halted)
        edited: dict[int, tuple[Completion, Steered]] = {}
        said: list[Said | Fault | None] = [None] * len(dialogues)
        for i, (dialogue, first) in enumerate(zip(dialogues, firsts, strict=True)):
            if isinstance(first, Fault):
                said[i] = first
                continue
            text = _up_to_matrix(first)
            if END_OF_MATRIX not in text:
                # it ended without a matrix: nothing to edit and nothing to go on from
                steered = steer(text, steering(dialogue.spec))
                said[i] = replace(self._said(text, (first,)), steered=steered)
                continue
            edited[i] = first, steer(text, steering(dialogue.spec))
        seconds = self.model.complete(
            [replace(requests[i], prefix=steered.text) for i, (_, steered) in edited.items()]
        )
        for (i, (first, steered)), second in zip(edited.items(), seconds, strict=True):
            if isinstance(second, Fault):
                said[i] = second
            elif "<thinking>" in second.text:
                # what it says to a matrix that it has not seen is no steered answer
                said[i] = BEGAN_ANEW
            else:
                whole = self._said(steered.text + second.text, (first, second))
                said[i] = replace(whole, steered=steered)
        return [one for one in said if one is not None]

    def _said(self, written: str, calls: tuple[Completion, ...]) -> Said:
        unfinished = () if calls[-1].is_whole else ("unfinished",)
        if self.format == "plain":
            return Said(written, written, labels=unfinished, calls=calls)
        try:
            block = parse(written)
        except FormatError as error:
            # what is malformed reaches the user as an empty message, as in training
            return Said("", written, written, (*unfinished, error.rule), calls)
        response = block.response.strip()
        hidden = written[: written.index("<response>")]
        return Said(response, written, hidden, unfinished, calls)


def _up_to_matrix(first: Completion) -> str:
    """Return what was written up to and with the end of the matrix; servers cut the stop text."""
    before, end, _ = first.text.partition(END_OF_MATRIX)
    if end or "<payoff>" not in before or not first.is_whole:
        return before + end
    return before + END_OF_MATRIX
