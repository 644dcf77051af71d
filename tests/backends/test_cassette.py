"""Recorded calls: the same answers with the model gone, and never a fault or another's sample."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from gtalign_agents.backends.cassette import Cassette
from gtalign_agents.backends.chat import (
    Completion,
    Fault,
    Message,
    Outcome,
    Request,
    Sampling,
    estimated_tokens,
)
from gtalign_agents.backends.scripted import ScriptedModel, echo, script
from gtalign_env.errors import RunError

HELLO = Request((Message("user", "Hello"),))


class Counting:
    """A model that says how often it was asked before, and fails when told to."""

    name = "counting"

    def __init__(self) -> None:
        self.asked = 0

    def complete(self, requests: Sequence[Request]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for request in requests:
            self.asked += 1
            if request.messages[-1].content == "fail":
                outcomes.append(Fault("server", "status 500", 3, retryable=True))
            else:
                outcomes += script([str(self.asked)]).complete([request])
        return outcomes


def texts(outcomes: list[Outcome]) -> list[str]:
    return [o.text if isinstance(o, Completion) else o.kind for o in outcomes]


def test_a_cache_asks_once(tmp_path: Path) -> None:
    model = Counting()
    with Cassette(model, tmp_path / "c.sqlite") as cache:
        assert texts(cache.complete([HELLO])) == ["1"]
        assert texts(cache.complete([HELLO])) == ["1"]
        assert model.asked == len(cache) == 1


@pytest.mark.parametrize(
    "other",
    [
        replace(HELLO, index=1),
        replace(HELLO, prefix="<"),
        replace(HELLO, schema={"type": "object"}),
        replace(HELLO, sampling=Sampling(temperature=0.5)),
        replace(HELLO, sampling=Sampling(seed=1)),
        replace(HELLO, messages=(Message("system", "Hello"),)),
        replace(HELLO, messages=(Message("user", "Hello"), Message("user", ""))),
    ],
)
def test_anything_that_differs_is_another_call(tmp_path: Path, other: Request) -> None:
    with Cassette(Counting(), tmp_path / "c.sqlite") as cache:
        assert texts(cache.complete([HELLO, other])) == ["1", "2"]
        assert texts(cache.complete([other, HELLO])) == ["2", "1"]
    renamed = ScriptedModel(lambda request: "other model", name="another")
    with Cassette(renamed, tmp_path / "c.sqlite") as cache:
        assert texts(cache.complete([HELLO])) == ["other model"]


def test_faults_are_never_kept(tmp_path: Path) -> None:
    model = Counting()
    fail = Request((Message("user", "fail"),))
    with Cassette(model, tmp_path / "c.sqlite") as cache:
        for _ in range(2):
            assert texts(cache.complete([fail, HELLO])) == ["server", "2"]
        assert (model.asked, len(cache)) == (3, 1)


def test_a_replay_gives_the_same_and_asks_nobody(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    requests = [Request((Message("user", f"\ud7ff\u2028 {i}"),), index=i) for i in range(5)]
    with Cassette(echo(), path, "record") as cassette:
        recorded = cassette.complete(requests)
    with Cassette(None, path, "replay", name="echo") as cassette:
        assert cassette.complete(requests) == recorded
        (unknown,) = cassette.complete([HELLO])
        assert isinstance(unknown, Fault)
        assert (unknown.kind, unknown.attempts) == ("unrecorded", 0)


def test_recording_again_asks_again(tmp_path: Path) -> None:
    model = Counting()
    with Cassette(model, tmp_path / "c.sqlite", "record") as cassette:
        assert texts(cassette.complete([HELLO]) + cassette.complete([HELLO])) == ["1", "2"]
    with Cassette(None, tmp_path / "c.sqlite", "replay", name="counting") as cassette:
        assert texts(cassette.complete([HELLO])) == ["2"]


def test_what_is_no_cassette_is_said_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    path.write_text("not a database, but long enough to be looked at as one" * 20)
    content = path.read_bytes()
    with pytest.raises(RunError, match=r"c\.sqlite: must be a cassette"):
        Cassette(echo(), path)
    assert path.read_bytes() == content
    with pytest.raises(RunError, match="no recording to replay"):
        Cassette(None, tmp_path / "none.sqlite", "replay", name="echo")
    with pytest.raises(RunError, match="say the name"):
        Cassette(None, path, "replay")
    with pytest.raises(RunError, match="a model is needed"):
        Cassette(None, path, "cache")


def _fill(path: str, number: int) -> None:
    with Cassette(echo(), Path(path)) as cache:
        for i in range(60):
            request = Request((Message("user", str((i * 7 + number) % 80)),))
            (outcome,) = cache.complete([request])
            assert isinstance(outcome, Completion)
            assert outcome.text == request.messages[-1].content


def test_processes_share_one_file(tmp_path: Path) -> None:
    path = str(tmp_path / "c.sqlite")
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_fill, args=(path, n)) for n in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    with Cassette(echo(), Path(path)) as cache:
        assert len(cache) <= 80


def test_a_script_goes_by_what_was_said_before() -> None:
    model = script(["one", "two"])
    chat = HELLO.messages
    said = []
    for _ in range(3):
        (outcome,) = model.complete([Request(chat)])
        assert isinstance(outcome, Completion)
        said.append(outcome.text)
        chat = (*chat, Message("assistant", outcome.text), Message("user", "go on"))
    assert said == ["one", "two", "two"]


def test_an_estimate_of_tokens_is_bytes_over_four() -> None:
    assert [estimated_tokens(text) for text in ("", "a", "abcd", "abcde", "ÄÖÜ")] == [0, 1, 1, 2, 2]
