"""The search for a price: closed forms, what binds, what cannot hold, the command and its file."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from gtalign_env.core.exact import normal_form
from gtalign_env.errors import ScenarioError, SolverError
from gtalign_env.games.nash import nash_equilibria
from gtalign_env.money import PICO_PER_USD, parse_money
from gtalign_env.scenario.compile import compile_scenario
from gtalign_env.scenario.library import list_entries
from gtalign_env.scenario.loader import load_pricing, load_scenario, validate_file
from gtalign_env.scenario.sweep_design import Design, load_design
from gtalign_env.scenario.sweep_fields import fields_of, with_changes
from gtalign_training.cli import main
from gtalign_training.studies.design import price_of, search
from gtalign_training.studies.judged import judged

TEACHER = """\
schema: gtalign/scenario/1
name: one_answer
description: One exchange, one meaning, every answer right; a fee per message is all there is to set.
persona:
  - persona: {name: keen, value: 2.0, conciseness: 0.0, price_sensitivity: 100, budget: 1 USD,
              effort: {vague: 0.1, definite: 0.5, reply: 0.2, follow_up: 0.2}, outside_option: 0.4}
    weight: 1
  - persona: {name: lukewarm, value: 1.5, conciseness: 0.0, price_sensitivity: 100, budget: 1 USD,
              effort: {vague: 0.1, definite: 0.5, reply: 0.2, follow_up: 0.2}, outside_option: 0.2}
    weight: 3
pricing: {components: [{kind: per_message, fee: 0.001 USD}]}
provider:
  cost: {input: 0, output: 10}
  margin_weight: 40
  retention: 1.0
  churn: 1.0
task:
  interpretations: 1
  p_correct: 1.0
  tokens: {system: 0, vague: 10, definite: 10, reply: 10, follow_up: 10, question: 50, reasoning: 0,
           answer: {concise: 100, standard: 200, verbose: 400}}
max_exchanges: 1
welfare: {kind: utilitarian}
"""

COST = 100 * 10e-6
"""Of the concise answer, USD: 100 tokens at 10 USD per 1M."""

DEAREST = min((2.0 - 0.1 - 0.4) / 100, (1.5 - 0.1 - 0.2) / 100)
"""Fee at which U = value - effort - sensitivity * fee is the outside option, for the first of both
personas to get there, USD."""

Write = Callable[[str], Design]


@pytest.fixture
def design_of(tmp_path: Path) -> Write:
    """Return a function that writes a design over the fee, below its head, and loads it."""
    (tmp_path / "one_answer.yaml").write_text(TEACHER, encoding="utf-8")

    def write(body: str) -> Design:
        head = """\
            schema: gtalign/design/1
            name: mine
            description: A design of a test.
            scenario: one_answer
            """
        fee = (
            "parameters: [{field: pricing.components.per_message.fee, from: 0 USD, to: 0.1 USD}]\n"
        )
        file = tmp_path / "mine.yaml"
        file.write_text(dedent(head) + fee + dedent(body), encoding="utf-8")
        return load_design(file)

    return write


def fee_of(design: Design, values: tuple[Any, ...]) -> float:
    return parse_money(values[0]) / PICO_PER_USD


# Closed forms: with one exchange and right answers, VQ x DA:concise is the one equilibrium (a
# definite query costs more, other answers cost the provider more, a question leaves no time to
# answer), with U = value - 0.1 - 100 fee and L = 40 (fee - COST) + 1.


def test_a_monopolist_takes_what_the_least_willing_type_can_bear(design_of: Write) -> None:
    design = design_of("maximise: {kind: assistant_only}\n")
    found = search(design)
    assert fee_of(design, found.values) == pytest.approx(DEAREST, abs=1e-9)
    assert found.after.move == "VQ x DA:concise"
    assert found.after.welfare == pytest.approx(40 * (DEAREST - COST) + 1, abs=1e-6)
    assert found.after.profit == pytest.approx(DEAREST - COST, abs=1e-9)
    assert found.binding == ("participation of lukewarm",)
    slack = found.after.slacks["participation of keen"]
    assert slack == pytest.approx(2.0 - 0.1 - 0.4 - 100 * DEAREST, abs=1e-6)


def test_without_participation_the_range_binds(design_of: Write) -> None:
    found = search(design_of("maximise: {kind: assistant_only}\nparticipation: false\n"))
    assert found.values == ("0.1 USD",)
    assert found.binding == ("pricing.components.per_message.fee at its end (to) 0.1 USD",)
    assert found.after.slacks == {}


def test_the_users_price_is_cost_and_the_profit_asked_for(design_of: Write) -> None:
    # a USD is worth 100 points to the user and 40 to the provider, so the fee goes down
    design = design_of("profit: 0.002 USD\n")
    found = search(design)
    assert fee_of(design, found.values) == pytest.approx(COST + 0.002, abs=1e-9)
    assert found.binding == ("profit of 0.002 USD",)
    mean_value = 0.25 * 2.0 + 0.75 * 1.5
    user = mean_value - 0.1 - 100 * (COST + 0.002)
    assert found.after.welfare == pytest.approx((user + 40 * 0.002 + 1) / 2, abs=1e-6)


def test_the_product_of_gains_has_its_maximum_inside(design_of: Write) -> None:
    body = "maximise: {kind: nash, alpha: 0.3, disagreement: {user: 0, assistant: 0}}\n"
    design = design_of(body)
    found = search(design)
    # (a - 100 f)^0.3 (b + 40 f)^0.7 is greatest where 30 / (a - 100 f) = 28 / (b + 40 f)
    a, b = 0.25 * 2.0 + 0.75 * 1.5 - 0.1, 1 - 40 * COST
    assert fee_of(design, found.values) == pytest.approx((28 * a - 30 * b) / 4000, abs=1e-7)
    assert found.binding == ()


def test_the_same_seed_finds_the_same_price_and_another_one_as_good(design_of: Write) -> None:
    body = "profit: 0.002 USD\nseed: {}\n"
    first, again, other = (search(design_of(body.format(seed))) for seed in (0, 0, 5))
    assert first == again
    assert other.after.welfare == pytest.approx(first.after.welfare, abs=1e-6)


# What cannot hold


def test_a_profit_out_of_reach_is_named_with_the_nearest_one(design_of: Write) -> None:
    with pytest.raises(SolverError) as caught:
        search(design_of("profit: 0.2 USD\n"))
    text = str(caught.value)
    short = 0.2 - (0.1 - COST)
    assert "no price of the family can hold profit of 0.2 USD: the nearest falls short" in text
    assert f"by {short:.6g} USD, at pricing.components.per_message.fee 0.1 USD" in text


def test_constraints_that_exclude_each_other_are_named(design_of: Write) -> None:
    with pytest.raises(SolverError) as caught:
        search(design_of("profit: 0.015 USD\n"))
    text = str(caught.value)
    assert "together with" in text
    assert "participation of lukewarm" in text
    # either the profit falls short with both held, or the participation with the profit held
    short = 0.015 - (DEAREST - COST)
    assert f"{short:.4g} USD" in text or f"{100 * short:.4g} points" in text


# Worst and best


def test_constraints_hold_in_every_equilibrium_or_in_the_best() -> None:
    scenario = load_scenario("expert_report").with_pricing(load_pricing("outcome_based"))
    scenario = with_changes(scenario, {fields_of(scenario)["task.interpretations"]: 6})
    spec = compile_scenario(scenario)
    matrix = normal_form(spec)
    found = nash_equilibria(matrix.game).found
    assert len(found) > 1
    file = load_design("upsell_prices").file
    worst, best = (
        judged([spec], file.model_copy(update={"equilibrium": which}))[0]
        for which in ("worst", "best")
    )
    W = [float(np.asarray(e.user) @ spec.welfare.array(matrix.user, matrix.assistant) @ e.assistant) for e in found]  # fmt: skip
    margin = matrix.charge - matrix.cost
    profits = [float(np.asarray(e.user) @ margin @ e.assistant) for e in found]
    assert (worst.welfare, best.welfare) == pytest.approx((min(W), max(W)))
    name = "profit of 0.001 USD"
    assert worst.slacks[name] == pytest.approx(min(profits) - 0.001)
    assert best.slacks[name] == pytest.approx(profits[W.index(max(W))] - 0.001)
    assert best.profit == pytest.approx(profits[W.index(max(W))])


def test_every_type_of_a_choice_has_a_participation_of_its_own() -> None:
    spec = compile_scenario(load_scenario("quick_question"))
    persona = spec.population.personas[0][1]
    types = len(spec.population.types(32))
    (one,) = judged([spec], load_design("upsell_prices").file)
    named = [name for name in one.slacks if name.startswith("participation")]
    assert len(named) == types
    assert all(persona.name in name for name in named)


# The bundled design


def test_the_bundled_design_finds_the_price_of_its_finding() -> None:
    design = load_design("upsell_prices")
    found = search(design)
    assert found.before.move == "VQ x AQ:verbose"
    assert found.after.move == "VQ x CQ"
    assert found.binding == ("profit of 0.001 USD",)
    assert found.before.welfare == pytest.approx(2.5335, abs=5e-5)
    assert found.after.welfare == pytest.approx(3.3539, abs=5e-5)
    # no price on a fine grid that meets the constraints is better
    axes = design.family.axes
    points = [tuple(a.drawn(u) for a, u in zip(axes, (x, y), strict=True))
              for x in np.linspace(0, 1, 17) for y in np.linspace(0, 1, 33)]  # fmt: skip
    grid = judged(list(design.family.specs(points)), design.file)
    feasible = [one.welfare for one in grid if one.violation == 0.0]
    assert len(feasible) > 50
    assert max(feasible) <= found.after.welfare
    price = price_of(design, found)
    spec = compile_scenario(design.family.base.with_pricing(price))
    assert replace(judged([spec], design.file)[0]) == found.after


def test_every_bundled_design_has_its_finding_tested_here() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    names = [entry.name for entry in list_entries("design")]
    assert names
    assert [name for name in names if f'load_design("{name}")' not in source] == []


# Files and the command


@pytest.mark.parametrize(
    ("parameter", "said"),
    [
        (
            "{field: pricing.components.per_token.rates.outptu, from: 0, to: 1}",
            "6:13: parameters[0].field: no field of the scenario is "
            "'pricing.components.per_token.rates.outptu'. Did you mean "
            "'pricing.components.per_token.rates.output'?",
        ),
        ("{field: persona.value, from: 0, to: 1}", "must be a field of the price"),
        (
            "{field: pricing.components.per_token.rates.output, from: -1, to: 1}",
            "must be 0 to 1000 USD per 1M tokens",
        ),
        (
            "{field: pricing.components.per_token.rates.output, from: 1, to: 1}",
            "parameters[0].to: must differ",
        ),
    ],
)
def test_a_wrong_parameter_is_refused_with_its_place(
    tmp_path: Path, parameter: str, said: str
) -> None:
    file = tmp_path / "mine.yaml"
    head = "schema: gtalign/design/1\nname: mine\ndescription: A design.\nscenario: upsell\n"
    file.write_text(f"{head}parameters:\n  - {parameter}\n", encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        validate_file(file)
    assert said in str(caught.value)


def test_the_command_writes_a_price_that_validates_and_plays(tmp_path: Path) -> None:
    price = tmp_path / "fair.yaml"
    arguments = [
        "design", "upsell", "--vary", "pricing.components.per_token.rates.output=0..60",
        "--maximise", "user_only", "--equilibrium", "best", "--profit", "0.002 USD",
        "--out", str(price), "--json",
    ]  # fmt: skip
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    assert result["maximise"] == "user_only"
    assert result["equilibrium"] == "best"
    assert CliRunner().invoke(main, ["validate", str(price)]).exit_code == 0
    kind, _ = validate_file(price)
    assert kind == "pricing"
    rate = result["parameters"]["pricing.components.per_token.rates.output"]
    loaded = load_pricing(price)
    assert loaded.name == "fair"
    game = normal_form(compile_scenario(load_scenario("upsell").with_pricing(loaded)))
    cells = [e.payoffs for e in nash_equilibria(game.game).found]
    assert result["after"]["user"] == pytest.approx(max(user for user, _ in cells))
    assert f"output: {rate}" in price.read_text(encoding="utf-8")
    assert "binds" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["upsell"], "is a scenario: say what may be chosen by --vary"),
        (["upsel_prices"], "Did you mean 'upsell_prices'?"),
        (["upsell", "--vary", "pricing.free.questions"], "must be FIELD=LOW..HIGH"),
        (["upsell", "--vary", "pricing.components.per_token.rates.output=0..9999"], "0 to 1000"),
        (["upsell_prices", "--profit", "two"], "--profit: money is a decimal number and its unit"),
        (["upsell", "--vary", "pricing.components.per_token.rates.output=9..0"], "not be above"),
        (
            ["small_screen", "--vary", "pricing.components.per_message.fee=0..0.005"],
            "error: --vary pricing.components.per_message.fee=0..0.005: must be amounts with their "
            "unit: write 0 USD..0.005 USD",
        ),
        (
            ["small_screen", "--vary", "pricing.components.per_message.fee=0.2 USD..0.1 USD"],
            "LOW must not be above HIGH",
        ),
    ],
)
def test_wrong_arguments_are_refused(arguments: list[str], said: str) -> None:
    done = CliRunner().invoke(main, ["design", *arguments])
    assert done.exit_code == 2
    assert said in done.stderr
    assert "<" not in done.stderr, "no place in a file that does not exist"


def test_a_price_that_exists_is_kept(tmp_path: Path) -> None:
    price = tmp_path / "fair.yaml"
    price.write_text("precious", encoding="utf-8")
    done = CliRunner().invoke(main, ["design", "upsell_prices", "--out", str(price)])
    assert done.exit_code == 2
    assert "--force replaces it" in done.stderr
    assert price.read_text(encoding="utf-8") == "precious"


def test_participation_that_cannot_hold_can_be_given_up() -> None:
    arguments = [
        "design", "small_screen",
        "--vary", "pricing.components.per_message.fee=0.2 USD..0.3 USD",
    ]  # fmt: skip
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code != 0
    assert "can hold participation of phone_texter" in done.stderr
    assert "or give participation up (--no-participation; participation: false" in done.stderr
    without = CliRunner().invoke(main, [*arguments, "--no-participation", "--json"])
    assert without.exit_code == 0, without.stderr
    fee = json.loads(without.stdout)["parameters"]["pricing.components.per_message.fee"]
    assert 0.2 <= float(fee.removesuffix(" USD")) <= 0.3
