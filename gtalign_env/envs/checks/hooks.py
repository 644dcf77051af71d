"""What only the author of a game knows, told to the checks: all of it optional."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from gtalign_env.envs.checks.play import Act

Options = tuple[dict[str, Any], Callable[[Any], bool]]
"""Options of a reset, and what must hold of the environment after it."""


class BillLine(NamedTuple):
    """One side of one charge."""

    entry: Any
    """What is charged for, such as the index of an exchange; billed at most once a payer."""
    account: str
    amount: int | float
    """Negative for the side that pays."""


@dataclass(frozen=True)
class Hooks:
    """What the checks are told about a game.

    Every callable is given the environment without its wrappers.

    Attributes:
        act: Plays the seats instead of random acts.
        limit: The time limit: as a number of acts, if nothing else can end an episode at that act;
            else a callable that says whether the episode was ended by the limit.
        ends_together: Whether an episode is over for all seats at once.
        options: Options of a reset, each with what must hold after it.
        returns: Per seat, the sum of rewards that is due at the end of an episode.
        budget_left: What the payer may still spend.
        bill: The lines of the bill so far.
        payer: The account that pays.
        charged: What the payer was charged so far, as the game counts it.
        twin: Makes the same game around another hidden user, whose visible side is the same.
        hidden: What is hidden; used to tell that the twin is another user.
        secrets: The hidden values as they would be written.
        blind: The seats that must not know them.
    """

    act: Act | None = None
    limit: int | Callable[[Any], bool] | None = None
    ends_together: bool = False
    options: Sequence[Options] = ()
    returns: Callable[[Any], Mapping[str, float]] | None = None
    budget_left: Callable[[Any], float] | None = None
    bill: Callable[[Any], Iterable[BillLine]] | None = None
    payer: str = "user"
    charged: Callable[[Any], float] | None = None
    twin: Callable[[], Any] | None = None
    hidden: Callable[[Any], Any] | None = None
    secrets: Callable[[Any], Iterable[str]] | None = None
    blind: Sequence[str] = ()


NO_HOOKS = Hooks()
