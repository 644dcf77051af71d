"""Many episodes of one scenario between two named policies, kept on disk as they finish.

What has been reported done is on the disk: a crash at any moment loses nothing of it, and going on
gives the summary that an unbroken run gives, bit for bit, with any number of processes.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path
from typing import Any

from gtalign_agents.calibration import exact_payoff
from gtalign_env.envs.table import Table
from gtalign_env.scenario.compile import compile_scenario
from gtalign_training.run_log import RunLog
from gtalign_training.runs.episode import Episode
from gtalign_training.runs.folder import (
    EPISODES,
    EVENTS,
    Plan,
    mark,
    open_run,
    read_run,
    write_summary,
)
from gtalign_training.runs.hold import held_folder
from gtalign_training.runs.record import Played
from gtalign_training.runs.signals import Stoppable
from gtalign_training.runs.stop import FaultsError, Stop
from gtalign_training.runs.summary import summarise
from gtalign_training.runs.talk import play_words, require_prices
from gtalign_training.runs.transcripts import write_transcripts
from gtalign_training.runs.words import Service
from gtalign_training.runs.workers import Make, named_seats, play_all

DIRECT = Service()
"""Models are asked, nothing is recorded, and nothing is capped."""

Report = Callable[[int, int, list[Episode]], None]
"""Told (finished, all, episodes just finished), once these are on the disk."""


Play = Callable[[list[int]], Generator[list[Played]]]
"""Yields the records of episodes, block by block, in order."""


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
    service: Service = DIRECT,
    fault_limit: float = 1.0,
    play: Play | None = None,
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
        make: Makes the policies of a game by moves.
        service: How language models are reached.
        fault_limit: Share of all episodes that may fail before the run stops.
        play: Plays the episodes with these indices, block by block and in order, in place of the
            policies and models that the plan names.

    Raises:
        DiskFullError: No more can be written.
        FaultsError: Too many episodes failed, or the budget is used up.
        RunError: The folder cannot be used, or a process died.
        ScenarioError: There is a budget, and a model without a price.
        KeyboardInterrupt: The run was interrupted; what was finished is kept.
    """
    require_prices(plan, service)
    with held_folder(path):
        chunks = play or _chunks(plan, path, workers, make, service)
        stop = Stop(plan.episodes, fault_limit, service.cap)
        return _run(plan, path, command, resume, report, say, chunks, stop)


def _run(
    plan: Plan,
    path: Path,
    command: str,
    resume: bool,
    report: Report,
    say: Callable[[str], None],
    chunks: Play,
    limits: Stop,
) -> dict[str, Any]:
    open_run(path, plan, command, resume=resume)
    found = read_run(path)
    for note in found.notes:
        say(note)
    episodes = dict(found.episodes)
    missing = found.missing(plan.episodes)
    report(plan.episodes - len(missing), plan.episodes, [])
    with (
        Stoppable() as stop,
        RunLog(path / EVENTS, found.ends[0]) as events,
        RunLog(path / EPISODES, found.ends[1]) as lines,
    ):
        left = len(missing)
        try:
            with closing(chunks(missing)) as blocks:
                for played in blocks:
                    with stop.held():
                        events.append(event for one in played for event in one.events)
                        lines.append(one.result.to_data() for one in played)
                        results = [one.result for one in played]
                        episodes |= {one.episode: one for one in results}
                        left -= len(results)
                        report(plan.episodes - left, plan.episodes, results)
                    limits.watch(results, left)
        except KeyboardInterrupt:
            mark(path, status="interrupted")
            raise
        except FaultsError:
            mark(path, status="stopped")
            raise
        with stop.held():
            summary = summary_of(plan, episodes)
            if plan.words is not None:
                write_transcripts(path, plan)
            write_summary(path, summary)
            mark(path, status="finished")
    return summary


def _chunks(plan: Plan, path: Path, workers: int, make: Make, service: Service) -> Play:
    if plan.words is None:
        return lambda missing: play_all(plan, missing, workers, make)
    return lambda missing: play_words(plan, missing, service, path)


def summary_of(plan: Plan, episodes: dict[int, Episode]) -> dict[str, Any]:
    """Return the summary of episodes of a plan.

    Args:
        plan: What was played.
        episodes: The episodes by index.
    """
    welfare = compile_scenario(plan.scenario).welfare
    rates = {} if plan.words is None else plan.words.known_rates()
    met = {one.regime for one in episodes.values() if one.written}
    specs = {spec.regime.name: spec for spec in Table(plan.scenario).specs} if met else {}
    exact = {name: exact_payoff(specs[name]) for name in sorted(met)}
    return summarise(episodes, plan.facts(), welfare, rates, exact)
