"""Run a study: chunks of points over processes, resumable, with the same bytes for any number.

A chunk is a fixed stretch of the points, and the workers take them in turn: worker k of K solves
the missing chunks k, k + K, ... and writes each to a file of its own. Nothing but those files is
shared, so a sweep that is killed at any moment loses at most the chunks under way.
"""

from __future__ import annotations

import multiprocessing
import os
import traceback
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import numpy as np

from gtalign_env.errors import GTAlignError, RunError, ScenarioError
from gtalign_env.scenario.sweep import Study
from gtalign_training.run_folder import write_json
from gtalign_training.studies.folder import CHUNK, StudyFolder, require_arrow
from gtalign_training.studies.solved import Columns, solved
from gtalign_training.studies.summary import summary_of

Report = Callable[[int, int], None]
"""Is told points done and points in all."""


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def sweep(
    study: Study,
    out: Path,
    *,
    workers: int = 1,
    resume: bool = False,
    report: Report | None = None,
    chunk: int = CHUNK,
) -> dict[str, Any]:
    """Solve every point of a study into a folder; return its summary.

    Args:
        study: What is solved.
        out: The folder.
        workers: Processes; the results do not depend on it.
        resume: Whether to go on with an interrupted sweep.
        report: Told of the progress.
        chunk: Points that are solved and written together.

    Raises:
        MissingExtraError: PyArrow is not installed.
        RunError: The folder does not fit, or a worker died.
        ScenarioError: A point is out of range.
    """
    require_arrow()
    folder = StudyFolder.open(out, study, resume=resume, chunk=chunk)
    if not folder.is_finished:
        missing = [k for k in range(len(folder.chunks)) if not folder.chunk(k).exists()]
        done = study.size - sum(len(folder.chunks[k]) for k in missing)

        def finished(index: int) -> None:
            nonlocal done
            done += len(folder.chunks[index])
            if report is not None:
                report(done, study.size)

        if report is not None:
            report(done, study.size)
        workers = max(1, min(workers, len(missing)))
        if workers == 1:
            for index in missing:
                _solve(folder, study, index)
                finished(index)
        else:
            _run_workers(folder, missing, workers, finished)
        folder.merge()
        write_json(out / "summary.json", summary_of(study, folder))
    if (out / "chunks").exists():
        folder.drop_chunks()
    found: dict[str, Any] = folder.read("summary.json")
    return found


def columns_of(study: Study, indices: Sequence[int]) -> Columns:
    """Return the columns of some points: their index, the values of the axes, what was computed.

    Args:
        study: Which study.
        indices: Of the points.

    Returns:
        Columns by name, each of shape ``(points,)``.

    Raises:
        ScenarioError: A point is out of range; names it.
    """
    points = [study.point(index) for index in indices]
    out: Columns = {"point": np.array(indices, dtype=np.int64)}
    for axis, values in zip(study.axes, zip(*points, strict=True), strict=True):
        out[axis.field.path] = np.array([axis.field.shown(value) for value in values])
    try:
        specs = list(study.specs(points))
    except ScenarioError as error:
        raise ScenarioError(
            f"study {study.name}, points {indices[0]} to {indices[-1]}: {error}"
        ) from error
    return out | solved(specs, study.file)


def _solve(folder: StudyFolder, study: Study, index: int) -> None:
    folder.write_chunk(index, columns_of(study, folder.chunks[index]))


def _run_workers(
    folder: StudyFolder, missing: list[int], workers: int, finished: Callable[[int], None]
) -> None:
    """Let processes solve the missing chunks; raise what one of them raised."""
    context = multiprocessing.get_context("spawn")
    links: dict[Connection, Any] = {}
    try:
        for k in range(workers):
            ours, theirs = context.Pipe(duplex=False)
            process = context.Process(
                target=_work, args=(str(folder.path), missing[k::workers], theirs), daemon=True
            )
            process.start()
            theirs.close()
            links[ours] = process
        left = dict(links)
        while left:
            for link in wait(list(left)):
                assert isinstance(link, Connection)
                try:
                    kind, what = link.recv()
                except EOFError:
                    _check_exit(left.pop(link))
                    continue
                if kind == "error":
                    raise what
                finished(what)
    finally:
        for link, process in links.items():
            link.close()
            process.terminate()
            process.join()


def _check_exit(process: Any) -> None:
    """Raise if a worker went without a word."""
    process.join()
    if process.exitcode != 0:
        raise RunError(
            f"a worker ended with exit code {process.exitcode} (killed, or out of memory?); what is "
            "solved is kept: go on with --resume, and perhaps fewer --workers"
        )


def _work(path: str, chunks: list[int], link: Connection) -> None:
    """Solve chunks and report each; the body of a worker."""
    parent = multiprocessing.parent_process()
    folder = StudyFolder(Path(path))
    try:
        study = folder.study()
        for index in chunks:
            if parent is not None and not parent.is_alive():
                return  # nobody waits any more
            _solve(folder, study, index)
            link.send(("chunk", index))
    except GTAlignError as error:
        link.send(("error", error))
    except (BrokenPipeError, KeyboardInterrupt):
        return
    except Exception:  # sent to the parent, which raises it
        link.send(("error", RunError(f"a worker failed:\n{traceback.format_exc()}")))
