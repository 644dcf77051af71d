"""A training run (`gtalign train`): curves, what it was worth before and after, conversations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gtalign_env import __version__
from gtalign_env.core.spec import GameSpec
from gtalign_env.envs.table import Table as GameTable
from gtalign_env.errors import GTAlignError
from gtalign_env.money import to_usd
from gtalign_training.recipe import GameModel
from gtalign_training.recipe.game_files import load_game_files
from gtalign_training.report.games import exact_cells, game_part, matrices
from gtalign_training.report.learnt import (
    LIKELIEST,
    ROW_NAMES,
    STAGES,
    context_parts,
    curve_parts,
    exact_headline,
    exact_parts,
    welfare_note,
    welfare_rows,
    with_played,
)
from gtalign_training.report.parts import Data, Folder, Outcomes, Part, Talks, WelfareRows
from gtalign_training.report.plain import as_number, dig
from gtalign_training.report.readers.files import read_object, read_rows, version_problem
from gtalign_training.report.replayed import Replayed, bring_back
from gtalign_training.report.selfplay import STAGE, selfplay_parts
from gtalign_training.report.talks import transcript_record, with_unique_keys
from gtalign_training.report.words import general
from gtalign_training.run_folder import GAME, RunFolder

_SHOWN = {
    *("scenario", "welfare", "share", "by_regime", "optimum", "contexts", "rows"),
    *("conversations", "seed", "directions", "kind", "learner", "seat", "reward", "exact"),
    *("nash_conv", "rounds", "rounds_done"),
}


def matches(path: Path) -> bool:
    """Return whether a folder is a training run's."""
    return (path / "recipe.json").exists() or (path / "metrics.jsonl").exists()


def read(path: Path, name: str) -> Folder:
    """Return what a training run says.

    Args:
        path: The folder.
        name: What to call it.
    """
    problems: list[str] = []
    recipe = read_object(path / "recipe.json", problems)
    told = read_object(path / "run.json", problems)
    metrics = read_rows(path / "metrics.jsonl", problems)
    result: dict[str, Any] = {}
    if (path / "evaluation.json").exists():
        result = read_object(path / "evaluation.json", problems)
    else:
        problems.append(
            f"There is no evaluation yet (the run is {told.get('status', 'of unknown state')}); "
            "gtalign train … --resume finishes it."
        )
    version = dig(told, "versions", "gtalign-env")
    problems += version_problem(version)
    specs = _specs(path, recipe, told, problems)
    games = matrices(specs)
    optimum = as_number(dig(result, "optimum", "welfare"))
    rows = welfare_rows(result)
    parts: list[Part] = []
    if rows:
        parts.append(
            WelfareRows(
                "Welfare on held-out conversations", rows, optimum, note=welfare_note(result)
            )
        )
    selfplay = result.get("kind") == STAGE or recipe.get("algorithm") == STAGE
    parts += selfplay_parts(metrics, result) if selfplay else exact_parts(result)
    parts += curve_parts(metrics, optimum)
    parts += context_parts(result)
    p_vague = as_number(dig(recipe, "game", "p_vague"))
    parts += [
        with_played(game_part(spec, matrix, p_vague=p_vague), result, regime)
        for regime, (spec, matrix) in games.items()
    ]
    parts += [
        Data(key.replace("_", " ").capitalize(), value)
        for key, value in result.items()
        if key not in _SHOWN
    ]
    cells = {regime: exact_cells(matrix) for regime, (_, matrix) in games.items()}
    talks, outcomes = _talks(path, name, cells, specs, str(version), problems)
    after = next((welfares for row, _, welfares in rows if row == ROW_NAMES["after"]), {})
    return Folder(
        name,
        "training",
        _title(recipe),
        _about(recipe, told, result),
        tuple(problems),
        after or exact_headline(result),
        "after training, on held-out conversations" if after else LIKELIEST,
        not after,
        tuple(parts),
        tuple(outcomes),
        tuple(talks),
    )


def _specs(
    path: Path, recipe: Mapping[str, Any], told: Mapping[str, Any], problems: list[str]
) -> list[GameSpec]:
    """Return the games of a training: those that it keeps, or those that its names stand for now.

    An older folder has names alone: their files must still be those that were trained on.
    """
    try:
        kept = RunFolder(path).game_files()
        game = recipe.get("game")
        if kept is None and not isinstance(game, Mapping):
            return []
        specs = (kept or load_game_files(GameModel.model_validate(game, strict=False))).specs
    except (GTAlignError, ValidationError) as error:
        problems.append(f"The exact games are not shown: {str(error).splitlines()[0]}")
        return []
    if told.get("digests") not in (None, [spec.digest for spec in specs]):
        problems.append(
            "The exact games are not shown: scenario or pricing files have changed since the "
            "training (their hashes differ)."
            if kept is None
            else f"The exact games are not shown: {GAME} is not what was trained on."
        )
        return []
    return specs


def _talks(
    path: Path,
    name: str,
    cells: Mapping[str, Mapping[str, tuple[float, float]]],
    specs: Sequence[GameSpec],
    version: str,
    problems: list[str],
) -> tuple[list[Talks], list[Outcomes]]:
    talks, outcomes = [], []
    tables = {spec.digest: GameTable(spec) for spec in specs}
    for file in sorted(
        path.glob("transcripts*.jsonl"), key=lambda one: one.name != "transcripts-before.jsonl"
    ):
        rows = [row for row in read_rows(file, problems) if isinstance(row.get("turns"), list)]
        if not rows:
            continue
        which = file.stem.partition("-")[2] or "transcripts"
        label = f"{name}/{which}"
        records = [transcript_record(row, _brought_back(row, tables)) for row in rows]
        talks.append(Talks(label, with_unique_keys(records), cells))
        outcomes.append(_outcomes(f"{name}: {ROW_NAMES.get(which, which)}", rows, version))
    return talks, outcomes


def _brought_back(row: Mapping[str, Any], tables: Mapping[str, GameTable]) -> Replayed | None:
    """Return what the draws of a held-out conversation bring back, if its game is at hand."""
    table = tables.get(str(row.get("digest")))
    numbers = (row.get("seed"), row.get("episode"), row.get("cost"))
    if table is None or not all(isinstance(one, int) for one in numbers):
        return None
    table.seed(row["seed"])
    return bring_back(table, row["episode"], row["turns"], row["cost"])


def _outcomes(name: str, rows: Sequence[Mapping[str, Any]], version: str) -> Outcomes:
    table: dict[str, tuple[float, float, float, float]] = {}
    for row in rows:
        numbers = [as_number(one) for one in (*(row.get("returns") or ()), row.get("welfare"))]
        if len(numbers) == 3 and None not in numbers and isinstance(row.get("charged"), int):
            u, a, w = (one or 0.0 for one in numbers)
            table[f"{row.get('regime')} {row.get('episode')}"] = (u, a, w, to_usd(row["charged"]))
    hashes = sorted({str(row.get("digest")) for row in rows})
    seeds = sorted({str(row.get("seed")) for row in rows})
    conditions = {"scenario hash": ", ".join(hashes), "seed": ", ".join(seeds), "version": version}
    return Outcomes(name, conditions, table)


def _title(recipe: Mapping[str, Any]) -> str:
    if not recipe:
        return "a training run whose recipe is lost"
    game = recipe.get("game")
    return f"{recipe.get('name')}: {recipe.get('algorithm')} on {dig(game, 'scenario')}"


def _about(
    recipe: Mapping[str, Any], told: Mapping[str, Any], result: Mapping[str, Any]
) -> tuple[tuple[str, str], ...]:
    game = recipe.get("game", {})
    facts: list[tuple[str, Any]] = [("recipe", recipe.get("description"))]
    facts += [(key, recipe.get(key)) for key in ("algorithm", "seed", "reward")]
    facts += [("scenario", dig(game, "scenario"))]
    pricing = dig(game, "pricing")
    facts.append(("prices", ", ".join(map(str, pricing)) if isinstance(pricing, list) else None))
    for key in ("model", "sft", "grpo", "ppo", "selfplay", "evaluation"):
        said = recipe.get(key)
        if isinstance(said, Mapping) and (
            key not in STAGES
            or key == recipe.get("algorithm")
            or (key == "sft" and recipe.get("algorithm") == "grpo")
        ):
            facts.append(
                (
                    key,
                    ", ".join(
                        f"{k} {v if k == 'seed' else general(v)}"
                        for k, v in said.items()
                        if v is not None
                    ),
                )
            )
    facts += [(key, result.get(key)) for key in ("learner", "seat")]
    if (distance := as_number(result.get("nash_conv"))) is not None:
        facts.append(("NashConv", f"{general(distance)} points, mean over prices"))
    facts += [("held-out conversations", result.get("conversations"))]
    facts += [("status", told.get("status")), ("began", told.get("began"))]
    digests = told.get("digests")
    facts.append(
        ("scenario hashes", " ".join(map(str, digests)) if isinstance(digests, list) else None)
    )
    versions = told.get("versions")
    if isinstance(versions, Mapping):
        facts.append(("gtalign-env", versions.get("gtalign-env")))
        facts.append(("versions", ", ".join(f"{k} {v}" for k, v in versions.items() if v)))
    facts.append(("Python", told.get("python")))
    facts.append(("report by", f"gtalign-env {__version__}"))
    return tuple((name, general(value)) for name, value in facts if value not in (None, ""))
