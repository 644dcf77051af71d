"""What our environments promise beyond the contract of `tests/contracts`: types, messages, order."""

from __future__ import annotations

import copy
import math
import pickle
from typing import Any

import gymnasium
import pettingzoo
import pytest
from gymnasium.utils.env_checker import data_equivalence

from gtalign_env.envs import ENVS
from gtalign_env.errors import EpisodeError, ScenarioError

SEATS = ("assistant", "user")

Env = gymnasium.Env[Any, Any]


def single(env_id: str, **kwargs: Any) -> Env:
    """Return a single-seat environment with nothing wrapped around it."""
    return gymnasium.make(env_id, **kwargs).unwrapped


def masked(env: Env, info: dict[str, Any]) -> Any:
    if isinstance(env.action_space, gymnasium.spaces.Discrete):
        return env.action_space.sample(info["action_mask"])
    return env.action_space.sample()


def roll_out(env: Env, steps: int, legal: bool = True) -> list[Any]:
    """Play at random and check every step; return all that came back."""
    env.action_space.seed(3)
    observation, info = env.reset(seed=11)
    seen: list[Any] = [copy.deepcopy((observation, info))]
    length = 0
    for _ in range(steps):
        action = masked(env, info) if legal else env.action_space.sample()
        observation, reward, terminated, truncated, info = env.step(action)
        seen.append(copy.deepcopy((observation, reward, terminated, truncated, info)))
        assert env.observation_space.contains(observation)
        assert type(reward) is float
        assert math.isfinite(reward)
        assert type(terminated) is bool
        assert type(truncated) is bool
        assert not (terminated and truncated)
        assert info["reward_valid"] is True
        assert ("ending" in info) is (terminated or truncated)
        assert info["action_mask"].any()
        length += "illegal_move" not in info
        if terminated or truncated:
            assert (info["ending"] == "truncated") is truncated
            assert length <= env.unwrapped.conversation.spec.max_exchanges + 1  # type: ignore[attr-defined]  # ours
            observation, info = env.reset()
            length = 0
    return seen


@pytest.mark.parametrize("seat", SEATS)
@pytest.mark.parametrize("env_id", ENVS)
def test_rollouts_repeat_and_give_plain_numbers(env_id: str, seat: str) -> None:
    kwargs = {"scenario": "mixed_crowd", "seat": seat, "opponent": "random"}
    first = roll_out(single(env_id, **kwargs), 120)
    again = roll_out(single(env_id, **kwargs), 120)
    assert data_equivalence(first, again, exact=True)
    assert {len(step) for step in first} == {2, 5}


def test_illegal_moves_are_refused_and_change_nothing() -> None:
    env = single("gtalign/Conversation-v0", seat="user")
    refused = [step for step in roll_out(env, 300, legal=False)[1:] if "illegal_move" in step[4]]
    assert len(refused) > 50
    assert all(step[1] == 0.0 and not step[2] and not step[3] for step in refused)
    env.reset(seed=1)
    before = pickle.dumps(env.conversation)  # type: ignore[attr-defined]  # ours
    _, reward, terminated, truncated, info = env.step(4)
    assert (reward, terminated, truncated, info["illegal_move"]) == (0.0, False, False, True)
    assert pickle.dumps(env.conversation) == before  # type: ignore[attr-defined]  # ours


@pytest.mark.parametrize("action", [9, -1, 2.5, None, "CQ"])
@pytest.mark.parametrize("seat", SEATS)
def test_what_is_no_move_is_an_error_that_names_the_moves(seat: str, action: object) -> None:
    name = "3 CQ" if seat == "assistant" else "3 ACCEPT"
    env = single("gtalign/Conversation-v0", seat=seat)
    env.reset(seed=1)
    with pytest.raises(EpisodeError, match=f"an action of {seat}_0 is one of 0 .*{name}.*; got"):
        env.step(action)
    both = pettingzoo.make("aec", "gtalign/Conversation-v0")
    both.reset(seed=1)
    if seat == "assistant":
        both.step(0)
    with pytest.raises(EpisodeError, match=f"an action of {seat}_0 is one of 0 .*{name}.*; got"):
        both.step(action)
    assert both.agent_selection == f"{seat}_0"


def test_an_illegal_move_with_both_seats_open_raises_and_changes_nothing() -> None:
    env = pettingzoo.make("aec", "gtalign/Conversation-v0")
    env.reset(seed=1)
    with pytest.raises(EpisodeError, match="may play VQ, DQ now; got ACCEPT"):
        env.step(3)
    assert env.agent_selection == "user_0"
    assert env.conversation.user_moves == ()
    env.step(0)
    assert env.agent_selection == "assistant_0"


@pytest.mark.parametrize("action", [7, None, b"bytes", ["text"]])
@pytest.mark.parametrize("seat", SEATS)
def test_what_is_no_text_is_an_error(seat: str, action: object) -> None:
    env = single("gtalign/Dialogue-v0", seat=seat)
    env.reset(seed=1)
    with pytest.raises(EpisodeError, match="what is said is a string; got"):
        env.step(action)
    with pytest.raises(EpisodeError, match=r"at most 1,000,000 characters; got 1,000,001"):
        env.step("x" * 1_000_001)
    env.step("x" * 1_000_000)


@pytest.mark.parametrize("seat", SEATS)
@pytest.mark.parametrize("env_id", ENVS)
def test_copies_and_pickles_go_on_alike(env_id: str, seat: str) -> None:
    env = single(env_id, seat=seat, scenario="mixed_crowd", opponent="random")
    env.action_space.seed(5)
    moved_on = 0
    for episode in range(25):
        _, info = env.reset(seed=2, options={"episode": episode})
        _, _, terminated, truncated, info = env.step(masked(env, info))
        if terminated or truncated:
            continue
        action = masked(env, info)
        twins = [copy.deepcopy(env), pickle.loads(pickle.dumps(env)), env]  # noqa: S301  # our own bytes
        results = [twin.step(action) for twin in twins]
        assert data_equivalence(results[0], results[2], exact=True)
        assert data_equivalence(results[1], results[2], exact=True)
        # the next episode too, and none of them moves another
        resets = [twin.reset() for twin in twins]
        assert data_equivalence(resets[0], resets[2], exact=True)
        assert data_equivalence(resets[1], resets[2], exact=True)
        moved_on += 1
    assert moved_on > 3


@pytest.mark.parametrize("env_id", ENVS)
def test_copies_with_both_seats_go_on_alike(env_id: str) -> None:
    env = pettingzoo.make("aec", env_id, scenario="mixed_crowd")
    for agent in env.possible_agents:
        env.action_space(agent).seed(5)
    for episode in range(20):
        env.reset(seed=2, options={"episode": episode})
        env.step(0 if "Conv" in env_id else "Where is it?")
        twins = [copy.deepcopy(env), pickle.loads(pickle.dumps(env)), env]  # noqa: S301  # our own bytes
        action = env.action_space("assistant_0").sample()
        for twin in twins:
            twin.step(action)
        lasts = [twin.last() for twin in twins]
        assert data_equivalence(lasts[0], lasts[2], exact=True)
        assert data_equivalence(lasts[1], lasts[2], exact=True)
        assert twins[0].conversation is not env.conversation


@pytest.mark.parametrize("seat", SEATS)
@pytest.mark.parametrize("env_id", ENVS)
def test_order_of_use(env_id: str, seat: str) -> None:
    env = single(env_id, seat=seat)
    with pytest.raises(EpisodeError, match=r"call reset\(\) first"):
        env.step(env.action_space.sample())
    with pytest.raises(EpisodeError, match=r"call reset\(\) first"):
        getattr(env, "talk" if "Dialogue" in env_id else "conversation")
    first = env.reset(seed=1)
    assert data_equivalence(env.reset(seed=1), first, exact=True)
    done = False
    while not done:
        _, _, terminated, truncated, info = env.step(0 if "Conv" in env_id else "never mind")
        done = terminated or truncated or "illegal_move" in info
        if "illegal_move" in info:
            env.step(5)
    with pytest.raises(EpisodeError, match=r"over; call reset\(\)"):
        env.step(env.action_space.sample())
    env.reset()
    env.close()
    env.close()


@pytest.mark.parametrize("env_id", ENVS)
def test_order_of_use_with_both_seats(env_id: str) -> None:
    env = pettingzoo.make("aec", env_id)
    with pytest.raises(EpisodeError, match=r"call reset\(\)"):
        env.step(0)
    env.reset(seed=1)
    env.reset(seed=1)
    words = ["What is it?", "Do you mean this?", "never mind"]
    for move, text in zip((0, 3, 5), words, strict=True):
        env.step(move if "Conv" in env_id else text)
    assert env.terminations == {"user_0": True, "assistant_0": True}
    assert env.truncations == {"user_0": False, "assistant_0": False}
    with pytest.raises(ValueError, match="None"):  # PettingZoo's own: a dead agent moves no more
        env.step(0)
    env.step(None)
    env.step(None)
    assert env.agents == []
    with pytest.raises(EpisodeError, match=r"over; call reset\(\)"):
        env.step(None)
    env.close()
    env.close()


@pytest.mark.parametrize(
    ("kwargs", "error", "message"),
    [
        ({"scenarioo": "x"}, TypeError, "unexpected keyword argument 'scenarioo'"),
        ({"scenario": "quick_qestion"}, ScenarioError, "Did you mean 'quick_question'"),
        ({"pricing": "per_tokn"}, ScenarioError, "Did you mean 'per_token'"),
        ({"seat": "assitant"}, ValueError, "one of user, assistant; .*mean 'assistant'"),
        ({"opponent": "defualt"}, ScenarioError, "Did you mean 'default'"),
        ({"reward": "joined"}, ValueError, "one of own, joint; .*mean 'joint'"),
        ({"p_vague": 2.0}, ValueError, r"in \[0, 1\]; got 2.0"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
@pytest.mark.parametrize("env_id", ENVS)
def test_mistyped_arguments_are_answered(
    env_id: str, kwargs: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        gymnasium.make(env_id, **kwargs)


@pytest.mark.parametrize("env_id", ENVS)
def test_text_is_rendered_returned_or_printed(
    env_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for mode in (None, "ansi", "human"):
        for env in (
            single(env_id, render_mode=mode, seat="user", opponent="CQ"),
            pettingzoo.make("aec", env_id, render_mode=mode),
        ):
            one: Any = env  # either registry's kind
            if mode is not None:
                with pytest.raises(EpisodeError, match=r"call reset\(\)"):
                    one.render()
            one.reset(seed=1)
            capsys.readouterr()
            one.step(0 if "Conv" in env_id else "What is it?")
            printed = capsys.readouterr().out
            shown = one.render()
            assert (shown is None) is (mode != "ansi")
            assert (printed == "") is (mode != "human")
            assert "user  VQ" in {"ansi": shown, "human": printed, None: "user  VQ"}[mode]
    for make in (single, lambda name, **kw: pettingzoo.make("aec", name, **kw)):
        with pytest.raises((ValueError, UserWarning), match="render_mode"):
            make(env_id, render_mode="ansii")
