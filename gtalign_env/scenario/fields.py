"""The field types that authored files share: names, money, rates, and the base of all models.

A field type is an annotation: it says how the authored form is read, written back, and described
in JSON Schema. What a validator finds wrong goes through `fail`, which may report several problems
at once, each with the path of the part that is wrong.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any, NoReturn

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError, core_schema

from gtalign_env.core.moves import STYLES
from gtalign_env.money import PICO_PER_USD, format_money, parse_money, rate_per_token
from gtalign_env.persona import Constant

MAX_MONEY = 10_000 * PICO_PER_USD
"""Largest amount a file may state, pico-USD: sums over a conversation then fit int64."""

MAX_RATE = 1_000
"""Largest token rate, USD per 1M tokens; with `MAX_TOKENS` it keeps any bill within int64."""

MAX_TOKENS = 1_000_000
"""Longest message, tokens."""

MAX_EXCHANGES = 64
"""Most exchanges that a conversation can be allowed."""

MAX_POINTS = 1e6
"""Largest size of a number of points."""

MAX_MULTIPLIER = 100
"""Largest surge factor."""

MAX_DENOMINATOR = 10_000
"""Largest denominator of a surge factor in lowest terms: four decimals."""

NAME_PATTERN = r"^[a-z0-9][a-z0-9_-]*$"

_RATIO = re.compile(r"^([0-9]{1,6})/([1-9][0-9]{0,5})$")
_LARGEST = 1e300  # leaves room to multiply
_MONEY_PATTERN = r"^\s*[0-9]+(\.[0-9]+)?\s*USD\s*$"
_MONEY_LENGTH = 24  # characters; room for the largest amount to the last pico-USD

Fault = tuple[tuple[str | int, ...], str]
"""Path below the field, and what must hold there."""


class Strict(BaseModel):
    """Base of all authored models: frozen, exact about types, no unknown keys, finite numbers."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, validate_by_name=False
    )


def _require_schema(schema: dict[str, Any]) -> None:
    schema.setdefault("required", []).insert(0, "schema")


class AuthoredFile(Strict):
    """Base of the models of whole files: their JSON Schema asks for the schema line.

    Python code need not give it; the loader, which chooses the model by it, insists on it.
    """

    model_config = ConfigDict(json_schema_extra=_require_schema)


_HEAD = ("schema", "name", "description", "version", "tags")


def authored(model: BaseModel) -> dict[str, Any]:
    """Return a model as plain data in the form of its file, defaults written out, head first."""
    plain = model.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {key: plain[key] for key in _HEAD if key in plain} | plain


def fail(*faults: Fault) -> NoReturn:
    """Raise one validation error that carries all the faults of a value.

    Raises:
        PydanticCustomError: Always.
    """
    text = "; ".join(message for _, message in faults)
    raise PydanticCustomError("gtalign", "{text}", {"text": text, "faults": list(faults)})


def described(description: str, unit: str, **constraints: Any) -> Any:
    """Return a numeric field with its unit and range.

    Args:
        description: What the number means.
        unit: Its unit; ``"1"`` for shares and exponents.
        constraints: As for pydantic's ``Field``: ``ge``, ``gt``, ``le``, ``lt``, ``default`` ...
    """
    extra: dict[str, Any] = {"unit": unit}
    if isinstance(default := constraints.get("default"), Constant):
        # an editor shows what an author would write
        extra["default"] = STYLES[int(default.value)] if unit == "style" else default.value
    return Field(description=description, json_schema_extra=extra, **constraints)


def schema_line(schema: str) -> Any:
    """Return the field of a file's schema line, such as ``schema: gtalign/persona/1``."""
    return Field(default=schema, alias="schema", description="What this file is, and its format.")


def show(value: Any) -> str:
    """Return a value for a message: its repr, cut to a line's worth."""
    text = repr(value)
    return text if len(text) <= 60 else text[:59] + "…"


@dataclass(frozen=True)
class MoneyText:
    """Reads text such as ``0.05 USD`` into pico-USD, and writes it back."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Return the validator and serialiser."""
        return core_schema.no_info_plain_validator_function(
            lambda raw: _or_fail(read_money, raw),
            serialization=core_schema.plain_serializer_function_ser_schema(format_money),
        )

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Return the JSON Schema of the authored form."""
        return money_json_schema()


@dataclass(frozen=True)
class RateNumber:
    """Reads USD per 1M tokens into integer pico-USD per token, and writes it back."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Return the validator and serialiser."""
        return core_schema.no_info_plain_validator_function(
            lambda raw: _or_fail(_read_rate, raw),
            serialization=core_schema.plain_serializer_function_ser_schema(_write_rate),
        )

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Return the JSON Schema of the authored form."""
        return {"type": "number", "minimum": 0, "maximum": MAX_RATE}


@dataclass(frozen=True)
class MultiplierNumber:
    """Reads a factor, a decimal number or a text such as ``4/3``, exactly; writes it back."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Return the validator and serialiser."""
        return core_schema.no_info_plain_validator_function(
            lambda raw: _or_fail(_read_multiplier, raw),
            serialization=core_schema.plain_serializer_function_ser_schema(_write_multiplier),
        )

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Return the JSON Schema of the authored forms."""
        number = {"type": "number", "minimum": 0, "maximum": MAX_MULTIPLIER}
        return {"anyOf": [number, {"type": "string", "pattern": _RATIO.pattern}]}


def money_json_schema() -> JsonSchemaValue:
    """Return the JSON Schema of an amount of money."""
    return {"type": "string", "pattern": _MONEY_PATTERN, "examples": ["0.05 USD"]}


def read_money(raw: Any) -> int:
    """Return the amount of a text such as ``0.05 USD``, pico-USD.

    Raises:
        ValueError: It is not money, or more than `MAX_MONEY`.
    """
    if not isinstance(raw, str):
        raise ValueError(f"must be an amount with its unit, such as 0.05 USD; got {show(raw)}")
    text = raw.strip()
    if text.startswith("-"):
        raise ValueError(f"money must not be negative; got {show(raw)}")
    if len(text) > _MONEY_LENGTH:
        raise ValueError(f"must be an amount of at most 12 decimals; got {show(raw)}")
    try:
        amount = parse_money(text)
    except ValueError as error:
        raise ValueError(str(error)) from error
    if amount > MAX_MONEY:
        raise ValueError(f"must be at most {format_money(MAX_MONEY)}; got {show(raw)}")
    return amount


def read_number(raw: Any) -> float | int:
    """Return a finite number, refusing text and truth values.

    Raises:
        ValueError: It is none.
    """
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        raise ValueError(f"must be a number; got {show(raw)}{_unquoted(raw)}")
    if not abs(raw) <= _LARGEST:  # so written, it refuses NaN too
        raise ValueError(f"must be a finite number; got {show(raw)}")
    return raw


def _unquoted(raw: Any) -> str:
    """Return what to do about a number that stands in quotes, else nothing."""
    try:
        float(raw if isinstance(raw, str) else "")
    except ValueError:
        return ""
    return ". Remove the quotes."


def _read_rate(raw: Any) -> int:
    number = read_number(raw)
    if not 0 <= number <= MAX_RATE:
        raise ValueError(f"must be 0 to {MAX_RATE} USD per 1M tokens; got {show(raw)}")
    return rate_per_token(number)


def _write_rate(pico_per_token: int) -> float:
    """Return USD per 1M tokens; at most 10 digits, so the double prints as the exact decimal."""
    return pico_per_token / 10**6


def _read_multiplier(raw: Any) -> Fraction:
    if isinstance(raw, Fraction):
        return raw
    if isinstance(raw, str):
        found = _RATIO.fullmatch(raw)
        if found is None:
            raise ValueError(f"must be a number, or a fraction such as 4/3; got {show(raw)}")
        factor = Fraction(int(found[1]), int(found[2]))
    else:
        factor = Fraction(str(read_number(raw)))  # the decimal number that it prints as
    if not 0 <= factor <= MAX_MULTIPLIER:
        raise ValueError(f"must be 0 to {MAX_MULTIPLIER}; got {show(raw)}")
    if factor.denominator > MAX_DENOMINATOR:
        raise ValueError(f"must have at most 4 decimals; got {show(raw)}; or write it as 4/3")
    return factor


def _write_multiplier(factor: Fraction) -> float | str:
    """Return the decimal number where there is one, else the fraction."""
    decimal = float(factor)
    return decimal if Fraction(str(decimal)) == factor else str(factor)


def _or_fail(read: Any, raw: Any) -> Any:
    try:
        result = read(raw)
    except ValueError as error:
        fail(((), str(error)))
    return result


Money = Annotated[int, MoneyText()]
"""pico-USD, written as text such as ``0.05 USD``."""

Multiplier = Annotated[Fraction, MultiplierNumber()]
"""An exact factor, written as a decimal number or as text such as ``4/3``."""

Rate = Annotated[int, RateNumber()]
"""pico-USD per token, written as a number of USD per 1M tokens."""

Name = Annotated[
    str,
    Field(
        pattern=NAME_PATTERN,
        max_length=64,
        description="Lower-case letters, digits, _ and -; the file is called so too.",
    ),
]

Description = Annotated[
    str, Field(min_length=1, max_length=2000, description="What this is for, in a sentence or two.")
]


def _unique(tags: tuple[str, ...]) -> tuple[str, ...]:
    for index, tag in enumerate(tags):
        if tag in tags[:index]:
            fail(((index,), f"a tag may stand once; {tag!r} is repeated"))
    return tags


Version = Annotated[
    int,
    Field(
        ge=1,
        le=10**6,
        description="Raised when the numbers change.",
        json_schema_extra={"unit": "1"},
    ),
]

Tags = Annotated[
    tuple[Name, ...],
    AfterValidator(_unique),
    Field(max_length=20, description="Words to find this file by."),
]
