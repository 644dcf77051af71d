"""Load studies: find the file, resolve its names, check every axis with its place."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

from gtalign_env.errors import ScenarioError
from gtalign_env.scenario.fields import Fault
from gtalign_env.scenario.library import find, search_roots
from gtalign_env.scenario.loader import Folders, load_pricing, load_scenario
from gtalign_env.scenario.reading import finish, locate
from gtalign_env.scenario.resolved import Scenario
from gtalign_env.scenario.sweep_axes import Axis, AxisReader
from gtalign_env.scenario.sweep_fields import Scalar, changed_part, fields_of
from gtalign_env.scenario.sweep_schema import MAX_STUDY, AxisModel, StudyFile
from gtalign_env.scenario.sweep_study import Study
from gtalign_env.scenario.yaml_reader import (
    Document,
    Key,
    Problem,
    field_path,
    problems_error,
    read_file,
)

__all__ = ["Study", "base_of", "build_study", "load_study", "resolve_axes", "resolve_study"]


def load_study(name_or_path: str | Path, *, path: Folders = ()) -> Study:
    """Return a study with every name in it resolved.

    Args:
        name_or_path: A name, or a path (anything with a separator or ending in .yaml). Names in
            a file given by path are looked up beside it first.
        path: Folders to search before GTALIGN_PATH and the bundled library.

    Raises:
        ScenarioError: It is unknown or invalid; lists everything wrong, lines named.
    """
    file, roots = locate("study", name_or_path, search_roots(path))
    return build_study(read_file(file), file.stem, roots)


def build_study(document: Document, stem: str | None, roots: Sequence[Path]) -> Study:
    """Return the study of a document.

    Args:
        document: What was read.
        stem: Name of the file, which must be the study's; None for data that is no file.
        roots: Search folders for the names in it.

    Raises:
        ScenarioError: Lists everything wrong with it and with the files it names.
    """
    file = finish(StudyFile, "study", document, stem, [])
    return resolve_study(file, base_of(file.scenario, file.pricing, document, roots), document)


def resolve_study(file: StudyFile, base: Scenario, document: Document) -> Study:
    """Return a study on a scenario that is at hand.

    Args:
        file: What its author wrote.
        base: The scenario to start from, under one regime.
        document: Where the author wrote it.

    Raises:
        ScenarioError: Lists everything wrong with its axes.
    """
    problems: list[Problem] = []
    axes = resolve_axes(base, file.axes, document, lambda i, below: ("axes", i, *below), problems)
    size = math.prod(len(axis.values) or 1 for axis in axes) * file.samples
    if size > MAX_STUDY:
        message = f"must make at most {MAX_STUDY:,} points; got {size:,}"
        problems.append(Problem(document.locate(("axes",)), "axes", message))
    if problems:
        raise problems_error(document.source, problems)
    return Study(file, base, axes)


def resolve_axes(
    base: Scenario,
    models: Sequence[AxisModel],
    document: Document,
    place: Callable[[int, Key], Key],
    problems: list[Problem],
) -> tuple[Axis, ...]:
    """Return the axes that are right, with what is wrong with the others appended.

    Args:
        base: The scenario whose fields they vary.
        models: As authored.
        document: Where the author wrote them.
        place: Gives the path in the document of a path below the axis of an index.
        problems: Where to append.
    """
    known = fields_of(base)
    axes: list[Axis] = []
    for i, model in enumerate(models):
        reader = AxisReader(known)
        axis = reader.read(model)
        faults = reader.faults
        if axis is not None:
            axes.append(axis)
            faults = _out_of_range(base, axis)
        for below, message in faults:
            where = place(i, below)
            problems.append(Problem(document.locate(where), field_path(where), message))
    return tuple(axes)


def base_of(
    scenario: str, pricing: str | None, document: Document, roots: Sequence[Path]
) -> Scenario:
    """Return the scenario that a study starts from, under one regime.

    Args:
        scenario: Its name.
        pricing: Name of the regime; by default the scenario's first one.
        document: Where the author wrote the names.
        roots: Search folders.

    Raises:
        ScenarioError: A name is unknown, or its file is invalid.
    """
    base = load_scenario(_named("scenario", scenario, document, roots), path=roots)
    if pricing is None:
        return base.with_pricing(base.schedule[0][1])
    return base.with_pricing(load_pricing(_named("pricing", pricing, document, roots), path=roots))


def _named(kind: str, name: str, document: Document, roots: Sequence[Path]) -> Path:
    """Return the file that a study names; what is wrong inside it, it says itself."""
    try:
        return find(kind, name, roots)
    except ScenarioError as error:
        problem = Problem(document.locate((kind,)), kind, str(error))
        raise problems_error(document.source, [problem]) from error


def _out_of_range(base: Scenario, axis: Axis) -> list[Fault]:
    """Return what is wrong with a value of an axis by itself; the others stay as they are."""
    faults: list[Fault] = []
    for j, value in enumerate(_to_check(axis)):
        try:
            for field in (axis.field, *axis.also):
                changed_part(base, field.part, {field: value})
        except ScenarioError as error:
            place = (axis.kind, j) if axis.kind == "values" else (axis.kind,)
            faults.append((place, str(error)))
    return faults


def _to_check(axis: Axis) -> tuple[Scalar, ...]:
    """Return the values of an axis that stand for all: of a stretch, its ends."""
    if axis.kind == "values":
        return axis.values
    if not axis.is_sampled:
        return axis.values[0], axis.values[-1]
    return axis.drawn(0.0), axis.drawn(1 - 2**-53)
