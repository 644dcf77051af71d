"""Where a run's series go beside its own files: TensorBoard, trackio or Weights & Biases.

All three stand behind one small protocol, so they get the same numbers under the same names:
``grpo/joint_welfare`` is the joint welfare of the stage ``grpo``, at that stage's own steps. A run is
followed while it is made, or read from its folder afterwards.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from gtalign_env.errors import MissingExtraError, RunError, suggest
from gtalign_training.callbacks import Progress
from gtalign_training.run_folder import RunFolder

PROJECT = "gtalign"
"""What the runs are filed under, where a tracker has projects."""


@dataclass(frozen=True)
class Tracked:
    """A run, as a tracker is told of it.

    Attributes:
        name: What it is called.
        config: How it was made, plain JSON data.
        folder: Where a tracker that writes files may put them.
    """

    name: str
    config: Mapping[str, Any]
    folder: Path


class Tracker(Protocol):
    """Takes the series of one run."""

    def start(self, run: Tracked) -> None:
        """Begin.

        Args:
            run: Which.
        """

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Take what was measured at a step.

        Args:
            step: Of the stage that the names begin with.
            values: Finite numbers, by name, all of one stage.
        """

    def finish(self) -> None:
        """End; everything is where it belongs when this returns."""


class TensorBoard:
    """Writes event files; `tensorboard --logdir` shows them."""

    def __init__(self) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise MissingExtraError("TensorBoard", "train") from None
        self._library = SummaryWriter

    def start(self, run: Tracked) -> None:
        """Open the files."""
        self._writer = self._library(str(run.folder))

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Take what was measured at a step."""
        for name, value in values.items():
            # float32 on disk unless told otherwise
            self._writer.add_scalar(name, value, step, new_style=True, double_precision=True)

    def finish(self) -> None:
        """Close the files."""
        self._writer.close()


class Trackio:
    """Keeps the run in trackio's own local store; `trackio show` shows it."""

    def __init__(self) -> None:
        try:
            import trackio
        except ImportError:
            raise MissingExtraError("trackio", "trackio") from None
        self._library = trackio

    def start(self, run: Tracked) -> None:
        """Begin the run, on this machine unless the library's own settings name a place."""
        with redirect_stdout(sys.stderr):  # it talks, and results belong to standard output
            self._run = self._library.init(
                PROJECT, name=run.name, config=dict(run.config), embed=False,
                auto_log_gpu=False, auto_log_cpu=False,
            )  # fmt: skip

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Take what was measured at a step."""
        self._run.log(dict(values), step=step)

    def finish(self) -> None:
        """Wait until all is stored."""
        with redirect_stdout(sys.stderr):
            self._library.finish()  # not the run's own: then the library would do it again at exit


class WeightsAndBiases:
    """Hands the run to W&B, which sends it where it is told to (WANDB_MODE=offline: nowhere)."""

    def __init__(self) -> None:
        try:
            import wandb
        except ImportError:
            raise MissingExtraError("Weights & Biases", "wandb") from None
        self._library = wandb

    def start(self, run: Tracked) -> None:
        """Begin the run."""
        quiet = self._library.Settings(console="off", disable_git=True, save_code=False)
        self._run = self._library.init(
            project=PROJECT,
            name=run.name,
            config=dict(run.config),
            settings=quiet,
            reinit="create_new",
        )
        self._stages: set[str] = set()

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Take what was measured at a step; every stage has its own axis of steps."""
        for stage in {name.partition("/")[0] for name in values} - self._stages:
            self._run.define_metric(f"{stage}/step", hidden=True)
            self._run.define_metric(f"{stage}/*", step_metric=f"{stage}/step")
            self._stages.add(stage)
        stage = next(iter(values)).partition("/")[0]
        self._run.log({**values, f"{stage}/step": step})

    def finish(self) -> None:
        """Wait until all is handed over."""
        self._run.finish()


TRACKERS: dict[str, Callable[[], Tracker]] = {
    "tensorboard": TensorBoard,
    "trackio": Trackio,
    "wandb": WeightsAndBiases,
}
"""All trackers, by name."""


def require_tracker(name: str) -> str:
    """Return a name if it is a tracker's.

    Args:
        name: One of `TRACKERS`.

    Raises:
        RunError: There is none of that name.
    """
    if name not in TRACKERS:
        known = ", ".join(TRACKERS)
        raise RunError(f"a tracker is one of {known}; got {name!r}.{suggest(name, TRACKERS)}")
    return name


def tracker_of(name: str) -> Tracker:
    """Return a fresh tracker.

    Args:
        name: One of `TRACKERS`.

    Raises:
        RunError: There is none of that name.
        MissingExtraError: Its library is not installed.
    """
    return TRACKERS[require_tracker(name)]()


def series(row: Mapping[str, Any]) -> dict[str, float]:
    """Return the numbers of a line of ``metrics.jsonl``, by name with its stage before it.

    Args:
        row: ``stage``, ``step`` and what was measured; texts and nulls are left out.
    """
    return {
        f"{row['stage']}/{name}": float(value)
        for name, value in row.items()
        if name not in ("stage", "step")
        and isinstance(value, int | float)
        and not isinstance(value, bool)
        and value - value == 0
    }


@dataclass
class Following:
    """Trackers that follow a run while it is made.

    They begin with the first step, so that a run that is refused leaves nothing behind. A tracker
    that fails is let go of: it is told, training goes on, and the run's own folder has it all.

    Attributes:
        trackers: By name.
        run: What they follow.
        told: Who else is told of every step.
        say: Told, in a line, what goes wrong.
    """

    trackers: dict[str, Tracker]
    run: Tracked
    told: Progress
    say: Callable[[str], None]
    _begun: bool = False

    def progress(self, stage: str, step: int, steps: int, metrics: dict[str, Any]) -> None:
        """Tell all of them what was measured at a step of a stage."""
        self.told(stage, step, steps, metrics)
        found = series({**metrics, "stage": stage, "step": step})
        if not self._begun:
            self._begun = True
            for name, tracker in list(self.trackers.items()):
                run = replace(self.run, folder=self.run.folder / name)
                self._safely(name, partial(tracker.start, run))
        if found:
            for name, tracker in list(self.trackers.items()):
                self._safely(name, partial(tracker.log, step, found))

    def finish(self) -> None:
        """End all of them."""
        for name, tracker in list(self.trackers.items()) if self._begun else ():
            self._safely(name, tracker.finish)

    def _safely(self, name: str, do: Callable[[], None]) -> None:
        try:
            do()
        except Exception as error:  # whatever a service does, hours of training do not hang on it
            del self.trackers[name]
            self.say(
                f"{name} failed and is let go of ({type(error).__name__}: {error}); when the run is "
                f"done: gtalign export {self.run.name} --format {name}"
            )


def follow(
    names: Iterable[str],
    folder: Path,
    config: Mapping[str, Any],
    told: Progress,
    say: Callable[[str], None],
) -> Following:
    """Return trackers that follow a run by its progress.

    Args:
        names: Of `TRACKERS`.
        folder: The run's.
        config: How it is made.
        told: Who else is told of every step.
        say: Told what goes wrong.

    Raises:
        RunError: There is no tracker of that name.
        MissingExtraError: What a tracker needs is not installed.
    """
    found = {name: tracker_of(name) for name in dict.fromkeys(names)}
    return Following(found, Tracked(folder.name, config, folder / "trackers"), told, say)


def hand_over(folder: Path, name: str, out: Path) -> dict[str, int]:
    """Give the series of a run's folder to a tracker; return how many steps and numbers it got.

    Args:
        folder: The run's.
        name: The tracker's, one of `TRACKERS`.
        out: Where a tracker that writes files puts them.

    Raises:
        RunError: There are no series, or no tracker of that name.
        MissingExtraError: The tracker's library is not installed.
    """
    run = RunFolder(folder)
    rows: Sequence[dict[str, Any]] = run.metrics()
    if not rows:
        raise RunError(
            f"{folder} has no metrics.jsonl with series: it is no folder of gtalign train"
        )
    config = run.read("recipe.json") if (folder / "recipe.json").exists() else {}
    tracker = tracker_of(name)
    tracker.start(Tracked(folder.name, config, out))
    count = 0
    try:
        for row in rows:
            values = series(row)
            count += len(values)
            if values:
                tracker.log(row["step"], values)
    finally:
        tracker.finish()
    return {"steps": len(rows), "numbers": count}
