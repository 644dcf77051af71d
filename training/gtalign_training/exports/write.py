"""Write a run for another program, by the name of the format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gtalign_env.errors import RunError
from gtalign_training.exports.inspect_log import inspect_log
from gtalign_training.exports.tables import exchanges_file, write_csv, write_parquet
from gtalign_training.exports.told import Story, read_story, repaired
from gtalign_training.run_folder import write_text
from gtalign_training.trackers import TRACKERS, hand_over, tracker_of

ENDINGS = {"inspect": ".json", "csv": ".csv", "parquet": ".parquet"}
"""Formats of conversations, and what their files end in."""

FORMATS = (*ENDINGS, *TRACKERS)
"""What a run can be exported as: its conversations, or its series to a tracker."""

WITHOUT_FILE = ("trackio", "wandb")
"""Trackers that have places of their own."""


def files_of(form: str, out: Path | None) -> list[Path]:
    """Return the files that an export will write.

    Args:
        form: One of `FORMATS`.
        out: The file that was asked for.
    """
    if out is None or form in WITHOUT_FILE or form == "tensorboard":
        return []
    return [out, exchanges_file(out)] if form in ("csv", "parquet") else [out]


def export_run(target: Path, form: str, out: Path | None) -> dict[str, Any]:
    """Write a run, and return what was written, plain JSON data.

    Args:
        target: The run's folder, or a file of transcripts.
        form: One of `FORMATS`.
        out: The file to write; of TensorBoard, the folder; None for the others.

    Raises:
        RunError: The target is no run, or the file cannot be written.
        MissingExtraError: What the format needs is not installed.
    """
    if form in TRACKERS:
        steps, numbers = hand_over(target, tracker_of(form), out or target)
        place = {} if out is None else {"file": str(out)}
        return {"format": form, **place, "steps": steps, "numbers": numbers}
    assert out is not None, "a file to write to"
    story = read_story(target)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        files, broken = _written(story, form, out)
    except OSError as error:
        raise RunError(f"{out}: cannot be written: {error}") from error
    return {
        "format": form,
        "files": files,
        "conversations": len(story.conversations),
        "faults": sum(one.fault is not None for one in story.conversations),
        "repaired_characters": broken,
        "notes": list(story.notes),
    }


def _written(story: Story, form: str, out: Path) -> tuple[dict[str, int], int]:
    """Write conversations; return the files with their rows, and how many characters were mended."""
    if form == "inspect":
        text = json.dumps(inspect_log(story), ensure_ascii=False, allow_nan=False, indent=1)
        shown, broken = repaired(text)
        write_text(out, shown + "\n")
        return {str(out): len(story.conversations)}, broken
    done = write_csv(story, out) if form == "csv" else write_parquet(story, out)
    return done.files, done.repaired
