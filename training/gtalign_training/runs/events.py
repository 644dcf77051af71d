"""Episodes read back from their events, the lines of ``events.jsonl``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from gtalign_agents.dialogue.guard import user_error
from gtalign_training.runs.episode import (
    SCHEMA,
    UNSURE,
    Episode,
    Fault,
    Side,
    Written,
)


def _choices(turns: Sequence[dict[str, Any]]) -> tuple[Written, ...]:
    # messages alternate, and the user opens: turn 2k + 1 answers turn 2k
    return tuple(
        Written.of(index // 2, turns[index - 1]["move"], turn["move"], *turn["choice"])
        for index, turn in enumerate(turns)
        if "choice" in turn
    )


def side_of(turns: Sequence[dict[str, Any]], seat: str) -> Side:
    """Return what a seat's messages came of.

    Args:
        turns: The turns of an episode in words.
        seat: ``user`` or ``assistant``.
    """
    own = [turn for turn in turns if turn["seat"] == seat]
    calls = [call for turn in own for call in turn.get("calls", ())]
    return Side.of(
        len(own),
        [label for turn in own for label in turn["labels"]],
        len(calls),
        sum(call[4] in UNSURE for call in calls),
        [sum(call[kind] for call in calls) for kind in range(4)],
        sum(user_error(turn["labels"]) for turn in own),
        [turn["typed"][0] for turn in own if "typed" in turn],
    )


def from_events(events: Sequence[dict[str, Any]]) -> Episode:
    """Return the episode that its events tell of.

    Args:
        events: Its turns in order, then its end.
    """
    *turns, last = events
    user = assistant = 0.0
    for turn in turns:  # in the order of play, as the conversation adds them up
        user, assistant = user + turn["rewards"][0], assistant + turn["rewards"][1]
    return Episode(
        episode=last["episode"],
        regime=last["regime"],
        persona=last["persona"],
        ending=last["ending"],
        user=user,
        assistant=assistant,
        welfare=last["welfare"],
        charged=sum(turn["charge"] for turn in turns),
        cost=last["cost"],
        output=last["output"],
        reasoning=last["reasoning"],
        user_moves=tuple(turn["move"] for turn in turns if turn["seat"] == "user"),
        assistant_moves=tuple(turn["move"] for turn in turns if turn["seat"] == "assistant"),
        fault=None if last["fault"] is None else Fault(**last["fault"]),
        words=(side_of(turns, "user"), side_of(turns, "assistant")) if "words" in last else None,
        written=_choices(turns),
        right=last.get("right"),
    )


def attempts(events: Iterable[Any]) -> Iterator[list[dict[str, Any]]]:
    """Yield the events of each episode that are complete, in the order in which they ended.

    An attempt that a crash cut off, or from which a line was lost, is passed over.

    Args:
        events: The records of ``events.jsonl``.
    """
    turns: list[dict[str, Any]] = []
    for event in events:
        if not isinstance(event, dict) or event.get("v") != SCHEMA:
            continue
        if "turns" in event:
            if [turn["episode"] for turn in turns] == [event["episode"]] * event["turns"]:
                yield [*turns, event]
            turns = []
        elif event.get("turn") == len(turns):
            turns.append(event)
        else:
            turns = [event] if event.get("turn") == 0 else []


def replay(events: Iterable[Any]) -> Iterator[Episode]:
    """Yield the episodes whose events are complete, in the order in which they ended.

    Args:
        events: The records of ``events.jsonl``.
    """
    return map(from_events, attempts(events))


def latest(episodes: Iterable[Episode]) -> tuple[dict[int, Episode], int]:
    """Return the episodes by index, and how many lines of the same episode there were too many.

    A line that follows a faulted one of the same episode is its repetition, as meant.

    Args:
        episodes: The episodes of a log, in order; the last one of an index counts.
    """
    found: dict[int, Episode] = {}
    repeated = 0
    for one in episodes:
        before = found.get(one.episode)
        repeated += before is not None and before.fault is None
        if before is None or before.fault is not None or one.fault is None:
            found[one.episode] = one
    return dict(sorted(found.items())), repeated
