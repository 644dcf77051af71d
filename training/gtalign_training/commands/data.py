"""`gtalign data`: what data files hold and share, splits that cannot leak, assistants over their rows."""

from __future__ import annotations

import inspect
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from gtalign_env.errors import ScenarioError
from gtalign_training.commands import data_agreement, data_evaluate
from gtalign_training.commands.options import Json
from gtalign_training.console import out, print_json, safe
from gtalign_training.data.files import read_questions, to_line
from gtalign_training.data.leaks import (
    FileReport,
    Leak,
    leaks_between,
    report_on,
    split_by_group,
)
from gtalign_training.data.rows import Question
from gtalign_training.run_folder import write_text

EXAMPLES = (
    "gtalign data check train.parquet test.parquet",
    "gtalign data split all.jsonl --share 0.1 --seed 0 --out parts",
    "gtalign data evaluate test.parquet --assistant openai:http://127.0.0.1:8000/v1#NAME",
    "gtalign data agreement runs/evaluation --judge openai:http://127.0.0.1:8001/v1#JUDGE",
)

Files = Annotated[
    list[Path], typer.Argument(help="Files: .parquet, .jsonl or .csv; or a saved data set.")
]


def check(files: Files, json: Json = False) -> None:
    """Count rows, questions and conversations, and what two files share.

    Exit code 3 where files share questions.
    """
    read = {str(path): read_questions(path) for path in files}
    reports = {name: report_on(rows) for name, rows in read.items()}
    leaks = leaks_between(read)
    if json:
        print_json(
            {
                "files": {name: asdict(report) for name, report in reports.items()},
                "leaks": [asdict(leak) for leak in leaks],
            }
        )
    else:
        _print(reports, leaks)
    if leaks:
        raise typer.Exit(3)


def split(
    file: Annotated[
        Path, typer.Argument(help="File: .parquet, .jsonl or .csv; or a saved data set.")
    ],
    share: Annotated[float, typer.Option(help="Share of the second part.")] = 0.1,
    seed: Annotated[int, typer.Option(help="Seed of the shuffle.", min=0)] = 0,
    out_folder: Annotated[
        Path, typer.Option("--out", help="Where first.jsonl and second.jsonl go.", metavar="DIR")
    ] = Path("parts"),
) -> None:
    """Split a file so that no question and no conversation stands in both parts."""
    _split(read_questions(file), share, seed, out_folder)


def _print(reports: dict[str, FileReport], leaks: list[Leak]) -> None:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("file", "rows", "different", "conversations", "with history", "no reference"):
        table.add_column(name, justify="left" if name == "file" else "right")
    for name, report in reports.items():
        counts = (
            report.rows,
            report.questions,
            report.groups,
            report.multi_turn,
            report.without_reference,
        )
        table.add_row(safe(name), *(f"{count:,}" for count in counts))
    console = out()
    console.print(table)
    for leak in leaks:
        console.print(
            safe(
                f"{leak.questions:,} questions stand in both {leak.first} ({leak.rows_first:,} rows) "
                f"and {leak.second} ({leak.rows_second:,} rows)"
            )
        )
    if len(reports) > 1 and not leaks:
        console.print("The files share no question.")


def _split(rows: list[Question], share: float, seed: int, folder: Path) -> None:
    try:
        parts = split_by_group(rows, share, seed)
    except ValueError as error:
        raise ScenarioError(f"--share: {error}") from error
    folder.mkdir(parents=True, exist_ok=True)
    for name, part in zip(("first", "second"), parts, strict=True):
        path = folder / f"{name}.jsonl"
        if path.exists():
            raise ScenarioError(f"{path} is there already; give another folder with --out")
        write_text(path, "".join(f"{to_line(row)}\n" for row in part))
        out().print(safe(f"{path}: {len(part):,} rows"))


data = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Check and split data files, and evaluate assistants on their rows.",
)
for _function, _examples in (
    (check, EXAMPLES[:1]),
    (split, EXAMPLES[1:2]),
    (data_evaluate.evaluate, data_evaluate.EXAMPLES),
    (data_agreement.agreement, data_agreement.EXAMPLES),
):
    data.command(
        _function.__name__,
        help=inspect.getdoc(_function),
        epilog="\n".join(["\b\nExamples:", *(f"  {one}" for one in _examples)]),
    )(_function)
