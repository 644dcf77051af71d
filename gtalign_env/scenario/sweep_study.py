"""Studies: one scenario over a grid of its own fields, point by point.

A point is checked as a file is. What makes this fast is that a part of the scenario (persona,
pricing, provider, task) is read, checked and compiled once for every combination of its own axes,
and a point only puts finished parts together.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gtalign_env.core.spec import GameSpec
from gtalign_env.scenario.compile import compile_scenario, compile_welfare
from gtalign_env.scenario.fields import authored
from gtalign_env.scenario.resolved import Scenario
from gtalign_env.scenario.sweep_axes import Axis, places
from gtalign_env.scenario.sweep_fields import PARTS, Scalar, changed_part
from gtalign_env.scenario.sweep_schema import StudyFile

COMPILED = {
    "persona": ("population", "welfare"),
    "pricing": ("regime",),
    "provider": ("cost", "margin_weight", "retention", "churn"),
    "task": ("interpretations", "p_correct", "reply_clarity", "lengths", "coverage", "quality"),
    "max_exchanges": ("max_exchanges",),
}
"""Which attributes of a `GameSpec` each part of a scenario decides."""

KEPT = 4096  # compiled parts kept; the axes of one part seldom have more combinations

_WORDS = ("schema", "name", "description", "tags")


@dataclass(frozen=True)
class Study:
    """A study with every name resolved.

    Points are numbered in the order of nested loops over the axes, the last one running fastest;
    all random and Sobol axes together are one more loop over the draws, inside the others.

    Attributes:
        file: What its author wrote.
        base: The scenario it starts from, under one regime.
        axes: What it varies.
    """

    file: StudyFile
    base: Scenario
    axes: tuple[Axis, ...]

    @property
    def name(self) -> str:
        """Its name."""
        return self.file.name

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """Number of values of every axis that is not sampled, then of draws if there are any."""
        sizes = tuple(len(axis.values) for axis in self.axes if not axis.is_sampled)
        return (*sizes, self.file.samples) if self.is_sampled else sizes

    @property
    def is_sampled(self) -> bool:
        """Whether some axis is drawn."""
        return any(axis.is_sampled for axis in self.axes)

    @property
    def size(self) -> int:
        """Number of points."""
        return math.prod(self.shape)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what decides the points and their solutions, hexadecimal."""
        asked = {key: value for key, value in authored(self.file).items() if key not in _WORDS}
        text = json.dumps([self.base.digest, asked], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def _draws(self) -> NDArray[np.float64]:
        return places(self.axes, self.file.samples, self.file.seed)

    @cached_property
    def base_spec(self) -> GameSpec:
        """The game that it starts from."""
        return self._judged(compile_scenario(self.base))

    def _judged(self, spec: GameSpec) -> GameSpec:
        """Return the game with the welfare that the study judges by."""
        if self.file.welfare is None:
            return spec
        return replace(spec, welfare=compile_welfare(self.file.welfare, spec.population))

    def point(self, index: int) -> tuple[Scalar, ...]:
        """Return the authored values of a point, by axis.

        Args:
            index: From 0.
        """
        where = np.unravel_index(index, self.shape)
        steps = iter(where)
        draw = int(where[-1])
        column = 0
        out: list[Scalar] = []
        for axis in self.axes:
            if axis.is_sampled:
                out.append(axis.drawn(float(self._draws[draw, column])))
                column += 1
            else:
                out.append(axis.values[int(next(steps))])
        return tuple(out)

    def changed(self, values: Sequence[Scalar], part: str) -> dict[str, Any]:
        """Return the attributes of the scenario that hold a part, at a point.

        Args:
            values: Authored values, by axis.
            part: One of the parts.

        Raises:
            ScenarioError: A value is out of its range, or two do not go together.
        """
        changes = {
            field: value
            for axis, value in zip(self.axes, values, strict=True)
            for field in (axis.field, *axis.also)
            if field.part == part
        }
        return changed_part(self.base, part, changes)

    @cached_property
    def _varied(self) -> dict[str, tuple[int, ...]]:
        """Parts that are varied, and by which axes."""
        return {
            part: by
            for part in PARTS
            if (
                by := tuple(
                    i
                    for i, axis in enumerate(self.axes)
                    if part in {field.part for field in (axis.field, *axis.also)}
                )
            )
        }

    def scenario(self, values: Sequence[Scalar]) -> Scenario:
        """Return the scenario at a point, as its author would have written it.

        Args:
            values: Authored values, by axis.

        Raises:
            ScenarioError: A value is out of its range, or two do not go together.
        """
        found = self.base
        for part in self._varied:
            found = replace(found, **self.changed(values, part))
        return found

    def specs(self, points: Sequence[Sequence[Scalar]]) -> Iterator[GameSpec]:
        """Yield the game of each point.

        They are those of compiling `scenario`, but for the digest, which is the study's.

        Args:
            points: Authored values, by axis.

        Raises:
            ScenarioError: A value is out of its range, or two do not go together; names the point.
        """
        for values in points:
            changes: dict[str, Any] = {}
            for part, by in self._varied.items():
                changes |= self._part(part, tuple(values[i] for i in by))
            yield replace(self.base_spec, digest=self.digest, **changes)

    @cached_property
    def _part(self) -> Callable[[str, tuple[Scalar, ...]], dict[str, Any]]:
        """`_compiled`, its latest results kept."""
        return lru_cache(maxsize=KEPT)(self._compiled)

    def _compiled(self, part: str, own: tuple[Scalar, ...]) -> dict[str, Any]:
        """Return the attributes of a `GameSpec` that a part decides, from the values of its axes."""
        values: list[Scalar] = [0] * len(self.axes)
        for i, value in zip(self._varied[part], own, strict=True):
            values[i] = value
        scenario = replace(self.base, **self.changed(values, part))
        spec = self._judged(compile_scenario(scenario, digest=self.digest))
        return {name: getattr(spec, name) for name in COMPILED[part]}
