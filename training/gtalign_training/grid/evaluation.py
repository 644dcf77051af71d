"""A whole evaluation: played, solved, reported, and written as files.

```
grid.json        what it is: scenarios, seed, version
cells/           a run folder of `gtalign run` for each assistant in each cell
evaluation.json  all results, as plain data
tables/          each table as Markdown, LaTeX and CSV
evaluation.png   both welfares of every assistant, and W; where Matplotlib is installed
```
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gtalign_env import __version__
from gtalign_env.errors import MissingExtraError
from gtalign_training.grid.cells import Grid, folder_of
from gtalign_training.grid.optimum import MOST_TYPES, Optimum, When, optimum_of
from gtalign_training.grid.play import Report, open_evaluation, play_grid
from gtalign_training.grid.report import report as report_of
from gtalign_training.grid.results import read_results
from gtalign_training.grid.tables import tables_of
from gtalign_training.grid.written import matrices_of
from gtalign_training.run_folder import write_json, write_text
from gtalign_training.runs.run import DIRECT
from gtalign_training.runs.words import Service
from gtalign_training.tables import ENDINGS

SCHEMA = "gtalign/evaluation/1"
RESULT = "evaluation.json"
TABLES = "tables"
PICTURE = "evaluation.png"


def evaluate(
    grid: Grid,
    root: Path,
    *,
    reference: str,
    command: str = "",
    workers: int = 1,
    resume: bool = False,
    epsilon: float = 0.05,
    optimum: When = "auto",
    types: int = MOST_TYPES,
    report: Report = lambda done, every: None,
    say: Callable[[str], None] = lambda line: None,
    service: Service = DIRECT,
    fault_limit: float = 1.0,
) -> dict[str, Any]:
    """Play an evaluation, and return what it says, which also lies in its folder.

    Args:
        grid: The evaluation.
        root: Its folder.
        reference: Name of the contender that the others are compared with.
        command: The command line, for the record.
        workers: Number of processes; the result does not depend on it.
        resume: Whether to go on with an evaluation that is there.
        epsilon: Difference of a welfare that counts as none, points.
        optimum: When to solve for the exact optimum.
        types: Types per persona that stand in for a continuous distribution there.
        report: Told about finished conversations.
        say: Told what is being done, and what is wrong with logs that are gone on with.
        service: How language models are reached.
        fault_limit: Share of a run's episodes that may fail before all stops.

    Raises:
        DiskFullError: No more can be written.
        FaultsError: Too many episodes of a run failed, or the budget is used up.
        RunError: The folder cannot be used, or a process died.
        KeyboardInterrupt: It was interrupted; what was finished is kept.
    """
    identity = {"schema": SCHEMA, "gtalign-env": __version__, "seed": grid.seed}
    open_evaluation(root, identity, resume=resume)
    play_grid(
        grid,
        root,
        command=command,
        workers=workers,
        report=report,
        say=say,
        service=service,
        fault_limit=fault_limit,
    )
    if optimum != "never":
        say("Solving for the exact optimum of every cell")
    optima: list[Optimum] = [optimum_of(cell, grid.episodes, optimum, types) for cell in grid.cells]
    data = {
        "schema": SCHEMA,
        "gtalign-env": __version__,
        "command": command,
        **report_of(read_results(grid, root, optima, reference, epsilon)),
        "matrices": matrices_of(
            (contender.name, cell.labels, folder_of(root, cell, contender))
            for cell, contender in grid.runs
        ),
    }
    write_files(root, data)
    return data


def write_files(root: Path, data: dict[str, Any]) -> None:
    """Write the result and its tables.

    Args:
        root: The folder.
        data: The content of ``evaluation.json``.
    """
    write_json(root / RESULT, data)
    (root / TABLES).mkdir(exist_ok=True)
    for table in tables_of(data):
        for ending, text in ENDINGS.items():
            write_text(root / TABLES / f"{table.key}{ending}", text(table))
    if "welfare" in data:
        from gtalign_training.plots.evaluation import draw_evaluation

        with contextlib.suppress(MissingExtraError):  # numbers do not wait for a picture
            draw_evaluation(data, root / PICTURE)
