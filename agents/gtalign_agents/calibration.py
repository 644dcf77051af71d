"""What a written payoff matrix is worth: against the exact one, against the play, against itself.

Three questions about the matrix of a four-block turn:

1. *Calibration*: does it order the six cells as the scenario's exact payoffs do (rank correlation),
   and how far is it off (mean absolute error, points)?
2. *Consistency*: is the move that is played the one of its own best cell, and of the cell that its
   analysis names?
3. *Collapse*: how many different matrices are written at all?

The exact matrix is the one that follows from what an assistant may know before it answers: price,
task and population. It is the normal form of the game under the regime, at one verbosity. So only
the first turn of a conversation is scored against it; later matrices speak of a conversation that
is under way.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from gtalign_agents.fourblock import PAYOFF_KEYS, FourBlock, Payoff
from gtalign_agents.steering import move_of
from gtalign_env.core.exact import normal_form
from gtalign_env.core.moves import AssistantMove, UserMove
from gtalign_env.core.spec import GameSpec

_CELL = re.compile(rf"(?<!\w)(?:{'|'.join(PAYOFF_KEYS)})(?!\w)")


class Choice(NamedTuple):
    """What a turn says before its response.

    Attributes:
        own: The matrix as the model wrote it, points as it sees them.
        standing: The matrix that the rest of the turn goes on from; another one where it was edited.
        announced: The cell that the analysis names; None where it names none.
    """

    own: Payoff
    standing: Payoff
    announced: str | None


class Agreement(NamedTuple):
    """How one side's six written payoffs agree with the exact ones.

    Attributes:
        spearman: Rank correlation in [-1, 1]: Pearson's of the ranks, ties at their mean rank. None
            where all six written or all six exact payoffs are equal, so that there is no order.
        kendall: tau-b in [-1, 1], corrected for ties; None likewise.
        error: Mean absolute difference of a cell, points.
    """

    spearman: float | None
    kendall: float | None
    error: float


class Spread(NamedTuple):
    """How many different matrices were written: one for all turns is a collapse.

    Attributes:
        written: Matrices in all.
        distinct: Different ones.
        top_share: Share of the most frequent one, in [0, 1]; 0.0 where none was written.
    """

    written: int
    distinct: int
    top_share: float


def choice_of(block: FourBlock, own: Payoff | None = None) -> Choice:
    """Return what a turn says before its response.

    Args:
        block: Its four blocks.
        own: The matrix as the model wrote it, where it was edited afterwards.
    """
    standing = block.payoff
    return Choice(standing if own is None else own, standing, announced_cell(block.analyze))


def announced_cell(analysis: str) -> str | None:
    """Return the cell that an analysis chooses: the last one that it names, or None.

    Weighing comes before deciding, so where several cells are named the last one counts.

    Args:
        analysis: Any text.
    """
    named = _CELL.findall(analysis)
    return named[-1] if named else None


def cell_of(user: UserMove, assistant: AssistantMove) -> str:
    """Return the cell of a query and its answer, such as ``VQ_CQ``.

    What follows the opening settles what is meant, or tries to, and counts as a definite query.

    Args:
        user: The user's last message.
        assistant: What is answered.
    """
    return f"{'VQ' if user is UserMove.VQ else 'DQ'}_{assistant.label.partition(':')[0]}"


def exact_payoff(spec: GameSpec, verbosity: str = "standard") -> Payoff:
    """Return the scenario's exact payoff matrix in the six cells, points.

    Args:
        spec: The game, under the regime that the assistant is told.
        verbosity: Of the answers.

    Raises:
        ValueError: Unknown verbosity.
    """
    matrix = normal_form(spec)
    cells: Payoff = {}
    for key in PAYOFF_KEYS:
        place = ("VQ", "DQ").index(key[:2]), int(move_of(key, verbosity))
        cells[key] = {"LLM": float(matrix.assistant[place]), "user": float(matrix.user[place])}
    return cells


def agreement(written: Payoff, exact: Payoff, side: str) -> Agreement:
    """Return how one side's written payoffs agree with the exact ones.

    Args:
        written: Cell to side to payoff, points.
        exact: Likewise.
        side: ``LLM`` or ``user``.

    References:
        Kendall (1945), "The treatment of ties in ranking problems", for both with ties.
    """
    from scipy.stats import kendalltau, spearmanr

    ours = np.array([written[key][side] for key in PAYOFF_KEYS])
    truth = np.array([exact[key][side] for key in PAYOFF_KEYS])
    error = float(np.abs(ours - truth).mean())
    if np.ptp(ours) == 0 or np.ptp(truth) == 0:
        return Agreement(None, None, error)
    spearman, kendall = spearmanr(ours, truth).statistic, kendalltau(ours, truth).statistic
    return Agreement(float(spearman), float(kendall), error)


def order_agreement(written: Payoff, exact: Payoff) -> float:
    """Return how a matrix orders the cells as the exact one does: both sides' mean, in [-1, 1].

    It is the mean of the two sides' Spearman correlations; a side without order counts 0.

    Args:
        written: Cell to side to payoff, points.
        exact: Likewise.
    """
    from scipy.stats import rankdata

    sides = np.array([values(written), values(exact)]).reshape(2, len(PAYOFF_KEYS), 2)
    ranks = rankdata(sides, axis=1)
    ranks -= ranks.mean(axis=1, keepdims=True)
    ours, truth = ranks
    scale = np.sqrt((ours**2).sum(axis=0) * (truth**2).sum(axis=0))
    products = (ours * truth).sum(axis=0)
    return float(np.divide(products, scale, out=np.zeros(2), where=scale > 0).mean())


def best_cells(payoff: Payoff, query: str) -> tuple[str, ...]:
    """Return the cells of a query with the greatest product, a side at or below 0 counting as 0.

    Only the assistant's half of a cell is its to choose, so cells of the other query do not compete.

    Args:
        payoff: Cell to side to payoff.
        query: ``VQ`` or ``DQ``, as the user has asked.
    """
    worth = {
        key: max(0.0, payoff[key]["user"]) * max(0.0, payoff[key]["LLM"])
        for key in PAYOFF_KEYS
        if key.startswith(query)
    }
    return tuple(key for key, value in worth.items() if value == max(worth.values()))


def spread(matrices: Iterable[Payoff]) -> Spread:
    """Return how many different matrices there are.

    Args:
        matrices: Cell to side to payoff, each.
    """
    counts = Counter(json.dumps(values(one)) for one in matrices)
    total = counts.total()
    return Spread(total, len(counts), max(counts.values()) / total if total else 0.0)


def values(payoff: Payoff) -> list[float]:
    """Return the twelve payoffs: cells in the published order, LLM before user.

    Args:
        payoff: Cell to side to payoff.
    """
    return [payoff[key][side] for key in PAYOFF_KEYS for side in ("LLM", "user")]


def payoff_of(numbers: Sequence[float]) -> Payoff:
    """Return the matrix of twelve payoffs, see `values`.

    Args:
        numbers: Cells in the published order, LLM before user.

    Raises:
        ValueError: They are not twelve.
    """
    if len(numbers) != 2 * len(PAYOFF_KEYS):
        raise ValueError(f"a matrix has {2 * len(PAYOFF_KEYS)} payoffs; got {len(numbers)}")
    return {
        key: {"LLM": numbers[2 * i], "user": numbers[2 * i + 1]}
        for i, key in enumerate(PAYOFF_KEYS)
    }
