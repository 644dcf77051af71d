"""Design files: a family of prices, and what the best member of it is to maximise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from gtalign_env.scenario.fields import (
    AuthoredFile,
    Description,
    Money,
    Name,
    Strict,
    Tags,
    Version,
    described,
    schema_line,
)
from gtalign_env.scenario.library import search_roots
from gtalign_env.scenario.loader import Folders
from gtalign_env.scenario.reading import finish, locate
from gtalign_env.scenario.sweep import Study, base_of, resolve_axes
from gtalign_env.scenario.sweep_schema import AxisModel, End, Span, StudyFile
from gtalign_env.scenario.welfare_schema import WelfareModel
from gtalign_env.scenario.yaml_reader import (
    Document,
    Problem,
    field_path,
    problems_error,
    read_file,
)

MAX_PARAMETERS = 8
Equilibrium = Literal["worst", "best"]


class ParameterModel(Strict):
    """A number of the price that may be chosen, and its range."""

    field: str = Field(
        min_length=1, max_length=200, description="A dotted path that begins with pricing."
    )
    also: tuple[Annotated[str, Field(min_length=1, max_length=200)], ...] = Field(
        default=(), max_length=8, description="Fields of the same unit that take the same value."
    )
    start: End = Field(alias="from", description="Its least value.")
    stop: End = Field(alias="to", description="Its greatest value.")
    log: bool = Field(default=False, description="Whether to search evenly in the logarithm.")


class DesignFile(AuthoredFile):
    """A design file."""

    schema_id: Literal["gtalign/design/1"] = schema_line("gtalign/design/1")
    name: Name
    description: Description
    version: Version = 1
    tags: Tags = ()
    scenario: Name = Field(description="The scenario that is played.")
    pricing: Name | None = Field(
        default=None,
        description="A member of the family: what is not a parameter stays as it is there.",
    )
    parameters: tuple[ParameterModel, ...] = Field(
        min_length=1, max_length=MAX_PARAMETERS, description="What may be chosen."
    )
    maximise: WelfareModel | None = Field(
        default=None, description="Welfare of the equilibrium; by default the scenario's."
    )
    equilibrium: Equilibrium = Field(
        default="worst", description="Which equilibrium counts, by that welfare."
    )
    participation: bool = Field(
        default=True, description="Whether every type must get its outside option at least."
    )
    profit: Money | None = described(
        "Least charge less cost of a conversation; without it, none is asked.", "USD", default=None
    )
    seed: int = described("Seed of the search.", "1", ge=0, le=2**31 - 1, default=0)


@dataclass(frozen=True)
class Design:
    """A design with every name resolved.

    Attributes:
        file: What its author wrote.
        family: A study whose Sobol axes are the parameters.
    """

    file: DesignFile
    family: Study


def load_design(name_or_path: str | Path, *, path: Folders = ()) -> Design:
    """Return a design with every name in it resolved.

    Args:
        name_or_path: A name, or a path (anything with a separator or ending in .yaml). Names in
            a file given by path are looked up beside it first.
        path: Folders to search before GTALIGN_PATH and the bundled library.

    Raises:
        ScenarioError: It is unknown or invalid; lists everything wrong, lines named.
    """
    file, roots = locate("design", name_or_path, search_roots(path))
    return build_design(read_file(file), file.stem, roots)


def build_design(document: Document, stem: str | None, roots: Sequence[Path]) -> Design:
    """Return the design of a document.

    Args:
        document: What was read.
        stem: Name of the file, which must be the design's; None for data that is no file.
        roots: Search folders for the names in it.

    Raises:
        ScenarioError: Lists everything wrong with it and with the files it names.
    """
    file = finish(DesignFile, "design", document, stem, [])
    problems: list[Problem] = []
    base = base_of(file.scenario, file.pricing, document, roots)
    for i, parameter in enumerate(file.parameters):
        for j, path in enumerate((parameter.field, *parameter.also)):
            if not path.startswith("pricing."):
                where = ("parameters", i, "field") if j == 0 else ("parameters", i, "also", j - 1)
                message = f"must be a field of the price: pricing...; got {path!r}"
                problems.append(Problem(document.locate(where), field_path(where), message))
    if problems:
        raise problems_error(document.source, problems)
    models = [
        AxisModel(
            field=one.field,
            also=one.also,
            sobol=Span.model_validate({"from": one.start, "to": one.stop, "log": one.log}),
        )
        for one in file.parameters
    ]
    axes = resolve_axes(
        base, models, document, lambda i, below: ("parameters", i, *_own(below)), problems
    )
    if problems:
        raise problems_error(document.source, problems)
    study = StudyFile(
        name=file.name,
        description=file.description,
        scenario=file.scenario,
        axes=tuple(models),
        samples=2,
        welfare=file.maximise,
    )
    return Design(file, Study(study, base, axes))


def _own(below: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """Return the place in a parameter of a place in the axis made from it."""
    return below[1:] if below[:1] == ("sobol",) else below
