"""The parts of the check: comparing, hashing, overwriting; and what it says of misuse."""

from __future__ import annotations

import copy
import functools
import random
from typing import Any

import gymnasium
import numpy as np
import pettingzoo
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pettingzoo.utils.env_logger import EnvLogger

from gtalign_env.envs.checks import ContractError, Hooks, check_rollouts, conversation_hooks
from gtalign_env.envs.checks.drivers import drive
from gtalign_env.envs.checks.values import difference, digest, shared, spoil
from gtalign_env.errors import GTAlignError
from tests.contracts.games import Dilemma
from tests.contracts.mutants_one import NeverOver, Single

numbers = st.integers(-3, 3) | st.floats(allow_nan=True) | st.booleans() | st.none() | st.text()
arrays = st.lists(st.integers(0, 3), max_size=3).flatmap(
    lambda values: st.sampled_from([np.array(values, kind) for kind in ("i8", "f4", "f8")])
)
data = st.recursive(
    numbers | arrays,
    lambda part: (
        st.lists(part, max_size=3)
        | st.tuples(part, part)
        | st.dictionaries(st.text(max_size=2) | st.integers(0, 3), part, max_size=3)
    ),
    max_leaves=8,
)


@given(data, data)
def test_equal_hashes_are_no_difference(one: Any, two: Any) -> None:
    assert difference(one, copy.deepcopy(one)) is None
    assert digest(one) == digest(copy.deepcopy(one))
    assert (difference(one, two) is None) == (digest(one) == digest(two))


@pytest.mark.parametrize(
    ("one", "two", "where"),
    [
        ({"a": 1}, {"a": 1.0}, "['a'] is 1 here and 1.0 there"),
        ({"a": 1, "b": 2}, {"a": 1}, "['b'] is on one side only"),
        ({"a": 1}, {"b": 1}, "['a'] is on one side only"),
        ([1, (2, 3)], [1, (2, 4)], "[1][1] is 3 here and 4 there"),
        (np.zeros(2), np.zeros(2, np.float32), " is array([0., 0.]) here and"),
        (np.zeros((1, 2)), np.zeros((2, 1)), "here and"),
        (True, 1, " is True here and 1 there"),
        (0.0, -0.0, " is 0.0 here and -0.0 there"),
        ({1, 2}, {1, 3}, "here and"),
        ({"a": {}}, {}, "['a'] is on one side only"),
        ([], (), " is [] here and () there"),
    ],
)
def test_a_difference_is_told_by_its_place(one: Any, two: Any, where: str) -> None:
    assert where in str(difference(one, two))
    assert digest(one) != digest(two)


def test_not_a_number_is_itself_and_nameless_objects_are_alike() -> None:
    assert difference(float("nan"), float("nan")) is None
    assert difference(np.array([np.nan]), np.array([np.nan])) is None
    assert difference(object(), object()) is None
    assert digest({"b": 1, "a": {3, 1, 2}}) == digest({"a": {2, 3, 1}, "b": 1})


def test_what_is_shared_is_found_at_any_depth() -> None:
    array = np.zeros(4)
    assert shared({"a": [array]}, (array[:2],))
    assert shared([array], {"x": {"y": array}})
    assert not shared({"a": array}, {"a": array.copy()})
    assert not shared(("text", 1), ("text", 1))
    common: list[int] = []
    assert shared({"a": common}, {"b": common})


def test_spoiling_overwrites_all_that_can_be() -> None:
    array, frozen = np.array([0.0, 5.0]), np.zeros(2)
    frozen.flags.writeable = False
    held = {"a": array, "b": [1, {"c": 2}], "d": (frozen, "text")}
    inner = held["b"]
    spoil(held)
    assert array.tolist() == [1.0, 0.0]
    assert (held, inner, frozen.tolist()) == ({}, [], [0.0, 0.0])


def test_each_kind_of_environment_is_known() -> None:
    assert drive(gymnasium.make("CartPole-v1")).kind == "gymnasium"
    assert drive(pettingzoo.make("aec", "gtalign/Conversation-v0")).kind == "aec"
    assert drive(Dilemma()).kind == "parallel"
    vector = gymnasium.make_vec("CartPole-v1", num_envs=2)
    with pytest.raises(TypeError, match="vector environment cannot be checked; check the one"):
        drive(vector)
    with pytest.raises(TypeError, match="AEC or PettingZoo parallel environment; got a dict"):
        check_rollouts(dict)


def test_misuse_is_answered() -> None:
    with pytest.raises(ValueError, match=r"episodes is at least 3: .*; got 2"):
        check_rollouts(Single, episodes=2)
    with pytest.raises(ValueError, match=r"no rule 'agents-kez'\. Did you mean 'agents-keys'"):
        check_rollouts(Single, ignore=["agents-kez"])


def test_an_error_holds_the_report_and_reads_well() -> None:
    with pytest.raises(ContractError) as caught:
        check_rollouts(NeverOver, max_steps=30, hash_seeds=())
    error = caught.value
    assert isinstance(error, AssertionError)
    assert isinstance(error, GTAlignError)
    assert error.report.broken == ("ends",)
    assert "ends: every episode ends within max_steps.\n    episode 0, step 30: " in str(error)
    assert error.report.not_checked["pickle"] == "the recorded run raised or did not end"
    quiet = check_rollouts(NeverOver, max_steps=30, hash_seeds=(), ignore=["ends"])
    assert quiet.ok
    assert quiet.not_checked["ends"] == "ignored on request"


class Unseeded(gymnasium.Env[int, int]):
    """Sound but for what it shows: drawn from numbers that no seed governs."""

    observation_space: gymnasium.Space[Any] = gymnasium.spaces.Discrete(1000)
    action_space: gymnasium.Space[Any] = gymnasium.spaces.Discrete(2)
    left = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[int, dict[str, Any]]:
        super().reset(seed=seed)
        self.left = 5
        return random.randrange(1000), {}

    def step(self, action: int) -> tuple[int, float, bool, bool, dict[str, Any]]:
        if self.left == 0:
            raise RuntimeError("call reset() first")
        self.left -= 1
        return random.randrange(1000), 0.0, self.left == 0, False, {}


def test_one_cause_is_one_broken_rule() -> None:
    report = check_rollouts(Unseeded, raises=False)
    assert report.broken == ("seed-repeat",)
    assert "\n  not judged before seed-repeat is mended: mask-refusal, seed-matters" in str(report)
    assert {"after-end", "before-reset", "close", "final-observation"} <= set(report.checked)


def test_a_misuse_on_purpose_is_not_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    stages: list[str] = []
    make = functools.partial(pettingzoo.make, "aec", "gtalign/RepeatedGame-v0", rounds=3)
    report = check_rollouts(make, hash_seeds=(), on_stage=stages.append)
    assert "after-end" in report.checked
    assert not caplog.records
    assert not EnvLogger.get_logger().disabled
    assert stages[0] == "playing"
    assert len(stages) == len(set(stages)) > 3


def test_what_cannot_be_pickled_is_not_played_elsewhere_and_that_is_said() -> None:
    report = check_rollouts(lambda: Single(), hash_seeds=("1",))
    assert "processes-agree" not in report.checked
    assert "cannot be pickled" in report.not_checked["processes-agree"]


def test_a_twin_that_hides_the_same_counts_for_nothing() -> None:
    hooks = Hooks(twin=Dilemma, hidden=lambda env: 0, blind=["one_0"])
    report = check_rollouts(Dilemma, hooks=hooks, hash_seeds=())
    assert "the same in every episode" in report.not_checked["hidden-twin"]
    hooks = Hooks(twin=Dilemma, hidden=id, blind=["one_0"])
    assert "hidden-twin" in check_rollouts(Dilemma, hooks=hooks, hash_seeds=()).checked


def test_a_limit_may_be_a_number_of_acts() -> None:
    from gymnasium.wrappers import TimeLimit

    def make(limit: int) -> Any:
        return TimeLimit(gymnasium.make("MountainCar-v0").unwrapped, limit)

    assert check_rollouts(lambda: make(20), hooks=Hooks(limit=20), hash_seeds=()).ok
    report = check_rollouts(lambda: make(20), hooks=Hooks(limit=25), hash_seeds=(), raises=False)
    assert report.broken == ("limit-truncates",)


class TwoMoves(gymnasium.Wrapper[Any, Any, Any, int]):
    """The assistant's seat with two of its seven moves."""

    def __init__(self) -> None:
        super().__init__(gymnasium.make("gtalign/Conversation-v0"))
        self.action_space = gymnasium.spaces.Discrete(2)

    def reset(self, **more: Any) -> tuple[Any, dict[str, Any]]:
        observation, info = self.env.reset(**more)
        return observation, info | {"action_mask": np.ones(2, np.int8)}

    def step(self, action: int) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = self.env.step((0, 3)[action])
        info["action_mask"] = np.ones(2, np.int8)
        return observation, reward, terminated, truncated, info


def test_a_hook_that_acts_outside_a_wrappers_space_is_not_followed() -> None:
    report = check_rollouts(TwoMoves, hooks=conversation_hooks(), hash_seeds=(), raises=False)
    assert report.broken == ()
