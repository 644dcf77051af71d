"""Many episodes of one scenario between two named policies, kept on disk as they finish.

What has been reported done is on the disk: a crash at any moment loses nothing of it, and going on
gives the summary that an unbroken run gives, bit for bit, with any number of processes.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from gtalign_env.errors import RunError
from gtalign_env.scenario.compile import compile_scenario
from gtalign_training.play_run_episode import Episode
from gtalign_training.play_run_folder import (
    EPISODES,
    EVENTS,
    LOCK,
    Plan,
    mark,
    open_run,
    read_run,
    write_summary,
)
from gtalign_training.play_run_signals import Stoppable
from gtalign_training.play_run_summary import summarise
from gtalign_training.play_run_workers import Make, named_seats, play_all
from gtalign_training.run_log import RunLog
from gtalign_training.run_log_lock import FolderLock

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What the system says where no more can be written."""

FAULTS_IN_A_ROW = 20
"""After so many faulted episodes one after another a run stops: something is down."""

Report = Callable[[int, int, list[Episode]], None]
"""Told (finished, all, episodes just finished), once these are on the disk."""


class DiskFullError(RunError):
    """No more can be written; what was acknowledged is kept."""


def run(
    plan: Plan,
    path: Path,
    *,
    command: str = "",
    workers: int = 1,
    resume: bool = False,
    report: Report = lambda done, episodes, finished: None,
    say: Callable[[str], None] = lambda line: None,
    make: Make = named_seats,
) -> dict[str, Any]:
    """Play what is missing of a run, and return its summary.

    Args:
        plan: What to play.
        path: The run's folder.
        command: The command line, for the record.
        workers: Number of processes.
        resume: Whether to go on with a run that is there; missing and faulted episodes are played.
        report: Told about finished episodes.
        say: Told what is wrong with the logs of a run that is gone on with.
        make: Makes the policies.

    Raises:
        DiskFullError: No more can be written.
        RunError: The folder cannot be used, too many episodes in a row failed, or a process died.
        KeyboardInterrupt: The run was interrupted; what was finished is kept.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        with FolderLock(path / LOCK):
            return _run(plan, path, command, workers, resume, report, say, make)
    except (PermissionError, FileExistsError, NotADirectoryError) as error:
        raise RunError(f"{path} must be a folder that can be written: {error}") from error
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise DiskFullError(
            f"nothing more can be written to {path} ({error.strerror}); everything reported done "
            "is kept: make room, then go on with --resume"
        ) from error


def _run(
    plan: Plan,
    path: Path,
    command: str,
    workers: int,
    resume: bool,
    report: Report,
    say: Callable[[str], None],
    make: Make,
) -> dict[str, Any]:
    open_run(path, plan, command, resume=resume)
    found = read_run(path)
    for note in found.notes:
        say(note)
    episodes = dict(found.episodes)
    missing = found.missing(plan.episodes)
    report(plan.episodes - len(missing), plan.episodes, [])
    in_a_row = 0
    with (
        Stoppable() as stop,
        RunLog(path / EVENTS, found.ends[0]) as events,
        RunLog(path / EPISODES, found.ends[1]) as lines,
    ):
        left = len(missing)
        try:
            with closing(play_all(plan, missing, workers, make)) as chunks:
                for played in chunks:
                    with stop.held():
                        events.append(event for one in played for event in one.events)
                        lines.append(one.result.to_data() for one in played)
                        results = [one.result for one in played]
                        episodes |= {one.episode: one for one in results}
                        left -= len(results)
                        report(plan.episodes - left, plan.episodes, results)
                    in_a_row = _faults_in_a_row(in_a_row, results)
        except KeyboardInterrupt:
            mark(path, status="interrupted")
            raise
        with stop.held():
            summary = summary_of(plan, episodes)
            write_summary(path, summary)
            mark(path, status="finished")
    return summary


def _faults_in_a_row(before: int, results: list[Episode]) -> int:
    """Return how many of the latest episodes in a row failed.

    Raises:
        RunError: Too many.
    """
    for one in results:
        before = 0 if one.fault is None else before + 1
        if one.fault is not None and before >= FAULTS_IN_A_ROW:
            raise RunError(
                f"{before} episodes in a row failed, the last by {one.fault.kind} in the "
                f"{one.fault.seat}'s seat; mend that, then go on with --resume"
            )
    return before


def summary_of(plan: Plan, episodes: dict[int, Episode]) -> dict[str, Any]:
    """Return the summary of episodes of a plan.

    Args:
        plan: What was played.
        episodes: The episodes by index.
    """
    welfare = compile_scenario(plan.scenario).welfare
    return summarise(episodes, plan.facts(), welfare)
