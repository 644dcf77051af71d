"""Talks side by side: equal to single ones, and speakers are asked for all at once."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest

from gtalign_env.envs.vector_dialogue import DialogueVectorEnv
from gtalign_env.errors import ModelError

ID = "gtalign/Dialogue-v0"
WORDS = ("Which one do you mean?", "It is Hue.", "I cannot say. Is it the town?", "")


def user(seen: dict[str, Any]) -> str:
    """Speak as a user who sees the talk only."""
    brief, _, talk = str(seen["text"]).partition("\nPricing: ")
    if "\nAssistant: " not in talk:
        return brief.removeprefix("You want to know: ")
    if "is right" in brief:
        return "Thanks."
    return "Never mind." if talk.count("\nUser: ") > 2 else "the other one, please"


def play_alike(envs: Any, singles: list[Any], steps: int = 25) -> None:
    """Say the same in a vector environment and in single ones, and compare all that is told."""
    rng = np.random.default_rng(0)
    seen, _ = envs.reset(seed=4)
    alone = [env.reset(seed=4 + i)[0] for i, env in enumerate(singles)]
    over = [False] * len(singles)
    for _ in range(steps):
        assert list(seen["text"]) == [one["text"] for one in alone]
        assert np.array_equal(seen["observation"], [one["observation"] for one in alone])
        said = [WORDS[k] for k in rng.integers(len(WORDS), size=len(singles))]
        seen, rewards, terminated, truncated, infos = envs.step(said)
        for i, env in enumerate(singles):
            if over[i]:
                alone[i], over[i] = env.reset()[0], False
                continue
            alone[i], reward, *ended, info = env.step(said[i])
            assert rewards[i] == reward
            assert [terminated[i], truncated[i]] == ended
            over[i] = any(ended)
            if over[i]:
                assert infos["ending"][i] == info["ending"]


def test_rows_are_single_talks_and_their_texts_are_texts() -> None:
    envs = gymnasium.make_vec(ID, num_envs=5)
    assert isinstance(envs, DialogueVectorEnv)
    kept, _ = envs.reset(seed=0)
    before = list(kept["text"])
    assert all(isinstance(text, str) for text in before)
    assert len(set(before)) > 1
    envs.step(["Which one do you mean?"] * 5)
    assert list(kept["text"]) == before  # what was handed out does not change later
    play_alike(envs, [gymnasium.make(ID) for _ in range(5)])
    envs.close()


def test_speakers_are_asked_together_and_say_the_same() -> None:
    asked: list[int] = []

    def users(seats: list[dict[str, Any]]) -> list[str]:
        asked.append(len(seats))
        return [user(seen) for seen in seats]

    envs = DialogueVectorEnv(6, speakers=users)
    play_alike(envs, [gymnasium.make(ID, opponent=user) for _ in range(6)])
    assert asked[:2] == [6, 6]  # all openings in one call, then all replies in one
    assert len(asked) <= 26
    seen, _ = envs.reset(seed=1, options={"reset_mask": np.array([True] * 2 + [False] * 4)})
    assert asked[-1] == 2
    assert len(seen["text"]) == 6
    single, _ = envs.envs[0].reset(seed=1)  # outside a vector step a seat is asked alone
    assert asked[-1] == 1
    assert single["text"] == seen["text"][0]
    envs.close()


def test_a_server_that_fails_is_a_fault_of_every_row_that_asked() -> None:
    def dead(seats: list[dict[str, Any]]) -> list[str]:
        if len(seats[0]["text"].splitlines()) > 2:
            raise ModelError("no answer", kind="timeout", attempts=1)
        return [user(seen) for seen in seats]

    envs = DialogueVectorEnv(3, speakers=dead)
    envs.reset(seed=0)
    _, rewards, _, truncated, infos = envs.step(["Which one do you mean?"] * 3)
    assert truncated.all()
    assert not rewards.any()
    assert not infos["reward_valid"].any()
    assert infos["fault"]["kind"].tolist() == ["timeout"] * 3
    envs.close()


def test_what_does_not_go_together_is_refused() -> None:
    def mute(seats: list[dict[str, Any]]) -> list[str]:
        return []

    with pytest.raises(ValueError, match="not both"):
        DialogueVectorEnv(2, speakers=mute, opponent=user)
    with pytest.raises(ValueError, match="NextStep"):
        DialogueVectorEnv(2, speakers=mute, autoreset_mode="SameStep")
    envs = DialogueVectorEnv(2, speakers=mute)
    with pytest.raises(ValueError, match="one text a seat, 2; got 0"):
        envs.reset(seed=0)
    envs.close()
