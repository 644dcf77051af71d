"""The same bytes in every process, thread, order, place on earth, and from the middle on."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from typing import Any

import pettingzoo
import pytest

import gtalign_env  # noqa: F401  # registers the ids, in worker processes as well
from gtalign_env.core.conversation import Conversation
from gtalign_env.core.policies import random_assistant, random_user
from gtalign_env.draws import Draws, Purpose, Seat, stream_key
from gtalign_env.envs.transcript import transcript_of
from tests.contracts.cases import FEW, IDS, spec

SEED = 7


def play(env_id: str, name: str, episodes: Sequence[int]) -> dict[int, str]:
    """Return the hash of each episode: its transcript and ledger, all seats at random."""
    env = pettingzoo.make("aec", env_id, scenario=name)
    hashes = {}
    for episode in episodes:
        env.reset(seed=SEED, options={"episode": episode})
        talk = env.conversation
        while talk.state.ending is None:
            seat = talk.state.to_move
            u = talk.chance(seat, Purpose.POLICY)
            user = seat is Seat.USER
            move: Any = (
                random_user(talk.user_view(), u)
                if user
                else random_assistant(talk.assistant_view(), u)
            )
            if "Dialogue" in env_id:
                move = env.talk.word_user(move) if user else env.talk.word_assistant(move)
            env.step(move)
        texts = [m.text for m in env.talk.messages] if "Dialogue" in env_id else None
        record = transcript_of(talk, seed=SEED, episode=episode, texts=texts).to_json()
        bill = repr([tuple(line) for line in talk.ledger.lines])
        hashes[episode] = hashlib.sha256(f"{record}\n{bill}".encode()).hexdigest()
    return hashes


def played(job: tuple[str, str, list[int]]) -> dict[int, str]:
    """Return what `play` does, of one argument, as pools want it."""
    return play(*job)


@pytest.mark.parametrize("env_id", IDS)
def test_in_threads_and_in_any_order_the_episodes_are_the_same(env_id: str) -> None:
    episodes = list(range(64))
    serial = play(env_id, "mixed_crowd", episodes)
    assert len(set(serial.values())) == 64
    shuffled = random.Random(0).sample(episodes, 64)
    assert play(env_id, "mixed_crowd", shuffled) == serial
    jobs = [(env_id, "mixed_crowd", shuffled[k::8]) for k in range(8)]
    with ThreadPoolExecutor(8) as threads:
        together = [*threads.map(played, jobs)]
    assert {k: v for part in together for k, v in part.items()} == serial


@pytest.mark.slow
@pytest.mark.parametrize("env_id", IDS)
def test_in_processes_the_episodes_are_the_same(env_id: str) -> None:
    serial = play(env_id, "mixed_crowd", list(range(64)))
    jobs = [(env_id, "mixed_crowd", list(range(k, 64, 4))) for k in range(4)]
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as processes:
        together = [*processes.map(played, jobs)]
    assert {k: v for part in together for k, v in part.items()} == serial


PROGRAM = """
import sys
from tests.contracts.test_determinism import FEW, IDS, play
count = int(sys.argv[1])
for env_id in IDS:
    for name in FEW:
        print(env_id, name, *play(env_id, name, range(count)).values())
"""


def elsewhere(count: int, **settings: str) -> str:
    """Return the hashes that a process with other settings of its environment prints."""
    paths = os.pathsep.join(path or os.getcwd() for path in sys.path)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(count)],
        env={**os.environ, "PYTHONPATH": paths, **settings},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


@pytest.mark.slow
def test_hash_seeds_threads_zones_and_locales_change_no_byte() -> None:
    count = 25  # of two ids on four scenarios: 200 episodes
    here = [
        " ".join([env_id, name, *play(env_id, name, range(count)).values()])
        for env_id in IDS
        for name in FEW
    ]
    zones = ("UTC", "Asia/Tokyo", "America/St_Johns")
    locales = ("C", "C.UTF-8", "de_DE.UTF-8")
    for hash_seed in range(10):
        there = elsewhere(
            count,
            PYTHONHASHSEED=str(hash_seed),
            TZ=zones[hash_seed % 3],
            LC_ALL=locales[hash_seed % 3],
            OMP_NUM_THREADS=str(1 + hash_seed % 2),
            PYTHONOPTIMIZE=str(hash_seed % 2),
        )
        assert there.splitlines() == here


@pytest.mark.parametrize("turns", [200, pytest.param(1_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", ["mixed_crowd", "quick_question"])
def test_a_turn_replayed_alone_is_the_turn_of_the_run(name: str, turns: int) -> None:
    game = spec(name)
    key = stream_key(game.digest, SEED)
    rng = random.Random(1)
    replayed = episode = 0
    while replayed < turns:
        run = Conversation(game, Draws(key, episode))
        log = []
        while run.state.ending is None:
            user = run.state.to_move is Seat.USER
            policy: Any = random_user if user else random_assistant
            view: Any = run.user_view() if user else run.assistant_view()
            move = policy(view, rng.random())
            before = (run.state, run.user_moves, run.assistant_moves)
            rewards = (run.step_user if user else run.step_assistant)(move)
            log.append((*before, move, rewards, run.state))
        for state, user_moves, assistant_moves, move, rewards, after in rng.sample(log, len(log)):
            alone = Conversation(game, Draws(key, episode))
            alone.state, alone.user_moves, alone.assistant_moves = (
                state,
                user_moves,
                assistant_moves,
            )
            step: Any = alone.step_user if state.to_move is Seat.USER else alone.step_assistant
            assert step(move) == rewards
            assert alone.state == after
            replayed += 1
        episode += 1
