"""What a price leads to: its equilibrium, welfare, profit, and who would rather stay away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from gtalign_env.core.exact_many import payoffs_of_many
from gtalign_env.core.plans import ASSISTANT_PLAN_LABELS, USER_PLAN_LABELS
from gtalign_env.core.spec import GameSpec
from gtalign_env.games.batch import nash_equilibria_batch
from gtalign_env.games.dilemma_batch import social_dilemma_batch, strict_pd_batch
from gtalign_env.games.normal_form import FloatArray
from gtalign_env.money import format_money, to_usd
from gtalign_env.persona import Constant, Persona, Population, UserType
from gtalign_env.scenario.sweep_design import DesignFile
from gtalign_training.studies.solved import DILEMMAS, MIXED

MOST_TYPES = 32
"""Types that stand in for a persona of densities; each has to take part."""

ROUNDING = 1e-12
"""Slack below zero that is rounding, points or USD."""


@dataclass(frozen=True)
class Judged:
    """What a price leads to, in the equilibrium that counts.

    Attributes:
        move: The cell, or that somebody mixes.
        welfare: What is maximised, points.
        user: Expected U, points.
        assistant: Expected L, points.
        profit: Charge less cost of a conversation, USD.
        dilemma: Class of the whole game.
        slacks: By how much each constraint holds, points or USD; negative where it does not.
    """

    move: str
    welfare: float
    user: float
    assistant: float
    profit: float
    dilemma: str
    slacks: dict[str, float]

    @property
    def violation(self) -> float:
        """By how much the constraints are broken in all; 0 where all hold."""
        return sum(max(0.0, -slack) for slack in self.slacks.values())


def judged(specs: Sequence[GameSpec], asked: DesignFile) -> list[Judged]:
    """Return what each of some prices leads to.

    Args:
        specs: The games under them; one scenario, so one list of types.
        asked: Goal and constraints.
    """
    types = [spec.population.types(MOST_TYPES) for spec in specs]
    names = _names(specs[0], len(types[0]))
    single = [
        replace(spec, population=_only(who))
        for spec, found in zip(specs, types, strict=True)
        for _, who in found
    ]
    cells = {
        name: values.reshape(len(specs), len(types[0]), *values.shape[1:])
        for name, values in payoffs_of_many(single).items()
    }
    weights = np.array([[weight for weight, _ in found] for found in types])
    outside = np.array([[who.outside_option for _, who in found] for found in types])
    mean = {name: np.einsum("nt,ntij->nij", weights, values) for name, values in cells.items()}
    user, assistant = mean["user"], mean["assistant"]
    found = nash_equilibria_batch(user, assistant)
    welfare = np.array(
        [spec.welfare.array(u, v) for spec, u, v in zip(specs, user, assistant, strict=True)]
    )
    at = np.einsum("nei,nij,nej->ne", found.user, welfare, found.assistant)
    worst = asked.equilibrium == "worst"
    chosen = np.nanargmin(at, axis=1) if worst else np.nanargmax(at, axis=1)
    strict, social = strict_pd_batch(user, assistant), social_dilemma_batch(user, assistant, found)
    out = []
    for k in range(len(specs)):
        # with the worst equilibrium a constraint must hold in all of them
        held = range(int(found.count[k])) if worst else [int(chosen[k])]
        mixes = [(found.user[k, e], found.assistant[k, e]) for e in held]
        slacks: dict[str, float] = {}
        if asked.participation:
            for t, name in enumerate(names):
                gains = [_mean(cells["user"][k, t], *mix) - outside[k, t] for mix in mixes]
                slacks[name] = _clean(float(min(gains)))
        profits = [_mean(mean["charge"][k] - mean["cost"][k], *mix) for mix in mixes]
        if asked.profit is not None:
            least = to_usd(asked.profit)
            slacks[f"profit of {format_money(asked.profit)}"] = _clean(float(min(profits) - least))
        e = int(chosen[k])
        x, y = found.user[k, e], found.assistant[k, e]
        out.append(
            Judged(
                _move(x, y),
                float(at[k, e]),
                float(found.payoffs[k, e, 0]),
                float(found.payoffs[k, e, 1]),
                _mean(mean["charge"][k] - mean["cost"][k], x, y),
                DILEMMAS[2 * int(strict[k]) + int(social[k])],
                slacks,
            )
        )
    return out


def _names(spec: GameSpec, count: int) -> list[str]:
    """Return what the participation of each type is called."""
    sizes = [
        len(Population(((1.0, persona),)).types(MOST_TYPES))
        for _, persona in spec.population.personas
    ]
    assert sum(sizes) == count
    return [
        f"participation of {persona.name}" + (f", type {t + 1} of {size}" if size > 1 else "")
        for (_, persona), size in zip(spec.population.personas, sizes, strict=True)
        for t in range(size)
    ]


def _only(who: UserType) -> Population:
    """Return the population of one type."""
    names = [field.name for field in fields(Persona)[1:]]
    values = {name: Constant(value) for name, value in zip(names, who, strict=True)}
    return Population(((1.0, Persona(name="one", **values)),))


def _mean(values: FloatArray, x: FloatArray, y: FloatArray) -> float:
    return float(x @ values @ y)


def _clean(slack: float) -> float:
    return 0.0 if -ROUNDING < slack < 0.0 else slack


def _move(x: FloatArray, y: FloatArray) -> str:
    if max(x) < 1.0 or max(y) < 1.0:
        return MIXED
    return f"{USER_PLAN_LABELS[int(x.argmax())]} x {ASSISTANT_PLAN_LABELS[int(y.argmax())]}"
