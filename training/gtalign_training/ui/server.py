"""The playground's server: this machine alone, the page's own files alone, nothing outside.

What a browser may ask for is a short list; the library's other doors (its files, uploads, API pages,
proxy) are not there. The page's policy lets it load from itself only.
"""

from __future__ import annotations

import ipaddress
import os
import signal
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

from gtalign_env.errors import RunError
from gtalign_training.ui.app import build
from gtalign_training.ui.library import gradio
from gtalign_training.ui.look import CSS, theme
from gtalign_training.ui.view import Choice

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

NAMES = ("127.0.0.1", "localhost", "[::1]", "::1")
"""What this machine may be called by a browser: no other name leads here, whoever resolves it."""

OPEN = (
    "/", "/config", "/theme.css", "/favicon.ico", "/manifest.json", "/gradio_api/info",
    "/gradio_api/startup-events", "/gradio_api/queue/join", "/gradio_api/queue/data",
    "/gradio_api/run/predict", "/gradio_api/cancel", "/gradio_api/reset", "/gradio_api/app_id",
)  # fmt: skip
OPEN_BELOW = ("/assets/", "/static/", "/svelte/", "/gradio_api/heartbeat/")
"""Paths that the page needs; everything else is not found."""

HEADERS = {
    "content-security-policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
        "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
        "worker-src 'self' blob:; connect-src 'self'; object-src 'none'; base-uri 'self'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
"""The page is built by scripts of its own, inline ones too; nothing comes from or goes elsewhere."""


class OwnOnly:
    """Lets through what the page needs, from browsers that know this machine by its own name.

    Args:
        app: What answers.
    """

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        host = headers.get(b"host", b"").decode("latin-1")
        path = scope["path"]
        if _name(host) not in NAMES:
            await _refuse(send, 421, "this server answers to the names of this machine only")
            return
        origin = headers.get(b"origin", b"").decode("latin-1")
        if origin and _name(origin.partition("://")[2]) not in NAMES:
            await _refuse(send, 403, "pages of other places may not use this server")
            return
        if path not in OPEN and (not path.startswith(OPEN_BELOW) or ".." in path):
            await _refuse(send, 404, "not found")
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                extra = [(k.encode(), v.encode()) for k, v in HEADERS.items()]
                message["headers"] = [*message.get("headers", ()), *extra]
            await send(message)

        await self.app(scope, receive, with_headers)


def _name(host: str) -> str:
    """Return a Host header without its port."""
    return (
        host[: host.index("]") + 1]
        if host.startswith("[") and "]" in host
        else host.partition(":")[0]
    )


async def _refuse(send: Send, status: int, why: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": why.encode()})


def require_loopback(host: str) -> str:
    """Return a host if it is this machine as only this machine reaches it.

    Args:
        host: Name or address.

    Raises:
        RunError: Others could reach it.
    """
    try:
        inside = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        inside = False
    if not inside:
        raise RunError(
            f"the playground listens on this machine alone (127.0.0.1, ::1 or localhost); got "
            f"{host!r}. From elsewhere, forward the port: ssh -L 7860:127.0.0.1:7860 HOST"
        )
    return host


def require_port(host: str, port: int) -> int:
    """Return a port that is free; 0 asks for any.

    Args:
        host: Where.
        port: Which.

    Raises:
        RunError: It is in use, or not to be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise RunError(
                f"port {port} of {host} cannot be had: {error.strerror}. Is another playground "
                "running? Choose one with --port, or --port 0 for any that is free"
            ) from error
        return int(probe.getsockname()[1])


@contextmanager
def serving(first: Choice, *, host: str = "127.0.0.1", port: int = 7860) -> Iterator[str]:
    """Serve the page, and give its address.

    Args:
        first: What is shown at first.
        host: Where; a name or address of this machine.
        port: Which; 0 for any that is free.

    Raises:
        RunError: The host is not this machine's own, the port is in use, or the page does not answer.
        ScenarioError: What is to be shown cannot be.
        MissingExtraError: Gradio is not installed.
    """
    require_loopback(host)
    number = require_port(host, port)
    # read when the library is imported, and by what it imports
    os.environ |= {
        "GRADIO_ANALYTICS_ENABLED": "False",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "DO_NOT_TRACK": "1",
    }
    gr = gradio()
    from starlette.middleware import Middleware

    page = build(first)
    shown = f"[{host}]" if ":" in host else host
    try:
        page.launch(
            server_name=host,
            server_port=number,
            share=False,
            inbrowser=False,
            prevent_thread_lock=True,
            quiet=True,
            show_error=False,
            footer_links=[],
            run_history=False,
            enable_monitoring=False,
            ssr_mode=False,
            pwa=False,
            mcp_server=False,
            max_file_size=1,
            strict_cors=True,
            theme=theme(gr),
            css=CSS,
            app_kwargs={"middleware": [Middleware(OwnOnly)], "openapi_url": None},
        )
    except ValueError as error:  # the library asks its page once, and gives it three seconds
        page.close(verbose=False)
        raise RunError(
            f"the page at http://{shown}:{number}/ must answer this machine itself, and did not within "
            f"three seconds; where a proxy is set, put {host} into NO_PROXY; on a busy machine, try again"
        ) from error
    try:
        yield f"http://{shown}:{number}/"
    finally:
        page.close(verbose=False)


def wait() -> None:
    """Wait for Ctrl-C or SIGTERM."""
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    while not stopped.wait(0.5):  # a wait without an end would not let signals through everywhere
        pass
