"""α-rank: how long a slowly mutating, finite population spends with each plan or cell.

References:
    Omidshafiei et al. (2019), "α-Rank: multi-agent evaluation by evolution", Scientific Reports 9;
    Fudenberg and Imhof (2006), "Imitation processes with small mutations"; Traulsen, Nowak and
    Pacheco (2006), "Stochastic dynamics of invasion and fixation" (Fermi rule).
"""

from __future__ import annotations

import numpy as np

from gtalign_env.games.automata import stationary
from gtalign_env.games.normal_form import FloatArray, NormalFormGame


def alpha_rank_population(
    payoffs: FloatArray, alpha: float = 1.0, population: int = 50
) -> FloatArray:
    """Return the share of time with which one population plays each plan, shape ``(k,)``.

    1. A mutant with plan r among residents with plan s takes over with probability ρ(r, s) under
       the Fermi rule: 1 / (1 + Σ_{l<M} Π_{i≤l} exp(-α (f_r(i) - f_s(i)))), f the mean payoff in a
       population of M with i mutants, without playing against oneself.
    2. The population moves from s to r with probability ρ(r, s) / (k - 1).
    3. The shares are the stationary distribution of these moves.

    Args:
        payoffs: Of the row plan against the column plan, shape ``(k, k)``, points.
        alpha: Strength of selection, one over points.
        population: How many individuals, M, from 2.

    Raises:
        ValueError: The payoffs are no square matrix, or a parameter is out of range.
    """
    payoffs = np.asarray(payoffs, dtype=np.float64)
    if payoffs.ndim != 2 or payoffs.shape[0] != payoffs.shape[1]:
        raise ValueError(f"one population's payoffs are a square matrix; got {payoffs.shape}")
    _check(alpha, population)
    plans = len(payoffs)
    if plans == 1:
        return np.ones(1)
    moves = np.zeros((plans, plans))
    mutants = np.arange(1, population)
    for s, r in np.ndindex(plans, plans):
        if s == r:
            continue
        f_r = (mutants - 1) * payoffs[r, r] + (population - mutants) * payoffs[r, s]
        f_s = mutants * payoffs[s, r] + (population - mutants - 1) * payoffs[s, s]
        moves[s, r] = fixation((f_r - f_s) / (population - 1), alpha) / (plans - 1)
    return _settled(moves)


def alpha_rank(game: NormalFormGame, alpha: float = 1.0, population: int = 50) -> FloatArray:
    """Return the share of time that two populations spend in each cell, shape ``(m, n)``.

    As `alpha_rank_population`, with a population for each seat; one of them mutates at a time, and
    the mutant's payoff advantage against the other seat's plan is the same at all its numbers.

    Args:
        game: The game, of shape ``(m, n)``.
        alpha: Strength of selection, one over points.
        population: How many individuals in each population, from 2.

    Raises:
        ValueError: A parameter is out of range.
    """
    _check(alpha, population)
    m, n = game.shape
    if m * n == 1:
        return np.ones((1, 1))
    moves = np.zeros((m * n, m * n))
    share = 1.0 / (m - 1 + n - 1)
    for i, j in np.ndindex(m, n):
        for k in range(m):
            if k != i:
                gain = np.full(population - 1, game.user[k, j] - game.user[i, j])
                moves[i * n + j, k * n + j] = share * fixation(gain, alpha)
        for k in range(n):
            if k != j:
                gain = np.full(population - 1, game.assistant[i, k] - game.assistant[i, j])
                moves[i * n + j, i * n + k] = share * fixation(gain, alpha)
    return _settled(moves).reshape(m, n)


def fixation(gains: FloatArray, alpha: float) -> float:
    """Return the probability that one mutant takes over, under the Fermi rule.

    Args:
        gains: The mutants' payoff less the residents', by number of mutants, shape ``(M - 1,)``.
        alpha: Strength of selection, one over points.
    """
    exponents = np.append(0.0, np.cumsum(-alpha * np.asarray(gains, dtype=np.float64)))
    most = float(exponents.max())  # sums of huge powers are taken relative to the largest
    return float(np.exp(-most - np.log(np.exp(exponents - most).sum())))


def _settled(moves: FloatArray) -> FloatArray:
    np.fill_diagonal(moves, 1.0 - moves.sum(axis=1))
    found = np.maximum(stationary(moves), 0.0)
    shares: FloatArray = found / found.sum()
    return shares


def _check(alpha: float, population: int) -> None:
    if not alpha >= 0.0 or population < 2:
        raise ValueError(
            f"alpha is at least 0 and a population has at least 2; got {alpha} and {population}"
        )
