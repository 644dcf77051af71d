"""Training runs as a comparison needs them: exact values of networks, transcripts of models."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from gtalign_agents.fourblock import parsed
from gtalign_env.envs.transcript import Transcript, read_transcripts
from gtalign_env.errors import RunError
from gtalign_env.scenario.loader import Scenario
from gtalign_training.run_folder import RunFolder
from gtalign_training.runs.episode import Episode, Fault

RECIPE, RESULT, AFTER = "recipe.json", "evaluation.json", "transcripts-after.jsonl"
EXACT = "gtalign/comparison/1"


class Trained(NamedTuple):
    """A trained language model under one of its regimes, on the held-out conversations."""

    game: Scenario
    user: str
    facts: dict[str, Any]
    episodes: dict[int, Episode]


def _facts(folder: Path) -> dict[str, Any]:
    """Return what must be the same for two trainings to be compared.

    Raises:
        RunError: The run is not finished.
    """
    home = RunFolder(folder)
    recipe, known = home.read(RECIPE), home.read("run.json")
    if known.get("status") != "done" or not (folder / RESULT).exists():
        raise RunError(f"{folder} is not finished; go on with gtalign train --resume")
    return {
        "gtalign-env": known["versions"]["gtalign-env"],
        "game": recipe["game"],
        "evaluation": {key: recipe["evaluation"][key] for key in ("conversations", "seed")},
        "digests": known["digests"],
    }


def _require_same(folders: Sequence[Path]) -> None:
    first, *others = ((folder, _facts(folder)) for folder in folders)
    for folder, facts in others:
        for name, value in facts.items():
            if value != first[1][name]:
                raise RunError(
                    f"{first[0]} and {folder} cannot be compared ({name}: {first[1][name]!r} and "
                    f"{value!r}); train both again alike"
                )


def exact_values(folders: Sequence[Path], reference: str | None) -> dict[str, Any] | None:
    """Return the exact values of trained networks side by side; None where models were trained.

    Args:
        folders: Training runs.
        reference: The folder that the others are compared with; the first unless another is named.

    Raises:
        RunError: One is not finished, they are of different games, or only some are networks.
    """
    _require_same(folders)
    results = [RunFolder(folder).read(RESULT) for folder in folders]
    exact = ["rows" not in result for result in results]
    if not any(exact):
        return None
    if not all(exact):
        raise RunError(
            "a network without text is valued exactly and a language model by conversations; "
            "compare them by gtalign evaluate --assistant trained@FOLDER"
        )
    if len(folders) < 2:
        raise RunError("a comparison needs two trainings")
    names = [str(folder) for folder in folders]
    against = names[0] if reference is None else reference
    if against not in names:
        raise RunError(f"--reference is one of {', '.join(names)}; got {against!r}")
    base = results[names.index(against)]
    return {
        "schema": EXACT,
        "contenders": names,
        "reference": against,
        "faults": dict.fromkeys(names, 0),
        "exact": [
            {
                "contender": name,
                "regime": regime,
                **{key: row[key] for key in ("user", "assistant", "welfare", "optimum", "share")},
                "difference": row["welfare"] - base["by_regime"][regime]["welfare"],
            }
            for regime in base["by_regime"]
            for name, result in zip(names, results, strict=True)
            for row in (result["by_regime"][regime],)
        ],
    }


def of_training(folder: Path) -> list[Trained]:
    """Return a trained language model's held-out conversations, by regime.

    Args:
        folder: The training run.

    Raises:
        RunError: It has no transcripts, or they are of other games than the recipe's.
    """
    facts, home = _facts(folder), RunFolder(folder)
    recipe, files = home.read(RECIPE), home.recipe().game_files
    file = folder / AFTER
    if not file.is_file():
        raise RunError(f"{folder} has no {AFTER}")
    blocks = recipe.get("format", "four-blocks") == "four-blocks"
    games = {game.digest: game for game in files.scenarios}
    found: dict[str, dict[int, Episode]] = {digest: {} for digest in games}
    for told in read_transcripts(file):
        if told.digest not in found:
            raise RunError(
                f"{file}: played under {told.regime} on another scenario or price than it is now"
            )
        found[told.digest][told.episode] = _episode(told, blocks)
    user = f"default@{recipe['game']['p_vague']:g}"
    return [
        Trained(
            games[digest],
            user,
            {
                "gtalign-env": facts["gtalign-env"],
                "seed": facts["evaluation"]["seed"],
                "keyed_by": digest,
                "digest": digest,
                "user": user,
                "tasks": recipe["game"]["tasks"],
            },
            dict(sorted(episodes.items())),
        )
        for digest, episodes in found.items()
    ]


def _episode(told: Transcript, blocks: bool) -> Episode:
    """Return an episode; W is at most 0 where a turn was malformed, as in training."""
    fault = Fault("fault", "assistant", 1) if told.ending == "fault" else None
    sound = not blocks or all(parsed(turn.written) for turn in told.turns if turn.written)
    moves = {
        seat: tuple(turn.move for turn in told.turns if turn.seat == seat)
        for seat in ("user", "assistant")
    }
    return Episode(
        told.episode,
        told.regime,
        told.persona,
        told.ending or "",
        *told.returns,
        None if fault is not None else told.welfare if sound else min(0.0, told.welfare),
        told.charged,
        told.cost,
        0,
        0,
        moves["user"],
        moves["assistant"],
        fault,
    )
