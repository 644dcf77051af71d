"""An evaluation (`gtalign evaluate`, `compare --out`): assistants by personas, prices and users."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from gtalign_training.grid.cells import CELLS
from gtalign_training.grid.evaluation import RESULT, SCHEMA
from gtalign_training.grid.play import GRID
from gtalign_training.report.evaluated import evaluation_parts
from gtalign_training.report.measures import welfares
from gtalign_training.report.parts import Folder, Part, Runs, Talks, WelfareRows
from gtalign_training.report.plain import as_number, dig, rows_of
from gtalign_training.report.readers.files import read_object, version_problem
from gtalign_training.report.readers.run import talks_of
from gtalign_training.report.words import count, general, number, plural
from gtalign_training.runs.episode import Episode
from gtalign_training.runs.folder import EPISODES, EVENTS, RUN

DIMENSIONS = (
    ("scenario", "scenario"),
    ("regime", "price"),
    ("persona", "persona"),
    ("user", "user"),
)
"""What cells differ in, and what the page calls it."""

MOST_PROBLEMS = 6
"""Problems of cells that are told one by one; the rest are counted."""


class Cell(NamedTuple):
    """The run of one assistant in one cell, as it lies in the folder."""

    path: Path
    told: dict[str, Any]
    talks: Talks
    episodes: dict[int, Episode]

    @property
    def labels(self) -> dict[str, str]:
        """Who played what: assistant, scenario, regime, persona and user."""
        game = self.told.get("scenario")
        prices = [dig(one, "pricing", "name") for one in rows_of(game, "pricing")]
        people = [dig(one, "persona", "name") for one in rows_of(game, "persona")]
        return {
            "assistant": str(self.told.get("assistant", self.path.name)),
            "scenario": str(dig(game, "name")),
            "regime": " then ".join(map(str, prices)),
            "persona": "+".join(map(str, people)),
            "user": str(self.told.get("user")),
        }


def matches(path: Path) -> bool:
    """Return whether a folder is an evaluation's."""
    if (path / GRID).exists() or (path / "recipe.json").exists():
        return (path / GRID).exists()
    if not (path / RESULT).exists():
        return False
    told = (path / RESULT).read_text(encoding="utf-8", errors="replace")
    return f'"{SCHEMA}"' in told or '"gtalign/comparison/1"' in told


def read(path: Path, name: str) -> Folder:
    """Return what an evaluation says, whatever has happened to it.

    Args:
        path: The folder.
        name: What to call it.
    """
    problems: list[str] = []
    told = read_object(path / GRID, problems) if (path / CELLS).exists() else {}
    data: dict[str, Any] = {}
    if (path / RESULT).exists():
        data = read_object(path / RESULT, problems)
    else:
        problems.append(
            "There is no result yet: what the cells hold is shown; gtalign evaluate … --resume "
            "finishes it."
        )
    problems += version_problem(data.get("gtalign-env", told.get("gtalign-env")))
    cells = _cells(path, name, problems)
    problems += _faults(data)
    parts = evaluation_parts(data, problems, RESULT) if data else []
    if not any(isinstance(part, WelfareRows) for part in parts):
        parts = [*_played(cells), *parts]
    if cells:
        parts.append(_runs(cells))
    talks = tuple(
        Talks(f"{name}: {called}", cell.talks.records, cell.talks.matrices)
        for cell, called in zip(cells, _called(cells), strict=True)
        if cell.talks.records
    )
    return Folder(
        name,
        "evaluation",
        _title(data, cells),
        _about(data, told, cells),
        tuple(problems),
        parts=tuple(parts),
        talks=talks,
    )


def _cells(path: Path, name: str, problems: list[str]) -> list[Cell]:
    """Return the runs that lie in the folder, with what is wrong with them."""
    found = []
    untold: list[str] = []
    held = sorted(one for one in (path / CELLS).iterdir()) if (path / CELLS).is_dir() else []
    for one in held:
        if not any((one / file).exists() for file in (RUN, EPISODES, EVENTS)):
            untold.append(f"{one.name} is no run and is left out.")
            continue
        wrong: list[str] = []
        told = read_object(one / RUN, [])
        talks, episodes = talks_of(one, name, wrong)
        found.append(Cell(one, told, talks, episodes))
        untold += [f"{one.name}: {what}" for what in wrong]
        asked = told.get("episodes")
        if isinstance(asked, int) and len(episodes) < asked:
            untold.append(
                f"{one.name}: {len(episodes):,} of {plural(asked, 'conversation')} are there."
            )
    problems += untold[:MOST_PROBLEMS]
    if len(untold) > MOST_PROBLEMS:
        problems.append(f"{plural(len(untold) - MOST_PROBLEMS, 'more problem')} of cells.")
    return found


def _called(cells: Sequence[Cell]) -> list[str]:
    """Return what each cell is called: the assistant, and in what else the cells differ."""
    labels = [cell.labels for cell in cells]
    several = [key for key, _ in DIMENSIONS if len({one[key] for one in labels}) > 1]
    return [" · ".join(one[key] for key in ("assistant", *several)) for one in labels]


def _faults(data: Mapping[str, Any]) -> list[str]:
    faults = data.get("faults")
    return [
        f"{plural(int(n), 'conversation')} of {who} failed and left out, with their episodes, of "
        "every number."
        for who, n in (faults.items() if isinstance(faults, Mapping) else ())
        if as_number(n)
    ]


def _valid(cell: Cell) -> list[Episode]:
    return [one for one in cell.episodes.values() if one.fault is None]


def _played(cells: Sequence[Cell]) -> list[Part]:
    """Return the welfares of every cell by itself, where the result that pairs them is lost."""
    rows = tuple(
        (
            called,
            len(valid),
            welfares(valid, int(as_number(cell.told.get("seed")) or 0)),
        )
        for cell, called in zip(cells, _called(cells), strict=True)
        if (valid := _valid(cell))
    )
    note = "Each cell by itself, with its own intervals; nothing is paired."
    return [WelfareRows("Welfare in each cell", rows, note=note)] if rows else []


def _runs(cells: Sequence[Cell]) -> Part:
    rows = []
    for cell, called in zip(cells, _called(cells), strict=True):
        valid = _valid(cell)
        means = [
            sum(values) / len(valid) if valid else None
            for values in (
                [one.user for one in valid],
                [one.assistant for one in valid],
                [one.welfare or 0.0 for one in valid],
            )
        ]
        cells_of = (count(len(cell.episodes)), count(len(cell.episodes) - len(valid)))
        rows.append((cell.path, called, (*cells_of, *(number(one) for one in means))))
    return Runs(
        "The runs",
        ("run", "conversations", "failed", "user’s U", "assistant’s L", "joint W"),
        tuple(rows),
        note="Each is a folder of gtalign run; gtalign report FOLDER shows its bills, endings, moves "
        "and exact games. Links lead there while page and folders stay where they are.",
    )


def _names(data: Mapping[str, Any], cells: Sequence[Cell], key: str) -> list[str]:
    """Return the names of a dimension, from the result or else from the cells."""
    told = [str(one.get(key)) for one in rows_of(data, "cells") if one.get(key) is not None]
    return list(dict.fromkeys(told or [cell.labels[key] for cell in cells]))


def _assistants(data: Mapping[str, Any], cells: Sequence[Cell]) -> list[str]:
    told = data.get("contenders")
    if isinstance(told, list) and told:
        return [str(one) for one in told]
    return list(dict.fromkeys(cell.labels["assistant"] for cell in cells))


def _title(data: Mapping[str, Any], cells: Sequence[Cell]) -> str:
    if "exact" in data:
        return "trainings compared, exactly"
    who = _assistants(data, cells)
    scenarios = ", ".join(_names(data, cells, "scenario")) or "a scenario that is lost"
    counts = [
        plural(len(_names(data, cells, key)), said)
        for key, said in DIMENSIONS[1:]
        if _names(data, cells, key)
    ]
    return f"{scenarios}: {' × '.join([plural(len(who), 'assistant'), *counts])}"


def _about(
    data: Mapping[str, Any], told: Mapping[str, Any], cells: Sequence[Cell]
) -> tuple[tuple[str, str], ...]:
    facts: list[tuple[str, Any]] = [("assistants", ", ".join(_assistants(data, cells)))]
    facts += [(f"{said}s", ", ".join(_names(data, cells, key))) for key, said in DIMENSIONS]
    first = cells[0].told if cells else {}
    number_of = as_number(data.get("episodes", first.get("episodes")))
    if number_of is not None:
        facts.append(("conversations", f"{count(number_of)} a cell and assistant"))
    seed = data.get("seed", told.get("seed"))
    facts.append(("seed", None if seed is None else str(seed)))
    facts += [("compared with", data.get("reference"))]
    epsilon = as_number(data.get("epsilon"))
    facts.append(("ε", None if epsilon is None else f"{general(epsilon)} points"))
    facts += [("command", data.get("command")), ("began", first.get("began"))]
    hashes = {str(cell.told.get("keyed_by") or cell.told.get("digest")) for cell in cells}
    facts.append(("scenario hash", " ".join(sorted(hashes - {"None"}))))
    facts.append(("gtalign-env", data.get("gtalign-env", told.get("gtalign-env"))))
    facts.append(("Python", first.get("python")))
    return tuple((name, str(value)) for name, value in facts if value not in (None, ""))
