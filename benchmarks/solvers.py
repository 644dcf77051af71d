"""Games a CPU-second with all their equilibria, beside named peers, as ratios within one run.

Contestants take turns in short slices of one process, as in steps.py, measured in CPU time. Every
peer is called once a game, as its interface has it, so that a large part of the large ratios is calls
not made: they say what a sweep over many games gains, not that the peer's algorithm is slow. `one by
one` is our own solver called that way. pygambit takes part where it is installed.

Run: python benchmarks/solvers.py [--rounds 21] [--slice 0.06] [--markdown]
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import time
import warnings
from collections.abc import Callable, Iterator

import nashpy
import numpy as np
from numpy.typing import NDArray
from quantecon import game_theory

from gtalign_env.games.batch import nash_equilibria_batch
from gtalign_env.games.nash import nash_equilibria
from gtalign_env.games.normal_form import NormalFormGame

Games = NDArray[np.float64]
Slice = Callable[[float], float]
"""Runs for about so many CPU-seconds and returns games a CPU-second."""

SIZES = {(2, 2): 65_536, (2, 3): 65_536, (2, 7): 65_536, (3, 3): 32_768, (5, 5): 4_096}
"""Shapes, and how many games our batch has of each."""

KEPT = 512
"""Games over which a peer goes round."""


def timed(work: Iterator[int]) -> Slice:
    """Return a slice of endless work that yields how many games it has just solved."""

    def run(seconds: float) -> float:
        begin, solved = time.process_time(), 0
        while (spent := time.process_time() - begin) < seconds:
            solved += next(work)
        return solved / spent

    return run


def one_after_the_other(solve: Callable[[int], object]) -> Iterator[int]:
    """Yield after every game."""
    at = 0
    while True:
        solve(at)
        yield 1
        at = (at + 1) % KEPT


def batches(user: Games, assistant: Games) -> Iterator[int]:
    """Yield after every batch."""
    while True:
        nash_equilibria_batch(user, assistant)
        yield len(user)


def peers(user: Games, assistant: Games) -> dict[str, Slice]:
    """Return everybody else by name; games are built beforehand but where arrays are named."""
    ours = [NormalFormGame(A, B) for A, B in zip(user[:KEPT], assistant[:KEPT], strict=True)]
    theirs = [nashpy.Game(game.user, game.assistant) for game in ours]
    columns = [B.T.copy() for B in assistant[:KEPT]]

    def built(k: int) -> object:
        return game_theory.NormalFormGame(
            (game_theory.Player(user[k]), game_theory.Player(columns[k]))
        )

    quantecon = [built(k) for k in range(KEPT)]
    work: dict[str, Callable[[int], object]] = {
        "one by one": lambda k: nash_equilibria(ours[k]),
        "nashpy support": lambda k: list(theirs[k].support_enumeration()),
        "nashpy vertex": lambda k: list(theirs[k].vertex_enumeration()),
        "QuantEcon support": lambda k: game_theory.support_enumeration(quantecon[k]),
        "QuantEcon support, from arrays": lambda k: game_theory.support_enumeration(built(k)),
        "QuantEcon vertex": lambda k: game_theory.vertex_enumeration(quantecon[k]),
    }
    if importlib.util.find_spec("pygambit"):
        gambit = importlib.import_module("pygambit")
        games = [
            gambit.Game.from_arrays(A, B)
            for A, B in zip(user[:KEPT], assistant[:KEPT], strict=True)
        ]
        work["Gambit float"] = lambda k: gambit.nash.enummixed_solve(games[k], rational=False)
    return {name: timed(one_after_the_other(solve)) for name, solve in work.items()}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--slice", type=float, default=0.06, help="CPU-seconds")
    parser.add_argument("--markdown", action="store_true", help="print a table for a page")
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # peers warn of what they take for degenerate
    if options.markdown:
        print("| shape | peer | batch, games/s | peer, games/s | ratio (quartiles) |")
        print("| --- | --- | --- | --- | --- |")
    else:
        print(f"{'shape':<6} {'peer':<30} {'batch':>10} {'peer':>10}   ratio (quartiles)")
    for shape, many in SIZES.items():
        user, assistant = np.random.default_rng(0).normal(size=(2, many, *shape))
        ours = timed(batches(user, assistant))
        others = peers(user, assistant)
        for run in (ours, *others.values()):
            run(options.slice)  # compiles
        speeds = np.array(
            [
                [ours(options.slice), *(run(options.slice) for run in others.values())]
                for _ in range(options.rounds)
            ]
        )
        for k, name in enumerate(others, start=1):
            low, middle, high = np.quantile(speeds[:, 0] / speeds[:, k], (0.25, 0.5, 0.75))
            fast, slow = np.median(speeds[:, [0, k]], axis=0)
            size = f"{shape[0]}×{shape[1]}"
            if options.markdown:
                print(
                    f"| {size} | {name} | {fast:,.0f} | {slow:,.0f} "
                    f"| {middle:,.1f} ({low:,.1f} to {high:,.1f}) |"
                )
            else:
                print(
                    f"{size:<6} {name:<30} {fast:>10,.0f} {slow:>10,.0f}   "
                    f"{middle:,.1f} ({low:,.1f} to {high:,.1f})"
                )
    print(
        "\ngames a CPU-second, one core; all equilibria of general games; peers pay a call a game"
    )


if __name__ == "__main__":
    main()
