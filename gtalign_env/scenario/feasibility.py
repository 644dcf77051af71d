"""Whether any message can be delivered at all: the cheapest first exchange against the budget."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import prod

from gtalign_env.core.moves import AssistantMove
from gtalign_env.money import format_money
from gtalign_env.persona import Distribution
from gtalign_env.pricing import History, Usage
from gtalign_env.scenario.latent import support
from gtalign_env.scenario.schema import PersonaFile, PricingFile, TaskModel


def smallest_first_charge(pricing: PricingFile, task: TaskModel) -> int:
    """Return the least that a budget must hold for one message to be delivered, pico-USD.

    The least charge of exchange 0 over both openings and all seven moves, every random length at
    its shortest, plus the outcome fee, which is reserved before the first exchange. A surge counts
    where it lowers the price; one that raises it may not be in force.
    """
    regime = pricing.regime()
    if regime.surges:
        one = Fraction(1)
        lowered = prod((min(one, surge.multiplier) for surge in regime.surges), start=one)
        regime = replace(regime.at(0), surge=lowered)
    lengths = task.tokens
    answers = (lengths.answer.concise, lengths.answer.standard, lengths.answer.verbose)
    charges = []
    for opening in (lengths.vague, lengths.definite):
        for move in AssistantMove:
            output = _shortest(lengths.question) if move.asks else 0
            if move.verbosity is not None:
                output += _shortest(answers[move.verbosity])
            sent = _shortest(lengths.system) + _shortest(opening)
            usage = Usage(sent, 0, output, _shortest(lengths.reasoning))
            charges.append(regime.charge(usage, move is AssistantMove.CQ, History(0, 0)))
    return min(charges) + regime.outcome_fee


def unaffordable(persona: PersonaFile, pricing: PricingFile, task: TaskModel) -> str | None:
    """Return why no exchange fits any budget of a persona, or None if one does."""
    least = smallest_first_charge(pricing, task)
    most = support(persona.budget)[1]
    if least <= most:
        return None
    return (
        f"no exchange fits the budget: smallest charge {format_money(least)}, "
        f"largest budget {format_money(round(most))} "
        f"(persona {persona.name!r} under pricing {pricing.name!r})"
    )


def _shortest(length: Distribution) -> int:
    return max(0, round(support(length)[0]))
