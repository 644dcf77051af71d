"""`gtalign compare`: runs that lie on the disk, on the episodes that they share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gtalign_env.errors import ScenarioError, suggest
from gtalign_training.commands.evaluate import Shown, known_format, print_data
from gtalign_training.commands.options import Json
from gtalign_training.commands.options_words import one_of
from gtalign_training.commands.sitting import FAULTS
from gtalign_training.console import err, point_to_report, print_json, safe
from gtalign_training.progress import working

EXAMPLES = (
    "gtalign compare runs/one runs/two",
    "gtalign compare runs/evaluation-of-one runs/evaluation-of-another --format markdown",
    "gtalign compare runs/strategic-ppo-seed0 runs/strategic-ppo-seed1 --json",
    "gtalign compare runs/scripted runs/phrased runs/replayed --by user",
)

BY = ("assistant", "user")
"""Who may differ between runs that are compared."""


def compare(
    runs: Annotated[
        list[Path],
        typer.Argument(
            help="Folders of gtalign run, gtalign evaluate or gtalign train.", metavar="RUN RUN..."
        ),
    ],
    by: Annotated[
        str,
        typer.Option(help="Who differs: the assistant, or the user of one and the same assistant."),
    ] = "assistant",
    reference: Annotated[
        str | None, typer.Option(help="Whom the others are compared with; by default the first.")
    ] = None,
    epsilon: Annotated[
        float, typer.Option(help="Difference of a welfare that counts as none, points.", min=0)
    ] = 0.05,
    optimum: Annotated[
        str, typer.Option(help="Solve for the exact optimum: auto, always or never.")
    ] = "auto",
    types: Annotated[
        int, typer.Option(help="Types that stand in for a persona that varies.", min=1)
    ] = 8,
    folder: Annotated[
        Path | None,
        typer.Option("--out", help="Folder for evaluation.json and the tables.", metavar="DIR"),
    ] = None,
    shown: Shown = "terminal",
    json: Json = False,
) -> None:
    """Compare runs that are there on the episodes that they share, with intervals and tests.

    The runs must have been played with the same draws: same scenario, price, persona, user, seed
    and version. What differs is named, and not compared. With --by user the runs share the
    assistant and differ in the user alone: the worst stands beside the mean. Exit code 3 if some conversations had
    ended in a fault; they are counted and left out.
    """
    if by not in BY:
        raise ScenarioError(f"--by is assistant or user; got {by!r}.{suggest(by, BY)}")
    if by == "user":
        _compare_users(runs, json=json)
        return
    from gtalign_training.grid.compare import compare as compare_folders
    from gtalign_training.grid.evaluation import write_files
    from gtalign_training.grid.optimum import When

    known_format(shown)
    when = one_of("--optimum", optimum, When)
    with working(err(), "Reading, solving for the optimum, testing", quiet=json):
        data = compare_folders(
            runs, reference=reference, epsilon=epsilon, optimum=when, types=types
        )
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        write_files(folder, data)
        err().print(safe(f"Wrote {folder}"), soft_wrap=True)
    print_data(data, shown, json=json)
    if folder is not None and not json:
        point_to_report(folder)
    if any(data["faults"].values()):
        raise typer.Exit(FAULTS)


def _compare_users(runs: list[Path], *, json: bool) -> None:
    from gtalign_training.render.families import show_families
    from gtalign_training.runs.families import compare as compare_users
    from gtalign_training.runs.families import read_runs

    if len(runs) < 2:
        raise ScenarioError(f"two runs or more are compared; got {len(runs)}")
    shared, episodes = read_runs(runs)
    try:
        found = compare_users(episodes, int(shared["seed"]))
    except ValueError as error:
        raise ScenarioError(str(error)) from error
    if json:
        print_json(shared | found)
    else:
        show_families(shared, found)
