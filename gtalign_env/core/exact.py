"""From a `GameSpec` to its normal form: exact expected payoffs of every pair of plans.

1. Take every type of the population with its weight (bins for continuous fields).
2. For every user plan and assistant plan, walk the whole conversation tree.
3. Sum probability times welfare, by compensated summation.

Where a length or a type is continuous, means and bins stand in for it; the result says so and
carries an error estimate, the sum of two largest differences: to the same computation with a
quarter and a sixth of the types; and between lengths at their means and lengths spread over their
distributions, all at the same quantile.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from gtalign_env.core.moves import VERBOSITIES, AssistantMove, Ending
from gtalign_env.core.plans import (
    ASSISTANT_PLAN_LABELS,
    ASSISTANT_PLANS,
    USER_PLAN_LABELS,
    USER_PLANS,
    continue_plan,
    default_user,
)
from gtalign_env.core.spec import GameSpec, Lengths
from gtalign_env.core.tree import Leaf, leaves
from gtalign_env.games.normal_form import NormalFormGame
from gtalign_env.money import to_usd
from gtalign_env.persona import Constant, UserType

Cells = NDArray[np.float64]

MOST_TYPES = 512
"""Types per persona that stand in for a continuous distribution."""

_COARSER = (4, 6)  # with so many times fewer types the error is estimated
_QUANTILES = 32  # and with lengths at so many quantiles

_MEASURES = ("user", "assistant", "welfare", "charge", "cost", "tokens", "exchanges")


@dataclass(frozen=True)
class ConversationMatrix:
    """The normal form of a conversation game; all arrays of shape ``(2, 7)``.

    Attributes:
        user: Expected U, points.
        assistant: Expected L, points.
        welfare: Mean over episodes of W(U, L).
        charge: Mean total charge, USD.
        cost: Mean compute cost, USD.
        tokens: Mean visible output tokens.
        exchanges: Mean number of exchanges.
        endings: Probability of each `Ending`, shape ``(2, 7, 5)``.
        exact: Whether nothing was approximated.
        error: Estimated largest error of an expected payoff, points; 0.0 where exact.
        name: The scenario's name.
    """

    user: Cells
    assistant: Cells
    welfare: Cells
    charge: Cells
    cost: Cells
    tokens: Cells
    exchanges: Cells
    endings: NDArray[np.float64]
    exact: bool
    error: float
    name: str

    @property
    def game(self) -> NormalFormGame:
        """The bimatrix game over all seven assistant plans."""
        return NormalFormGame(
            user=self.user,
            assistant=self.assistant,
            user_plans=USER_PLAN_LABELS,
            assistant_plans=ASSISTANT_PLAN_LABELS,
            name=self.name,
        )

    def classic(self, verbosity: str = "standard") -> NormalFormGame:
        """Return the classic 2×3 view {VQ, DQ} × {DA, CQ, AQ} at one verbosity.

        Raises:
            ValueError: Unknown verbosity.
        """
        if verbosity not in VERBOSITIES:
            raise ValueError(f"a verbosity is one of {', '.join(VERBOSITIES)}; got {verbosity!r}")
        level = VERBOSITIES.index(verbosity)
        columns = [level, int(AssistantMove.CQ), 4 + level]
        return NormalFormGame(
            user=self.user[:, columns],
            assistant=self.assistant[:, columns],
            user_plans=USER_PLAN_LABELS,
            assistant_plans=("DA", "CQ", "AQ"),
            name=f"{self.name}, {verbosity}",
        )


def measures(spec: GameSpec, leaf: Leaf) -> tuple[float, ...]:
    """Return the quantities that a cell averages, in the order of the matrix's fields."""
    state = leaf.state
    return (
        leaf.user,
        leaf.assistant,
        spec.welfare(leaf.user, leaf.assistant),
        to_usd(state.charged),
        to_usd(state.cost),
        float(state.total_output),
        float(state.exchange + 1),
    )


def _cells(
    spec: GameSpec, types: list[tuple[float, UserType]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return means of shape ``(measures, 2, 7)`` and ending probabilities ``(2, 7, 5)``."""
    values = np.zeros((len(_MEASURES), len(USER_PLANS), len(ASSISTANT_PLANS)))
    endings = np.zeros((len(USER_PLANS), len(ASSISTANT_PLANS), len(Ending)))
    for i, opening in enumerate(USER_PLANS):
        for j, plan in enumerate(ASSISTANT_PLANS):
            rows = []
            for weight, who in types:
                for leaf in leaves(
                    spec,
                    who,
                    opening,
                    default_user,
                    lambda state, plan=plan: continue_plan(plan, state.exchange),  # type: ignore[misc]  # default argument binds the loop variable
                ):
                    p = weight * leaf.probability
                    rows.append([p * x for x in measures(spec, leaf)])
                    assert leaf.state.ending is not None
                    endings[i, j, leaf.state.ending] += p
            values[:, i, j] = [math.fsum(column) for column in zip(*rows, strict=True)]
    return values, endings


def normal_form(spec: GameSpec, most_types: int = MOST_TYPES) -> ConversationMatrix:
    """Return the exact normal form of a conversation game.

    Args:
        spec: The game.
        most_types: Types per persona that stand in for continuous distributions.
    """
    values, endings = _cells(spec, spec.population.types(most_types))
    error = 0.0
    if not spec.population.is_finite:
        for times in _COARSER:
            coarse, _ = _cells(spec, spec.population.types(max(1, most_types // times)))
            error = max(error, float(np.abs(values[:3] - coarse[:3]).max()))
    if not spec.lengths.is_constant:
        error += _error_of_lengths(spec, spec.population.types(max(1, most_types // _QUANTILES)))
    return ConversationMatrix(
        **dict(zip(_MEASURES, values, strict=True)),
        endings=endings,
        exact=spec.is_exact,
        error=error,
        name=spec.name,
    )


def _error_of_lengths(spec: GameSpec, types: list[tuple[float, UserType]]) -> float:
    """Return the largest difference between mean lengths and lengths spread over quantiles."""
    spread = [
        _cells(replace(spec, lengths=_at(spec.lengths, (i + 0.5) / _QUANTILES)), types)[0][:3]
        for i in range(_QUANTILES)
    ]
    return float(np.abs(np.mean(spread, axis=0) - _cells(spec, types)[0][:3]).max())


def _at(lengths: Lengths, u: float) -> Lengths:
    """Return constant lengths, all at one quantile."""
    names = [field.name for field in fields(lengths) if field.name != "answer"]
    concise, standard, verbose = (Constant(length.quantile(u)) for length in lengths.answer)
    return Lengths(
        **{name: Constant(getattr(lengths, name).quantile(u)) for name in names},
        answer=(concise, standard, verbose),
    )
