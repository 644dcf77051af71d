"""Transcripts: the record of one conversation, as one line of JSON.

A transcript is for people who study conversations: it names the persona. It never goes back to an
assistant.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gtalign_env.core.conversation import Conversation
from gtalign_env.core.moves import UserMove, in_turn
from gtalign_env.draws import Seat
from gtalign_env.errors import RunError

_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Turn:
    """One message or closing move.

    Attributes:
        seat: ``user`` or ``assistant``.
        move: Its label.
        text: What was said; None without words.
        written: All that a model wrote, hidden blocks included; None for scripted seats.
        charge: What the exchange cost the user, pico-USD; 0 for the user's turns.
        rewards: Of (user, assistant), points.
        usage: Input, cached input, output and reasoning of the exchange, tokens, so that it can be
            billed again; None for the user's turns and for a message that was not delivered.
    """

    seat: str
    move: str
    text: str | None
    written: str | None
    charge: int
    rewards: tuple[float, float]
    usage: tuple[int, int, int, int] | None = None


@dataclass(frozen=True)
class Transcript:
    """One conversation.

    Attributes:
        scenario: The scenario's name.
        digest: Its hash; with seed and episode it names every draw.
        regime: What the user paid by.
        seed: Seed of the episodes.
        episode: Index of the episode.
        persona: Who the user was.
        turns: What happened, in order.
        ending: How it ended; None while under way.
        returns: U and L, points.
        welfare: W(U, L).
        charged: Billed in all, pico-USD.
        cost: Borne by the provider in all, pico-USD.
    """

    scenario: str
    digest: str
    regime: str
    seed: int
    episode: int
    persona: str
    turns: tuple[Turn, ...]
    ending: str | None
    returns: tuple[float, float]
    welfare: float
    charged: int
    cost: int

    def to_json(self) -> str:
        """Return the transcript as one line; text that is no valid Unicode is written as U+FFFD."""
        text = json.dumps(asdict(self), allow_nan=False, ensure_ascii=False)
        return _SURROGATE.sub("\ufffd", text)


def transcript_of(
    conversation: Conversation,
    *,
    seed: int,
    episode: int,
    texts: Iterable[str] | None = None,
    written: Iterable[str] | None = None,
) -> Transcript:
    """Return the transcript of a conversation.

    Args:
        conversation: The conversation, over or under way.
        seed: Seed of the episodes.
        episode: Index of the episode.
        texts: What was said, message by message.
        written: What a model wrote in the assistant's turns.
    """
    said = iter(texts) if texts is not None else None
    raw = iter(written) if written is not None else None
    moves = in_turn(conversation.user_moves, conversation.assistant_moves)
    charges = iter(
        [-line.amount for line in conversation.ledger.lines if line.account is Seat.USER]
    )
    used = iter(conversation.ledger.exchanges)
    turns = []
    for (seat, move), rewards in zip(moves, conversation.rewards, strict=True):
        assistant = seat is Seat.ASSISTANT
        delivered = next(used, None) if assistant else None
        turns.append(
            Turn(
                seat=seat.name.lower(),
                move=move.label,
                text=next(said, None) if said is not None else None,
                written=next(raw, None) if assistant and raw is not None else None,
                charge=next(charges, 0) if assistant or move is UserMove.ACCEPT else 0,
                rewards=rewards,
                usage=None if delivered is None else (*delivered.usage,),
            )
        )
    state, spec = conversation.state, conversation.spec
    return Transcript(
        scenario=spec.name,
        digest=spec.digest,
        regime=spec.regime.name,
        seed=seed,
        episode=episode,
        persona=spec.population.personas[conversation.persona][1].name,
        turns=tuple(turns),
        ending=None if state.ending is None else state.ending.name.lower(),
        returns=conversation.returns,
        welfare=spec.welfare(*conversation.returns),
        charged=state.charged,
        cost=state.cost,
    )


def write_transcripts(path: Path, transcripts: Iterable[Transcript]) -> None:
    """Write transcripts to a JSONL file."""
    with path.open("w", encoding="utf-8") as file:
        for transcript in transcripts:
            file.write(transcript.to_json() + "\n")


def read_transcripts(path: Path) -> Iterator[Transcript]:
    """Yield the transcripts of a JSONL file.

    Raises:
        RunError: A line is not a transcript.
    """
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            try:
                yield _from_data(json.loads(line))
            except (ValueError, TypeError, KeyError) as error:
                raise RunError(f"{path}:{number}: not a transcript: {error}") from error


def _from_data(data: dict[str, Any]) -> Transcript:
    turns = tuple(map(_turn_from_data, data.pop("turns")))
    return Transcript(**{**data, "turns": turns, "returns": tuple(data["returns"])})


def _turn_from_data(data: dict[str, Any]) -> Turn:
    usage = data.get("usage")
    known = {"rewards": tuple(data["rewards"]), "usage": None if usage is None else tuple(usage)}
    return Turn(**{**data, **known})
