"""Episodes played and recorded: who acts how, and what came of it."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from gymnasium import spaces

from gtalign_env.envs.checks.drivers import Driver, Frame

Acts = Mapping[str, Any]
Act = Callable[[Any, str, Any, Any, random.Random], Any]
"""``act(env, agent, observation, mask, rng)``: what a seat does."""
Chooser = Callable[[Driver, Frame], Acts]

STYLES = ("lowest", "highest", "random")
"""How acts are drawn: the first and the last legal one find what random ones rarely try."""


class Episode(NamedTuple):
    """A recorded episode: frame i + 1 came of acts i; frames are copies, `given` the originals."""

    seed: int | None
    acts: list[Acts]
    frames: list[Frame]
    given: list[Frame]

    @property
    def ended(self) -> bool:
        """Whether it was played to its end."""
        return not self.frames[-1].agents


class Stopped(Exception):  # noqa: N818  # carries what was recorded; not an error by itself
    """An episode could not go on, because the environment raised.

    Attributes:
        episode: What was recorded until then.
        acts: The acts that were to be played; None at the reset.
        error: What was raised.
    """

    def __init__(self, episode: Episode, acts: Acts | None, error: Exception) -> None:
        super().__init__(f"{type(error).__name__}: {error}")
        self.episode = episode
        self.acts = acts
        self.error = error


def mask_of(frame: Frame, agent: str, space: Any) -> Any:
    """Return a seat's action mask, of shape ``(n,)``, or None where its acts are not masked.

    It stands in the info or in the observation, under ``action_mask``.
    """
    if not isinstance(space, spaces.Discrete):
        return None
    for source in (frame.infos.get(agent), frame.observations.get(agent)):
        if isinstance(source, Mapping) and "action_mask" in source:
            return source["action_mask"]
    return None


def legal_acts(space: spaces.Discrete, mask: Any) -> list[int]:
    """Return the acts that a mask allows, of shape ``(n,)``; all of them without one."""
    start = int(space.start)
    if mask is None or np.shape(mask) != (int(space.n),):
        return list(range(start, start + int(space.n)))
    return [start + int(i) for i in np.flatnonzero(np.asarray(mask))]


class Player:
    """Chooses acts by its own random numbers, and leaves those of the environment alone.

    Args:
        seed: Of its choices.
        style: One of `STYLES`.
        act: Plays instead of a random choice, where there is one.
    """

    def __init__(self, seed: int, style: str = "random", act: Act | None = None) -> None:
        self._rng = random.Random(f"{seed}:{style}")
        self._style = style
        self._act = act if style == "random" else None
        self._spaces: dict[str, Any] = {}

    def __call__(self, driver: Driver, frame: Frame) -> Acts:
        """Return an act for every seat that is to act; None for one that is over."""
        return {
            agent: None if frame.is_over(agent) else self._choose(driver, frame, agent)
            for agent in frame.movers
        }

    def _choose(self, driver: Driver, frame: Frame, agent: str) -> Any:
        space = driver.action_space(agent)
        mask = mask_of(frame, agent, space)
        if self._act is not None:
            observation = frame.observations.get(agent)
            act = self._act(driver.bare, agent, observation, mask, self._rng)
            if space.contains(act):
                return act  # else a wrapper has another space, of which the hook knows nothing
        if isinstance(space, spaces.Discrete):
            legal = legal_acts(space, mask) or legal_acts(space, None)
            picked = {"lowest": legal[0], "highest": legal[-1]}
            return picked.get(self._style, self._rng.choice(legal))
        if isinstance(space, spaces.Box) and self._style != "random" and space.is_bounded():
            return (space.low if self._style == "lowest" else space.high).copy()
        if agent not in self._spaces:
            self._spaces[agent] = copy.deepcopy(space)
            self._spaces[agent].seed(self._rng.randrange(2**31))
        return self._spaces[agent].sample()


class Replay:
    """Plays recorded acts again."""

    def __init__(self, acts: Sequence[Acts]) -> None:
        self._acts = iter(copy.deepcopy(list(acts)))

    def __call__(self, driver: Driver, frame: Frame) -> Acts:
        """Return the next recorded acts."""
        return next(self._acts)


def walk(
    driver: Driver,
    seed: int | None,
    choose: Chooser,
    steps: int,
    options: dict[str, Any] | None = None,
) -> Iterator[Episode]:
    """Yield the episode after its reset and after every step, until it is over.

    Args:
        driver: The environment.
        seed: Of the reset.
        choose: Who acts.
        steps: Most steps.
        options: Of the reset.

    Raises:
        Stopped: The environment raised.
    """
    episode = Episode(seed, [], [], [])
    acts: Acts | None = None
    while True:
        try:
            frame = driver.reset(seed, options) if acts is None else driver.step(acts)
        except Exception as error:  # whose it is, the caller decides
            raise Stopped(episode, acts, error) from error
        if acts is not None:
            episode.acts.append(acts)
        episode.given.append(frame)
        episode.frames.append(copy.deepcopy(frame))
        yield episode
        if not frame.agents or len(episode.acts) >= steps:
            return
        # chosen on the copy: an environment that reads what it gave away is found elsewhere
        acts = choose(driver, episode.frames[-1])


def play(driver: Driver, seed: int | None, choose: Chooser, steps: int) -> Episode:
    """Return a whole episode.

    Raises:
        Stopped: The environment raised.
    """
    episode = Episode(seed, [], [], [])
    for episode in walk(driver, seed, choose, steps):  # noqa: B007  # the last one is wanted
        pass
    return episode


def replay(driver: Driver, episode: Episode, steps: int | None = None) -> Episode:
    """Return a recorded episode, or its first steps, played again.

    Raises:
        Stopped: The environment raised where it did not before.
    """
    count = len(episode.acts) if steps is None else steps
    return play(driver, episode.seed, Replay(episode.acts[:count]), count)
