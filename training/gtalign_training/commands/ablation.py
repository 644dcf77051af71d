"""`gtalign ablation`: one recipe with several rewards, formats, settings and seeds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from gtalign_env.errors import RunError
from gtalign_training import ablation as study
from gtalign_training.commands.options import Folders, Force, Json, check_new
from gtalign_training.console import err, out, point_to_report, print_json, safe
from gtalign_training.recipe import Recipe, load_recipe

EXAMPLES = (
    "gtalign ablation tiny-ablation --seeds 0-4 --out runs/ablation",
    "gtalign ablation tiny-ablation --rewards nash,ces:-1,random --formats four-blocks,none --out runs/a",
    "gtalign ablation tiny-ablation --rewards nash --vary grpo.steps=40,120 --vary model.hidden=32,64 --out runs/b",
    "gtalign ablation tiny-ablation --seeds 0-4 --out runs/ablation --page docs/results/ablation.md --force",
    "gtalign ablation tiny-ablation --out runs/ablation --dry-run",
)

REWARDS = "nash,utilitarian,egalitarian,ces:-1,user_only,assistant_only,random"


def ablation(
    recipe: Annotated[str, typer.Argument(help="A recipe of a language model, by name or file.")],
    out_folder: Annotated[
        Path, typer.Option("--out", help="Where the run folders lie.", metavar="DIR")
    ],
    rewards: Annotated[
        str, typer.Option(help="Rewards, as a,b,c; the others are compared with the first.")
    ] = REWARDS,
    formats: Annotated[
        str, typer.Option(help=f"Formats, as a,b: {', '.join(study.FORMATS)}.")
    ] = "four-blocks",
    vary: Annotated[
        list[str] | None,
        typer.Option(
            help="Another field and its values, such as grpo.steps=40,120; repeatable. Every "
            "combination is run.",
            metavar="FIELD=A,B",
        ),
    ] = None,
    seeds: Annotated[str, typer.Option(help="Seeds, as 0,1,2 or 0-4.")] = "0-2",
    page_file: Annotated[
        Path | None,
        typer.Option("--page", help="Write the results as a Markdown page.", metavar="FILE"),
    ] = None,
    force: Force = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what is done and what is left, and do nothing.")
    ] = False,
    path: Folders = None,
    json: Json = False,
) -> None:
    """Train a recipe with every reward, format, setting and seed, and tell the results together.

    Every run is an ordinary run folder. Asked again, it goes on where it was stopped; finished runs
    are only read.
    """
    from gtalign_training.progress import progress_bars
    from gtalign_training.run_folder import write_text

    base = load_recipe(recipe, path=path or ())
    if base.strategic:
        raise RunError(
            f"{base.name} trains without text ({base.algorithm}); an ablation needs words"
        )
    cells = list(
        study.variants(
            study.rewards_of(rewards),
            study.formats_of(formats),
            study.seeds_of(seeds),
            study.vary_of(vary or ()),
        )
    )
    for cell in cells:
        study.recipe_of(base, cell)  # all that is wrong is told before anything begins
    check_new(page_file, force)
    if dry_run:
        for cell in cells:
            state = "done" if study.finished(out_folder / cell.folder) else "to do"
            out().print(safe(f"{state:<6} {out_folder / cell.folder}"), soft_wrap=True)
        return
    with progress_bars(err()) as progress:
        study.run_all(base, cells, out_folder, progress, lambda line: err().print(safe(line)))
    found, both = study.summaries(cells, out_folder), study.together(cells, out_folder)
    _tell(base, found, both, json=json)
    if page_file is not None:
        command = f"gtalign ablation {recipe} --rewards {rewards} --formats {formats}"
        command += "".join(f" --vary {one}" for one in vary or ()) + f" --seeds {seeds}"
        page_file.parent.mkdir(parents=True, exist_ok=True)
        write_text(page_file, study.page(base, found, both, command))
        err().print(safe(f"wrote {page_file}"))
    if not json:
        point_to_report(out_folder)


def _tell(
    base: Recipe, found: Sequence[study.Summary], both: Sequence[study.Summary], *, json: bool
) -> None:
    if json:
        together = {(one.label): one.measures for one in both}
        print_json([{**one._asdict(), "together": together.get(one.label)} for one in found])
        return
    out().print(
        safe(f"{base.name}: mean over seeds and half the width of its 95 % interval, points")
    )
    _print(study.head(found), study.rows_of(found))
    if both:
        out().print(safe(f"Within seeds, beside {both[0].label}"))
        _print(study.head(both, study.TOGETHER), study.rows_of(both, study.TOGETHER))


def _print(names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name in names:
        table.add_column(name)
    for row in rows:
        table.add_row(*map(safe, row))
    out().print(table)
