"""What a folder of results is, for messages: its kind by what lies in it, and one of a like name."""

from __future__ import annotations

from pathlib import Path

from gtalign_env.errors import nearest

_KINDS = (
    ("recipe.json", "a training of gtalign train"),
    ("events.jsonl", "a run of gtalign run; its users are replayed as replay@{folder}"),
    ("study.json", "a study of gtalign sweep"),
    ("answers.jsonl", "an evaluation of gtalign data evaluate"),
    ("grid.json", "an evaluation of gtalign evaluate"),
    ("egta.json", "a result of gtalign egta"),
    ("config.json", "a language model's folder, which is named local:{folder}"),
)
"""What tells a folder's kind, and the kind; the first that is there counts."""


def is_training(folder: Path) -> bool:
    """Return whether a folder is a run folder of `gtalign train`.

    Args:
        folder: The folder.
    """
    return (folder / "recipe.json").is_file()


def what_is(folder: Path) -> str:
    """Return what a folder is, for a sentence that says what it is not.

    Args:
        folder: A folder that is there.
    """
    for file, kind in _KINDS:
        if (folder / file).exists():
            return kind.format(folder=folder)
    below = [one for one in sorted(folder.iterdir()) if is_training(one)]
    if below:
        return f"a folder of trainings, such as {below[0]}"
    return "an empty folder" if not any(folder.iterdir()) else "a folder of something else"


def no_folder(path: Path) -> str:
    """Return what an error says of a folder that is not there: that, and one of a like name.

    Args:
        path: What was named.
    """
    if path.exists():
        return f"{path} is a file, and no folder."
    missing = path
    while not missing.parent.is_dir():
        missing = missing.parent
    beside = [one.name for one in missing.parent.iterdir() if one.is_dir()]
    said = f"{path} does not exist."
    like = nearest(missing.name, beside)
    if like is not None:
        near = missing.parent / like
        whole = near / path.relative_to(missing)
        said += f" Did you mean {str(whole if whole.exists() else near)!r}?"
    return said
