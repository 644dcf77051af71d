"""Environments of both seats that pay what they should not; `mutants` says which rule finds it."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from tests.contracts.mutants_both import Both


class Bonus(Both):
    """Pays something more than it should; a subclass says what."""

    def bonus(self) -> float:
        """Return what is paid beyond what is due."""
        raise AssertionError

    def _move(self, agent: str, action: int) -> tuple[float, float]:
        user, assistant = super()._move(agent, action)
        extra = self.bonus()
        return user + extra, assistant + extra


class Infinite(Bonus):
    def bonus(self) -> float:
        return float("inf") if self.exchange > 0 else 0.0


class NotANumber(Bonus):
    def bonus(self) -> float:
        return float("nan") if self.moved == 3 else 0.0


class HashOfText(Bonus):
    def bonus(self) -> float:
        return (hash("budget") % 1000) / 1000.0


class ClockFromStep2(Bonus):
    def bonus(self) -> float:
        return time.perf_counter() if self.moved > 1 else 0.0


class UnseededFromStep1(Bonus):
    def bonus(self) -> float:
        return float(np.random.default_rng().random())


class UnseededFromStep2(Bonus):
    def bonus(self) -> float:
        return float(np.random.default_rng().random()) if self.moved > 1 else 0.0


class GlobalNumbers(Bonus):
    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        np.random.seed(seed)  # noqa: NPY002  # that is the fault
        super().reset(seed, options)

    def bonus(self) -> float:
        return float(np.random.random())  # noqa: NPY002  # that is the fault


class GrowsWithEpisodes(Bonus):
    episodes = 0

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        self.episodes += 1
        super().reset(seed, options)

    def bonus(self) -> float:
        return float(self.episodes)
