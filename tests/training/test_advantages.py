"""Advantages by conversation and by turn, against hand-computed cases; rewards and their scales."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtalign_env.errors import ScenarioError
from gtalign_env.welfare import Welfare
from gtalign_training.game import reward_welfare, training_table
from gtalign_training.language.advantages import (
    by_conversation,
    by_turn,
    group_relative,
    leave_one_out,
    on_tokens,
    rewards_to_go,
)
from gtalign_training.language.conversations import normalised
from gtalign_training.language.rollouts import Rollout, Turn
from gtalign_training.recipe import Recipe, load_recipe

from .conftest import small_recipe

POINTS = 1e-12


class Talked:
    """Stands for a conversation that is over, as far as a rollout's score looks at it."""

    def __init__(self, returns: tuple[float, float]) -> None:
        self.conversation = self
        self.returns = returns


def rollout(*before: tuple[float, float], final: tuple[float, float], bad: int = -1) -> Rollout:
    """Return a rollout whose turns began at given welfares, each three tokens, two of the user between."""
    turns = [
        Turn("", None, "payoff_json" if index == bad else None, 3, reached)
        for index, reached in enumerate(before)
    ]
    mask = [1, 1, 1] + [0, 0, 1, 1, 1] * (len(before) - 1)
    talk: Any = Talked(final)
    return Rollout(0, talk, [7], list(range(len(mask))), mask, turns)


def test_leave_one_out_is_the_difference_from_the_others_mean() -> None:
    # others of 1: (2 + 6) / 2 = 4; of 2: (1 + 6) / 2 = 3.5; of 6: 1.5
    assert leave_one_out(np.array([1.0, 2.0, 6.0])) == pytest.approx([-3.0, -1.5, 4.5])


def test_group_relative_is_in_standard_deviations() -> None:
    # mean 2, deviation (with n - 1) 1
    assert group_relative(np.array([1.0, 2.0, 3.0])) == pytest.approx([-1.0, 0.0, 1.0], abs=1e-3)


@pytest.mark.parametrize("law", [leave_one_out, group_relative])
def test_what_failed_counts_nowhere(law: Any) -> None:
    with_fault = by_conversation([1.0, None, 3.0, 5.0, 5.0, None], 3, law)
    assert with_fault[[1, 5]] == pytest.approx(0.0)
    assert with_fault[:1] == pytest.approx(law(np.array([1.0, 3.0]))[:1])
    assert with_fault[3:] == pytest.approx(0.0)  # equal rewards teach nothing
    assert by_conversation([1.0, None], 2, law) == pytest.approx(0.0)  # nothing to compare with


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=8), st.floats(-1e3, 1e3))
def test_a_constant_added_to_all_changes_no_advantage(values: list[float], shift: float) -> None:
    moved = leave_one_out(np.array(values) + shift)
    assert moved == pytest.approx(leave_one_out(np.array(values)), abs=1e-8)
    assert math.fsum(moved) == pytest.approx(0.0, abs=1e-8)


def test_rewards_to_go_sum_what_is_still_to_come() -> None:
    assert rewards_to_go([1.0, -2.0, 4.0]) == [3.0, 2.0, 4.0]
    assert rewards_to_go([]) == []


def test_turns_are_compared_with_the_same_turns_of_the_other_tries() -> None:
    found = by_turn([[1.0, 2.0], [5.0], None, [0.0, 6.0]], 4, leave_one_out)
    # to go at the first turns: 3, 5 and 6; at the second ones: 2 and 6
    assert found[0] == pytest.approx([3 - 5.5, 2 - 6])
    assert found[1] == pytest.approx([5 - 4.5])
    assert found[2] == []
    assert found[3] == pytest.approx([6 - 4.0, 6 - 2])


def test_an_advantage_stands_on_its_own_turns_tokens() -> None:
    talked = rollout((0, 0), (1, 1), final=(2, 2))
    assert on_tokens(talked, [0.5, -1.5]) == [0.5] * 3 + [0.0] * 2 + [-1.5] * 3
    assert on_tokens(talked, []) == [0.0] * 8


def test_turns_gain_what_welfare_rose_by() -> None:
    mean = Welfare("utilitarian")
    talked = rollout((-1.0, 0.0), (1.0, 2.0), final=(5.0, 0.0))
    # W at the beginning of the turns -0.5 and 1.5, at the end 2.5
    assert talked.turn_rewards(mean) == pytest.approx([2.0, 1.0])
    assert rewards_to_go(talked.turn_rewards(mean) or [])[0] == pytest.approx(2.5 + 0.5)


def test_the_first_malformed_turn_pays_for_it() -> None:
    mean = Welfare("utilitarian")
    talked = rollout((0.0, 0.0), (1.0, 1.0), final=(4.0, 4.0), bad=1)
    assert talked.score(mean) == 0.0
    assert talked.turn_rewards(mean) == pytest.approx([1.0, 3.0 - 4.0])
    talked.fault = "timeout"
    assert talked.turn_rewards(mean) is None


@pytest.mark.parametrize("how", ["zscore", "minmax"])
def test_scales_are_per_source_and_leave_faults_out(how: str) -> None:
    scores = [1.0, 3.0, None, 10.0, 10.0, 7.0]
    sources = ["a", "a", "a", "b", "b", "c"]
    found = normalised(scores, sources, how)
    low = -1.0 if how == "zscore" else 0.0
    assert found[:2] == pytest.approx([low, 1.0])
    assert found[2] is None
    assert found[3:] == [0.0, 0.0, 0.0]  # a constant group, and a group of one


@pytest.mark.parametrize(
    "reward", ["user_only", "assistant_only", "utilitarian", "nash", "egalitarian"]
)
def test_a_reward_is_its_aggregator_at_the_scenarios_disagreement(reward: str) -> None:
    recipe = small_recipe(reward=reward)
    spec = training_table(recipe).specs[0]
    welfare = reward_welfare(recipe, spec)
    assert (welfare.kind, welfare.disagreement) == (reward, spec.welfare.disagreement)


def test_ces_goes_from_the_sum_over_nash_to_the_worse_off() -> None:
    spec = training_table(small_recipe()).specs[0]
    disagreement = np.array(spec.welfare.disagreement)
    gains = (1.0, 4.0)
    user, assistant = disagreement + gains

    def value(rho: float) -> float:
        return reward_welfare(small_recipe(reward="ces", rho=rho), spec)(user, assistant)

    assert value(1.0) == pytest.approx(2.5)
    assert value(0.0) == pytest.approx(2.0)
    assert value(-60.0) == pytest.approx(1.0, abs=0.02)


def recipe_text(**lines: str) -> str:
    head = {
        "schema": "gtalign/recipe/1",
        "name": "mine",
        "description": "A recipe.",
        "algorithm": "grpo",
        "game": "{scenario: help_desk, pricing: [subscription]}",
    }
    return "".join(f"{key}: {value}\n" for key, value in (head | lines).items())


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ({"rho": "0.5"}, "rho: belongs to reward: ces; got reward: scenario"),
        ({"reward": "ces", "rho": "2.0"}, "rho: .*less than or equal to 1"),
        ({"normalise": "zscore", "grpo": "{credit: turn}"}, "leave it out with credit: turn"),
        ({"algorithm": "ppo", "normalise": "zscore"}, "needs batches of conversations"),
        ({"algorithm": "ppo", "format": "none"}, "format: belongs to language models"),
        ({"rloo": "{steps: 5}"}, "rloo: sets another algorithm than the recipe's, grpo"),
        ({"grpo": "{prompts: 3, group: 3, micro_batch: 2}"}, "must divide prompts x group, 9"),
        (
            {"algorithm": "lm-ppo", "lm_ppo": "{prompts: 9, batch_size: 2}"},
            "must divide prompts, 9",
        ),
        (
            {"algorithm": "lm-ppo", "model": "{kind: pretrained, path: a, lora: {rank: 4}}"},
            "lora: must be left out: lm-ppo trains all weights",
        ),
        ({"algorithm": "gropo"}, "algorithm: .*'grpo'"),
    ],
)
def test_what_does_not_fit_together_is_refused_with_its_field(
    tmp_path: Any, lines: dict[str, str], message: str
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(recipe_text(**lines))
    with pytest.raises(ScenarioError, match=message):
        load_recipe(str(path))


def test_a_recipe_is_written_out_without_the_other_algorithms_sections() -> None:
    plain = small_recipe().plain()
    assert "grpo" in plain
    assert not {"rloo", "lm_ppo", "dpo", "best_of_k", "ppo", "a2c", "dqn"} & plain.keys()
    assert Recipe.model_validate(plain, strict=False) == small_recipe()
