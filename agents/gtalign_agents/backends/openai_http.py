"""Models behind an OpenAI-compatible server, such as vLLM, SGLang, transformers serve or a vendor.

One deadline covers a whole call, retries and waiting included, however slowly bytes drip in. Bodies
are read up to a cap, never decompressed, redirects are not followed. Tries are counted in one
place. Keys come from the environment and appear in no message.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from gtalign_agents.backends.chat import Completion, Fault, Outcome, Request
from gtalign_agents.backends.http_reply import Count, read_reply
from gtalign_agents.backends.limits import AdaptiveLimit, retry_after, wait_before
from gtalign_env.errors import MissingExtraError

if TYPE_CHECKING:
    import httpx


@dataclass(frozen=True)
class OpenAIHttp:
    """A model on a server.

    Attributes:
        base_url: Address up to and with ``/v1``.
        model: Name of the model there.
        key_variable: Environment variable that holds the key; no key is sent where it is unset.
        deadline: Longest time of one call, all tries together, seconds.
        attempts: Most tries of one call.
        at_once: Most calls at once; fewer while the server says that it has too much.
        most_bytes: Longest body.
        continues: Whether the server can continue an assistant's turn (vLLM, SGLang); where not,
            a request with a prefix is refused rather than answered from the start.
        grammars: Whether the server can hold a completion to a Lark grammar (vLLM with its
            guidance backend); where not, a request with one is refused.
        engine: Version of the server's engine, where recorded answers are to count for it alone.
        count: Counts the tokens of a text as the model does; answers whose usage differs from it are
            marked as disputed.
        seed: Of the waiting times.
        extra: Further entries of every request, such as ``{"chat_template_kwargs": ...}``.
    """

    base_url: str
    model: str
    key_variable: str = "OPENAI_API_KEY"
    deadline: float = 120.0
    attempts: int = 4
    at_once: int = 64
    most_bytes: int = 8 * 2**20
    continues: bool = False
    grammars: bool = False
    engine: str = ""
    count: Count | None = None
    seed: int = 0
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Address and model, the engine where it is said, and what else every request says."""
        more = f"@{self.engine}" if self.engine else ""
        more += json.dumps(dict(self.extra), sort_keys=True) if self.extra else ""
        return f"openai:{self.base_url}#{self.model}{more}"

    def complete(self, requests: Sequence[Request]) -> list[Outcome]:
        """Return one outcome for each request, in order; they run side by side.

        Raises:
            MissingExtraError: httpx is not installed.
        """
        return asyncio.run(self.complete_async(requests))

    async def complete_async(self, requests: Sequence[Request]) -> list[Outcome]:
        """Return one outcome for each request, in order, from within a running loop.

        Raises:
            MissingExtraError: httpx is not installed.
        """
        try:
            import httpx
        except ImportError as error:
            raise MissingExtraError("a model on a server", "llm") from error
        rng = np.random.default_rng(self.seed)
        limit = AdaptiveLimit(self.at_once)
        pool = httpx.Limits(max_connections=self.at_once, max_keepalive_connections=self.at_once)
        # the deadline of the whole call stands above httpx's own, which count each read anew
        async with httpx.AsyncClient(
            limits=pool,
            timeout=self.deadline,
            follow_redirects=False,
            headers=self._headers(),
            verify=_trusted(),
        ) as client:
            calls = [self._call(client, limit, request, rng) for request in requests]
            return list(await asyncio.gather(*calls))

    def _headers(self) -> dict[str, str]:
        key = os.environ.get(self.key_variable)
        plain = {"Accept-Encoding": "identity"}  # a small body must not unpack to a large one
        return plain | ({"Authorization": f"Bearer {key}"} if key else {})

    async def _call(
        self,
        client: httpx.AsyncClient,
        limit: AdaptiveLimit,
        request: Request,
        rng: np.random.Generator,
    ) -> Outcome:
        if request.prefix and not self.continues:
            return Fault("refused", "this server cannot continue a turn; see `continues`", 0)
        if request.grammar and not self.grammars:
            return Fault("refused", "this server cannot hold to a grammar; see `grammars`", 0)
        # a call holds its place while it waits for its next try, and its time runs from here on
        async with limit.slot() as seen:
            started, tried = time.monotonic(), 0
            try:
                async with asyncio.timeout(self.deadline):
                    while True:
                        tried += 1
                        outcome, asked = await self._try(client, request)
                        outcome = replace(outcome, attempts=tried)
                        if isinstance(outcome, Completion):
                            limit.went_well()
                            return outcome
                        if outcome.kind == "rate":
                            seen = limit.overloaded(seen)
                        wait = wait_before(tried, asked, rng)
                        late = time.monotonic() - started + wait >= self.deadline
                        if not outcome.retryable or tried >= self.attempts or late:
                            return outcome
                        await asyncio.sleep(wait)
            except TimeoutError:
                message = f"no answer within {self.deadline:g} s"
                return Fault("timeout", message, tried, retryable=True)

    async def _try(
        self, client: httpx.AsyncClient, request: Request
    ) -> tuple[Outcome, float | None]:
        """Return the outcome of one try, and how long the server asks to wait, seconds."""
        import httpx

        url = f"{self.base_url.rstrip('/')}/chat/completions"
        try:
            async with client.stream("POST", url, json=self._payload(request)) as response:
                asked = retry_after(response.headers.get("Retry-After"), time.time())
                if response.status_code != 200:
                    return _refusal(response.status_code), asked
                if response.headers.get("Content-Encoding", "identity") != "identity":
                    return Fault("truncated", "the body is compressed, unasked", 1), asked
                body = bytearray()
                async for chunk in response.aiter_raw():
                    body += chunk
                    if len(body) > self.most_bytes:
                        message = (
                            f"the body must be at most {self.most_bytes:,} bytes; it is longer"
                        )
                        return Fault("truncated", message, 1), asked
            return read_reply(bytes(body), request, self.model, self.count), asked
        except httpx.RemoteProtocolError:
            return Fault("truncated", "the body ended early", 1, retryable=True), None
        except httpx.TimeoutException:
            return Fault("timeout", "the server took too long", 1, retryable=True), None
        except httpx.TransportError as error:
            return Fault("connect", f"no connection: {type(error).__name__}", 1, True), None

    def _payload(self, request: Request) -> dict[str, Any]:
        sampling = request.sampling
        messages = [{"role": m.role, "content": m.content} for m in request.messages]
        payload: dict[str, Any] = dict(self.extra) | {
            "model": self.model,
            "messages": messages,
            "max_tokens": sampling.max_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
        }
        if sampling.seed is not None:
            payload["seed"] = sampling.seed + request.index
        if sampling.stop:
            payload["stop"] = list(sampling.stop)
        if request.schema is not None:
            payload["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": request.schema, "strict": True},
            }
        if request.grammar:
            payload["structured_outputs"] = {"grammar": request.grammar}
        if request.prefix:
            messages.append({"role": "assistant", "content": request.prefix})
            payload |= {"continue_final_message": True, "add_generation_prompt": False}
        return payload


@cache
def _trusted() -> ssl.SSLContext:
    """Return whose certificates count; reading them takes longer than a short call."""
    import httpx

    return httpx.create_ssl_context()


def _refusal(status: int) -> Fault:
    if status == 429:
        return Fault("rate", "status 429: too many requests", 1, retryable=True)
    if status in (408, 409) or status >= 500:
        return Fault("server", f"status {status}", 1, retryable=True)
    if 300 <= status < 400:
        return Fault("server", f"status {status}: redirects are not followed", 1)
    return Fault("refused", f"status {status}: the request is refused", 1)
