"""A cap on what model calls may cost: the worst case is reserved before a call, settled after it.

What a call can cost at most is known before it is made: a token is at least one byte, so the bytes of
the prompt and ``max_tokens`` bound its usage. A call whose worst case does not fit is not sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gtalign_agents.backends.chat import ChatModel, Completion, Fault, Outcome, Request
from gtalign_env.money import format_money
from gtalign_env.pricing import Rates

FRAME_TOKENS = 32
"""Most tokens that a chat format puts around one message."""

UNSENT = ("budget", "unrecorded", "cancelled")
"""Faults of calls that nobody has been asked."""


@dataclass
class Purse:
    """A model that may cost so much and no more.

    Attributes:
        model: The model.
        rates: What it costs, pico-USD per token.
        cap: What may be spent, pico-USD.
        tries: How many tries of one call may be billed; the `attempts` of a model on a server, 1
            where failed tries cost nothing.
        spent: Settled so far, pico-USD. A call that failed after it was sent counts with its worst
            case, because nobody says what it cost.
        unknown: How many such calls there were.
    """

    model: ChatModel
    rates: Rates
    cap: int
    tries: int = 1
    spent: int = 0
    unknown: int = 0

    @property
    def name(self) -> str:
        """The model's."""
        return self.model.name

    @property
    def left(self) -> int:
        """What may still be spent, pico-USD."""
        return self.cap - self.spent

    def worst_case(self, request: Request) -> int:
        """Return the most that a request can cost, pico-USD: all its tries.

        Args:
            request: What is asked.
        """
        bytes_sent = sum(len(m.content.encode("utf-8", "replace")) for m in request.messages)
        bytes_sent += len(request.prefix.encode("utf-8", "replace"))
        framed = bytes_sent + FRAME_TOKENS * (len(request.messages) + 1)
        dearest = max(self.rates.output, self.rates.reasoning)
        # a cached token costs no more than another one where the list price makes sense
        of_input = max(self.rates.input, self.rates.cached_input)
        return self.tries * (framed * of_input + request.sampling.max_tokens * dearest)

    def complete(self, requests: Sequence[Request]) -> list[Outcome]:
        """Return one outcome for each request, in order; what does not fit is a ``budget`` fault.

        Requests that fit side by side are sent together; what they turn out to cost less makes room
        for the next ones.
        """
        outcomes: list[Outcome] = []
        while len(outcomes) < len(requests):
            batch: list[Request] = []
            reserved = 0
            for request in requests[len(outcomes) :]:
                if reserved + self.worst_case(request) > self.left:
                    break
                reserved += self.worst_case(request)
                batch.append(request)
            if not batch:
                outcomes.append(self._too_dear(requests[len(outcomes)]))
                continue
            made = self.model.complete(batch)
            for request, outcome in zip(batch, made, strict=True):
                self._settle(request, outcome)
            outcomes += made
        return outcomes

    def _settle(self, request: Request, outcome: Outcome) -> None:
        if isinstance(outcome, Fault) and (outcome.kind in UNSENT or not outcome.attempts):
            return
        failed = outcome.attempts - isinstance(outcome, Completion)
        if isinstance(outcome, Completion):
            self.spent += self.rates.of(outcome.usage)
        if failed:
            one_try = self.worst_case(request) // self.tries
            self.spent += min(failed, self.tries - isinstance(outcome, Completion)) * one_try
            self.unknown += isinstance(outcome, Fault)

    def _too_dear(self, request: Request) -> Fault:
        worst, left = format_money(self.worst_case(request)), format_money(max(0, self.left))
        return Fault("budget", f"a call may cost {worst}; {left} is left", 0)
