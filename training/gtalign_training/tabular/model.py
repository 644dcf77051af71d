"""The network with its environments, its random numbers and its file."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from gtalign_env.errors import MissingExtraError, RunError
from gtalign_training.recipe import Recipe
from gtalign_training.tabular.algorithms import make
from gtalign_training.tabular.env import Place, TrainingEnv

_ENVIRONMENTS, _NETWORK = 3, 4  # streams of a recipe's seed, apart from those of other trainers

PARTS = ("policy.pth", "policy.optimizer.pth")
"""What a model file must hold."""


def first_places(recipe: Recipe) -> list[Place]:
    """Return where the environments of a new run begin: distinct seeds from the recipe's."""
    sequence = np.random.SeedSequence([recipe.seed, _ENVIRONMENTS])
    seeds = sequence.generate_state(recipe.network.environments, np.uint64)
    return [Place(int(seed)) for seed in seeds]


@contextmanager
def own_randomness(recipe: Recipe) -> Iterator[None]:
    """Seed what the library draws from, on one thread; give the caller's state back at the end.

    The library samples actions with torch's global generator and shuffles with NumPy's, so both
    are taken over for as long as it runs.

    Raises:
        MissingExtraError: Stable-Baselines3 is not installed.
    """
    _require_sb3()
    import torch

    seed = int(np.random.SeedSequence([recipe.seed, _NETWORK]).generate_state(1)[0])
    numpy_state = np.random.get_state(legacy=False)  # noqa: NPY002  # the library's own generator
    threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        try:
            torch.manual_seed(seed)
            np.random.seed(seed)  # noqa: NPY002  # likewise
            torch.set_num_threads(1)  # a network this small is slower on two
            yield
        finally:
            torch.set_num_threads(threads)
            np.random.set_state(numpy_state)  # noqa: NPY002  # likewise


def build_model(recipe: Recipe, places: list[Place]) -> tuple[Any, list[TrainingEnv]]:
    """Return an untrained model, and the environments that it plays.

    Args:
        recipe: The recipe.
        places: Where the environments go on, one each.

    Raises:
        MissingExtraError: Stable-Baselines3 is not installed.
    """
    _require_sb3()
    from stable_baselines3.common.logger import Logger
    from stable_baselines3.common.vec_env import DummyVecEnv

    recipe = recipe.with_game(recipe.game_files)  # looked up once, not by every environment
    envs = [TrainingEnv(recipe, place) for place in places]
    vector = DummyVecEnv([lambda env=env: env for env in envs])  # type: ignore[misc]  # a bound default
    model = make(recipe, vector)
    model.set_logger(Logger(folder=None, output_formats=[]))  # ours does the reporting
    return model, envs


def load_parameters(model: Any, path: Path) -> None:
    """Load the weights and the optimiser's state, and nothing that could run code.

    The library's own ``load`` unpickles what else lies in the file; the recipe says all that.

    Args:
        model: Built from the recipe that the file was made with.
        path: A file written by the library's ``save``.

    Raises:
        RunError: The file is missing or damaged, or of another recipe.
    """
    problem = damage(path)
    if problem is not None:
        raise RunError(
            f"{path} must be a whole model file, but {problem}; go on with the run (--resume) to "
            "write it again from its last checkpoint"
        )
    try:
        model.set_parameters(str(path), device="cpu")
    except (ValueError, RuntimeError, KeyError) as error:
        raise RunError(
            f"{path} holds the parameters of another network than the recipe's: {error}"
        ) from error


def damage(path: Path) -> str | None:
    """Return what is wrong with a model file, or None: every part is read and its sum checked.

    Args:
        path: The file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()
            parts = archive.namelist()
    except FileNotFoundError:
        return f"{path.name} is missing"
    except (OSError, zipfile.BadZipFile) as error:
        return f"{path.name} is cut short or no zip file ({error})"
    if broken:
        return f"{broken} in {path.name} fails its checksum"
    # The parts are zip files too, stored as they are: one that ends a file cut short is then
    # taken for the archive itself.
    if not set(PARTS) <= set(parts):
        return f"{path.name} is cut short: it lacks {', '.join(PARTS)}"
    return None


def _require_sb3() -> None:
    try:
        import stable_baselines3  # noqa: F401  # only whether it is there
    except ImportError:
        raise MissingExtraError("training a network without text", "sb3") from None
