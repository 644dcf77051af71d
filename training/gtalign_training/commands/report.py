"""`gtalign report`: runs, evaluations, sweeps and training runs as one page to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gtalign_env.errors import RunError
from gtalign_training.commands.options import Json, check_ending
from gtalign_training.console import err, out, print_json, safe

EXAMPLES = (
    "gtalign report runs/oracle",
    "gtalign report runs/oracle runs/clarify_once -o compared.html",
    "gtalign report runs/quick -o quick.html",
    "gtalign report runs/demo --json",
)

PAGE = "report.html"


def report(
    folders: Annotated[
        list[Path],
        typer.Argument(
            help="Folders of runs, evaluations, ablations, sweeps or training runs; the first is what "
            "others are compared with.",
            metavar="FOLDER...",
        ),
    ],
    file: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="HTML file [report.html in the folder; of several, here]."
        ),
    ] = None,
    conversations: Annotated[
        int, typer.Option(help="Most conversations that the page holds to be read.", min=0)
    ] = 20_000,
    json: Json = False,
) -> None:
    """Write runs, evaluations, sweeps and training runs as one page without network or server.

    Summary first, then bills, moves, endings, exact games, learning curves or phase diagrams, and
    every conversation turn by turn. Several folders are compared: pairwise where the same users met
    both. What is damaged is said, and the rest is shown.
    """
    from gtalign_training.report.compare import compare
    from gtalign_training.report.page import Report, now, page_of
    from gtalign_training.report.readers import read_folders
    from gtalign_training.report.sections.runs import placed
    from gtalign_training.report.summary import summary_of
    from gtalign_training.report.talks import at_most
    from gtalign_training.run_folder import write_text

    check_ending(file, "--out", (".html",))
    console = err()
    read = read_folders(folders, lambda line: console.print(safe(line, "dim")))
    read = at_most(read, conversations)
    target = file or (folders[0] / PAGE if len(read) == 1 else Path(PAGE))
    read = placed(read, target.parent)
    shown = Report(read, compare([one for folder in read for one in folder.outcomes]))
    page = page_of(shown, now())
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_text(target, page)
    except OSError as error:
        raise RunError(f"{target} cannot be written: {error}; say where with --out") from error
    for folder in read:
        for problem in folder.problems:
            console.print(safe(f"{folder.name}: {problem}", "yellow"), soft_wrap=True)
    if json:
        print_json(summary_of(shown, target))
        return
    size = len(page.encode()) / 1e6
    out().print(safe(f"wrote {target} ({size:.1f} MB)"), soft_wrap=True)
