"""From authored words to numbers: `Scenario` to `GameSpec`. The only place that does so."""

from __future__ import annotations

import math
from bisect import bisect_right

from gtalign_env.core.spec import GameSpec, Lengths
from gtalign_env.persona import Persona, Population
from gtalign_env.scenario.loader import Scenario
from gtalign_env.scenario.persona_schema import PersonaBody
from gtalign_env.scenario.schema import TokensModel
from gtalign_env.scenario.welfare_schema import WelfareModel
from gtalign_env.welfare import Welfare


def compile_scenario(
    scenario: Scenario, conversation: int = 0, *, digest: str | None = None
) -> GameSpec:
    """Return the game that a conversation of a scenario is played on.

    Args:
        scenario: A loaded scenario.
        conversation: Index of the conversation; a schedule of regimes follows it.
        digest: What keys the draws; by default the scenario's. A study, which draws nothing, saves
            the hash.
    """
    population = compile_population(scenario)
    starts = [start for start, _ in scenario.schedule]
    index = bisect_right(starts, conversation) - 1
    regime = scenario.schedule[index][1].regime()
    task, provider = scenario.task, scenario.provider
    key = scenario.digest if digest is None else digest
    return GameSpec(
        name=scenario.name,
        # two regimes of one schedule are two games: their draws differ
        digest=key if len(starts) == 1 else f"{key}/{index}",
        population=population,
        regime=regime,
        cost=provider.cost.resolve(),
        margin_weight=provider.margin_weight,
        retention=provider.retention,
        churn=provider.churn,
        interpretations=task.interpretations,
        p_correct=task.p_correct,
        reply_clarity=task.reply_clarity,
        lengths=_lengths(task.tokens),
        coverage=(task.coverage.concise, task.coverage.standard, task.coverage.verbose),
        quality=(task.quality.concise, task.quality.standard, task.quality.verbose),
        max_exchanges=scenario.max_exchanges,
        welfare=compile_welfare(scenario.welfare, population),
    )


def compile_population(scenario: Scenario) -> Population:
    """Return the mixture of personas, weights summing to 1."""
    total = math.fsum(weight for weight, _ in scenario.population)
    return Population(
        tuple(
            (weight / total, compile_persona(persona.name, persona))
            for weight, persona in scenario.population
        )
    )


def compile_persona(name: str, persona: PersonaBody) -> Persona:
    """Return the distribution of a persona's type.

    Args:
        name: What to call it.
        persona: The authored persona.
    """
    return Persona(
        name=name,
        value=persona.value,
        harm=persona.harm,
        conciseness=persona.conciseness,
        comfort_tokens=persona.comfort_tokens,
        annoyance=persona.clarification.annoyance,
        tolerance=persona.clarification.tolerance,
        effort_vague=persona.effort.vague,
        effort_definite=persona.effort.definite,
        effort_reply=persona.effort.reply,
        effort_follow_up=persona.effort.follow_up,
        budget=persona.budget,
        price_sensitivity=persona.price_sensitivity,
        discount=persona.patience.discount,
        persistence=persona.patience.persistence,
        outside_option=persona.outside_option,
        style=persona.style,
    )


def compile_welfare(model: WelfareModel, population: Population) -> Welfare:
    """Return the joint welfare.

    Where no disagreement point is given it is the outside options: the population's mean one for
    the user, 0 for the assistant, which serves nobody then.

    Args:
        model: The authored welfare.
        population: Who the user may be.
    """
    given = model.model_dump(exclude_none=True)
    if "weights" in given:
        given["weights"] = (given["weights"]["user"], given["weights"]["assistant"])
    if model.kind in ("nash", "ces") and "disagreement" not in given:
        outside = math.fsum(w * p.outside_option.mean for w, p in population.personas)
        given["disagreement"] = {"user": outside, "assistant": 0.0}
    if "disagreement" in given:
        point = given["disagreement"]
        given["disagreement"] = (point["user"], point["assistant"])
    return Welfare(**given)


def _lengths(tokens: TokensModel) -> Lengths:
    return Lengths(
        system=tokens.system,
        vague=tokens.vague,
        definite=tokens.definite,
        reply=tokens.reply,
        follow_up=tokens.follow_up,
        question=tokens.question,
        reasoning=tokens.reasoning,
        answer=(tokens.answer.concise, tokens.answer.standard, tokens.answer.verbose),
    )
