"""A key is sent, and appears nowhere else: 27 faults, every level of logging, tracebacks with locals."""

from __future__ import annotations

import io
import logging
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.traceback import Traceback

from gtalign_agents.backends.cassette import Cassette
from gtalign_agents.backends.chat import Message, Request
from gtalign_agents.backends.openai_http import OpenAIHttp
from gtalign_env.testing import FAULTS, FaultServer

KEY = "sk-canary-8d2f90c4"
HELLO = Request((Message("user", "Hello there."),))


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Collect what every logger says, at the lowest level."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(1)
    yield text
    root.removeHandler(handler)
    root.setLevel(before)


def test_the_scan_would_find_it(heard: io.StringIO) -> None:
    logging.getLogger("x").debug("sent %s", KEY)
    assert KEY in heard.getvalue()
    assert f"Bearer {KEY}" in repr(OpenAIHttp("http://h/v1", "m")._headers())


def test_no_fault_tells_the_key(heard: io.StringIO, tmp_path: Path) -> None:
    with FaultServer() as server:
        sent: list[str] = []
        for step in ("ok", *FAULTS):
            model = OpenAIHttp(server.base_url, step, deadline=0.3, attempts=1)
            path = tmp_path / f"{step}.sqlite"
            with Cassette(model, path) as cassette:
                (outcome,) = cassette.complete([HELLO])
            sent.append(repr((model, outcome, model.name, cassette)))
    assert KEY not in "\n".join(sent)
    assert "httpx" in heard.getvalue() or "httpcore" in heard.getvalue()  # there was much to hear
    assert KEY not in heard.getvalue()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) >= len(FAULTS)
    assert not [path.name for path in files if KEY.encode() in path.read_bytes()]


def test_no_traceback_tells_it_even_with_locals(
    heard: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*given: Any, **named: Any) -> Any:
        raise RuntimeError("a bug")

    monkeypatch.setattr("gtalign_agents.backends.openai_http.read_reply", breaks)
    with FaultServer() as server, pytest.raises(RuntimeError) as error:
        OpenAIHttp(server.base_url, "ok").complete([HELLO])
    screen = io.StringIO()
    console = Console(file=screen, width=200)
    shown = Traceback.from_exception(
        error.type, error.value, error.tb, show_locals=True, locals_max_string=100_000
    )
    console.print(shown)
    plain = "".join(traceback.format_exception(error.value))
    captured = traceback.TracebackException.from_exception(error.value, capture_locals=True)
    assert "read_reply" in plain
    for text in (plain, screen.getvalue(), "".join(captured.format())):
        assert KEY not in text
