"""`gtalign score`: what completions earn either side, judged as texts."""

from __future__ import annotations

import json as json_text
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from gtalign_agents.text_welfare import MODELS, Row, Score, score
from gtalign_env.errors import ScenarioError, suggest
from gtalign_training.commands.options import Force, check_new
from gtalign_training.console import err, safe
from gtalign_training.json_lines import lines_of
from gtalign_training.run_folder import write_text

EXAMPLES = (
    "gtalign score completions.jsonl",
    "gtalign score completions.jsonl --welfare gtalign-paper --out scores.jsonl",
    "cat completions.jsonl | gtalign score -",
)

FIELDS = {"source", "completion", "reference", "label", "judge"}


def score_command(
    file: Annotated[Path, typer.Argument(help="JSONL of completions; - reads standard input.")],
    welfare: Annotated[
        str, typer.Option(help="gtalign-corrected, or gtalign-paper as published.", metavar="NAME")
    ] = "gtalign-corrected",
    out: Annotated[
        Path | None, typer.Option(help="Write the scores here, not to standard output.")
    ] = None,
    force: Force = False,
) -> None:
    """Score four-block completions by the published welfare of texts, or its correction.

    A line is `{"source": "math|ambiguity|writing|safety", "completion", "reference", "label",
    "judge"}`; a score comes out for each, in order. A judge of null gives null, never 0.
    """
    if welfare not in MODELS:
        raise ScenarioError(
            f"--welfare must be one of {', '.join(MODELS)}; got {welfare!r}."
            f"{suggest(welfare, MODELS)}"
        )
    check_new(out, force)
    counts: Counter[str] = Counter()
    lines = []
    for row in rows(file):
        found = score(row, welfare)
        counts[_outcome(found)] += 1
        counts["safety"] += row.source == "safety"
        line = json_text.dumps(found.to_json(), allow_nan=False)
        if out is None:
            sys.stdout.write(line + "\n")
        else:
            lines.append(line)
    if out is not None:
        write_text(out, "".join(f"{line}\n" for line in lines))
    _report(counts, welfare)


def rows(file: Path) -> Iterator[Row]:
    """Yield the completions of a JSONL file; blank lines are passed over.

    Args:
        file: The file; ``-`` is standard input.

    Raises:
        ScenarioError: The file cannot be read, or a line is no completion; names the line.
    """
    for number, line in lines_of(file):
        try:
            yield _row(json_text.loads(line))
        except (ValueError, RecursionError) as error:
            raise ScenarioError(f"{file}:{number}: {error}") from error


def _row(data: Any) -> Row:
    if not isinstance(data, dict):
        raise ValueError(f"a line must be an object; got {type(data).__name__}")
    for key in data:
        if key not in FIELDS:
            raise ValueError(f"unknown field {key!r}.{suggest(key, FIELDS)}")
    for key in ("source", "completion"):
        if not isinstance(data.get(key), str):
            raise ValueError(f"{key} must be a string; got {data.get(key)!r:.40}")
    for key in ("reference", "label"):
        if not isinstance(data.get(key), str | None):
            raise ValueError(f"{key} must be a string or null; got {data[key]!r:.40}")
    judge = data.get("judge")
    # bool is an int to Python, never a verdict here
    if isinstance(judge, bool) or not isinstance(judge, int | float | None):
        raise ValueError(f"judge must be a number or null; got {judge!r:.40}")
    return Row(
        source=data["source"],
        completion=data["completion"],
        judge=judge,
        reference=data.get("reference"),
        label=data.get("label"),
    )


def _outcome(found: Score) -> str:
    if found.fault is not None:
        return "malformed"
    return "masked" if found.user is None else "scored"


def _report(counts: Counter[str], welfare: str) -> None:
    console = err()
    console.print(
        safe(
            f"{counts['scored']:,} scored, {counts['malformed']:,} malformed (0 in every field), "
            f"{counts['masked']:,} masked for want of a verdict"
        )
    )
    if welfare == "gtalign-paper" and counts["safety"]:
        console.print(
            safe(
                "warning: gtalign-paper ranks an unsafe answer to a harmful request above a refusal "
                "(0.56 to 0.46 in the published example); gtalign-corrected does not",
                "yellow",
            )
        )
