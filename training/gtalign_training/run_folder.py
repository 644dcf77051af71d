"""The run folder: everything a training run leaves behind, and what it needs to go on.

```
recipe.json      the recipe, complete, as it was run
game.json        the scenario, regimes and tasks that it names, complete
run.json         versions, scenario hashes, when it began, how far it is
sft/             the warm-started model, and its checkpoints while it is being made
ALGORITHM/       checkpoints, such as grpo/ or lm-ppo/
model/           the trained model
metrics.jsonl    one line per logged step
tensorboard/     the same, for TensorBoard
evaluation.json  before, after, baselines and optimum on held-out conversations
plots/           pictures
```
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import ValidationError

from gtalign_env.errors import RunError
from gtalign_training.folders import no_folder, what_is
from gtalign_training.recipe import Recipe
from gtalign_training.recipe.game_files import GameFiles

RECIPE, GAME = "recipe.json", "game.json"
PACKAGES = ("gtalign-env", "numpy", "torch", "transformers", "trl", "stable-baselines3")
CHECKPOINT = "checkpoint-"


def write_json(path: Path, data: Any) -> None:
    """Write data as JSON, whole or not at all.

    Args:
        path: Where to.
        data: Plain JSON data; NaN and infinities are refused.
    """
    write_text(path, json.dumps(data, indent=1, allow_nan=False, ensure_ascii=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all, as UTF-8.

    Args:
        path: Where to.
        text: All of it.
    """
    with whole_file(path) as file:
        file.write(text.encode("utf-8"))


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Give a file to write to that is there whole, or not at all.

    Args:
        path: Where it will be; what was there stays until all is written, flushed and synced.
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with temporary.open("wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


class RunFolder:
    """One run's folder.

    Args:
        path: The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def open(cls, path: Path, recipe: Recipe, digests: list[str], *, resume: bool) -> RunFolder:
        """Return a new run's folder, or an interrupted run's to go on with.

        Args:
            path: The folder.
            recipe: What is run.
            digests: Hashes of the games.
            resume: Whether to go on with a run that is there.

        Raises:
            RunError: There is a run and ``resume`` is False; or it was made from something else;
                or there is none to resume.
        """
        folder = cls(path)
        as_run = recipe.plain()
        if (path / RECIPE).exists():
            if not resume:
                raise RunError(
                    f"{path} holds a run already; add --resume to go on with it, or choose "
                    "another folder with --out"
                )
            folder._require_same(as_run, digests, recipe.game_files)
            return folder
        if resume:
            raise RunError(f"there is no run in {path} to resume; leave out --resume to start one")
        path.mkdir(parents=True, exist_ok=True)
        folder.mark(status="running", digests=digests)
        write_json(path / GAME, recipe.game_files.to_data())
        write_json(path / RECIPE, as_run)
        return folder

    def recipe(self) -> Recipe:
        """Return the recipe as it was run, with the game that the folder keeps.

        A folder of before games were kept has names alone: they are looked up again.

        Raises:
            RunError: It is no folder of `gtalign train`, or damaged.
        """
        try:
            recipe = Recipe.model_validate(self.read(RECIPE), strict=False)
        except ValidationError as error:
            raise RunError(f"{self.path / RECIPE} is no recipe of this version: {error}") from error
        kept = self.game_files()
        return recipe if kept is None else recipe.with_game(kept)

    def game_files(self) -> GameFiles | None:
        """Return the game that the folder keeps; None in one of before games were kept.

        Raises:
            RunError: It is damaged.
        """
        if not (self.path / GAME).exists():
            return None
        return GameFiles.from_data(self.read(GAME), str(self.path / GAME))

    def _require_same(self, recipe: dict[str, Any], digests: list[str], game: GameFiles) -> None:
        before = self.read(RECIPE)
        changed = sorted(
            key
            for key in {*before, *recipe} - {"track"}  # who looks on changes nothing
            if before.get(key) != recipe.get(key)
        )
        if changed:
            shown = "; ".join(
                f"{key}: {before.get(key)!r} then, {recipe.get(key)!r} now" for key in changed
            )
            raise RunError(f"{self.path} was run from another recipe ({shown}); use another folder")
        kept = self.game_files()
        other = [] if kept is None else kept.differences(game)
        if not other and self.read("run.json")["digests"] != digests:
            other = ["scenario or pricing"]
        if other:
            raise RunError(
                f"{self.path} was run on other {' and '.join(other)} files (their hashes differ); "
                f"restore them, or use another folder. What it was run on stands in {GAME}"
            )

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    def read(self, name: str) -> Any:
        """Return a JSON file's content.

        Raises:
            RunError: It is missing or damaged.
        """
        try:
            return json.loads((self.path / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            if not self.path.is_dir():
                raise RunError(no_folder(self.path)) from None
            raise RunError(f"{self.path} has no {name}; it is {what_is(self.path)}") from None
        except ValueError as error:
            raise RunError(f"{self.path / name} is damaged: {error}") from error

    def mark(self, **facts: Any) -> None:
        """Add facts to ``run.json``."""
        known = self.read("run.json") if (self.path / "run.json").exists() else _environment()
        write_json(self.path / "run.json", {**known, **facts})

    def log(self, stage: str, step: int, values: dict[str, Any]) -> None:
        """Append a line to ``metrics.jsonl``.

        Args:
            stage: ``sft``, or the algorithm.
            step: Optimiser or environment step.
            values: What was measured; NaN and infinities become null.
        """
        clean = {
            key: value
            for key, value in values.items()
            if isinstance(value, int | float | str) or value is None
        }
        line = json.dumps({"stage": stage, "step": step, **_finite(clean)}, allow_nan=False)
        with (self.path / "metrics.jsonl").open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def metrics(self, stage: str | None = None) -> list[dict[str, Any]]:
        """Return the logged lines, of one stage or all; a torn last line is left out."""
        path = self.path / "metrics.jsonl"
        rows = []
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
            try:
                row = json.loads(line)
            except ValueError:
                continue  # an interrupted write; resuming drops and rewrites its step
            if stage is None or row["stage"] == stage:
                rows.append(row)
        return rows

    def drop_metrics_after(self, stage: str, step: int) -> None:
        """Forget lines of a stage beyond a step: they are about to be made again."""
        kept = [r for r in self.metrics() if r["stage"] != stage or r["step"] <= step]
        path = self.path / "metrics.jsonl"
        temporary = path.with_suffix(".tmp")
        temporary.write_text("".join(json.dumps(row) + "\n" for row in kept), encoding="utf-8")
        temporary.replace(path)


def _finite(values: dict[str, Any]) -> dict[str, Any]:
    return {
        key: None if isinstance(value, float) and value * 0 != 0 else value
        for key, value in values.items()
    }


def _environment() -> dict[str, Any]:
    versions: dict[str, str | None] = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = None
    return {
        "began": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "versions": versions,
    }


def checkpoints(folder: Path) -> list[Path]:
    """Return the checkpoints of a folder, newest first."""
    found = [p for p in folder.glob(f"{CHECKPOINT}*") if p.name.removeprefix(CHECKPOINT).isdigit()]
    return sorted(found, key=lambda p: int(p.name.removeprefix(CHECKPOINT)), reverse=True)
