"""`gtalign data`: what is in data files, what they share, and a split that cannot leak."""

from __future__ import annotations

import json as json_text
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from gtalign_env.errors import ScenarioError
from gtalign_training.commands.options import Json
from gtalign_training.console import out, print_json, safe
from gtalign_training.data.files import read_questions
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
    "gtalign data check train.jsonl --json",
    "gtalign data split all.jsonl --share 0.1 --seed 0 --out parts",
)


def data(
    action: Annotated[Literal["check", "split"], typer.Argument(help="check, or split one file.")],
    files: Annotated[list[Path], typer.Argument(help="Files: .parquet, .jsonl or .csv.")],
    share: Annotated[float, typer.Option(help="split: share of the second part.")] = 0.1,
    seed: Annotated[int, typer.Option(help="split: seed of the shuffle.", min=0)] = 0,
    out_folder: Annotated[
        Path, typer.Option("--out", help="split: where first.jsonl and second.jsonl go.")
    ] = Path("parts"),
    json: Json = False,
) -> None:
    """Check data files for duplicates and leaks, or split one so that nothing leaks.

    Exit code 3 where files share questions.
    """
    read = {str(path): read_questions(path) for path in files}
    if action == "split":
        _split(read, share, seed, out_folder)
        return
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


def _split(read: dict[str, list[Question]], share: float, seed: int, folder: Path) -> None:
    if len(read) != 1:
        raise ScenarioError(f"split takes one file; got {len(read)}")
    (rows,) = read.values()
    try:
        parts = split_by_group(rows, share, seed)
    except ValueError as error:
        raise ScenarioError(f"--share: {error}") from error
    folder.mkdir(parents=True, exist_ok=True)
    for name, part in zip(("first", "second"), parts, strict=True):
        path = folder / f"{name}.jsonl"
        if path.exists():
            raise ScenarioError(f"{path} is there already; give another folder with --out")
        write_text(path, "".join(f"{_line(row)}\n" for row in part))
        out().print(safe(f"{path}: {len(part):,} rows"))


def _line(row: Question) -> str:
    kept = {
        "question": row.question,
        "source": row.source,
        "data_set": row.data_set,
        "history": [asdict(message) for message in row.history],
        "references": list(row.references),
        "label": row.label,
        "group": row.group,
    }
    return json_text.dumps(kept, ensure_ascii=False)
