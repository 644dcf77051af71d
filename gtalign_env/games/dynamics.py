"""Populations in continuous time: replicator, logit and best-response dynamics of a bimatrix game.

A state is the two seats' mixtures side by side, shape ``(m + n,)``: in two populations each seat's
plans spread by their payoffs against the other's. In one population (symmetric games only) both
seats' plans are drawn from the same mixture, shape ``(m,)``.

References:
    Taylor and Jonker (1978), "Evolutionarily stable strategies and game dynamics" (replicator);
    Gilboa and Matsui (1991), "Social stability and equilibrium" (best response); Fudenberg and
    Levine (1998), "The Theory of Learning in Games", ch. 4 (logit); Hofbauer and Sigmund (1998),
    "Evolutionary Games and Population Dynamics".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gtalign_env.errors import SolverError
from gtalign_env.games.normal_form import FloatArray, NormalFormGame, tolerance_of

Kind = Literal["replicator", "logit", "best_response"]
KINDS: tuple[Kind, ...] = ("replicator", "logit", "best_response")

RELATIVE, ABSOLUTE = 1e-8, 1e-10  # error of one integration step
SETTLED = 1e-6  # speed below which a state counts as at rest, share of the payoffs' spread
SAME_REST = 1e-3  # probability within which two states at rest are one
HORIZON = 1000.0  # default time of the replicator, in units of one over the payoffs' spread
REVISIONS = 60.0  # default time of the others: mean number of revisions of an individual
MOST_DOUBLINGS = 4  # of the default time, for starts that are slow to come to rest


@dataclass(frozen=True)
class Dynamic:
    """How mixtures change in a game.

    Attributes:
        game: The game, of shape ``(m, n)``.
        kind: ``replicator``, ``logit`` or ``best_response``.
        one_population: Whether both seats draw from one mixture; for symmetric games.
        temperature: Noise of the logit choice, points.

    Raises:
        SolverError: One population of a game that is not symmetric.
        ValueError: The kind is unknown, or the temperature is not positive.
    """

    game: NormalFormGame
    kind: Kind = "replicator"
    one_population: bool = False
    temperature: float = 0.1

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"a dynamic is one of {', '.join(KINDS)}; got {self.kind!r}")
        if not self.temperature > 0.0:
            raise ValueError(f"a temperature is positive, in points; got {self.temperature}")
        if self.one_population and not is_symmetric(self.game):
            raise SolverError(
                "one population plays symmetric games, in which both seats have the same payoffs; "
                f"{self.game.name!r} is none: take two populations"
            )

    @property
    def size(self) -> int:
        """Length of a state."""
        m, n = self.game.shape
        return m if self.one_population else m + n

    @property
    def horizon(self) -> float:
        """The default time to follow it: one over points for the replicator, else revisions."""
        return HORIZON / self.spread if self.kind == "replicator" else REVISIONS

    @property
    def spread(self) -> float:
        """The greater spread of the seats' payoffs, points; 1 where nothing is at stake."""
        return max(float(np.ptp(self.game.user)), float(np.ptp(self.game.assistant))) or 1.0

    def velocity(self, states: FloatArray) -> FloatArray:
        """Return how states change per unit of time, shape ``(N, size)``.

        Args:
            states: Mixtures, shape ``(N, size)``.
        """
        if self.one_population:
            return self._moved(states, states @ self.game.user.T)
        m = self.game.shape[0]
        x, y = states[:, :m], states[:, m:]
        moved = self._moved(x, y @ self.game.user.T), self._moved(y, x @ self.game.assistant)
        return np.concatenate(moved, axis=1)

    def _moved(self, own: FloatArray, worth: FloatArray) -> FloatArray:
        if self.kind == "replicator":
            grown: FloatArray = own * (worth - (own * worth).sum(axis=1, keepdims=True))
            return grown
        best = worth.max(axis=1, keepdims=True)
        if self.kind == "logit":
            weights = np.exp((worth - best) / self.temperature)
        else:
            tied = tolerance_of(self.game.user), tolerance_of(self.game.assistant)
            weights = (worth >= best - max(tied)).astype(np.float64)
        reply: FloatArray = weights / weights.sum(axis=1, keepdims=True) - own
        return reply


class Trajectories(NamedTuple):
    """Where N starts lead.

    Attributes:
        times: Shape ``(T,)``, in the units of `integrate`'s horizon.
        states: Shape ``(N, T, size)``.
    """

    times: FloatArray
    states: FloatArray


class Attractor(NamedTuple):
    """A state that some starts end in.

    Attributes:
        state: Mixtures, shape ``(size,)``.
        share: Of the starts.
        settled: Whether it is at rest; if not, the starts still move at the end: a cycle, or a
            longer time is needed.
    """

    state: FloatArray
    share: float
    settled: bool


def is_symmetric(game: NormalFormGame) -> bool:
    """Return whether the seats could be exchanged: the assistant's payoffs are the user's, turned.

    Args:
        game: The game, of shape ``(m, n)``.
    """
    m, n = game.shape
    return m == n and bool(
        np.allclose(game.assistant, game.user.T, rtol=0.0, atol=tolerance_of(game.user))
    )


def integrate(
    dynamic: Dynamic, starts: FloatArray, horizon: float | None = None, points: int = 200
) -> Trajectories:
    """Return the paths of a dynamic, by Runge-Kutta of order 5(4) with error control.

    Args:
        dynamic: The dynamic.
        starts: Mixtures, shape ``(N, size)``.
        horizon: Time to follow them: one over points for the replicator, by default `HORIZON` over
            the spread; revisions for the others, by default `REVISIONS`.
        points: How many moments are returned, from 2.

    Raises:
        SolverError: The integration failed.
        ValueError: The starts are no mixtures of the right shape.

    References:
        Dormand and Prince (1980), "A family of embedded Runge-Kutta formulae".
    """
    from scipy.integrate import solve_ivp

    begin = np.atleast_2d(np.asarray(starts, dtype=np.float64))
    blocks = _blocks(dynamic, begin) if begin.shape[1:] == (dynamic.size,) else []
    if not blocks or any(
        (part < 0).any() or not np.allclose(part.sum(axis=1), 1.0) for part in blocks
    ):
        raise ValueError(
            f"starts are mixtures, shape (N, {dynamic.size}), whose seats' shares sum to 1; "
            f"got shape {begin.shape}"
        )
    end = dynamic.horizon if horizon is None else horizon

    def flat(_: float, state: FloatArray) -> FloatArray:
        return dynamic.velocity(state.reshape(begin.shape)).ravel()

    # The best response jumps, so its error estimate means little: steps are kept short instead.
    smooth = dynamic.kind != "best_response"
    found = solve_ivp(
        flat,
        (0.0, end),
        begin.ravel(),
        method="RK45",
        t_eval=np.linspace(0.0, end, points),
        rtol=RELATIVE if smooth else 1e-3,
        atol=ABSOLUTE if smooth else 1e-3,
        max_step=np.inf if smooth else end / 2000,
    )
    if not found.success:
        raise SolverError(f"the integration stopped at time {found.t[-1]:g}: {found.message}")
    states = found.y.T.reshape(points, *begin.shape).transpose(1, 0, 2)
    return Trajectories(found.t, np.clip(states, 0.0, 1.0))


def attractors(
    dynamic: Dynamic, starts: int, rng: np.random.Generator, horizon: float | None = None
) -> tuple[Attractor, ...]:
    """Return where evenly drawn starts end, and the share of each: the basins of attraction.

    Args:
        dynamic: The dynamic.
        starts: How many; the standard error of a share p is sqrt(p·(1 - p) / starts).
        rng: Draws the starts, evenly over each seat's mixtures.
        horizon: See `integrate`. By default, the starts that still move then are followed for
            twice that time, and on, up to `MOST_DOUBLINGS` doublings, while some come to rest;
            those of the best response, which jumps to and fro where it rests, are not.

    Returns:
        Greatest share first; states closer than `SAME_REST` are one. Starts that still move are
        counted together, as one that is not settled.
    """
    parts = [rng.dirichlet(np.ones(size), starts) for size in _sizes(dynamic)]
    ends = integrate(dynamic, np.concatenate(parts, axis=1), horizon, points=2).states[:, -1]
    resting = _at_rest(dynamic, ends)
    if horizon is None and dynamic.kind != "best_response":
        for doubling in range(MOST_DOUBLINGS):
            moving = ~resting
            if not moving.any():
                break
            more = 2**doubling * dynamic.horizon
            ends[moving] = integrate(dynamic, _mixtures(dynamic, ends[moving]), more, 2).states[
                :, -1
            ]
            resting[moving] = _at_rest(dynamic, ends[moving])
            if (resting == ~moving).all():
                break  # nothing came to rest in as much time again: a cycle
    found: list[tuple[FloatArray, int]] = []
    for end in ends[resting]:
        near = [k for k, (state, _) in enumerate(found) if np.abs(state - end).max() < SAME_REST]
        if near:
            found[near[0]] = (found[near[0]][0], found[near[0]][1] + 1)
        else:
            found.append((end, 1))
    rests = [Attractor(state, count / starts, True) for state, count in found]
    if not resting.all():
        going = ends[~resting]
        rests.append(Attractor(going.mean(axis=0), len(going) / starts, False))
    return tuple(sorted(rests, key=lambda one: -one.share))


def _at_rest(dynamic: Dynamic, states: FloatArray) -> NDArray[np.bool_]:
    speeds = np.abs(dynamic.velocity(states)).max(axis=1)
    slow: NDArray[np.bool_] = speeds <= SETTLED * (
        dynamic.spread if dynamic.kind == "replicator" else 1.0
    )
    return slow


def _mixtures(dynamic: Dynamic, states: FloatArray) -> FloatArray:
    """Return states without the error that integration left in the sums of their shares."""
    parts = [part / part.sum(axis=1, keepdims=True) for part in _blocks(dynamic, states)]
    return np.concatenate(parts, axis=1)


def _sizes(dynamic: Dynamic) -> tuple[int, ...]:
    return (dynamic.size,) if dynamic.one_population else dynamic.game.shape


def _blocks(dynamic: Dynamic, states: FloatArray) -> list[FloatArray]:
    """Return the seats' parts of states, each shape ``(N, plans)``."""
    return np.split(states, np.cumsum(_sizes(dynamic))[:-1], axis=1)
