"""Tiers, minima, caps and surges: what their YAML becomes, and what is refused."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtalign_env.core.ledger import Exchange, bill
from gtalign_env.core.moves import AssistantMove
from gtalign_env.errors import ScenarioError
from gtalign_env.pricing import Cap, Minimum, Surge, Tiered, Usage
from gtalign_env.scenario.feasibility import smallest_first_charge
from gtalign_env.scenario.fields import MAX_DENOMINATOR, MAX_EXCHANGES, MAX_TOKENS, authored
from gtalign_env.scenario.loader import load_scenario
from gtalign_env.scenario.pricing_schema import LONGEST_BILL, LONGEST_TALK, PricingFile
from gtalign_env.scenario.problems import check
from gtalign_env.scenario.yaml_reader import Problem, read_text

HEAD = "schema: gtalign/pricing/1\nname: p\ndescription: d\ncomponents:\n"
TOKENS = "  - {kind: per_token, rates: {input: 3, output: 15}}\n"


def read(components: str) -> PricingFile:
    """Return the regime with these lines of components."""
    problems: list[Problem] = []
    found = check(PricingFile, read_text(HEAD + components, "p.yaml"), problems)
    if found is None:
        raise ScenarioError("\n".join(problem.render("p.yaml") for problem in problems))
    return found


@pytest.mark.parametrize(
    ("line", "component"),
    [
        (
            "{kind: tiered, meter: output, tiers: [{up_to: 1000, rate: 2.0}, {rate: 1.0}]}",
            Tiered("output", (1000,), (2_000_000, 1_000_000)),
        ),
        (
            "{kind: tiered, meter: total, tiers: [{up_to: 1, rate: 0}, {up_to: 9, rate: 3}, {rate: 0.5}]}",
            Tiered("total", (1, 9), (0, 3_000_000, 500_000)),
        ),
        ("{kind: minimum, amount: 0.01 USD}", Minimum(10**10)),
        ("{kind: cap, amount: 0.000000000001 USD}", Cap(1)),
        (
            "{kind: surge, multiplier: 1.5, from_conversation: 100, until_conversation: 200, every: 1000}",
            Surge(Fraction(3, 2), 100, 200, 1000),
        ),
        ("{kind: surge, multiplier: 4/3}", Surge(Fraction(4, 3), 0, None, None)),
        ("{kind: surge, multiplier: 0.1}", Surge(Fraction(1, 10))),
        ("{kind: surge, multiplier: 0, until_conversation: 5}", Surge(Fraction(0), 0, 5)),
    ],
)
def test_what_a_line_becomes(line: str, component: object) -> None:
    file = read(f"{TOKENS}  - {line}\n")
    assert file.regime().components[1] == component
    assert PricingFile.model_validate_json(json.dumps(authored(file))) == file


TIERS = "{kind: tiered, meter: output, tiers: [{up_to: 1000, rate: 2.0}, {rate: 1.0}]}"

REFUSED = [
    (TIERS.replace("up_to: 1000, ", ""), "components[1].tiers[0].up_to", "required on all tiers"),
    (
        TIERS.replace("{rate: 1.0}", "{up_to: 9, rate: 1.0}"),
        "components[1].tiers[1].up_to",
        "the last tier has no end: leave out up_to; got 9",
    ),
    (
        TIERS.replace("{rate: 1.0}", "{up_to: 1000, rate: 1.0}, {rate: 0}"),
        "components[1].tiers[1].up_to",
        "must be above the one before, 1000; got 1000",
    ),
    (TIERS.replace("up_to: 1000", "up_to: 0"), "components[1].tiers[0].up_to", "equal to 1; got 0"),
    (TIERS.replace("up_to: 1000", "up_to: 1.5"), "components[1].tiers[0].up_to", "whole number"),
    (
        TIERS.replace("meter: output", "meter: outptu"),
        "components[1].meter",
        "Did you mean 'output'",
    ),
    (TIERS.replace("meter: output, ", ""), "components[1].meter", "required, and missing"),
    (TIERS.replace("rate: 2.0", "rate: 2000"), "components[1].tiers[0].rate", "must be 0 to 1000"),
    (TIERS.replace("{up_to: 1000, rate: 2.0}, ", ""), "components[1].tiers", "at least 2 items"),
    (f"{TIERS}\n  - {TIERS}", "components[2].kind", "once per meter; 'output' is repeated"),
    ("{kind: minimum, amount: 0.01}", "components[1].amount", "an amount with its unit"),
    (
        "{kind: minimum, amount: 0.02 USD}\n  - {kind: cap, amount: 0.01 USD}",
        "components[1].amount",
        "at most the cap, 0.01 USD; got 0.02 USD",
    ),
    (
        "{kind: cap, amount: 1 USD}\n  - {kind: cap, amount: 1 USD}",
        "components[2].kind",
        "'cap' is repeated",
    ),
    ("{kind: surge}", "components[1].multiplier", "required, and missing"),
    ("{kind: surge, multiplier: -1}", "components[1].multiplier", "must be 0 to 100; got -1"),
    ("{kind: surge, multiplier: 101}", "components[1].multiplier", "must be 0 to 100; got 101"),
    ("{kind: surge, multiplier: 1.00001}", "components[1].multiplier", "at most 4 decimals"),
    ("{kind: surge, multiplier: 1/0}", "components[1].multiplier", "a fraction such as 4/3"),
    ("{kind: surge, multiplier: 50%}", "components[1].multiplier", "got '50%'"),
    ("{kind: surge, multiplier: true}", "components[1].multiplier", "must be a number; got True"),
    (
        "{kind: surge, multiplier: 2, from_conversation: 5, until_conversation: 5}",
        "components[1].until_conversation",
        "must be above from_conversation, 5; got 5",
    ),
    (
        "{kind: surge, multiplier: 2, from_conversation: 9, every: 9}",
        "components[1].from_conversation",
        "must be below every, 9; got 9",
    ),
    (
        "{kind: surge, multiplier: 2, until_conversation: 10, every: 9}",
        "components[1].until_conversation",
        "must be at most every, 9; got 10",
    ),
    ("{kind: surge, multiplier: 99.9999}", "components", "must fit 64 bits"),
]


@pytest.mark.parametrize(("line", "field", "said"), REFUSED)
def test_what_is_refused_and_where(line: str, field: str, said: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        read(f"{TOKENS}  - {line}\n")
    lines = str(caught.value).splitlines()
    assert any(f": {field}: " in one and said in one for one in lines), lines


@pytest.mark.parametrize("kind", ["surge", "minimum", "cap"])
@pytest.mark.parametrize("beside", ["", "  - {kind: outcome, fee: 1 USD}\n"])
def test_what_changes_a_price_is_no_regime_without_one(kind: str, beside: str) -> None:
    number = "multiplier: 2" if kind == "surge" else "amount: 1 USD"
    with pytest.raises(ScenarioError, match=f"{kind} only changes the price of exchanges"):
        read(f"  - {{kind: {kind}, {number}}}\n{beside}")


def test_tiers_of_two_meters_and_several_surges_may_stand_together() -> None:
    file = read(
        f"{TOKENS}  - {TIERS}\n  - {TIERS.replace('output', 'input')}\n"
        "  - {kind: surge, multiplier: 2, until_conversation: 1, every: 7}\n"
        "  - {kind: surge, multiplier: 1.5, from_conversation: 5, every: 7}\n"
    )
    assert [file.regime().at(i).surge for i in range(7)] == [2, 1, 1, 1, 1, 1.5, 1.5]


@pytest.mark.parametrize(("multiplier", "least"), [("3", 10**9), ("1/2", 5 * 10**8)])
def test_a_surge_counts_for_what_is_affordable_only_where_it_lowers_the_price(
    multiplier: str, least: int
) -> None:
    file = read(
        "  - {kind: per_message, fee: 0.001 USD}\n"
        f"  - {{kind: surge, multiplier: {multiplier}, until_conversation: 7}}\n"
    )
    assert smallest_first_charge(file, load_scenario("quick_question").task) == least


@given(st.fractions(0, 100, max_denominator=MAX_DENOMINATOR))
def test_every_multiplier_survives_a_round_trip(factor: Fraction) -> None:
    text = f"{factor.numerator}/{factor.denominator}"
    file = read(
        f"  - {{kind: per_message, fee: 0.0001 USD}}\n  - {{kind: surge, multiplier: {text}}}\n"
    )
    again = PricingFile.model_validate_json(json.dumps(authored(file)))
    assert again == file
    assert again.regime().at(0).surge == factor


_RATE = st.sampled_from([0, 0.000001, 3, 75, 999.999999, 1000])
_COMPONENT: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "per_token": st.builds(
        lambda a, b, c: {
            "kind": "per_token",
            "rates": {"input": a, "cached_input": b, "output": c},
        },
        _RATE,
        _RATE,
        _RATE,
    ),
    "tiered": st.builds(
        lambda a, b, meter: {
            "kind": "tiered",
            "meter": meter,
            "tiers": [{"up_to": 10**6, "rate": a}, {"rate": b}],
        },
        _RATE,
        _RATE,
        st.sampled_from(["output", "input", "total"]),
    ),
    "surge": st.builds(
        lambda factor: {"kind": "surge", "multiplier": str(factor)},
        st.fractions(0, 100, max_denominator=50),
    ).map(lambda one: one if "/" in one["multiplier"] else {**one, "multiplier": 7}),
    "per_message": st.just({"kind": "per_message", "fee": "10000 USD"}),
}


@given(st.fixed_dictionaries(_COMPONENT))
def test_no_bill_of_an_accepted_regime_leaves_int64(parts: dict[str, dict[str, Any]]) -> None:
    data = {"schema": "gtalign/pricing/1", "name": "p", "description": "d"}
    text = json.dumps({**data, "components": list(parts.values())})
    try:
        regime = PricingFile.model_validate_json(text).regime()
    except ValueError as error:
        assert "must fit 64 bits" in str(error)  # noqa: PT017  nothing else may be wrong with it
        return
    talk, sent = [], 0
    for exchange in range(MAX_EXCHANGES):
        cached, sent = sent, sent + (3 if exchange else 2) * MAX_TOKENS
        usage = Usage(sent, cached, 2 * MAX_TOKENS, MAX_TOKENS)
        talk.append(Exchange(usage, AssistantMove.AQ_VERBOSE))
    assert sum(one.usage.input for one in talk) == LONGEST_TALK.input
    assert sum(bill(talk, True, regime)) * regime.at(0).surge.denominator < LONGEST_BILL
