"""Steps of the vector environment in two processes at once, beside one alone; wall time.

Run it where nothing else runs: python benchmarks/processes.py [--rows 16384] [--rounds 3]
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from multiprocessing.connection import Connection

import gymnasium
import numpy as np

import gtalign_env  # noqa: F401  # registers the ids

WARM_UP, AT_ONCE = 64, 16


def play(rows: int, seconds: float, line: Connection) -> None:
    """Step so many rows for so long once told to, and send steps a second."""
    env = gymnasium.make_vec("gtalign/Conversation-v0", num_envs=rows)
    env.reset(seed=0)
    actions = np.random.default_rng(0).integers(7, size=(WARM_UP, rows))
    for action in actions:
        env.step(action)
    line.send(None)
    line.recv()
    begin, count = time.perf_counter(), 0
    while time.perf_counter() - begin < seconds:
        for action in actions[:AT_ONCE]:
            env.step(action)
        count += AT_ONCE * rows
    line.send(count / (time.perf_counter() - begin))


def steps_a_second(processes: int, rows: int, seconds: float) -> float:
    """Return what so many processes reach together."""
    spawn = multiprocessing.get_context("spawn")
    lines = []
    started = []
    for _ in range(processes):
        ours, theirs = spawn.Pipe()
        lines.append(ours)
        started.append(spawn.Process(target=play, args=(rows, seconds, theirs)))
        started[-1].start()
    for line in lines:
        line.recv()  # ready
    for line in lines:
        line.send(None)
    total = sum(line.recv() for line in lines)
    for process in started:
        process.join()
    return float(total)


def main() -> None:
    """Print the ratio, round by round."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=16384)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0)
    asked = parser.parse_args()
    for _ in range(asked.rounds):
        one, two = (steps_a_second(n, asked.rows, asked.seconds) for n in (1, 2))
        print(f"one process {one:12,.0f}   two {two:12,.0f} steps/s   ratio {two / one:.2f}")


if __name__ == "__main__":
    main()
