"""The formulas of PPO on token sequences, against hand-computed cases."""

from __future__ import annotations

import math
from typing import Any

import pytest

from gtalign_training.language.lm_ppo.objective import (
    advantages,
    explained_variance,
    masked_mean,
    policy_loss,
    value_loss,
    whiten,
)

torch = pytest.importorskip("torch")


def row(*numbers: float) -> Any:
    return torch.tensor([numbers], dtype=torch.float64)


def test_advantages_by_hand() -> None:
    # deltas: 2 + 0 - 0.5 = 1.5; 0 + 0.9 * 0.5 - 1 = -0.55; 1 + 0.9 * 1 - 0 = 1.9
    # A2 = 1.5; A1 = -0.55 + 0.45 * 1.5 = 0.125; A0 = 1.9 + 0.45 * 0.125 = 1.95625
    found = advantages(row(1, 0, 2), row(0, 1, 0.5), row(1, 1, 1), 0.9, 0.5)
    assert found[0].tolist() == pytest.approx([1.95625, 0.125, 1.5])


def test_the_users_words_take_no_time() -> None:
    whole = advantages(row(1, 0, 2), row(0, 1, 0.5), row(1, 1, 1), 0.9, 0.5)
    parted = advantages(
        row(9, 1, 0, 9, 9, 2, 9), row(9, 0, 1, 9, 9, 0.5, 9), row(0, 1, 1, 0, 0, 1, 0), 0.9, 0.5
    )
    assert parted[0, [1, 2, 5]].tolist() == pytest.approx(whole[0].tolist())
    assert parted[0, [0, 3, 4, 6]].tolist() == [0.0] * 4


def test_with_lambda_one_advantages_are_what_came_less_what_was_expected() -> None:
    rewards, values = row(0, 0, 3), row(1, 2, 2.5)
    found = advantages(rewards, values, row(1, 1, 1), 1.0, 1.0)
    assert (found + values)[0].tolist() == pytest.approx([3.0, 3.0, 3.0])


def test_with_lambda_zero_only_the_next_value_counts() -> None:
    found = advantages(row(0, 0, 3), row(1, 2, 2.5), row(1, 1, 1), 1.0, 0.0)
    assert found[0].tolist() == pytest.approx([1.0, 0.5, 0.5])


def test_a_ratio_counts_up_to_the_clip_where_it_pays() -> None:
    # ratios 1.5, 1.5, 0.5, 0.5 at advantages 1, -1, 1, -1, clipped to [0.8, 1.2]
    ratios = row(1.5, 1.5, 0.5, 0.5)
    old = torch.zeros_like(ratios)
    signs = row(1, -1, 1, -1)
    found = policy_loss(ratios.log(), old, signs, torch.ones_like(ratios), 0.2)
    # min(1.5, 1.2), min(-1.5, -1.2), min(0.5, 0.8), min(-0.5, -0.8)
    assert float(found.loss) == pytest.approx(-(1.2 - 1.5 + 0.5 - 0.8) / 4)
    assert float(found.clip_fraction) == 1.0
    expected = sum(r - 1 - math.log(r) for r in (1.5, 1.5, 0.5, 0.5)) / 4
    assert float(found.approx_kl) == pytest.approx(expected)


def test_beyond_the_clip_there_is_no_gradient() -> None:
    logprobs = row(math.log(1.5), math.log(1.1)).requires_grad_()
    loss: Any = policy_loss(logprobs, row(0, 0), row(1, 1), row(1, 1), 0.2).loss
    loss.backward()
    assert logprobs.grad is not None
    assert logprobs.grad[0].tolist() == pytest.approx([0.0, -1.1 / 2])


def test_tokens_outside_the_mask_change_nothing() -> None:
    mask = row(1, 0, 1)
    one = policy_loss(row(0.1, 9.0, 0.2), row(0, 0, 0), row(1, 5, -1), mask, 0.2)
    other = policy_loss(row(0.1, -9.0, 0.2), row(0, 3, 0), row(1, -5, -1), mask, 0.2)
    assert float(one.loss) == float(other.loss)
    assert float(one.approx_kl) == float(other.approx_kl)


def test_values_are_held_near_what_they_were() -> None:
    # old 1, now 2, clip 0.5: held at 1.5; return 0: worse of 4 and 2.25; return 3: worse of 1, 2.25
    mask, now, old = row(1, 1), row(2, 2), row(1, 1)
    assert float(value_loss(now, old, row(0, 3), mask, 0.5)) == pytest.approx((4 + 2.25) / 4)


def test_whitening_leaves_the_rest_out() -> None:
    found = whiten(row(1, 100, 3), row(1, 0, 1))
    assert found[0].tolist() == pytest.approx([-1.0, 0.0, 1.0])
    assert whiten(row(2, 2), row(1, 1))[0].tolist() == [0.0, 0.0]


def test_empty_masks_give_zero_and_no_nan() -> None:
    nothing = row(0, 0)
    assert float(masked_mean(row(1, 2), nothing)) == 0.0
    assert explained_variance(row(1, 2), row(1, 2), nothing) == 0.0
    assert not policy_loss(row(1, 2), row(0, 0), row(1, 1), nothing, 0.2).loss.isnan()


def test_explained_variance_is_one_for_the_truth_and_zero_for_its_mean() -> None:
    returns, mask = row(1, 2, 3), row(1, 1, 1)
    assert explained_variance(returns, returns, mask) == pytest.approx(1.0)
    assert explained_variance(row(2, 2, 2), returns, mask) == pytest.approx(0.0)
