"""Training that is killed at random moments, forty times: at most the step under way is lost."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gtalign_training.language.models import load_assistant, save_assistant
from gtalign_training.language.trainers import NAMES
from gtalign_training.recipe import Recipe, load_recipe
from gtalign_training.run_folder import RunFolder, checkpoints
from gtalign_training.tabular.checkpoint import MODEL

from .test_language_trainers import begin, same
from .test_language_trainers import short as language
from .test_tabular import parameters
from .test_tabular_algorithms import SHORT
from .test_tabular_algorithms import short as strategic

CHILD = """
import json, sys
from pathlib import Path
from gtalign_training.language.models import load_assistant, save_assistant
from gtalign_training.recipe import Recipe, load_recipe
from gtalign_training.run_folder import RunFolder
from gtalign_training.selfplay import run as play_oneself
from gtalign_training.tabular import train_network
from gtalign_training.language.trainers import fine_tune_of

recipe = Recipe.model_validate(json.loads(Path(sys.argv[1]).read_text()), strict=False)
path, resume = Path(sys.argv[2]), sys.argv[3] == "resume"
selfplay = recipe.algorithm == "selfplay"
folder = None if selfplay else RunFolder.open(path, recipe, [], resume=resume)

def tell(stage, step, steps, metrics):
    print(f"{stage} {step}", flush=True)

print("ready 0", flush=True)
if selfplay:
    play_oneself(recipe, path, resume=resume, progress=tell)
elif recipe.strategic:
    train_network(recipe, folder, resume=resume, progress=lambda *step: tell("net", *step))
else:
    start = load_assistant(path.parent / "start")
    save_assistant(fine_tune_of(recipe.algorithm)(recipe, start, folder, tell), folder / "model")
"""

SEATS = ("user", "assistant")
KILLS = 4
"""Of each of ten algorithms."""


def selfplay() -> Recipe:
    """Return rounds of a tenth of a second, in which both seats learn."""
    data = load_recipe("tiny-selfplay").plain()
    data["game"]["pricing"] = ["per_token"]
    data["selfplay"] |= {"rounds": 40, "steps": 64, "environments": 2, "horizon": 32}
    data["selfplay"] |= {"batch_size": 32, "epochs": 1, "types": 2, "hidden": 8}
    return Recipe.model_validate(data, strict=False)


RECIPES: dict[str, Callable[[], Recipe]] = {
    **{name: partial(language, name, section={"steps": 24, "save_every": 1}) for name in NAMES},
    **{name: partial(strategic, name, steps=128 * 60, save_every=128) for name in SHORT},
    "selfplay": selfplay,
}


def start(tmp_path: Path, recipe: Recipe, name: str, *, resume: bool) -> subprocess.Popen[str]:
    script, file = tmp_path / "child.py", tmp_path / "recipe.json"
    script.write_text(CHILD)
    file.write_text(json.dumps(recipe.plain()))
    command = [sys.executable, "-W", "ignore", str(script), str(file), str(tmp_path / name)]
    return subprocess.Popen(
        [*command, "resume" if resume else "begin"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(child: subprocess.Popen[str]) -> None:
    _, errors = child.communicate(timeout=1200)  # two minutes alone; ten beside others
    assert child.returncode == 0, errors[-2000:]


def weights(folder: Path, recipe: Recipe) -> Any:
    if recipe.algorithm == "selfplay":
        learnt = {seat: np.load(folder / "model" / f"{seat}.npz") for seat in SEATS}
        return {
            (seat, name): file[name].tobytes() for seat, file in learnt.items() for name in file
        }
    if recipe.strategic:
        return parameters(folder / "model" / MODEL)
    return load_assistant(folder / "model").model.state_dict()


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", RECIPES)
def test_a_killed_training_loses_at_most_the_step_under_way(tmp_path: Path, algorithm: str) -> None:
    recipe, rng = RECIPES[algorithm](), random.Random(algorithm)
    if not recipe.strategic:
        save_assistant(begin(recipe), tmp_path / "start")
    finish(start(tmp_path, recipe, "whole", resume=False))
    folder = tmp_path / "killed"
    done = killed = 0
    size = 128 if algorithm in SHORT else 1
    while killed < KILLS:
        child = start(tmp_path, recipe, "killed", resume=killed > 0)
        assert child.stdout is not None
        assert child.stdout.readline() == "ready 0\n"
        for _ in range(rng.randrange(1, 4)):  # some steps on, and then anywhere inside one
            child.stdout.readline()
        time.sleep(rng.random() * 0.3)
        child.send_signal(signal.SIGKILL)
        child.communicate()
        assert child.returncode == -signal.SIGKILL, "it was over before it was killed"
        killed += 1
        logged = max((row["step"] for row in RunFolder(folder).metrics(algorithm)), default=0)
        kept = checkpoints(folder / algorithm)
        step = int(kept[0].name.rpartition("-")[2]) if kept else 0
        assert step >= logged - size  # the log of a step is written before its checkpoint
        assert step >= done
        done = step
    assert done > 0
    finish(start(tmp_path, recipe, "killed", resume=True))
    one, other = weights(folder, recipe), weights(tmp_path / "whole", recipe)
    assert one == other if recipe.strategic else same(one, other)
