"""How strong a dilemma is and how far from being another game: greed, fear, and margins.

Of every 2×2 restriction: its place in the topology, what each seat is tempted by (*greed*, T - R)
and afraid of (*fear*, P - S), and by how many points a payoff must change to make it another game.

References:
    Coombs (1973), "A reparameterization of the prisoner's dilemma game" (greed and fear); Ahn,
    Ostrom, Schmidt, Shupp and Walker (2001), "Cooperation in PD games: fear, greed, and history of
    play" (both as shares of T - S); Rapoport and Chammah (1965), "Prisoner's Dilemma" (K index,
    (R - P) / (T - S)).
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from gtalign_env.games.dilemma import is_social_dilemma, restrictions, strict_dilemmas
from gtalign_env.games.nash import nash_equilibria
from gtalign_env.games.normal_form import TOLERANCE, FloatArray, NormalFormGame, tolerance_of
from gtalign_env.games.ordinal import ordinal_class, ranks_of, untied
from gtalign_env.games.ordinal_topology import (
    SWAPS,
    OrdinalGame,
    Orientation,
    SeatName,
    SwapName,
    ordinal_game,
    orientation,
    ranks_in,
    swapped,
)


class SeatMeter(NamedTuple):
    """What one seat has at stake in a 2×2 restriction.

    Attributes:
        payoffs: R, S, T and P, points.
        greed: T - R, points: gained by defecting from a cooperator.
        fear: P - S, points: saved by defecting from a defector.
        greed_share: Greed over the spread of the four payoffs (T - S in a prisoner's dilemma).
        fear_share: Fear over the spread.
        cooperation_index: (R - P) over the spread; the greater, the more there is to win together.
        margins: The least change of each of the four payoffs alone that ties it with another of
            the seat's, points: beyond it, the game is another.
    """

    payoffs: dict[str, float]
    greed: float
    fear: float
    greed_share: float
    fear_share: float
    cooperation_index: float
    margins: dict[str, float]


class Neighbour(NamedTuple):
    """The game on the other side of one swap.

    Attributes:
        seat: Whose payoffs change places.
        swap: ``low``, ``middle`` or ``high``.
        payoffs: The two letters that change places.
        gap: Their difference, points: one of them must change by more.
        game: What the game becomes.
        name: Its broad name, see `ordinal_class`.
    """

    seat: SeatName
    swap: SwapName
    payoffs: tuple[str, str]
    gap: float
    game: OrdinalGame
    name: str


class RestrictionMeter(NamedTuple):
    """One 2×2 restriction.

    Attributes:
        rows: The two user plans.
        columns: The two assistant plans.
        name: Its broad name, see `ordinal_class`.
        games: Its place among the 144 strict games; where payoffs are tied, every strict game that
            comes of breaking the ties.
        cooperate: Which plans are C, as (user plan, assistant plan); None where ties leave it open,
            and then the seats' meters are None too.
        user: The user's meter.
        assistant: The assistant's meter.
        neighbours: Six, nearest first; empty where payoffs are tied.
    """

    rows: tuple[int, int]
    columns: tuple[int, int]
    name: str
    games: tuple[OrdinalGame, ...]
    cooperate: tuple[int, int] | None
    user: SeatMeter | None
    assistant: SeatMeter | None
    neighbours: tuple[Neighbour, ...]

    @property
    def tied(self) -> bool:
        """Whether payoffs of a seat are tied, so that the game lies between strict ones."""
        return not self.neighbours

    @property
    def nearest_change(self) -> Neighbour | None:
        """The nearest neighbour of another broad name; None where there is none, or payoffs tie."""
        return next((one for one in self.neighbours if one.name != self.name), None)


class DilemmaMeter(NamedTuple):
    """A game's dilemmas.

    Attributes:
        strict: The strict prisoner's dilemmas, as ((C, D) of the user, (C, D) of the assistant).
        social: Whether every Nash equilibrium is Pareto-dominated by some cell.
        restrictions: Every 2×2 restriction, in row-major order.
    """

    strict: tuple[tuple[tuple[int, int], tuple[int, int]], ...]
    social: bool
    restrictions: tuple[RestrictionMeter, ...]


def dilemma_meter(game: NormalFormGame, tol: float = TOLERANCE) -> DilemmaMeter:
    """Return which dilemmas a game holds, how strong they are and how near to other games.

    Args:
        game: The game, of shape ``(m, n)``.
        tol: See `tolerance_of`; closer payoffs are tied.

    Raises:
        SolverError: The game is too large for its equilibria to be enumerated.
    """
    tols = tolerance_of(game.user, tol), tolerance_of(game.assistant, tol)
    return DilemmaMeter(
        tuple((found.user, found.assistant) for found in strict_dilemmas(game, tol)),
        is_social_dilemma(game, nash_equilibria(game), tol),
        tuple(_measure(game, rows, columns, tols) for rows, columns in restrictions(game)),
    )


def _measure(
    game: NormalFormGame,
    rows: tuple[int, int],
    columns: tuple[int, int],
    tols: tuple[float, float],
) -> RestrictionMeter:
    user, assistant = game.user[np.ix_(rows, columns)], game.assistant[np.ix_(rows, columns)]
    ranks = ranks_of(user, tols[0]), ranks_of(assistant, tols[1])
    strict = [(u, v) for u in untied(ranks[0]) for v in untied(ranks[1])]
    games = tuple(sorted({ordinal_game(u, v) for u, v in strict}, key=lambda found: found.number))
    oriented = {orientation(u, v) for u, v in strict}
    name = ordinal_class(*ranks)
    if len(oriented) > 1:
        return RestrictionMeter(rows, columns, name, games, None, None, None, ())
    plans = oriented.pop()
    mine, theirs = _letters(user, plans, own=0), _letters(assistant, plans, own=1)
    neighbours = _neighbours(games[0], mine, theirs) if len(strict) == 1 else ()
    cooperate = rows[plans.user[0]], columns[plans.assistant[0]]
    return RestrictionMeter(
        rows, columns, name, games, cooperate, _seat(mine), _seat(theirs), neighbours
    )


def _letters(payoffs: FloatArray, plans: Orientation, own: int) -> dict[str, float]:
    (c, d), (cc, dd) = plans
    cells = {"R": (c, cc), "S": (c, dd), "T": (d, cc), "P": (d, dd)}
    if own == 1:
        cells = {"R": (c, cc), "S": (d, cc), "T": (c, dd), "P": (d, dd)}
    return {letter: float(payoffs[cell]) for letter, cell in cells.items()}


def _seat(payoffs: dict[str, float]) -> SeatMeter:
    greed, fear = payoffs["T"] - payoffs["R"], payoffs["P"] - payoffs["S"]
    spread = max(payoffs.values()) - min(payoffs.values())
    margins = {
        letter: min(abs(value - other) for key, other in payoffs.items() if key != letter)
        for letter, value in payoffs.items()
    }
    index = payoffs["R"] - payoffs["P"]
    return SeatMeter(payoffs, greed, fear, greed / spread, fear / spread, index / spread, margins)


def _neighbours(
    game: OrdinalGame, user: dict[str, float], assistant: dict[str, float]
) -> tuple[Neighbour, ...]:
    found = []
    seats: tuple[tuple[SeatName, dict[str, float]], ...] = (
        ("user", user),
        ("assistant", assistant),
    )
    for seat, payoffs in seats:
        rising = sorted(payoffs, key=payoffs.__getitem__)
        for swap, (low, high) in zip(SWAPS, pairwise(rising), strict=True):
            other = swapped(game, seat, swap)
            gap = payoffs[high] - payoffs[low]
            name = ordinal_class(*ranks_in(other))
            found.append(Neighbour(seat, swap, (high, low), gap, other, name))
    return tuple(sorted(found, key=lambda one: one.gap))
