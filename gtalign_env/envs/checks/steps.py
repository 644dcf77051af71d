"""The rules that every single step is held to."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces

from gtalign_env.envs.checks.drivers import Driver, Frame
from gtalign_env.envs.checks.hooks import Hooks
from gtalign_env.envs.checks.play import Acts, mask_of
from gtalign_env.envs.checks.rules import Findings
from gtalign_env.envs.checks.values import leaves, shared


class StepRules:
    """Holds the frames of one episode to the rules, one after the other.

    Args:
        driver: The environment.
        hooks: What its author tells.
        findings: Where broken rules go.
        masked: The seats whose acts are masked, as the first frame of the first episode has it.
    """

    def __init__(
        self, driver: Driver, hooks: Hooks, findings: Findings, masked: set[str] | None = None
    ) -> None:
        self.driver = driver
        self.hooks = hooks
        self.findings = findings
        self.masked = masked
        self._before: Frame | None = None
        self._over: set[str] = set()
        self._due: dict[str, float] = {}
        self._acted = 0

    def frame(self, acts: Acts | None, frame: Frame, where: str) -> None:
        """Check a frame.

        Args:
            acts: What led to it; None at a reset.
            frame: What was reported.
            where: For the messages.
        """
        self._acted += acts is not None and any(act is not None for act in acts.values())
        self._agents(acts or {}, frame, where)
        for agent in frame.observations:
            self._observation(agent, frame, f"{where}, {agent}")
        if self._before is not None and acts is not None:
            self._rewards(acts, frame, where)
            self._flags(frame, where)
            self._faults(frame, where)
            self._legal(acts, frame, where)
        self._masks(frame, where)
        self._sharing(frame, where)
        self._over |= {agent for agent in self.driver.possible if frame.is_over(agent)}
        self._before = frame

    def _agents(self, acts: Acts, frame: Frame, where: str) -> None:
        check, possible = self.findings.check, self.driver.possible
        before = set(self._before.agents) if self._before is not None else set()
        names = f"agents {list(frame.agents)}, to act {list(frame.movers)}"
        sound = len(set(frame.agents)) == len(frame.agents) and set(frame.agents) <= set(possible)
        check("agents-turn", sound and set(frame.movers) <= set(frame.agents), where, names)
        if self.driver.kind == "aec":
            expected = set(frame.agents)
            gone = self._over - before | {agent for agent, act in acts.items() if act is None}
        else:
            expected = before or set(frame.agents)
            gone = self._over | {agent for agent in possible if frame.is_over(agent)}
        stayed = sorted(gone & set(frame.agents))
        check("agents-end", not stayed, where, f"{stayed} over, and still among {names}")
        over = self._over | {agent for agent in possible if frame.is_over(agent)}
        lost = sorted(before - over - set(frame.agents))
        check("agents-end", not lost, where, f"{lost} not over, and no longer among {names}")
        parts = {"observations": frame.observations, "infos": frame.infos}
        if self._before is not None:
            parts |= {
                "rewards": frame.rewards,
                "terminations": frame.terminated,
                "truncations": frame.truncated,
            }
        for name, part in parts.items():
            message = f"{name} for {sorted(part)}, in play {sorted(expected)}"
            check("agents-keys", set(part) == expected, where, message)

    def _observation(self, agent: str, frame: Frame, where: str) -> None:
        check = self.findings.check
        observation = frame.observations[agent]
        space = self.driver.observation_space(agent)
        for name, one, two in (
            ("observation_space", space, self.driver.observation_space(agent)),
            ("action_space", self.driver.action_space(agent), self.driver.action_space(agent)),
        ):
            check("same-space", one is two, where, f"{name} is another object on each call")
        wrong = _wrong_type(space, observation)
        fits = check("observation-dtype", wrong is None, where, wrong or "")
        finite = all(_is_finite(leaf) for _, leaf in leaves(observation))
        check("observation-finite", finite, where, f"got {observation!r:.120}")
        if fits and finite:
            inside = space.contains(observation)
            check("observation-space", inside, where, f"{observation!r:.120} is not in {space}")

    def _rewards(self, acts: Acts, frame: Frame, where: str) -> None:
        check = self.findings.check
        for agent, reward in frame.rewards.items():
            number = (
                isinstance(reward, int | float | np.integer | np.floating)
                and not isinstance(reward, bool)
                and math.isfinite(reward)
            )
            if not check("reward-number", number, f"{where}, {agent}", f"got {reward!r}"):
                continue
            if agent in self._over:
                check("reward-dead", reward == 0, f"{where}, {agent}", f"paid {reward!r}")
            since = 0.0 if agent in acts else self._due.get(agent, 0.0)
            self._due[agent] = since + float(reward)
        if self.driver.kind == "aec" and frame.movers and frame.movers[0] in frame.rewards:
            agent = frame.movers[0]
            due = self._due.get(agent, 0.0)
            try:
                paid = math.isclose(float(frame.last), due, rel_tol=1e-9, abs_tol=1e-9)
            except (TypeError, ValueError):
                paid = False
            paid = paid or not math.isfinite(due)  # another rule says so
            message = f"last() pays {frame.last!r}, due is {due!r}"
            check("reward-cumulative", paid, f"{where}, {agent}", message)

    def _flags(self, frame: Frame, where: str) -> None:
        check = self.findings.check
        for agent in frame.terminated:
            pair = (frame.terminated[agent], frame.truncated.get(agent))
            at = f"{where}, {agent}"
            message = f"terminated {pair[0]!r}, truncated {pair[1]!r}"
            check("flags-bool", all(isinstance(x, bool | np.bool_) for x in pair), at, message)
            check("flags-both", not (pair[0] and pair[1]), at, message)
        newly = [a for a in frame.terminated if frame.is_over(a) and a not in self._over]
        if self.hooks.ends_together:
            over = {frame.is_over(agent) for agent in frame.terminated}
            check("ends-together", len(over) < 2, where, f"over for {newly} alone")
        limit = self.hooks.limit
        if limit is None or not newly:
            return
        reached = limit(self.driver.bare) if callable(limit) else self._acted >= limit
        for agent in newly:
            cut = bool(frame.truncated.get(agent)) and not _is_fault(frame.infos.get(agent))
            came = "truncated" if cut else "terminated"
            message = f"{came} after {self._acted} acts, limit {'' if reached else 'not '}reached"
            fault = _is_fault(frame.infos.get(agent))
            check("limit-truncates", fault or cut == bool(reached), f"{where}, {agent}", message)

    def _faults(self, frame: Frame, where: str) -> None:
        for agent, info in frame.infos.items():
            if isinstance(info, Mapping) and "reward_valid" in info:
                fine = not _is_fault(info) or (
                    frame.rewards.get(agent) == 0.0
                    and bool(frame.truncated.get(agent))
                    and isinstance(info.get("fault"), Mapping)
                )
                message = f"reward {frame.rewards.get(agent)!r}, info {info!r:.200}"
                self.findings.check("fault-no-score", fine, f"{where}, {agent}", message)

    def _legal(self, acts: Acts, frame: Frame, where: str) -> None:
        assert self._before is not None
        for agent in acts:
            mask = mask_of(self._before, agent, self.driver.action_space(agent))
            info = frame.infos.get(agent)
            if mask is not None and isinstance(info, Mapping):
                message = f"refused {acts[agent]!r}, which the mask {mask!r} allows"
                refused = bool(info.get("illegal_move"))
                self.findings.check("mask-obeyed", not refused, f"{where}, {agent}", message)

    def _masks(self, frame: Frame, where: str) -> None:
        masks = {}
        for agent in frame.agents:
            space = self.driver.action_space(agent)
            if isinstance(space, spaces.Discrete) and not frame.is_over(agent):
                masks[agent] = (space, mask_of(frame, agent, space))
        if self.masked is None:
            self.masked = {agent for agent, (_, mask) in masks.items() if mask is not None}
        for agent in masks.keys() & self.masked:
            space, mask = masks[agent]
            wrong = "there is none"
            if mask is not None:
                array = np.asarray(mask)
                sound = array.shape == (int(space.n),) and np.isin(array, (0, 1)).all()
                stuck = agent in frame.movers and not array.any()  # others may have nothing to do
                wrong = "" if sound and not stuck else f"got {mask!r} for {space}"
            self.findings.check("mask-form", not wrong, f"{where}, {agent}", wrong)

    def _sharing(self, frame: Frame, where: str) -> None:
        seats = list(frame.observations)
        for i, one in enumerate(seats):
            for two in seats[i + 1 :]:
                given = [(frame.observations.get(a), frame.infos.get(a)) for a in (one, two)]
                apart = not shared(given[0], given[1])
                message = f"{one} and {two} are given a common object"
                self.findings.check("alias-seats", apart, where, message)


def _is_fault(info: Any) -> bool:
    return isinstance(info, Mapping) and not info.get("reward_valid", True)


def _is_finite(leaf: Any) -> bool:
    if isinstance(leaf, np.ndarray | np.generic | float) and np.asarray(leaf).dtype.kind in "fc":
        return bool(np.isfinite(leaf).all())
    return True


def _wrong_type(space: Any, value: Any, path: str = "") -> str | None:
    """Return what is not of the type that a space asks for, or None."""
    at = f" at {path}" if path else ""
    match space:
        case spaces.Dict():
            if not isinstance(value, Mapping) or set(value) != set(space.spaces):
                return f"a Dict of {sorted(space.spaces)} is due{at}, got {value!r:.80}"
            parts = [(key, space[key], value[key]) for key in space.spaces]
            wrong = [_wrong_type(inner, part, f"{path}[{key!r}]") for key, inner, part in parts]
            return next(filter(None, wrong), None)
        case spaces.Tuple():
            if not isinstance(value, tuple) or len(value) != len(space.spaces):
                return f"a tuple of {len(space.spaces)} is due{at}, got {value!r:.80}"
            pairs = enumerate(zip(space.spaces, value, strict=True))
            wrong = [_wrong_type(inner, part, f"{path}[{i}]") for i, (inner, part) in pairs]
            return next(filter(None, wrong), None)
        case spaces.Box() | spaces.MultiBinary() | spaces.MultiDiscrete():
            kind = f"{space.dtype} of shape {space.shape}"
            if not isinstance(value, np.ndarray | np.generic):
                return f"an array is due{at}, {kind}; got a {type(value).__name__}"
            if value.dtype != space.dtype or value.shape != space.shape:
                return f"{kind} is due{at}, got {value.dtype} of shape {value.shape}"
        case spaces.Discrete():
            if isinstance(value, bool) or not isinstance(value, int | np.integer | np.ndarray):
                return f"a whole number is due{at}, got a {type(value).__name__}"
    return None
