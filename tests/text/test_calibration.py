"""Written matrices: what they say of the exact payoffs, of the play, and of each other."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata

from gtalign_agents.calibration import (
    Spread,
    agreement,
    announced_cell,
    best_cells,
    cell_of,
    choice_of,
    exact_payoff,
    payoff_of,
    spread,
    values,
)
from gtalign_agents.fourblock import PAYOFF_KEYS, FourBlock, Payoff
from gtalign_env.core.exact import normal_form
from gtalign_env.core.moves import AssistantMove, UserMove
from gtalign_env.scenario.compile import compile_scenario
from gtalign_env.scenario.loader import load_pricing, load_scenario

numbers = st.integers(-20, 20).map(lambda tenths: tenths / 10)
payoffs = st.lists(numbers, min_size=12, max_size=12).map(payoff_of)


def by_cell(user: list[float], assistant: list[float]) -> Payoff:
    return {
        key: {"LLM": a, "user": u} for key, u, a in zip(PAYOFF_KEYS, user, assistant, strict=True)
    }


def test_worked_ranks_with_ties_and_errors() -> None:
    written = by_cell([1, 2, 3, 4, 5, 6], [0, 0, 1, 1, 2, 2])
    exact = by_cell([2, 1, 4, 3, 6, 5], [0, 1, 2, 3, 4, 5])
    user = agreement(written, exact, "user")
    # six cells, each off by one place: 1 - 6*6/(6*35), and 12 of 15 pairs in order
    assert user.spearman == pytest.approx(1 - 36 / 210)
    assert user.kendall == pytest.approx((12 - 3) / 15)
    assert user.error == 1.0
    tied = agreement(written, exact, "LLM")
    # 12 pairs in order, none against it, 3 tied: 12 / sqrt(12 * 15)
    assert tied.kendall == pytest.approx(12 / (12 * 15) ** 0.5)
    assert tied.error == pytest.approx((0 + 1 + 1 + 2 + 2 + 3) / 6)


@given(written=payoffs, exact=payoffs, side=st.sampled_from(["LLM", "user"]))
def test_correlation_is_that_of_the_ranks_and_knows_no_unit(
    written: Payoff, exact: Payoff, side: str
) -> None:
    found = agreement(written, exact, side)
    ours, truth = ([one[key][side] for key in PAYOFF_KEYS] for one in (written, exact))
    if len(set(ours)) == 1 or len(set(truth)) == 1:
        assert found.spearman is found.kendall is None
        return
    a, b = (rankdata(one) - 3.5 for one in (ours, truth))
    assert found.spearman == pytest.approx((a @ b) / ((a @ a) * (b @ b)) ** 0.5)
    stretched = payoff_of([3 * value + 7 for value in values(written)])
    assert agreement(stretched, exact, side)[:2] == pytest.approx(found[:2])
    assert agreement(exact, exact, side)[:2] == pytest.approx((1.0, 1.0))


@pytest.mark.parametrize("pricing", ["reasoning_api", "subscription"])
def test_the_exact_matrix_is_the_normal_form(pricing: str) -> None:
    spec = compile_scenario(load_scenario("help_desk").with_pricing(load_pricing(pricing)))
    exact, form = exact_payoff(spec), normal_form(spec)
    assert exact["VQ_CQ"]["user"] == form.user[0, AssistantMove.CQ]
    assert exact["DQ_AQ"]["LLM"] == form.assistant[1, AssistantMove.AQ_STANDARD]
    assert exact != exact_payoff(spec, "concise")
    assert agreement(exact, exact, "user").error == 0.0


@pytest.mark.parametrize(
    ("analysis", "cell"),
    [
        ("", None),
        ("I answer directly.", None),
        ("VQ_CQ", "VQ_CQ"),
        ("VQ_DA pays me more, but VQ_CQ is best for both.", "VQ_CQ"),
        ("(DQ_DA)", "DQ_DA"),
        ("XVQ_CQ and VQ_CQX, vq_da", None),
    ],
)
def test_the_announced_cell_is_the_last_one_named(analysis: str, cell: str | None) -> None:
    assert announced_cell(analysis) == cell


def test_a_cell_is_a_query_and_its_answer() -> None:
    assert cell_of(UserMove.VQ, AssistantMove.CQ) == "VQ_CQ"
    assert cell_of(UserMove.REPLY, AssistantMove.AQ_VERBOSE) == "DQ_AQ"


def test_the_best_cells_are_among_those_of_the_query() -> None:
    matrix = by_cell([1, 1, 1, 2, 2, -9], [1, 1, 1, 2, 2, -9])
    assert best_cells(matrix, "VQ") == ("VQ_AQ", "VQ_CQ")  # two losses do not win
    assert best_cells(matrix, "DQ") == ("DQ_AQ", "DQ_CQ", "DQ_DA")


def test_a_collapse_shows() -> None:
    one, other = by_cell([1] * 6, [1] * 6), by_cell([2] * 6, [1] * 6)
    assert spread([]) == Spread(0, 0, 0.0)
    assert spread([one] * 9) == Spread(9, 1, 1.0)
    assert spread([one, other, one, one]) == Spread(4, 2, 0.75)


@given(matrix=payoffs)
def test_twelve_numbers_are_a_matrix(matrix: Any) -> None:
    assert payoff_of(values(matrix)) == matrix
    with pytest.raises(ValueError, match="12 payoffs; got 11"):
        payoff_of(values(matrix)[1:])
    block = FourBlock("", matrix, "so VQ_AQ", "x")
    assert choice_of(block) == (matrix, matrix, "VQ_AQ")
    assert choice_of(block, matrix)[0] == matrix
