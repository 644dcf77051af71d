"""All extreme Nash equilibria of a small bimatrix game, degenerate games included.

The set of equilibria is a finite union of convex sets; this module returns the extreme points of all
of them, which for a nondegenerate game are the equilibria themselves. Enumerating vertices rather
than supports of equal size is what keeps the equilibria of tied games.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from gtalign_env.errors import SolverError
from gtalign_env.games.components import Component, nash_components
from gtalign_env.games.normal_form import ROUNDING, Cell, FloatArray, NormalFormGame

REGRET_TOLERANCE = (
    1e-9  # gain a seat may forgo in an equilibrium, share of the spread of its payoffs
)
TIGHT_TOLERANCE = (
    REGRET_TOLERANCE / 4
)  # slack within which an inequality of a polytope is an equality
RANK_TOLERANCE = 1e-11  # least singular value of a basis that determines a vertex
SAME_PROFILE = 1e-7  # probability within which two equilibria are one
MAX_BASES = 20_000  # bases of one polytope, C(m + n, m); 8×8 has 12,870

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class Equilibrium:
    """One equilibrium.

    Attributes:
        user: Probability of each user plan, length m.
        assistant: Probability of each assistant plan, length n.
        payoffs: Expected payoffs of user and assistant, points.
        regret: The most that user and assistant could gain by another plan, points.
    """

    user: tuple[float, ...]
    assistant: tuple[float, ...]
    payoffs: tuple[float, float]
    regret: tuple[float, float]

    @property
    def cell(self) -> Cell | None:
        """The cell played, or None where a seat mixes."""
        if max(self.user) < 1.0 or max(self.assistant) < 1.0:
            return None
        return Cell(self.user.index(1.0), self.assistant.index(1.0))

    @property
    def profile(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """The two mixtures, user first."""
        return self.user, self.assistant


@dataclass(frozen=True)
class Equilibria:
    """The extreme equilibria of a game.

    Attributes:
        found: At least one; pure ones first, then by probabilities, greater first (so the pure ones
            are in row-major order).
        degenerate: Some mixture of k plans has more than k best replies; there may then be
            infinitely many equilibria, of which these are the extreme ones.
    """

    found: tuple[Equilibrium, ...]
    degenerate: bool

    @property
    def components(self) -> tuple[Component, ...]:
        """The set of all equilibria, extreme or between them, in its connected parts."""
        return nash_components([found.profile for found in self.found], SAME_PROFILE)


def nash_equilibria(game: NormalFormGame, tol: float = REGRET_TOLERANCE) -> Equilibria:
    """Return every extreme equilibrium of the game.

    1. Bring each seat's payoffs to the interval from 1 to 2, which changes no best reply.
    2. Enumerate the vertices of the two best-reply polytopes P = {x ≥ 0 : Bᵀx ≤ 1} and
       Q = {y ≥ 0 : Ay ≤ 1}. A vertex with k plans in its support is the solution of k binding
       best-reply inequalities; every choice of k plans and k inequalities is tried, all of one k in
       one stacked solve.
    3. Label each vertex with the own plans it does not play and the other seat's plans that are best
       replies to it.
    4. Pair the vertices of P and Q, other than the origins, that carry all m + n labels between
       them; scaled to probabilities these are the extreme equilibria.
    5. Verify each pair's regret in the given payoffs, merge duplicates, and sort.

    Args:
        game: Payoffs of shape ``(m, n)``, points.
        tol: Largest regret of a returned profile, as a share of the spread of that seat's payoffs.

    Raises:
        SolverError: The game is too large to enumerate, or rounding left no profile within ``tol``.

    References:
        von Stengel (2002), "Computing equilibria for two-person games", sec. 2; Avis, Rosenberg,
        Savani and von Stengel (2010), "Enumeration of Nash equilibria for two-player games".
    """
    m, n = game.shape
    if math.comb(m + n, m) > MAX_BASES:
        raise SolverError(
            f"equilibria are enumerated up to {MAX_BASES:,} bases, such as 8×8 or 2×198; "
            f"a {m}×{n} game has {math.comb(m + n, m):,}. Leave out dominated plans first"
        )
    A, B = _between_1_and_2(game.user), _between_1_and_2(game.assistant)
    xs, x_zero, x_binding = _vertices(B)
    ys, y_zero, y_binding = _vertices(A.T)
    x_labels = np.concatenate([x_zero, x_binding], axis=1)
    y_labels = np.concatenate([y_binding, y_zero], axis=1)
    missing = (~x_labels).astype(np.int64) @ (~y_labels).astype(np.int64).T
    pairs = [_equilibrium(game, xs[p], ys[q]) for p, q in np.argwhere(missing == 0)]
    # The second term keeps constant payoffs, whose spread is 0, from failing on rounding noise.
    allowed = [
        tol * float(np.ptp(own)) + ROUNDING * float(np.abs(own).max())
        for own in (game.user, game.assistant)
    ]
    verified = [
        pair for pair in pairs if all(r <= a for r, a in zip(pair.regret, allowed, strict=True))
    ]
    if not verified:
        raise SolverError(
            f"no profile of game {game.name!r} has regret within {tol:g} of the payoffs' spread; "
            "some payoffs differ by about that much: round them, or pass a larger tol"
        )
    degenerate = bool((x_labels.sum(axis=1) > m).any() or (y_labels.sum(axis=1) > n).any())
    return Equilibria(_merged(verified), degenerate)


def regrets(game: NormalFormGame, x: FloatArray, y: FloatArray) -> tuple[float, float]:
    """Return what user and assistant could gain by their best plan against the other's mixture.

    Args:
        game: Payoffs of shape ``(m, n)``, points.
        x: Probabilities of the user's plans, shape ``(m,)``.
        y: Probabilities of the assistant's plans, shape ``(n,)``.
    """
    replies_user, replies_assistant = game.user @ y, x @ game.assistant
    return (
        float(replies_user.max() - x @ replies_user),
        float(replies_assistant.max() - replies_assistant @ y),
    )


def _between_1_and_2(payoffs: FloatArray) -> FloatArray:
    """Return the payoffs scaled to [1, 2]; constant ones, also constant but for rounding, give 1."""
    spread = float(np.ptp(payoffs))
    if spread <= ROUNDING * float(np.abs(payoffs).max()):
        return np.ones_like(payoffs)
    scaled: FloatArray = 1.0 + (payoffs - payoffs.min()) / spread
    return scaled


def _vertices(other: FloatArray) -> tuple[FloatArray, BoolArray, BoolArray]:
    """Return the vertices, but for the origin, of {x ≥ 0 : otherᵀ x ≤ 1}.

    Args:
        other: The other seat's payoffs, shape ``(m, n)``, own plans as rows, in [1, 2].

    Returns:
        The vertices, shape ``(p, m)``, where their entries vanish, shape ``(p, m)``, and which of
        the other seat's plans are best replies to them, shape ``(p, n)``.
    """
    m, n = other.shape
    points = [np.empty((0, m))]
    for k in range(1, min(m, n) + 1):
        rows, columns = _bases(m, n, k)
        systems = other[rows[:, None, :], columns[:, :, None]]
        regular = np.linalg.svd(systems, compute_uv=False)[:, -1] > RANK_TOLERANCE
        solved = np.linalg.solve(systems[regular], np.ones((k, 1)))[..., 0]
        x = np.zeros((len(solved), m))
        np.put_along_axis(x, rows[regular], solved, axis=1)
        points.append(x)
    x = np.concatenate(points)
    x = x[(x >= -TIGHT_TOLERANCE).all(axis=1)]
    slack = 1.0 - x @ other
    feasible = (slack >= -TIGHT_TOLERANCE).all(axis=1)
    x, slack = x[feasible], slack[feasible]
    zero, binding = x <= TIGHT_TOLERANCE, slack <= TIGHT_TOLERANCE
    # The bases of one vertex share its labels, and the labels determine the vertex.
    _, first = np.unique(np.concatenate([zero, binding], axis=1), axis=0, return_index=True)
    return x[first], zero[first], binding[first]


@lru_cache(maxsize=128)
def _bases(m: int, n: int, k: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return every choice of k of m rows with k of n columns, shapes ``(c, k)`` and ``(c, k)``."""
    rows = np.array(list(combinations(range(m), k)), dtype=np.intp)
    columns = np.array(list(combinations(range(n), k)), dtype=np.intp)
    return np.repeat(rows, len(columns), axis=0), np.tile(columns, (len(rows), 1))


def _equilibrium(game: NormalFormGame, x: FloatArray, y: FloatArray) -> Equilibrium:
    """Scale two vertices to probabilities, with what is zero to the tolerance made zero."""
    x, y = (np.where(v <= TIGHT_TOLERANCE, 0.0, v) for v in (x, y))
    x, y = x / x.sum(), y / y.sum()
    return Equilibrium(
        tuple(x.tolist()),
        tuple(y.tolist()),
        (_mean(game.user, x, y), _mean(game.assistant, x, y)),
        regrets(game, x, y),
    )


def _mean(payoffs: FloatArray, x: FloatArray, y: FloatArray) -> float:
    """Return the expected payoff; what is left of terms that cancel, such as 3e-33, is 0."""
    mean = float(x @ payoffs @ y)
    return mean if abs(mean) > ROUNDING * float(np.abs(payoffs).max()) else 0.0


def _merged(profiles: list[Equilibrium]) -> tuple[Equilibrium, ...]:
    """Return the profiles in order, each once, the one of least regret standing for its duplicates."""
    kept: list[Equilibrium] = []
    for profile in sorted(profiles, key=lambda p: max(p.regret)):
        point = np.array(profile.user + profile.assistant)
        if all(np.abs(point - (k.user + k.assistant)).max() > SAME_PROFILE for k in kept):
            kept.append(profile)
    return tuple(sorted(kept, key=_order))


def _order(profile: Equilibrium) -> tuple[bool, tuple[float, ...]]:
    # Rounded, so that the last bit of a probability does not decide the order.
    return profile.cell is None, tuple(-round(p, 9) for p in profile.user + profile.assistant)
