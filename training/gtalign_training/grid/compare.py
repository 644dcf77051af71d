"""Runs that lie on the disk, compared on the episodes that they share.

What is compared must have been played with the same draws: the same scenario, price and persona,
the same user, the same seed, by the same version. Anything else is refused, with what differs.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from gtalign_env.errors import RunError
from gtalign_env.scenario.loader import Scenario
from gtalign_training.folders import is_training
from gtalign_training.grid.cells import CELLS, Cell, CellName, regime_of
from gtalign_training.grid.columns import columns_of, types_of
from gtalign_training.grid.compare_trainings import exact_values, of_training
from gtalign_training.grid.evaluation import RESULT, SCHEMA
from gtalign_training.grid.optimum import MOST_TYPES, When, optimum_of
from gtalign_training.grid.play import GRID
from gtalign_training.grid.report import report
from gtalign_training.grid.results import Results
from gtalign_training.grid.written import matrices_of
from gtalign_training.run_folder import RunFolder
from gtalign_training.runs.episode import Episode
from gtalign_training.runs.folder import RUN, differences, read_run, scenario_of

MOST_NAMED = 4
"""Differences that a refusal names."""


class Entry(NamedTuple):
    """One assistant in one cell, as it was played.

    Attributes:
        folder: Where it lies.
        assistant: Who answered.
        labels: Name of the cell.
        game: The scenario, with its regime and persona.
        facts: What must be the same for a comparison.
        episodes: By index.
        planned: How many there were to be.
    """

    folder: Path
    assistant: str
    labels: CellName
    game: Scenario
    facts: dict[str, Any]
    episodes: dict[int, Episode]
    planned: int


def compare(
    folders: Sequence[Path],
    *,
    reference: str | None = None,
    epsilon: float = 0.05,
    optimum: When = "auto",
    types: int = MOST_TYPES,
) -> dict[str, Any]:
    """Return what runs, evaluations or trainings come to beside one another, as plain JSON data.

    Args:
        folders: Run folders of `gtalign run`, `gtalign evaluate` or `gtalign train`; the first one
            is the reference unless another is named.
        reference: Name of the contender that the others are compared with, as the table has it.
        epsilon: Difference of a welfare that counts as none, points.
        optimum: When to solve for the exact optimum.
        types: Types per persona that stand in for a continuous distribution there.

    Raises:
        RunError: A folder is no such thing, there are fewer than two contenders, or two cannot be
            compared; the message names what differs.
    """
    if len(set(folders)) < len(folders):
        raise RunError("every folder is given once")
    training = [is_training(folder) for folder in folders]
    if any(training):
        if not all(training):
            raise RunError(
                "trainings are compared with trainings; to put a trained assistant beside others, "
                "play it: gtalign evaluate ... --assistant trained@FOLDER"
            )
        exact = exact_values(folders, reference)
        if exact is not None:
            return exact
        entries = [entry for folder in folders for entry in _trained(folder)]
    else:
        entries = [entry for folder in folders for entry in read_entries(folder)]
    names = _names(entries)
    by_cell = _require_same(entries, names)
    contenders = tuple(dict.fromkeys(names))
    if len(contenders) < 2:
        raise RunError(
            f"a comparison needs two assistants; got {', '.join(contenders)} alone. Users of one "
            "assistant are compared by --by user"
        )
    against = contenders[0] if reference is None else reference
    if against not in contenders:
        raise RunError(f"--reference is one of {', '.join(contenders)}; got {against!r}")
    episodes = min(entry.planned for entry in entries)
    seed = entries[0].facts["seed"]
    columns, optima = [], []
    for labels, found in by_cell.items():
        first = found[contenders[0]]
        who = types_of(first.game, first.facts["keyed_by"], seed, episodes)
        columns.append([columns_of(found[name].episodes, who) for name in contenders])
        cell = Cell(labels, first.game, labels.user, first.facts["keyed_by"])
        optima.append(optimum_of(cell, episodes, optimum, types))
    results = Results(
        contenders,
        tuple(by_cell),
        tuple(zip(*columns, strict=True)),
        tuple(optima),
        seed,
        contenders.index(against),
        epsilon,
    )
    data = {
        "schema": SCHEMA,
        "gtalign-env": entries[0].facts["gtalign-env"],
        **report(results),
        "matrices": matrices_of(
            (name, entry.labels, entry.folder) for name, entry in zip(names, entries, strict=True)
        ),
    }
    if any(training):
        data["use"] = []  # transcripts hold no counts of tokens
    return data


def read_entries(folder: Path) -> list[Entry]:
    """Return what a folder of `gtalign run` or `gtalign evaluate` holds.

    Args:
        folder: The folder.

    Raises:
        RunError: It is neither, or an evaluation that has not been finished.
    """
    if (folder / GRID).exists():
        if not (folder / RESULT).exists():
            raise RunError(f"{folder} is not finished; go on with gtalign evaluate --resume")
        return [_entry(cell) for cell in sorted((folder / CELLS).iterdir())]
    if not (folder / RUN).exists():
        raise RunError(
            f"{folder} has no {RUN}; give folders of gtalign run, gtalign evaluate or gtalign train"
        )
    return [_entry(folder)]


def _entry(folder: Path) -> Entry:
    known = RunFolder(folder).read(RUN)
    if known.get("schema") is None:
        raise RunError(f"{folder} is no folder of gtalign run")
    if known.get("status") != "finished":
        raise RunError(f"{folder} is not finished ({known.get('status')}); go on with --resume")
    game = scenario_of(folder)
    words = known["words"]
    facts = {
        "gtalign-env": known["gtalign-env"],
        "seed": known["seed"],
        "keyed_by": known.get("keyed_by") or known["digest"],
        "digest": known["digest"],
        "scenario": known["scenario"],
        "user": known["user"],
        "tasks": None if words is None else words["tasks_digest"],
    }
    labels = CellName(game.name, regime_of(game), "+".join(game.persona_names), known["user"])
    episodes = read_run(folder).episodes
    return Entry(folder, known["assistant"], labels, game, facts, episodes, known["episodes"])


def _trained(folder: Path) -> list[Entry]:
    return [
        Entry(
            folder,
            str(folder),
            CellName(
                one.game.name, regime_of(one.game), "+".join(one.game.persona_names), one.user
            ),
            one.game,
            {**one.facts, "scenario": one.game.to_data()},
            one.episodes,
            len(one.episodes),
        )
        for one in of_training(folder)
    ]


def _names(entries: Sequence[Entry]) -> list[str]:
    """Return what each entry's contender is called: the assistant, and where it lies if need be."""
    places: dict[tuple[str, CellName], int] = {}
    for entry in entries:
        key = (entry.assistant, entry.labels)
        places[key] = places.get(key, 0) + 1
    doubled = {assistant for (assistant, _), count in places.items() if count > 1}
    return [
        f"{entry.assistant} ({_home(entry.folder)})"
        if entry.assistant in doubled
        else entry.assistant
        for entry in entries
    ]


def _home(folder: Path) -> str:
    return str(folder.parent.parent if folder.parent.name == CELLS else folder)


def _require_same(
    entries: Sequence[Entry], names: Sequence[str]
) -> dict[CellName, dict[str, Entry]]:
    """Return the entries by cell and contender, once all contenders have the same cells.

    Raises:
        RunError: They have not, or a cell was not played with the same draws.
    """
    found: dict[CellName, dict[str, Entry]] = {}
    for entry, name in zip(entries, names, strict=True):
        found.setdefault(entry.labels, {})[name] = entry
    first = entries[0]
    for labels, by_name in found.items():
        lacking = sorted(set(names) - set(by_name))
        if lacking:
            other = next(e for e, name in zip(entries, names, strict=True) if name == lacking[0])
            raise _refusal(next(iter(by_name.values())), other, _unlike(labels, other.labels))
        known = next(iter(by_name.values()))
        for entry in by_name.values():
            changed = differences(known.facts, {**entry.facts})
            if entry.facts["tasks"] is None or known.facts["tasks"] is None:
                changed = [one for one in changed if not one.startswith("tasks")]
            if changed:
                raise _refusal(known, entry, changed)
        if known.facts["seed"] != first.facts["seed"]:
            raise _refusal(first, known, differences(first.facts, known.facts))
    return found


def _unlike(one: CellName, other: CellName) -> list[str]:
    return [
        f"{name}: {a!r} then, {b!r} now"
        for name, a, b in zip(CellName._fields, one, other, strict=True)
        if a != b
    ]


def _refusal(one: Entry, other: Entry, changed: Sequence[str]) -> RunError:
    shown = "; ".join(
        text.replace(" then, ", " and ").removesuffix(" now") for text in changed[:MOST_NAMED]
    )
    more = f"; and {len(changed) - MOST_NAMED} more" if len(changed) > MOST_NAMED else ""
    return RunError(
        f"{_home(one.folder)} and {_home(other.folder)} were not played with the same draws, so "
        f"they cannot be compared ({shown}{more}); play both again alike"
    )
