"""A model server on loopback that fails in every way that real ones do, scripted by model name.

The model's name says what happens: ``ok`` answers, ``hang`` never does, ``rate*2,ok`` refuses two
tries for their rate and answers the third. `FAULTS` lists the names. The server counts tries and the
most calls at once, and keeps every prompt.
"""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

FAULTS = (
    "reset",
    "hang",
    "drip",
    "slow_header",
    "endless",
    "cut",
    "huge",
    "gzip",
    "rate",
    "rate_after",
    "rate_never",
    "error500",
    "error503",
    "forbidden",
    "redirect",
    "html",
    "error_body",
    "no_choices",
    "null_choices",
    "null_content",
    "list_body",
    "refusal",
    "length",
    "no_usage",
    "negative_usage",
    "absurd_usage",
    "text_usage",
)
"""What can stand in a model's name, beside ``ok``."""


class FaultServer:
    """The server; a context manager.

    Args:
        reply: Returns the text of a good answer from the messages of a chat.
        latency: Time that a good answer takes, seconds.

    Attributes:
        prompts: The payload of every try, in order of arrival.
        tries: Number of tries by model name.
        peak: Most tries under way at once.
    """

    def __init__(
        self,
        reply: Callable[[list[dict[str, str]]], str] = lambda messages: "Fine.",
        latency: float = 0.0,
    ) -> None:
        self.reply = reply
        self.latency = latency
        self.prompts: list[dict[str, Any]] = []
        self.tries: Counter[str] = Counter()
        self.peak = 0
        self.closing = threading.Event()
        self._running = 0
        self._lock = threading.Lock()
        server = self

        class Handler(_Handler):
            faults = server

        # the default queue of 5 would refuse a burst of calls that is meant to be served
        listening = type("Server", (ThreadingHTTPServer,), {"request_queue_size": 1024})
        self._http: ThreadingHTTPServer = listening(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        # it looks every so many seconds whether it is to end, which ends a test as soon
        serve = self._http.serve_forever
        self._thread = threading.Thread(target=serve, args=(0.02,), daemon=True)

    @property
    def base_url(self) -> str:
        """Address up to and with ``/v1``."""
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()

    def begin(self, payload: dict[str, Any]) -> str:
        """Record a try and return what is to happen to it."""
        with self._lock:
            self._running += 1
            self.peak = max(self.peak, self._running)
            self.prompts.append(payload)
            name = str(payload.get("model"))
            number = self.tries[name]
            self.tries[name] += 1
        return _step(name, number)

    def finish(self) -> None:
        """Record that a try is over."""
        with self._lock:
            self._running -= 1


def _step(name: str, number: int) -> str:
    """Return the part of a name such as ``rate*2,ok`` that is due at a try, counted from 0."""
    steps: list[str] = []
    for part in name.split(","):
        what, _, times = part.partition("*")
        steps += [what] * int(times or 1)
    return steps[min(number, len(steps) - 1)]


class _Handler(BaseHTTPRequestHandler):
    faults: FaultServer

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        payload = json.loads(self.rfile.read(length))
        step = self.faults.begin(payload)
        # a client that has gone away is not this server's concern
        self._over = False
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            try:
                self._answer(step, payload)
            finally:
                self._finish()

    def _finish(self) -> None:
        if not self._over:
            self._over = True
            self.faults.finish()

    def _answer(self, step: str, payload: dict[str, Any]) -> None:
        if step == "reset":
            # closing with nothing lingering sends a reset in place of an end
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()
        elif step == "hang":
            self.faults.closing.wait()
        elif step == "drip":
            self._drip()
        elif step == "slow_header":
            self._slow_header()
        elif step == "endless":
            self._endless()
        elif step in _STATUS:
            status, headers = _STATUS[step]
            self._send(b"{}", status, headers)
        elif step == "gzip":
            self._send(b"\x1f\x8b", 200, {"Content-Encoding": "gzip"})
        elif step == "cut":
            body = self._good(payload)
            self._send(body[: len(body) // 2], 200, {}, claimed=len(body))
        elif step == "huge":
            self._send(b'{"x": "' + b"x" * (1 << 24) + b'"}')
        elif step in _BODIES:
            self._send(_BODIES[step])
        else:
            if self.faults.latency:
                time.sleep(self.faults.latency)
            self._send(self._changed(step, json.loads(self._good(payload))))

    def _drip(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        while not self.faults.closing.wait(0.05):
            self.wfile.write(b" ")
            self.wfile.flush()

    def _slow_header(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not self.faults.closing.wait(0.05):
            self.wfile.write(b"X-More: yes\r\n")
            self.wfile.flush()

    def _endless(self) -> None:
        self.send_response(200)
        self.end_headers()  # no length: the body ends with the connection, which never ends
        while not self.faults.closing.is_set():
            self.wfile.write(b" " * (1 << 16))

    def _good(self, payload: dict[str, Any]) -> bytes:
        messages = payload["messages"]
        text = self.faults.reply(messages)
        sent = sum(len(message["content"]) for message in messages) // 4 + 1
        return json.dumps(
            {
                "model": payload["model"],
                "choices": [
                    {
                        "message": {"role": "assistant", "content": text},
                        "finish_reason": "stop",
                    }
                ],
                "usage": {"prompt_tokens": sent, "completion_tokens": len(text) // 4 + 1},
            }
        ).encode()

    def _changed(self, step: str, data: dict[str, Any]) -> bytes:
        choice = data["choices"][0]
        if step == "length":
            choice["finish_reason"] = "length"
        elif step == "null_content":
            choice["message"]["content"] = None
        elif step == "refusal":
            choice["message"] = {"role": "assistant", "content": None, "refusal": "No."}
        elif step == "no_usage":
            del data["usage"]
        elif step == "negative_usage":
            data["usage"]["completion_tokens"] = -5
        elif step == "absurd_usage":
            data["usage"]["completion_tokens"] = 10**12
        elif step == "text_usage":
            data["usage"]["completion_tokens"] = "many"
        elif step != "ok":
            raise ValueError(f"a step is ok or one of {', '.join(FAULTS)}; got {step!r}")
        return json.dumps(data).encode()

    def _send(
        self,
        body: bytes,
        status: int = 200,
        headers: dict[str, str] | None = None,
        claimed: int | None = None,
    ) -> None:
        # over before the client can know it, or its next try would count beside this one
        self._finish()
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body) if claimed is None else claimed))
        self.end_headers()
        self.wfile.write(body)


_STATUS: dict[str, tuple[int, dict[str, str]]] = {
    "rate": (429, {}),
    "rate_after": (429, {"Retry-After": "0.1"}),
    "rate_never": (429, {"Retry-After": "3600"}),
    "error500": (500, {}),
    "error503": (503, {}),
    "forbidden": (401, {}),
    "redirect": (302, {"Location": "http://127.0.0.1:1/"}),
}

_BODIES: dict[str, bytes] = {
    "html": b"<html><body>Welcome</body></html>",
    "error_body": b'{"error": {"message": "overloaded"}}',
    "no_choices": b'{"choices": []}',
    "null_choices": b'{"choices": null, "usage": null}',
    "list_body": b"[]",
}
