"""A cap on what model calls may cost: the worst case is reserved before a call, settled after it.

What a call can cost at most is known before it is made: a token is at least one byte, so the bytes of
the prompt and ``max_tokens`` bound its usage. A call whose worst case does not fit is not sent.
"""

from __future__ import annotations

import threading
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
            afterwards what has been or may be by calls under way, pico-USD. Who writes that down
            durably can go on with the account after a crash at any moment, and never spends more
            than the cap.
        reserved: Held for calls under way, pico-USD; they may be made from several threads.
    """

    cap: int
    spent: int = 0
    unknown: int = 0
    tell: Callable[[int], None] = field(default=lambda at_most: None, repr=False)
    reserved: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    @property
    def left(self) -> int:
        """What may still be spent, pico-USD."""
        return self.cap - self.spent - self.reserved

    def reserve(self, amounts: Sequence[int]) -> int:
        """Hold what the first calls of a row can cost, as many as fit; returns how many.

        Args:
            amounts: The worst case of each, pico-USD.
        """
        with self._lock:
            held = count = 0
            for amount in amounts:
                if held + amount > self.left:
                    break
                held += amount
                count += 1
            if count:
                self.reserved += held
                self.tell(self.spent + self.reserved)
            return count

    def settle(self, reserved: int, spent: int, unknown: int = 0) -> None:
        """Give back what was held, less what was spent.

        Args:
            reserved: What was held, pico-USD.
            spent: What the calls have cost, pico-USD.
            unknown: How many of them cost nobody knows what, and count with their worst case.
        """
        with self._lock:
            self.reserved -= reserved
            self.spent += spent
            self.unknown += unknown
            self.tell(self.spent + self.reserved)


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
        for the next ones. May be called from several threads.
        """
        outcomes: list[Outcome] = []
        while len(outcomes) < len(requests):
            rest = requests[len(outcomes) :]
            worst = [self.worst_case(request) for request in rest]
            count = self.account.reserve(worst)
            if not count:
                outcomes.append(self._too_dear(rest[0]))
                continue
            held = sum(worst[:count])
            try:
                made = self.model.complete(rest[:count])
            except BaseException:
                self.account.settle(held, held, count)  # whatever has been sent may be billed
                raise
            bills = [self._cost(one, outcome) for one, outcome in zip(rest, made, strict=False)]
            spent, unknown = map(sum, zip(*bills, strict=True))
            self.account.settle(held, spent, unknown)
            outcomes += made
        return outcomes

    def _cost(self, request: Request, outcome: Outcome) -> tuple[int, int]:
        """Return what a call has cost, pico-USD, and 1 if nobody knows and its worst case counts."""
        if isinstance(outcome, Fault) and (outcome.kind in UNSENT or not outcome.attempts):
            return 0, 0
        # an estimate of the tokens bounds nothing: the cap holds only if such a call counts as
        # what it can have cost
        counted = isinstance(outcome, Completion) and outcome.usage_source != "estimate"
        known = 0
        if isinstance(outcome, Completion) and counted:
            known = self.rates.of(outcome.usage)
        unsettled = min(outcome.attempts, self.tries) - counted
        if unsettled <= 0:
            return known, 0
        return known + unsettled * (self.worst_case(request) // self.tries), int(not counted)

    def _too_dear(self, request: Request) -> Fault:
        worst = format_money(self.worst_case(request))
        left = format_money(max(0, self.account.left))
        return Fault("budget", f"a call may cost {worst}; {left} is left", 0)
