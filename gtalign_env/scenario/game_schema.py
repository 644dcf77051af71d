"""The authored form of a matrix game: plans of both sides and the payoffs of every pair."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from gtalign_env.scenario.fields import (
    AuthoredFile,
    Description,
    Fault,
    Name,
    Strict,
    Tags,
    Version,
    fail,
    schema_line,
)

MAX_PLANS = 50  # on a side: 2,500 cells fit the file limits
MAX_PAYOFF = 1e9  # points


def _distinct(plans: tuple[str, ...]) -> tuple[str, ...]:
    faults: list[Fault] = [
        ((i,), f"a plan may stand once; {plan!r} is repeated")
        for i, plan in enumerate(plans)
        if plan in plans[:i]
    ]
    if faults:
        fail(*faults)
    return plans


Plans = Annotated[
    tuple[
        Annotated[
            str, Field(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9][A-Za-z0-9 :_+.-]*$")
        ],
        ...,
    ],
    AfterValidator(_distinct),
]
Payoff = Annotated[
    float, Field(ge=-MAX_PAYOFF, le=MAX_PAYOFF, json_schema_extra={"unit": "points"})
]
Matrix = tuple[tuple[Payoff, ...], ...]


class PayoffsModel(Strict):
    """Expected payoffs, rows = user plans, columns = assistant plans."""

    user: Matrix = Field(description="The user's, shape (user plans, assistant plans), points.")
    assistant: Matrix = Field(
        description="The assistant's, shape (user plans, assistant plans), points."
    )


class MatrixGameFile(AuthoredFile):
    """A matrix game file."""

    schema_id: Literal["gtalign/game/1"] = schema_line("gtalign/game/1")
    name: Name
    description: Description
    version: Version = 1
    tags: Tags = ()
    user_plans: Plans = Field(
        min_length=1, max_length=MAX_PLANS, description="Names of the user's plans: the rows."
    )
    assistant_plans: Plans = Field(
        min_length=1,
        max_length=MAX_PLANS,
        description="Names of the assistant's plans: the columns.",
    )
    payoffs: PayoffsModel = Field(description="Expected payoffs of both sides, points.")

    @model_validator(mode="after")
    def _shapes_agree(self) -> Self:
        faults: list[Fault] = []
        rows, columns = len(self.user_plans), len(self.assistant_plans)
        for side in ("user", "assistant"):
            matrix: Matrix = getattr(self.payoffs, side)
            at = ("payoffs", side)
            if len(matrix) != rows:
                faults.append((at, f"must have {rows} rows, one a user plan; got {len(matrix)}"))
            faults += [
                ((*at, i), f"must have {columns} numbers, one an assistant plan; got {len(row)}")
                for i, row in enumerate(matrix)
                if len(row) != columns
            ]
        if faults:
            fail(*faults)
        return self
