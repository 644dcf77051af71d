"""Learning by two seats that meet again and again: fictitious play, regret matching, best replies.

References:
    Brown (1951), "Iterative solution of games by fictitious play"; Robinson (1951), "An iterative
    method of solving a game"; Hart and Mas-Colell (2000), "A simple adaptive procedure leading to
    correlated equilibrium" (regret matching, here on the regrets for plans: its averages tend to
    the coarse correlated equilibria).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gtalign_env.games.automata import IntArray
from gtalign_env.games.normal_form import Cell, FloatArray, NormalFormGame, best_replies


class Learned(NamedTuple):
    """How two learners went along.

    Attributes:
        user: Share of each user plan so far, by round, shape ``(T, m)``.
        assistant: Share of each assistant plan so far, by round, shape ``(T, n)``.
        joint: Share of rounds in each cell, over all rounds, shape ``(m, n)``.
        gaps: What each seat's best fixed plan would have earned more per round, points, by round,
            user and assistant, shape ``(T, 2)``; a coarse correlated equilibrium has none.
    """

    user: FloatArray
    assistant: FloatArray
    joint: FloatArray
    gaps: FloatArray


def fictitious_play(game: NormalFormGame, rounds: int, start: Cell | None = None) -> Learned:
    """Return what best replies to the other's past lead to; ties go to the first plan.

    Shares tend to an equilibrium in zero-sum games, 2×2 games and games with dominance; not in all.

    Args:
        game: The game, of shape ``(m, n)``.
        rounds: How many, from 1.
        start: The first cell; by default each seat's best plan against an even mixture.

    Raises:
        ValueError: There are no rounds.
    """
    _check(rounds)
    U, V = game.user, game.assistant
    if start is None:
        start = Cell(int(U.mean(axis=1).argmax()), int(V.mean(axis=0).argmax()))
    i, j = start
    worth_user, worth_assistant = np.zeros(len(U)), np.zeros(V.shape[1])
    cells = np.zeros((rounds, 2), dtype=np.int64)
    for t in range(rounds):
        cells[t] = i, j
        worth_user += U[:, j]
        worth_assistant += V[i]
        i, j = int(worth_user.argmax()), int(worth_assistant.argmax())
    return _learned(game, cells)


def regret_matching(game: NormalFormGame, rounds: int, rng: np.random.Generator) -> Learned:
    """Return what playing each plan in proportion to its regret leads to.

    1. A plan's regret is what it would have earned more than what was played, so far.
    2. Plans are drawn with probabilities proportional to positive regrets, evenly if there are none.

    Args:
        game: The game, of shape ``(m, n)``.
        rounds: How many, from 1.
        rng: Draws the plans.

    Raises:
        ValueError: There are no rounds.
    """
    _check(rounds)
    U, V = game.user, game.assistant
    m, n = game.shape
    regret_user, regret_assistant = np.zeros(m), np.zeros(n)
    draws = rng.random((rounds, 2))
    cells = np.zeros((rounds, 2), dtype=np.int64)
    for t in range(rounds):
        i = _drawn(regret_user, draws[t, 0])
        j = _drawn(regret_assistant, draws[t, 1])
        cells[t] = i, j
        regret_user += U[:, j] - U[i, j]
        regret_assistant += V[i] - V[i, j]
    return _learned(game, cells)


def best_reply_path(game: NormalFormGame, start: Cell) -> tuple[list[Cell], bool]:
    """Return where alternating best replies lead from a cell, and whether to an equilibrium.

    The user replies first, then the assistant, and so on; a seat stays with a plan that is as good
    as any. The path ends where neither moves, or where it comes back to a cell: a cycle.

    Args:
        game: The game, of shape ``(m, n)``.
        start: Where to begin.

    Returns:
        The cells that were visited, the last one of a cycle being its first again.
    """
    good = {"user": best_replies(game, "user"), "assistant": best_replies(game, "assistant")}
    path, seen = [start], {(start, 0)}
    at, turn, stayed = start, 0, 0
    while True:
        seat = ("user", "assistant")[turn]
        if good[seat][at]:
            stayed += 1
            if stayed == 2:
                return path, True
        else:
            stayed = 0
            best = good[seat][:, at.assistant] if turn == 0 else good[seat][at.user]
            plan = int(best.argmax())
            at = Cell(plan, at.assistant) if turn == 0 else Cell(at.user, plan)
            path.append(at)
        turn = 1 - turn
        if stayed == 0 and (at, turn) in seen:
            return path, False
        seen.add((at, turn))


def _learned(game: NormalFormGame, cells: IntArray) -> Learned:
    m, n = game.shape
    i, j = cells.T
    after = np.arange(1, len(cells) + 1)[:, None]
    user, assistant = np.eye(m)[i].cumsum(axis=0), np.eye(n)[j].cumsum(axis=0)
    joint = np.zeros((m, n))
    np.add.at(joint, (i, j), 1.0)
    # What every fixed plan would have earned so far, less what was earned.
    fixed_user = game.user[:, j].T.cumsum(axis=0).max(axis=1) - game.user[i, j].cumsum()
    fixed_assistant = game.assistant[i].cumsum(axis=0).max(axis=1) - game.assistant[i, j].cumsum()
    gaps = np.stack([fixed_user, fixed_assistant], axis=1) / after
    return Learned(user / after, assistant / after, joint / len(cells), gaps)


def _drawn(regrets: FloatArray, u: float) -> int:
    positive = np.maximum(regrets, 0.0)
    rising = np.cumsum(positive) if positive.any() else np.arange(1.0, len(regrets) + 1.0)
    return int(np.searchsorted(rising, u * rising[-1], side="right"))


def _check(rounds: int) -> None:
    if rounds < 1:
        raise ValueError(f"learning takes at least one round; got {rounds}")
