"""The same episodes in another process, where strings hash to other numbers.

The other process runs `main`: a pickled job comes on standard input, a hash per episode goes out.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

from gtalign_env.envs.checks.drivers import drive
from gtalign_env.envs.checks.play import Episode, replay
from gtalign_env.envs.checks.values import digest


def hash_of(episode: Episode) -> str:
    """Return a hash of all that an episode reported, the same in every process."""
    return digest(episode.frames)


def pack(make_env: Callable[[], Any], episodes: Sequence[Episode]) -> bytes:
    """Return the job of playing these episodes again.

    Raises:
        Exception: What pickling raises where ``make_env`` cannot be pickled.
    """
    return pickle.dumps((make_env, [(one.seed, one.acts) for one in episodes]))


def play_elsewhere(job: bytes, hash_seed: str) -> list[str]:
    """Return the hashes of the episodes of a job, played in a fresh process.

    Args:
        job: As `pack` returns it.
        hash_seed: The process's ``PYTHONHASHSEED``.

    Raises:
        RuntimeError: The process failed; the message is the end of what it said.
    """
    paths = os.pathsep.join(path or os.getcwd() for path in sys.path)
    done = subprocess.run(
        [sys.executable, "-c", f"from {__name__} import main; main()"],
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": paths},
        input=job,
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise RuntimeError(lines[-1] if lines else f"it ended with code {done.returncode}")
    hashes: list[str] = json.loads(done.stdout.splitlines()[-1])
    return hashes


def main() -> None:
    """Play the job on standard input."""
    make_env, jobs = pickle.load(sys.stdin.buffer)  # noqa: S301  # our parent's own bytes
    driver = drive(make_env())
    hashes = [hash_of(replay(driver, Episode(seed, acts, [], []))) for seed, acts in jobs]
    sys.stdout.write(json.dumps(hashes) + "\n")
