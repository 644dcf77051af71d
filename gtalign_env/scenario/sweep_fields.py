"""Every field of a scenario that can be varied: its dotted path, and how its values are written.

Paths begin with the part of the scenario: ``persona.conciseness``, ``pricing.free.questions``,
``pricing.components.per_token.rates.output`` (a component goes by its kind), ``provider.retention``,
``task.tokens.answer.verbose``, ``max_exchanges``. In a mixture, ``persona.value`` is everybody's and
``persona.NAME.value`` that of one persona.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from gtalign_env.errors import ScenarioError
from gtalign_env.money import PICO_PER_USD, format_money
from gtalign_env.scenario.fields import (
    MoneyText,
    MultiplierNumber,
    RateNumber,
    authored,
    read_money,
    read_number,
    show,
)
from gtalign_env.scenario.latent import Latent, StyleForm
from gtalign_env.scenario.problems import check
from gtalign_env.scenario.resolved import Scenario
from gtalign_env.scenario.schema import MAX_EXCHANGES
from gtalign_env.scenario.yaml_reader import Document, Problem

PARTS = ("persona", "pricing", "provider", "task", "max_exchanges")

Form = Literal["real", "whole", "money", "decimal", "truth", "word"]
"""How a value is written: a number, a whole number, ``0.05 USD``, a number of six decimals at most
(USD per 1M tokens, a factor on a price), true or false, a word."""

Scalar = bool | int | float | str

_ABOUT = frozenset({"schema", "name", "description", "version", "tags", "kind"})
_DECIMALS = 6  # of USD per 1M tokens: a rate is a whole number of pico-USD a token


@dataclass(frozen=True)
class Field:
    """One field that can be varied.

    Attributes:
        path: Its dotted path from the scenario.
        part: Which of `PARTS` it belongs to.
        places: Where it stands in the part's authored data; a mixture's common field has several.
        form: How its values are written.
        unit: Their unit, as printed; empty where there is none.
    """

    path: str
    part: str
    places: tuple[tuple[str | int, ...], ...]
    form: Form
    unit: str

    @property
    def is_numeric(self) -> bool:
        """Whether its values are numbers, so that a grid can be laid over them."""
        return self.form not in ("truth", "word")

    def number(self, raw: Any) -> float:
        """Return an authored number as a float in the field's unit; money in USD.

        Raises:
            ValueError: It is written otherwise.
        """
        if self.form == "money":
            return read_money(raw) / PICO_PER_USD
        if not self.is_numeric:
            raise ValueError(f"{self.path} is no number: give its values; got {show(raw)}")
        return float(read_number(raw))

    def value(self, number: float) -> Scalar:
        """Return the nearest value that a file can state.

        Args:
            number: In the field's unit; money in USD.
        """
        if self.form == "money":
            return format_money(round(number * PICO_PER_USD))
        if self.form == "whole":
            return round(number)
        return round(number, _DECIMALS) if self.form == "decimal" else number

    def shown(self, value: Scalar) -> Scalar:
        """Return a value as results have it: a float for a number, else itself."""
        return self.number(value) if self.is_numeric else value


def fields_of(scenario: Scenario) -> dict[str, Field]:
    """Return every field that can be varied, by its dotted path.

    Args:
        scenario: Where; its first regime stands for a schedule.
    """
    found: dict[str, Field] = {}
    common: dict[str, list[Field]] = {}
    several = len(scenario.population) > 1
    for i, (_, persona) in enumerate(scenario.population):
        for one in _walk(persona, "persona", "persona", (i,)):
            common.setdefault(one.path, []).append(one)
            if several:
                path = f"persona.{persona.name}.{one.path.removeprefix('persona.')}"
                found[path] = replace(one, path=path)
    for path, ones in common.items():
        if len(ones) == len(scenario.population):
            found[path] = replace(ones[0], places=tuple(one.places[0] for one in ones))
    for part, model in (
        ("pricing", scenario.schedule[0][1]),
        ("provider", scenario.provider),
        ("task", scenario.task),
    ):
        found |= {one.path: one for one in _walk(model, part, part, ())}
    found["max_exchanges"] = Field("max_exchanges", "max_exchanges", ((),), "whole", "exchanges")
    return found


def _walk(
    value: Any, path: str, part: str, place: tuple[str | int, ...], info: Any = None
) -> Iterator[Field]:
    """Yield the fields of a model, of a list, or the one field that a value is."""
    if isinstance(value, BaseModel):
        for name, below in type(value).model_fields.items():
            label = below.alias or name
            if label not in _ABOUT:
                yield from _walk(
                    getattr(value, name), f"{path}.{label}", part, (*place, label), below
                )
    elif isinstance(value, tuple):
        for i, one in enumerate(value):
            step = getattr(one, "kind", i)
            yield from _walk(one, f"{path}.{step}", part, (*place, i), info)
    else:
        marks = [*info.metadata, *_marks(info.annotation)]
        form = _form(info.annotation, marks)
        if form is not None:
            extra = info.json_schema_extra
            unit = str(extra.get("unit", "")) if isinstance(extra, dict) else ""
            yield Field(path, part, (place,), form, "" if unit in ("1", "style") else unit)


def _marks(annotation: Any) -> list[Any]:
    """Return what the members of an annotation are annotated with, at any depth."""
    found = list(getattr(annotation, "__metadata__", ()))
    for below in get_args(annotation):
        found += _marks(below)
    return found


def _form(annotation: Any, marks: list[Any]) -> Form | None:
    for mark in marks:
        match mark:
            case Latent(form="money") | MoneyText():
                return "money"
            case Latent(form="real"):
                return "real"
            case Latent():
                return "whole"
            case RateNumber() | MultiplierNumber():
                return "decimal"
            case StyleForm():
                return "word"
    if get_origin(annotation) is Literal:
        return "word"
    kinds = {annotation, *get_args(annotation)}
    for kind, form in ((bool, "truth"), (float, "real"), (int, "whole")):
        if kind in kinds:
            return form  # type: ignore[return-value]  # the three literals above
    return None


Changes = Mapping[Field, Scalar]
"""New values of fields of one part."""


def with_changes(scenario: Scenario, changes: Changes) -> Scenario:
    """Return a scenario with fields changed, checked by the schema of each part as a file is.

    Whether any exchange fits the budget is not asked, as for `Scenario.with_pricing`.

    Args:
        scenario: Where; its first regime stands for a schedule.
        changes: Authored values by field.

    Raises:
        ScenarioError: A value is out of its range, or two do not go together.
    """
    for part in {field.part for field in changes}:
        of_part = {field: value for field, value in changes.items() if field.part == part}
        scenario = replace(scenario, **changed_part(scenario, part, of_part))
    return scenario


def changed_part(scenario: Scenario, part: str, changes: Changes) -> dict[str, Any]:
    """Return the attributes of `Scenario` that hold a part, with fields of it changed.

    Args:
        scenario: Where.
        part: One of `PARTS`.
        changes: Authored values by field, all of this part.

    Raises:
        ScenarioError: A value is out of its range, or two do not go together.
    """
    if part == "persona":
        touched = {place[0] for field in changes for place in field.places}
        return {
            "population": tuple(
                (weight, _rebuilt(persona, changes, (i,)) if i in touched else persona)
                for i, (weight, persona) in enumerate(scenario.population)
            )
        }
    if part == "pricing":
        return {"schedule": ((0, _rebuilt(scenario.schedule[0][1], changes)),)}
    if part == "max_exchanges":
        ((field, value),) = changes.items()
        if not isinstance(value, int) or not 1 <= value <= MAX_EXCHANGES:
            raise ScenarioError(f"{field.path} must be 1 to {MAX_EXCHANGES}; got {show(value)}")
        return {part: value}
    return {part: _rebuilt(getattr(scenario, part), changes)}


def _rebuilt(model: BaseModel, changes: Changes, root: tuple[str | int, ...] = ()) -> Any:
    """Return a model with fields changed, read anew from its authored form."""
    data = authored(model)
    for field, value in changes.items():
        for place in field.places:
            if place[: len(root)] == root:
                data = _with(data, place[len(root) :], value)
    problems: list[Problem] = []
    document = Document(data, "", {(): (1, 1)}, {})
    found = check(type(model), document, problems)
    if found is None:
        came = ", ".join(f"{field.path} {show(value)}" for field, value in changes.items())
        raise ScenarioError("; ".join(f"{came}: {one.where}: {one.message}" for one in problems))
    return found


def _with(data: Any, place: tuple[str | int, ...], value: Scalar) -> Any:
    """Return a copy of plain data with one value changed; the rest is shared."""
    if not place:
        return value
    first, *rest = place
    if isinstance(data, list):
        assert isinstance(first, int)
        return [*data[:first], _with(data[first], tuple(rest), value), *data[first + 1 :]]
    return {**data, first: _with(data.get(first), tuple(rest), value)}
