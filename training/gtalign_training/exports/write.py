"""Write a run for another program, by the name of the format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gtalign_env.errors import RunError
from gtalign_training.exports.inspect_log import file_name, inspect_log
from gtalign_training.exports.tables import exchanges_file, write_csv, write_parquet
from gtalign_training.exports.told import Story, repaired
from gtalign_training.run_folder import write_text
from gtalign_training.trackers import TRACKERS

ENDINGS = {"inspect": ".json", "csv": ".csv", "parquet": ".parquet"}
"""Formats of conversations, and what their files end in."""

FORMATS = (*ENDINGS, *TRACKERS)
"""What a run can be exported as: its conversations, or its series to a tracker."""

WITHOUT_FILE = ("trackio", "wandb")
"""Trackers that have places of their own."""


def files_of(story: Story, form: str, out: Path) -> list[Path]:
    """Return the files that conversations are written to, the main one first.

    Args:
        story: The run.
        form: One of `ENDINGS`.
        out: The file that was asked for; of Inspect, a folder if it does not end in .json: its viewer
            lists only files that are named as it names them.
    """
    if form != "inspect":
        return [out, exchanges_file(out)]
    return [out if out.suffix.lower() == ENDINGS[form] else out / file_name(story)]


def write_story(story: Story, form: str, out: Path) -> dict[str, Any]:
    """Write a run's conversations, and return what was written, plain JSON data.

    Args:
        story: The run.
        form: One of `ENDINGS`.
        out: The first of `files_of`.

    Raises:
        RunError: A file cannot be written.
        MissingExtraError: What the format needs is not installed.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        rows, broken = _written(story, form, out)
    except OSError as error:
        raise RunError(f"{out}: cannot be written: {error}") from error
    return {
        "format": form,
        "files": rows,
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
