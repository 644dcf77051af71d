"""The authored form of a study: a scenario, axes over its fields, and what to compute."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from gtalign_env.core.moves import ASSISTANT_LABELS, VERBOSITIES
from gtalign_env.core.plans import USER_PLAN_LABELS
from gtalign_env.scenario.fields import (
    AuthoredFile,
    Description,
    Fault,
    Name,
    Strict,
    Tags,
    Version,
    described,
    fail,
    schema_line,
)
from gtalign_env.scenario.welfare_schema import WelfareModel

MAX_POINTS_OF_AXIS = 100_000
MAX_SAMPLES = 2**24
MAX_STUDY = 10**8
"""Most points of a whole study."""

LARGEST = 1e9

KINDS = ("grid", "log_grid", "values", "random", "sobol")
"""The ways to state an axis."""

Measure = Literal["equilibria", "dilemma", "welfare", "charge", "payoffs"]
"""Groups of columns: moves and mixtures, dilemmas, welfares and their ratios, money and tokens, and
the whole matrix."""

COMPUTED: tuple[Measure, ...] = ("equilibria", "dilemma", "welfare", "charge")

End = (
    Annotated[
        float,
        Field(ge=-LARGEST, le=LARGEST, json_schema_extra={"unit": "that of the axis's field"}),
    ]
    | Annotated[str, Field(max_length=40, description="Money, such as 0.05 USD.")]
)
"""A number in the field's unit, or money as text."""

Value = bool | End


class Grid(Strict):
    """Evenly spaced points, both ends included."""

    start: End = Field(alias="from", description="The first point.")
    stop: End = Field(alias="to", description="The last point.")
    points: int = described("How many.", "points", ge=2, le=MAX_POINTS_OF_AXIS)


class Span(Strict):
    """A stretch that is filled evenly."""

    start: End = Field(alias="from", description="One end.")
    stop: End = Field(alias="to", description="The other end.")
    log: bool = Field(default=False, description="Whether evenly in the logarithm.")


class AxisModel(Strict):
    """One thing that a study varies; exactly one of the ways to state it."""

    field: str = Field(
        min_length=1,
        max_length=200,
        description="What is varied: a dotted path such as persona.conciseness.",
    )
    also: tuple[Annotated[str, Field(min_length=1, max_length=200)], ...] = Field(
        default=(), max_length=8, description="Fields of the same unit that take the same value."
    )
    label: Annotated[str, Field(min_length=1, max_length=60)] | None = Field(
        default=None, description="What pictures call it; by default the path."
    )
    grid: Grid | None = Field(default=None, description="Evenly spaced.")
    log_grid: Grid | None = Field(default=None, description="Evenly spaced in the logarithm.")
    values: (
        Annotated[tuple[Value, ...], Field(min_length=1, max_length=MAX_POINTS_OF_AXIS)] | None
    ) = Field(default=None, description="These values, in this order.")
    random: dict[str, Any] | None = Field(
        default=None, description="Drawn from a distribution, such as {uniform: [0, 1]}."
    )
    sobol: Span | None = Field(
        default=None, description="A coordinate of a scrambled Sobol sequence."
    )

    @property
    def kind(self) -> str:
        """Which way it is stated."""
        return next(kind for kind in KINDS if getattr(self, kind) is not None)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        given = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            came = ", ".join(given) or "none"
            fail(((), f"must have exactly one of {', '.join(KINDS)}; got {came}"))
        return self


class Restriction(Strict):
    """A 2×2 restriction of the game that is asked about on its own; plans as (cooperate, defect)."""

    user: tuple[Literal["VQ", "DQ"], Literal["VQ", "DQ"]] = Field(
        description=f"Two of {', '.join(USER_PLAN_LABELS)}."
    )
    assistant: tuple[str, str] = Field(description=f"Two of {', '.join(ASSISTANT_LABELS)}.")

    @model_validator(mode="after")
    def _two_plans_each(self) -> Self:
        faults: list[Fault] = [
            (("assistant", i), f"must be one of {', '.join(ASSISTANT_LABELS)}; got {plan!r}")
            for i, plan in enumerate(self.assistant)
            if plan not in ASSISTANT_LABELS
        ]
        faults += [
            ((side,), "must be two different plans")
            for side in ("user", "assistant")
            if len(set(getattr(self, side))) < 2
        ]
        if faults:
            fail(*faults)
        return self


class StudyFile(AuthoredFile):
    """A study file."""

    schema_id: Literal["gtalign/study/1"] = schema_line("gtalign/study/1")
    name: Name
    description: Description
    version: Version = 1
    tags: Tags = ()
    scenario: Name = Field(description="The scenario to start from.")
    pricing: Name | None = Field(
        default=None, description="The regime to start from; by default the scenario's first one."
    )
    axes: tuple[AxisModel, ...] = Field(
        min_length=1, max_length=8, description="What is varied; the last axis runs fastest."
    )
    samples: int = described(
        "Draws of the random and sobol axes together, at each point of the others.",
        "points",
        ge=1,
        le=MAX_SAMPLES,
        default=1,
    )
    seed: int = described("Seed of the draws.", "1", ge=0, le=2**31 - 1, default=0)
    view: Literal["full", "concise", "standard", "verbose"] = Field(
        default="full",
        description="All seven assistant plans, or DA, CQ and AQ at one verbosity.",
    )
    welfare: WelfareModel | None = Field(
        default=None, description="Joint welfare to judge by; by default the scenario's."
    )
    restriction: Restriction | None = Field(
        default=None,
        description="A 2×2 restriction whose class and critical patience are reported.",
    )
    compute: tuple[Measure, ...] = Field(
        default=COMPUTED, min_length=1, description="Which columns the result has."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        faults: list[Fault] = []
        seen: set[str] = set()
        for i, axis in enumerate(self.axes):
            places = [("field",), *(("also", j) for j in range(len(axis.also)))]
            for place, field in zip(places, (axis.field, *axis.also), strict=True):
                if field in seen:
                    faults.append((("axes", i, *place), f"a field may stand once; {field!r} again"))
                seen.add(field)
        sampled = any(axis.kind in ("random", "sobol") for axis in self.axes)
        if sampled and self.samples < 2:
            faults.append((("samples",), "must be at least 2 with a random or sobol axis"))
        if not sampled and self.samples > 1:
            faults.append((("samples",), "must not stand without a random or sobol axis"))
        if self.restriction is not None and self.view != "full":
            shown = {f"{kind}:{self.view}" for kind in ("DA", "AQ")} | {"CQ"}
            faults += [
                (("restriction", "assistant", i), f"is not in the {self.view} view; got {plan!r}")
                for i, plan in enumerate(self.restriction.assistant)
                if plan not in shown
            ]
        for i, one in enumerate(self.compute):
            if one in self.compute[:i]:
                faults.append((("compute", i), f"may stand once; {one!r} is repeated"))
        if faults:
            fail(*faults)
        return self

    @property
    def plans(self) -> tuple[int, ...]:
        """Indices of the assistant plans that the view shows."""
        if self.view == "full":
            return tuple(range(len(ASSISTANT_LABELS)))
        level = VERBOSITIES.index(self.view)
        return level, 3, 4 + level
