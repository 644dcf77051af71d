from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gtalign_env.core.moves import AssistantMove, Ending
from gtalign_env.errors import ScenarioError
from gtalign_env.scenario.yaml_reader import read_text
from gtalign_training.recipe import Recipe, find_recipe, load_recipe, recipe_of
from gtalign_training.tabular.env import Place, TrainingEnv
from gtalign_training.tabular.trainer import conversation_metrics


def recipe(**changes: Any) -> Recipe:
    return load_recipe("strategic-ppo").model_copy(update=changes)


@given(seed=st.integers(0, 2**63), plays=st.lists(st.integers(0, 6), min_size=1, max_size=30))
@settings(max_examples=40, deadline=None)
def test_an_environment_goes_on_from_its_place(seed: int, plays: list[int]) -> None:
    made_from = recipe()
    env = TrainingEnv(made_from, Place(seed))
    observation, _ = env.reset()
    for move in plays:
        observation, _, over, cut, _ = env.step(move)
        assert not cut
        if over:
            observation, _ = env.reset()
    again = TrainingEnv(made_from, env.place)
    other, _ = again.reset()
    assert np.array_equal(other, observation)
    for move in plays:
        one, two = env.step(move), again.step(move)
        assert np.array_equal(one[0], two[0])
        assert one[1:3] == two[1:3]
        if one[2]:
            assert np.array_equal(env.reset()[0], again.reset()[0])


def test_the_end_pays_joint_welfare_and_nothing_before_it_does() -> None:
    env = TrainingEnv(recipe(), Place(3))
    env.reset()
    rewards = []
    # questions alone run into the exchange limit, which the library must not take for a time limit
    for turn in range(2000):
        _, reward, over, cut, _ = env.step(AssistantMove.CQ if turn < 200 else turn % 7)
        assert not cut
        if over:
            talk = env.game.conversation
            assert reward == talk.spec.welfare(*talk.returns)
            env.reset()
        else:
            assert reward == 0.0
        rewards.append(reward)
    assert len(env.finished) > 100
    assert any(done.conversation.state.ending is Ending.TRUNCATED for done in env.finished)
    metrics = conversation_metrics(env.finished)
    assert metrics["joint_welfare"] == pytest.approx(sum(rewards) / len(env.finished))
    endings = [value for name, value in metrics.items() if name.startswith("ending/")]
    assert sum(endings) == pytest.approx(1.0)
    for regime in ("reasoning_api", "subscription", "reasoning_free_questions"):
        shares = [v for name, v in metrics.items() if name.startswith(f"move/{regime}/")]
        assert len(shares) == 7
        assert sum(shares) == pytest.approx(1.0)


def test_an_update_in_which_nothing_ended_has_no_means() -> None:
    assert conversation_metrics([]) == {"episodes": 0}


def test_batches_must_be_whole() -> None:
    text = find_recipe("strategic-ppo").read_text(encoding="utf-8")
    broken = text.replace("batch_size: 256", "batch_size: 300")
    with pytest.raises(
        ScenarioError, match=r"batch_size.*must divide environments x horizon, 1024"
    ):
        recipe_of(read_text(broken, "broken.yaml"))
