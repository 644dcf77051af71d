"""What every language model here takes and gives: `Request` to `Completion` or `Fault`.

A call either succeeds whole or is a `Fault` with a kind. A fault is a value, not an exception, so
one failed call never ends a batch, and nobody can mistake it for an empty answer.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from typing import Any, Literal, Protocol, get_args

from gtalign_env.pricing import Usage

Role = Literal["system", "user", "assistant"]

FaultKind = Literal[
    "connect",  # nobody answers, or the connection breaks
    "timeout",  # the deadline of the whole call, retries included, has passed
    "rate",  # too many requests, to the last try
    "server",  # the server says that it failed, or sends elsewhere
    "refused",  # the server refuses the request: key, model, or content
    "bad_json",  # the body is not JSON
    "schema",  # the body is JSON but no completion
    "truncated",  # the body ends early, or is larger than allowed
    "out_of_range",  # numbers that cannot be: negative or absurd usage
    "budget",  # not sent: it could cost more than is left
    "cancelled",  # stopped from this side
    "unrecorded",  # replaying, and there is no such call on the record
]
FAULT_KINDS: tuple[str, ...] = get_args(FaultKind)

UsageSource = Literal["server", "tokenizer", "estimate", "disputed"]
"""Who counted the tokens; an estimate is the bytes of the text over four, and a server's count is
disputed where our own of the same text differs by more than a fifth."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a chat."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to sample.

    Attributes:
        max_tokens: Longest completion, tokens.
        temperature: 0 for the most likely token always.
        top_p: Nucleus.
        seed: Seed for servers that take one.
        stop: Texts at which generation halts; each stays in the completion where the model is
            local, and is cut off by most servers.
    """

    max_tokens: int = 1024
    temperature: float = 1.0
    top_p: float = 1.0
    seed: int | None = None
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """One completion to be made.

    Attributes:
        messages: The chat so far; the assistant is to write next.
        sampling: How to sample.
        index: Which of several samples of the same chat; a cache never mixes them.
        schema: JSON Schema that the completion must satisfy, for models that can be held to one.
        grammar: Lark grammar that the completion must follow, likewise; not with a schema.
        prefix: What the assistant's turn already begins with, to be continued.
    """

    messages: tuple[Message, ...]
    sampling: Sampling = field(default_factory=Sampling)
    index: int = 0
    schema: dict[str, Any] | None = None
    prefix: str = ""
    grammar: str = ""

    def __post_init__(self) -> None:
        if self.schema is not None and self.grammar:
            raise ValueError("a completion is held to a schema or to a grammar, not to both")

    def key(self, model: str) -> str:
        """Return the name under which an answer of a model to this is stored.

        Args:
            model: Name of the model with everything that makes it answer as it does, such as its
                address and version.
        """
        text = json.dumps([model, asdict(self)], sort_keys=True, ensure_ascii=True)
        return blake2b(text.encode(), digest_size=20).hexdigest()


@dataclass(frozen=True, slots=True)
class Completion:
    """What a model wrote.

    Attributes:
        text: The new text, without the request's prefix.
        finish: Why it ended: ``stop``, ``length`` where it ran into ``max_tokens``, or what else
            the server says.
        usage: Tokens used.
        usage_source: Who counted them.
        model: Name of the model as it names itself.
        attempts: How often it was asked, from 1.
        token_ids: Of the text, where the model tells.
        logprobs: Of those tokens, natural logarithms.
    """

    text: str
    finish: str
    usage: Usage
    usage_source: UsageSource
    model: str
    attempts: int = 1
    token_ids: tuple[int, ...] | None = None
    logprobs: tuple[float, ...] | None = None

    @property
    def is_whole(self) -> bool:
        """Whether the text ended by itself rather than at the token limit."""
        return self.finish != "length"


@dataclass(frozen=True, slots=True)
class Fault:
    """Why there is no completion.

    Attributes:
        kind: One of `FAULT_KINDS`.
        message: What came and from where, without keys or texts of the chat.
        attempts: How often it was asked; 0 where it was never sent.
        retryable: Whether the same request might succeed later.
    """

    kind: FaultKind
    message: str
    attempts: int
    retryable: bool = False


Outcome = Completion | Fault


def seed_of(request: Request) -> int:
    """Return a seed for one request alone, in [0, 2^63): where it stands in a batch does not count.

    Args:
        request: What is asked; its seed and its index count.
    """
    digest = blake2b(request.key("").encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


class ChatModel(Protocol):
    """A language model, local or remote."""

    @property
    def name(self) -> str:
        """Name with everything that makes it answer as it does; part of every stored key."""

    def complete(self, requests: Sequence[Request]) -> list[Outcome]:
        """Return one outcome for each request, in order; requests may run side by side."""


def estimated_tokens(text: str) -> int:
    """Return a rough number of tokens, bytes over four, for where nobody counted."""
    return -(-len(text.encode("utf-8", "replace")) // 4)


def estimated_usage(request: Request, text: str) -> Usage:
    """Return a rough usage of a call; to be labelled as an estimate.

    Args:
        request: What was asked.
        text: What was written.
    """
    sent = sum(estimated_tokens(message.content) for message in request.messages)
    return Usage(sent + estimated_tokens(request.prefix), 0, estimated_tokens(text), 0)
