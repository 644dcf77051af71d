"""Steering: the published figure, what the edit follows from, and what happens to broken text."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtalign_agents.fourblock import PAYOFF_KEYS, FourBlock, parse, render
from gtalign_agents.steering import (
    FIGURE4_AFTER,
    FIGURE4_BEFORE,
    PUBLISHED_EDIT,
    STATED_EDIT,
    Edit,
    Rule,
    choose,
    edit_for,
    frontier,
    move_of,
    steer,
    usage_of_cells,
)
from gtalign_env.core.exact import normal_form
from gtalign_env.core.moves import AssistantMove
from gtalign_env.core.spec import GameSpec
from gtalign_env.money import to_usd
from gtalign_env.scenario.compile import compile_scenario
from gtalign_env.scenario.loader import load_pricing, load_scenario

# Figure 4 of arXiv:2510.08872 as (LLM, user)
FIGURE_4 = {
    "DQ_AQ": ((1.0, 2.5), (1.5, 2.0)),
    "DQ_CQ": ((1.3, 2.7), (1.3, 2.2)),
    "DQ_DA": ((1.6, 2.8), (2.6, 2.3)),
    "VQ_AQ": ((1.4, 2.3), (1.9, 1.8)),
    "VQ_CQ": ((1.7, 2.9), (1.7, 2.4)),
    "VQ_DA": ((1.9, 2.4), (2.9, 1.9)),
}


def matrix(column: int) -> dict[str, dict[str, float]]:
    return {
        key: {"LLM": cells[column][0], "user": cells[column][1]} for key, cells in FIGURE_4.items()
    }


def written(payoff: Any = None, thinking: str = "Dinosaurs.") -> str:
    block = FourBlock(thinking, payoff or matrix(0), "", "x")
    text = render(block)
    return text[: text.index("</payoff>") + len("</payoff>")]


def spec_under(pricing: str) -> GameSpec:
    return compile_scenario(load_scenario("help_desk").with_pricing(load_pricing(pricing)))


def test_the_published_constants_give_the_published_matrix_and_choice() -> None:
    assert (matrix(0), matrix(1)) == (FIGURE4_BEFORE, FIGURE4_AFTER)
    assert PUBLISHED_EDIT.of(matrix(0)) == matrix(1)
    assert choose(matrix(0)) == "VQ_CQ"
    assert choose(matrix(1)) == "DQ_DA"


def test_the_stated_penalty_alone_changes_nothing() -> None:
    assert STATED_EDIT.is_uniform
    assert not PUBLISHED_EDIT.is_uniform
    after = STATED_EDIT.of(matrix(0))
    for rule in get_args(Rule):
        assert choose(after, rule) == choose(matrix(0), rule)
    assert frontier(after) == frontier(matrix(0))


numbers = st.integers(-50, 50).map(lambda tenths: tenths / 10)
cells = st.fixed_dictionaries(
    {key: st.fixed_dictionaries({"LLM": numbers, "user": numbers}) for key in PAYOFF_KEYS}
)


@given(payoff=cells, user=st.integers(-5, 5), assistant=st.integers(-5, 5))
def test_a_uniform_edit_never_changes_sum_or_frontier(
    payoff: Any, user: int, assistant: int
) -> None:
    edit = Edit(dict.fromkeys(PAYOFF_KEYS, user), dict.fromkeys(PAYOFF_KEYS, assistant), "same")
    after = edit.of(payoff)
    assert edit.is_uniform
    assert frontier(after) == frontier(payoff)
    # sums that differ by rounding only are ties in the eyes of a reader, so ask for the best sum
    best = max(round(c["LLM"] + c["user"], 6) for c in payoff.values())
    chosen = payoff[choose(after, "sum")]
    assert round(chosen["LLM"] + chosen["user"], 6) == best


@given(payoff=cells)
def test_the_choice_is_never_two_losses_where_there_are_two_gains(payoff: Any) -> None:
    chosen = payoff[choose(payoff)]
    if any(cell["LLM"] > 0 and cell["user"] > 0 for cell in payoff.values()):
        assert min(chosen.values()) > 0


def test_ties_go_to_the_user_then_the_assistant_then_key_order() -> None:
    same = {key: {"LLM": 2.0, "user": 2.0} for key in PAYOFF_KEYS}
    assert choose(same, "sum") == PAYOFF_KEYS[0]
    same["VQ_DA"] = {"LLM": 1.0, "user": 3.0}
    assert choose(same, "sum") == "VQ_DA"


def test_the_edit_is_the_charge_and_the_margin_of_each_move() -> None:
    spec = spec_under("reasoning_api")
    usage = usage_of_cells(spec)
    edit = edit_for(spec.regime, usage, price_sensitivity=100.0, margin_weight=30.0, cost=spec.cost)
    rates = load_pricing("reasoning_api").regime()
    for key in PAYOFF_KEYS:
        charge = sum(component.rates.of(usage[key]) for component in rates.components)  # type: ignore[union-attr]  # by the token
        assert edit.user[key] == pytest.approx(-100 * to_usd(charge))
        assert edit.assistant[key] == pytest.approx(30 * to_usd(charge - spec.cost.of(usage[key])))
    assert not edit.is_uniform
    # more tokens, more of an edit: an answer with a question costs most, a question least
    assert edit.user["VQ_AQ"] < edit.user["VQ_DA"] < edit.user["VQ_CQ"]


def test_longer_answers_are_edited_more() -> None:
    spec = spec_under("reasoning_api")
    deltas = [
        edit_for(
            spec.regime,
            usage_of_cells(spec, verbosity),
            price_sensitivity=100.0,
            margin_weight=30.0,
            cost=spec.cost,
        ).user["DQ_DA"]
        for verbosity in ("concise", "standard", "verbose")
    ]
    assert deltas == sorted(deltas, reverse=True)
    assert deltas[0] > deltas[2]


def test_free_questions_are_free_in_the_edit_too() -> None:
    spec = spec_under("reasoning_free_questions")
    edit = edit_for(
        spec.regime,
        usage_of_cells(spec),
        price_sensitivity=100.0,
        margin_weight=30.0,
        cost=spec.cost,
    )
    assert edit.user["VQ_CQ"] == 0.0
    assert edit.user["VQ_DA"] < 0.0


def test_the_same_price_again_edits_nothing_and_a_flat_one_only_uniformly() -> None:
    token, flat = spec_under("reasoning_api"), spec_under("subscription")
    usage = usage_of_cells(token)
    fixed: Any = {"price_sensitivity": 100.0, "margin_weight": 30.0, "cost": token.cost}
    same = edit_for(token.regime, usage, before=token.regime, **fixed)
    assert set(same.user.values()) | set(same.assistant.values()) == {0.0}
    no_cost = fixed | {"cost": replace_rates(token)}
    assert edit_for(flat.regime, usage, **no_cost).is_uniform


def replace_rates(spec: GameSpec) -> Any:
    return spec.cost._replace(input=0, cached_input=0, output=0, reasoning=0)


def test_what_moves_cost_in_the_edit_is_what_they_cost_in_the_game() -> None:
    """A one-exchange game's mean charge is the charge that the edit is made of."""
    spec = replace(spec_under("reasoning_api"), max_exchanges=1)
    charge = normal_form(spec).charge
    usage = usage_of_cells(spec)
    edit = edit_for(spec.regime, usage, price_sensitivity=1.0, margin_weight=0.0, cost=spec.cost)
    for key in PAYOFF_KEYS:
        i = ("VQ", "DQ").index(key[:2])
        assert -edit.user[key] == pytest.approx(charge[i, move_of(key)])


def test_the_edited_matrix_stands_in_the_same_turn() -> None:
    text = written()
    steered = steer(text, PUBLISHED_EDIT)
    assert steered.text.startswith("<thinking>Dinosaurs.</thinking>")
    whole = parse(steered.text + "<analyze>DQ_DA</analyze><response>Long ago.</response>")
    assert whole.payoff == steered.after == matrix(1)
    record = steered.to_json()
    assert record["steered"]
    assert (record["choice_before"], record["choice_after"]) == ("VQ_CQ", "DQ_DA")
    assert record["uniform"] is False


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<thinking>x</thinking>",
        "<thinking>x</thinking><payoff>{}</payoff>",
        "<thinking>x</thinking><payoff>not json</payoff>",
        "<thinking>x</thinking><payoff>{</payoff><payoff>}</payoff>",
        "hello <thinking>x</thinking><payoff>{}</payoff>",
        "<payoff>{}</payoff>",
        written().replace("2.5", "NaN"),
        written(thinking="a").replace("a</thinking>", "<payoff>{}</payoff></thinking>"),
        written() + "<analyze>too late",
    ],
)
def test_a_missing_or_broken_matrix_goes_on_unsteered_and_is_recorded(text: str) -> None:
    steered = steer(text, PUBLISHED_EDIT)
    assert steered.text == text
    assert steered.before is steered.after is None
    record = steered.to_json()
    assert record["steered"] is False
    assert record["fault"]["rule"]
    assert record["choice_before"] is record["choice_after"] is None


@given(text=st.text(max_size=200))
def test_any_text_is_safe_to_steer(text: str) -> None:
    assert steer(text, PUBLISHED_EDIT).text == text


def test_an_edit_of_nothing_changes_no_character() -> None:
    nothing = Edit(dict.fromkeys(PAYOFF_KEYS, 0.0), dict.fromkeys(PAYOFF_KEYS, 0.0), "nothing")
    text = written().replace("2.5", "2.50").replace("{", "{ ")
    steered = steer(text, nothing)
    assert steered.text == text
    assert steered.after == steered.before == matrix(0)


def test_cells_are_moves() -> None:
    assert move_of("VQ_CQ", "verbose") is AssistantMove.CQ
    assert move_of("DQ_AQ", "verbose") is AssistantMove.AQ_VERBOSE
    with pytest.raises(ValueError, match="a verbosity is one of"):
        move_of("DQ_DA", "long")
    with pytest.raises(ValueError, match="a rule is one of"):
        choose(matrix(0), "average")  # type: ignore[arg-type]  # the point of the test
