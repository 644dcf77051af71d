"""The transcripts of a run in words, made from its events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gtalign_env.core.spec import GameSpec
from gtalign_env.envs.table import Table
from gtalign_env.envs.transcript import Transcript, Turn
from gtalign_training.run_folder import write_text
from gtalign_training.run_log import fsync_folder, read_log
from gtalign_training.runs.events import attempts, from_events
from gtalign_training.runs.folder import EVENTS, Plan

TRANSCRIPTS = "transcripts.jsonl"


def transcripts(path: Path, plan: Plan) -> Iterator[Transcript]:
    """Yield the conversations of a run that did not fail, in order.

    Args:
        path: The run folder.
        plan: What was played.
    """
    table = Table(plan.scenario)
    for episode, events in finished(path).items():
        yield _transcript(events, table.spec(episode), plan.seed)


def finished(path: Path) -> dict[int, list[dict[str, Any]]]:
    """Return the events of the conversations that did not fail, by episode, in order.

    Args:
        path: The run folder.
    """
    latest: dict[int, list[dict[str, Any]]] = {}
    for events in attempts(read_log(path / EVENTS).records):
        if events[-1]["fault"] is None:
            latest[events[-1]["episode"]] = events
    return dict(sorted(latest.items()))


def write_transcripts(path: Path, plan: Plan) -> None:
    """Write the transcripts of a run to its folder, whole or not at all.

    Args:
        path: The run folder.
        plan: What was played.
    """
    lines = [one.to_json() + "\n" for one in transcripts(path, plan)]
    write_text(path / TRANSCRIPTS, "".join(lines))
    fsync_folder(path)


def _transcript(events: list[dict[str, Any]], spec: GameSpec, seed: int) -> Transcript:
    *turns, last = events
    one = from_events(events)
    return Transcript(
        scenario=spec.name,
        digest=spec.digest,
        regime=one.regime,
        seed=seed,
        episode=one.episode,
        persona=one.persona,
        turns=tuple(_turn(turn) for turn in turns),
        ending=one.ending,
        returns=(one.user, one.assistant),
        welfare=last["welfare"],
        charged=one.charged,
        cost=one.cost,
    )


def _turn(turn: Mapping[str, Any]) -> Turn:
    user, assistant = turn["rewards"]
    return Turn(
        seat=turn["seat"],
        move=turn["move"],
        text=turn["text"],
        written=turn.get("written"),
        charge=turn["charge"],
        rewards=(user, assistant),
        usage=turn.get("usage"),
    )
