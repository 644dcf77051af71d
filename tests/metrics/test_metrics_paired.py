"""Paired tests, adjustments, ratios and mixes, against numbers worked out by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtalign_training.metrics import (
    agreement,
    answers_per_1k,
    budget_use,
    holm,
    paired_difference,
    ratio,
    response_share,
    sign_flip,
    total_variation,
)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_few_pairs_are_tested_exactly() -> None:
    """Fisher's test: the share of sign patterns with a sum as extreme, both tails."""
    values = np.array([1.0, 2.0, 3.0, -0.5, 4.0])
    sums = [abs(np.dot(signs, values)) for signs in itertools.product((1, -1), repeat=5)]
    expected = np.mean(np.array(sums) >= abs(values.sum()) - 1e-12)
    assert sign_flip(values, rng()) == pytest.approx(expected)


def test_zeros_say_nothing_and_a_clear_difference_is_found() -> None:
    clear = np.tile([0.9, 1.0, 1.1], 20)
    assert sign_flip(clear, rng()) == pytest.approx(2e-4)  # both tails of 1 / 10,000
    assert sign_flip(np.concatenate([clear, np.zeros(100)]), rng()) == sign_flip(clear, rng())
    assert sign_flip(np.zeros(9), rng()) == 1.0
    assert sign_flip(np.array([3.0]), rng()) == 1.0


def test_no_difference_is_rarely_found() -> None:
    """Under the null the p-values are uniform: about 5 % of them below 0.05."""
    draws = np.random.default_rng(1).normal(size=(60, 12))
    low = sum(sign_flip(row, rng()) < 0.05 for row in draws)
    assert low <= 10  # 3 expected, four standard errors


def test_the_interval_covers_the_mean_and_depends_on_the_seed_alone() -> None:
    values = np.random.default_rng(2).normal(0.3, 1.0, 400)
    found = paired_difference(values, 7)
    assert found == paired_difference(values, 7)
    assert found.low < values.mean() == found.mean < found.high


def test_holm_by_hand() -> None:
    """Holm (1979): .01 x 4, .03 x 3, .04 x 2 made to rise, .9."""
    assert holm([0.03, 0.01, 0.9, 0.04]) == pytest.approx([0.09, 0.04, 0.9, 0.09])
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9))
def test_holm_lies_between_the_p_value_and_bonferroni(p: list[float]) -> None:
    for raw, adjusted in zip(p, holm(p), strict=True):
        assert raw <= adjusted <= min(1.0, raw * len(p)) + 1e-15


def test_ratios_by_hand() -> None:
    output, hidden = np.array([60, 240]), np.array([100, 100])
    assert response_share(output, hidden, rng()).mean == 300 / 500
    assert answers_per_1k(np.array([1, 0]), output, hidden, rng()).mean == pytest.approx(2.0)
    assert budget_use(np.array([5, 0, 3]), np.array([10, 7, 0])).tolist() == [0.5, 0.0, 0.0]
    assert np.isnan(ratio(np.zeros(3), np.zeros(3), rng())).all()
    low, high = ratio(np.array([1.0, 3.0]), np.array([1.0, 1.0]), rng())[1:]
    assert (low, high) == (1.0, 3.0)


def test_mixes_by_hand() -> None:
    assert total_variation({"CQ": 1.0}, {"CQ": 0.25, "DA": 0.75}) == 0.75
    assert total_variation({"CQ": 0.5, "DA": 0.5}, {"DA": 0.5, "CQ": 0.5}) == 0.0
    contexts, best = ["a", "a", "b", "c"], {"a": "CQ", "b": "DA"}
    assert agreement(contexts, ["CQ", "DA", "DA", "CQ"], best) == pytest.approx(2 / 3)
    assert agreement(contexts, ["", "", "", "CQ"], best) is None
