"""Wrappers keep the contract, and pay and show what they say."""

from __future__ import annotations

import copy
import json
import warnings
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.utils.env_checker import check_env, data_equivalence

from gtalign_env.envs.checks import Hooks, check_rollouts, conversation_hooks
from gtalign_env.envs.dialogue import DialogueEnv
from gtalign_env.envs.wrappers import LastExchanges, RewardChoice, TextOff, UniformSpaces
from gtalign_env.errors import EpisodeError, ModelError
from tests.contracts.cases import FEW, IDS, SEATS, both_seats, one_seat
from tests.contracts.games import Dilemma

Wrap = Callable[[Any], Any]

ONE_SEAT: dict[str, tuple[str, Wrap]] = {
    "text off": ("gtalign/Dialogue-v0", TextOff),
    "user's welfare": ("gtalign/Conversation-v0", lambda env: RewardChoice(env, "user")),
    "assistant's welfare": ("gtalign/Dialogue-v0", lambda env: RewardChoice(env, "assistant")),
    "joint welfare": ("gtalign/Conversation-v0", lambda env: RewardChoice(env, "joint")),
    "difference": ("gtalign/Conversation-v0", lambda env: RewardChoice(env, "difference")),
    "frame": ("gtalign/Conversation-v0", lambda env: LastExchanges(env, 3)),
    "frame of words": ("gtalign/Dialogue-v0", lambda env: LastExchanges(env, 2)),
    "all": (
        "gtalign/Dialogue-v0",
        lambda env: RewardChoice(LastExchanges(TextOff(env), 2), "joint"),
    ),
}


@pytest.mark.parametrize("seat", SEATS)
@pytest.mark.parametrize("name", ONE_SEAT)
def test_a_wrapped_seat_keeps_the_contract(name: str, seat: str) -> None:
    env_id, wrap = ONE_SEAT[name]
    env = wrap(one_seat(env_id, "mixed_crowd", seat))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*is different from the unwrapped version")
        check_env(copy.deepcopy(env))
    hooks = Hooks(
        limit=conversation_hooks().limit,
        options=conversation_hooks().options,
        budget_left=conversation_hooks().budget_left,
    )
    check_rollouts(lambda: copy.deepcopy(env), episodes=5, hooks=hooks, hash_seeds=())


@pytest.mark.parametrize("env_id", IDS)
def test_uniform_spaces_keep_the_contract(env_id: str) -> None:
    env = UniformSpaces(both_seats(env_id, "mixed_crowd"))
    assert env.observation_space("user_0") is env.observation_space("assistant_0")
    assert env.action_space("user_0") is env.action_space("assistant_0")
    hooks = conversation_hooks()
    check_rollouts(lambda: copy.deepcopy(env), episodes=5, hooks=hooks, hash_seeds=())


@pytest.mark.parametrize("seat", SEATS)
@pytest.mark.parametrize("name", FEW)
def test_without_text_dialogue_is_conversation(name: str, seat: str) -> None:
    words = TextOff(one_seat("gtalign/Dialogue-v0", name, seat))
    moves = one_seat("gtalign/Conversation-v0", name, seat)
    assert words.observation_space == moves.observation_space
    assert words.action_space == moves.action_space
    rng = np.random.default_rng(1)
    for episode in range(40):
        options = {"episode": episode}
        came = (words.reset(seed=5, options=options), moves.reset(seed=5, options=options))
        over = False
        while not over:
            assert data_equivalence(*came, exact=True)
            act = int(rng.integers(moves.action_space.n))  # type: ignore[attr-defined]  # Discrete
            steps = (words.step(act), moves.step(act))
            over = steps[0][2] or steps[0][3]
            assert data_equivalence(steps[0], steps[1], exact=True)
            came = ((steps[0][0], steps[0][4]), (steps[1][0], steps[1][4]))
            assert (words.action_masks() == came[1][1]["action_mask"].astype(bool)).all()


def total(env: Any, seed: int) -> tuple[list[float], dict[str, Any]]:
    """Return the rewards of an episode of random legal moves, and its last info."""
    env.action_space.seed(seed)
    _, info = env.reset(seed=seed)
    rewards, over = [], False
    while not over:
        _, reward, terminated, truncated, info = env.step(
            env.action_space.sample(info["action_mask"])
        )
        rewards.append(reward)
        over = terminated or truncated
    return rewards, info


@pytest.mark.parametrize("seat", SEATS)
def test_a_chosen_reward_is_the_one_named(seat: str) -> None:
    for seed in range(40):
        env = one_seat("gtalign/Conversation-v0", "mixed_crowd", seat)
        kinds, returned = {}, np.nan
        for kind in ("user", "assistant", "joint", "difference"):
            kinds[kind], info = total(RewardChoice(env, kind), seed)
            returned = info["return"]
        talk = env.unwrapped.conversation  # type: ignore[attr-defined]  # ours
        user, assistant = talk.returns
        sign = 1 if seat == "user" else -1
        due = {
            "user": user,
            "assistant": assistant,
            "joint": talk.spec.welfare(user, assistant),
            "difference": sign * (user - assistant),
        }
        assert {kind: sum(paid) for kind, paid in kinds.items()} == pytest.approx(due, abs=1e-12)
        assert kinds["joint"][:-1] == [0.0] * (len(kinds["joint"]) - 1)
        assert returned == talk.returns[("user", "assistant").index(seat)]


@pytest.mark.parametrize("reward", ["user", "assistant", "joint", "difference"])
def test_a_fault_pays_nothing_whatever_is_chosen(reward: str) -> None:
    def fails(seen: dict[str, Any]) -> str:
        if "Assistant: " in seen["text"]:
            raise ModelError("down", kind="connect")
        return "What is it, please?"

    env = RewardChoice(DialogueEnv(opponent=fails), reward)  # type: ignore[arg-type]  # a name of a reward
    env.reset(seed=1)
    _, got, terminated, truncated, info = env.step("Do you mean this or that?")
    assert (got, terminated, truncated, info["reward_valid"]) == (0.0, False, True, False)


def test_a_frame_holds_the_last_turns_in_order() -> None:
    plain = one_seat("gtalign/Conversation-v0", "quick_question", "assistant", opponent="VQ")
    env = LastExchanges(copy.deepcopy(plain), 3)
    seen, _ = plain.reset(seed=2)
    frame, _ = env.reset(seed=2)
    rows = [np.zeros_like(seen)] * 2 + [seen]
    assert isinstance(env.observation_space, spaces.Box)
    assert env.observation_space.shape == (3, *seen.shape)
    over = False
    while not over:
        np.testing.assert_array_equal(frame, np.stack(rows[-3:]))
        seen, _, terminated, truncated, _ = plain.step(3)
        frame, *_ = env.step(3)
        rows.append(seen)
        over = terminated or truncated
    assert len(rows) > 5
    frame, _ = env.reset(seed=2)
    assert not frame[:2].any()


def test_a_refused_act_adds_no_row() -> None:
    env = LastExchanges(one_seat("gtalign/Conversation-v0", "quick_question", "user"), 2)
    before, _ = env.reset(seed=1)
    after, *_, info = env.step(3)
    assert info["illegal_move"] is True
    np.testing.assert_array_equal(after, before)


@pytest.mark.parametrize("seat", SEATS)
def test_the_text_of_a_frame_is_the_end_of_the_talk(seat: str) -> None:
    opponent = {"assistant": lambda seen: "It is this\nor that?", "user": lambda seen: "Is it A?"}
    env = LastExchanges(
        one_seat("gtalign/Dialogue-v0", "quick_question", seat, opponent=opponent[seat]), 1
    )
    observation, _ = env.reset(seed=1)
    for words in ("What?\nNow!", "The other.", "That one."):
        observation, *_ = env.step(words)
    lines = observation["text"].splitlines()
    head = 0 if seat == "assistant" else 1
    assert lines[head].startswith("Pricing: ")
    said = lines[head + 1 :]
    if seat == "assistant":
        assert said == ["User: It is this", "    or that?", "Assistant: That one.",
                        "User: It is this", "    or that?"]  # fmt: skip
    else:
        assert said == ["User: That one.", "Assistant: Is it A?"]
    assert env.observation_space.contains(observation)


class Uneven(Dilemma):
    """The second seat has an act and a number more."""

    def __init__(self) -> None:
        super().__init__()
        self._views["two_0"] = spaces.Box(-1.0, 30.0, (4,), np.float32)
        self._acts["two_0"] = spaces.Discrete(3)


def test_spaces_are_padded_to_the_largest() -> None:
    from pettingzoo.utils.conversions import parallel_to_aec

    class Wide(Uneven):
        def observe(self) -> Any:
            seen = super().observe()
            return {a: np.append(x, x[:1]) if a == "two_0" else x for a, x in seen.items()}

        def step(self, actions: dict[str, int]) -> Any:
            return super().step({a: min(1, act) for a, act in actions.items()})

    env = UniformSpaces(parallel_to_aec(Wide()))
    assert env.observation_space("one_0") == spaces.Box(-1.0, 30.0, (4,), np.float32)
    assert env.action_space("one_0") == spaces.Discrete(3)
    env.reset(seed=1)
    env.step(1)
    env.step(2)
    np.testing.assert_array_equal(env.observe("one_0"), np.array([1, 1, 1, 0], np.float32))
    np.testing.assert_array_equal(env.observe("two_0"), np.array([1, 1, 1, 1], np.float32))


def test_the_padded_acts_are_never_legal() -> None:
    env = UniformSpaces(both_seats("gtalign/Conversation-v0", "quick_question"))
    env.reset(seed=1)
    assert env.infos["user_0"]["action_mask"].tolist() == [1, 1, 0, 0, 0, 0, 0]
    assert env.infos["assistant_0"]["action_mask"].tolist() == [1] * 7
    assert env.action_space("user_0").n == 7
    with pytest.raises(EpisodeError, match="an action of user_0 is one of 0 VQ"):
        env.step(6)
    env.step(0)
    env.step(6)
    assert env.infos["user_0"]["action_mask"].shape == (7,)


@pytest.mark.parametrize("name", [name for name in ONE_SEAT if "words" not in name])
def test_a_wrapped_spec_goes_through_json(name: str) -> None:
    env_id, wrap = ONE_SEAT[name]
    env = wrap(gymnasium.make(env_id, scenario="mixed_crowd"))
    text = env.spec.to_json()
    assert json.loads(text)["additional_wrappers"]
    again = gymnasium.make(gymnasium.envs.registration.EnvSpec.from_json(text))
    assert data_equivalence(env.reset(seed=3), again.reset(seed=3), exact=True)
    for twin in (env, again):
        twin.action_space.seed(0)
    act = env.action_space.sample()
    assert data_equivalence(env.step(act), again.step(act), exact=True)


def test_what_cannot_be_wrapped_is_refused() -> None:
    cart = gymnasium.make("CartPole-v1")
    conversation = gymnasium.make("gtalign/Conversation-v0")
    with pytest.raises(TypeError, match=r"TextOff wraps gtalign/Dialogue-v0; got .*CartPole"):
        TextOff(cart)
    with pytest.raises(TypeError, match=r"TextOff wraps gtalign/Dialogue-v0; got .*Conversation"):
        TextOff(conversation)
    with pytest.raises(TypeError, match="RewardChoice wraps a gtalign environment of one seat"):
        RewardChoice(cart, "joint")
    with pytest.raises(TypeError, match="LastExchanges wraps a gtalign environment of one seat"):
        LastExchanges(cart, 2)
    with pytest.raises(ValueError, match=r"one of user, .*; got 'joined'\. Did you mean 'joint'"):
        RewardChoice(conversation, "joined")  # type: ignore[arg-type]  # that is the point
    with pytest.raises(ValueError, match="at least 1 exchange; got k=0"):
        LastExchanges(conversation, 0)

    class Apart(Dilemma):
        def __init__(self) -> None:
            super().__init__()
            views: dict[str, Any] = self._views
            views["two_0"] = spaces.Discrete(3)

    from pettingzoo.utils.conversions import parallel_to_aec

    with pytest.raises(TypeError, match="only one-dimensional boxes are padded"):
        UniformSpaces(parallel_to_aec(Apart()))
