"""Where a game lies among its neighbours: two sliders over their whole length, and what is played."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from gtalign_env.errors import ScenarioError
from gtalign_env.scenario.resolved import Scenario
from gtalign_env.scenario.sweep_axes import Axis
from gtalign_env.scenario.sweep_schema import AxisModel, Grid, StudyFile
from gtalign_env.scenario.sweep_study import Study
from gtalign_training.studies.maps import MOVES
from gtalign_training.studies.solved import DILEMMAS, solved
from gtalign_training.ui.knobs import Knob
from gtalign_training.ui.view import moved

SIDE = 25
"""Points along either axis."""

FEW_TYPES = 16
"""Types per persona that stand in for a distribution, as there are many points."""

Asked = Literal["dilemma", "equilibrium"]
"""What the colours say: which dilemma the game is, or what is played in the worst equilibrium."""

ASKED: tuple[Asked, ...] = get_args(Asked)

_COLUMNS: dict[Asked, tuple[str, tuple[str, ...]]] = {
    "dilemma": ("class", DILEMMAS),
    "equilibrium": ("worst.move", MOVES),
}


@dataclass(frozen=True)
class Phase:
    """A map of two sliders.

    Attributes:
        x: The slider along the map.
        y: The one up it.
        asked: What the labels say.
        labels: Of the points, shape ``(SIDE, SIDE)``; the first row is the lowest value of ``y``.
        exact: Whether no payoff is approximated.
    """

    x: Knob
    y: Knob
    asked: Asked
    labels: NDArray[np.str_]
    exact: bool

    @property
    def shares(self) -> list[tuple[str, float]]:
        """The labels there are, in the order of the legend, with the share of points they have."""
        counts = Counter(self.labels.ravel().tolist())
        _, order = _COLUMNS[self.asked]
        return [(name, counts[name] / self.labels.size) for name in order if counts[name]]

    def at(self, x: float, y: float) -> str:
        """Return the label of the point nearest to two values."""
        column = round((x - self.x.low) / (self.x.high - self.x.low) * (SIDE - 1))
        row = round((y - self.y.low) / (self.y.high - self.y.low) * (SIDE - 1))
        return str(self.labels[row, column])


def phase_of(
    scenario: Scenario,
    knobs: Sequence[Knob],
    values: Sequence[float],
    axes: tuple[int, int],
    asked: Asked,
) -> Phase:
    """Return the map of two sliders, of shape ``(SIDE, SIDE)``, all others where they stand.

    The last maps are kept: moving one of the two sliders only moves the point on it.

    Args:
        scenario: As chosen.
        knobs: Its sliders.
        values: Where they stand.
        axes: Which two.
        asked: What the labels say.

    Raises:
        ScenarioError: The axes are the same slider, or two values do not go together.
    """
    if axes[0] == axes[1]:
        raise ScenarioError("a map has two different sliders along its sides")
    held = tuple(
        knob.start if i in axes else value
        for i, (knob, value) in enumerate(zip(knobs, values, strict=True))
    )
    return _map(Held(scenario, tuple(knobs), held), axes, asked)


@dataclass(frozen=True, eq=False)
class Held:
    """A scenario and where its sliders stand, but for those of the axes."""

    scenario: Scenario
    knobs: tuple[Knob, ...]
    values: tuple[float, ...]

    def __hash__(self) -> int:
        return hash((self.scenario.digest, self.values))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Held)
            and self.scenario.digest == other.scenario.digest
            and self.values == other.values
        )


@lru_cache(maxsize=64)
def _map(held: Held, axes: tuple[int, int], asked: Asked) -> Phase:
    base = moved(held.scenario, held.knobs, held.values)
    x, y = (held.knobs[i] for i in axes)
    column, _ = _COLUMNS[asked]
    file = StudyFile.model_validate(
        {
            "schema": "gtalign/study/1",
            "name": base.name,
            "description": "The map of two sliders.",
            "scenario": base.name,
            "axes": (_model(y), _model(x)),
            "compute": ("dilemma",) if asked == "dilemma" else ("equilibria",),
        }
    )
    study = Study(file, base, (_axis(y), _axis(x)))
    points = [study.point(index) for index in range(study.size)]
    specs = list(study.specs(points))
    labels = solved(specs, file, FEW_TYPES)[column].reshape(SIDE, SIDE)
    return Phase(x, y, asked, labels, specs[0].is_exact)


def _model(knob: Knob) -> AxisModel:
    grid = Grid.model_validate({"from": knob.low, "to": knob.high, "points": SIDE})
    also = tuple(field.path for field in knob.fields[1:])
    return AxisModel(field=knob.path, also=also, grid=grid)


def _axis(knob: Knob) -> Axis:
    field = knob.fields[0]
    values = tuple(field.value(round(float(v), 9)) for v in np.linspace(knob.low, knob.high, SIDE))
    ends = (knob.low, knob.high)
    return Axis(field, knob.fields[1:], knob.label, "grid", values, ends)
