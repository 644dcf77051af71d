"""The fields of the schemas as rows of a table: meaning, unit, range, default."""

from __future__ import annotations

from collections.abc import Iterator
from types import UnionType
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from gtalign_env.core.moves import STYLES
from gtalign_env.money import PICO_PER_USD
from gtalign_env.persona import Constant
from gtalign_env.scenario.fields import (
    MAX_MONEY,
    MAX_MULTIPLIER,
    MAX_RATE,
    MoneyText,
    MultiplierNumber,
    RateNumber,
)
from gtalign_env.scenario.latent import Latent, StyleForm
from gtalign_env.scenario.schema import InlinePersona, InlinePricing

MEANINGS = {
    "welfare": "The joint welfare W(U, L); see the next table.",
    "algorithm": "What trains: a language model (`grpo` to `dpo`), or a network without text.",
    "model": "`kind: tiny`, or `kind: pretrained`.",
}
"""What fields mean whose schema says nothing about it."""


class Row(NamedTuple):
    """One field of a schema."""

    field: str
    meaning: str
    unit: str
    range: str
    default: str
    random: str
    """What may stand in place of a number: any distribution, a choice, or nothing."""


def rows(
    model: type[BaseModel],
    prefix: str = "",
    skip: tuple[str, ...] = (),
    default: BaseModel | None = None,
) -> Iterator[Row]:
    """Yield the fields of a schema and of the schemas in it, by dotted path.

    Args:
        model: The schema.
        prefix: What stands before every field's name.
        skip: Fields of the outermost schema to leave out.
        default: What stands in the schema's place where it is left out.
    """
    for name, info in model.model_fields.items():
        label = info.alias or name
        if label in skip:
            continue
        parts = models(info.annotation)
        if len(parts) == 1 and info.annotation is parts[0]:
            whole = None if info.is_required() else info.default
            yield from rows(parts[0], f"{prefix}{label}.", default=whole)
            continue
        row = _row(f"{prefix}{label}", info)
        if default is not None and info.is_required():
            row = row._replace(default=_number(getattr(default, name)))
        yield row
        for part in parts:
            if part in (InlinePersona, InlinePricing):
                continue  # they have tables of their own
            inner = f"{prefix}{label}{'[]' if _is_list(info.annotation) else ''}."
            kind = kind_of(part) if len(parts) > 1 else None
            for row in rows(part, inner, skip=("kind",) if kind else ()):
                meaning = row.meaning[:1].lower() + row.meaning[1:]
                yield row._replace(meaning=f"{kind}: {meaning}") if kind else row


def _row(label: str, info: FieldInfo) -> Row:
    marks = [*info.metadata, *_marks(info.annotation)]
    extra = info.json_schema_extra
    unit = str(extra.get("unit", "")) if isinstance(extra, dict) else ""
    random = ""
    for mark in marks:
        if isinstance(mark, Latent):
            random = "choice" if mark.form == "count" else "any"
        elif isinstance(mark, StyleForm):
            random = "choice"
    return Row(
        label,
        info.description or MEANINGS.get(label, ""),
        "" if unit in ("1", "style") else unit,
        _range(info.annotation, marks),
        _default(info),
        random,
    )


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "required"
    value = info.default
    if value is PydanticUndefined or value is None:
        return "none"
    if isinstance(value, BaseModel):
        plain = value.model_dump(exclude_none=True)
        return "`{" + ", ".join(f"{key}: {part}" for key, part in plain.items()) + "}`"
    if isinstance(value, Constant):
        is_style = any(isinstance(mark, StyleForm) for mark in info.metadata)
        return f"`{STYLES[int(value.value)]}`" if is_style else _number(value.value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, tuple) and value:
        return ", ".join(f"`{part}`" for part in value)
    return f"`{value}`" if value else "none"


def _range(annotation: Any, marks: list[Any]) -> str:
    for mark in marks:
        if isinstance(mark, Latent):
            return _latent_range(mark)
        if isinstance(mark, StyleForm):
            return ", ".join(STYLES)
        if isinstance(mark, MoneyText):
            return f"0 to {_number(MAX_MONEY // PICO_PER_USD)} USD"
        if isinstance(mark, RateNumber):
            return f"0 to {MAX_RATE:,}"
        if isinstance(mark, MultiplierNumber):
            return f"0 to {MAX_MULTIPLIER}"
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(annotation))
    if annotation is bool:
        return "true, false"
    if annotation is str or _is_list(annotation):
        return _lengths(marks, "characters" if annotation is str else "entries")
    low = high = ""
    for mark in marks:
        match mark:
            case Ge(ge=end):
                low = f"≥ {_number(end)}"
            case Gt(gt=end):
                low = f"> {_number(end)}"
            case Le(le=end):
                high = f"≤ {_number(end)}"
            case Lt(lt=end):
                high = f"< {_number(end)}"
    return _between(low, high)


def _latent_range(mark: Latent) -> str:
    scale = PICO_PER_USD if mark.form == "money" else 1
    unit = " USD" if mark.form == "money" else ""
    most = mark.cap if mark.high is None else mark.high
    least = -mark.cap if mark.low is None else mark.low
    return _between(
        f"{'>' if mark.above else '≥'} {_number(least)}", f"≤ {_number(most / scale)}{unit}"
    )


def _between(low: str, high: str) -> str:
    if low.startswith("≥") and high.startswith("≤"):
        return f"{low[2:]} to {high[2:]}"
    return ", ".join(end for end in (low, high) if end)


def _lengths(marks: list[Any], what: str) -> str:
    low, high = 0, 0
    for mark in marks:
        match mark:
            case MinLen(min_length=low):
                pass
            case MaxLen(max_length=high):
                pass
    if not high:
        return f"at least {low}" if low else ""
    return f"{low} to {high:,} {what}" if low else f"up to {high:,} {what}"


def _number(value: Any) -> str:
    """Return a number as an author would write it."""
    number = float(value)
    if number == int(number):
        return f"{int(number):,}".replace("-", "−")
    return f"{number:g}".replace("-", "−")


def kind_of(model: type[BaseModel]) -> str | None:
    """Return the name by which a member of a union is told apart, if it has one."""
    info = model.model_fields.get("kind")
    return str(get_args(info.annotation)[0]) if info else None


def models(annotation: Any) -> list[type[BaseModel]]:
    """Return the schemas that an annotation mentions, in order."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for part in get_args(annotation) for found in models(part)]


def _marks(annotation: Any) -> list[Any]:
    """Return the metadata of an optional field's inner annotation."""
    if get_origin(annotation) not in (Union, UnionType):
        return []
    return [mark for part in get_args(annotation) for mark in getattr(part, "__metadata__", ())]


def _is_list(annotation: Any) -> bool:
    return get_origin(annotation) is tuple or any(map(_is_list, get_args(annotation)))
