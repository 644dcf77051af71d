"""An ablation (`gtalign ablation`): one recipe with several rewards, formats and seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from gtalign_training.ablation import (
    MEASURES,
    Summary,
    Variant,
    measures_of,
    summarised,
    variant_of,
)
from gtalign_training.report.learnt import welfare_rows
from gtalign_training.report.parts import (
    SIDES,
    Cell,
    Folder,
    Intervals,
    Part,
    Runs,
    Table,
    WelfareRows,
    Welfares,
)
from gtalign_training.report.plain import as_number, dig
from gtalign_training.report.readers.files import attempt, read_object, version_problem
from gtalign_training.report.words import number, percent, plural
from gtalign_training.statistics import Interval

DONE = "done"
OVER = "Mean over seeds, with its 95\u202f% interval by Student’s t; a single run has none."
COMPARED = {
    "gap_closed": "way closed to the optimum",
    "directions": "directions held",
    "well_formed": "well-formed",
}
"""Shares of runs, by name, and what the page calls them."""
LOOKS = ("joint", "p0", "p2")
BASELINES = ("Bayes oracle", "random moves")
"""Rows of every run's result that stand beside the trained ones."""


class Run(NamedTuple):
    """One run of an ablation, as it lies in its folder."""

    path: Path
    cell: Variant
    recipe: dict[str, Any]
    told: dict[str, Any]
    result: dict[str, Any]
    measures: dict[str, float]


def matches(path: Path) -> bool:
    """Return whether a folder holds the run folders of an ablation."""
    return any(
        variant_of(one.name) is not None and (one / "recipe.json").exists()
        for one in path.iterdir()
        if one.is_dir()
    )


def read(path: Path, name: str) -> Folder:
    """Return what an ablation says.

    Args:
        path: The folder.
        name: What to call it.
    """
    problems: list[str] = []
    runs = _runs(path, problems)
    found = summarised([(one.cell, one.measures) for one in runs if one.measures])
    if not found:
        problems.append("No run is finished yet; gtalign ablation goes on where it was stopped.")
    for version in {dig(one.told, "versions", "gtalign-env") for one in runs}:
        problems += version_problem(version)
    parts = [*_parts(found, runs), _links(runs)]
    return Folder(
        name,
        "ablation",
        _title(runs),
        _about(runs),
        tuple(problems),
        parts=tuple(parts),
    )


def _runs(path: Path, problems: list[str]) -> list[Run]:
    runs = []
    for one in sorted(path.iterdir()):
        cell = variant_of(one.name) if one.is_dir() else None
        if cell is None:
            if one.is_dir():
                problems.append(f"{one.name} is no run of an ablation and is left out.")
            continue
        wrong: list[str] = []
        recipe, told = read_object(one / "recipe.json", wrong), read_object(one / "run.json", wrong)
        result: dict[str, Any] = {}
        measures: dict[str, float] = {}
        if told.get("status") == DONE or (one / "evaluation.json").exists():
            result = read_object(one / "evaluation.json", wrong)
            measures = attempt(partial(_numbers, result), measures, "evaluation.json", wrong)
        else:
            wrong.append(f"not finished ({told.get('status', 'of unknown state')}), left out.")
        problems += [f"{one.name}: {what}" for what in wrong]
        runs.append(Run(one, cell, recipe, told, result, measures))
    return runs


def _numbers(result: Mapping[str, Any]) -> dict[str, float]:
    """Return what a run is compared by.

    Raises:
        ValueError: One of them is no number.
    """
    found = measures_of(result) if result else {}
    for name, value in found.items():
        if as_number(value) is None:
            raise ValueError(f"{name} must be a number; got {value!r}")
    return found


def _interval(measure: tuple[float, float | None]) -> Interval | None:
    mean, half = measure
    if math.isnan(mean):
        return None
    return Interval(mean, mean - (half or 0.0), mean + (half or 0.0))


def _estimate(mean: float, half: float | None) -> Cell:
    return number(mean) if half is None else (number(mean), f"± {number(half)}")


def _name(one: Summary | Variant) -> str:
    parts = [one.reward, *(f"{name}{value}" for name, value in one.changes)]
    return ", ".join([*parts, "without blocks"] if one.format == "none" else parts)


def _parts(found: Sequence[Summary], runs: Sequence[Run]) -> list[Part]:
    if not found:
        return []
    rows: list[tuple[str, int, Welfares]] = []
    for one in found:
        keys = (("user", "user"), ("assistant", "assistant"), ("joint", "welfare"))
        sides = {side: _interval(one.measures[key]) for side, key in keys}
        rows.append((_name(one), len(one.seeds), {k: v for k, v in sides.items() if v is not None}))
    first = next(one.result for one in runs if one.measures)
    beside = [(name, 0, found) for name, _, found in welfare_rows(first) if name in BASELINES]
    table = Table(
        "Over seeds",
        ("reward", "format", "seeds", *MEASURES.values()),
        tuple(
            (
                _name(one),
                one.format,
                str(len(one.seeds)),
                *(_estimate(*one.measures[key]) for key in MEASURES),
            )
            for one in found
        ),
        2,
        note=f"{OVER} Gap closed is the share of the way from the warm start to the exact optimum of "
        "the scenario’s W, whatever was rewarded; directions the share of the pairs of prices whose "
        "optimal first moves differ and whose move mixes differ the same way.",
    )
    parts: list[Part] = [
        WelfareRows(
            "Welfare by what was rewarded",
            (*rows, *beside),
            as_number(dig(first, "optimum", "welfare")),
            table,
            note=f"Held-out conversations. {OVER}",
        )
    ]
    shares = []
    for one in found:
        known = {
            look: interval
            for look, key in zip(LOOKS, COMPARED, strict=True)
            if (interval := _interval(one.measures[key])) is not None
        }
        shares.append((_name(one), known))
    if any(known for _, known in shares):
        series = tuple(zip(LOOKS, COMPARED.values(), strict=True))
        parts.append(
            Intervals(
                "What training changed", "share", series, tuple(shares), True, (("all of it", 1.0),)
            )
        )
    return parts


def _links(runs: Sequence[Run]) -> Part:
    rows = []
    for one in runs:
        known = one.measures
        rows.append(
            (
                one.path,
                f"{_name(one.cell)}, seed {one.cell.seed}",
                (
                    str(one.told.get("status", "unknown")),
                    *(number(known.get(key)) for key in ("user", "assistant", "welfare")),
                    percent(known["gap_closed"]) if known else number(None),
                ),
            )
        )
    return Runs(
        "The runs",
        ("run", "status", *(said for _, said in SIDES), "gap closed"),
        tuple(rows),
        note="Each is a folder of gtalign train; gtalign report FOLDER shows its learning curves, "
        "first moves and conversations. Links lead there while page and folders stay where they are.",
    )


def _title(runs: Sequence[Run]) -> str:
    recipe = next((one.recipe for one in runs if one.recipe), {})
    name, scenario = recipe.get("name", "a recipe that is lost"), dig(recipe, "game", "scenario")
    rewards = len({one.cell.reward for one in runs})
    seeds = len({one.cell.seed for one in runs})
    where = f" on {scenario}" if scenario else ""
    return f"{name}{where}: {plural(rewards, 'reward')} × {plural(seeds, 'seed')}"


def _about(runs: Sequence[Run]) -> tuple[tuple[str, str], ...]:
    recipe = next((one.recipe for one in runs if one.recipe), {})
    told = next((one.told for one in runs if one.told), {})
    result = next((one.result for one in runs if one.result), {})
    pricing = dig(recipe, "game", "pricing")
    digests = told.get("digests")
    facts: list[tuple[str, Any]] = [
        ("recipe", f"{recipe.get('name')}: {recipe.get('description')}" if recipe else None),
        ("algorithm", recipe.get("algorithm")),
        ("scenarios", dig(recipe, "game", "scenario")),
        ("prices", ", ".join(map(str, pricing)) if isinstance(pricing, list) else None),
        ("rewards", ", ".join(dict.fromkeys(one.cell.reward for one in runs))),
        ("formats", ", ".join(dict.fromkeys(one.cell.format for one in runs))),
        ("seeds", ", ".join(map(str, sorted({one.cell.seed for one in runs})))),
        ("held-out conversations", result.get("conversations")),
        ("held-out seed", result.get("seed")),
        ("scenario hashes", " ".join(map(str, digests)) if isinstance(digests, list) else None),
        ("gtalign-env", dig(told, "versions", "gtalign-env")),
        ("Python", told.get("python")),
    ]
    return tuple((name, str(value)) for name, value in facts if value not in (None, ""))
