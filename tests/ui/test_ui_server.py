"""The playground's server: this machine alone, a short list of doors, and clear words when it cannot."""

from __future__ import annotations

import http.client
import json
import socket
import sys
from typing import Any
from urllib.parse import urlsplit

import pytest
from typer.testing import CliRunner

from gtalign_env.errors import RunError
from gtalign_training.cli import main
from gtalign_training.ui.server import OPEN, require_loopback, require_port, serving
from gtalign_training.ui.view import Choice

from .conftest import Playground


def ask(
    playground: Playground,
    path: str,
    host: str | None = None,
    method: str = "GET",
    body: str = "",
    origin: str | None = None,
) -> tuple[int, dict[str, str], str]:
    place = urlsplit(playground.address)
    connection = http.client.HTTPConnection(place.hostname or "", place.port or 0, timeout=20)
    headers = {"Content-Type": "application/json"} | ({} if host is None else {"Host": host})
    headers |= {} if origin is None else {"Origin": origin}
    try:
        connection.request(method, path, body or None, headers)
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, found, answer.read().decode("utf-8", "replace")
    finally:
        connection.close()


def test_the_page_carries_its_policy(playground: Playground) -> None:
    status, headers, body = ask(playground, "/")
    assert status == 200
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "connect-src 'self'" in headers["content-security-policy"]
    assert headers["x-frame-options"] == "DENY"
    assert "gtalign playground" in body


@pytest.mark.parametrize(
    "path",
    [
        "/docs", "/redoc", "/openapi.json", "/gradio_api/openapi.json", "/monitoring",
        "/gradio_api/file=/etc/passwd", "/gradio_api/file/etc/passwd", "/gradio_api/proxy=http://example.org/",
        "/gradio_api/upload", "/gradio_api/runs", "/gradio_api/mcp/", "/gradio_api/user", "/login",
        "/gradio_api/call/look", "/gradio_api/dev/reload", "/gradio_api/deep_link", "/assets/../../setup.py",
        "/static/%2e%2e/%2e%2e/etc/passwd", "/nothing",
    ],
)  # fmt: skip
def test_doors_that_the_page_does_not_need_are_not_there(playground: Playground, path: str) -> None:
    for method in ("GET", "POST"):
        status, _, body = ask(playground, path, method=method)
        assert status in (404, 405), (method, path, status)
        assert "root:" not in body


def test_no_function_is_offered_to_programs(playground: Playground) -> None:
    status, _, body = ask(playground, "/gradio_api/info")
    assert status == 200
    assert json.loads(body) == {"named_endpoints": {}, "unnamed_endpoints": {}}


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "192.168.0.1", ""])
def test_another_name_that_leads_here_is_refused(playground: Playground, host: str) -> None:
    for path in OPEN[:3]:
        assert ask(playground, path, host=host)[0] in (400, 421)


@pytest.mark.parametrize(
    ("origin", "status"),
    [("http://evil.example", 403), ("null", 403), ("http://localhost.evil.example:80", 403)],
)
def test_a_page_of_another_place_may_not_use_it(
    playground: Playground, origin: str, status: int
) -> None:
    for path in ("/gradio_api/run/predict", "/gradio_api/queue/join"):
        assert ask(playground, path, method="POST", body="{}", origin=origin)[0] == status
    assert ask(playground, "/config", origin=playground.address.rstrip("/"))[0] == 200


def test_it_listens_to_this_machine_alone(playground: Playground) -> None:
    port = urlsplit(playground.address).port
    found = socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)
    for address in {str(info[4][0]) for info in found if not str(info[4][0]).startswith("127.")}:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((address, port or 0), timeout=2)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "example.org", ""])
def test_a_host_that_others_could_reach_is_refused(host: str) -> None:
    with pytest.raises(RunError, match=r"this machine alone.*ssh -L"):
        require_loopback(host)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.0.0.2"])
def test_this_machine_by_its_own_names_is_fine(host: str) -> None:
    assert require_loopback(host) == host


def test_a_port_in_use_is_told_with_what_to_do() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(RunError, match=rf"port {port} .*--port 0"):
            require_port("127.0.0.1", port)
        result = CliRunner().invoke(main, ["ui", "--port", str(port)])
    assert result.exit_code == 2
    assert f"port {port}" in result.stderr
    assert require_port("127.0.0.1", 0) > 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--scenario", "upsel"], "Did you mean 'upsell'"),
        (["--persona", "novise"], "Did you mean 'novice'"),
        (["--pricing", "per_tokn"], "Did you mean 'per_token'"),
        (["--host", "0.0.0.0"], "this machine alone"),
    ],
)
def test_what_cannot_be_shown_is_said_before_anything_listens(
    arguments: list[str], said: str
) -> None:
    result = CliRunner().invoke(main, ["ui", "--port", "0", *arguments])
    assert result.exit_code == 2
    assert said in result.stderr


def test_without_gradio_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gradio", None)
    result: Any = CliRunner().invoke(main, ["ui", "--port", "0"])
    assert result.exit_code == 2
    assert 'pip install "gtalign-env[ui]"' in result.stderr


def test_a_page_that_does_not_answer_is_told_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As behind a proxy that takes the machine's own address for another's."""
    closed = []

    class Page:
        def launch(self, **_: Any) -> None:
            raise ValueError("When localhost is not accessible, a shareable link must be created.")

        def close(self, **_: Any) -> None:
            closed.append(self)

    monkeypatch.setattr("gtalign_training.ui.server.build", lambda _: Page())
    with (
        pytest.raises(RunError, match=r"put 127\.0\.0\.1 into NO_PROXY"),
        serving(Choice("quick_question"), port=0),
    ):
        pass
    assert closed
