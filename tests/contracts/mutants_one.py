"""Environments of one seat, and with all seats at once, with one thing wrong in each.

`mutants` says which rule finds it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gtalign_env.core.moves import UserMove
from gtalign_env.envs.conversation import ConversationEnv
from gtalign_env.envs.seated import fresh_seed
from tests.contracts.games import Dilemma, game


class Single(ConversationEnv):
    """The sound environment with one seat."""

    def __init__(self) -> None:
        super().__init__(game(), seat="user", opponent="random")

    def step(self, action: Any) -> Any:
        """Make a move; a fault spoils what came of it."""
        return self.spoiled(*super().step(action))

    def spoiled(self, *came: Any) -> Any:
        """Return what the fault makes of a step."""
        return came

    @property
    def moved(self) -> int:
        """Own moves made so far."""
        return len(self.conversation.user_moves)


class OutsideAtReset(Single):
    def _observe(self) -> Any:
        return super()._observe() + (2 if not self.moved else 0)


class OutsideLater(Single):
    def _observe(self) -> Any:
        return super()._observe() + (2 if self.moved > 1 else 0)


class OtherShape(Single):
    def _observe(self) -> Any:
        return super()._observe()[:-1]


class UnseededLater(Single):
    def spoiled(self, *came: Any) -> Any:
        extra = float(np.random.default_rng().random()) if self.moved > 1 else 0.0
        return came[0], came[1] + extra, *came[2:]


class NotANumberPaid(Single):
    def spoiled(self, *came: Any) -> Any:
        return came[0], float("nan"), *came[2:]


class PaidInText(Single):
    def spoiled(self, *came: Any) -> Any:
        return came[0], str(came[1]), *came[2:]


class OverTwice(Single):
    def spoiled(self, *came: Any) -> Any:
        over = came[2] or came[3]
        return came[0], came[1], over, over, came[4]


class NeverOver(Single):
    def spoiled(self, *came: Any) -> Any:
        if came[2] or came[3]:
            observation, info = self.reset()
            return observation, came[1], False, False, info
        return came


class FlagsAsNumbers(Single):
    def spoiled(self, *came: Any) -> Any:
        return came[0], came[1], int(came[2]), int(came[3]), came[4]


class FourParts(Single):
    def spoiled(self, *came: Any) -> Any:
        return came[0], came[1], came[2] or came[3], came[4]


class ObservationAlone(Single):
    def reset(self, **kwargs: Any) -> Any:
        return super().reset(**kwargs)[0]


class NextOneShown(Single):
    def spoiled(self, *came: Any) -> Any:
        if came[2] or came[3]:
            return self.reset()[0], *came[1:]
        return came


class RestartsAfterEnd(Single):
    def step(self, action: Any) -> Any:
        if self._conversation is not None and self._conversation.state.ending is not None:
            self.reset()
        return super().step(action)


class ResetsItself(Single):
    def step(self, action: Any) -> Any:
        if self._conversation is None:
            self.reset(seed=0)
        return super().step(action)


class OneBuffer(Single):
    def _observe(self) -> Any:
        seen = super()._observe()
        buffer = self.__dict__.setdefault("_buffer", seen)
        buffer[...] = seen
        return buffer


class FreshSeeds(Single):
    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        return super().reset(seed=fresh_seed() if seed is None else seed, options=options)


class RefusesLegal(Single):
    def _is_legal(self, action: int) -> bool:
        return super()._is_legal(action) and action != UserMove.DQ


class LastRewardHalved(Single):
    def spoiled(self, *came: Any) -> Any:
        return came[0], came[1] / 2 if came[2] else came[1], *came[2:]


class FaultPaid(Single):
    def spoiled(self, *came: Any) -> Any:
        return *came[:4], {**came[4], "reward_valid": not (came[2] or came[3])}


class RefusalPaid(Single):
    def spoiled(self, *came: Any) -> Any:
        return came[0], -1.0 if "illegal_move" in came[4] else came[1], *came[2:]


class MissesAKey(Dilemma):
    def step(self, actions: dict[str, int]) -> Any:
        came = super().step(actions)
        came[1].pop("two_0")
        return came


class OneTooMany(Dilemma):
    def step(self, actions: dict[str, int]) -> Any:
        came = super().step(actions)
        came[1]["three_0"] = 0.0
        return came


class ComesBack(Dilemma):
    def step(self, actions: dict[str, int]) -> Any:
        came = super().step(actions)
        if self.round == 2:
            came[2]["one_0"] = True
        return came


class VanishesAlive(Dilemma):
    def step(self, actions: dict[str, int]) -> Any:
        actions = {agent: actions.get(agent, 0) for agent in self.possible_agents}
        self.agents = self.agents and list(self.possible_agents)
        came = super().step(actions)
        if self.round > 1:
            self.agents = self.agents[:1]
        return came


class HighestActRaises(Dilemma):
    def step(self, actions: dict[str, int]) -> Any:
        if set(actions.values()) == {1}:
            raise KeyError("nobody defects here")
        return super().step(actions)


class UnseededLength(Dilemma):
    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        came = super().reset(seed, options)
        self.rounds = int(np.random.default_rng().integers(4, 40))
        return came


class BothFlags(Dilemma):
    def step(self, actions: dict[str, int]) -> Any:
        came = super().step(actions)
        return *came[:3], dict(came[2]), came[4]
