"""The bill: an append-only ledger of two cancelling lines per charge, with quantities.

What the user pays, the provider receives, so all lines sum to zero. Quantities are kept beside the
amounts, so one conversation can be billed again under any other regime.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gtalign_env.core.moves import AssistantMove
from gtalign_env.draws import Seat
from gtalign_env.pricing import History, Regime, Usage


class Line(NamedTuple):
    """One side of one charge."""

    exchange: int
    """Index of the exchange, from 0; of the accepted one for the outcome fee."""
    account: Seat
    amount: int
    """pico-USD; negative for the side that pays."""
    usage: Usage | None
    """What was used; None for the outcome fee."""


class Exchange(NamedTuple):
    """A delivered exchange, as the bill sees it."""

    usage: Usage
    move: AssistantMove


class Ledger:
    """The bill of one conversation.

    Attributes:
        lines: All lines, in order; two per charge.
        exchanges: Quantities of the delivered exchanges.
    """

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.exchanges: list[Exchange] = []

    def exchange(self, usage: Usage, move: AssistantMove, charge: int) -> None:
        """Record a delivered exchange and its charge, pico-USD."""
        self._post(len(self.exchanges), charge, usage)
        self.exchanges.append(Exchange(usage, move))

    def acceptance(self, fee: int) -> None:
        """Record the outcome fee, pico-USD; nothing where the regime has none."""
        if fee:
            self._post(len(self.exchanges) - 1, fee, None)

    def _post(self, exchange: int, amount: int, usage: Usage | None) -> None:
        self.lines.append(Line(exchange, Seat.USER, -amount, usage))
        self.lines.append(Line(exchange, Seat.ASSISTANT, amount, usage))

    def balance(self, account: Seat) -> int:
        """Return the sum of an account's lines, pico-USD."""
        return sum(line.amount for line in self.lines if line.account is account)


def bill(
    exchanges: Sequence[Exchange], accepted: bool, regime: Regime, conversation: int = 0
) -> list[int]:
    """Return the charges of recorded quantities under a regime, pico-USD.

    Args:
        exchanges: Delivered exchanges, in order.
        accepted: Whether the conversation ended by acceptance.
        regime: The rule that sets the price; need not be the one that was played.
        conversation: Index of the conversation, which a surge depends on.

    Returns:
        One charge per exchange; an acceptance that costs something is one more.
    """
    in_force = regime.at(conversation)
    charges, history = [], History(0, 0)
    for usage, move in exchanges:
        priced = in_force.price(usage, move is AssistantMove.CQ, history)
        charges.append(priced.charge)
        history = history.after(usage, priced)
    if accepted and in_force.outcome_fee:
        charges.append(in_force.outcome_fee)
    return charges
