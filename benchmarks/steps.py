"""Steps a second of `gtalign/Conversation-v0` beside named peers, as ratios within one run.

Machines drift by tens of per cent within minutes, so contestants take turns in short slices of one
process, and what is reported is the median and the quartiles of the ratio per round.

Run: python benchmarks/steps.py [--rounds 21] [--slice 0.06]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator

import gymnasium
import numpy as np
import pettingzoo
from pettingzoo.classic import rps_v2

import gtalign_env  # noqa: F401  # registers the ids

Slice = Callable[[float], float]
"""Runs for about so many seconds and returns steps a second."""


def timed(steps: Iterator[None]) -> Slice:
    """Return a slice of an endless run of steps."""

    def run(seconds: float) -> float:
        begin = time.perf_counter()
        count = 0
        while time.perf_counter() - begin < seconds:
            for _ in range(50):
                next(steps)
            count += 50
        return count / (time.perf_counter() - begin)

    return run


def gymnasium_steps(env: gymnasium.Env[object, int]) -> Iterator[None]:
    """Yield after every step of a Gymnasium environment with random actions."""
    rng = np.random.default_rng(0)
    actions = rng.integers(env.action_space.n, size=4096).tolist()  # type: ignore[attr-defined]  # Discrete
    env.reset(seed=0)
    at = 0
    while True:
        at = (at + 1) % 4096
        _, _, terminated, truncated, _ = env.step(actions[at])
        if terminated or truncated:
            env.reset()
        yield


def aec_steps(env: pettingzoo.AECEnv) -> Iterator[None]:
    """Yield after every step of a PettingZoo environment with random legal actions."""
    rng = np.random.default_rng(0)
    draws = rng.random(4096).tolist()
    env.reset(seed=0)
    at = 0
    while True:
        at = (at + 1) % 4096
        agent = env.agent_selection
        if env.terminations[agent] or env.truncations[agent]:
            env.reset()
            continue
        mask = env.infos[agent].get("action_mask")
        if mask is None:
            action = int(draws[at] * env.action_space(agent).n)
        else:
            legal = mask.nonzero()[0]
            action = int(legal[int(draws[at] * len(legal))])
        env.observe(agent)
        env.step(action)
        yield


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--slice", type=float, default=0.06, help="seconds")
    options = parser.parse_args()
    ours_single = gymnasium.make("gtalign/Conversation-v0").unwrapped
    ours_aec = pettingzoo.make("aec", "gtalign/Conversation-v0")
    pairs = {
        "Gymnasium, one seat / CartPole unwrapped": (
            timed(gymnasium_steps(ours_single)),
            timed(gymnasium_steps(gymnasium.make("CartPole-v1").unwrapped)),
        ),
        "PettingZoo AEC / rock-paper-scissors raw_env": (
            timed(aec_steps(ours_aec)),
            timed(aec_steps(rps_v2.raw_env())),
        ),
    }
    print(f"{'ours / peer':<48} {'ours':>9} {'peer':>9}   ratio (quartiles)")
    for name, (ours, peer) in pairs.items():
        rounds = [(ours(options.slice), peer(options.slice)) for _ in range(options.rounds)]
        ratios = [a / b for a, b in rounds]
        low, middle, high = np.quantile(ratios, (0.25, 0.5, 0.75))
        fast, slow = (np.median(column) for column in zip(*rounds, strict=True))
        print(f"{name:<48} {fast:>9,.0f} {slow:>9,.0f}   {middle:.2f} ({low:.2f} to {high:.2f})")
    print("steps a second; one core; both sides pay Python's call overhead")


if __name__ == "__main__":
    main()
