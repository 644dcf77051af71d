"""Annotations for numbers that may be a constant or a distribution, with their ranges.

A range holds over the whole support: a normal without ends is refused where the field has one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema

from gtalign_env.core.moves import STYLES
from gtalign_env.errors import suggest
from gtalign_env.money import format_money
from gtalign_env.persona import Choice, Constant, Distribution, LogNormal, Normal, Uniform
from gtalign_env.scenario.distributions import (
    MAX_SIGMA,
    MAX_VALUES,
    DistributionReader,
    Form,
    Path,
    read_choice,
    write_distribution,
)
from gtalign_env.scenario.fields import MAX_POINTS, Fault, fail, money_json_schema, show

_LAST = 1 - 2**-53  # the largest uniform number that is ever drawn
_WEIGHT = {"type": "number", "exclusiveMinimum": 0, "maximum": 1e6}


@dataclass(frozen=True)
class Latent:
    """A number or a distribution, within a range.

    Attributes:
        low: Smallest value allowed; None where only `cap` limits it.
        high: Largest value allowed; None where only `cap` limits it.
        above: Whether `low` itself is excluded.
        form: What a single number looks like.
        cap: Largest size of anything that can be drawn, in the field's unit.
    """

    low: float | None = None
    high: float | None = None
    above: bool = False
    form: Form = "real"
    cap: float = MAX_POINTS

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Return the validator and serialiser."""
        return core_schema.no_info_plain_validator_function(
            self.read,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda value: write_distribution(value, self.form)
            ),
        )

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Return the JSON Schema of the authored forms."""
        return _json_schema(self)

    def read(self, raw: Any) -> Distribution:
        """Return the distribution of an authored form, or fail with everything wrong in it."""
        reader = DistributionReader(self.form)
        found = raw if isinstance(raw, Distribution) else reader.read(raw)
        faults = reader.faults
        if found is not None and not faults:
            faults = list(self._out_of_range(found))
        if found is None or faults:
            fail(*faults)
        return found

    def _out_of_range(self, value: Distribution) -> list[Fault]:
        faults: list[Fault] = []
        for path, end, reached in _ends(value):
            if self.low is not None and (
                end < self.low or (self.above and reached and end == self.low)
            ):
                advice = "; give min" if math.isinf(end) else ""
                faults.append((path, f"must be {self._needs()}{advice}; got {self._text(end)}"))
            elif self.high is not None and end > self.high:
                advice = "; give max" if isinstance(value, Normal) and math.isinf(end) else ""
                faults.append((path, f"must be {self._needs()}{advice}; got {self._text(end)}"))
        if not faults:
            far = max(abs(value.quantile(0.0)), abs(value.quantile(_LAST)))
            if isinstance(value, Choice):
                far = max(abs(one) for one in value.values)
            if far > self.cap:
                most = f"must stay within ±{self._text(self.cap)}" if self.low is None else ""
                most = most or f"must be at most {self._text(self.cap)}"
                faults.append(((), f"{most}; got {self._text(far)}"))
        return faults

    def _needs(self) -> str:
        if self.low is not None and self.high is not None:
            bracket = "(" if self.above else "["
            return f"in {bracket}{self._text(self.low)}, {self._text(self.high)}]"
        if self.low is not None:
            return f"{'above' if self.above else 'at least'} {self._text(self.low)}"
        return f"at most {self._text(self.high or 0.0)}"

    def _text(self, number: float) -> str:
        if math.isinf(number):
            return "infinity" if number > 0 else "-infinity"
        return format_money(round(number)) if self.form == "money" else f"{number:.6g}"


def _ends(value: Distribution) -> list[tuple[Path, float, bool]]:
    """Return what limits the support: path, value, and whether it can be drawn."""
    match value:
        case Constant():
            return [((), value.value, True)]
        case Choice():
            return [(("choice", "values", i), one, True) for i, one in enumerate(value.values)]
        case Uniform():
            return [(("uniform", 0), value.low, True), (("uniform", 1), value.high, True)]
        case Normal():
            sides = (("min", value.low), ("max", value.high))
            return [
                (("normal", name) if math.isfinite(end) else ("normal",), end, True)
                for name, end in sides
            ]
        case LogNormal():
            return [(("lognormal",), 0.0, False), (("lognormal",), math.inf, False)]


def support(value: Distribution) -> tuple[float, float]:
    """Return the smallest and largest value that can be drawn."""
    ends = [end for _, end, _ in _ends(value)]
    return min(ends), max(ends)


def _json_schema(latent: Latent) -> JsonSchemaValue:
    if latent.form == "money":
        number: JsonSchemaValue = money_json_schema()
        stated = number
    else:
        number = {"type": "number"}
        low = -latent.cap if latent.low is None else latent.low
        number["exclusiveMinimum" if latent.above else "minimum"] = low
        number["maximum"] = latent.cap if latent.high is None else latent.high
        stated = number if latent.form == "real" else number | {"type": "integer"}
    return {"anyOf": [stated, *_densities(latent, number), _choice_schema(stated)]}


def _densities(latent: Latent, number: JsonSchemaValue) -> list[JsonSchemaValue]:
    if latent.form == "count":
        return []
    size = number if latent.form == "money" else {"type": "number", "exclusiveMinimum": 0}
    free = number if latent.form == "money" else {"type": "number"}
    sigma = {"type": "number", "exclusiveMinimum": 0, "maximum": MAX_SIGMA}
    least, most = dict(free), dict(free)  # no cap here: what is cut off may lie far out
    if latent.form != "money":
        if latent.low is not None:
            least["exclusiveMinimum" if latent.above else "minimum"] = latent.low
        if latent.high is not None:
            most["maximum"] = latent.high
    forms = [
        _one("uniform", {"type": "array", "items": number, "minItems": 2, "maxItems": 2}),
        _one(
            "normal",
            _object({"mean": free, "std": size, "min": least, "max": most}, ["mean", "std"]),
        ),
    ]
    if latent.high is None:  # a lognormal has no upper end
        forms.append(_one("lognormal", _object({"mean": size, "sigma": sigma}, ["mean", "sigma"])))
    return forms


def _choice_schema(value: JsonSchemaValue) -> JsonSchemaValue:
    bounds = {"minItems": 1, "maxItems": MAX_VALUES}
    values = {"type": "array", "items": value, **bounds}
    weights = {"type": "array", "items": _WEIGHT, **bounds}
    return _one("choice", _object({"values": values, "weights": weights}, ["values"]))


def _one(key: str, body: JsonSchemaValue) -> JsonSchemaValue:
    return _object({key: body}, [key])


def _object(properties: dict[str, JsonSchemaValue], required: list[str]) -> JsonSchemaValue:
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


@dataclass(frozen=True)
class StyleForm:
    """A visible style, or a choice of styles; read as a distribution over indices of STYLES."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Return the validator and serialiser."""
        return core_schema.no_info_plain_validator_function(
            _read_style,
            serialization=core_schema.plain_serializer_function_ser_schema(_write_style),
        )

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Return the JSON Schema of the authored forms."""
        one: JsonSchemaValue = {"type": "string", "enum": list(STYLES)}
        return {"anyOf": [one, _choice_schema(one)]}


def _read_style(raw: Any) -> Constant | Choice:
    faults: list[Fault] = []

    def index(name: Any, path: Path) -> float | None:
        if isinstance(name, str) and name in STYLES:
            return STYLES.index(name)
        hint = suggest(name, STYLES) if isinstance(name, str) else ""
        faults.append((path, f"must be one of {', '.join(STYLES)}; got {show(name)}.{hint}"))
        return None

    found: Constant | Choice | None = None
    if isinstance(raw, Constant | Choice):
        return raw
    if not isinstance(raw, dict):
        number = index(raw, ())
        found = None if number is None else Constant(number)
    else:
        found = _style_choice(raw, index, faults)
    if found is None or faults:
        fail(*faults)
    return found


def _style_choice(
    raw: dict[str, Any], index: Callable[[Any, Path], float | None], faults: list[Fault]
) -> Choice | None:
    """Return the choice of styles that a mapping describes, or None with what is wrong appended."""
    unknown = [key for key in raw if key != "choice"]
    faults += [((key,), f"unknown field.{suggest(key, ('choice',))}") for key in unknown]
    body = raw.get("choice")
    if not unknown and not isinstance(body, dict):
        faults.append(((), "must be a style or {choice: {values: [...], weights: [...]}}"))
    if faults or not isinstance(body, dict):
        return None
    known = ("values", "weights")
    faults += [
        (("choice", key), f"unknown field.{suggest(key, known)}")
        for key in body
        if key not in known
    ]
    if "values" not in body:
        faults.append((("choice", "values"), "required, and missing"))
    return None if faults else read_choice(body, index, faults)


def _write_style(value: Constant | Choice) -> Any:
    if isinstance(value, Constant):
        return STYLES[int(value.value)]
    names = [STYLES[int(index)] for index in value.values]
    return {"choice": {"values": names, "weights": list(value.weights)}}
