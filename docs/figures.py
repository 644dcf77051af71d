"""Draw the pictures of README and site from real runs: `make docs` calls it.

```
python docs/figures.py                       sweep, train and draw: about a minute and a half
python docs/figures.py --runs runs/figures   keep the runs there, and use those that are there
```

The sweep and the training are commands that a reader can run; nothing that is drawn is stored.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from making.canvas import THEMES
from making.drawings import drawings
from making.overview import overview, parts

from gtalign_training.run_folder import RunFolder
from gtalign_training.studies.folder import StudyFolder

IMAGES = Path(__file__).parent / "img"
STUDY, RECIPE = "token_price_by_conciseness", "strategic-ppo"


def runs(folder: Path) -> tuple[StudyFolder, RunFolder]:
    """Return a finished sweep and a finished training; those that are there are not made again."""
    study, run = folder / STUDY, folder / RECIPE
    if not (study / "summary.json").exists():
        _gtalign("sweep", STUDY, "--out", str(study))
    if not (run / "evaluation.json").exists():
        _gtalign("train", RECIPE, "--out", str(run))
    return StudyFolder(study), RunFolder(run)


def _gtalign(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "gtalign_training.cli", *words], check=True)


def draw(folder: Path, out: Path) -> list[Path]:
    """Draw every picture; return the files.

    Args:
        folder: Where the runs are, or are made.
        out: Where the pictures go.
    """
    study, run = runs(folder)
    made = []
    for theme in THEMES:
        made += [overview(out, theme, study, run), *parts(out, theme, study, run)]
        made += drawings(out, theme)
    return made


def main() -> None:
    """Draw the pictures that the command line asks for."""
    parser = argparse.ArgumentParser(description="Draw the pictures of README and site.")
    parser.add_argument("--runs", type=Path, help="where to keep the runs [a temporary folder]")
    parser.add_argument("--out", type=Path, default=IMAGES, help="where the pictures go")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        for file in draw(asked.runs or Path(temporary), asked.out):
            sys.stdout.write(f"{file}\n")


if __name__ == "__main__":
    main()
