"""Conversations as the page reads them: the record as it was logged, and what can be told beside it.

A record has ``key`` (in deep links), ``episode``, ``regime``, ``persona``, ``ending``, ``fault``,
``welfare`` [U, L, W], ``charged`` and ``cost`` (pico-USD; None where nothing was billed), ``turns`` (as logged), ``beside`` (one
entry a turn: the blocks that a model wrote or the rule it broke, tokens), ``latent`` and ``budget``
where they are known, and ``end`` (the last logged line).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from gtalign_agents.fourblock import BLOCKS, parse
from gtalign_env.errors import FormatError
from gtalign_training.report.parts import Folder
from gtalign_training.report.replayed import Replayed

PREVIEW = 90
"""Letters of what the user asked that the list shows."""


def talk_record(
    turns: Sequence[Mapping[str, Any]],
    end: Mapping[str, Any],
    *,
    back: Replayed | None,
    **facts: Any,
) -> dict[str, Any]:
    """Return a conversation as the page reads it.

    Args:
        turns: Its turns as logged.
        end: Its last line as logged, or what stands for it.
        back: What its draws bring back.
        facts: ``episode``, ``regime``, ``persona``, ``ending``, ``fault``, ``welfare``,
            ``charged`` and ``cost``.
    """
    record = {"key": str(facts["episode"]), **facts, "turns": list(turns), "end": dict(end)}
    usage = iter(back.usage if back is not None and back.usage is not None else ())
    record["beside"] = [
        beside(turn) | _used(next(usage, None) if turn.get("seat") == "assistant" else None)
        for turn in turns
    ]
    if back is not None:
        record |= {"budget": back.budget, "latent": back.latent}
    return record


def beside(turn: Mapping[str, Any]) -> dict[str, Any]:
    """Return what can be told of a turn beside its record: the blocks that a model wrote.

    Args:
        turn: The turn as logged.
    """
    written = turn.get("written")
    # most of what a user's model writes has no blocks, and is not meant to
    if not isinstance(written, str) or not any(f"<{name}>" in written for name in BLOCKS):
        return {}
    try:
        block = parse(written)
    except FormatError as error:
        return {"broken": {"rule": error.rule, "offset": error.offset}}
    return {"blocks": {name: getattr(block, name) for name in BLOCKS}}


def _used(usage: Sequence[int] | None) -> dict[str, Any]:
    return {} if usage is None else {"usage": list(usage)}


def with_unique_keys(records: Sequence[dict[str, Any]]) -> tuple[dict[str, Any], ...]:
    """Return conversations whose keys are told apart: by regime where an index occurs in several.

    Args:
        records: As `talk_record` makes them.
    """
    seen = Counter(record["key"] for record in records)
    if seen and max(seen.values()) > 1:
        records = [{**one, "key": f"{one['regime']}-{one['key']}"} for one in records]
    counted: Counter[str] = Counter()
    out = []
    for one in records:
        counted[one["key"]] += 1
        again = counted[one["key"]]
        out.append(one if again == 1 else {**one, "key": f"{one['key']}-{again}"})
    return tuple(out)


def at_most(folders: Sequence[Folder], most: int) -> tuple[Folder, ...]:
    """Return folders that hold so many conversations together, and say what they leave out.

    Args:
        folders: In order; the first conversations are kept.
        most: How many.
    """
    left = most
    out = []
    for folder in folders:
        talks = []
        for some in folder.talks:
            talks.append(replace(some, records=some.records[:left]))
            left -= len(talks[-1].records)
        held = sum(len(some.records) for some in talks)
        every = sum(len(some.records) for some in folder.talks)
        note = (
            f"The page holds {held:,} of {every:,} conversations to read (--conversations sets how "
            "many); every number is of all.",
        )
        kept = tuple(some for some in talks if some.records)
        more = note if held < every else ()
        out.append(replace(folder, talks=kept, problems=(*folder.problems, *more)))
    return tuple(out)


def preview(record: Mapping[str, Any]) -> str:
    """Return what the list shows of a conversation: what was asked, or else its moves."""
    turns = record["turns"]
    asked = next((turn.get("text") for turn in turns if turn.get("text")), None)
    if isinstance(asked, str):
        return asked if len(asked) <= PREVIEW else f"{asked[: PREVIEW - 1]}…"
    return " · ".join(str(turn.get("move", "?")) for turn in turns)


def transcript_record(row: Mapping[str, Any], back: Replayed | None = None) -> dict[str, Any]:
    """Return a transcript as the page reads it.

    Args:
        row: A line of a file of transcripts; ``turns`` is a list.
        back: What its draws bring back.
    """
    returns = row.get("returns")
    if not isinstance(returns, list) or len(returns) != 2:
        returns = [None, None]
    return talk_record(
        [turn for turn in row["turns"] if isinstance(turn, dict)],
        {key: value for key, value in row.items() if key != "turns"},
        back=back,
        episode=row.get("episode", 0),
        regime=str(row.get("regime")),
        persona=str(row.get("persona")),
        ending=str(row.get("ending")),
        fault=None,
        welfare=[*returns, row.get("welfare")],
        charged=row.get("charged", 0),
        cost=row.get("cost", 0),
    )
