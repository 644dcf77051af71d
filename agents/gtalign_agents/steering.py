"""Steering by price: edit the payoff matrix that a model has just written, and let it go on.

1. Generation halts at ``</payoff>``; `steer` reads what was written so far.
2. The price of each cell says by how much its payoffs move: the user's by −λ̂ times the expected
   charge, the provider's by μ times the expected margin. A move that costs more tokens moves more.
3. The edited matrix takes the place of the written one, and the same turn goes on from there.

A missing or broken matrix is left alone and recorded: the turn then goes on unsteered.

The published edit adds one number to every cell of a column of the matrix (`PUBLISHED_EDIT`). One
number for all cells of a side cannot change the choice under the sum nor the frontier, whatever it
is; `Edit.is_uniform` says so.

References:
    GTAlign (2025), arXiv:2510.08872, section 3.3, figure 4, and its public code for the constants.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from gtalign_agents.fourblock import PAYOFF_KEYS, Payoff, parse, render_payoff
from gtalign_env.core.ledger import Exchange, bill
from gtalign_env.core.moves import VERBOSITIES, AssistantMove, UserMove
from gtalign_env.core.spec import GameSpec
from gtalign_env.errors import FormatError
from gtalign_env.money import to_usd
from gtalign_env.pricing import Rates, Regime, Usage

Rule = Literal["product", "sum", "egalitarian"]
RULES: tuple[str, ...] = get_args(Rule)

DECIMALS = 2
"""Of an edited payoff; finer differences are not what a model writes or reads."""

_REST = "<analyze></analyze><response>-</response>"
"""What makes a completion of a turn halted at its matrix, so that the one strict parser reads it."""


@dataclass(frozen=True)
class Edit:
    """What is added to each cell of the matrix.

    Attributes:
        user: By cell, points.
        assistant: By cell, points.
        why: Where the numbers come from, one line.
    """

    user: Mapping[str, float]
    assistant: Mapping[str, float]
    why: str

    @property
    def is_uniform(self) -> bool:
        """Whether each side gets one number in all cells: then sum and frontier choose as before."""
        return len(set(self.user.values())) == len(set(self.assistant.values())) == 1

    def of(self, payoff: Payoff) -> Payoff:
        """Return the edited matrix, rounded to `DECIMALS`."""
        return {
            key: {
                "LLM": round(payoff[key]["LLM"] + self.assistant[key], DECIMALS),
                "user": round(payoff[key]["user"] + self.user[key], DECIMALS),
            }
            for key in PAYOFF_KEYS
        }


def _by_move(DA: float, CQ: float, AQ: float) -> dict[str, float]:
    bonus = {"DA": DA, "CQ": CQ, "AQ": AQ}
    return {key: bonus[key[-2:]] for key in PAYOFF_KEYS}


PUBLISHED_EDIT = Edit(
    user=_by_move(-0.5, -0.5, -0.5),
    assistant=_by_move(1.0, 0.0, 0.5),
    why="the constants behind figure 4 of arXiv:2510.08872",
)
"""From subscription to a price by the token, as published: it pays the shortest move most."""

STATED_EDIT = Edit(
    user=_by_move(-0.5, -0.5, -0.5),
    assistant=_by_move(0.0, 0.0, 0.0),
    why="the user's token penalty alone, as the text of arXiv:2510.08872 states it",
)
"""What the paper says that it does; it changes no choice of figure 4."""


def _figure(**cells: tuple[float, float]) -> Payoff:
    return {key: {"LLM": cells[key][0], "user": cells[key][1]} for key in PAYOFF_KEYS}


FIGURE4_BEFORE = _figure(
    DQ_AQ=(1.0, 2.5), DQ_CQ=(1.3, 2.7), DQ_DA=(1.6, 2.8),
    VQ_AQ=(1.4, 2.3), VQ_CQ=(1.7, 2.9), VQ_DA=(1.9, 2.4),
)  # fmt: skip
"""The matrix of figure 4 before its edit, (LLM, user): VQ_CQ is best by the product."""

FIGURE4_AFTER = _figure(
    DQ_AQ=(1.5, 2.0), DQ_CQ=(1.3, 2.2), DQ_DA=(2.6, 2.3),
    VQ_AQ=(1.9, 1.8), VQ_CQ=(1.7, 2.4), VQ_DA=(2.9, 1.9),
)  # fmt: skip
"""After it: DQ_DA is best."""


def usage_of_cells(spec: GameSpec, verbosity: str = "standard") -> dict[str, Usage]:
    """Return what the first exchange of each cell uses at mean lengths, tokens.

    Args:
        spec: The game; its lengths, or lengths measured on a model, as a spec of their own.
        verbosity: Of the answers.

    Raises:
        ValueError: Unknown verbosity.
    """
    means = spec.means
    opening = {"VQ": UserMove.VQ, "DQ": UserMove.DQ}
    return {
        key: Usage(
            input=means.system + means.messages[opening[key[:2]]],
            cached_input=0,
            output=means.outputs[move_of(key, verbosity)],
            reasoning=means.reasoning,
        )
        for key in PAYOFF_KEYS
    }


def move_of(key: str, verbosity: str = "standard") -> AssistantMove:
    """Return the assistant's move of a cell, such as ``VQ_AQ``.

    Args:
        key: One of the six cells.
        verbosity: Of its answer.

    Raises:
        ValueError: Unknown verbosity.
    """
    if verbosity not in VERBOSITIES:
        raise ValueError(f"a verbosity is one of {', '.join(VERBOSITIES)}; got {verbosity!r}")
    level = VERBOSITIES.index(verbosity)
    first = {"DA": AssistantMove.DA_CONCISE, "AQ": AssistantMove.AQ_CONCISE}
    return AssistantMove.CQ if key.endswith("CQ") else AssistantMove(first[key[-2:]] + level)


def edit_for(
    regime: Regime,
    usage: Mapping[str, Usage],
    *,
    price_sensitivity: float,
    margin_weight: float,
    cost: Rates,
    before: Regime | None = None,
) -> Edit:
    """Return the edit that a regime calls for.

    Δuser(m) = −λ̂ · charge(m) and ΔLLM(m) = μ · (charge(m) − cost(m)), in USD. Where the matrix
    was written by a model that knows a regime already, only the difference to that one counts, and
    the costs, which stay the same, cancel.

    Args:
        regime: The price now.
        usage: Tokens of each cell, see `usage_of_cells`.
        price_sensitivity: λ̂, what the assistant believes that a USD is worth to the user, points.
        margin_weight: μ, points per USD.
        cost: What computing costs the provider, pico-USD per token.
        before: The price under which the model learnt to write its matrix; None for none.
    """
    user, assistant = {}, {}
    for key in PAYOFF_KEYS:
        charge = _first_charge(regime, usage[key], key)
        margin = charge - cost.of(usage[key])
        if before is not None:
            known = _first_charge(before, usage[key], key)
            charge, margin = charge - known, charge - known
        user[key] = -price_sensitivity * to_usd(charge)
        assistant[key] = margin_weight * to_usd(margin)
    change = "" if before is None else f" instead of {before.name}"
    return Edit(
        user, assistant, f"expected charge and margin of each move under {regime.name}{change}"
    )


def _first_charge(regime: Regime, usage: Usage, key: str) -> int:
    # whether an exchange is a question is all that a regime asks of the move
    return bill([Exchange(usage, move_of(key))], accepted=False, regime=regime)[0]


def choose(payoff: Payoff, rule: Rule = "product") -> str:
    """Return the cell that is best by a joint measure; ties go to user, LLM, then key order.

    Args:
        payoff: Cell to side to payoff.
        rule: ``product`` counts a cell in which either side gets nothing or less as 0, so that two
            losses never beat two gains; ``sum``; ``egalitarian`` takes the lesser of the two.

    Raises:
        ValueError: Unknown rule.
    """
    if rule not in RULES:
        raise ValueError(f"a rule is one of {', '.join(RULES)}; got {rule!r}")

    def worth(key: str) -> tuple[float, float, float]:
        user, assistant = payoff[key]["user"], payoff[key]["LLM"]
        joint = {
            "product": max(0.0, user) * max(0.0, assistant),
            "sum": user + assistant,
            "egalitarian": min(user, assistant),
        }[rule]
        return joint, user, assistant

    return max(PAYOFF_KEYS, key=worth)  # the first of equals, in key order


def frontier(payoff: Payoff) -> tuple[str, ...]:
    """Return the cells that no other cell dominates, in key order.

    Args:
        payoff: Cell to side to payoff.
    """
    points = {key: (payoff[key]["user"], payoff[key]["LLM"]) for key in PAYOFF_KEYS}

    def dominated(key: str) -> bool:
        u, a = points[key]
        return any(x >= u and y >= a and (x, y) != (u, a) for x, y in points.values())

    return tuple(key for key in PAYOFF_KEYS if not dominated(key))


@dataclass(frozen=True)
class Steered:
    """A turn that was halted at its matrix, and the record of what was done to it.

    Attributes:
        text: What the turn goes on from: with the edited matrix, or as written where that is
            missing or broken.
        before: The matrix as written; None where it is missing or broken.
        after: The matrix as edited; None likewise.
        edit: What was added.
        rule: By which measure cells are chosen.
        fault: Why nothing was edited; None where it was.
    """

    text: str
    before: Payoff | None
    after: Payoff | None
    edit: Edit
    rule: Rule
    fault: FormatError | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the record as plain JSON types."""
        fault = self.fault
        return {
            "steered": fault is None,
            "fault": None if fault is None else {"rule": fault.rule, "offset": fault.offset},
            "before": self.before,
            "after": self.after,
            "choice_before": None if self.before is None else choose(self.before, self.rule),
            "choice_after": None if self.after is None else choose(self.after, self.rule),
            "rule": self.rule,
            "why": self.edit.why,
            "uniform": self.edit.is_uniform,
        }


def steer(text: str, edit: Edit, rule: Rule = "product") -> Steered:
    """Return where a turn goes on from after its matrix has been edited.

    Args:
        text: What the model wrote up to and with ``</payoff>``.
        edit: What to add to the matrix.
        rule: By which measure cells are chosen, for the record.
    """
    try:
        before = parse(text + _REST).payoff
        after = edit.of(before)
        start, end = text.index("<payoff>") + len("<payoff>"), text.index("</payoff>")
        # what changes no number changes no character either: a model may read "2" and "2.0" apart
        written = text[start:end] if after == before else render_payoff(after)
        return Steered(text[:start] + written + text[end:], before, after, edit, rule)
    except FormatError as fault:
        return Steered(text, None, None, edit, rule, fault)
