"""Study files: which fields there are, which points they make, and what is refused where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gtalign_env.core.spec import GameSpec
from gtalign_env.errors import ScenarioError
from gtalign_env.scenario.compile import compile_scenario
from gtalign_env.scenario.fields import authored
from gtalign_env.scenario.library import list_entries
from gtalign_env.scenario.loader import load_scenario, parse_scenario
from gtalign_env.scenario.sweep import Study, load_study
from gtalign_env.scenario.sweep_axes import Axis
from gtalign_env.scenario.sweep_fields import Field, fields_of, with_changes

Write = Callable[[str], Study]
UPSELL = load_scenario("upsell")
FIELDS = fields_of(UPSELL)


def slow(study: Study, index: int) -> GameSpec:
    """Return the game of a point by way of the whole authored scenario, read from plain data."""
    scenario = parse_scenario(study.scenario(study.point(index)).to_data())
    spec = replace(compile_scenario(scenario), digest=study.digest)
    return replace(spec, name=study.base.name)


# Fields


@pytest.mark.parametrize(
    ("path", "form", "unit"),
    [
        ("persona.conciseness", "real", "points / 100 tokens"),
        ("persona.clarification.tolerance", "whole", "questions"),
        ("persona.budget", "money", "USD"),
        ("persona.patience.discount", "real", ""),
        ("persona.style", "word", ""),
        ("pricing.components.per_token.rates.output", "decimal", "USD per 1M tokens"),
        ("pricing.components.per_token.rates.reasoning", "decimal", "USD per 1M tokens"),
        ("pricing.free.questions", "truth", ""),
        ("provider.retention", "real", "points"),
        ("task.tokens.answer.verbose", "whole", "tokens"),
        ("task.interpretations", "whole", "interpretations"),
        ("max_exchanges", "whole", "exchanges"),
    ],
)
def test_a_field_has_a_path_a_form_and_a_unit(path: str, form: str, unit: str) -> None:
    assert (FIELDS[path].form, FIELDS[path].unit) == (form, unit)


def leaves(data: Any, path: str = "") -> list[str]:
    """Return the dotted paths of all numbers, truth values and money in plain data."""
    if isinstance(data, dict):
        if {"uniform", "normal", "lognormal", "choice"} & set(data):
            return [path]  # an axis puts a number in the place of the distribution
        if "kind" in data:
            path = f"{path}.{data['kind']}"
        return [leaf for key, part in data.items() for leaf in leaves(part, f"{path}.{key}")]
    if isinstance(data, list):
        return [
            leaf
            for i, part in enumerate(data)
            for leaf in leaves(
                part, path if "kind" in (part if isinstance(part, dict) else ()) else f"{path}.{i}"
            )
        ]
    number = isinstance(data, bool | int | float)
    return [path] if number or (isinstance(data, str) and data.endswith(" USD")) else []


@pytest.mark.parametrize("name", [entry.name for entry in list_entries("scenario")])
def test_every_number_of_every_bundled_scenario_can_be_varied(name: str) -> None:
    scenario = load_scenario(name)
    scenario = scenario.with_pricing(scenario.schedule[0][1])
    data = scenario.to_data()
    known = fields_of(scenario)
    for part in ("provider", "task"):
        assert set(leaves(data[part], part)) <= set(known)
    pricing = data["pricing"][0]["pricing"]
    assert set(leaves(pricing, "pricing")) - {"pricing.version"} <= set(known)
    for share in data["persona"]:
        plain = {key for key, value in share["persona"].items() if isinstance(value, int | float)}
        assert {f"persona.{key}" for key in plain - {"version"}} <= set(known)


def test_in_a_mixture_a_field_is_everybodys_or_one_personas() -> None:
    desk = load_scenario("help_desk")
    known = fields_of(desk)
    both = with_changes(desk, {known["persona.conciseness"]: 0.25})
    assert [who.conciseness.mean for _, who in both.population] == [0.25, 0.25]
    one = with_changes(desk, {known["persona.hurried_admin.conciseness"]: 0.25})
    assert one.population[0][1].conciseness.mean == 0.25
    assert one.population[1] == desk.population[1]


def test_a_change_touches_nothing_else() -> None:
    changed = with_changes(UPSELL, {FIELDS["provider.retention"]: 2.5, FIELDS["max_exchanges"]: 3})
    before, after = UPSELL.to_data(), changed.to_data()
    assert after["provider"] == before["provider"] | {"retention": 2.5}
    assert after["max_exchanges"] == 3
    for key in ("persona", "task", "welfare"):
        assert after[key] == before[key]


def test_values_that_do_not_go_together_are_refused_at_the_point() -> None:
    with pytest.raises(ScenarioError, match="must be at most interpretations, 1; got 2"):
        with_changes(UPSELL, {FIELDS["task.interpretations"]: 1})


# Points


def test_the_last_axis_runs_fastest_and_ends_are_exact(study_of: Write) -> None:
    study = study_of("""\
        axes:
          - {field: provider.retention, grid: {from: 0, to: 0.3, points: 4}}
          - {field: persona.budget, values: [0.01 USD, 0.002 USD]}
          - {field: persona.price_sensitivity, log_grid: {from: 1, to: 1000, points: 4}}
        """)
    assert study.shape == (4, 2, 4)
    points = [study.point(i) for i in range(study.size)]
    assert points[0] == (0.0, "0.01 USD", 1.0)
    assert points[-1] == (0.3, "0.002 USD", 1000.0)
    assert [p[2] for p in points[:4]] == pytest.approx([1, 10, 100, 1000])
    assert [p[1] for p in points[:8:4]] == ["0.01 USD", "0.002 USD"]
    assert study.axes[1].field.shown("0.002 USD") == 0.002


def test_money_and_rates_are_rounded_to_what_a_file_can_state(study_of: Write) -> None:
    study = study_of("""\
        axes:
          - {field: persona.budget, grid: {from: 0.01 USD, to: 0.02 USD, points: 4}}
          - {field: pricing.components.per_token.rates.output, grid: {from: 0, to: 1, points: 4}}
          - {field: task.tokens.question, grid: {from: 10, to: 20, points: 4}}
        """)
    assert study.point(21)[0] == "0.013333333333 USD"
    assert study.point(4)[1] == 0.333333
    assert [study.point(i)[2] for i in range(4)] == [10, 13, 17, 20]


MIXED = """\
axes:
  - {field: provider.retention, values: [1, 2.5]}
  - {field: persona.value, random: {normal: {mean: 4, std: 1}}}
  - {field: persona.conciseness, sobol: {from: 0.01, to: 1, log: true}}
  - {field: pricing.components.per_token.rates.output, sobol: {from: 0, to: 60}}
  - {field: task.interpretations, random: {uniform: [2, 9]}}
  - {field: persona.budget, random: {uniform: [0.05 USD, 0.1 USD]}}
samples: 16
seed: 3
"""


def test_draws_are_seeded_balanced_and_crossed_with_the_grid(study_of: Write) -> None:
    study = study_of(MIXED)
    assert study.shape == (2, 16)
    points = [study.point(i) for i in range(32)]
    assert [p[0] for p in points] == [1.0] * 16 + [2.5] * 16
    assert [p[1:] for p in points[:16]] == [p[1:] for p in points[16:]]
    rates = [float(p[3]) for p in points[:16]]
    # each of the 16 equal parts of a Sobol axis is hit once
    assert sorted(int(rate / 60 * 16) for rate in rates) == list(range(16))
    shares = [np.log(float(p[2]) / 0.01) / np.log(100) for p in points[:16]]
    assert sorted(int(share * 16) for share in shares) == list(range(16))
    assert {type(p[4]) for p in points} == {int}
    again = study_of(MIXED)
    assert [again.point(i) for i in range(32)] == points
    other = study_of(MIXED.replace("seed: 3", "seed: 4"))
    assert other.point(0)[1] != points[0][1]
    assert other.point(0)[2] != points[0][2]


# The fast path


def test_points_compiled_by_parts_are_those_of_the_whole_file(study_of: Write) -> None:
    for study in (study_of(MIXED), load_study("token_price_by_conciseness")):
        indices = list(range(0, study.size, max(1, study.size // 12)))
        fast = list(study.specs([study.point(i) for i in indices]))
        assert fast == [slow(study, i) for i in indices]


NUMBERS = [field for field in FIELDS.values() if field.is_numeric]
ONES = ("task.coverage.concise", "task.coverage.standard")  # 1 interpretation, the least there is
PARTS: dict[str, Any] = {
    "persona": [UPSELL.population[0][1]],
    "pricing": UPSELL.schedule[0][1],
    "provider": UPSELL.provider,
    "task": UPSELL.task,
}


def present(field: Field) -> float:
    """Return the number that a field has in the upsell scenario."""
    place: Any = UPSELL.max_exchanges
    if field.part != "max_exchanges":
        model = PARTS[field.part]
        place = [authored(model[0])] if isinstance(model, list) else authored(model)
    for step in field.places[0]:
        place = place[step]
    return field.number(place)


@given(st.lists(st.tuples(st.sampled_from(NUMBERS), st.floats(0.5, 1.0)), min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_any_fields_together_compile_to_the_game_of_the_whole_file(
    chosen: list[tuple[Field, float]],
) -> None:
    shares = dict(chosen)
    axes = tuple(
        Axis(field, (), field.path, "values", (field.value(present(field) * share),))
        for field, share in shares.items()
    )
    study = replace(load_study("token_price_by_conciseness"), axes=axes)
    assert study.size == 1
    interpretations = shares.get(FIELDS["task.interpretations"], 1.0)
    covered = round(2 * shares.get(FIELDS["task.coverage.verbose"], 1.0))
    none = [path for path in ONES if FIELDS[path] in shares and round(shares[FIELDS[path]]) < 1]
    if none or round(3 * interpretations) < covered:  # no such task can be written
        with pytest.raises(ScenarioError, match=r"must be (at most interpretations|greater than)"):
            list(study.specs([study.point(0)]))
    else:
        assert list(study.specs([study.point(0)])) == [slow(study, 0)]
