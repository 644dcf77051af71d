"""What the short names of moves and endings mean, in a line or two below what uses them."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console

from gtalign_training.console import safe

MOVES = (
    "VQ vague query, DQ definite query; DA direct answer, CQ clarifying question, AQ answer and "
    "one question"
)
"""The moves that are named by two letters, as in docs/game.md."""

BROKE = "broke: the next charge does not fit the user's budget"


def print_moves(console: Console, names: Iterable[str]) -> None:
    """Print what the moves are, where one of the names is a move's.

    Args:
        console: Where to print.
        names: Names of moves or plans.
    """
    short = {"VQ", "DQ", "DA", "CQ", "AQ"}
    if any(name.partition(":")[0] in short for name in names):
        console.print(safe(MOVES, "dim"))
