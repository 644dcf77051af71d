"""What is refused in a study file, and where; what its digest is of."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from gtalign_env.errors import ScenarioError
from gtalign_env.scenario.loader import validate_file
from gtalign_env.scenario.sweep import Study, load_study

Write = Callable[[str], Study]


@pytest.mark.parametrize(
    ("axis", "said"),
    [
        (
            "{field: persona.concisness, values: [1]}",
            "6:13: axes[0].field: no field of the scenario is 'persona.concisness'. "
            "Did you mean 'persona.conciseness'?",
        ),
        (
            "{field: retention, values: [1]}",
            "6:13: axes[0].field: no field of the scenario is 'retention'. "
            "Did you mean 'provider.retention'?",
        ),
        (
            "{field: pricing.components.subscription.fee, values: [1 USD]}",
            "Known here: pricing.components.per_token.rates.input, ",
        ),
        ("{field: weather, values: [1]}", "begins with one of persona, pricing, provider, task"),
        (
            "{field: persona.conciseness, also: [persona.hram], values: [1]}",
            "6:41: axes[0].also[0]: no field of the scenario is 'persona.hram'. "
            "Did you mean 'persona.harm'?",
        ),
        (
            "{field: persona.conciseness, also: [persona.budget], values: [1]}",
            "must be of the form of persona.conciseness, real; it is money",
        ),
        (
            "{field: persona.budget, grid: {from: 0, to: 1 USD, points: 2}}",
            "6:42: axes[0].grid.from: must be an amount with its unit, such as 0.05 USD; got 0.0",
        ),
        ("{field: persona.conciseness, log_grid: {from: 0, to: 1, points: 2}}", "must be above 0"),
        ("{field: persona.conciseness, grid: {from: 1, to: 1, points: 2}}", "must differ"),
        ("{field: persona.conciseness, grid: {from: 0, to: 1, points: 1}}", "greater than or eq"),
        ("{field: persona.conciseness, grid: {from: -1, to: 1, points: 3}}", "at least 0"),
        ("{field: persona.conciseness, values: [0.1, -1]}", "6:48: axes[0].values[1]: "),
        ("{field: persona.conciseness, values: [0.1, 0.1]}", "a value may stand once"),
        ("{field: task.tokens.question, grid: {from: 1, to: 3, points: 9}}", "9 points are more"),
        ("{field: pricing.free.questions, grid: {from: 0, to: 1, points: 2}}", "is no number"),
        ("{field: pricing.free.questions, values: [1]}", "must be true or false"),
        ("{field: persona.conciseness}", "exactly one of grid, log_grid, values, random, sobol"),
        ("{field: persona.conciseness, values: [1], sobol: {from: 0, to: 1}}", "got values, sobol"),
        ("{field: persona.conciseness, sobol: {from: 0, to: 1}}", "samples: must be at least 2"),
        ("{field: persona.value, random: {unifrom: [0, 1]}}", "Did you mean 'uniform'?"),
        ("{field: persona.value, log_gird: {from: 1, to: 2, points: 2}}", "mean 'log_grid'?"),
    ],
)
def test_a_wrong_axis_is_refused_with_its_place(
    study_file: Callable[[str], Path], axis: str, said: str
) -> None:
    samples = "samples: 4\n" if "random" in axis else ""
    file = study_file(f"axes:\n  - {axis}\n{samples}")
    for read in (load_study, validate_file):
        with pytest.raises(ScenarioError) as caught:
            read(file)
        assert f"{file}:" in str(caught.value)
        assert said in str(caught.value)


def test_everything_wrong_is_told_at_once(study_file: Callable[[str], Path]) -> None:
    file = study_file("""\
        axes:
          - {field: persona.concisness, values: [1]}
          - {field: provider.retention, values: [-1]}
        """)
    with pytest.raises(ScenarioError) as caught:
        load_study(file)
    assert [line.split(": ")[1] for line in str(caught.value).splitlines()] == [
        "axes[0].field",
        "axes[1].values[0]",
    ]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("scenario: upsel", "4:11: scenario: no scenario is named 'upsel'. Did you mean 'upsell'?"),
        ("scenario: upsell\npricing: per_tokn", "5:10: pricing: no pricing is named 'per_tokn'."),
        (
            "scenario: upsell\nview: standard\n"
            "restriction: {user: [DQ, VQ], assistant: ['DA:concise', 'AQ:standard']}",
            "is not in the standard view; got 'DA:concise'",
        ),
        (
            "scenario: upsell\nrestriction: {user: [DQ, DQ], assistant: ['DA:concise', 'AQ']}",
            "must be one of DA:concise",
        ),
    ],
)
def test_a_wrong_name_or_part_is_refused(tmp_path: Path, body: str, said: str) -> None:
    file = tmp_path / "mine.yaml"
    head = "schema: gtalign/study/1\nname: mine\ndescription: A study.\n"
    axes = "\naxes: [{field: persona.conciseness, values: [1]}]\n"
    file.write_text(head + body + axes, encoding="utf-8")
    with pytest.raises(ScenarioError, match=re.escape(said)):
        load_study(file)


def test_too_many_points_are_refused(study_of: Write) -> None:
    axis = "{{field: {}, grid: {{from: 0.1, to: 0.9, points: 10000}}}}"
    body = "".join(
        f"  - {axis.format(f)}\n" for f in ("persona.conciseness", "persona.harm", "task.p_correct")
    )
    with pytest.raises(ScenarioError, match="at most 100,000,000 points; got 1,000,000,000,000"):
        study_of(f"axes:\n{body}")


def test_the_digest_is_of_what_is_computed_and_not_of_words(study_of: Write) -> None:
    body = "axes: [{field: persona.conciseness, values: [1, 2]}]\n"
    study = study_of(body)
    assert study.digest == study_of(f"tags: [x]\n{body}").digest
    assert study.digest != study_of(body.replace("[1, 2]", "[2, 1]")).digest
    assert study.digest != study_of(f"pricing: subscription\n{body}").digest
