"""From a finished study to what a picture shows: labels or numbers over one or two of its axes.

The first two axes of numbers are the picture's; every other axis is held at a value, or makes a
panel for each of its values. Labels are refined along their borders by asking the game itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gtalign_env.core.plans import ASSISTANT_PLAN_LABELS, USER_PLAN_LABELS
from gtalign_env.errors import RunError, suggest
from gtalign_env.games.ordinal import CLASSES
from gtalign_env.scenario.fields import show
from gtalign_env.scenario.sweep import Study
from gtalign_env.scenario.sweep_axes import Axis
from gtalign_env.scenario.sweep_fields import Scalar
from gtalign_env.scenario.sweep_schema import Restriction
from gtalign_training.studies.borders import Asked, Border, Labels, borders, refined
from gtalign_training.studies.folder import StudyFolder
from gtalign_training.studies.solved import DILEMMAS, MIXED, solved
from gtalign_training.studies.summary import is_exact

MOST_PANELS = 4
HALVINGS_OF_LINE = 20
FINEST = 1200
"""Nodes of a refined map on a side; a picture has no more pixels."""


@dataclass(frozen=True)
class Kind:
    """One thing to draw.

    Attributes:
        column: The column of the results.
        group: What of `StudyFile.compute` it belongs to.
        title: What it is called above the picture.
        names: Every label there can be, in the order of the legend; empty for a number.
        unit: Of a number.
    """

    column: str
    group: str
    title: str
    names: tuple[str, ...] = ()
    unit: str = ""


MOVES = (*(f"{u} x {a}" for u in USER_PLAN_LABELS for a in ASSISTANT_PLAN_LABELS), MIXED)

KINDS = {
    "class": Kind("class", "dilemma", "Social dilemma, or a strict PD inside", DILEMMAS),
    "restriction": Kind("restriction.class", "dilemma", "Class of the 2×2 restriction", CLASSES),
    "move": Kind("worst.move", "equilibria", "Worst equilibrium", MOVES),
    "welfare": Kind("worst.welfare", "welfare", "Welfare at the worst equilibrium", (), "points"),
    "anarchy": Kind("price_of_anarchy", "welfare", "Price of anarchy", (), "ratio"),
    "patience": Kind(
        "restriction.critical_discount", "dilemma", "Patience that sustains cooperation", (), "1"
    ),
}
"""What can be drawn of a study."""

LINES = {
    "welfare": ("optimum.welfare", "worst.welfare", "best.welfare"),
    "anarchy": ("price_of_anarchy", "price_of_stability"),
    "patience": ("restriction.critical_discount",),
}
"""Columns that a picture over one axis draws as lines."""


@dataclass(frozen=True)
class Scale:
    """One axis of a picture.

    Attributes:
        label: What it is called.
        unit: Its unit; empty where there is none.
        numbers: Its values, ascending, shape ``(n,)``.
        log: Whether it is drawn in the logarithm.
    """

    label: str
    unit: str
    numbers: NDArray[np.float64]
    log: bool

    @property
    def title(self) -> str:
        """Label and unit."""
        return f"{self.label} ({self.unit})" if self.unit else self.label

    def at(self, steps: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the numbers at places between the values, in steps, any shape."""
        known = np.log(self.numbers) if self.log else self.numbers
        found: NDArray[np.float64] = np.interp(steps, np.arange(len(known)), known)
        return np.exp(found) if self.log else found


@dataclass(frozen=True)
class Panel:
    """One panel of a picture.

    Attributes:
        title: The values of the axes that it holds; empty for the only panel.
        codes: Labels on the refined grid as indices of `Picture.names`, shape ``(rows, columns)``;
            rows follow the second axis. None where numbers are drawn, or over one axis.
        numbers: Numbers on the grid, shape ``(rows, columns)``, or None.
        lines: Numbers by column over one axis, each of shape ``(columns,)``.
        bands: Over one axis: where the label changes, in steps, and the label of the first point.
    """

    title: str
    codes: Labels | None = None
    numbers: NDArray[np.float64] | None = None
    lines: Mapping[str, NDArray[np.float64]] | None = None
    bands: tuple[int, tuple[Border, ...]] | None = None


@dataclass(frozen=True)
class Picture:
    """What a picture of a study shows.

    Attributes:
        kind: Which of `KINDS`.
        study: The study's name.
        scenario: The scenario's.
        x: The first axis.
        y: The second axis; None over one axis.
        panels: At least one.
        held: Values of the axes held, as text.
        halvings: How often a step was halved to find the borders.
        exact: Whether no payoff is approximated.
        restriction: Plans of the 2×2 restriction that it is about, in words; empty where it is
            about the whole game.
    """

    kind: str
    study: str
    scenario: str
    x: Scale
    y: Scale | None
    panels: tuple[Panel, ...]
    held: str
    halvings: int
    exact: bool
    restriction: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Every label there can be, of regions or bands."""
        return _labelled(self.kind).names

    @property
    def title(self) -> str:
        """What stands above it."""
        held = f", {self.held}" if self.held else ""
        return f"{KINDS[self.kind].title}: {self.scenario}{held}"


def picture_of(
    folder: StudyFolder, kind: str = "class", at: Mapping[str, str] | None = None, halvings: int = 4
) -> Picture:
    """Return what a picture of a finished study shows.

    Args:
        folder: The study's folder.
        kind: One of `KINDS`.
        at: Values, as text, of axes to hold, by field.
        halvings: How often a grid step is halved to find a border.

    Raises:
        RunError: The study lacks what the kind needs, or has too many axes.
    """
    study = folder.study()
    asked = KINDS[kind]
    if asked.group not in study.file.compute or (
        asked.column.startswith("restriction") and study.file.restriction is None
    ):
        needs = "a restriction" if "restriction" in asked.column else f"{asked.group} in compute"
        raise RunError(f"--kind {kind} needs a study with {needs}; {study.name} has none")
    if study.is_sampled:
        raise RunError(
            f"{study.name} is drawn at random: a map needs a grid. Give its axes as grid or "
            "log_grid, or read results.parquet"
        )
    held = _held(study, at or {})
    free = [i for i, axis in enumerate(study.axes) if i not in held]
    drawn = [i for i in free if study.axes[i].field.is_numeric and len(study.axes[i].values) > 1][
        :2
    ]
    if not drawn:
        raise RunError(f"{study.name} has no axis of numbers left to draw; hold fewer by --at")
    others = [i for i in free if i not in drawn]
    facets = list(product(*(range(len(study.axes[i].values)) for i in others)))
    if len(facets) > MOST_PANELS:
        names = ", ".join(study.axes[i].field.path for i in others)
        raise RunError(
            f"a picture has at most {MOST_PANELS} panels; {names} would make {len(facets)}: hold "
            "some by --at FIELD=VALUE"
        )
    scales = [_scale(study.axes[i]) for i in drawn]
    if len(drawn) == 2:
        largest = max(len(scale.numbers) for scale in scales)
        while halvings and largest * 2**halvings > FINEST:
            halvings -= 1
    columns = _columns(folder, study, kind)
    panels = []
    for facet in facets:
        fixed = held | dict(zip(others, facet, strict=True))
        title = ", ".join(_said(study.axes[i], fixed[i]) for i in others)
        panel = _panel(study, kind, columns, fixed, drawn, scales, halvings)
        panels.append(replace(panel, title=title))
    return Picture(
        kind,
        study.name,
        study.base.name,
        scales[0],
        scales[1] if len(drawn) == 2 else None,
        tuple(panels),
        ", ".join(_said(study.axes[i], j) for i, j in held.items()),
        halvings if len(drawn) == 2 else HALVINGS_OF_LINE,
        is_exact(study),
        _plans(study.file.restriction) if asked.column.startswith("restriction") else "",
    )


def _plans(asked: Restriction | None) -> str:
    if asked is None:
        return ""
    return " × ".join("{" + ", ".join(plans) + "}" for plans in (asked.user, asked.assistant))


def _labelled(kind: str) -> Kind:
    """Return the kind whose labels stand in bands below the lines of a number."""
    if KINDS[kind].names:
        return KINDS[kind]
    return KINDS["restriction" if kind == "patience" else "class"]


def _columns(folder: StudyFolder, study: Study, kind: str) -> dict[str, NDArray[Any]]:
    """Return the columns that a kind draws, each of the study's shape."""
    names = {KINDS[kind].column, *LINES.get(kind, ())}
    if "welfare" in study.file.compute:
        names |= set(LINES["welfare"])
    if _labelled(kind).group in study.file.compute:
        names.add(_labelled(kind).column)
    table = folder.results(sorted(names))
    return {name: table[name].to_numpy(zero_copy_only=False).reshape(study.shape) for name in names}


def _held(study: Study, at: Mapping[str, str]) -> dict[int, int]:
    """Return which value of which axis is held, by axis."""
    paths = {axis.field.path: i for i, axis in enumerate(study.axes)}
    held = {}
    for path, text in at.items():
        if path not in paths:
            raise RunError(
                f"--at names an axis of the study, one of {', '.join(paths)}; got {show(path)}."
                f"{suggest(path, paths)}"
            )
        axis = study.axes[paths[path]]
        known = [str(axis.field.shown(value)) for value in axis.values]
        asked = text
        if axis.field.is_numeric:
            try:
                asked = known[int(np.abs(axis.numbers - float(text)).argmin())]
            except ValueError:
                raise RunError(f"--at {path} must be a number; got {show(text)}") from None
        elif text.lower() in ("true", "false"):
            asked = text.capitalize()
        if asked not in known:
            raise RunError(f"--at {path} must be one of {', '.join(known)}; got {show(text)}")
        held[paths[path]] = known.index(asked)
    return held


def _said(axis: Axis, index: int) -> str:
    """Return an axis and one of its values as text."""
    value = axis.field.shown(axis.values[index])
    if isinstance(value, bool):
        return f"{axis.label}: {'yes' if value else 'no'}"
    number = f"{value:.4g}" if isinstance(value, float) else str(value)
    return f"{axis.label} {number} {axis.field.unit}".rstrip()


def _scale(axis: Axis) -> Scale:
    return Scale(axis.label, axis.field.unit, np.sort(axis.numbers), axis.log)


def _panel(
    study: Study,
    kind: str,
    columns: Mapping[str, NDArray[Any]],
    fixed: Mapping[int, int],
    drawn: Sequence[int],
    scales: Sequence[Scale],
    halvings: int,
) -> Panel:
    """Return one panel: the other axes fixed, labels refined."""
    where = tuple(fixed.get(i, slice(None)) for i in range(len(study.axes)))
    # axes in the order they are drawn, values ascending
    order = np.ix_(*(np.argsort(study.axes[i].numbers) for i in sorted(drawn)))

    def grid(name: str) -> NDArray[np.float64]:
        values = columns[name][where][order]
        return np.asarray(values, dtype=object if values.dtype.kind in "OU" else np.float64)

    names, column = _labelled(kind).names, _labelled(kind).column
    ask = partial(_labels_at, study, fixed, drawn, scales, column, names)
    if len(drawn) == 2:
        if not KINDS[kind].names:
            return Panel("", numbers=grid(KINDS[kind].column).T)
        codes = _codes(grid(column), names).T
        # places of a map are (row, column): second axis, then first
        return Panel("", codes=refined(codes, lambda places: ask(places[:, ::-1]), halvings))
    lines = {name: grid(name) for name in (LINES.get(kind) or LINES["welfare"]) if name in columns}
    if column not in columns:
        return Panel("", lines=lines)
    labels = _codes(grid(column), names)
    return Panel(
        "", lines=lines, bands=(int(labels[0]), tuple(borders(labels, ask, HALVINGS_OF_LINE)))
    )


def _codes(labels: NDArray[Any], names: Sequence[str]) -> Labels:
    index = {name: code for code, name in enumerate(names)}
    flat = [index[str(label)] for label in labels.ravel()]
    return np.array(flat, dtype=np.int64).reshape(labels.shape)


def _labels_at(
    study: Study,
    fixed: Mapping[int, int],
    drawn: Sequence[int],
    scales: Sequence[Scale],
    column: str,
    names: Sequence[str],
    places: Asked,
) -> Labels:
    """Return the labels of places between the points, from the games there."""
    points: list[list[Scalar]] = []
    numbers = [scale.at(places[:, k]) for k, scale in enumerate(scales)]
    for row in range(len(places)):
        point = [axis.values[fixed.get(i, 0)] for i, axis in enumerate(study.axes)]
        for k, i in enumerate(drawn):
            point[i] = study.axes[i].field.value(float(numbers[k][row]))
        points.append(point)
    return _codes(solved(list(study.specs(points)), study.file)[column], names)
