"""`gtalign compare`: runs that lie on the disk, on the episodes that they share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gtalign_training.commands.evaluate import FAULTS, Shown, known_format, print_data
from gtalign_training.commands.options import Json
from gtalign_training.commands.options_words import one_of
from gtalign_training.console import err, safe
from gtalign_training.progress import working

EXAMPLES = (
    "gtalign compare runs/one runs/two",
    "gtalign compare runs/evaluation-of-one runs/evaluation-of-another --format markdown",
    "gtalign compare runs/strategic-ppo-seed0 runs/strategic-ppo-seed1 --json",
)


def compare(
    runs: Annotated[
        list[Path],
        typer.Argument(
            help="Folders of gtalign run, gtalign evaluate or gtalign train.", metavar="RUN RUN..."
        ),
    ],
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
    and version. What differs is named, and not compared. Exit code 3 if some conversations had
    ended in a fault; they are counted and left out.
    """
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
    if any(data["faults"].values()):
        raise typer.Exit(FAULTS)
