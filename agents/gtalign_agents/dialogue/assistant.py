"""A language model in the assistant's seat: plain, with four blocks, or steered by the price.

It is told the price in words and reads what was said. Nothing else reaches it: no preference, no
budget, no bill of the user's, no seed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from gtalign_agents.backends.chat import ChatModel, Fault, Message, Request, Sampling
from gtalign_agents.calibration import choice_of
from gtalign_agents.dialogue import staged
from gtalign_agents.dialogue.fence import fenced
from gtalign_agents.dialogue.speaker import Dialogue, Said
from gtalign_agents.dialogue.typed_move import type_moves
from gtalign_agents.fourblock import parse
from gtalign_agents.grammar import FOUR_BLOCK_GRAMMAR
from gtalign_agents.prompts import FOUR_BLOCK_INSTRUCTIONS, PLAIN_INSTRUCTIONS, system_message
from gtalign_agents.steering import Edit
from gtalign_env.core.spec import GameSpec
from gtalign_env.draws import Seat
from gtalign_env.errors import FormatError
from gtalign_env.text.reader import BANDS

Format = Literal["plain", "four_block"]

Structured = Literal["free", "schema", "grammar"]
"""How four-block turns are written: freely; with the matrix held to its JSON schema, which needs a
model that can continue a turn; or held to the grammar of all four blocks."""

MOVE_UNSETTLED = "move_unsettled"
"""Label of a message whose move the rules cannot tell and the judge did not say."""


@dataclass(frozen=True)
class LanguageAssistant:
    """A language model in the assistant's seat.

    Attributes:
        model: The model.
        format: What it writes: only the answer, or four blocks of which the user reads the last.
        steering: Returns the edit of the matrix for a game; None leaves matrices as written.
        sampling: How to sample.
        instructions: What the system message says before the price; by default as the format asks.
        structured: Whether four-block turns are held to their form; a record should say so, as it
            changes what a model writes.
        move_judge: Who says what a message does where the rules cannot tell; None leaves it to them.
    """

    model: ChatModel
    format: Format = "four_block"
    steering: Callable[[GameSpec], Edit] | None = None
    sampling: Sampling = field(default_factory=Sampling)
    instructions: str | None = None
    structured: Structured = "free"
    move_judge: ChatModel | None = None

    def __post_init__(self) -> None:
        if self.steering is not None and self.format != "four_block":
            raise ValueError("steering edits a written matrix; use format='four_block' with it")
        if self.structured != "free" and self.format != "four_block":
            raise ValueError("what is held to a form is the four blocks; use format='four_block'")

    def speak(self, dialogues: Sequence[Dialogue]) -> list[Said | Fault]:
        """Return the next message of each dialogue.

        One batched call; two where matrices are edited; one more where they are held to a schema.
        """
        requests = [self.request(dialogue) for dialogue in dialogues]
        turns: list[staged.Turn]
        if self.stages == 1:
            made = self.model.complete(requests)
            turns = [
                one if isinstance(one, Fault) else staged.Begun(one.text, (one,), one.is_whole)
                for one in made
            ]
        else:
            halt = staged.with_schema if self.structured == "schema" else staged.up_to_matrix
            edits = [
                None if self.steering is None else self.steering(one.spec) for one in dialogues
            ]
            turns = staged.edited(halt(self.model, requests), edits)
            turns = staged.finished(self.model, requests, turns)
        said = [turn if isinstance(turn, Fault) else self._said(turn) for turn in turns]
        return said if self.move_judge is None else self._typed(dialogues, said)

    def _typed(self, dialogues: Sequence[Dialogue], said: list[Said | Fault]) -> list[Said | Fault]:
        """Return messages with their moves: one batched call of the judge for those left open.

        All dialogues are of one scenario, so of one set of bands.
        """
        texts = [one.text for one in said if isinstance(one, Said)]
        bands = dialogues[0].talk.bands if dialogues else BANDS
        typed = iter(type_moves(texts, self.move_judge, bands))
        out: list[Said | Fault] = []
        for one in said:
            if isinstance(one, Fault):
                out.append(one)
                continue
            found = next(typed)
            unsettled = (MOVE_UNSETTLED,) if found.by == "rules_unsettled" else ()
            out.append(replace(one, typed=found, labels=(*one.labels, *unsettled)))
        return out

    @property
    def stages(self) -> int:
        """Most calls that a turn takes."""
        return 1 + (self.steering is not None) if self.structured != "schema" else 3

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
        grammar = FOUR_BLOCK_GRAMMAR if self.structured == "grammar" else ""
        return Request(tuple(messages), self.sampling, dialogue.index, grammar=grammar)

    def _said(self, turn: staged.Begun) -> Said:
        written = turn.text
        unfinished = () if turn.calls[-1].is_whole else ("unfinished",)
        if self.format == "plain":
            return Said(written, written, labels=unfinished, calls=turn.calls)
        try:
            block = parse(written)
        except FormatError as error:
            # what is malformed reaches the user as an empty message, as in training
            labels = (*unfinished, error.rule)
            return Said("", written, written, labels, turn.calls, turn.steered)
        own = None if turn.steered is None else turn.steered.before
        return Said(
            block.response.strip(),
            written,
            reasoning=written[: written.index("<response>")],
            labels=unfinished,
            calls=turn.calls,
            steered=turn.steered,
            choice=choice_of(block, own),
        )
