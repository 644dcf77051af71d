"""A cap on what model calls may cost: the worst case is reserved before a call, settled after it.

What a call can cost at most is known before it is made: a token is at least one byte, so the bytes of
the prompt and ``max_tokens`` bound its usage. A call whose worst case does not fit is not sent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from gtalign_agents.backends.chat import ChatModel, Completion, Fault, Outcome, Request
from gtalign_env.money import format_money
from gtalign_env.pricing import Rates

FRAME_TOKENS = 32
"""Most tokens that a chat format puts around one message."""

UNSENT = ("budget", "unrecorded", "cancelled")
"""Faults of calls that nobody has been asked."""


@dataclass
class Account:
    """What may be spent, and what has been; several models may share one.

    Attributes:
        cap: What may be spent, pico-USD.
        spent: Settled so far, pico-USD. A call whose cost nobody says, because it failed after it
            was sent or because its tokens were not counted, counts with its worst case.
        unknown: How many such calls there were.
        tell: Told before calls are sent the most that will have been spent after them, and
            afterwards what has been, pico-USD. Who writes that down durably can go on with the
            account after a crash at any moment, and never spends more than the cap.
    """

    cap: int
    spent: int = 0
    unknown: int = 0
    tell: Callable[[int], None] = field(default=lambda at_most: None, repr=False)

    @property
    def left(self) -> int:
        """What may still be spent, pico-USD."""
        return self.cap - self.spent


@dataclass
class Purse:
    """A model that may cost so much and no more.

    Attributes:
        model: The model.
        rates: What it costs, pico-USD per token.
        account: What may be spent and has been.
        tries: How many tries of one call may be billed; the `attempts` of a model on a server, 1
            where failed tries cost nothing.
    """

    model: ChatModel
    rates: Rates
    account: Account
    tries: int = 1

    @property
    def name(self) -> str:
        """The model's."""
        return self.model.name

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
                worst = self.worst_case(request)
                if reserved + worst > self.account.left:
                    break
                reserved += worst
                batch.append(request)
            if not batch:
                outcomes.append(self._too_dear(requests[len(outcomes)]))
                continue
            self.account.tell(self.account.spent + reserved)
            made = self.model.complete(batch)
            for request, outcome in zip(batch, made, strict=True):
                self._settle(request, outcome)
            self.account.tell(self.account.spent)
            outcomes += made
        return outcomes

    def _settle(self, request: Request, outcome: Outcome) -> None:
        if isinstance(outcome, Fault) and (outcome.kind in UNSENT or not outcome.attempts):
            return
        # an estimate of the tokens bounds nothing: the cap holds only if such a call counts as
        # what it can have cost
        counted = isinstance(outcome, Completion) and outcome.usage_source != "estimate"
        if isinstance(outcome, Completion) and counted:
            self.account.spent += self.rates.of(outcome.usage)
        unsettled = min(outcome.attempts, self.tries) - counted
        if unsettled > 0:
            self.account.spent += unsettled * (self.worst_case(request) // self.tries)
            self.account.unknown += not counted

    def _too_dear(self, request: Request) -> Fault:
        worst = format_money(self.worst_case(request))
        left = format_money(max(0, self.account.left))
        return Fault("budget", f"a call may cost {worst}; {left} is left", 0)
