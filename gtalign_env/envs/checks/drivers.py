"""One way to drive the three kinds of environment: Gymnasium, PettingZoo AEC and parallel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import gymnasium


class Frame(NamedTuple):
    """All that a reset or a step reported.

    Attributes:
        agents: Seats in play now; empty once the episode is over.
        movers: Those of them that are to act next.
        observations: Per reported seat.
        rewards: Likewise; empty at a reset.
        terminated: Likewise.
        truncated: Likewise.
        infos: Likewise.
        last: AEC: the reward that `last()` gives the seat to act.
    """

    agents: tuple[str, ...]
    movers: tuple[str, ...]
    observations: Mapping[str, Any]
    rewards: Mapping[str, Any]
    terminated: Mapping[str, Any]
    truncated: Mapping[str, Any]
    infos: Mapping[str, Any]
    last: Any = None

    def is_over(self, agent: str) -> bool:
        """Return whether a seat's episode is over."""
        return bool(self.terminated.get(agent)) or bool(self.truncated.get(agent))


class BrokenInterfaceError(Exception):
    """Something came back that the interface does not know; the message says what."""


class Driver:
    """An environment, driven the same way whatever its interface is.

    Args:
        env: The environment.

    Attributes:
        kind: ``"gymnasium"``, ``"aec"`` or ``"parallel"``.
        possible: The seats there can be; a Gymnasium environment has one, ``"agent"``.
    """

    kind = "gymnasium"

    def __init__(self, env: Any) -> None:
        self.env = env
        self.possible: tuple[str, ...] = ("agent",)

    def reset(self, seed: int | None, options: dict[str, Any] | None = None) -> Frame:
        """Begin an episode."""
        came = self.env.reset(seed=seed, options=options)
        observation, info = _parts(came, 2, "reset returns (observation, info)")
        agent = self.possible
        return Frame(agent, agent, {"agent": observation}, {}, {}, {}, {"agent": info})

    def step(self, acts: Mapping[str, Any]) -> Frame:
        """Make the moves of the seats that are to act."""
        came = self.env.step(acts["agent"])
        rule = "step returns (observation, reward, terminated, truncated, info)"
        observation, reward, terminated, truncated, info = _parts(came, 5, rule)
        live = () if terminated or truncated else self.possible
        reported = ({"agent": part} for part in (observation, reward, terminated, truncated, info))
        return Frame(live, live, *reported)

    def observation_space(self, agent: str) -> Any:
        """Return a seat's observation space."""
        return self.env.observation_space

    def action_space(self, agent: str) -> Any:
        """Return a seat's action space."""
        return self.env.action_space

    @property
    def bare(self) -> Any:
        """The environment without its wrappers."""
        return self.env.unwrapped


class _SeatsDriver(Driver):
    def __init__(self, env: Any) -> None:
        super().__init__(env)
        self.possible = tuple(env.possible_agents)

    def observation_space(self, agent: str) -> Any:
        return self.env.observation_space(agent)

    def action_space(self, agent: str) -> Any:
        return self.env.action_space(agent)


class AECDriver(_SeatsDriver):
    """A PettingZoo environment whose seats take turns."""

    kind = "aec"

    def reset(self, seed: int | None, options: dict[str, Any] | None = None) -> Frame:
        """Begin an episode."""
        if self.env.reset(seed=seed, options=options) is not None:
            raise BrokenInterfaceError("reset of an AEC environment returns nothing")
        return self._frame()._replace(rewards={})

    def step(self, acts: Mapping[str, Any]) -> Frame:
        """Make the move of the seat whose turn it is; None once its episode is over."""
        if self.env.step(next(iter(acts.values()))) is not None:
            raise BrokenInterfaceError("step of an AEC environment returns nothing")
        return self._frame()

    def _frame(self) -> Frame:
        env = self.env
        agents = tuple(env.agents)
        return Frame(
            agents,
            (env.agent_selection,) if agents else (),
            {agent: env.observe(agent) for agent in agents},
            dict(env.rewards),
            dict(env.terminations),
            dict(env.truncations),
            dict(env.infos),
            env.last(observe=False)[1] if env.agent_selection in agents else None,
        )


class ParallelDriver(_SeatsDriver):
    """A PettingZoo environment whose seats all act at once."""

    kind = "parallel"

    def reset(self, seed: int | None, options: dict[str, Any] | None = None) -> Frame:
        """Begin an episode."""
        came = self.env.reset(seed=seed, options=options)
        observations, infos = _parts(came, 2, "reset returns (observations, infos)")
        live = tuple(self.env.agents)
        return Frame(live, live, observations, {}, {}, {}, infos)

    def step(self, acts: Mapping[str, Any]) -> Frame:
        """Make the moves of all seats in play."""
        came = self.env.step(dict(acts))
        rule = "step returns (observations, rewards, terminations, truncations, infos)"
        parts = _parts(came, 5, rule)
        for part in parts:
            if not isinstance(part, Mapping):
                raise BrokenInterfaceError(f"{rule}, all dicts; got a {type(part).__name__}")
        live = tuple(self.env.agents)
        return Frame(live, live, *(dict(part) for part in parts))


def _parts(came: Any, count: int, rule: str) -> tuple[Any, ...]:
    if not isinstance(came, tuple) or len(came) != count:
        size = f" of {len(came)}" if isinstance(came, tuple) else ""
        raise BrokenInterfaceError(f"{rule}; got a {type(came).__name__}{size}")
    return came


def drive(env: Any) -> Driver:
    """Return the driver of an environment.

    Raises:
        TypeError: It is of no kind that can be driven.
    """
    if isinstance(env, gymnasium.vector.VectorEnv):
        raise TypeError("a vector environment cannot be checked; check the one it is made of")
    if hasattr(env, "agent_iter"):
        return AECDriver(env)
    if hasattr(env, "possible_agents"):
        return ParallelDriver(env)
    if hasattr(env, "step") and hasattr(env, "observation_space"):
        return Driver(env)
    raise TypeError(
        "make_env returns a Gymnasium, PettingZoo AEC or PettingZoo parallel environment; "
        f"got a {type(env).__name__}"
    )
