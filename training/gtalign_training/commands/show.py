"""`gtalign show`: one entry, every number with its unit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel
from rich.table import Table

from gtalign_env.errors import ScenarioError, suggest
from gtalign_env.scenario.fields import authored
from gtalign_env.scenario.library import KINDS, find, search_roots, where_to_look
from gtalign_env.scenario.loader import load_scenario
from gtalign_env.scenario.resolved import Scenario
from gtalign_training.authored import kind_named, list_all, validate_any
from gtalign_training.commands.options import Folders, Json
from gtalign_training.console import out, print_json, safe
from gtalign_training.recipe import Recipe

EXAMPLES = (
    "gtalign show quick_question",
    "gtalign show student --json",
    "gtalign show my_games/price_rise.yaml",
)

MOST_LISTED = 12  # parts of a list that are shown one by one


def show(
    name_or_file: Annotated[str, typer.Argument(help="A name of the library, or a file.")],
    kind: Annotated[
        str | None, typer.Option(help="Its kind, where several share the name.")
    ] = None,
    path: Folders = None,
    json: Json = False,
) -> None:
    """Show one entry with its units, all names resolved."""
    file = _find(name_or_file, kind, path or ())
    found, model = validate_any(file, search=path or ())
    scenario = load_scenario(file, path=path or ()) if found == "scenario" else None
    if json:
        data = scenario.to_data() if scenario else _as_written(model)
        about = {"kind": found, "path": str(file), "digest": scenario.digest if scenario else None}
        print_json({**about, "data": data})
        return
    table = Table("field", "value", "unit", box=None, pad_edge=False)
    for field, value, unit in _scenario_rows(scenario) if scenario else _rows(model, ""):
        table.add_row(safe(field, "bold"), safe(value), unit)
    console = out()
    console.print(safe(f"{found} {file}", "dim"), soft_wrap=True)
    console.print(table)
    if scenario:
        console.print(safe(f"digest {scenario.digest}", "dim"), soft_wrap=True)


def _find(name_or_file: str, kind: str | None, path: list[Path] | tuple[()]) -> Path:
    """Return the file meant; a name may be of any kind as long as one kind has it."""
    if name_or_file.endswith((".yaml", ".yml")) or "/" in name_or_file:
        return Path(name_or_file)
    kind = None if kind is None else kind_named(kind)
    if kind in KINDS:
        return find(kind, name_or_file, search_roots(path))
    entries = list_all(kind, path=path)
    same = [entry for entry in entries if entry.name == name_or_file]
    if len(same) > 1:
        kinds = ", ".join(entry.kind for entry in same)
        raise ScenarioError(f"{name_or_file!r} is the name of several; give --kind, one of {kinds}")
    if same:
        return same[0].path
    hint = suggest(name_or_file, [entry.name for entry in entries]) + where_to_look()
    raise ScenarioError(f"nothing is named {name_or_file!r}.{hint}")


def _as_written(model: BaseModel) -> dict[str, Any]:
    """Return a model as an author would write it; of a recipe, no other algorithm's section."""
    plain = authored(model)
    return (
        {k: plain[k] for k in plain if k in model.plain()} if isinstance(model, Recipe) else plain
    )


def _scenario_rows(scenario: Scenario) -> Iterator[tuple[str, str, str]]:
    yield "name", scenario.name, ""
    yield "description", scenario.description, ""
    for weight, persona in scenario.population:
        yield f"persona {persona.name}", f"{weight:.6g}", "share"
        yield from _rows(persona, "  ", skip=("schema", "name", "tags", "version"))
    for start, pricing in scenario.schedule:
        yield f"pricing {pricing.name}", f"from conversation {start}", ""
        yield from _rows(pricing, "  ", skip=("schema", "name", "tags", "version"))
    for title in ("provider", "task"):
        yield title, "", ""
        yield from _rows(getattr(scenario, title), "  ")
    yield "max_exchanges", str(scenario.max_exchanges), "exchanges"
    yield "welfare", scenario.welfare.kind, ""
    yield from _rows(scenario.welfare, "  ", skip=("kind",))


def _rows(
    model: BaseModel, indent: str, skip: tuple[str, ...] = ()
) -> Iterator[tuple[str, str, str]]:
    """Yield field, value as authored, and unit, of a model and the models in it."""
    plain = _as_written(model)
    fields = {info.alias or name: (name, info) for name, info in type(model).model_fields.items()}
    for label in plain:
        if label in skip:
            continue
        name, info = fields[label]
        value = getattr(model, name)
        extra = info.json_schema_extra
        unit = str(extra.get("unit", "")) if isinstance(extra, dict) else ""
        unit = "" if unit == "1" else unit  # a share or an exponent has none
        if isinstance(value, BaseModel):
            yield f"{indent}{label}", "", ""
            yield from _rows(value, indent + "  ")
        elif isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
            yield f"{indent}{label}", f"{len(value)} in all", ""
            for i, part in enumerate(value[:MOST_LISTED]):
                yield f"{indent}  [{i}]", "", ""
                yield from _rows(part, indent + "    ")
        else:
            yield f"{indent}{label}", _text(plain[label]), unit


def _text(value: Any) -> str:
    """Return a value as an author would write it on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_text(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_text(part) for part in value) + "]"
    return f"{value:.10g}" if isinstance(value, float) else str(value)
