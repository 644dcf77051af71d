"""How long the playground takes to answer a slider: milliseconds a move, over all bundled scenarios.

The answer is everything that the server does first: the scenario changed and checked, its exact
payoffs, all equilibria, dilemmas, the words and the matrix as HTML. The map follows, in an answer of
its own: 625 games, and an SVG; a move along its own axes keeps them. The ratio compares a new map
with the same games solved one by one, as `gtalign solve` solves one.

Run: python benchmarks/playground.py [--moves 40] [--seed 0] [--markdown]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np

from gtalign_env.core.exact import normal_form
from gtalign_env.games.solution import solve
from gtalign_env.scenario.compile import compile_scenario
from gtalign_training.ui.explore import AS_IS, SLOTS, Explore, axes_of, places_of
from gtalign_training.ui.phase import SIDE, phase_of
from gtalign_training.ui.view import Choice, moved, names_of, require_scenario

ONE_BY_ONE = 20
"""Games over which the single solver is timed."""


def milliseconds(work: Callable[[], object]) -> float:
    """Return how long some work takes, wall clock."""
    begin = time.perf_counter()
    work()
    return 1e3 * (time.perf_counter() - begin)


def moves(
    name: str, count: int, rng: np.random.Generator
) -> tuple[list[float], list[float], float]:
    """Return the times of answers and of new maps, and the ratio of one by one to a map."""
    scenario, knobs = require_scenario(Choice(name))
    explore, axes = Explore(), axes_of(knobs)
    x, y = (knobs[i].path for i in axes)
    page = [0.0] * len(SLOTS)
    for place, knob in zip(places_of(knobs), knobs, strict=True):
        page[place] = knob.start
    explore.look(name, AS_IS, AS_IS, *page, x, y, "dilemma")  # what happens when it is opened
    explore.map(name, AS_IS, AS_IS, *page, x, y, "dilemma")
    answers, maps = [], []
    for _ in range(count):
        index = int(rng.integers(len(knobs)))
        knob = knobs[index]
        page[places_of(knobs)[index]] = float(rng.uniform(knob.low, knob.high))
        sent = (name, AS_IS, AS_IS, *page, x, y, "dilemma")
        answers.append(milliseconds(lambda: explore.look(*sent)))  # noqa: B023  # called at once
        if index not in axes:
            maps.append(milliseconds(lambda: explore.map(*sent)))  # noqa: B023  # called at once
    values = [page[place] for place in places_of(knobs)]
    values[-1] = float(rng.uniform(knobs[-1].low, knobs[-1].high))  # a map that is not kept
    batch = milliseconds(lambda: phase_of(scenario, knobs, values, axes, "dilemma"))
    spec = compile_scenario(moved(scenario, knobs, values))
    single = milliseconds(lambda: [solve(normal_form(spec).game) for _ in range(ONE_BY_ONE)])
    return answers, maps, (single / ONE_BY_ONE * SIDE**2) / batch


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--moves", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args()
    rng = np.random.default_rng(given.seed)
    line = (
        "| {:<16} | {:>7} | {:>7} | {:>7} | {:>7} | {:>9} |"
        if given.markdown
        else "{:<16} {:>9} {:>9} {:>9} {:>9} {:>11}"
    )
    print(line.format("scenario", "p50", "p95", "map p50", "map p95", "one by one"))
    if given.markdown:
        print("| --- | --: | --: | --: | --: | --: |")
    every: tuple[list[float], list[float]] = ([], [])
    for name in names_of("scenario"):
        *both, ratio = moves(name, given.moves, rng)
        for times, new in zip(every, both, strict=True):
            times += new
        numbers = [np.percentile(times, share) for times in both for share in (50, 95)]
        print(line.format(name, *(f"{number:.1f}" for number in numbers), f"{ratio:.0f}x"))
    for what, times in zip(("answers", "new maps"), every, strict=True):
        p50, p95, most = np.percentile(times, [50, 95, 100])
        print(f"{len(times)} {what}: p50 {p50:.1f} ms, p95 {p95:.1f} ms, longest {most:.1f} ms")


if __name__ == "__main__":
    main()
