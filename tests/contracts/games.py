"""Sound environments for the tests of the contract: games of ours, and a small parallel one."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from pettingzoo import ParallelEnv

from gtalign_env.core.spec import GameSpec
from gtalign_env.persona import Constant, Persona, Population
from gtalign_env.scenario.compile import compile_scenario
from gtalign_env.scenario.loader import load_scenario

# Values of many digits: a scan that finds one of them has found it. No user goes broke, which all
# can see.
ANN = {
    "value": 4.123457,
    "harm": 2.718283,
    "annoyance": 0.314159,
    "effort_definite": 0.577216,
    "budget": 987_654_321_987_654,
    "price_sensitivity": 66.543217,
    "outside_option": 0.337731,
}
BOB = {
    "value": 7.654323,
    "harm": 0.141421,
    "annoyance": 0.223607,
    "effort_definite": 0.173205,
    "budget": 123_456_789_123_456,
    "price_sensitivity": 11.357913,
    "outside_option": 0.271829,
}


@cache
def game(who: str = "ann", budget: int | None = None) -> GameSpec:
    """Return a game around one user; whoever it is, chance is the same."""
    spec = compile_scenario(load_scenario("quick_question"))
    ((_, persona),) = spec.population.personas
    fields: dict[str, Any] = {
        name: Constant(value) for name, value in {"ann": ANN, "bob": BOB}[who].items()
    }
    if budget is not None:
        fields["budget"] = Constant(budget)
    one: Persona = replace(persona, **fields)
    return replace(spec, population=Population(((1.0, one),)), reply_clarity=0.8, p_correct=0.7)


Numbers = NDArray[np.float32]


class Dilemma(ParallelEnv[str, Numbers, int]):  # type: ignore[misc]  # PettingZoo ships no types
    """Two seats at a prisoner's dilemma, four to seven rounds, with some noise in the payoffs."""

    metadata: dict[str, Any] = {"name": "dilemma_v0", "render_modes": []}  # noqa: RUF012  # as the base declares it
    payoffs = {(0, 0): (3, 3), (0, 1): (0, 5), (1, 0): (5, 0), (1, 1): (1, 1)}  # noqa: RUF012  # constant

    def __init__(self) -> None:
        self.possible_agents = ["one_0", "two_0"]
        self.agents: list[str] = []
        self.render_mode = None
        self._views = {a: spaces.Box(0.0, 20.0, (3,), np.float32) for a in self.possible_agents}
        self._acts = {a: spaces.Discrete(2) for a in self.possible_agents}
        self.rng = np.random.default_rng()

    def observation_space(self, agent: str) -> Any:
        return self._views[agent]

    def action_space(self, agent: str) -> Any:
        return self._acts[agent]

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        if seed is not None:
            self.rng = np.random.default_rng(seed)
        self.agents = list(self.possible_agents)
        self.round = 0
        self.last = (0, 0)
        self.rounds = int(self.rng.integers(4, 8))
        return self.observe(), {agent: {} for agent in self.agents}

    def observe(self) -> dict[str, Numbers]:
        (a, b), (one, two) = self.last, self.possible_agents
        seen = {one: (a, b), two: (b, a)}
        return {agent: np.array([self.round, *seen[agent]], np.float32) for agent in self.agents}

    def step(self, actions: dict[str, int]) -> Any:
        if not self.agents:
            raise RuntimeError("the episode is over; call reset()")
        one, two = self.possible_agents
        self.last = (int(actions[one]), int(actions[two]))
        self.round += 1
        over = self.round >= self.rounds
        noise = float(self.rng.normal(0.0, 0.1))
        rewards = {a: p + noise for a, p in zip((one, two), self.payoffs[self.last], strict=True)}
        came: Any = (
            self.observe(),
            rewards,
            dict.fromkeys(self.agents, over),
            dict.fromkeys(self.agents, False),
            {agent: {} for agent in self.agents},
        )
        if over:
            self.agents = []
        return came
