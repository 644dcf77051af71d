"""When a run stops because too much fails: one clear message, everything finished kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from gtalign_env.errors import RunError
from gtalign_env.money import format_money
from gtalign_training.runs.episode import Fault

FAULTS_IN_A_ROW = 20
"""After so many faulted episodes one after another a run stops: something is down."""


class FaultsError(RunError):
    """Too many episodes failed for the run to go on; what was finished is kept."""


class Finished(Protocol):
    """What a run makes: it has succeeded, or says what failed."""

    @property
    def fault(self) -> Fault | None:
        """What failed, if anything did."""


class Stop:
    """Watches the faults of a sitting.

    Args:
        episodes: How many the run has.
        limit: Share of them that may fail.
        cap: The budget, pico-USD, for the message where that is used up.
        what: What the run makes, in the plural, for messages.
        again: How one goes on, for messages.
    """

    def __init__(
        self,
        episodes: int,
        limit: float = 1.0,
        cap: int | None = None,
        what: str = "episodes",
        again: str = "--resume",
    ) -> None:
        self._episodes, self._limit, self._cap = episodes, limit, cap
        self._what, self._again = what, again
        self._faults = self._in_a_row = 0

    def watch(self, finished: Iterable[Finished], left: int) -> None:
        """Take note of finished episodes; they are on the disk.

        Args:
            finished: The episodes, in order.
            left: How many are still to be played. Where none is, there is nothing to stop.

        Raises:
            FaultsError: Too many have failed, or the budget is used up.
        """
        last: Fault | None = None
        longest = 0
        for one in finished:
            self._in_a_row = 0 if one.fault is None else self._in_a_row + 1
            longest = max(longest, self._in_a_row)
            if one.fault is not None:
                self._faults += 1
                last = one.fault if last is None or last.kind != "budget" else last
        if last is None or not left:
            return
        if last.kind == "budget" and self._cap is not None:
            raise FaultsError(
                f"the budget of {format_money(self._cap)} is used up ({last.message}); raise "
                f"--budget-cap and go on with {self._again}: {left} {self._what} are left, and those "
                "that were cut off"
            )
        why = f"the last by {last.kind} in the {last.seat}'s seat ({last.message})"
        if longest >= FAULTS_IN_A_ROW:
            raise FaultsError(
                f"{longest} {self._what} in a row failed, {why}; mend that, then go on with {self._again}"
            )
        if self._faults > self._limit * self._episodes:
            raise FaultsError(
                f"{self._faults} of {self._episodes} {self._what} failed, more than the share of "
                f"{self._limit:g} that may, {why}; mend that, or raise --fault-limit, then go on "
                f"with {self._again}"
            )
