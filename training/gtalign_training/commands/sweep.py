"""`gtalign sweep`: solve a study, every point of it, over all cores."""

from __future__ import annotations

import time
from pathlib import Path
from shlex import quote
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from gtalign_env.scenario.sweep import load_study
from gtalign_training.commands.options import Folders, Json
from gtalign_training.console import err, out, print_json, safe
from gtalign_training.progress import progress_bars

EXAMPLES = (
    "gtalign sweep token_price_by_conciseness",
    "gtalign sweep retention_by_margin --out runs/retention --workers 2",
    "gtalign sweep my_study.yaml --resume --json",
)


def sweep(
    study: Annotated[str, typer.Argument(help="A study, by name or file.")],
    folder: Annotated[
        Path | None, typer.Option("--out", help="Folder of the results; by default runs/NAME.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes; by default one a core.", min=1, max=1024)
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with an interrupted sweep.")
    ] = False,
    path: Folders = None,
    json: Json = False,
) -> None:
    """Solve a study: equilibria, dilemmas, welfare over any field.

    Leaves results.parquet, one row a point, and summary.json. The bytes do not depend on the number
    of workers. gtalign plot draws the folder.
    """
    from gtalign_training.studies.sweep import cores
    from gtalign_training.studies.sweep import sweep as run

    loaded = load_study(study, path=path or ())
    target = folder or Path("runs") / loaded.name
    began = time.perf_counter()
    with progress_bars(err()) as report:
        summary = run(
            loaded,
            target,
            workers=workers or cores(),
            resume=resume,
            report=lambda done, points: report("sweep", done, points, {}),
        )
    seconds = time.perf_counter() - began
    if json:
        print_json(summary)
        return
    console = out()
    console.print(safe(f"{summary['study']}: {summary['description']}\n"))
    for title, key in (("Whole game", "class"), ("2×2 restriction", "restriction.class")):
        if key in summary["counts"]:
            console.print(_shares(title, summary["counts"][key], summary["points"]))
    if "worst.move" in summary["counts"]:
        title = "Worst equilibrium"
        console.print(_shares(title, summary["counts"]["worst.move"], summary["points"]))
    console.print(_ranges(summary["measures"]))
    if "price_of_anarchy" in summary["measures"]:
        without = summary["points"] - summary["measures"]["price_of_anarchy"]["points"]
        if without:
            console.print(
                f"No price of anarchy at {without:,} of the points: it divides by the welfare of the worst "
                "equilibrium, which is not positive there\n"
            )
    exactly = "exact" if summary["exact"] else "approximate: continuous types or lengths are binned"
    console.print(
        safe(
            f"{summary['points']:,} point{'' if summary['points'] == 1 else 's'} ({exactly}) in {seconds:.1f} s, in {target}"
        ),
        soft_wrap=True,
    )
    console.print(safe(f"Look at it: gtalign plot {quote(str(target))}", "dim"), soft_wrap=True)


UNITS = {"welfare": "points", "charge": "USD"}
"""Of measures by the last part of their name; the others are ratios."""

_KEYS = ("least", "mean", "greatest")


def _shares(title: str, counts: dict[str, int], points: int) -> Table:
    from gtalign_training.studies.solved import said

    table = Table(title, "points", "share", box=SIMPLE_HEAD, pad_edge=False)
    for name, count in counts.items():
        table.add_row(safe(said(name)), f"{count:,}", f"{count / points:.1%}")
    return table


def _ranges(measures: dict[str, Any]) -> Table:
    table = Table("measure", box=SIMPLE_HEAD, pad_edge=False)
    for name in (*_KEYS, "points"):
        table.add_column(name, justify="right")
    for name, found in measures.items():
        numbers = ["none" if found[key] is None else f"{found[key]:.4g}" for key in _KEYS]
        unit = UNITS.get(name.rpartition(".")[2])
        table.add_row(f"{name} ({unit})" if unit else name, *numbers, f"{found['points']:,}")
    return table
