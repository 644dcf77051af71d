"""The file behind cassettes: shared by processes that die, damaged on the disk, never wrong."""

from __future__ import annotations

import multiprocessing
import os
import random
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gtalign_agents.backends.call_store import CallStore
from gtalign_agents.backends.cassette import Cassette
from gtalign_agents.backends.chat import Completion, Fault, Message, Request
from gtalign_agents.backends.scripted import ScriptedModel
from gtalign_env.errors import RunError

KEYS = 400


def said(request: Request) -> str:
    return f"{request.messages[0].content}, sample {request.index}"


def mixed(path: str, number: int, count: int, wrong: str) -> None:
    """Read and write; leave a mark for the first answer that is not the right one."""
    rng = random.Random(number)
    with Cassette(ScriptedModel(said, "m"), Path(path)) as cache:
        for _ in range(count):
            ask = [
                Request((Message("user", f"q{rng.randrange(KEYS)}"),), index=rng.randrange(3))
                for _ in range(rng.randint(1, 3))
            ]
            for request, outcome in zip(ask, cache.complete(ask), strict=True):
                if not isinstance(outcome, Completion) or outcome.text != said(request):
                    Path(wrong).write_text(repr((request, outcome)))


def scribble(path: Path, rng: random.Random) -> None:
    """Overwrite bytes of a file anywhere beyond its header, in place."""
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        for _ in range(200):
            file.seek(rng.randrange(100, size))
            file.write(rng.randbytes(16))


@pytest.mark.parametrize(
    ("processes", "count"),
    [(4, 150), pytest.param(8, 1_000, marks=pytest.mark.slow)],
)
def test_processes_that_die_and_a_file_that_is_damaged_make_no_wrong_answer(
    tmp_path: Path, processes: int, count: int
) -> None:
    path, wrong = tmp_path / "cache.sqlite", tmp_path / "wrong.txt"
    context = multiprocessing.get_context("spawn")
    running = [
        context.Process(target=mixed, args=(str(path), n, count, str(wrong)))
        for n in range(processes)
    ]
    for one in running:
        one.start()
    while not path.exists() or path.stat().st_size < 40_000:
        time.sleep(0.01)
    running[0].kill()
    scribble(path, random.Random(0))
    for one in running[1:]:
        one.join(300)
        assert one.exitcode == 0
    assert not wrong.exists(), wrong.read_text()
    assert list(tmp_path.glob("cache.sqlite.damaged-*"))
    # and what stands there now is sound, for whoever comes next
    with Cassette(ScriptedModel(said, "m"), path) as cache:
        assert len(cache) <= 3 * KEYS
        for i in range(KEYS):
            ask = [Request((Message("user", f"q{i}"),), index=k) for k in range(3)]
            for request, outcome in zip(ask, cache.complete(ask), strict=True):
                assert isinstance(outcome, Completion)
                assert outcome.text == said(request)


def filled(path: Path, rows: int = 300) -> None:
    store = CallStore(path, replace_damaged=False)
    store.put((f"k{i}", f"value {i} " * 20) for i in range(rows))
    store.close()


def _use(path: Path) -> None:
    kept = CallStore(path, replace_damaged=False)
    kept.get([f"k{i}" for i in range(300)])
    kept.put([("new", "x")])


DAMAGE: dict[str, Callable[[Path], object]] = {
    "scribbled": lambda path: scribble(path, random.Random(1)),
    "cut": lambda path: os.truncate(path, path.stat().st_size // 2 + 7),
    "pages of zeros": lambda path: path.write_bytes(path.read_bytes()[:100] + bytes(50_000)),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_cache_is_set_aside_and_a_damaged_recording_is_told(
    tmp_path: Path, damage: str
) -> None:
    path = tmp_path / "c.sqlite"
    filled(path)
    DAMAGE[damage](path)
    content = path.read_bytes()
    with pytest.raises(RunError, match=r"c\.sqlite: is damaged: .*record again"):
        _use(path)
    assert path.read_bytes() == content
    cache = CallStore(path, replace_damaged=True)
    found = cache.get([f"k{i}" for i in range(300)])
    cache.put([("new", "x")])
    assert all(found[key] == f"value {key[1:]} " * 20 for key in found)
    assert cache.get(["new"]) == {"new": "x"}
    assert [one.name for one in cache.aside] == ["c.sqlite.damaged-1"]
    assert cache.aside[0].read_bytes() == content
    cache.close()


def test_a_changed_value_is_an_absent_one(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    filled(path)
    with sqlite3.connect(path) as file:
        file.execute("update calls set value = replace(value, '7', '8')")
    file.close()
    store = CallStore(path, replace_damaged=True)
    found = store.get([f"k{i}" for i in range(300)])
    assert 0 < len(found) < 300
    assert store.damaged == 300 - len(found)
    assert all("7" not in key for key in found)
    store.close()


def test_a_flipped_byte_in_a_replay_is_a_call_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    request = Request((Message("user", "quite a rare word"),))
    with Cassette(ScriptedModel(said, "m"), path, "record") as cassette:
        cassette.complete([request])
    path.write_bytes(path.read_bytes().replace(b"quite a rare word", b"quite a rare ward"))
    with Cassette(None, path, "replay", name="m") as cassette:
        (outcome,) = cassette.complete([request])
    assert isinstance(outcome, Fault)
    assert outcome.kind == "unrecorded"


def test_another_format_and_other_files_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    with sqlite3.connect(path) as file:
        file.execute("pragma user_version = 1")
        file.execute("create table calls (key text, value text)")
    file.close()
    with pytest.raises(RunError, match="is a cassette of format 1; this version reads 2"):
        CallStore(path, replace_damaged=True)
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as file:
        file.execute("create table mine (x)")
    file.close()
    with pytest.raises(RunError, match="of format 0"):
        CallStore(other, replace_damaged=True)
    with pytest.raises(RunError, match="must be a cassette"):
        CallStore(tmp_path, replace_damaged=True)
