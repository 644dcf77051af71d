"""Iterated elimination of dominated plans, round by round, with what dominates each.

Strict dominance leaves the same plans in whatever order it is applied; weak dominance does not, so
the order is part of the answer here: every round removes, of both seats at once, all the plans
dominated in the game that the round before left.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gtalign_env.games.normal_form import FloatArray, NormalFormGame, Seat, tolerance_of
from gtalign_env.games.programs import maximise, probabilities, scaled

TURNS: tuple[tuple[Seat, Seat], ...] = (("user", "assistant"), ("assistant", "user"))


class Removal(NamedTuple):
    """A plan that a round removed.

    Attributes:
        round: From 1.
        seat: Whose plan.
        plan: Its index.
        by: The probabilities, over all the seat's plans, of what dominates it: one plan, or a
            mixture.
    """

    round: int
    seat: Seat
    plan: int
    by: tuple[float, ...]


class Elimination(NamedTuple):
    """What iterated elimination did and left.

    Attributes:
        user: Indices of the user's plans left, in order; at least one.
        assistant: The same of the assistant's.
        removals: In order: by round, the user's first.
    """

    user: tuple[int, ...]
    assistant: tuple[int, ...]
    removals: tuple[Removal, ...]


def iterated_dominance(
    game: NormalFormGame, *, weak: bool = False, mixed: bool = False
) -> Elimination:
    """Return what is left when dominated plans are removed again and again.

    A plan is dominated strictly by one that pays more against everything left, and weakly by one
    that pays nowhere less and somewhere more. Without chance in the dominating plan this is a
    comparison of payoffs, with it a linear program a plan. What survives strict dominance by
    mixtures are the rationalizable plans.

    Args:
        game: The game, of shape ``(m, n)``.
        weak: Remove weakly dominated plans as well; all of a round at once, see the module.
        mixed: Let mixtures dominate, not only plans.

    Raises:
        SolverError: A program failed.

    References:
        Luce and Raiffa (1957), "Games and Decisions"; Pearce (1984), "Rationalizable strategic
        behavior and the problem of perfection".
    """
    left: dict[Seat, list[int]] = {"user": list(range(game.shape[0]))}
    left["assistant"] = list(range(game.shape[1]))
    tolerances = {seat: tolerance_of(game.payoffs(seat)) for seat in left}
    removals: list[Removal] = []
    number = 0
    while True:
        number += 1
        found: list[Removal] = []
        for seat, other in TURNS:
            own = game.payoffs(seat) if seat == "user" else game.payoffs(seat).T
            remaining = own[left[seat]][:, left[other]]
            for at, plan in enumerate(left[seat]):
                dominating = _dominating(remaining, at, tolerances[seat], weak=weak, mixed=mixed)
                if dominating is not None:
                    by = np.zeros(len(own))
                    by[left[seat]] = dominating
                    found.append(Removal(number, seat, plan, tuple(by.tolist())))
        if not found:
            return Elimination(tuple(left["user"]), tuple(left["assistant"]), tuple(removals))
        removals += found
        for removal in found:
            left[removal.seat].remove(removal.plan)


def _dominating(
    own: FloatArray, plan: int, tolerance: float, *, weak: bool, mixed: bool
) -> FloatArray | None:
    """Return the mixture of rows, shape ``(k,)``, that dominates a row, or None.

    Args:
        own: The seat's payoffs, own plans as rows, shape ``(k, l)``.
        plan: The row.
        tolerance: A greater difference counts, points.
        weak: In the weak sense.
        mixed: By mixtures.
    """
    lead = own - own[plan]
    if weak:
        beaten = (lead >= -tolerance).all(axis=1) & (lead > tolerance).any(axis=1)
    else:
        beaten = (lead > tolerance).all(axis=1)
    if beaten.any():
        # one that is not itself dominated by another, as nothing beats the greatest sum
        best = int(np.where(beaten, lead.sum(axis=1), -np.inf).argmax())
        alone: FloatArray = np.eye(len(own))[best]
        return alone
    return _dominating_mixture(own, plan, tolerance, weak=weak) if mixed else None


def _dominating_mixture(
    own: FloatArray, plan: int, tolerance: float, *, weak: bool
) -> FloatArray | None:
    """Maximise the least lead (strict) or the sum of leads that are not negative (weak)."""
    payoffs = scaled(own)
    lead = (payoffs.values - payoffs.values[plan]).T
    columns, plans = lead.shape
    if weak:
        objective, margin = lead.sum(axis=0), np.zeros((columns, 0))
    else:
        objective, margin = np.append(np.zeros(plans), 1.0), np.ones((columns, 1))
    solved = maximise(
        objective,
        at_most=(np.hstack([-lead, margin]), np.zeros(columns)),
        equal=(np.append(np.ones(plans), np.zeros(margin.shape[1]))[None], [1.0]),
        free=margin.shape[1],
        what="dominating mixture",
    )
    assert solved is not None  # the plan itself is feasible
    mixture = probabilities(solved[:plans])
    gains = mixture @ own - own[plan]
    enough = bool((gains >= -tolerance).all() and gains.max() > tolerance)
    return mixture if (enough if weak else bool(gains.min() > tolerance)) else None
