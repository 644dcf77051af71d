"""`gtalign ablation`: one recipe with several rewards, formats and seeds."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from gtalign_env.errors import RunError, suggest
from gtalign_training.ablation import (
    HEAD,
    Variant,
    finished,
    page,
    rows_of,
    run_all,
    summaries,
    variants,
)
from gtalign_training.commands.options import Force, Json, check_new
from gtalign_training.console import err, out, point_to_report, print_json, safe
from gtalign_training.recipe import Recipe, Reward, load_recipe

EXAMPLES = (
    "gtalign ablation tiny-ablation --seeds 0-4 --out runs/ablation",
    "gtalign ablation tiny-ablation --rewards scenario,user_only,random --formats four-blocks,none --out runs/a",
    "gtalign ablation tiny-ablation --seeds 0-4 --out runs/ablation --page docs/results/ablation.md --force",
    "gtalign ablation tiny-ablation --out runs/ablation --dry-run",
)

REWARDS = "scenario,user_only,assistant_only,utilitarian,egalitarian,random"
FORMATS = ("four-blocks", "none")


def ablation(
    recipe: Annotated[str, typer.Argument(help="A recipe of a language model, by name or file.")],
    out_folder: Annotated[
        Path, typer.Option("--out", help="Where the run folders lie.", metavar="DIR")
    ],
    rewards: Annotated[str, typer.Option(help="Rewards, as a,b,c.")] = REWARDS,
    formats: Annotated[
        str, typer.Option(help=f"Formats, as a,b: {', '.join(FORMATS)}.")
    ] = "four-blocks",
    seeds: Annotated[str, typer.Option(help="Seeds, as 0,1,2 or 0-4.")] = "0-2",
    page_file: Annotated[
        Path | None,
        typer.Option("--page", help="Write the results as a Markdown page.", metavar="FILE"),
    ] = None,
    force: Force = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what is done and what is left, and do nothing.")
    ] = False,
    json: Json = False,
) -> None:
    """Train a recipe with every reward, format and seed, and tell the results together.

    Every run is an ordinary run folder. Asked again, it goes on where it was stopped; finished runs
    are only read.
    """
    from gtalign_training.progress import progress_bars
    from gtalign_training.run_folder import write_text

    base = load_recipe(recipe)
    if base.strategic:
        raise RunError(
            f"{base.name} trains without text ({base.algorithm}); an ablation needs words"
        )
    cells = list(
        variants(
            _known(rewards, Reward.__args__, "reward"),  # type: ignore[attr-defined]  # a Literal's members
            _known(formats, FORMATS, "format"),
            seeds_of(seeds),
        )
    )
    check_new(page_file, force)
    if dry_run:
        for cell in cells:
            state = "done" if finished(out_folder / cell.folder) else "to do"
            out().print(safe(f"{state:<6} {out_folder / cell.folder}"), soft_wrap=True)
        return
    with progress_bars(err()) as progress:
        run_all(base, cells, out_folder, progress, lambda line: err().print(safe(line)))
    _tell(base, cells, out_folder, json=json)
    if page_file is not None:
        command = (
            f"gtalign ablation {recipe} --rewards {rewards} --formats {formats} --seeds {seeds}"
        )
        page_file.parent.mkdir(parents=True, exist_ok=True)
        write_text(page_file, page(base, summaries(cells, out_folder), command))
        err().print(safe(f"wrote {page_file}"))
    if not json:
        point_to_report(out_folder)


def _tell(base: Recipe, cells: list[Variant], folder: Path, *, json: bool) -> None:
    found = summaries(cells, folder)
    if json:
        print_json([one._asdict() for one in found])
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name in HEAD:
        table.add_column(name)
    for row in rows_of(found):
        table.add_row(*map(safe, row))
    out().print(
        safe(f"{base.name}: mean over seeds and half the width of its 95 % interval, points")
    )
    out().print(table)


def _known(text: str, known: tuple[str, ...], what: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    for name in names:
        if name not in known:
            raise RunError(
                f"a {what} is one of {', '.join(known)}; got {name!r}.{suggest(name, known)}"
            )
    if not names:
        raise RunError(f"name at least one {what}")
    return names


def seeds_of(text: str) -> tuple[int, ...]:
    """Return the seeds of an option such as ``0,1,2`` or ``0-4``.

    Raises:
        RunError: It is neither.
    """
    found: dict[int, None] = {}
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,9})(?:-(\d{1,9}))?\s*", part)
        if match is None:
            raise RunError(f"--seeds is written as 0,1,2 or 0-4; got {text!r}")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first or last - first >= 1000:
            raise RunError(f"--seeds counts upwards, at most 1,000 of them; got {part.strip()!r}")
        found |= dict.fromkeys(range(first, last + 1))
    return tuple(found)
