"""Random games for the tests of the game's own layers, and the bundled ones."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import pytest

from gtalign_env.core.exact import ConversationMatrix, normal_form
from gtalign_env.core.spec import GameSpec, Lengths
from gtalign_env.persona import Choice, Constant, Distribution, Persona, Population
from gtalign_env.pricing import (
    Component,
    Outcome,
    PerMessage,
    PerToken,
    Rates,
    Regime,
    Subscription,
)
from gtalign_env.scenario.compile import compile_scenario
from gtalign_env.scenario.loader import load_scenario
from gtalign_env.welfare import Welfare

T = TypeVar("T")


def _rates(rng: random.Random) -> Rates:
    return Rates(*(rng.choice((0, rng.randrange(1, 40_000_000))) for _ in range(4)))


def _regime(rng: random.Random) -> Regime:
    every: list[Component] = [
        PerToken(_rates(rng)),
        PerMessage(rng.randrange(10**10)),
        Subscription(
            Subscription.spread(rng.randrange(10**13), rng.randrange(1, 900)),
            rng.choice((None, rng.randrange(900))),
            rng.randrange(40_000_000),
        ),
        Outcome(rng.randrange(2 * 10**10)),
    ]
    return Regime("random", tuple(rng.sample(every, rng.randrange(1, 5))), rng.random() < 0.5)


def _persona(rng: random.Random, several: bool) -> Persona:
    def points(low: float, high: float) -> Distribution:
        one = Constant(round(rng.uniform(low, high), 3))
        if not several or rng.random() < 0.7:
            return one
        return Choice((one.value, round(rng.uniform(low, high), 3)), (1.0, rng.uniform(0.2, 3)))

    def count(most: int) -> Distribution:
        return Constant(rng.randrange(most + 1))

    return Persona(
        "random",
        value=points(-1, 9),
        harm=points(0, 5),
        conciseness=points(0, 2),
        comfort_tokens=count(400),
        annoyance=points(-0.5, 0.8),
        tolerance=count(2),
        effort_vague=points(0, 1),
        effort_definite=points(0, 3),
        effort_reply=points(0, 1),
        effort_follow_up=points(0, 1),
        budget=Constant(int(10 ** rng.uniform(9, 11.5))),
        price_sensitivity=points(0, 400),
        discount=points(0.5, 1),
        persistence=count(3),
        outside_option=points(-1, 2),
        style=Choice((0, 1, 2), (1.0, 1.0, 1.0)) if several else count(2),
    )


def _game(rng: random.Random, *, personas: int = 1, max_exchanges: int = 5) -> GameSpec:
    def length(most: int) -> Distribution:
        return Constant(rng.randrange(most + 1))

    interpretations = rng.randrange(1, 6)
    return GameSpec(
        name="random",
        digest=f"random-{rng.random()}",
        population=Population(
            tuple((1 / personas, _persona(rng, personas > 1)) for _ in range(personas))
        ),
        regime=_regime(rng),
        cost=_rates(rng),
        margin_weight=round(rng.uniform(0, 200), 3),
        retention=round(rng.uniform(0, 4), 3),
        churn=round(rng.uniform(0, 4), 3),
        interpretations=interpretations,
        p_correct=round(rng.uniform(0.3, 1), 3),
        reply_clarity=rng.choice((1.0, 0.0, round(rng.random(), 3))),
        lengths=Lengths(
            system=length(300),
            vague=length(60),
            definite=length(200),
            reply=length(60),
            follow_up=length(90),
            question=length(80),
            reasoning=length(300),
            answer=(length(99), length(400), length(900)),
        ),
        coverage=(1, rng.randrange(1, interpretations + 1), rng.randrange(1, interpretations + 1)),
        quality=(round(rng.uniform(0.2, 1), 3), 1.0, round(rng.uniform(0.5, 1), 3)),
        max_exchanges=rng.randrange(1, max_exchanges + 1),
        welfare=rng.choice(
            (Welfare("nash"), Welfare("egalitarian"), Welfare("nash", disagreement=(-3.0, -3.0)))
        ),
    )


@pytest.fixture(scope="session")
def random_game() -> Callable[..., GameSpec]:
    """Return a game with every number random; every length and, with one persona, type fixed."""
    return _game


@pytest.fixture(scope="session")
def quick() -> GameSpec:
    """The scenario of the worked examples."""
    return compile_scenario(load_scenario("quick_question"))


@pytest.fixture(scope="session")
def quick_matrix(quick: GameSpec) -> ConversationMatrix:
    return normal_form(quick)


@pytest.fixture(scope="session")
def small(quick: GameSpec) -> GameSpec:
    """Two users that want different things, whose styles only hint at them; two exchanges."""
    ((_, engineer),) = quick.population.personas
    talker = replace(
        engineer,
        name="talker",
        style=Choice((1, 2), (0.2, 0.8)),
        conciseness=Constant(0.0),
        annoyance=Constant(-2.0),
        price_sensitivity=Constant(5.0),
    )
    engineer = replace(engineer, style=Choice((1, 2), (0.7, 0.3)))
    both = Population(((0.5, engineer), (0.5, talker)))
    return replace(quick, population=both, max_exchanges=2, reply_clarity=0.75)


class _Dice:
    """Chance by script: follows the given faces, then takes first faces and notes the others."""

    def __init__(self, script: Sequence[int]) -> None:
        self.script = list(script)
        self.faces: list[int] = []
        self.probability = 1.0
        self.others: list[list[int]] = []

    def roll(self, *probabilities: float) -> int:
        possible = [i for i, p in enumerate(probabilities) if p > 0]
        at = len(self.faces)
        face = self.script[at] if at < len(self.script) else possible[0]
        if at >= len(self.script):
            self.others += [[*self.faces, other] for other in possible[1:]]
        self.faces.append(face)
        self.probability *= probabilities[face]
        return face


def _every_outcome(play: Callable[[Callable[..., int]], T]) -> list[tuple[float, T]]:
    out, scripts = [], [[]]  # type: list[tuple[float, T]], list[list[int]]
    while scripts:
        dice = _Dice(scripts.pop())
        result = play(dice.roll)
        scripts += dice.others
        out.append((dice.probability, result))
    return out


@pytest.fixture(scope="session")
def every_outcome() -> Callable[[Callable[[Callable[..., int]], T]], list[tuple[float, T]]]:
    """Return (probability, result) of a play under every way that its dice can fall."""
    return _every_outcome
