"""Games, and what Gambit's rational vertex enumeration says of them: the reference of the solvers.

`games` draws the same games everywhere; the file of answers was made by running this module where
pygambit is installed, and nothing else needs it:

    python tests/games/gambit_reference.py tests/games/data/gambit.json.gz

Of the tied games, whose payoffs are 0, 1 and 2, the answers hold every extreme equilibrium in exact
fractions. Of the general ones, with payoffs from -999 to 999, they hold the supports of every one,
which determine the equilibrium where a game is nondegenerate.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib
import json
import random
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

Matrix = list[list[int]]
Mixture = list[Fraction]

FILE = Path(__file__).parent / "data" / "gambit.json.gz"

TIED = {(m, n): 200 for m, n in ((2, 2), (2, 3), (3, 2), (2, 4), (2, 5), (3, 3), (3, 4), (4, 3))}
TIED |= {(4, 4): 200, (5, 5): 200}
"""How many games of each shape are drawn from small integers: 2,000."""

GENERAL = {(2, 2): 7000, (2, 3): 3000, (3, 2): 2000, (2, 4): 1500, (2, 5): 1000, (3, 3): 3000}
GENERAL |= {(3, 4): 1000, (4, 4): 700, (4, 5): 400, (5, 5): 400}
"""How many games of each shape are drawn from a wide range: 20,000."""

RANGES = {"tied": (0, 2), "general": (-999, 999)}


def games(kind: str, m: int, n: int, count: int) -> Iterator[tuple[Matrix, Matrix]]:
    """Yield games, user's payoffs first; the first ones are the same for every count."""
    rng = random.Random(f"{kind} {m}x{n}")
    low, high = RANGES[kind]
    for _ in range(count):
        user, assistant = (
            [[rng.randint(low, high) for _ in range(n)] for _ in range(m)] for _ in range(2)
        )
        yield user, assistant


def digest(kind: str, m: int, n: int, count: int) -> str:
    """Return a hash of the games, by which a test sees that it has drawn those of the file."""
    text = json.dumps(list(games(kind, m, n, count)))
    return hashlib.sha256(text.encode()).hexdigest()


def read() -> dict[str, Any]:
    """Return the answers."""
    data: dict[str, Any] = json.loads(gzip.decompress(FILE.read_bytes()))
    return data


def equilibria(user: Matrix, assistant: Matrix) -> list[tuple[Mixture, Mixture]]:
    """Return Gambit's extreme equilibria of a game; of ties it lists some twice, here they are once."""
    pygambit = importlib.import_module("pygambit")
    game = pygambit.Game.from_arrays(np.array(user), np.array(assistant))
    solved = pygambit.nash.enummixed_solve(game, rational=True)
    found = []
    for profile in solved.equilibria:
        x, y = (
            [Fraction(str(profile[strategy])) for strategy in player.strategies]
            for player in game.players
        )
        if (x, y) not in found:
            found.append((x, y))
    return sorted(found)


def supports(x: Mixture, y: Mixture) -> list[int]:
    """Return which plans are played, as two numbers whose bits are the plans."""
    return [sum(1 << i for i, p in enumerate(mixture) if p) for mixture in (x, y)]


def main() -> None:
    """Write the file of answers."""
    pygambit = importlib.import_module("pygambit")
    answers: dict[str, Any] = {"gambit": pygambit.__version__, "tied": {}, "general": {}}
    for kind, shapes in (("tied", TIED), ("general", GENERAL)):
        for (m, n), count in shapes.items():
            found: list[Any] = []
            for user, assistant in games(kind, m, n, count):
                solved = equilibria(user, assistant)
                if kind == "tied":
                    found.append([[list(map(str, x)), list(map(str, y))] for x, y in solved])
                else:
                    found.append(sorted(supports(x, y) for x, y in solved))
            answers[kind][f"{m}x{n}"] = {"sha256": digest(kind, m, n, count), "found": found}
    text = json.dumps(answers, separators=(",", ":"))
    Path(sys.argv[1]).write_bytes(gzip.compress(text.encode(), 9, mtime=0))


if __name__ == "__main__":
    main()
