"""Finite automata as strategies of a repeated game, and their exact payoffs.

Two automata and a game make a Markov chain on pairs of states, so discounted payoffs and means of
the long run are solutions of linear equations, hands that tremble included. A slip of probability ε
replaces a seat's plan by another of its plans, each as likely, as in `gtalign/RepeatedGame-v0`.

References:
    Rubinstein (1986), "Finite automata play the repeated prisoner's dilemma"; Mailath and Samuelson
    (2006), "Repeated Games and Reputations", sec. 2.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gtalign_env.games.normal_form import FloatArray, NormalFormGame

IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Automaton:
    """A strategy with finitely many states, in the seat it was made for.

    Attributes:
        name: What it is called.
        outputs: Probability of each own plan in each state, shape ``(K, own)``, read-only.
        moves: The next state, by state, own plan and the other's plan as carried out, shape
            ``(K, own, other)``, read-only.
        start: The state of the first round.

    Raises:
        ValueError: Shapes do not fit, a row of outputs is no distribution, or a state is unknown.
    """

    name: str
    outputs: FloatArray
    moves: IntArray
    start: int = 0

    def __post_init__(self) -> None:
        outputs = np.array(self.outputs, dtype=np.float64)
        moves = np.array(self.moves, dtype=np.int64)
        states = len(outputs)
        if outputs.ndim != 2 or moves.ndim != 3 or moves.shape[:2] != outputs.shape or not states:
            raise ValueError(
                "outputs are states × own plans, and moves states × own plans × other's plans; "
                f"got shapes {outputs.shape} and {moves.shape}"
            )
        if not np.allclose(outputs.sum(axis=1), 1.0) or bool((outputs < 0).any()):
            raise ValueError(f"every row of outputs is a distribution over plans; got {outputs}")
        if not 0 <= self.start < states or moves.min() < 0 or moves.max() >= states:
            raise ValueError(f"states are 0 to {states - 1}; start or moves lead elsewhere")
        for field, array in (("outputs", outputs), ("moves", moves)):
            array.setflags(write=False)
            object.__setattr__(self, field, array)

    @property
    def deterministic(self) -> bool:
        """Whether it never mixes."""
        return bool((self.outputs.max(axis=1) == 1.0).all())


class Payoffs(NamedTuple):
    """What user and assistant get per round, points."""

    user: float
    assistant: float


class Chain(NamedTuple):
    """Two automata at play, on the S pairs of states that some history of plans leads to.

    Plans that neither automaton would choose count as history too: hands can slip, and deviations
    are asked for.

    Attributes:
        pairs: The states of user and assistant, shape ``(S, 2)``, in rising order.
        transitions: Probability of the next pair, shape ``(S, S)``.
        rewards: Expected payoffs of user and assistant in each pair, shape ``(S, 2)``, points.
        plans: Probability of each cell in each pair, shape ``(S, m, n)``.
        after: The next pair, by pair and cell, shape ``(S, m, n)``.
        start: Row of the first round's pair.
    """

    pairs: IntArray
    transitions: FloatArray
    rewards: FloatArray
    plans: FloatArray
    after: IntArray
    start: int


def chain(game: NormalFormGame, user: Automaton, assistant: Automaton, noise: float = 0.0) -> Chain:
    """Return the Markov chain of two automata.

    Args:
        game: The game of each round, of shape ``(m, n)``.
        user: The user's automaton, with m own plans.
        assistant: The assistant's automaton, with n own plans.
        noise: Probability that a seat's hand trembles.

    Raises:
        ValueError: An automaton was made for another number of plans, or noise is no probability.
    """
    m, n = game.shape
    for seat, automaton, shape in (("user", user, (m, n)), ("assistant", assistant, (n, m))):
        if automaton.moves.shape[1:] != shape:
            raise ValueError(
                f"{automaton.name!r} in the {seat}'s seat must be made for {shape[0]} own plans and "
                f"{shape[1]} of the other; it was made for {automaton.moves.shape[1:]}"
            )
    first, second = trembling(user.outputs, noise), trembling(assistant.outputs, noise)
    numbers = _reachable(user, assistant)
    a, b = np.divmod(numbers, len(second))
    plans = np.einsum("si,sj->sij", first[a], second[b])
    numbered = user.moves[a] * len(second) + assistant.moves[b].transpose(0, 2, 1)
    after = np.searchsorted(numbers, numbered).astype(np.int64)
    transitions = np.zeros((len(numbers), len(numbers)))
    rows = np.broadcast_to(np.arange(len(numbers))[:, None, None], plans.shape)
    np.add.at(transitions, (rows.ravel(), after.ravel()), plans.ravel())
    rewards = np.stack(
        [np.einsum("sij,ij->s", plans, own) for own in (game.user, game.assistant)], axis=1
    )
    start = int(np.searchsorted(numbers, user.start * len(second) + assistant.start))
    return Chain(np.stack([a, b], axis=1), transitions, rewards, plans, after, start)


def _reachable(user: Automaton, assistant: Automaton) -> IntArray:
    """Return the pairs that histories lead to, as user state · K_assistant + assistant state."""
    count = len(assistant.outputs)
    start = user.start * count + assistant.start
    seen, ahead = {start}, [start]
    while ahead:
        a, b = divmod(ahead.pop(), count)
        fresh = set((user.moves[a] * count + assistant.moves[b].T).ravel().tolist()) - seen
        seen |= fresh
        ahead += fresh
    return np.array(sorted(seen), dtype=np.int64)


def trembling(outputs: FloatArray, noise: float) -> FloatArray:
    """Return the plans as carried out by a hand that trembles, shape ``(K, plans)``.

    Args:
        outputs: Intended plans by state, shape ``(K, plans)``.
        noise: Probability of a slip onto one of the other plans, each as likely.

    Raises:
        ValueError: Noise is no probability.
    """
    if not 0.0 <= noise <= 1.0:
        raise ValueError(f"noise is a probability in [0, 1]; got {noise}")
    plans = outputs.shape[1]
    if plans == 1:
        return outputs
    slipped: FloatArray = (1.0 - noise) * outputs + noise * (1.0 - outputs) / (plans - 1)
    return slipped


def discounted_payoffs(
    game: NormalFormGame, user: Automaton, assistant: Automaton, discount: float, noise: float = 0.0
) -> Payoffs:
    """Return the normalised discounted payoffs, (1 - δ) Σ δ^t payoff(t): exact, by a linear solve.

    Args:
        game: The game of each round, of shape ``(m, n)``.
        user: The user's automaton.
        assistant: The assistant's automaton.
        discount: δ in [0, 1): weight of the next round, or the probability that there is one.
        noise: Probability that a seat's hand trembles.

    Raises:
        ValueError: The discount is not in [0, 1), or an automaton does not fit.
    """
    played = chain(game, user, assistant, noise)
    values = pair_values(played, discount)[played.start]
    return Payoffs(float(values[0]), float(values[1]))


def pair_values(played: Chain, discount: float) -> FloatArray:
    """Return both seats' normalised discounted payoffs from every pair of states, shape ``(S, 2)``.

    Args:
        played: The chain.
        discount: δ in [0, 1).

    Raises:
        ValueError: The discount is not in [0, 1).
    """
    if not 0.0 <= discount < 1.0:
        raise ValueError(
            f"a discount of exact payoffs is in [0, 1); got {discount}; without discounting, ask "
            "for mean_payoffs"
        )
    system = np.eye(len(played.transitions)) - discount * played.transitions
    return np.asarray(np.linalg.solve(system, (1.0 - discount) * played.rewards), dtype=np.float64)


def mean_payoffs(
    game: NormalFormGame, user: Automaton, assistant: Automaton, noise: float = 0.0
) -> Payoffs:
    """Return the limit of the mean payoffs per round: exact, by linear solves.

    1. Find the closed classes of the chain: once in, it stays.
    2. Solve for the probability of ending in each.
    3. Weight each class's stationary payoffs with it.

    Args:
        game: The game of each round, of shape ``(m, n)``.
        user: The user's automaton.
        assistant: The assistant's automaton.
        noise: Probability that a seat's hand trembles.

    References:
        Kemeny and Snell (1960), "Finite Markov Chains", ch. 3 and 5.
    """
    from scipy.sparse.csgraph import connected_components

    played = chain(game, user, assistant, noise)
    P = played.transitions
    count, label = connected_components(P > 0, directed=True, connection="strong")
    closed = [
        members
        for members in (np.flatnonzero(label == c) for c in range(count))
        if not np.any(np.delete(P[members], members, axis=1))
    ]
    absorbed = np.zeros((len(P), len(closed)))
    for c, members in enumerate(closed):
        absorbed[members, c] = 1.0
    passing = np.flatnonzero(absorbed.sum(axis=1) == 0)
    if len(passing):
        inside = P[np.ix_(passing, passing)]
        absorbed[passing] = np.linalg.solve(np.eye(len(passing)) - inside, P[passing] @ absorbed)
    means = np.array(
        [stationary(P[np.ix_(members, members)]) @ played.rewards[members] for members in closed]
    )
    user_mean, assistant_mean = absorbed[played.start] @ means
    return Payoffs(float(user_mean), float(assistant_mean))


def stationary(P: FloatArray) -> FloatArray:
    """Return the stationary distribution of a chain with one closed class, shape ``(S,)``.

    Args:
        P: Probabilities of the next state, shape ``(S, S)``.
    """
    size = len(P)
    system = np.vstack([P.T - np.eye(size), np.ones(size)])
    target = np.zeros(size + 1)
    target[-1] = 1.0
    return np.asarray(np.linalg.lstsq(system, target, rcond=None)[0], dtype=np.float64)


def finite_payoffs(
    game: NormalFormGame, user: Automaton, assistant: Automaton, rounds: int, noise: float = 0.0
) -> Payoffs:
    """Return the expected mean payoffs over a fixed number of rounds.

    Args:
        game: The game of each round, of shape ``(m, n)``.
        user: The user's automaton.
        assistant: The assistant's automaton.
        rounds: How many, from 1.
        noise: Probability that a seat's hand trembles.
    """
    played = chain(game, user, assistant, noise)
    where = np.zeros(len(played.transitions))
    where[played.start] = 1.0
    total = np.zeros(2)
    for _ in range(rounds):
        total += where @ played.rewards
        where = where @ played.transitions
    return Payoffs(float(total[0] / rounds), float(total[1] / rounds))
