"""The rules that need a probe: copies, order of use, options, and acts that are not legal."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.utils import EzPickle
from pettingzoo.utils.env_logger import EnvLogger

from gtalign_env.envs.checks.drivers import Driver, Frame, drive
from gtalign_env.envs.checks.play import (
    Acts,
    Episode,
    Stopped,
    mask_of,
    replay,
)
from gtalign_env.envs.checks.rules import UNREPEATED
from gtalign_env.envs.checks.runs import Runs
from gtalign_env.envs.checks.values import difference

PROBES = 12
"""Most illegal acts that are tried."""


def copies(runs: Runs) -> None:
    """Check that copies and pickles made in mid-episode go on alike."""
    original = runs.spare
    if isinstance(original.bare, EzPickle):
        runs.findings.skip(["copy", "pickle"], "EzPickle: a copy begins anew, by design")
        return
    for rule, twin_of in (("copy", copy.deepcopy), ("pickle", _pickled)):
        for index, episode in enumerate(runs.recorded[:3]):
            half = len(episode.acts) // 2
            where = f"episode {index}, after step {half}"
            try:
                replay(original, episode, half)
                twin = drive(twin_of(original.env))
            except Exception as error:  # whatever copying raises
                runs.findings.check(rule, False, where, f"raised {type(error).__name__}: {error}")
                continue
            # the twin goes first: if it moves anything of the original, that comes out wrong
            for name, driver in (("twin", twin), ("original", original)):
                wrong = _goes_on(driver, episode, half)
                runs.findings.check(rule, wrong is None, f"{where}, {name}", wrong or "")


def _pickled(env: Any) -> Any:
    return pickle.loads(pickle.dumps(env))  # noqa: S301  # our own bytes


def _goes_on(driver: Driver, episode: Episode, start: int, stop: int | None = None) -> str | None:
    """Return how a run from here differs from a recorded one, or None."""
    for step, acts in enumerate(episode.acts[start:stop], start=start):
        try:
            frame = driver.step(copy.deepcopy(acts))
        except Exception as error:  # what a twin raises is what is wrong with it
            return f"step {step + 1} raised {type(error).__name__}: {error}"
        wrong = difference(episode.frames[step + 1], frame)
        if wrong is not None:
            return f"step {step + 1}: {wrong}"
    return None


def order_of_use(runs: Runs) -> None:
    """Check a step before the reset, one after the end, and closing twice."""
    check = runs.findings.check
    episode = runs.recorded[0]
    driver = runs.driver()
    raised = _raises(lambda: driver.step(copy.deepcopy(episode.acts[0])))
    check("before-reset", raised, "a fresh environment", "a step was taken")
    driver = runs.spare
    playable = [acts for acts in episode.acts if all(act is not None for act in acts.values())]
    with suppress(Stopped):  # another rule says so
        if replay(driver, episode).ended:
            try:
                with _unwarned():
                    frame = driver.step(copy.deepcopy(playable[-1]))
            except Exception:  # any error is a refusal
                check("after-end", True, "")
            else:
                message = f"agents {list(frame.agents)} are in play again"
                check("after-end", not frame.agents, "one step after the end", message)
        else:
            runs.findings.skip(["after-end"], UNREPEATED)
    closing = runs.driver()
    for _ in range(2):
        fails = _raises(closing.env.close)
        check("close", not fails, "the second close()", "raised")


@contextmanager
def _unwarned() -> Iterator[None]:
    """Keep quiet what the libraries say of a misuse that is on purpose."""
    logger = EnvLogger.get_logger()
    before, logger.disabled = logger.disabled, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.disabled = before


def _raises(call: Callable[[], Any]) -> bool:
    try:
        call()
    except Exception:  # likewise
        return True
    return False


def options(runs: Runs) -> None:
    """Check that the options of a reset do what they say, and that none are as good as empty."""
    check = runs.findings.check
    driver = runs.spare
    first = runs.recorded[0]
    try:
        wrong = difference(first.frames[0], driver.reset(first.seed, {}))
        check("options", wrong is None, "options={}", wrong or "")
        for given, holds in runs.hooks.options:
            driver.reset(runs.seed, dict(given))
            check("options", holds(driver.bare), f"options={given}", "had no effect")
    except Exception as error:  # whatever a reset raises
        check("options", False, "a reset with options", f"raised {type(error).__name__}: {error}")


def illegal_acts(runs: Runs) -> None:
    """Check that what a mask forbids is refused, and that a refusal changes nothing."""
    left = PROBES
    driver = runs.spare
    for index, episode in enumerate(runs.recorded):
        for step, (acts, frame) in enumerate(zip(episode.acts, episode.frames, strict=False)):
            forbidden = _forbidden(driver, acts, frame)
            if forbidden is None or left == 0:
                continue
            left -= 1
            where = f"episode {index}, step {step + 1}, {forbidden}"
            try:
                replay(driver, episode, step)
            except Stopped:  # another rule says so
                return
            _try(runs, driver, episode, step, forbidden, where)


def _forbidden(driver: Driver, acts: Acts, frame: Frame) -> Acts | None:
    """Return acts of which one is forbidden, or None."""
    for agent, act in acts.items():
        space = driver.action_space(agent)
        mask = mask_of(frame, agent, space)
        if act is not None and isinstance(space, spaces.Discrete) and mask is not None:
            array = np.asarray(mask)
            illegal = np.flatnonzero(array == 0)
            if array.shape == (int(space.n),) and illegal.size:
                # another one at each place, so that all come up
                choice = illegal[sum(map(int, array)) % illegal.size]
                return {**acts, agent: int(space.start) + int(choice)}
    return None


def _try(runs: Runs, driver: Driver, episode: Episode, step: int, acts: Acts, where: str) -> None:
    check = runs.findings.check
    before = episode.frames[step]
    try:
        frame = driver.step(acts)
    except Exception:  # any error is a refusal
        check("mask-obeyed", True, where)
    else:
        refused = any(
            isinstance(info, Mapping) and info.get("illegal_move") for info in frame.infos.values()
        )
        idle = difference(before.observations, frame.observations) is None
        punished = any(frame.is_over(agent) for agent in acts)
        message = "was played as if the mask allowed it"
        check("mask-obeyed", refused or idle or punished, where, message)
        if not refused:
            return
        idle = idle and not any(frame.rewards.values())
        check("mask-refusal", idle, where, "the observation changed, or something was paid")
    wrong = _goes_on(driver, episode, step)
    check("mask-refusal", wrong is None, where, f"then {wrong}")
