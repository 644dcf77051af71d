"""Whether automata are equilibria of a repeated game: one-shot deviations and best replies, exact.

References:
    Mailath and Samuelson (2006), "Repeated Games and Reputations", sec. 2.2-2.4.
"""

from __future__ import annotations

import numpy as np

from gtalign_env.games.automata import (
    Automaton,
    chain,
    discounted_payoffs,
    pair_values,
    trembling,
)
from gtalign_env.games.normal_form import FloatArray, NormalFormGame, Seat

GAIN_TOLERANCE = 1e-9  # share of the spread of a seat's payoffs that a deviation may gain


def deviation_gains(
    game: NormalFormGame,
    user: Automaton,
    assistant: Automaton,
    seat: Seat,
    discount: float,
    noise: float = 0.0,
) -> FloatArray:
    """Return what a seat gains by one deviation, shape ``(S, plans)``, points, by pair as in `chain`.

    Args:
        game: The game of each round, of shape ``(m, n)``.
        user: The user's automaton.
        assistant: The assistant's automaton.
        seat: Who deviates: once, onto each of its plans, and then goes on as its automaton says.
        discount: δ in [0, 1).
        noise: Probability that a seat's hand trembles, the deviator's too.
    """
    played = chain(game, user, assistant, noise)
    own = 0 if seat == "user" else 1
    values = pair_values(played, discount)[:, own]
    # What a cell is worth now and later, by pair and cell.
    worth = (1.0 - discount) * game.payoffs(seat) + discount * values[played.after]
    other = played.plans.sum(axis=1 + own)
    axes = "sij,sj->si" if own == 0 else "sij,si->sj"
    carried = np.einsum(axes, worth, other)
    plans = carried.shape[1]
    intended = carried @ trembling(np.eye(plans), noise).T
    gains: FloatArray = intended - values[:, None]
    return gains


def is_subgame_perfect(
    game: NormalFormGame,
    user: Automaton,
    assistant: Automaton,
    discount: float,
    noise: float = 0.0,
    tol: float = GAIN_TOLERANCE,
) -> bool:
    """Return whether two automata are a subgame-perfect equilibrium, by one-shot deviations.

    After every history, also one that neither automaton would make, no seat gains by one deviation.

    Args:
        game: The game of each round, of shape ``(m, n)``.
        user: The user's automaton.
        assistant: The assistant's automaton.
        discount: δ in [0, 1).
        noise: Probability that a seat's hand trembles.
        tol: Gain that does not count, as a share of the spread of the seat's payoffs.

    References:
        Mailath and Samuelson (2006), prop. 2.2.1 and 2.4.1.
    """
    seats: tuple[Seat, Seat] = ("user", "assistant")
    return all(
        float(deviation_gains(game, user, assistant, seat, discount, noise).max())
        <= tol * float(np.ptp(game.payoffs(seat)))
        for seat in seats
    )


def best_reply_value(
    game: NormalFormGame, seat: Seat, other: Automaton, discount: float, noise: float = 0.0
) -> float:
    """Return the most a seat can get against an automaton, normalised discounted, points.

    A best reply needs no more states than the automaton it meets, so it is a Markov decision
    process on that automaton's states; policy iteration solves it exactly.

    Args:
        game: The game of each round, of shape ``(m, n)``.
        seat: Who replies.
        other: The automaton of the other seat.
        discount: δ in [0, 1).
        noise: Probability that a seat's hand trembles.

    References:
        Howard (1960), "Dynamic Programming and Markov Processes", ch. 7.
    """
    own = game.payoffs(seat) if seat == "user" else game.payoffs(seat).T
    plays = trembling(other.outputs, noise)
    states, plans = len(plays), len(own)
    carried = np.zeros((states, plans, states))
    for state in range(states):
        for mine in range(plans):
            np.add.at(carried[state, mine], other.moves[state, :, mine], plays[state])
    slips = trembling(np.eye(plans), noise)
    rewards = plays @ own.T @ slips.T
    kernel = np.einsum("ab,sbt->sat", slips, carried)
    policy = rewards.argmax(axis=1)
    while True:
        at = np.arange(states)
        system = np.eye(states) - discount * kernel[at, policy]
        values = np.linalg.solve(system, (1.0 - discount) * rewards[at, policy])
        worth = (1.0 - discount) * rewards + discount * kernel @ values
        better = worth.max(axis=1) > worth[at, policy] + GAIN_TOLERANCE * max(
            float(np.ptp(own)), 1e-300
        ) * (1.0 - discount)
        if not better.any():
            return float(values[other.start])
        policy = np.where(better, worth.argmax(axis=1), policy)


def is_nash(
    game: NormalFormGame,
    user: Automaton,
    assistant: Automaton,
    discount: float,
    noise: float = 0.0,
    tol: float = GAIN_TOLERANCE,
) -> bool:
    """Return whether neither automaton can be bettered against the other, from the first round.

    Args:
        game: The game of each round, of shape ``(m, n)``.
        user: The user's automaton.
        assistant: The assistant's automaton.
        discount: δ in [0, 1).
        noise: Probability that a seat's hand trembles.
        tol: Gain that does not count, as a share of the spread of the seat's payoffs.
    """
    got = discounted_payoffs(game, user, assistant, discount, noise)
    best_user = best_reply_value(game, "user", assistant, discount, noise)
    best_assistant = best_reply_value(game, "assistant", user, discount, noise)
    return best_user - got.user <= tol * float(np.ptp(game.user)) and (
        best_assistant - got.assistant <= tol * float(np.ptp(game.assistant))
    )
