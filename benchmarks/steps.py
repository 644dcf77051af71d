"""Steps a second of `gtalign/Conversation-v0` beside named peers, as ratios within one run.

Machines drift by tens of per cent within minutes, so contestants take turns in short slices of one
process, and what is reported is the median and the quartiles of the ratio per round. Before that
the C loop is checked: its observations, rewards and flags equal the environment's, to the last bit.

Run: pip install -r benchmarks/requirements.txt; python benchmarks/steps.py [--rounds 21] [--json]
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import gymnasium
import numpy as np
import pettingzoo
import pyspiel
from c_loop import CLoop
from pettingzoo.classic import rps_v2

import gtalign_env  # noqa: F401  # registers the ids
from gtalign_env.scenario.compile import compile_scenario
from gtalign_env.scenario.loader import load_scenario

ID = "gtalign/Conversation-v0"

Step = Callable[[], int]
"""Runs for a moment and returns how many steps it made."""


class Pair(NamedTuple):
    """Two contestants."""

    name: str
    ours: Step
    peer: Step
    clock: Callable[[], float] = time.process_time


def repeated(one: Callable[[], None], times: int = 50) -> Step:
    """Return a step that makes so many of a small one."""

    def run() -> int:
        for _ in range(times):
            one()
        return times

    return run


def single(env: Any) -> Step:
    """Return steps of a Gymnasium environment with random actions, resets included."""
    actions = np.random.default_rng(0).integers(env.action_space.n, size=4096).tolist()
    env.reset(seed=0)
    at = 0

    def one() -> None:
        nonlocal at
        at = (at + 1) % 4096
        _, _, terminated, truncated, _ = env.step(actions[at])
        if terminated or truncated:
            env.reset()

    return repeated(one)


def in_turn(env: Any) -> Step:
    """Return steps of a PettingZoo AEC environment: observe, act at random and legally."""
    draws = np.random.default_rng(0).integers(2**31, size=4096).tolist()
    legal: dict[bytes, list[int]] = {}
    every = {agent: list(range(env.action_space(agent).n)) for agent in env.possible_agents}
    env.reset(seed=0)
    at = 0

    def one() -> None:
        nonlocal at
        at = (at + 1) % 4096
        agent = env.agent_selection
        if env.terminations[agent] or env.truncations[agent]:
            env.reset()
            agent = env.agent_selection
        env.observe(agent)
        moves = every[agent]
        mask = env.infos[agent].get("action_mask")
        if mask is not None:
            key = mask.tobytes()
            if key not in legal:
                legal[key] = mask.nonzero()[0].tolist()
            moves = legal[key]
        env.step(moves[draws[at] % len(moves)])

    return repeated(one)


def at_once(env: Any) -> Step:
    """Return joint steps of a PettingZoo parallel environment with random actions."""
    draws = np.random.default_rng(0).integers(3, size=(4096, 2)).tolist()
    agents = env.possible_agents
    env.reset(seed=0)
    at = 0

    def one() -> None:
        nonlocal at
        at = (at + 1) % 4096
        _, _, terminated, truncated, _ = env.step(dict(zip(agents, draws[at], strict=True)))
        if any(terminated.values()) or any(truncated.values()):
            env.reset()

    return repeated(one)


def actions_for(n: int, moves: int) -> list[np.ndarray]:
    """Return random actions of a batch, for sixteen steps."""
    rng = np.random.default_rng(0)
    return [rng.integers(moves, size=n) for _ in range(16)]


def vector(env: Any) -> Step:
    """Return steps of a vector environment with random actions; its own resets included."""
    n = env.num_envs
    actions = actions_for(n, env.single_action_space.n)
    env.reset(seed=0)
    at = 0

    def step() -> int:
        nonlocal at
        at += 1
        env.step(actions[at % 16])
        return n

    return step


def repeated_prisoners_dilemma() -> Step:
    """Return joint steps of OpenSpiel's repeated prisoner's dilemma, a Python loop over C++."""
    stage = pyspiel.load_matrix_game("matrix_pd")
    game = pyspiel.create_repeated_game(stage, {"num_repetitions": 10})
    draws = np.random.default_rng(0).integers(2, size=(4096, 2)).tolist()
    state = game.new_initial_state()
    at = 0

    def one() -> None:
        nonlocal at, state
        at = (at + 1) % 4096
        if state.is_terminal():
            state = game.new_initial_state()
        state.apply_actions(draws[at])

    return repeated(one)


def c_loop(n: int) -> Step:
    """Return steps of the C loop."""
    loop = CLoop(compile_scenario(load_scenario("quick_question")), n)
    return loop.stepper(actions_for(n, 7))


def check_c_loop(n: int = 512, steps: int = 200) -> None:
    """Check that the C loop plays the same game, to the last bit."""
    loop = CLoop(compile_scenario(load_scenario("quick_question")), n)
    envs = gymnasium.make_vec(ID, num_envs=n)
    seen, _ = envs.reset(seed=0)
    np.testing.assert_array_equal(loop.seen, seen)
    actions = actions_for(n, 7)
    step = loop.stepper(actions)
    for at in range(steps):
        step()
        seen, rewards, terminated, truncated, _ = envs.step(actions[at % 16])
        np.testing.assert_array_equal(loop.seen, seen)
        np.testing.assert_array_equal(loop.rewards, rewards)
        np.testing.assert_array_equal(loop.terminated, terminated)
        np.testing.assert_array_equal(loop.truncated, truncated)


def pairs() -> list[Pair]:
    """Return who is measured beside whom."""

    def ours(n: int, **arguments: Any) -> Step:
        return vector(gymnasium.make_vec(ID, num_envs=n, **arguments))

    def cart_pole(n: int) -> Step:
        mode = "vector_entry_point"
        return vector(gymnasium.make_vec("CartPole-v1", num_envs=n, vectorization_mode=mode))

    fast = gymnasium.make(ID, compiled=True)
    plain = gymnasium.make(ID, compiled=False)
    both = pettingzoo.make("aec", ID, compiled=True)
    small, large = 16_384, 65_536
    return [
        Pair("one seat, compiled / CartPole unwrapped", single(fast.unwrapped), single(_cart())),
        Pair(
            "one seat, interpreted / CartPole unwrapped", single(plain.unwrapped), single(_cart())
        ),
        Pair("AEC, compiled / rps raw_env", in_turn(both), in_turn(rps_v2.raw_env())),
        Pair("AEC, compiled / rps parallel_env", in_turn(both), at_once(rps_v2.parallel_env())),
        Pair("vector 16 k / CartPole's own", ours(small), cart_pole(small)),
        Pair("vector 65 k / CartPole's own", ours(large), cart_pole(large)),
        Pair(
            "vector 16 k, types drawn / CartPole's own",
            ours(small, scenario="medical_triage"),
            cart_pole(small),
        ),
        Pair(
            "vector 16 k / OpenSpiel loop, repeated PD", ours(small), repeated_prisoners_dilemma()
        ),
        Pair("vector 16 k / C loop of the same rules", ours(small), c_loop(small)),
        Pair("vector 65 k / C loop of the same rules", ours(large), c_loop(large)),
        Pair("vector 65 k, copy=False / C loop", ours(large, copy=False), c_loop(large)),
        Pair(
            "vector 65 k: 2 threads / 1 thread, wall time",
            ours(large, threads=2),
            ours(large),
            time.perf_counter,
        ),
    ]


def _cart() -> Any:
    return gymnasium.make("CartPole-v1").unwrapped


def rate(step: Step, seconds: float, clock: Callable[[], float]) -> float:
    """Return steps a second, over a slice of time."""
    begin, count = clock(), 0
    while clock() - begin < seconds:
        count += step()
    return count / (clock() - begin)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--slice", type=float, default=0.06, help="seconds")
    parser.add_argument("--json", action="store_true", help="one object a pair")
    options = parser.parse_args()
    check_c_loop()
    if not options.json:
        print(f"{'ours / peer':<46} {'ours':>11} {'peer':>11}   ratio (quartiles)")
    for pair in pairs():
        pair.ours(), pair.peer()  # compile, and fill the caches
        rounds = [
            tuple(rate(step, options.slice, pair.clock) for step in (pair.ours, pair.peer))
            for _ in range(options.rounds)
        ]
        low, middle, high = np.quantile([a / b for a, b in rounds], (0.25, 0.5, 0.75))
        ours, peer = (float(np.median(column)) for column in zip(*rounds, strict=True))
        if options.json:
            row = {"name": pair.name, "ours": ours, "peer": peer, "ratio": [low, middle, high]}
            print(json.dumps(row))
        else:
            spread = f"{middle:.2f} ({low:.2f} to {high:.2f})"
            print(f"{pair.name:<46} {ours:>11,.0f} {peer:>11,.0f}   {spread}")
    if not options.json:
        print("steps a CPU-second; resets count as what they cost, not as steps")


if __name__ == "__main__":
    main()
