"""The shipped JSON Schemas and the loader: an editor shows red only where the loader does too.

Editors check a file as YAML 1.2 against its JSON Schema. What the schema cannot say is listed in
`BEYOND`; there, and only there, the loader may refuse what the schema accepts.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from gtalign_env.core.exact import normal_form
from gtalign_env.errors import ScenarioError
from gtalign_env.scenario.compile import compile_scenario
from gtalign_env.scenario.json_schema import shipped_schema
from gtalign_env.scenario.library import list_entries
from gtalign_env.scenario.loader import load_scenario, parse_scenario, validate_file
from gtalign_env.scenario.yaml_reader import Key, read_file

KINDS = ("persona", "pricing", "scenario", "game")
ENTRIES = [entry for kind in (*KINDS, "tasks") for entry in list_entries(kind)]

BEYOND = (
    "must equal the file's name",
    "no persona is named",
    "no pricing is named",
    "is repeated",
    "may stand once",
    "must be at most interpretations",
    "no exchange fits the budget",
    "must be above the lower end",
    "must be above min",
    "must leave some of the distribution",
    "must be at least",  # of what a distribution could draw, and of a normal without its ends
    "must be in (",
    "must be in [",
    "must be at most",
    "must stay within",
    "must be above",
    "one for each value",
    "one of the two weights must be above 0",
    "both weights above 0",
    "required with included_output_tokens",
    "must not stand without included_output_tokens",
    "only changes the price of exchanges",
    "must fit 64 bits",
    "must have at most 4 decimals",
    "must begin at conversation 0",
    "the last tier has no end",
    "required on all tiers but the last",
    "must be below every",
    "finer than one pico-USD",
    "rows, one a user plan",
    "numbers, one an assistant plan",
    "must be an amount",
    "must be a finite number",
    "must be a whole number",  # 1.0 is an integer to a JSON Schema
)
"""Parts of the messages about what a JSON Schema cannot say, or says less exactly."""

SCHEMAS = {
    kind: jsonschema.Draft202012Validator(json.loads(shipped_schema(kind).read_text("utf-8")))
    for kind in (*KINDS, "tasks")
}


def refusal(data: dict[str, Any], name: str, folder: Path) -> str:
    """Return what the loader says of data written as a file; empty if it is accepted."""
    file = folder / f"{name}.yaml"
    try:
        file.write_text(json.dumps(data), encoding="utf-8")
        validate_file(file)
    except ScenarioError as error:
        return str(error)
    finally:
        file.unlink()
    return ""


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: f"{entry.kind}-{entry.name}")
def test_an_editor_has_nothing_to_say_about_a_bundled_file(entry: Any) -> None:
    SCHEMAS[entry.kind].validate(read_file(entry.path).data)


def places(data: Any, path: Key = ()) -> Iterator[Key]:
    """Yield the path of every part of the data, the whole left out."""
    parts = data.items() if isinstance(data, dict) else enumerate(data)
    for step, part in parts:
        yield (*path, step)
        if isinstance(part, dict | list):
            yield from places(part, (*path, step))


def with_part(data: dict[str, Any], path: Key, change: Any) -> dict[str, Any]:
    """Return a copy whose part at a path is replaced, or removed by ``...``."""
    made = copy.deepcopy(data)
    owner: Any = made
    for step in path[:-1]:
        owner = owner[step]
    if change is ...:
        del owner[path[-1]]
    else:
        owner[path[-1]] = change
    return made


VALUES: list[Any] = [
    *(..., None, True, "", "x", "1", [], {}, [1], 0, 1, -1, 0.5, 1.0, 2, 64, 65, 1000, 1001, 1e-9),
    *(10**6, 10**6 + 1, 10**9, 10**9 + 1, 2**53, 1e300, "0 USD", "1 USD", "10000 USD", "-1 USD"),
    *("10001 USD", "1 EUR", "0.0000000000001 USD", "4/3", "1/0", "plain", "busy_engineer", "Name"),
    {"uniform": [1, 2]},
    {"uniform": [2, 1]},
    {"normal": {"mean": 1, "std": 1}},
    {"normal": {"mean": 1, "std": 1, "min": 0.5, "max": 1}},
    {"lognormal": {"mean": 1, "sigma": 1}},
    {"choice": {"values": [1, 2], "weights": [1, 1]}},
    {"choice": {"values": ["plain", "terse"]}},
    {"choice": {"values": ["0.01 USD", "0.02 USD"]}},
    {"x": 1},
]
"""What any part of a file is replaced by; ``...`` removes it."""


@pytest.mark.parametrize("kind", KINDS)
def test_editor_and_loader_agree_on_every_part_replaced_by_anything(
    kind: str, tmp_path: Path
) -> None:
    rng = random.Random(3)
    cases = [
        (entry, path, value)
        for entry in ENTRIES
        if entry.kind == kind
        for path in places(read_file(entry.path).data)
        for value in VALUES
    ]
    agreed = beyond = 0
    for entry, path, value in rng.sample(cases, min(800, len(cases))):
        data = with_part(read_file(entry.path).data, path, value)
        red = not SCHEMAS[kind].is_valid(data)
        said = refusal(data, entry.name, tmp_path)
        case = f"{entry.name} {path} = {value!r}: {said}"
        assert said or not red, case  # no red where the loader accepts
        agreed += red == bool(said)
        if not red and said:
            assert any(part in said for part in BEYOND), case
            beyond += 1
    assert agreed >= 0.9 * (agreed + beyond), (agreed, beyond)


def extreme(data: dict[str, Any], rng: random.Random, tmp_path: Path) -> dict[str, Any]:
    """Return a scenario with a third of its numbers at the ends of their ranges."""
    ends = [0, 1, 64, 1e-9, 1000, 10**6, -(10**6), 10**9, "0.000000000001 USD", "10000 USD"]
    for path in list(places(data)):
        part: Any = data
        for step in path:
            part = part[step]
        is_number = isinstance(part, int | float) or (isinstance(part, str) and "USD" in part)
        if is_number and path[-1] != "max_exchanges" and rng.random() < 1 / 3:
            for value in rng.sample(ends, len(ends)):
                made = with_part(data, path, value)
                if not refusal(made, made["name"], tmp_path):
                    data = made
                    break
    return data


@pytest.mark.parametrize("name", ["quick_question", "language_tutor", "mixed_crowd"])
@pytest.mark.parametrize("games", [12, pytest.param(60, marks=pytest.mark.slow)])
def test_no_accepted_number_makes_a_payoff_or_bill_that_is_not_finite(
    name: str, games: int, tmp_path: Path
) -> None:
    rng = random.Random(f"{name} {games}")
    for _ in range(games):
        data = extreme(load_scenario(name).to_data(), rng, tmp_path)
        matrix = normal_form(compile_scenario(parse_scenario(data)), 16)
        for cells in (matrix.user, matrix.assistant, matrix.welfare, matrix.charge, matrix.cost):
            assert abs(cells).max() < 1e300  # so written, it refuses NaN too
