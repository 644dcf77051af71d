"""The folder of a run of episodes: what it is, whether it may be gone on with, what it holds.

```
run.json        the scenario, complete, seats, seed, versions, how it stands
events.jsonl    one line a turn and one at the end of an episode (see `run_log`)
episodes.jsonl  one line a finished episode
transcripts.jsonl  in words: what was said and written, by conversation
spending.jsonl  with a budget: what model calls may have cost by now
summary.json    welfares, moves, tokens, bill, endings, faults
lock            who is writing
```
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gtalign_env.errors import RunError
from gtalign_env.scenario.loader import Scenario, parse_scenario
from gtalign_training.run_folder import RunFolder, write_json
from gtalign_training.run_log import fsync_folder, read_log
from gtalign_training.runs.episode import Episode
from gtalign_training.runs.events import latest, replay
from gtalign_training.runs.words import Words

SCHEMA = "gtalign/run/1"
RUN, EVENTS, EPISODES, SUMMARY, LOCK = (
    "run.json",
    "events.jsonl",
    "episodes.jsonl",
    "summary.json",
    "lock",
)
MOST_NAMED = 6
"""Differences that a refusal names."""


@dataclass(frozen=True)
class Plan:
    """What a run plays.

    Attributes:
        scenario: The game, with the regime it is played under.
        user: Name of the user's policy.
        assistant: Name of the assistant's policy.
        seed: Seed of the episodes.
        episodes: How many.
        words: How messages are written; None to play by moves.
        keyed_by: Hash that all draws depend on beside the seed, where it is not the scenario's own:
            runs of scenarios that differ, such as in their price, then share their luck.
    """

    scenario: Scenario
    user: str
    assistant: str
    seed: int
    episodes: int
    words: Words | None = None
    keyed_by: str | None = None

    def facts(self) -> dict[str, Any]:
        """Return what a summary says of the run."""
        return {
            "scenario": self.scenario.name,
            "digest": self.scenario.digest,
            "pricing": [pricing.name for _, pricing in self.scenario.schedule],
            "user": self.user,
            "assistant": self.assistant,
            "seed": self.seed,
            "episodes": self.episodes,
            **({} if self.words is None else {"words": self.words_facts()}),
            **({} if self.keyed_by is None else {"keyed_by": self.keyed_by}),
        }

    def words_facts(self) -> dict[str, Any] | None:
        """Return what the messages depend on; None for a game by moves."""
        return None if self.words is None else self.words.facts(self.user, self.assistant)


@dataclass(frozen=True)
class Found:
    """What the logs of a run hold.

    Attributes:
        episodes: The episodes by index, of ``episodes.jsonl``.
        notes: What is wrong with the logs, in words; empty where nothing is.
        repeated: Episodes that were logged more than once.
        damaged: Damaged places.
        ends: Where the last intact record ends, of events and episodes.
    """

    episodes: dict[int, Episode]
    notes: tuple[str, ...]
    repeated: int
    damaged: int
    ends: tuple[int, int]

    def missing(self, episodes: int) -> list[int]:
        """Return the episodes that are to be played: those that are not there, and faulted ones."""
        return [
            index
            for index in range(episodes)
            if index not in self.episodes or self.episodes[index].fault is not None
        ]


def read_run(path: Path) -> Found:
    """Return what the logs of a run folder hold, whatever has happened to them.

    Args:
        path: The folder.
    """
    events, lines = read_log(path / EVENTS), read_log(path / EPISODES)
    parsed = [Episode.from_data(line) for line in lines.records]
    episodes, repeated = latest(one for one in parsed if one is not None)
    notes = []
    strange = sum(one is None for one in parsed)
    for name, log in ((EVENTS, events), (EPISODES, lines)):
        if log.torn:
            notes.append(f"{name}: the last line was cut off ({log.torn} bytes); it is left out")
        if log.damaged:
            notes.append(f"{name}: damaged in {log.damaged} places; what is intact is kept")
    if strange:
        notes.append(f"{EPISODES}: {strange} lines are of another version; they are left out")
    if repeated:
        notes.append(f"{EPISODES}: {repeated} episodes are repeated; the last line counts")
    damaged = events.damaged + lines.damaged + strange
    return Found(episodes, tuple(notes), repeated, damaged, (events.end, lines.end))


def episodes_of_events(path: Path) -> dict[int, Episode]:
    """Return the episodes that ``events.jsonl`` alone tells of, by index.

    Args:
        path: The run folder.
    """
    return latest(replay(read_log(path / EVENTS).records))[0]


def open_run(path: Path, plan: Plan, command: str, *, resume: bool) -> None:
    """Make a run's folder what the plan asks for, or find that it is that already.

    Args:
        path: The folder.
        plan: What is to be played.
        command: The command line, for the record.
        resume: Whether to go on with a run that is there.

    Raises:
        RunError: There is a run and ``resume`` is False; or it was made from something else; or
            there is none to resume.
    """
    size = {"episodes": plan.episodes}
    open_folder(path, _identity(plan), size, (EPISODES, EVENTS), command, resume=resume)


def open_folder(
    path: Path,
    identity: dict[str, Any],
    size: dict[str, int],
    logs: tuple[str, ...],
    command: str,
    *,
    resume: bool,
) -> None:
    """Make a folder that of a run, or find that it is that already.

    Args:
        path: The folder.
        identity: What must be the same for a run to be gone on with; ``digest`` stands for the
            scenario's numbers.
        size: How much is to be made, by name; may grow from one sitting to the next, not shrink.
        logs: Files that must not lie there without a ``run.json``.
        command: The command line, for the record.
        resume: Whether to go on with a run that is there.

    Raises:
        RunError: As `open_run`.
    """
    folder = RunFolder(path)
    if (path / RUN).exists():
        if not resume:
            raise RunError(
                f"{path} holds a run already; add --resume to go on with it, or choose another "
                "folder with --out"
            )
        before = folder.read(RUN)
        changed = differences(before, identity)
        changed += [
            f"{name}: {before[name]} then, {now} now"
            for name, now in size.items()
            if before.get(name, 0) > now
        ]
        if changed:
            more = f", and {len(changed) - MOST_NAMED} more" if len(changed) > MOST_NAMED else ""
            shown = "; ".join(changed[:MOST_NAMED])
            raise RunError(
                f"{path} is the run of something else ({shown}{more}); "
                "undo the change, or use another folder"
            )
    elif resume:
        raise RunError(f"there is no run in {path} to resume; leave out --resume to start one")
    elif any((path / name).exists() for name in logs):
        raise RunError(f"{path} holds logs of a run that has lost its {RUN}; use another folder")
    folder.mark(**identity, **size, command=command, status="running")
    fsync_folder(path)


def _identity(plan: Plan) -> dict[str, Any]:
    """Return what must be the same for a run to be gone on with."""
    return {
        "schema": SCHEMA,
        "gtalign-env": version_now(),
        "scenario": plan.scenario.to_data(),
        "digest": plan.scenario.digest,
        "user": plan.user,
        "assistant": plan.assistant,
        "seed": plan.seed,
        "words": plan.words_facts(),
        "keyed_by": plan.keyed_by,
    }


def version_now() -> str:
    """Return the version of this package, which a run must not change under way."""
    from gtalign_env import __version__

    return __version__


def differences(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Return what differs between a run as it was made and as it is asked for, in words.

    Descriptions and tags do not count: the scenario's hash leaves them out.

    Args:
        before: The content of ``run.json``.
        now: The same entries of the plan.
    """
    if before.get("digest") == now["digest"]:
        before = {**before, "scenario": now["scenario"]}
    found = [
        f"{name}: {_show(then)} then, {_show(value)} now"
        for key in now
        if key != "digest"
        for name, then, value in _changes(key, before.get(key), now[key])
    ]
    return found or (["digest"] if before.get("digest") != now["digest"] else [])


def _changes(name: str, then: Any, now: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(then, dict) and isinstance(now, dict):
        for key in dict.fromkeys((*then, *now)):
            yield from _changes(f"{name}.{key}", then.get(key), now.get(key))
    elif isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        for index, (one, other) in enumerate(zip(then, now, strict=True)):
            yield from _changes(f"{name}[{index}]", one, other)
    elif then != now:
        yield name, then, now


def _show(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:36]} ..."


def mark(path: Path, **facts: Any) -> None:
    """Add facts to ``run.json``, durably."""
    RunFolder(path).mark(**facts)
    fsync_folder(path)


def write_summary(path: Path, summary: dict[str, Any]) -> None:
    """Write ``summary.json`` whole or not at all."""
    write_json(path / SUMMARY, summary)
    fsync_folder(path)


def scenario_of(path: Path) -> Scenario:
    """Return the scenario that a run was played on, complete in ``run.json``.

    Raises:
        RunError: It is no run folder, or damaged.
    """
    return parse_scenario(RunFolder(path).read(RUN)["scenario"], source=str(path / RUN))
