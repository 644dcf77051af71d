"""What becomes of an episode when a model behind it fails: never a score."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeVar

from gtalign_env.draws import Seat
from gtalign_env.errors import ModelError, suggest

FaultPolicy = Literal["truncate", "raise", "resample"]
"""``"truncate"`` ends the episode, ``"raise"`` lets the error through, ``"resample"`` asks again
and truncates if that fails too."""

POLICIES = ("truncate", "raise", "resample")

RESAMPLES = 3
"""How often a failed message is asked for again."""

T = TypeVar("T")


class Faults:
    """The faults of one episode, and what is done about them.

    Args:
        policy: What to do.

    Raises:
        ValueError: There is no such policy.
    """

    def __init__(self, policy: FaultPolicy) -> None:
        if policy not in POLICIES:
            known = ", ".join(POLICIES)
            raise ValueError(
                f"fault_policy is one of {known}; got {policy!r}.{suggest(str(policy), POLICIES)}"
            )
        self.policy = policy
        self.begin()

    def begin(self) -> None:
        """Begin an episode: nothing has failed."""
        self._resampled = 0
        self._failed = 0
        self._attempts = 0
        self._fault: dict[str, Any] | None = None

    def resamples(self, error: ModelError) -> bool:
        """Note a failure of the message that is due; return whether to ask for it again."""
        self._failed += 1
        self._attempts += error.attempts
        again = self.policy == "resample" and self._failed <= RESAMPLES
        self._resampled += again
        return again

    def ask(self, call: Callable[[], T]) -> T:
        """Return what a call returns, asking again as the policy says.

        Raises:
            ModelError: It failed, for the last time.
        """
        while True:
            try:
                got = call()
            except ModelError as error:
                if not self.resamples(error):
                    raise
            else:
                self.answered()
                return got

    def answered(self) -> None:
        """Note that the message that was due has come: the next one has all its tries."""
        self._failed = self._attempts = 0

    def end(self, error: ModelError, seat: Seat) -> None:
        """Record the fault that ends the episode.

        Raises:
            ModelError: The policy lets it through.
        """
        if self.policy == "raise":
            raise error
        self._fault = {
            "kind": error.kind,
            "seat": seat.name.lower(),
            "attempts": max(self._attempts, error.attempts),
        }

    def info(self) -> dict[str, Any]:
        """Return what the info of a seat says of it; nothing where nothing failed."""
        info: dict[str, Any] = {}
        if self._fault is not None:
            info["fault"] = dict(self._fault)
        if self._resampled:
            info["resampled"] = self._resampled
        return info
