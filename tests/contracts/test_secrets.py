"""What is hidden: nowhere to read, not to be guessed, and no seed to draw it again."""

from __future__ import annotations

import base64
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
import pettingzoo
import pytest

from gtalign_env.core.moves import AssistantMove
from gtalign_env.core.rules import legal_user_moves
from gtalign_env.core.spec import GameSpec
from gtalign_env.draws import Seat
from gtalign_env.errors import EpisodeError
from gtalign_env.persona import Constant, Persona, Population
from tests.contracts.canaries import found
from tests.contracts.cases import IDS, both_seats, spec, tasks

CANARIES = {
    "value": 7919.731,
    "harm": 6991.173,
    "conciseness": 31.33753,
    "comfort_tokens": 480_149,
    "annoyance": 27.18377,
    "tolerance": 577_351,
    "effort_vague": 16.18397,
    "effort_definite": 14.14279,
    "effort_reply": 17.32719,
    "effort_follow_up": 22.36171,
    "budget": 987_654_321_987_654,
    "price_sensitivity": 65.53711,
    "discount": 0.987127,
    "persistence": 819_137,
    "outside_option": 33.77317,
}
WORDS = [repr(value) for value in CANARIES.values()]


def canary_game(**fields: float) -> GameSpec:
    """Return the basic game around a user of unique numbers."""
    game = spec("quick_question")
    ((_, persona),) = game.population.personas
    constants: dict[str, Any] = {k: Constant(v) for k, v in (CANARIES | fields).items()}
    one: Persona = replace(persona, **constants)
    return replace(game, population=Population(((1.0, one),)), reply_clarity=0.8, p_correct=0.7)


@pytest.mark.parametrize(
    "write",
    [
        str,
        lambda word: f"the value is {word}!",
        lambda word: word.replace(".", "．").translate(str.maketrans("0123456789", "０１２３４５６７８９")),
        lambda word: word[::-1],
        lambda word: base64.b64encode(word.encode()).decode(),
        lambda word: base64.b64encode(f"x{word}".encode()).decode(),
        lambda word: base64.b64encode(f"xy{word}".encode()).decode(),
        lambda word: word.encode().hex(),
        lambda word: word.encode().hex(" ").upper(),
        lambda word: "".join(f"&#{ord(sign)};" for sign in word),
        lambda word: "".join(f"%{ord(sign):02X}" for sign in word),
        lambda word: "\u200b".join(word),
        lambda word: " ".join(word),
    ],
)  # fmt: skip
def test_the_scan_finds_a_planted_leak_however_it_is_written(write: Callable[[str], str]) -> None:
    for word in WORDS:
        assert found(f"talk {write(word)} talk", [word]) == {word}
        assert not found(f"talk {write('1357.975313')} talk", [word])


def channels(env: Any) -> list[str]:
    """Return all that the assistant of an environment with both seats can read, as text."""
    seat = "assistant_0"
    observation = env.observe(seat)
    words = observation["text"] if isinstance(observation, dict) else ""
    reward = (env.rewards.get(seat), env.terminations.get(seat), env.truncations.get(seat))
    return [
        words, repr(observation), repr(env.infos[seat]), repr(reward), str(env.render()), repr(env),
        str(env), repr(env.unwrapped), repr(env.conversation),
        repr(env.conversation.assistant_view()._replace(spec=None)),  # the spec is public by itself
    ]  # fmt: skip


@pytest.mark.parametrize("episodes", [25, pytest.param(1_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("env_id", IDS)
def test_no_canary_is_on_the_assistants_side(env_id: str, episodes: int) -> None:
    more = {"tasks": tasks()} if "Dialogue" in env_id else {}
    env = pettingzoo.make("aec", env_id, scenario=canary_game(), render_mode="ansi", **more)
    rng = random.Random(1)
    for episode in range(episodes):
        env.reset(seed=episode)
        seen = channels(env)
        while env.conversation.state.ending is None:
            state = env.conversation.state
            user = state.to_move is Seat.USER
            move = rng.choice(legal_user_moves(state) if user else tuple(AssistantMove))
            with pytest.raises(EpisodeError) as mistake:  # errors are a channel, too
                env.step(99 if "Conv" in env_id else None)
            if not user:
                seen.append(str(mistake.value))
            if "Conv" in env_id:
                env.step(int(move))
            else:
                env.step(env.talk.word_user(move) if user else env.talk.word_assistant(move))
            seen += channels(env)
        assert not found("\n".join(seen), WORDS)
    assert set(WORDS) <= found(repr(env.conversation.who), WORDS)  # the scan can find them


@pytest.mark.parametrize("pairs", [400, pytest.param(10_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("env_id", IDS)
def test_pairs_of_users_read_alike(env_id: str, pairs: int) -> None:
    more = {"tasks": tasks()} if "Dialogue" in env_id else {}
    rng = random.Random(2)
    reads = episode = 0
    pair: list[Any] = []
    while reads < pairs:
        if episode % 50 == 0:
            users = [
                canary_game(
                    value=rng.uniform(-3, 9),
                    harm=rng.uniform(0, 5),
                    tolerance=rng.randrange(4),
                    budget=10**15 + rng.randrange(10**15),
                    discount=rng.uniform(0.5, 1),
                    persistence=rng.randrange(4),
                    outside_option=rng.uniform(-2, 2),
                )
                for _ in range(2)
            ]
            pair = [
                pettingzoo.make("aec", env_id, scenario=user, render_mode="ansi", **more)
                for user in users
            ]
        for env in pair:
            env.reset(seed=episode)
        one, two = pair
        assert one.conversation.who != two.conversation.who
        while one.conversation.state.ending is None:
            state = one.conversation.state
            user = state.to_move is Seat.USER
            move: Any = rng.choice(legal_user_moves(state) if user else tuple(AssistantMove))
            words = "Dialogue" in env_id
            act = (one.talk.word_user if user else one.talk.word_assistant)(move) if words else move
            for env in pair:
                env.step(act)
            assert _addressless(channels(one)) == _addressless(channels(two))
            reads += 1
        episode += 1


def _addressless(texts: list[str]) -> list[str]:
    return [text.partition(" object at 0x")[0] for text in texts]


@pytest.mark.parametrize("name", ["mixed_crowd", "help_desk"])
def test_the_first_observation_tells_no_more_than_the_style(name: str) -> None:
    env = both_seats("gtalign/Conversation-v0", name)
    by_look: dict[tuple[bytes, str], Counter[int]] = {}
    by_style: dict[tuple[int, str], Counter[int]] = {}
    for episode in range(5_000):
        env.reset(seed=9, options={"episode": episode})
        talk = env.conversation
        regime = talk.spec.regime.name  # known to both
        look = (env.observe("assistant_0").tobytes(), regime)
        by_look.setdefault(look, Counter())[talk.persona] += 1
        by_style.setdefault((talk.who.style, regime), Counter())[talk.persona] += 1
    # the best guess there is, made of all episodes: nothing can do better on new ones
    hits = [
        sum(counts.most_common(1)[0][1] for counts in by.values()) / 5_000
        for by in (by_look, by_style)
    ]
    assert len({persona for counts in by_style.values() for persona in counts}) > 1
    assert abs(hits[0] - hits[1]) <= 0.02
    assert len(by_look) == len(by_style)


SEED = 982_451_653_982_451


@pytest.mark.parametrize("env_id", IDS)
def test_nobody_but_the_environment_gets_the_seed(env_id: str) -> None:
    told: list[str] = []

    def listen(*given: Any) -> Any:
        told.append(" ".join(map(repr, given)))
        if isinstance(given[0], dict):
            told.append(given[0]["text"])
            return "Do you mean this or that?"
        return AssistantMove.CQ

    for seat in ("assistant", "user"):
        opponent = listen if seat == "user" else "default"
        env = gymnasium.make(env_id, seat=seat, opponent=opponent, render_mode="ansi")
        observation, info = env.reset(seed=SEED, options={"episode": SEED + 2})
        over = False
        while not over:
            told += [repr(observation), repr(info), str(env.render()), repr(env.unwrapped)]
            if "Conv" in env_id:
                act: Any = int(np.flatnonzero(info["action_mask"])[0])
            else:
                act = "What is it, or that?"
            observation, reward, terminated, truncated, info = env.step(act)
            told += [repr(reward), repr(info)]
            over = terminated or truncated
        draws = env.unwrapped.conversation.draws  # type: ignore[attr-defined]  # ours
        words = [str(SEED), str(SEED + 2), str(draws.key)]
        assert draws.episode == SEED + 2
        assert not found("\n".join(told), words)
    assert len(told) > 10


@pytest.mark.parametrize("env_id", IDS)
def test_private_streams_change_nothing_that_can_be_seen(env_id: str) -> None:
    """Seeds that draw other users of one style, under one talk, look alike until lengths differ."""
    game = replace(
        canary_game(),
        population=spec("quick_question").population,
        reply_clarity=1.0,
        p_correct=1.0,
    )
    more = {"tasks": tasks()} if "Dialogue" in env_id else {}
    envs = [pettingzoo.make("aec", env_id, scenario=game, render_mode="ansi", **more) for _ in "ab"]
    for seed in range(20):
        for env, other in zip(envs, (seed, seed + 1_000), strict=True):
            env.reset(seed=other)
        for act, text in ((0, "What is it?"), (3, "Which one?"), (2, "Hm."), (1, "It is so.")):
            for env in envs:
                env.step(act if "Conv" in env_id else text)
            one, two = (_addressless(channels(env)) for env in envs)
            assert one == two
