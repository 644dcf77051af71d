"""Correlated and coarse correlated equilibria: the best and the worst for a welfare.

A mediator draws a cell and tells each seat its own plan. The draw is a *correlated* equilibrium if
nobody gains by another plan knowing the own one, and a *coarse* one if nobody gains by deciding for
one plan before hearing anything. Every Nash equilibrium is correlated, and every correlated one is
coarse; learners without regret end among the coarse ones.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gtalign_env.errors import SolverError
from gtalign_env.games.normal_form import FloatArray, NormalFormGame, Seat
from gtalign_env.games.programs import maximise, probabilities, scaled


class CorrelatedEquilibrium(NamedTuple):
    """A draw of cells that nobody gains by not following.

    Attributes:
        distribution: Probability of each cell, shape ``(m, n)``.
        payoffs: Expected payoffs of user and assistant, points.
        value: Expected value of what was asked to be greatest or least.
        regret: The most that user and assistant could gain, points.
    """

    distribution: FloatArray
    payoffs: tuple[float, float]
    value: float
    regret: tuple[float, float]


class Range(NamedTuple):
    """The equilibria of least and greatest value."""

    worst: CorrelatedEquilibrium
    best: CorrelatedEquilibrium


def correlated_range(game: NormalFormGame, values: FloatArray, *, coarse: bool = False) -> Range:
    """Return the correlated equilibria of least and greatest expected value.

    1. Unknown are the probabilities of the cells. Each incentive is a linear inequality: a seat's
       expected gain by another plan, from one recommended plan (or from all, where coarse), is at
       most 0.
    2. Minimise and maximise the expected value.

    Args:
        game: The game, of shape ``(m, n)``.
        values: What a cell is worth, such as its joint welfare; shape ``(m, n)``.
        coarse: Ask for coarse correlated equilibria.

    Raises:
        SolverError: A program failed.

    References:
        Aumann (1974), "Subjectivity and correlation in randomized strategies"; Moulin and Vial
        (1978), "Strategically zero-sum games" (coarse).
    """
    if values.shape != game.shape:
        raise ValueError(
            f"values must have shape {game.shape}, a number a cell; got {values.shape}"
        )
    rows = np.concatenate([incentives(game, seat, coarse=coarse) for seat in SEATS])
    objective = scaled(values).values.ravel()
    ends = []
    for sign in (-1.0, 1.0):
        solved = maximise(
            sign * objective,
            at_most=(rows, np.zeros(len(rows))),
            equal=(np.ones((1, objective.size)), [1.0]),
            what="correlated equilibrium",
        )
        if solved is None:
            raise SolverError(
                f"no correlated equilibrium of game {game.name!r} was found, though every game has "
                "one: some payoffs differ by about rounding; round them"
            )
        ends.append(_equilibrium(game, probabilities(solved).reshape(game.shape), values, coarse))
    return Range(*ends)


SEATS: tuple[Seat, Seat] = ("user", "assistant")


def incentives(game: NormalFormGame, seat: Seat, *, coarse: bool = False) -> FloatArray:
    """Return a row a possible deviation: what each cell's probability adds to the gain from it.

    Args:
        game: The game, of shape ``(m, n)``.
        seat: Who deviates.
        coarse: Deviations before the recommended plan is known, k of them for k plans; otherwise
            from each plan to each other one, k(k − 1).

    Returns:
        Gains with the seat's payoffs on [0, 1], shape ``(deviations, m · n)``.
    """
    own = scaled(game.payoffs(seat)).values
    own = own if seat == "user" else own.T
    plans = len(own)
    rows = []
    for other in range(plans):
        gain = own[other] - own
        if coarse:
            rows.append(gain)
            continue
        for told in range(plans):
            if told != other:
                alone = np.zeros_like(own)
                alone[told] = gain[told]
                rows.append(alone)
    shaped = [row if seat == "user" else row.T for row in rows]
    return np.array([row.ravel() for row in shaped]).reshape(len(shaped), own.size)


def _equilibrium(
    game: NormalFormGame, distribution: FloatArray, values: FloatArray, coarse: bool
) -> CorrelatedEquilibrium:
    mean = [float((distribution * payoffs).sum()) for payoffs in (game.user, game.assistant)]
    regret = []
    for seat in SEATS:
        gains = incentives(game, seat, coarse=coarse) @ distribution.ravel()
        regret.append(max(float(gains.max(initial=0.0)), 0.0) * scaled(game.payoffs(seat)).spread)
    return CorrelatedEquilibrium(
        distribution,
        (mean[0], mean[1]),
        float((distribution * values).sum()),
        (regret[0], regret[1]),
    )
