"""Conversations as they were recorded, from whatever holds them: a run's folder or a file.

A run of `gtalign run` holds its own and the failed ones; a run of `gtalign train` holds those before
and after; a file of transcripts is what `gtalign play --out` writes. The same record comes of all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from gtalign_env.envs.transcript import Transcript, read_transcripts
from gtalign_env.errors import RunError
from gtalign_training.run_folder import RunFolder
from gtalign_training.run_log import read_log
from gtalign_training.runs.episode import Fault
from gtalign_training.runs.events import attempts, from_events
from gtalign_training.runs.folder import EVENTS, RUN
from gtalign_training.runs.folder import SCHEMA as RUN_SCHEMA

_SURROGATE = re.compile("[\ud800-\udfff]")

TRAINED = "transcripts-*.jsonl"
"""What a training run leaves, named after when it was measured."""


class Call(NamedTuple):
    """What a language model was asked for once, tokens."""

    input: int
    cached_input: int
    output: int
    reasoning: int
    source: str
    """Who counted the tokens; ``estimate`` where nobody did."""
    finish: str
    model: str


def tokens_of(calls: Sequence[Call]) -> tuple[int, int, int, int]:
    """Return the tokens of all calls: input, cached input (a part of it), output, reasoning.

    Args:
        calls: Any.
    """
    return (
        sum(call.input for call in calls),
        sum(call.cached_input for call in calls),
        sum(call.output for call in calls),
        sum(call.reasoning for call in calls),
    )


@dataclass(frozen=True)
class ToldTurn:
    """One message or closing move.

    Attributes:
        seat: ``user`` or ``assistant``.
        move: Its label.
        text: What was said; None by moves.
        written: All that a model wrote; None where no model did.
        charge: Charged with it, pico-USD.
        rewards: Of (user, assistant), points.
        labels: What is wrong with the message, by name.
        calls: What models were asked for it.
    """

    seat: str
    move: str
    text: str | None
    written: str | None
    charge: int
    rewards: tuple[float, float]
    labels: tuple[str, ...] = ()
    calls: tuple[Call, ...] = ()


@dataclass(frozen=True)
class Told:
    """One conversation as it was recorded.

    Attributes:
        group: Which part of a run it belongs to, such as ``after``; empty where it has none.
        episode: Its index.
        scenario: The scenario's name.
        digest: Its hash; with seed and episode it names every draw.
        regime: What the user paid by.
        persona: Who the user was.
        seed: Seed of the episodes.
        ending: How it ended; None where it stayed unfinished.
        user: U, points.
        assistant: L, points.
        welfare: W(U, L), points; None after a fault.
        charged: Billed, pico-USD.
        cost: Borne by the provider, pico-USD.
        turns: What happened, in order.
        fault: What failed, if anything did: then nothing was gained or lost.
    """

    group: str
    episode: int
    scenario: str
    digest: str
    regime: str
    persona: str
    seed: int
    ending: str | None
    user: float
    assistant: float
    welfare: float | None
    charged: int
    cost: int
    turns: tuple[ToldTurn, ...]
    fault: Fault | None = None

    @property
    def name(self) -> str:
        """What tells it from the others of its run."""
        return f"{self.group}-{self.episode}" if self.group else str(self.episode)


@dataclass(frozen=True)
class Story:
    """All conversations of a run, and what is known of it.

    Attributes:
        name: What to call it.
        began: When, ISO 8601; when the file was written, where nobody knows.
        user: Who sat in the user's seat; empty where nobody knows.
        assistant: Who sat in the assistant's seat.
        conversations: In order.
        notes: What is wrong with the records, in words.
    """

    name: str
    began: str
    user: str
    assistant: str
    conversations: tuple[Told, ...]
    notes: tuple[str, ...] = ()


def read_story(target: Path) -> Story:
    """Return what a run's folder or a file of transcripts tells of.

    Args:
        target: The folder or file.

    Raises:
        RunError: There are no conversations in it, or a record is no transcript.
    """
    if target.is_dir():
        return _of_folder(target)
    try:
        told = tuple(_told("", one) for one in read_transcripts(target))
    except OSError as error:
        raise RunError(f"{target}: cannot be read: {error}") from error
    if not told:
        raise RunError(f"{target} holds no transcripts")
    return Story(target.stem, _written(target), "", "", told)


def _written(path: Path) -> str:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="seconds")


def _of_folder(path: Path) -> Story:
    if (path / EVENTS).exists():
        facts = RunFolder(path).read(RUN)
        if facts.get("schema") != RUN_SCHEMA:
            raise RunError(f"{path / RUN} is of another version; {RUN_SCHEMA} is read here")
        log = read_log(path / EVENTS)
        notes = [f"{EVENTS}: damaged in {log.damaged} places; what is intact is kept"] * bool(
            log.damaged
        )
        told = tuple(_of_events(latest_events(log.records), facts))
        if not told:
            raise RunError(f"{path} holds no finished conversation yet")
        return Story(
            path.name,
            facts.get("began") or _written(path),
            facts["user"],
            facts["assistant"],
            told,
            tuple(notes),
        )
    files = sorted(path.glob(TRAINED), reverse=True)  # before, then after
    files = sorted(files, key=lambda file: "after" in file.stem)
    if not files:
        raise RunError(
            f"{path} holds no conversations: neither {EVENTS} of gtalign run nor {TRAINED} of "
            "gtalign train (PPO is evaluated exactly, without any)"
        )
    told = tuple(
        _told(file.stem.removeprefix("transcripts-"), one)
        for file in files
        for one in read_transcripts(file)
    )
    facts = RunFolder(path).read("run.json") if (path / "run.json").exists() else {}
    return Story(path.name, facts.get("began") or _written(path), "default", "trained", told)


def latest_events(records: Iterable[Any]) -> list[list[dict[str, Any]]]:
    """Return the events of each episode, in order; of several attempts the last that did not fail.

    Args:
        records: Of ``events.jsonl``.
    """
    found: dict[int, list[dict[str, Any]]] = {}
    for events in attempts(records):
        index = events[-1]["episode"]
        if (
            events[-1]["fault"] is None
            or index not in found
            or found[index][-1]["fault"] is not None
        ):
            found[index] = events
    return [found[index] for index in sorted(found)]


def _of_events(
    episodes: Sequence[Sequence[dict[str, Any]]], facts: Mapping[str, Any]
) -> Iterator[Told]:
    for events in episodes:
        one = from_events(events)
        yield Told(
            group="",
            episode=one.episode,
            scenario=facts["scenario"]["name"],
            digest=facts["digest"],
            regime=one.regime,
            persona=one.persona,
            seed=facts["seed"],
            ending=one.ending,
            user=one.user,
            assistant=one.assistant,
            welfare=one.welfare,
            charged=one.charged,
            cost=one.cost,
            turns=tuple(_turn(event) for event in events[:-1]),
            fault=one.fault,
        )


def _turn(event: Mapping[str, Any]) -> ToldTurn:
    user, assistant = event["rewards"]
    return ToldTurn(
        seat=event["seat"],
        move=event["move"],
        text=event.get("text"),
        written=event.get("written"),
        charge=event["charge"],
        rewards=(user, assistant),
        labels=tuple(event.get("labels", ())),
        calls=tuple(Call(*call) for call in event.get("calls", ())),
    )


def _told(group: str, one: Transcript) -> Told:
    turns = tuple(
        ToldTurn(turn.seat, turn.move, turn.text, turn.written, turn.charge, turn.rewards)
        for turn in one.turns
    )
    failed = one.ending == "fault"
    return Told(
        group=group,
        episode=one.episode,
        scenario=one.scenario,
        digest=one.digest,
        regime=one.regime,
        persona=one.persona,
        seed=one.seed,
        ending=one.ending,
        user=one.returns[0],
        assistant=one.returns[1],
        welfare=None if failed else one.welfare,
        charged=one.charged,
        cost=one.cost,
        turns=turns,
        fault=Fault("fault", "", 0, "the record does not say why") if failed else None,
    )


def repaired(text: str) -> tuple[str, int]:
    """Return a text with lone surrogates as U+FFFD, and how many there were.

    Args:
        text: Any.
    """
    return _SURROGATE.subn("\ufffd", text)
