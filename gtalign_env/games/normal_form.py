"""Two-seat games in normal form: best replies, dominance, the Pareto set, welfare optima.

The user chooses rows, the assistant columns, in every array and every pair. Comparisons of payoffs
allow for rounding: payoffs of one seat count as equal within `tolerance_of` that seat's payoffs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Seat = Literal["user", "assistant"]
Aggregator = Callable[[float, float], float]
"""Joint welfare of a (user, assistant) pair of payoffs, such as `gtalign_env.welfare.Welfare`."""

TOLERANCE = 1e-9  # share of the spread of a seat's payoffs within which two payoffs are equal
ROUNDING = 16 * float(
    np.finfo(np.float64).eps
)  # the same, against the largest payoff's own rounding
LARGEST_PAYOFF = 1e100  # points; beyond it sums and products of payoffs leave the floats


class Cell(NamedTuple):
    """A pure profile: the user's plan and the assistant's, as indices from 0."""

    user: int
    assistant: int


@dataclass(frozen=True, eq=False)
class NormalFormGame:
    """A finite game of the user (rows) and the assistant (columns).

    Attributes:
        user: The user's payoffs, shape ``(m, n)``, points, read-only.
        assistant: The assistant's payoffs, shape ``(m, n)``, points, read-only.
        user_plans: Names of the rows; ``u0``, ``u1`` … where none are given.
        assistant_plans: Names of the columns; ``a0``, ``a1`` … where none are given.
        name: What to call the game; it plays no part in comparisons.

    Raises:
        ValueError: The payoffs are not two finite matrices of one shape, or the names do not fit.
    """

    user: FloatArray
    assistant: FloatArray
    user_plans: tuple[str, ...] = ()
    assistant_plans: tuple[str, ...] = ()
    name: str = ""

    def __post_init__(self) -> None:
        set_field = object.__setattr__
        set_field(self, "user", _payoffs("user", self.user))
        set_field(self, "assistant", _payoffs("assistant", self.assistant))
        if self.user.shape != self.assistant.shape:
            raise ValueError(
                f"both seats' payoffs must have one shape; "
                f"got user {self.user.shape} and assistant {self.assistant.shape}"
            )
        for seat, count in zip(("user", "assistant"), self.user.shape, strict=True):
            field = f"{seat}_plans"
            set_field(self, field, _plan_names(field, getattr(self, field), count))

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of user plans and assistant plans."""
        m, n = self.user.shape
        return m, n

    def payoffs(self, seat: Seat) -> FloatArray:
        """Return the payoffs of that seat, shape ``(m, n)``, points."""
        return self.user if seat == "user" else self.assistant

    def restricted(self, rows: Sequence[int], columns: Sequence[int]) -> NormalFormGame:
        """Return the game in which only these plans are left, in this order."""
        index = np.ix_(rows, columns)
        return NormalFormGame(
            self.user[index],
            self.assistant[index],
            tuple(self.user_plans[i] for i in rows),
            tuple(self.assistant_plans[j] for j in columns),
            self.name,
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, NormalFormGame):
            return NotImplemented
        return (
            np.array_equal(self.user, other.user)
            and np.array_equal(self.assistant, other.assistant)
            and self.user_plans == other.user_plans
            and self.assistant_plans == other.assistant_plans
        )

    def __hash__(self) -> int:
        return hash((self.shape, self.user_plans, self.assistant_plans))


def tolerance_of(values: FloatArray, tol: float = TOLERANCE) -> float:
    """Return the difference below which two of these values count as equal.

    Args:
        values: Payoffs of one seat, any shape, points.
        tol: Share of their spread.
    """
    largest, least = float(values.max()), float(values.min())
    return tol * (largest - least) + ROUNDING * max(abs(largest), abs(least))


def best_replies(game: NormalFormGame, seat: Seat, tol: float = TOLERANCE) -> BoolArray:
    """Return where the seat's plan is a best reply to the other's plan, shape ``(m, n)``.

    Args:
        game: The game, of shape ``(m, n)``.
        seat: Who replies.
        tol: See `tolerance_of`.
    """
    own = game.payoffs(seat)
    best = own.max(axis=0 if seat == "user" else 1, keepdims=True)
    replies: BoolArray = own >= best - tolerance_of(own, tol)
    return replies


def dominant_plan(
    game: NormalFormGame, seat: Seat, *, weak: bool = False, tol: float = TOLERANCE
) -> int | None:
    """Return the index of the seat's dominant plan, or None.

    A plan dominates strictly if it is the only best reply to every plan of the other seat. It
    dominates weakly if it is a best reply to every one and no other plan is. A seat's only plan
    dominates in either sense.

    Args:
        game: The game.
        seat: Whose plan.
        weak: Ask for weak dominance.
        tol: See `tolerance_of`.
    """
    replies = best_replies(game, seat, tol)
    replies = replies if seat == "user" else replies.T
    always = np.flatnonzero(replies.all(axis=1))
    if len(always) != 1 or (not weak and bool((replies.sum(axis=0) > 1).any())):
        return None
    return int(always[0])


def dominates(
    game: NormalFormGame, payoffs: tuple[float, float], tol: float = TOLERANCE
) -> BoolArray:
    """Return which cells Pareto-dominate a pair of payoffs, shape ``(m, n)``.

    A cell dominates if it is no worse for either seat and better for one, beyond the tolerance.

    Args:
        game: The game.
        payoffs: Of user and assistant, points.
        tol: See `tolerance_of`.
    """
    gain_user, gain_assistant = game.user - payoffs[0], game.assistant - payoffs[1]
    tol_user, tol_assistant = tolerance_of(game.user, tol), tolerance_of(game.assistant, tol)
    no_worse = (gain_user >= -tol_user) & (gain_assistant >= -tol_assistant)
    found: BoolArray = no_worse & ((gain_user > tol_user) | (gain_assistant > tol_assistant))
    return found


def pareto_cells(game: NormalFormGame, tol: float = TOLERANCE) -> tuple[Cell, ...]:
    """Return the cells that no other cell dominates, in row-major order; never empty.

    Args:
        game: The game.
        tol: See `tolerance_of`.
    """
    gains = []  # of cell b over cell a, both in row-major order
    for own in (game.user, game.assistant):
        gain, tolerance = own.ravel() - own.reshape(-1, 1), tolerance_of(own, tol)
        gains.append((gain >= -tolerance, gain > tolerance))
    dominated = gains[0][0] & gains[1][0] & (gains[0][1] | gains[1][1])
    undominated = tuple(
        Cell(*map(int, divmod(cell, game.shape[1])))
        for cell in np.flatnonzero(~dominated.any(axis=1))
    )
    # Near-ties in a chain can dominate in a circle under a tolerance; without one they cannot.
    return undominated or pareto_cells(game, 0.0)


def optimum(game: NormalFormGame, welfare: Aggregator, tol: float = TOLERANCE) -> Cell:
    """Return the cell whose payoffs have the greatest joint welfare; ties as in `best_cell`.

    Args:
        game: The game.
        welfare: W of a pair of payoffs.
        tol: See `tolerance_of`.
    """
    return best_cell(game, welfare_matrix(game, welfare), tol)


def best_cell(game: NormalFormGame, values: FloatArray, tol: float = TOLERANCE) -> Cell:
    """Return the cell of greatest value, such as its joint welfare.

    Ties go to the greater user payoff, then to the greater assistant payoff, then to the first cell
    in row-major order.

    Args:
        game: The game, of shape ``(m, n)``.
        values: What is to be greatest, shape ``(m, n)``.
        tol: See `tolerance_of`; it decides what is a tie, of values and of payoffs alike.
    """
    left = np.ones(game.shape, dtype=np.bool_)
    for criterion in (values, game.user, game.assistant):
        left &= criterion >= criterion[left].max() - tolerance_of(criterion, tol)
    i, j = np.argwhere(left)[0]
    return Cell(int(i), int(j))


def welfare_matrix(game: NormalFormGame, welfare: Aggregator) -> FloatArray:
    """Return the joint welfare of every cell's payoffs, shape ``(m, n)``, points.

    Args:
        game: The game.
        welfare: W of a pair of payoffs.
    """
    values = [
        welfare(user, assistant)
        for user, assistant in zip(game.user.flat, game.assistant.flat, strict=True)
    ]
    return np.array(values, dtype=np.float64).reshape(game.shape)


def price_of_anarchy(
    game: NormalFormGame,
    welfare: Aggregator,
    profiles: Iterable[tuple[Sequence[float], Sequence[float]]],
) -> float | None:
    """Return the optimum's welfare over that of the worst equilibrium; at least 1.

    The welfare of a mixed profile is the mean of W over the cells it plays, as the welfare of an
    episode is W of what happened in it.

    Args:
        game: The game, of shape ``(m, n)``.
        welfare: W of a pair of payoffs.
        profiles: The equilibria: probabilities of the user's and the assistant's plans, shapes
            ``(m,)`` and ``(n,)``.

    Returns:
        The ratio, or None where it says nothing: the worst equilibrium's welfare is not positive.

    References:
        Koutsoupias and Papadimitriou (1999), "Worst-case equilibria".
    """
    return _ratio(game, welfare, profiles, min)


def price_of_stability(
    game: NormalFormGame,
    welfare: Aggregator,
    profiles: Iterable[tuple[Sequence[float], Sequence[float]]],
) -> float | None:
    """Return the optimum's welfare over that of the best equilibrium; at least 1.

    Arguments and the undefined case as in `price_of_anarchy`, with the best equilibrium.

    References:
        Anshelevich et al. (2004), "The price of stability for network design with fair cost
        allocation".
    """
    return _ratio(game, welfare, profiles, max)


def _ratio(
    game: NormalFormGame,
    welfare: Aggregator,
    profiles: Iterable[tuple[Sequence[float], Sequence[float]]],
    pick: Callable[[list[float]], float],
) -> float | None:
    W = welfare_matrix(game, welfare)
    chosen = pick([float(np.asarray(x) @ W @ np.asarray(y)) for x, y in profiles])
    best = float(W.max())
    if chosen <= tolerance_of(W):
        return None
    # An equilibrium can beat the best cell only by rounding; so little welfare can overflow.
    ratio = max(best / chosen, 1.0)
    return ratio if math.isfinite(ratio) else None


def _payoffs(seat: str, values: ArrayLike) -> FloatArray:
    try:
        payoffs = np.array(values, dtype=np.float64)
    except (TypeError, ValueError) as cause:
        raise ValueError(
            f"the {seat}'s payoffs must be a matrix of numbers with rows of one length: {cause}"
        ) from cause
    if payoffs.ndim != 2 or payoffs.size == 0:
        raise ValueError(
            f"the {seat}'s payoffs must be a matrix with at least one row and one column; "
            f"got shape {payoffs.shape}"
        )
    bad = np.argwhere(~(np.abs(payoffs) <= LARGEST_PAYOFF))
    if len(bad):
        i, j = bad[0]
        raise ValueError(
            f"the {seat}'s payoffs must be finite, at most {LARGEST_PAYOFF:g} in size; "
            f"got {payoffs[i, j]} in row {i}, column {j}"
        )
    payoffs.setflags(write=False)
    return payoffs


def _plan_names(field: str, names: Sequence[str], count: int) -> tuple[str, ...]:
    names = tuple(names) or tuple(f"{field[0]}{k}" for k in range(count))
    if len(names) != count:
        raise ValueError(f"{field} must name {count} plans, one each; got {len(names)}: {names}")
    if len(set(names)) != count or not all(names):
        raise ValueError(f"{field} must be distinct and not empty; got {names}")
    return names
