"""From the body of an OpenAI-compatible server to a completion or a fault: nothing is believed.

Servers answer errors with status 200, leave out the text, or count −5 tokens. Each of these is a
fault of its own kind, never an empty answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from gtalign_agents.backends.chat import (
    Completion,
    Fault,
    FaultKind,
    Outcome,
    Request,
    UsageSource,
    estimated_usage,
)
from gtalign_env.pricing import Usage

MOST_TOKENS = 10**9
"""Of one call; more than this nobody used."""


DISPUTED = 0.2
"""Share by which a server's count may differ from our own of the same text."""

Count = Callable[[str], int]
"""Counts the tokens of a text, by the model's own tokenizer."""


class _NotACompletionError(Exception):
    def __init__(self, kind: FaultKind, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def read_reply(body: bytes, request: Request, model: str, count: Count | None = None) -> Outcome:
    """Return what a body with status 200 holds.

    Args:
        body: As received.
        request: What was asked.
        model: Name of the model where the server does not say it.
        count: Counts tokens, to compare the server's count with; None to believe it.
    """
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return Fault("bad_json", "the body must be JSON; it is not", 1, retryable=True)
    try:
        return _completion(data, request, model, count)
    except _NotACompletionError as error:
        return Fault(error.kind, str(error), 1, retryable=error.kind == "schema")


def _completion(data: Any, request: Request, model: str, count: Count | None) -> Completion:
    if not isinstance(data, dict):
        raise _NotACompletionError("schema", f"the body must be an object; got {_kind(data)}")
    if data.get("error"):
        raise _NotACompletionError("server", "the body says error, with status 200")
    choices = data.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise _NotACompletionError("schema", "choices must hold a choice; there is none")
    message = choices[0].get("message")
    if not isinstance(message, dict):
        raise _NotACompletionError("schema", f"message must be an object; got {_kind(message)}")
    if message.get("refusal"):
        raise _NotACompletionError("refused", "the model's provider refused to answer")
    text, finish = message.get("content"), choices[0].get("finish_reason")
    if not isinstance(text, str):
        raise _NotACompletionError("schema", f"content must be a string; got {_kind(text)}")
    # a lone surrogate cannot be written to any file; � stands for it
    text = text.encode("utf-8", "replace").decode("utf-8")
    usage, source = _usage(data.get("usage"), request, text)
    if source == "server" and count is not None:
        # hidden tokens are not in the text; one more may end it
        ours = count(text)
        if abs(usage.output - ours) > max(1, DISPUTED * ours):
            source = "disputed"
    named = data.get("model")
    return Completion(
        text=text,
        finish=finish if isinstance(finish, str) else "unknown",
        usage=usage,
        usage_source=source,
        model=named if isinstance(named, str) else model,
    )


def _usage(data: Any, request: Request, text: str) -> tuple[Usage, UsageSource]:
    if data is None:
        return estimated_usage(request, text), "estimate"
    if not isinstance(data, dict):
        raise _NotACompletionError("schema", f"usage must be an object; got {_kind(data)}")
    sent = _tokens(data, "prompt_tokens")
    written = _tokens(data, "completion_tokens")
    cached = _tokens(_details(data, "prompt_tokens_details"), "cached_tokens", needed=False)
    hidden = _tokens(_details(data, "completion_tokens_details"), "reasoning_tokens", needed=False)
    if cached > sent or hidden > written:
        raise _NotACompletionError("out_of_range", "a part of the usage is larger than the whole")
    if text and written == 0:
        raise _NotACompletionError("out_of_range", "usage counts no token for a text")
    return Usage(sent, cached, written - hidden, hidden), "server"


def _details(usage: dict[str, Any], key: str) -> dict[str, Any]:
    details = usage.get(key)
    return details if isinstance(details, dict) else {}


def _tokens(usage: dict[str, Any], key: str, *, needed: bool = True) -> int:
    count = usage.get(key)
    if count is None and not needed:
        return 0
    if isinstance(count, bool) or not isinstance(count, int):
        raise _NotACompletionError("schema", f"{key} must be a whole number; got {_kind(count)}")
    if not 0 <= count <= MOST_TOKENS:
        raise _NotACompletionError(
            "out_of_range", f"{key} must be from 0 to {MOST_TOKENS:,}; got {count:.4g}"
        )
    return count


def _kind(value: Any) -> str:
    return "nothing" if value is None else type(value).__name__
