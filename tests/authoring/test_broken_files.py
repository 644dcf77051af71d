"""Broken files: each error names the file, line and column, the field, and what would be right.

A case changes a valid file in one place; the pilcrow marks where the error must be reported.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from gtalign_env.errors import ScenarioError
from gtalign_env.scenario.loader import load_scenario, validate_file

PERSONA = """\
schema: gtalign/persona/1
name: case
description: A persona to break.
tags: [one, two]
value: 5.0
harm: 1.0
conciseness: 0.5
comfort_tokens: 100
clarification: {annoyance: 0.4, tolerance: 0}
effort: {vague: 0.1, definite: 1.0, reply: 0.3, follow_up: 0.5}
budget: 0.05 USD
price_sensitivity: 100
patience: {discount: 0.9, persistence: 1}
outside_option: 0.0
style: plain
"""

PRICING = """\
schema: gtalign/pricing/1
name: case
description: A regime to break.
components:
  - kind: per_token
    rates: {input: 3.00, cached_input: 0.30, output: 15.00, reasoning: 15.00}
  - kind: subscription
    fee: 4 USD
    conversations_per_period: 400
    included_output_tokens: 4000
    overage: {output: 15.00}
  - kind: outcome
    fee: 0.01 USD
free: {questions: true}
"""

SCENARIO = """\
schema: gtalign/scenario/1
name: case
description: A scenario to break.
persona: busy_engineer
pricing: per_token
provider:
  cost: {input: 0.50, output: 2.00}
  margin_weight: 100
  retention: 1.0
  churn: 0.5
task:
  interpretations: 3
  p_correct: 0.9
  tokens:
    {system: 200, vague: 15, definite: 80, reply: 20, follow_up: 40, question: 30, reasoning: 100,
     answer: {concise: 60, standard: 180, verbose: 480}}
  coverage: {concise: 1, standard: 1, verbose: 2}
  quality: {concise: 0.85}
max_exchanges: 4
welfare: {kind: nash, alpha: 0.5, disagreement: {user: 0.0, assistant: 0.0}}
"""

GAME = """\
schema: gtalign/game/1
name: case
description: A game to break.
user_plans: [VQ, DQ]
assistant_plans: [DA, CQ]
payoffs:
  user: [[1, 4], [0, 3]]
  assistant: [[1, 0], [1, 3]]
"""

# what is replaced, by what (a pilcrow where the error is), field, part of the message
PERSONA_CASES = [
    ("value: 5.0", "¶valeu: 5.0", "valeu", "unknown field. Did you mean 'value'?"),
    ("\nname: case", "\n¶nmae: case", "nmae", "unknown field. Did you mean 'name'?"),
    ("harm: 1.0", "¶hamr: 1.0", "hamr", "Did you mean 'harm'?"),
    ("harm: 1.0", "harm: ¶-1.0", "harm", "must be at least 0; got -1"),
    ("harm: 1.0", "harm: ¶one", "harm", "must be a number; got 'one'"),
    ("harm: 1.0", "harm: ¶true", "harm", "must be a number; got True"),
    ("harm: 1.0", "harm: ¶no", "harm", "must be a number; got 'no'"),
    ("harm: 1.0", "harm:¶ ", "harm", "must be a number; got None"),
    ("harm: 1.0", "harm: ¶[1, 2]", "harm", "must be a number; got [1, 2]"),
    ("value: 5.0", "value: ¶1e7", "value", "must stay within ±1e+06; got 1e+07"),
    (
        "value: 5.0",
        "value: {¶unifrom: [1, 2]}",
        "value.unifrom",
        "unknown distribution. Did you mean 'uniform'?",
    ),
    ("value: 5.0", "value: {uniform: [2, ¶1]}", "value.uniform[1]", "above the lower end; got 1"),
    ("value: 5.0", "value: {uniform: ¶[2]}", "value.uniform", "two numbers [low, high]"),
    ("value: 5.0", "value: {uniform: [1, ¶x]}", "value.uniform[1]", "must be a number; got 'x'"),
    ("value: 5.0", "value: ¶{}", "value", "exactly one of uniform, normal, lognormal, choice"),
    (
        "value: 5.0",
        "value: ¶{uniform: [1, 2], choice: {values: [1]}}",
        "value",
        "must hold exactly one of",
    ),
    (
        "value: 5.0",
        "value: {normal: {mean: 1, std: 1, ¶maxx: 3}}",
        "value.normal.maxx",
        "unknown field. Did you mean 'max'?",
    ),
    ("value: 5.0", "value: {normal: ¶{mean: 1}}", "value.normal.std", "required, and missing"),
    ("value: 5.0", "value: {normal: {mean: 1, std: ¶0}}", "value.normal.std", "must be above 0"),
    (
        "value: 5.0",
        "value: {normal: {mean: 1, std: 1, min: 2, max: ¶2}}",
        "value.normal.max",
        "must be above min",
    ),
    (
        "value: 5.0",
        "value: {normal: ¶{mean: 0, std: 1, min: 20, max: 21}}",
        "value.normal",
        "must leave some of the distribution",
    ),
    (
        "value: 5.0",
        "value: {lognormal: {mean: ¶-1, sigma: 1}}",
        "value.lognormal.mean",
        "must be above 0; got -1",
    ),
    (
        "value: 5.0",
        "value: {lognormal: {mean: 1, sigma: ¶9}}",
        "value.lognormal.sigma",
        "must be in (0, 5]; got 9",
    ),
    ("value: 5.0", "value: {choice: {values: ¶[]}}", "value.choice.values", "1 to 100 values"),
    (
        "value: 5.0",
        "value: {choice: {values: [1, 2], weights: ¶[1]}}",
        "value.choice.weights",
        "a list of 2 numbers",
    ),
    (
        "value: 5.0",
        "value: {choice: {values: [1, 2], weights: [1, ¶0]}}",
        "value.choice.weights[1]",
        "must be a number above 0",
    ),
    (
        "value: 5.0",
        "value: {choice: {values: [1, ¶1.0]}}",
        "value.choice.values[1]",
        "a value may stand once",
    ),
    (
        "value: 5.0",
        "value: {choice: {values: [1], ¶wieghts: [1]}}",
        "value.choice.wieghts",
        "Did you mean 'weights'?",
    ),
    ("harm: 1.0", "harm: {uniform: [¶-1, 2]}", "harm.uniform[0]", "must be at least 0"),
    (
        "harm: 1.0",
        "harm: {choice: {values: [0, ¶-0.5]}}",
        "harm.choice.values[1]",
        "must be at least 0; got -0.5",
    ),
    (
        "harm: 1.0",
        "harm: {normal: ¶{mean: 5, std: 1}}",
        "harm.normal",
        "must be at least 0; give min; got -infinity",
    ),
    (
        "harm: 1.0",
        "harm: {normal: {mean: 5, std: 1, min: ¶-1}}",
        "harm.normal.min",
        "must be at least 0; got -1",
    ),
    ("comfort_tokens: 100", "comfort_tokens: ¶10.5", "comfort_tokens", "must be a whole number"),
    ("comfort_tokens: 100", "comfort_tokens: ¶-1", "comfort_tokens", "must be at least 0"),
    (
        "tolerance: 0",
        "tolerance: {uniform: ¶[0, 2]}",
        "clarification.tolerance.uniform",
        "a count is whole",
    ),
    ("tolerance: 0", "tolerance: ¶65", "clarification.tolerance", "must be in [0, 64]; got 65"),
    (
        "annoyance: 0.4",
        "¶anoyance: 0.4",
        "clarification.anoyance",
        "unknown field. Did you mean 'annoyance'?",
    ),
    ("reply: 0.3, ", "", "effort.reply", "required, and missing"),
    ("reply: 0.3", "reply: ¶'0.3'", "effort.reply", "must be a number; got '0.3'"),
    (
        "effort: {vague: 0.1, definite: 1.0, reply: 0.3, follow_up: 0.5}",
        "effort: ¶0.5",
        "effort",
        "must be a mapping; got 0.5",
    ),
    ("budget: 0.05 USD", "budget: ¶0.05", "budget", "must be an amount with its unit"),
    ("budget: 0.05 USD", "budget: ¶-1 USD", "budget", "must not be negative"),
    ("budget: 0.05 USD", "budget: ¶0.05 EUR", "budget", "got '0.05 EUR'"),
    ("budget: 0.05 USD", "budget: ¶0 USD", "budget", "must be above 0 USD"),
    ("budget: 0.05 USD", "budget: ¶10001 USD", "budget", "must be at most 10000 USD"),
    ("budget: 0.05 USD", "budget: ¶0.0000000000001 USD", "budget", "finer than one pico-USD"),
    (
        "budget: 0.05 USD",
        "budget: {uniform: [¶0 USD, 1 USD]}",
        "budget.uniform[0]",
        "must be above 0 USD",
    ),
    ("discount: 0.9", "discount: ¶0", "patience.discount", "must be in (0, 1]; got 0"),
    ("discount: 0.9", "discount: ¶1.5", "patience.discount", "must be in (0, 1]; got 1.5"),
    (
        "discount: 0.9",
        "discount: {lognormal: ¶{mean: 0.5, sigma: 0.1}}",
        "patience.discount.lognormal",
        "must be in (0, 1]; got infinity",
    ),
    (
        "discount: 0.9",
        "discount: {normal: ¶{mean: 0.5, std: 0.1, min: 0.1}}",
        "patience.discount.normal",
        "give max; got infinity",
    ),
    ("persistence: 1", "persistence: ¶1.5", "patience.persistence", "must be a whole number"),
    ("style: plain", "style: ¶tersse", "style", "Did you mean 'terse'?"),
    (
        "style: plain",
        "style: {choice: {values: [plain, ¶loud]}}",
        "style.choice.values[1]",
        "must be one of plain, terse, chatty; got 'loud'",
    ),
    ("tags: [one, two]", "tags: [one, ¶one]", "tags[1]", "a tag may stand once"),
    ("tags: [one, two]", "tags: [one, ¶Two Words]", "tags[1]", "lower-case letters"),
    ("tags: [one, two]", "tags: ¶one", "tags", "must be a list; got 'one'"),
    ("name: case", "name: ¶other", "name", "must equal the file's name, 'case'; got 'other'"),
    ("name: case", "name: ¶Case", "name", "must be a name of lower-case letters"),
    ("name: case", "name: ¶../case", "name", "must be a name of lower-case letters"),
    ("description: A persona to break.", "description: ¶''", "description", "at least 1 character"),
    ("gtalign/persona/1", "¶gtalign/persona/2", "schema", "Did you mean 'gtalign/persona/1'?"),
]

PRICING_CASES = [
    ("kind: per_token", "kind: ¶per_tokn", "components[0].kind", "Did you mean 'per_token'?"),
    ("- kind: per_token\n    rates", "- ¶rates", "components[0].kind", "required, and missing"),
    ("input: 3.00", "¶inptu: 3.00", "components[0].rates.inptu", "Did you mean 'input'?"),
    ("output: 15.00, r", "r", "components[0].rates.output", "required, and missing"),
    ("input: 3.00", "input: ¶-3.00", "components[0].rates.input", "must be 0 to 1000 USD per 1M"),
    ("input: 3.00", "input: ¶3 USD", "components[0].rates.input", "must be a number; got '3 USD'"),
    (
        "input: 3.00",
        "input: ¶0.0000005",
        "components[0].rates.input",
        "finer than one pico-USD",
    ),
    ("fee: 4 USD", "fee: ¶4", "components[1].fee", "must be an amount with its unit"),
    (
        "conversations_per_period: 400",
        "conversations_per_period: ¶0",
        "components[1].conversations_per_period",
        "must be greater than or equal to 1; got 0",
    ),
    (
        "conversations_per_period: 400",
        "conversations_per_period: ¶1.5",
        "components[1].conversations_per_period",
        "must be a whole number",
    ),
    (
        "  - kind: subscription\n    fee: 4 USD\n    conversations_per_period: 400\n"
        "    included_output_tokens: 4000\n    overage: {output: 15.00}",
        "  - ¶kind: subscription\n    fee: 4 USD\n    conversations_per_period: 400\n"
        "    included_output_tokens: 4000",
        "components[1].overage",
        "required with included_output_tokens",
    ),
    (
        "    included_output_tokens: 4000\n    overage: {",
        "    overage: ¶{",
        "components[1].overage",
        "must not stand without included_output_tokens",
    ),
    (
        "kind: outcome",
        "kind: ¶subscription\n    conversations_per_period: 2",
        "components[2].kind",
        "'subscription' is repeated",
    ),
    ("questions: true", "questions: ¶yes", "free.questions", "Did you mean true?"),
    ("questions: true", "¶question: true", "free.question", "Did you mean 'questions'?"),
    ("  - kind: outcome\n    fee: 0.01 USD", "  - ¶outcome", "components[2]", "must be a mapping"),
    ("description: A regime to break.\n", "", "description", "required, and missing"),
]
SCENARIO_CASES = [
    ("busy_engineer", "¶busy_enginer", "persona", "Did you mean 'busy_engineer'?"),
    ("busy_engineer", "¶zzz", "persona", "See: gtalign list persona"),
    ("busy_engineer", "¶../personas/student", "persona", "must be a name of lower-case letters"),
    ("busy_engineer", "¶per_token", "persona", "no persona is named 'per_token'"),
    ("pricing: per_token", "pricing: ¶per_tokens", "pricing", "Did you mean 'per_token'?"),
    ("busy_engineer", "¶3", "persona", "must be a name, a mapping written out in place, or a list"),
    (
        "busy_engineer",
        "\n  - {persona: student, weight: 1}\n  - {persona: ¶studnet, weight: 1}",
        "persona[1].persona",
        "Did you mean 'student'?",
    ),
    (
        "busy_engineer",
        "\n  - {persona: student, weight: 1}\n  - {persona: ¶student, weight: 1}",
        "persona[1].persona",
        "'student' is repeated: add the weights",
    ),
    (
        "busy_engineer",
        "\n  - {persona: student, weight: ¶0}",
        "persona[0].weight",
        "must be greater than 0; got 0",
    ),
    (
        "busy_engineer",
        "\n  - {persona: student, ¶wieght: 1, weight: 1}",
        "persona[0].wieght",
        "Did you mean 'weight'?",
    ),
    ("persona: busy_engineer", "persona: ¶[]", "persona", "at least 1 item"),
    (
        "pricing: per_token",
        "pricing: [{from_conversation: ¶5, pricing: per_token}]",
        "pricing[0].from_conversation",
        "must begin at conversation 0; got 5",
    ),
    (
        "pricing: per_token",
        "pricing:\n  - {from_conversation: 0, pricing: per_token}\n"
        "  - {from_conversation: ¶0, pricing: subscription}",
        "pricing[1].from_conversation",
        "must be above the one before, 0; got 0",
    ),
    (
        "pricing: per_token",
        "pricing: {components: [{kind: per_token, rates: {input: 1, ¶outptu: 2, output: 2}}]}",
        "pricing.components[0].rates.outptu",
        "Did you mean 'output'?",
    ),
    (
        "margin_weight: 100",
        "¶margin_wieght: 100",
        "provider.margin_wieght",
        "Did you mean 'margin_weight'?",
    ),
    ("p_correct: 0.9", "p_correct: ¶1.1", "task.p_correct", "less than or equal to 1; got 1.1"),
    ("p_correct: 0.9", "p_correct: ¶90%", "task.p_correct", "must be a number; got '90%'"),
    ("  p_correct: 0.9\n", "", "task.p_correct", "required, and missing"),
    ("interpretations: 3", "interpretations: ¶0", "task.interpretations", "equal to 1; got 0"),
    (
        "verbose: 2",
        "verbose: ¶4",
        "task.coverage.verbose",
        "must be at most interpretations, 3; got 4",
    ),
    ("concise: 0.85", "concise: ¶0", "task.quality.concise", "greater than 0; got 0"),
    ("system: 200", "system: ¶2e2.5", "task.tokens.system", "must be a number"),
    (
        "standard: 180",
        "standard: {normal: ¶{mean: 180, std: 20}}",
        "task.tokens.answer.standard.normal",
        "give min",
    ),
    ("standard: 180", "¶standrad: 180", "task.tokens.answer.standrad", "Did you mean 'standard'?"),
    ("max_exchanges: 4", "max_exchanges: ¶65", "max_exchanges", "equal to 64; got 65"),
    ("max_exchanges: 4", "¶max_echanges: 4", "max_echanges", "Did you mean 'max_exchanges'?"),
    ("kind: nash", "kind: ¶nahs", "welfare.kind", "Did you mean 'nash'?"),
    ("alpha: 0.5", "¶rho: 0.5", "welfare.rho", "unknown field. Known here: kind, alpha"),
    ("alpha: 0.5", "alpha: ¶1.5", "welfare.alpha", "less than or equal to 1; got 1.5"),
    ("churn: 0.5", "churn: ¶-1", "provider.churn", "greater than or equal to 0; got -1"),
    (
        "busy_engineer",
        "¶{value: 1, conciseness: 0, effort: {vague: 0, definite: 0, reply: 0, follow_up: 0}, "
        "price_sensitivity: 1, budget: 0.000001 USD}",
        "persona",
        "no exchange fits the budget: smallest charge 0.002595 USD, largest budget 0.000001 USD",
    ),
]
GAME_CASES = [
    ("[[1, 4], [0, 3]]", "¶[[1, 4]]", "payoffs.user", "must have 2 rows"),
    ("[[1, 4], [0, 3]]", "[[1, 4], ¶[0]]", "payoffs.user[1]", "must have 2 numbers"),
    ("[[1, 4], [0, 3]]", "[[1, ¶x], [0, 3]]", "payoffs.user[0][1]", "must be a number; got 'x'"),
    ("[VQ, DQ]", "[VQ, ¶VQ]", "user_plans[1]", "a plan may stand once"),
    ("[VQ, DQ]", "¶[]", "user_plans", "at least 1 item"),
]

ALL = [
    pytest.param(text, *case, id=f"{kind}-{case[2]}-{i}")
    for kind, text, cases in (
        ("persona", PERSONA, PERSONA_CASES),
        ("pricing", PRICING, PRICING_CASES),
        ("scenario", SCENARIO, SCENARIO_CASES),
        ("game", GAME, GAME_CASES),
    )
    for i, case in enumerate(cases)
]


@pytest.mark.parametrize(("text", "old", "new", "field", "said"), ALL)
def test_the_error_names_place_field_and_remedy(
    tmp_path: Path, text: str, old: str, new: str, field: str, said: str
) -> None:
    assert text.count(old) >= 1
    marked = text.replace(old, new, 1)
    broken = marked.replace("¶", "")
    file = tmp_path / "case.yaml"
    file.write_text(broken, encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        validate_file(file)
    lines = str(caught.value).splitlines()
    matching = [line for line in lines if f": {field}: " in line and said in line]
    assert matching, lines
    assert all(line.startswith(f"{file}:") for line in lines)
    if "¶" in marked:
        before = marked[: marked.index("¶")]
        place = f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"
        assert matching[0].startswith(f"{file}:{place}: "), (place, lines)


@pytest.mark.parametrize("text", [PERSONA, PRICING, SCENARIO, GAME])
def test_the_files_are_valid_before_they_are_broken(tmp_path: Path, text: str) -> None:
    file = tmp_path / "case.yaml"
    file.write_text(text, encoding="utf-8")
    kind, _ = validate_file(file)
    assert f"gtalign/{kind}/1" in text


def test_all_errors_of_a_file_come_at_once(tmp_path: Path) -> None:
    file = tmp_path / "case.yaml"
    broken = (
        SCENARIO.replace("busy_engineer", "busy_enginer")
        .replace("p_correct: 0.9", "p_corect: 0.9")
        .replace("churn: 0.5", "churn: none")
        .replace("name: case", "name: cas")
        .replace("kind: nash", "kind: nahs")
        .replace("pricing: per_token", "pricing: per_tken")
    )
    file.write_text(broken, encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load_scenario(file)
    lines = str(caught.value).splitlines()
    fields = [line.split(": ")[1] for line in lines]
    assert sorted(fields) == sorted(
        [
            "name",
            "persona",
            "pricing",
            "provider.churn",
            "task.p_corect",
            "welfare.kind",
        ]
    )
    places = [tuple(map(int, line.split(": ")[0].split(":")[-2:])) for line in lines]
    assert places == sorted(places)


def test_a_mistake_is_told_once_and_what_only_follows_from_it_is_not(tmp_path: Path) -> None:
    cases = {
        "componets:": ["componets"],
        "components:\n  - {kind: outcome, fee: 2 cent}": ["components[0].fee"],
        "components:\n  - {kind: outcome, fe: 1 USD}": ["components[0].fe"],
        "components:\n  - {kind: outcome}": ["components[0].fee"],
        "components: []": ["components"],
        "components:\n  - {kind: outcome, zzz: 1 USD}": ["components[0].fee", "components[0].zzz"],
    }
    file = tmp_path / "case.yaml"
    head = PRICING[: PRICING.index("components:")]
    for text, told in cases.items():
        file.write_text(f"{head}{text}\n", encoding="utf-8")
        with pytest.raises(ScenarioError) as caught:
            validate_file(file)
        lines = str(caught.value).splitlines()
        assert [line.split(": ")[1] for line in lines] == told, lines
        assert all(line.count("0.05 USD") <= 1 for line in lines)


def test_an_error_in_a_named_file_names_that_file(tmp_path: Path) -> None:
    (tmp_path / "case.yaml").write_text(SCENARIO.replace("busy_engineer", "mine"), encoding="utf-8")
    mine = tmp_path / "mine.yaml"
    mine.write_text(PERSONA.replace("name: case", "name: mine").replace("harm: 1.0", "harm: x"))
    with pytest.raises(ScenarioError) as caught:
        load_scenario(tmp_path / "case.yaml")
    assert str(caught.value) == f"{mine}:6:7: harm: must be a number; got 'x'"


def test_a_file_without_a_schema_line_is_told_the_choices(tmp_path: Path) -> None:
    file = tmp_path / "case.yaml"
    file.write_text("name: case\n")
    with pytest.raises(
        ScenarioError, match=r"case.yaml:1:1: schema: required, .*gtalign/persona/1"
    ):
        validate_file(file)
    file.write_text("- a list\n")
    with pytest.raises(ScenarioError, match=r"case.yaml:1:1: must be a mapping of fields"):
        validate_file(file)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "case.yaml"
    file.write_text(PERSONA)
    with pytest.raises(ScenarioError, match=r"case.yaml:1:9: schema: must be gtalign/scenario/1"):
        load_scenario(file)
