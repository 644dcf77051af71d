"""The best commitment of a leader: play that the other seat sees before it replies.

A provider that publishes how its assistant behaves leads; so does a user who is known to leave when
asked too much. Of several best replies the follower chooses the one that the leader likes best
(strong Stackelberg), as a leader can tip a tie by as little as it wants.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gtalign_env.games.normal_form import (
    FloatArray,
    NormalFormGame,
    Seat,
    best_replies,
    tolerance_of,
)
from gtalign_env.games.programs import maximise, probabilities, scaled


class Commitment(NamedTuple):
    """What the leader commits to, and what comes of it.

    Attributes:
        leader: The seat that commits.
        mixture: Probabilities of the leader's plans.
        reply: The follower's plan, as an index.
        payoffs: Expected payoffs of user and assistant, points.
    """

    leader: Seat
    mixture: tuple[float, ...]
    reply: int
    payoffs: tuple[float, float]


def stackelberg(game: NormalFormGame, leader: Seat, *, pure: bool = False) -> Commitment:
    """Return the commitment that pays the leader most.

    1. For each reply of the follower, solve the linear program for the best mixture to which that
       reply is a best one; some have none.
    2. Keep the best of these programs; ties go to the greater payoff of the follower, then to its
       first plan.

    With ``pure`` the mixtures are single plans, and no program is needed.

    Args:
        game: The game, of shape ``(m, n)``.
        leader: The seat that commits.
        pure: Only plans may be committed to, not mixtures.

    Raises:
        SolverError: A program failed.

    References:
        Conitzer and Sandholm (2006), "Computing the optimal strategy to commit to", sec. 3 and 4.
    """
    user_leads = leader == "user"
    own = game.user if user_leads else game.assistant.T
    theirs = game.assistant if user_leads else game.user.T
    found = _pure(game, leader) if pure else _mixed(own, theirs)
    tol_own, tol_theirs = tolerance_of(own), tolerance_of(theirs)
    worths = [(float(x @ own[:, j]), float(x @ theirs[:, j])) for x, j in found]
    most = max(worth for worth, _ in worths)
    left = [k for k, (worth, _) in enumerate(worths) if worth >= most - tol_own]
    kindest = max(worths[k][1] for k in left)
    chosen = next(k for k in left if worths[k][1] >= kindest - tol_theirs)
    x, reply = found[chosen]
    mine, other = worths[chosen]
    return Commitment(
        leader, tuple(x.tolist()), reply, (mine, other) if user_leads else (other, mine)
    )


def _mixed(own: FloatArray, theirs: FloatArray) -> list[tuple[FloatArray, int]]:
    """Return the best mixture for each reply that has one, and the reply."""
    mine, other = scaled(own).values, scaled(theirs).values
    plans, replies = own.shape
    found = []
    for reply in range(replies):
        gains = np.delete(other - other[:, [reply]], reply, axis=1).T
        solved = maximise(
            mine[:, reply],
            at_most=(gains, np.zeros(replies - 1)) if replies > 1 else None,
            equal=(np.ones((1, plans)), [1.0]),
            what="commitment",
        )
        if solved is not None:
            found.append((probabilities(solved), reply))
    return found


def _pure(game: NormalFormGame, leader: Seat) -> list[tuple[FloatArray, int]]:
    """Return every plan of the leader with every best reply to it."""
    follower: Seat = "assistant" if leader == "user" else "user"
    replies = best_replies(game, follower)
    replies = replies if leader == "user" else replies.T
    return [(np.eye(len(replies))[i], int(j)) for i, j in np.argwhere(replies)]
