"""A sweep of a study (`gtalign sweep`): phase diagrams, counts, ranges."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gtalign_env.errors import GTAlignError
from gtalign_training.report.parts import Data, Folder, Part, Phase, Table
from gtalign_training.report.readers.files import read_object
from gtalign_training.report.words import count, general, number, percent, plural
from gtalign_training.studies.folder import StudyFolder
from gtalign_training.studies.maps import KINDS, picture_of
from gtalign_training.studies.solved import said

_SHOWN = {
    *("study", "description", "scenario", "pricing", "digest", "points", "exact", "axes"),
    *("counts", "where", "measures"),
}

COUNTED = {
    "class": "whole game",
    "restriction.class": "2×2 restriction",
    "worst.move": "worst equilibrium",
    "best.move": "best equilibrium",
    "optimum.move": "optimum of W",
}
"""What the labels of a column are of."""

FLAGS = {
    "strict_pd": "strict PD inside",
    "restriction.strict_pd": "2×2 restriction: strict PD",
}
"""What a property is called, where its column does not say it."""


def matches(path: Path) -> bool:
    """Return whether a folder is a sweep's."""
    return (path / "study.json").exists()


def read(path: Path, name: str) -> Folder:
    """Return what a sweep says.

    Args:
        path: The folder.
        name: What to call it.
    """
    problems: list[str] = []
    study = read_object(path / "study.json", problems)
    summary: dict[str, Any] = {}
    if (path / "summary.json").exists():
        summary = read_object(path / "summary.json", problems)
    else:
        problems.append("The sweep is not finished; gtalign sweep … --resume goes on with it.")
    parts: list[Part] = _phases(StudyFolder(path), problems) if summary else []
    parts += _tables(summary)
    parts += [
        Data(key.replace("_", " ").capitalize(), value)
        for key, value in summary.items()
        if key not in _SHOWN
    ]
    return Folder(
        name,
        "sweep",
        _title(study, summary),
        _about(study, summary),
        tuple(problems),
        parts=tuple(parts),
    )


def _phases(folder: StudyFolder, problems: list[str]) -> list[Part]:
    """Return every diagram that the study has the columns for; as computed, without new games."""
    parts: list[Part] = []
    refused: list[str] = []
    for kind, told in KINDS.items():
        try:
            picture = picture_of(folder, kind, halvings=0)
        except GTAlignError as error:
            # a study that lacks a column says so for each kind; that is no problem of the folder
            if "needs a study with" not in str(error):
                refused.append(str(error).splitlines()[0])
            continue
        except (KeyError, TypeError, ValueError, OSError) as error:
            refused.append(f"results.parquet is damaged: {type(error).__name__}")
            break
        parts.append(Phase(told.title, picture))
    problems += [f"Not drawn: {why}" for why in dict.fromkeys(refused)]
    return parts


def _tables(summary: Mapping[str, Any]) -> list[Part]:
    parts: list[Part] = []
    points = summary.get("points") or 1
    counts = summary.get("counts")
    rows = [
        (f"{COUNTED.get(column, column)}: {said(label)}", count(n), percent(n / points))
        for column, labels in (counts.items() if isinstance(counts, Mapping) else ())
        for label, n in labels.items()
    ]
    if rows:
        parts.append(Table("How often", ("label", "points", "of all"), tuple(rows)))
    measured = summary.get("measures")
    cells = [
        (
            column.replace(".", ": ").replace("_", " "),
            *(number(row.get(key), 4) for key in ("least", "mean", "greatest")),
            count(row.get("points") or 0),
        )
        for column, row in (measured.items() if isinstance(measured, Mapping) else ())
        if isinstance(row, Mapping)
    ]
    if cells:
        ranges = ("measure", "least", "mean", "greatest", "points where defined")
        parts.append(Table("Range of each measure", ranges, tuple(cells)))
    where = summary.get("where")
    flags = [
        (
            FLAGS.get(flag, flag.replace("_", " ").replace(".", ": ")),
            count(row.get("points") or 0),
            percent(row.get("share") or 0.0),
            ", ".join(
                f"{axis} {general(a)} to {general(b)}" for axis, (a, b) in row["range"].items()
            ),
        )
        for flag, row in (where.items() if isinstance(where, Mapping) else ())
        if isinstance(row, Mapping) and isinstance(row.get("range"), Mapping)
    ]
    if flags:
        columns = ("property", "points", "of all", "range of the axes where it holds")
        parts.append(Table("Where a property holds", columns, tuple(flags)))
    return parts


def _title(study: Mapping[str, Any], summary: Mapping[str, Any]) -> str:
    inner = study.get("study")
    named = inner.get("name") if isinstance(inner, Mapping) else None
    what = summary.get("study") or named or "a study that is lost"
    scenario = summary.get("scenario")
    return f"{what}: {scenario} swept" if scenario else str(what)


def _about(study: Mapping[str, Any], summary: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    facts: list[tuple[str, Any]] = [("study", summary.get("description"))]
    facts += [(key, summary.get(key)) for key in ("scenario", "pricing")]
    for index, axis in enumerate(summary.get("axes") or ()):
        if isinstance(axis, Mapping):
            unit = f" ({axis['unit']})" if axis.get("unit") else ""
            facts.append((f"axis {index + 1}", f"{axis.get('label')}{unit}: {axis.get('field')}"))
    points = study.get("points")
    facts.append(("points", plural(points, "game") if isinstance(points, int) else None))
    facts.append(("payoffs", "exact" if summary.get("exact") else None))
    facts.append(("study hash", study.get("digest")))
    return tuple((name, general(value)) for name, value in facts if value not in (None, ""))
