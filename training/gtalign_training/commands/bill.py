"""`gtalign bill`: what recorded conversations cost under a regime."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Literal, Self

import typer
from pydantic import Field, ValidationError, model_validator

from gtalign_env.core.ledger import Exchange, bill
from gtalign_env.core.moves import assistant_move
from gtalign_env.errors import ScenarioError
from gtalign_env.money import to_usd
from gtalign_env.pricing import Regime, Usage
from gtalign_env.scenario.fields import Fault, Strict, described, fail
from gtalign_env.scenario.loader import load_pricing
from gtalign_env.scenario.schema import PricingFile
from gtalign_training.commands.options import Folders
from gtalign_training.console import err, safe
from gtalign_training.json_lines import read_lines
from gtalign_training.run_folder import RunFolder
from gtalign_training.runs.folder import EVENTS, scenario_of
from gtalign_training.runs.transcripts import finished

EXAMPLES = (
    "gtalign bill runs/help_desk",
    "gtalign bill runs/help_desk --pricing subscription",
    "gtalign bill talks.jsonl --pricing per_token",
    "gtalign bill talks.jsonl --pricing my_games/pricing/night_rate.yaml > bills.jsonl",
    "gtalign bill - --pricing rush_hours --conversation 950 < talks.jsonl",
)

_RECORDS = {"turns", "record", "user_moves"}
"""Fields by which transcripts and the logs of runs are known."""

_WITHOUT = (
    "a line of a run's log, or a transcript of before quantities were kept, has nothing to bill: "
    "name the folder of the run, a file of transcripts, or lines "
    '{"exchanges": [{"input", "cached_input", "output", "reasoning", "move"}], "accepted"}; '
    'see "Billing recorded conversations" in docs/authoring.md'
)

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
    conversation: int | None = Field(
        default=None, ge=0, description="Its index among the conversations, for surge prices."
    )

    @model_validator(mode="before")
    @classmethod
    def _holds_quantities(cls, data: Any) -> Any:
        if not isinstance(data, dict) or "exchanges" in data or not _RECORDS & set(data):
            return data
        if not isinstance(data.get("turns"), list) or not data["turns"]:
            fail(((), _WITHOUT))
        return _of_turns(data["turns"], data.get("ending"), data.get("episode"))

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

    def billed(self, regime: Regime, conversation: int | None = None) -> dict[str, Any]:
        """Return the charges of this conversation under a regime, and their sum, pico-USD.

        Args:
            regime: The regime.
            conversation: Index of the conversation; its own if None.
        """
        exchanges = [
            Exchange(
                Usage(one.input, one.cached_input, one.output, one.reasoning),
                assistant_move(one.move),
            )
            for one in self.exchanges
        ]
        index = self.conversation or 0 if conversation is None else conversation
        charges = bill(exchanges, self.accepted, regime, index)
        named = {} if self.conversation is None else {"conversation": self.conversation}
        return {**named, "charges_pico_usd": charges, "total_pico_usd": sum(charges)}


def _of_turns(turns: list[Any], ending: object, episode: object) -> dict[str, Any]:
    """Return the line that the turns of a transcript or of a run's log amount to."""
    kinds = tuple(kind for kind in ExchangeLine.model_fields if kind != "move")
    exchanges = []
    for index, turn in enumerate(turns):
        if not isinstance(turn, dict) or turn.get("seat") != "assistant":
            continue
        usage = turn.get("usage")
        if isinstance(usage, list | tuple) and len(usage) == len(kinds):
            exchanges.append({**dict(zip(kinds, usage, strict=True)), "move": turn.get("move")})
        elif not (ending == "broke" and index == len(turns) - 1):  # that one was not delivered
            fail(((), _WITHOUT))
    return {"exchanges": exchanges, "accepted": ending == "accepted", "conversation": episode}


def bill_command(
    file: Annotated[
        Path,
        typer.Argument(
            help="The folder of a run, transcripts, or conversations, one JSON object a line; "
            "- reads standard input."
        ),
    ],
    pricing: Annotated[
        str | None,
        typer.Option(
            help="The regime to bill by, by name or file; of a run by default its own, as it keeps "
            "it."
        ),
    ] = None,
    conversation: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Index of the conversations, for surge prices; otherwise each one's own, or 0.",
        ),
    ] = None,
    path: Folders = None,
) -> None:
    """Bill recorded conversations again, under any regime; exact to the pico-USD.

    One line {"charges_pico_usd", "total_pico_usd"} a conversation: a charge an exchange, and one
    more for an accepted answer that costs a fee. The first broken line ends it with exit code 2.
    A regime that is found nowhere else is taken from the run or training that was played under it.
    """
    if file.is_dir():
        if not (file / EVENTS).is_file():
            raise ScenarioError(_no_run(file))
        _bill_run(file, None if pricing is None else _regime(pricing, file, path), conversation)
        return
    if pricing is None:
        raise ScenarioError(
            "say by --pricing which regime to bill by, by name or file; only the folder of a run "
            "knows its own"
        )
    regime = _regime(pricing, file.parent, path)
    with _opened(file) as (stream, source):
        for talk in read_lines(TalkLine, stream, source):
            typer.echo(json.dumps(talk.billed(regime, conversation)))


def _no_run(folder: Path) -> str:
    """Return the error of a folder that is not one of `gtalign run`."""
    said = f"{folder}: is no run of `gtalign run`: it has no {EVENTS}"
    written = sorted(folder.glob("transcripts*.jsonl"))
    return f"{said}; to bill its transcripts, name {written[0]}" if written else said


def _regime(name: str, folder: Path, path: list[Path] | None) -> Regime:
    """Return a regime by name or file, or as the folder keeps what was played under it."""
    try:
        return load_pricing(name, path=path or ()).regime()
    except ScenarioError:
        kept = {one.name: one for one in _kept(folder)}
        if name not in kept:
            raise
    err().print(safe(f"{name}: as {folder} keeps it", "dim"), soft_wrap=True)
    return kept[name].regime()


def _kept(folder: Path) -> Iterable[PricingFile]:
    if (folder / EVENTS).is_file():
        return (one for _, one in scenario_of(folder).schedule)
    game = RunFolder(folder).game_files()
    return () if game is None else game.pricing


def _bill_run(folder: Path, regime: Regime | None, conversation: int | None) -> None:
    """Bill the conversations of a run that did not fail, and say what they had cost.

    Args:
        folder: The run's folder.
        regime: What to bill by; None for the run's own.
        conversation: As the option.
    """
    schedule = () if regime is not None else scenario_of(folder).schedule
    own = [(start, one.regime()) for start, one in schedule]
    then = now = count = 0
    for episode, (*turns, last) in finished(folder).items():
        try:
            talk = TalkLine.model_validate(_of_turns(turns, last["ending"], episode))
        except ValidationError as error:
            said = error.errors()[0]["msg"]
            raise ScenarioError(f"{folder / EVENTS}: episode {episode}: {said}") from error
        index = episode if conversation is None else conversation
        by = regime or [one for start, one in own if start <= index][-1]
        found = talk.billed(by, conversation)
        typer.echo(json.dumps(found))
        then, now = then + sum(turn["charge"] for turn in turns), now + found["total_pico_usd"]
        count += 1
    under = "the run's own prices" if regime is None else regime.name
    err().print(
        safe(
            f"{count:,} conversations: {to_usd(now):,.6f} USD under {under}, "
            f"{to_usd(then):,.6f} USD as they were played"
        ),
        soft_wrap=True,
    )


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
