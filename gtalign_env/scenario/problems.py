"""Turn pydantic's errors into problems with a place, a reason and a suggestion."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from gtalign_env.errors import nearest, suggest
from gtalign_env.scenario.fields import NAME_PATTERN, show
from gtalign_env.scenario.yaml_reader import Document, Key, Problem, field_path

M = TypeVar("M", bound=BaseModel)

MOST_LISTED = 24  # field names listed where none is near enough to suggest

_UNKNOWN = "extra_forbidden"
_QUOTED = re.compile(r"'([^']*)'")
_WHAT = {
    "float_type": "must be a number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "bool_type": "must be true or false",
    "string_type": "must be text",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
    "dict_type": "must be a mapping",
}
_NOT_BOOLEAN = {"yes": "true", "on": "true", "no": "false", "off": "false"}


def check(model: type[M], document: Document, problems: list[Problem]) -> M | None:
    """Return the model of a document, or None with all that is wrong appended.

    Args:
        model: The schema.
        document: What was read.
        problems: Where to append.
    """
    try:
        # JSON mode with strict types takes a list for a tuple and nothing else for anything.
        return model.model_validate_json(json.dumps(document.data))
    except ValidationError as error:
        errors = error.errors(include_url=False)
        meant = {_meant(model, document, one) for one in errors if one["type"] == _UNKNOWN}
        for one in errors:
            mistyped = one["type"] == "missing" and _missing(document, one) in meant
            if not mistyped and not _follows(one):
                problems.extend(_explain(model, document, one))
        return None


def _missing(document: Document, error: Any) -> Key:
    """Return the path of a field that is required, and missing."""
    return (*_data_path(document.data, error["loc"]), error["loc"][-1])


def _meant(model: type[BaseModel], document: Document, error: Any) -> Key | None:
    """Return the path of the missing field that an unknown one is taken for; None for none."""
    path = _data_path(document.data, error["loc"])
    near = nearest(str(error["loc"][-1]), _missing_beside(model, document, error["loc"], path))
    return None if near is None else (*path[:-1], near)


def _missing_beside(
    model: type[BaseModel], document: Document, loc: Key, path: Key
) -> Iterator[str]:
    beside = _at(document.data, path[:-1])
    return (name for name in _known_fields(model, loc[:-1]) if name not in beside)


def _follows(error: Any) -> bool:
    """Return whether an error only follows from others: a list is long enough as it was written.

    The library counts the items that are right, and tells of the wrong ones as well.
    """
    came = error["input"]
    short = error["type"] == "too_short" and isinstance(came, list)
    return short and len(came) >= error["ctx"]["min_length"]


def _explain(model: type[BaseModel], document: Document, error: Any) -> list[Problem]:
    """Return the problems behind one pydantic error."""
    loc: Key = tuple(error["loc"])
    kind: str = error["type"]
    came = error["input"]
    context: dict[str, Any] = error.get("ctx") or {}
    path = _data_path(document.data, loc)
    if kind == "missing":
        where = _missing(document, error)
        return [Problem(document.locate(path), field_path(where), "required, and missing")]
    if kind == _UNKNOWN:
        known = _known_fields(model, loc[:-1])
        word = str(loc[-1])
        # one that is missing is rather meant than one given
        missing = _missing_beside(model, document, loc, path)
        hint = suggest(word, missing) or suggest(word, known)
        hint = hint or (f" Known here: {', '.join(known)}." if len(known) <= MOST_LISTED else "")
        position = document.locate(path, key=True)
        return [Problem(position, field_path(path), f"unknown field.{hint}")]
    if "faults" in context:
        return [
            Problem(
                document.locate((*path, *below), key=message.startswith("unknown")),
                field_path((*path, *below)),
                message,
            )
            for below, message in context["faults"]
        ]
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return [_wrong_kind(document, path, context, came)]
    return [Problem(document.locate(path), field_path(path), _reason(kind, error, came, context))]


def _wrong_kind(document: Document, path: Key, context: dict[str, Any], came: Any) -> Problem:
    """Return the problem of a mapping whose ``kind`` selects no schema."""
    tag = context["discriminator"].strip("'")
    where = field_path((*path, tag))
    if not isinstance(came, dict):
        return Problem(
            document.locate(path), field_path(path), f"must be a mapping; got {show(came)}"
        )
    if tag not in came:
        if typed := [key for key in came if suggest(key, (tag,))]:
            at = (*path, typed[0])
            message = f"unknown field.{suggest(typed[0], (tag,))}"
            return Problem(document.locate(at, key=True), field_path(at), message)
        return Problem(document.locate(path), where, "required, and missing")
    choices = _QUOTED.findall(context.get("expected_tags", ""))
    message = f"must be one of {', '.join(choices)}; got {show(came[tag])}."
    return Problem(document.locate((*path, tag)), where, message + suggest(str(came[tag]), choices))


def _reason(kind: str, error: Any, came: Any, context: dict[str, Any]) -> str:
    """Return what must hold and what came, for one value."""
    if kind == "literal_error":
        choices = _QUOTED.findall(context["expected"])
        hint = suggest(came, choices) if isinstance(came, str) else ""
        return f"must be {' or '.join(choices)}; got {show(came)}.{hint}"
    if kind == "string_pattern_mismatch" and context["pattern"] == NAME_PATTERN:
        what = "must be a name of lower-case letters, digits, _ and -"
    elif kind in _WHAT:
        what = _WHAT[kind]
    else:
        what = str(error["msg"]).replace("Input should", "must", 1)
        what = re.sub(r"^(String|Tuple|List) should", "must", what)
        what = what.replace(" after validation", "").partition(", not ")[0]
    hint = ""
    if kind == "bool_type" and isinstance(came, str) and came.lower() in _NOT_BOOLEAN:
        hint = f" Did you mean {_NOT_BOOLEAN[came.lower()]}?"
    elif kind in ("float_type", "int_type") and isinstance(came, str) and _is_number(came):
        hint = " Remove the quotes or digit separators."
    return f"{what}; got {show(came)}" + (f".{hint}" if hint else "")


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", ""))
    except ValueError:
        return False
    return True


def _at(data: Any, path: Key) -> Any:
    """Return the part of the data at a path that exists."""
    for step in path:
        data = data[step]
    return data


def _data_path(data: Any, loc: Key) -> Key:
    """Return the part of a pydantic location that exists in the data.

    Locations also name members of unions, which authors never wrote; those are left out.
    """
    path: list[str | int] = []
    for step in loc:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            continue
        path.append(step)
    return tuple(path)


def _known_fields(model: type[BaseModel], loc: Key) -> list[str]:
    """Return the names an author may use at a place, as the schema has them."""
    here = [model]
    for step in loc:
        if isinstance(step, int):
            continue
        below = [
            found
            for owner in here
            for name, info in owner.model_fields.items()
            if (info.alias or name) == step
            for found in _models_in(info.annotation)
        ]
        of_kind = [one for one in here if _kind_of(one) == step]
        here = below or of_kind or here
    return list(
        dict.fromkeys(
            info.alias or name for owner in here for name, info in owner.model_fields.items()
        )
    )


def _kind_of(model: type[BaseModel]) -> str | None:
    info = model.model_fields.get("kind")
    return get_args(info.annotation)[0] if info else None


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    """Return the models that an annotation mentions, at any depth."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for part in get_args(annotation) for found in _models_in(part)]
