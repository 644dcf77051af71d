"""Every assistant in every cell: runs of their own below one folder, crash-safe and resumable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from gtalign_env.errors import RunError
from gtalign_training.crew import Crew
from gtalign_training.grid.cells import Grid, folder_of
from gtalign_training.grid.spoken import play_rollouts
from gtalign_training.run_folder import RunFolder, write_json
from gtalign_training.runs.folder import RUN
from gtalign_training.runs.hold import DiskFullError
from gtalign_training.runs.run import DIRECT, run
from gtalign_training.runs.signals import Stoppable
from gtalign_training.runs.spending import spent_in
from gtalign_training.runs.stop import FaultsError
from gtalign_training.runs.words import Service

GRID = "grid.json"
"""What an evaluation is: seed, version, hash of the scenario."""

Report = Callable[[int, int], None]
"""Told (conversations finished, all of them), once these are on the disk."""


class _Stopped(NamedTuple):
    """Why a run stopped in another process."""

    faults: bool
    message: str


def play_grid(
    grid: Grid,
    root: Path,
    *,
    command: str = "",
    workers: int = 1,
    report: Report = lambda done, every: None,
    say: Callable[[str], None] = lambda line: None,
    service: Service = DIRECT,
    fault_limit: float = 1.0,
) -> None:
    """Play what is missing of every run of an evaluation.

    With at least as many runs as processes each run has a process of its own, with fewer the runs
    share theirs one after another; either way every file comes out the same.

    Args:
        grid: What is played.
        root: The evaluation's folder; runs that are there already are gone on with.
        command: The command line, for the record.
        workers: Number of processes.
        report: Told about finished conversations.
        say: Told what is wrong with logs that are gone on with.
        service: How language models are reached; its cap is for all runs together.
        fault_limit: Share of a run's episodes that may fail before all stops.

    Raises:
        DiskFullError: No more can be written.
        FaultsError: Too many episodes of a run failed, or the budget is used up.
        RunError: A run in the folder is of something else, or a process died.
        KeyboardInterrupt: The evaluation was interrupted; what was finished is kept.
    """
    every = len(grid.runs) * grid.episodes
    report(0, every)
    indices = list(range(len(grid.runs)))
    one_by_one = [i for i in indices if _needs_this_process(grid, i)]
    others = [i for i in indices if i not in set(one_by_one)]
    if workers > 1 and len(others) >= workers:
        work = partial(_worker, grid, root, command, fault_limit)
        named: Callable[[int], str] = lambda index: str(_place(grid, root, index))  # noqa: E731  # typed
        with Stoppable(), Crew(work, workers, named) as crew:
            for count, stopped in enumerate(crew.work(others), start=1):
                if stopped is not None:
                    raise (FaultsError if stopped.faults else DiskFullError)(stopped.message)
                report(count * grid.episodes, every)
        done = len(others)
    else:
        one_by_one, done = indices, 0
    for index in one_by_one:
        before = done * grid.episodes

        def tell(played: int, of: int, finished: Any, before: int = before) -> None:
            report(before + played, every)

        left = replace(service, cap=_cap_left(grid, root, index, service))
        sharing = 1 if _needs_this_process(grid, index) else workers
        _run(grid, root, index, command, fault_limit, sharing, left, tell, say)
        done += 1


def _place(grid: Grid, root: Path, index: int) -> Path:
    return folder_of(root, *grid.runs[index])


def _needs_this_process(grid: Grid, index: int) -> bool:
    """Return whether a language model plays: it is reached, or loaded, once."""
    cell, contender = grid.runs[index]
    return contender.folder is not None or grid.plan(cell, contender).words is not None


def _cap_left(grid: Grid, root: Path, index: int, service: Service) -> int | None:
    """Return what a run may spend: the cap, less what the others may have spent; None without."""
    cell, contender = grid.runs[index]
    if service.cap is None or grid.plan(cell, contender).words is None:
        return None
    own = _place(grid, root, index)
    others = {_place(grid, root, other) for other in range(len(grid.runs))} - {own}
    return max(0, service.cap - sum(spent_in(path) or 0 for path in others))


def _run(
    grid: Grid,
    root: Path,
    index: int,
    command: str,
    fault_limit: float,
    workers: int = 1,
    service: Service = DIRECT,
    report: Callable[[int, int, Any], None] = lambda played, every, finished: None,
    say: Callable[[str], None] = lambda line: None,
) -> None:
    cell, contender = grid.runs[index]
    path, plan = _place(grid, root, index), grid.plan(cell, contender)
    play = None
    if contender.folder is not None:
        folder = contender.folder
        play = lambda missing: play_rollouts(plan, missing, folder)  # noqa: E731  # bound here
    run(
        plan,
        path,
        command=command,
        workers=workers,
        resume=(path / RUN).exists(),
        report=report,
        say=say,
        service=service,
        fault_limit=fault_limit,
        play=play,
    )


def _worker(
    grid: Grid, root: Path, command: str, fault_limit: float
) -> Callable[[int], _Stopped | None]:
    def work(index: int) -> _Stopped | None:
        try:
            _run(grid, root, index, command, fault_limit)
        except (FaultsError, DiskFullError) as error:
            return _Stopped(isinstance(error, FaultsError), str(error))
        except KeyboardInterrupt:  # the parent ends its processes: nothing to tell anybody
            raise SystemExit(0) from None
        return None

    return work


def open_evaluation(root: Path, identity: dict[str, Any], *, resume: bool) -> None:
    """Refuse a folder that holds another evaluation.

    Args:
        root: The folder.
        identity: What must be the same for it to be gone on with.
        resume: Whether to go on with what is there; assistants, cells and episodes may be added.

    Raises:
        RunError: There is an evaluation and ``resume`` is False, or it is another one, or none.
    """
    if (root / GRID).exists():
        if not resume:
            raise RunError(
                f"{root} holds an evaluation already; add --resume to go on with it, or choose "
                "another folder with --out"
            )
        before = RunFolder(root).read(GRID)
        changed = [
            f"{name}: {before.get(name)!r} then, {now!r} now"
            for name, now in identity.items()
            if before.get(name) != now
        ]
        if changed:
            raise RunError(
                f"{root} is the evaluation of something else ({'; '.join(changed)}); undo the "
                "change, or use another folder"
            )
    elif resume:
        raise RunError(
            f"there is no evaluation in {root} to resume; leave out --resume to start one"
        )
    root.mkdir(parents=True, exist_ok=True)
    write_json(root / GRID, identity)
