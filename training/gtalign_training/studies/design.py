"""Search a family of prices for the member that is best in equilibrium.

1. Every candidate is a price as a file can state it; its game is solved exactly, as in a sweep.
2. Differential evolution over the unit cube of the parameters. Candidates that break a constraint
   are ordered after all others, by how much they break it.
3. A pattern search from the best candidate: steps along the parameters and in random directions,
   halved until they are too small to matter. Where the equilibrium jumps, the best price lies at the
   jump, which gradients do not see.

With the worst equilibrium the constraints must hold in every equilibrium, with the best one in that
one.

References:
    Storn and Price (1997), "Differential evolution"; Hooke and Jeeves (1961), "Direct search".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gtalign_env.errors import SolverError
from gtalign_env.scenario.sweep_design import Design
from gtalign_env.scenario.sweep_fields import Scalar, with_changes
from gtalign_training.studies.judged import Judged, judged

POPULATION = 24
"""Candidates of a generation for every parameter."""

GENERATIONS = 40
PATIENCE = 6
"""Generations without a better candidate after which evolution stops; the pattern search goes on."""

LEAST_STEP = 2.0**-34
"""Of the pattern search, as a share of a parameter's range: below what most fields can state."""

RANDOM = 8
"""Random directions of the pattern search for every parameter."""

TIGHT = 1e-3
"""A constraint binds with slack below this share of its spread over the family."""

NEAR = 1e-4
"""How far from the best price its neighbours are asked for their equilibrium, share of a range."""

Cube = NDArray[np.float64]


@dataclass(frozen=True)
class Found:
    """The best price of a family.

    Attributes:
        values: Authored values of the parameters, in the file's order.
        before: What the family's starting point leads to.
        after: What the best price leads to.
        binding: What keeps the welfare from being greater, in words.
        evaluations: Candidates solved.
    """

    values: tuple[Scalar, ...]
    before: Judged
    after: Judged
    binding: tuple[str, ...]
    evaluations: int


def search(design: Design, report: Callable[[int, int], None] | None = None) -> Found:
    """Return the best price of a family.

    Args:
        design: The family, the goal and the constraints.
        report: Told generations done and generations in all.

    Raises:
        SolverError: No member of the family meets the constraints; says which cannot hold, and
            what is nearest.
        ScenarioError: A candidate is no valid price.
    """
    family = _Family(design)
    best = family.minimise(family.cost, report)
    after = family.at(best)
    if after.violation > 0.0:
        raise SolverError(_infeasible(family, after))
    values = family.values(best)
    return Found(
        values,
        judged([design.family.base_spec], design.file)[0],
        after,
        tuple(_binding(family, best, after)),
        family.evaluations,
    )


def price_of(design: Design, found: Found) -> Any:
    """Return the pricing of a search's result, as it stands in a file.

    Args:
        design: What was searched.
        found: The result.
    """
    changes = {
        field: value
        for axis, value in zip(design.family.axes, found.values, strict=True)
        for field in (axis.field, *axis.also)
    }
    return with_changes(design.family.base, changes).schedule[0][1]


class _Family:
    """Candidates in the unit cube, solved in batches; each price at most once."""

    def __init__(self, design: Design) -> None:
        self.design = design
        self.axes = design.family.axes
        self.known: dict[tuple[Scalar, ...], Judged] = {}
        self.evaluations = 0

    def values(self, place: Cube) -> tuple[Scalar, ...]:
        """Return the authored values of a place."""
        return tuple(axis.drawn(float(u)) for axis, u in zip(self.axes, place, strict=True))

    def solve(self, cube: Cube) -> list[Judged]:
        """Return what every candidate leads to, shape of the cube ``(candidates, parameters)``."""
        points = [self.values(place) for place in cube]
        new = [point for point in dict.fromkeys(points) if point not in self.known]
        if new:
            self.evaluations += len(new)
            specs = list(self.design.family.specs(new))
            self.known.update(zip(new, judged(specs, self.design.file), strict=True))
        return [self.known[point] for point in points]

    def at(self, place: Cube) -> Judged:
        return self.solve(place[None, :])[0]

    def cost(self, one: Judged) -> tuple[float, float]:
        """Return what orders candidates: first by violation, then by welfare, less is better."""
        return one.violation, -one.welfare

    def minimise(
        self,
        cost: Callable[[Judged], tuple[float, float]],
        report: Callable[[int, int], None] | None = None,
    ) -> Cube:
        """Return the place of least cost."""
        place = self._evolve(cost, report)
        return self._pattern(place, cost)

    def _evolve(
        self,
        cost: Callable[[Judged], tuple[float, float]],
        report: Callable[[int, int], None] | None,
    ) -> Cube:
        """Run differential evolution (rand/1/bin) from a Sobol set and the corners."""
        from scipy.stats import qmc

        count = len(self.axes)
        stream = np.random.Generator(
            np.random.PCG64(np.random.SeedSequence([self.design.file.seed]))
        )
        size = 1 << (POPULATION * count - 1).bit_length()
        members = qmc.Sobol(count, scramble=True, rng=stream).random(size)
        corners = np.array(list(product((0.0, 1.0), repeat=count)))
        members[: len(corners)] = corners[:size]
        costs = [cost(one) for one in self.solve(members)]
        best, waited = min(costs), 0
        for generation in range(GENERATIONS):
            picks = np.argsort(stream.random((size, size)), axis=1)[:, :3]
            a, b, c = (members[picks[:, k]] for k in range(3))
            weight = stream.uniform(0.5, 1.0, (size, 1))
            crossed = stream.random((size, count)) < 0.9
            crossed[np.arange(size), stream.integers(0, count, size)] = True
            mutant = a + weight * (b - c)
            # a place beyond an end is put back half way to it
            mutant = np.where(mutant < 0.0, members / 2, mutant)
            mutant = np.where(mutant > 1.0, (members + 1.0) / 2, mutant)
            trials = np.where(crossed, mutant, members)
            tried = [cost(one) for one in self.solve(trials)]
            for k, (new, old) in enumerate(zip(tried, costs, strict=True)):
                if new <= old:
                    members[k], costs[k] = trials[k], new
            waited = 0 if min(costs) < best else waited + 1
            best = min(costs)
            done = GENERATIONS if waited == PATIENCE else generation + 1
            if report is not None:
                report(done, GENERATIONS)
            if done == GENERATIONS:
                break
        found: Cube = members[min(range(size), key=costs.__getitem__)]
        return found

    def _pattern(self, place: Cube, cost: Callable[[Judged], tuple[float, float]]) -> Cube:
        """Improve a place by steps along the parameters and at random, halved when none helps.

        The random directions find the way along a constraint that binds.
        """
        count = len(self.axes)
        stream = np.random.Generator(
            np.random.PCG64(np.random.SeedSequence([self.design.file.seed, 1]))
        )
        along = np.concatenate([np.eye(count), -np.eye(count)])
        best, step = cost(self.at(place)), 0.125
        while step > LEAST_STEP:
            random = stream.normal(size=(RANDOM * count, count)) if count > 1 else along[:0]
            random /= np.abs(random).max(axis=1, keepdims=True, initial=1e-300)
            tried = np.clip(place + step * np.concatenate([along, random]), 0.0, 1.0)
            costs = [cost(one) for one in self.solve(tried)]
            k = min(range(len(costs)), key=costs.__getitem__)
            if costs[k] < best:
                place, best = tried[k], costs[k]
            else:
                step /= 2
        return place


def _binding(family: _Family, place: Cube, after: Judged) -> list[str]:
    """Return what binds at the best place: constraints, ends of parameters, jumps of play."""
    spreads: dict[str, float] = {}
    for one in family.known.values():
        for name, slack in one.slacks.items():
            spreads[name] = max(spreads.get(name, 0.0), abs(slack - after.slacks[name]))
    found = [name for name, slack in after.slacks.items() if slack <= TIGHT * spreads[name]]
    count = len(family.axes)
    for k, axis in enumerate(family.axes):
        value = axis.drawn(float(place[k]))
        for end, u in (("from", 0.0), ("to", 1.0)):
            if value == axis.drawn(u):
                found.append(f"{axis.field.path} at its end ({end}) {value}")
    around = np.clip(place + NEAR * np.concatenate([np.eye(count), -np.eye(count)]), 0.0, 1.0)
    moves = {one.move for one in family.solve(around)} - {after.move}
    return found + [
        f"incentives: just beside it the equilibrium is {move}" for move in sorted(moves)
    ]


def _infeasible(family: _Family, nearest: Judged) -> str:
    """Return which constraint cannot hold, and the nearest value, in words."""
    names = list(nearest.slacks)
    alone = {}
    for name in names:
        place = family.minimise(lambda one, name=name: (-one.slacks[name], 0.0))  # type: ignore[misc]  # default argument binds the loop variable
        alone[name] = family.at(place), family.values(place)
    for name, (one, values) in alone.items():
        if one.slacks[name] < 0.0:
            return (
                f"no price of the family can hold {name}: the nearest falls short of it by "
                f"{_amount(name, -one.slacks[name])}, at {_said(family, values)}. "
                f"{_way_on(name)}"
            )
    broken = min(nearest.slacks, key=nearest.slacks.__getitem__)
    others = ", ".join(name for name in names if name != broken)
    kept = family.minimise(
        lambda one: (
            sum(max(0.0, -slack) for name, slack in one.slacks.items() if name != broken),
            -one.slacks[broken],
        )
    )
    short = -family.at(kept).slacks[broken]
    return (
        f"no price of the family can hold {broken} together with {others}: with the others held it "
        f"falls short by {_amount(broken, short)}, at {_said(family, family.values(kept))}. "
        f"{_way_on(*names)}"
    )


def _way_on(*names: str) -> str:
    """Return what to do where these constraints cannot hold."""
    ways = ["Widen the ranges of the parameters"]
    if any(name.startswith("profit") for name in names):
        ways.append("ask for less (--profit; profit in a file)")
    if any(name.startswith("participation") for name in names):
        ways.append("give participation up (--no-participation; participation: false in a file)")
    return ", or ".join(ways)


def _amount(name: str, short: float) -> str:
    return f"{short:.6g} {'USD' if name.startswith('profit') else 'points'}"


def _said(family: _Family, values: Sequence[Scalar]) -> str:
    return ", ".join(
        f"{axis.field.path} {value}" for axis, value in zip(family.axes, values, strict=True)
    )
