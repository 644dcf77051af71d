"""Failing models under every policy: no score, no half bill, and the next episode is sound."""

from __future__ import annotations

import copy
import functools
import zlib
from typing import Any

import pytest

from gtalign_env.draws import Seat
from gtalign_env.envs.checks import Hooks, check_rollouts, conversation_hooks
from gtalign_env.envs.dialogue import DialogueEnv
from gtalign_env.envs.dialogue_aec import DialogueAEC
from gtalign_env.envs.faults import RESAMPLES
from gtalign_env.errors import EpisodeError, ModelError
from tests.contracts.cases import scenario, tasks

WORDS = {"user": "What is it, please?", "assistant": "Do you mean this or that?"}
DOWN = ModelError("no answer", kind="timeout", attempts=2)


def one(**more: Any) -> DialogueEnv:
    """Return the environment of one seat, with nothing left to read."""
    return DialogueEnv(scenario=scenario("quick_question"), tasks=tasks(), **more)


def both(**more: Any) -> DialogueAEC:
    """Return the environment of both seats, likewise."""
    return DialogueAEC(scenario=scenario("quick_question"), tasks=tasks(), **more)


class Flaky:
    """A speaker that fails on the calls of given numbers, counted from 0."""

    def __init__(self, seat: str, *fails: int) -> None:
        self.seat = seat
        self.fails = fails
        self.calls = 0

    def __call__(self, seen: dict[str, Any]) -> str:
        self.calls += 1
        if self.calls - 1 in self.fails:
            raise DOWN
        return WORDS[self.seat]


@pytest.mark.parametrize("seat", ["assistant", "user"])
@pytest.mark.parametrize("fails", [1, RESAMPLES])
def test_a_message_that_fails_is_asked_for_again(seat: str, fails: int) -> None:
    other = "user" if seat == "assistant" else "assistant"
    sound = one(seat=seat, opponent=Flaky(other))
    flaky = one(seat=seat, opponent=Flaky(other, *range(fails)), fault_policy="resample")
    runs = []
    for env in (sound, flaky):
        _, info = env.reset(seed=3)
        rows = [info]
        while "ending" not in info:
            _, reward, _, _, info = env.step(WORDS[seat])
            rows.append({**info, "reward": reward})
        runs.append(rows)
    assert len(runs[0]) == len(runs[1])
    for clean, marked in zip(*runs, strict=True):
        assert marked.pop("resampled", 0) in (0, fails)
        assert repr(clean) == repr(marked)  # what failed left no trace but its mark
    assert flaky._info()["resampled"] == fails
    _, info = flaky.reset()
    assert "resampled" not in info


@pytest.mark.parametrize("seat", ["assistant", "user"])
def test_what_fails_every_time_truncates_in_the_end(seat: str) -> None:
    other = "user" if seat == "assistant" else "assistant"
    speaker = Flaky(other, *range(100))
    env = one(seat=seat, opponent=speaker, fault_policy="resample")
    env.reset(seed=3)
    _, reward, terminated, truncated, info = env.step(WORDS[seat])
    assert (reward, terminated, truncated, info["reward_valid"]) == (0.0, False, True, False)
    assert speaker.calls == RESAMPLES + 1
    tries = DOWN.attempts * (RESAMPLES + 1)
    assert info["fault"] == {"kind": "timeout", "seat": other, "attempts": tries}
    assert info["resampled"] == RESAMPLES


class FailingMeter:
    """Counts words; its server fails on some calls, counted from 0."""

    def __init__(self, *fails: int) -> None:
        self.fails = fails
        self.calls = 0

    def __call__(self, text: str) -> int:
        self.calls += 1
        if self.calls - 1 in self.fails:
            raise DOWN
        return len(text.split())


@pytest.mark.parametrize("call", [0, 1, 2, 3, 4])
def test_a_meter_that_fails_is_a_fault_of_whose_words_it_counts(call: int) -> None:
    env = one(opponent=Flaky("user"), meter=FailingMeter(call))
    _, info = env.reset(seed=1)
    steps = 0
    while "ending" not in info:
        _, reward, terminated, truncated, info = env.step(WORDS["assistant"])
        steps += 1
        if "ending" in info:
            assert (reward, terminated, truncated) == (0.0, False, True)
    # a user's message is counted once, an assistant's twice: its visible part and its reasoning
    speaker = ["user", "assistant", "assistant", "user", "assistant"][call]
    assert info["fault"] == {"kind": "timeout", "seat": speaker, "attempts": DOWN.attempts}
    account = env.conversation.ledger.balance(Seat.USER)
    assert account == -env.conversation.state.charged
    assert len(env.talk.messages) == len(env.conversation.rewards)
    resampled = one(opponent=Flaky("user"), meter=FailingMeter(call), fault_policy="resample")
    resampled.reset(seed=1)
    *_, info = resampled.step(WORDS["assistant"])
    assert info["reward_valid"] is True


@pytest.mark.parametrize("moves", [0, 1, 2, 3])
def test_with_both_seats_a_failure_is_reported_instead_of_a_step(moves: int) -> None:
    env = both()
    env.reset(seed=1)
    for _ in range(moves):
        env.step(WORDS[env.agent_selection.partition("_")[0]])
    failed = env.agent_selection.partition("_")[0]
    charged = env.conversation.state.charged
    env.fail(DOWN)
    for agent in env.possible_agents:
        assert (env.terminations[agent], env.truncations[agent]) == (False, True)
        assert env.rewards[agent] == 0.0
        assert env.infos[agent]["reward_valid"] is False
        assert env.infos[agent]["ending"] == "fault"
        assert env.infos[agent]["fault"] == {"kind": "timeout", "seat": failed, "attempts": 2}
    assert env.conversation.state.charged == charged
    assert env.conversation.ledger.balance(Seat.USER) == -charged
    for _ in range(2):
        with pytest.raises(EpisodeError, match="no episode is under way"):
            env.fail(DOWN)
        env.step(None)  # type: ignore[arg-type]  # as PettingZoo wants it of the dead
    with pytest.raises(EpisodeError, match="no episode is under way"):
        env.fail(DOWN)
    env.reset()
    assert env.infos["user_0"]["reward_valid"] is True


def test_with_both_seats_a_seat_tries_again_or_the_error_comes_through() -> None:
    sound, again, raised = both(), both(fault_policy="resample"), both(fault_policy="raise")
    for env in (sound, again, raised):
        env.reset(seed=1)
        env.step(WORDS["user"])
    due = again._cumulative_rewards["assistant_0"]
    for tries in range(1, RESAMPLES + 1):
        again.fail(DOWN)
        assert again.agent_selection == "assistant_0"
        assert again.infos["user_0"]["resampled"] == tries
        assert again._cumulative_rewards["assistant_0"] == due
    with pytest.raises(ModelError, match="no answer"):
        raised.fail(DOWN)
    for env in (sound, again, raised):
        env.step(WORDS["assistant"])
    assert sound.rewards == again.rewards == raised.rewards
    assert sound.conversation.state == again.conversation.state == raised.conversation.state
    for _ in range(RESAMPLES):
        again.fail(DOWN)  # the next message has all its tries
    again.fail(DOWN)
    assert again.infos["user_0"]["ending"] == "fault"
    with pytest.raises(EpisodeError, match="no episode is under way"):
        both().fail(DOWN)


def sometimes(seen: dict[str, Any], seat: str) -> str:
    """Fail on some observations: the same ones in every process."""
    if zlib.crc32(seen["text"].encode()) % 3 == 0:
        raise DOWN
    return WORDS[seat]


@pytest.mark.parametrize("policy", ["truncate", "resample"])
@pytest.mark.parametrize("seat", ["assistant", "user"])
def test_an_environment_with_faults_keeps_the_contract(seat: str, policy: str) -> None:
    speak = functools.partial(sometimes, seat="user" if seat == "assistant" else "assistant")
    env = one(seat=seat, opponent=speak, fault_policy=policy)
    ours = conversation_hooks()
    hooks = Hooks(
        limit=ours.limit, returns=ours.returns, budget_left=ours.budget_left, bill=ours.bill
    )
    report = check_rollouts(lambda: copy.deepcopy(env), episodes=12, hooks=hooks, hash_seeds=())
    assert "fault-no-score" in report.checked
