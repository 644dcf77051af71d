"""What is private stays private: the assistant's side reads the same whoever the user is."""

from __future__ import annotations

import copy
import random
from dataclasses import replace
from itertools import pairwise
from typing import Any

import gymnasium
import numpy as np
import pettingzoo
import pytest

from gtalign_env.core.moves import AssistantMove
from gtalign_env.core.rules import legal_user_moves
from gtalign_env.core.spec import GameSpec
from gtalign_env.core.views import AssistantView
from gtalign_env.draws import Seat
from gtalign_env.envs import ENVS
from gtalign_env.envs.observe import ENTRIES, PRIVATE_ENTRIES, PUBLIC_ENTRIES
from gtalign_env.persona import Constant, Persona, Population
from gtalign_env.scenario.compile import compile_scenario
from gtalign_env.scenario.loader import load_scenario

RICH = 10**15  # pico-USD: neither persona goes broke, which all can see


def game(**fields: float) -> GameSpec:
    """Return the basic scenario with one persona's fields set; the digest, and so chance, stays."""
    spec = compile_scenario(load_scenario("quick_question"))
    ((_, persona),) = spec.population.personas
    constants: dict[str, Any] = {name: Constant(value) for name, value in fields.items()}
    one: Persona = replace(persona, **constants)
    return replace(spec, population=Population(((1.0, one),)), reply_clarity=0.8, p_correct=0.7)


def other_person(rng: random.Random) -> GameSpec:
    """Return the game with another user who writes in the same style."""
    return game(
        value=rng.uniform(-3, 9),
        harm=rng.uniform(0, 5),
        conciseness=rng.uniform(0, 3),
        comfort_tokens=rng.randrange(500),
        annoyance=rng.uniform(-1, 1),
        tolerance=rng.randrange(4),
        effort_vague=rng.uniform(0, 2),
        effort_definite=rng.uniform(0, 2),
        effort_reply=rng.uniform(0, 2),
        effort_follow_up=rng.uniform(0, 2),
        budget=RICH + rng.randrange(RICH),
        price_sensitivity=rng.uniform(0, 500),
        discount=rng.uniform(0.5, 1),
        persistence=rng.randrange(4),
        outside_option=rng.uniform(-2, 2),
    )


def readable(env: Any) -> list[bytes]:
    """Return everything that the assistant of an environment with both seats can read."""
    seat = "assistant_0"
    observation = env.observe(seat)
    parts = list(observation.values()) if isinstance(observation, dict) else [observation]
    out = [part.encode() if isinstance(part, str) else part.tobytes() for part in parts]
    out.append(repr(sorted((k, str(v)) for k, v in env.infos[seat].items())).encode())
    out.append(repr((env.rewards[seat], env.terminations[seat], env.truncations[seat])).encode())
    out.append((env.render() or "").encode())
    out.append(f"{env} {env.unwrapped.__class__} {env.conversation!r}".encode())
    view: AssistantView = env.conversation.assistant_view()
    out.append(repr(view._replace(spec=None)).encode())  # type: ignore[arg-type]  # public by itself
    return out


@pytest.mark.parametrize("env_id", ENVS)
def test_the_assistant_reads_the_same_whoever_the_user_is(env_id: str) -> None:
    rng = random.Random(1)
    words = "Dialogue" in env_id
    reads = 0
    pair: list[Any] = []
    for episode in range(60):
        if episode % 20 == 0:
            pair = [
                pettingzoo.make("aec", env_id, scenario=other_person(rng), render_mode="ansi")
                for _ in range(2)
            ]
        for env in pair:
            env.reset(seed=episode)
        one, two = pair
        assert one.conversation.who != two.conversation.who
        while one.conversation.state.ending is None:
            state = one.conversation.state
            user = state.to_move is Seat.USER
            move = rng.choice(legal_user_moves(state) if user else tuple(AssistantMove))
            action: Any = int(move)
            if words:
                action = one.talk.word_user(move) if user else one.talk.word_assistant(move)
            for env in pair:
                env.step(action)
            assert readable(one) == readable(two)
            reads += 1
        assert one.conversation.returns[0] != two.conversation.returns[0]
    assert reads > 150


def test_the_assistant_is_not_told_whether_its_answer_is_right() -> None:
    rng = random.Random(2)
    envs = [pettingzoo.make("aec", "gtalign/Conversation-v0", render_mode="ansi") for _ in range(2)]
    differ = 0
    for episode in range(100):
        for env in envs:
            env.reset(seed=episode)
        one, two = (env.conversation for env in envs)
        while one.state.ending is None:
            if one.state.to_move is Seat.USER:
                going_on = [move for move in legal_user_moves(one.state) if move.writes]
                move = rng.choice(going_on)
                for talk in (one, two):
                    talk.step_user(move)
            else:
                answer = rng.choice(tuple(AssistantMove))
                for talk, right in ((one, True), (two, False)):
                    talk.step_assistant(answer, right=right)
                differ += one.state.right != two.state.right
            assert readable(envs[0]) == readable(envs[1])
    assert differ > 100


CANARIES = {
    "value": 7919.0,
    "harm": 6991.0,
    "conciseness": 31.337,
    "comfort_tokens": 4801,
    "annoyance": 27.183,
    "tolerance": 577,
    "effort_vague": 16.18,
    "effort_definite": 14.142,
    "effort_reply": 17.32,
    "effort_follow_up": 22.36,
    "budget": 987654321987654,
    "price_sensitivity": 65537.0,
    "discount": 0.98712,
    "persistence": 8191,
    "outside_option": 33.773,
}


def spellings(value: float) -> set[str]:
    return {str(value), f"{value:g}", f"{value:.3f}", f"{value / 1e12:.6g}", str(int(value))} - {
        str(n) for n in range(1000)
    }


@pytest.mark.parametrize("opponent", ["default", "random"])
@pytest.mark.parametrize("env_id", ENVS)
def test_no_number_of_the_type_is_anywhere_to_read(env_id: str, opponent: str) -> None:
    marks = {mark for value in CANARIES.values() for mark in spellings(value)}
    env = gymnasium.make(env_id, scenario=game(**CANARIES), opponent=opponent, render_mode="ansi")
    rng = np.random.default_rng(0)
    env.action_space.seed(0)
    channels: list[str] = []
    private = slice(len(PUBLIC_ENTRIES), len(ENTRIES))
    for episode in range(60):
        observation, info = env.reset(seed=episode)
        done = False
        while not done:
            numbers = observation["observation"] if isinstance(observation, dict) else observation
            assert not numbers[private].any()
            channels += [repr(observation), repr(info), str(env.render()), repr(env), str(env)]
            if isinstance(observation, dict):
                channels.append(observation["text"])
                assert "You want to know" not in observation["text"].splitlines()[0]
                assert "The last answer is" not in observation["text"]
                action: object = rng.choice(["Do you mean this?", "Paris.", "Paris. Or do you?"])
            else:
                action = int(rng.integers(7))
            observation, reward, terminated, truncated, info = env.step(action)
            channels += [repr(reward), repr(info), str(env.render())]
            done = terminated or truncated
    text = "\n".join(channels)
    assert not {mark for mark in marks if mark in text}
    # a scan that finds nothing must be able to find something
    assert [mark for mark in marks if mark in repr(env.unwrapped.conversation.who)]  # type: ignore[attr-defined]  # ours


def test_what_is_meant_is_not_told_to_the_assistant() -> None:
    env = pettingzoo.make("aec", "gtalign/Dialogue-v0")
    for episode in range(100):
        env.reset(seed=3, options={"episode": episode})
        env.step(env.talk.word_user(0))  # vaguely
        told = env.observe("assistant_0")["text"]
        meant = env.talk.question.interpretations[env.talk.meant]
        assert meant.definite not in told
        assert meant.meaning not in told
        assert meant.definite in env.observe("user_0")["text"]


def test_private_entries_tell_the_user_alone() -> None:
    env = pettingzoo.make("aec", "gtalign/Conversation-v0", scenario=game(**CANARIES))
    env.reset(seed=1)
    split = len(PUBLIC_ENTRIES)
    assert split + len(PRIVATE_ENTRIES) == len(ENTRIES)
    for action in (0, 3, 2):
        env.step(action)
        user, assistant = env.observe("user_0"), env.observe("assistant_0")
        np.testing.assert_array_equal(user[:split], assistant[:split])
        assert not assistant[split:].any()
        assert np.count_nonzero(user[split:]) >= len(CANARIES)


def spoil(value: Any) -> None:
    """Overwrite whatever can be overwritten."""
    if isinstance(value, np.ndarray):
        value[...] = 1
    elif isinstance(value, dict):
        for part in list(value.values()):
            spoil(part)
        value.clear()


@pytest.mark.parametrize("env_id", ENVS)
def test_a_seat_cannot_reach_the_other_through_what_it_was_given(env_id: str) -> None:
    spoiled, clean = (pettingzoo.make("aec", env_id) for _ in range(2))
    words = "Dialogue" in env_id
    for env in (spoiled, clean):
        env.reset(seed=5)
    for action, text in (
        (0, "What is it?"),
        (3, "Do you mean this?"),
        (2, "I do not know."),
        (0, "A."),
    ):
        acting, waiting = clean.agent_selection, "user_0"
        waiting = "user_0" if acting == "assistant_0" else "assistant_0"
        expected = copy.deepcopy((clean.observe(waiting), clean.infos[waiting]))
        observation, *_, info = spoiled.last()
        spoil(observation)
        spoil(info)
        seen = (spoiled.observe(waiting), spoiled.infos[waiting])
        assert repr(seen) == repr(expected)
        for env in (spoiled, clean):
            env.step(text if words else action)
        for agent in ("user_0", "assistant_0"):
            assert repr(spoiled.observe(agent)) == repr(clean.observe(agent))
            assert repr(spoiled.infos[agent]) == repr(clean.infos[agent])
        assert spoiled.rewards == clean.rewards


@pytest.mark.parametrize("env_id", ENVS)
def test_what_one_step_gave_is_not_changed_by_the_next(env_id: str) -> None:
    env = gymnasium.make(env_id, opponent="random").unwrapped
    env.action_space.seed(1)
    kept, copies = [], []
    observation, info = env.reset(seed=2)
    for _ in range(30):
        kept.append((observation, info))
        copies.append(copy.deepcopy((observation, info)))
        observation, _, terminated, truncated, info = env.step(env.action_space.sample())
        if terminated or truncated:
            observation, info = env.reset()
    assert repr(kept) == repr(copies)
    arrays = [
        part
        for observation, _ in kept
        for part in (observation.values() if isinstance(observation, dict) else [observation])
        if isinstance(part, np.ndarray)
    ]
    assert not any(np.shares_memory(a, b) for a, b in pairwise(arrays))
