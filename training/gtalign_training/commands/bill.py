"""`gtalign bill`: what recorded conversations cost under a regime."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Literal, Self

import typer
from pydantic import Field, model_validator

from gtalign_env.core.ledger import Exchange, bill
from gtalign_env.core.moves import assistant_move
from gtalign_env.errors import ScenarioError
from gtalign_env.pricing import Regime, Usage
from gtalign_env.scenario.fields import Fault, Strict, described, fail
from gtalign_env.scenario.loader import load_pricing
from gtalign_training.commands.options import Folders
from gtalign_training.json_lines import read_lines

EXAMPLES = (
    "gtalign bill talks.jsonl --pricing per_token",
    "gtalign bill talks.jsonl --pricing my_games/pricing/night_rate.yaml > bills.jsonl",
    "gtalign bill - --pricing rush_hours --conversation 950 < talks.jsonl",
)

_RECORDS = {"turns", "record", "user_moves"}
"""Fields by which transcripts and the logs of runs are known."""

MAX_USAGE = 10**9  # tokens of one kind in one exchange

Label = Literal[
    "DA:concise", "DA:standard", "DA:verbose", "CQ", "AQ:concise", "AQ:standard", "AQ:verbose"
]


class ExchangeLine(Strict):
    """What one delivered exchange used."""

    input: int = described("All input, cached or not.", "tokens", ge=0, le=MAX_USAGE)
    cached_input: int = described(
        "Input already sent in the previous exchange.", "tokens", ge=0, le=MAX_USAGE
    )
    output: int = described("The visible assistant message.", "tokens", ge=0, le=MAX_USAGE)
    reasoning: int = described("Hidden reasoning.", "tokens", ge=0, le=MAX_USAGE)
    move: Label = Field(description="What the assistant did.")

    @model_validator(mode="after")
    def _cached_is_input(self) -> Self:
        if self.cached_input > self.input:
            fail((("cached_input",), f"must be at most input, {self.input}"))
        return self


class TalkLine(Strict):
    """One recorded conversation."""

    exchanges: list[ExchangeLine] = Field(description="Delivered exchanges, in order.")
    accepted: bool = Field(description="Whether it ended with an accepted answer.")

    @model_validator(mode="before")
    @classmethod
    def _holds_quantities(cls, data: Any) -> Any:
        if isinstance(data, dict) and "exchanges" not in data and _RECORDS & set(data):
            fail(
                (
                    (),
                    "a record of gtalign run or a transcript has no quantities to bill; a line "
                    'needs {"exchanges": [{"input", "cached_input", "output", "reasoning", '
                    '"move"}], "accepted"}, as Conversation.ledger.exchanges has them: '
                    'see "Billing recorded conversations" in docs/authoring.md',
                )
            )
        return data

    @model_validator(mode="after")
    def _accepted_something(self) -> Self:
        faults: list[Fault] = []
        if self.accepted and not self.exchanges:
            faults.append((("accepted",), "must be false: there is no exchange to accept"))
        elif self.accepted and self.exchanges[-1].move == "CQ":
            faults.append((("accepted",), "must be false: the last exchange holds no answer"))
        if faults:
            fail(*faults)
        return self

    def billed(self, regime: Regime) -> dict[str, Any]:
        """Return the charges of this conversation under a regime, and their sum, pico-USD."""
        exchanges = [
            Exchange(
                Usage(one.input, one.cached_input, one.output, one.reasoning),
                assistant_move(one.move),
            )
            for one in self.exchanges
        ]
        charges = bill(exchanges, self.accepted, regime)
        return {"charges_pico_usd": charges, "total_pico_usd": sum(charges)}


def bill_command(
    file: Annotated[
        Path,
        typer.Argument(help="Conversations, one JSON object a line; - reads standard input."),
    ],
    pricing: Annotated[str, typer.Option(help="The regime to bill by, by name or file.")],
    conversation: Annotated[
        int,
        typer.Option(min=0, help="Index of the conversations, for regimes with surge prices."),
    ] = 0,
    path: Folders = None,
) -> None:
    """Bill recorded conversations again, under any regime; exact to the pico-USD.

    A line {"exchanges": [{"input", "cached_input", "output", "reasoning", "move"}], "accepted"} in,
    {"charges_pico_usd", "total_pico_usd"} out; a charge an exchange, and one more for an accepted
    answer that costs a fee. The first broken line ends it with exit code 2.
    """
    regime = load_pricing(pricing, path=path or ()).regime().at(conversation)
    with _opened(file) as (stream, source):
        for talk in read_lines(TalkLine, stream, source):
            typer.echo(json.dumps(talk.billed(regime)))


@contextmanager
def _opened(file: Path) -> Iterator[tuple[BinaryIO, str]]:
    """Yield the bytes of a file, or of standard input for ``-``, and what to call it."""
    if str(file) == "-":
        yield sys.stdin.buffer, "<stdin>"
        return
    try:
        stream = file.open("rb")
    except FileNotFoundError as error:
        raise ScenarioError(f"{file}: there is no such file") from error
    except OSError as error:
        raise ScenarioError(f"{file}: cannot be read: {error.strerror}") from error
    with stream:
        yield stream, str(file)
