"""What a seat can secure against the worst, and the value of a game of pure conflict."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gtalign_env.errors import SolverError
from gtalign_env.games.normal_form import FloatArray, NormalFormGame, Seat, tolerance_of
from gtalign_env.games.programs import maximise, probabilities, scaled


class Security(NamedTuple):
    """What a seat has whatever the other does.

    Attributes:
        mixture: Probabilities of its plans that secure the value.
        value: The most it can be sure of, points.
    """

    mixture: tuple[float, ...]
    value: float


class ZeroSumSolution(NamedTuple):
    """Optimal mixtures of a zero-sum game, and what it is worth to the user.

    Attributes:
        user: Probabilities of the user's plans, length m.
        assistant: Probabilities of the assistant's plans, length n.
        value: What the user gets and the assistant pays, points.
    """

    user: tuple[float, ...]
    assistant: tuple[float, ...]
    value: float


def security(game: NormalFormGame, seat: Seat) -> Security:
    """Return the seat's maximin mixture and value.

    The mixture p and the level v of max v, subject to each plan of the other seat leaving at least v.

    Args:
        game: The game, of shape ``(m, n)``.
        seat: Whose.

    References:
        von Neumann (1928), "Zur Theorie der Gesellschaftsspiele".
    """
    own = game.payoffs(seat) if seat == "user" else game.payoffs(seat).T
    payoffs = scaled(own)
    plans, others = own.shape
    solved = maximise(
        np.append(np.zeros(plans), 1.0),
        at_most=(np.hstack([-payoffs.values.T, np.ones((others, 1))]), np.zeros(others)),
        equal=(np.append(np.ones(plans), 0.0)[None], [1.0]),
        free=1,
        what="security strategy",
    )
    assert solved is not None  # every mixture is feasible with a low enough level
    mixture = probabilities(solved[:plans])
    return Security(tuple(mixture.tolist()), _least(own, mixture))


def zero_sum_value(game: NormalFormGame) -> ZeroSumSolution:
    """Return optimal mixtures and the value of a game in which one seat's gain is the other's loss.

    Payoffs that sum to another constant count as well: who gets how much of it changes no play.

    Args:
        game: The game, of shape ``(m, n)``.

    Raises:
        SolverError: The payoffs of the two seats do not have a constant sum.
    """
    total = game.user + game.assistant
    tolerance = tolerance_of(game.user) + tolerance_of(game.assistant)
    if float(np.ptp(total)) > tolerance:
        low, high = float(total.min()), float(total.max())
        raise SolverError(
            f"a zero-sum game needs payoffs of a constant sum; in {game.name!r} it runs from "
            f"{low:g} to {high:g}. For what each seat can secure in any game, use security"
        )
    user, assistant = security(game, "user"), security(game, "assistant")
    return ZeroSumSolution(user.mixture, assistant.mixture, user.value)


def _least(own: FloatArray, mixture: FloatArray) -> float:
    return float((mixture @ own).min())
