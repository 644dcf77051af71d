"""Environments of both seats with one thing wrong in each; `mutants` says which rule finds it."""

from __future__ import annotations

import copy
from typing import Any, ClassVar

import numpy as np

from gtalign_env.core.moves import Ending, UserMove
from gtalign_env.core.rules import legal_user_moves
from gtalign_env.draws import Seat
from gtalign_env.envs.conversation_aec import ConversationAEC
from gtalign_env.envs.observe import read_action
from gtalign_env.envs.seated import AGENTS
from tests.contracts.games import game

USER, ASSISTANT = AGENTS


class Both(ConversationAEC):
    """The sound environment with both seats; what a fault may touch is a method of its own."""

    budget: int | None = None

    def __init__(self, who: str = "ann") -> None:
        super().__init__(game(who, self.budget), render_mode="ansi")

    def step(self, action: Any) -> None:
        """Make a move, then do what the fault does."""
        dead = bool(self.agents) and self.terminations | self.truncations
        over = bool(dead) and (
            self.terminations[self.agent_selection] or self.truncations[self.agent_selection]
        )
        super().step(action)
        if over:
            self.after_dead()
        else:
            self.after()

    def after(self) -> None:
        """Come after every move."""

    def after_dead(self) -> None:
        """Come after a step of a seat that is over."""

    @property
    def exchange(self) -> int:
        """Index of the exchange under way; −1 before the opening."""
        return int(self.conversation.state.exchange)

    @property
    def moved(self) -> int:
        """Moves made so far."""
        talk = self.conversation
        return len(talk.user_moves) + len(talk.assistant_moves)


class TypeSeen(Both):
    def observe(self, agent: str) -> Any:
        seen = super().observe(agent)
        seen[-1] = 0.1 * self.conversation.who.value
        return seen


class TypeInInfo(Both):
    def _info(self, agent: str) -> dict[str, Any]:
        return {**super()._info(agent), "patience": self.conversation.who.outside_option}


class TypeRendered(Both):
    def _lines(self) -> list[str]:
        return [*super()._lines(), f"worth {self.conversation.who.value} points"]


class TypePrinted(Both):
    def __repr__(self) -> str:
        return f"Both({self._conversation.who if self._conversation else None})"


class OneArrayForBoth(Both):
    def observe(self, agent: str) -> Any:
        seen = super().observe(agent)
        if not hasattr(self, "_array"):
            self._array = seen
        self._array[...] = seen * 0
        return self._array


class OneInfoForBoth(Both):
    def after(self) -> None:
        self.infos = dict.fromkeys(self.infos, self.infos[ASSISTANT])


class Swapped(Both):
    def _move(self, agent: str, action: int) -> tuple[float, float]:
        user, assistant = super()._move(agent, action)
        return assistant, user


class OverBudget(Both):
    budget = 10**6

    def _move(self, agent: str, action: int) -> tuple[float, float]:
        talk = self.conversation
        who, talk.who = talk.who, talk.who._replace(budget=10**15)
        rewards = super()._move(agent, action)
        talk.who = who
        return rewards


class LimitTerminates(Both):
    def after(self) -> None:
        if self.conversation.state.ending is Ending.TRUNCATED:
            self.terminations, self.truncations = self.truncations, self.terminations


class LeavingTruncates(Both):
    def after(self) -> None:
        if self.conversation.state.ending is Ending.LEFT:
            self.terminations, self.truncations = self.truncations, self.terminations


class RewardMissing(Both):
    def after(self) -> None:
        del self.rewards[ASSISTANT]


class RewardAfterDeath(Both):
    def after_dead(self) -> None:
        for agent in self.agents:
            self.rewards[agent] = 1.0
            self._cumulative_rewards[agent] = 1.0


class NeverCleared(Both):
    def after(self) -> None:
        for agent in self.agents:
            self._cumulative_rewards[agent] += self.conversation.returns[AGENTS.index(agent)]


class OutOfBoundsFromStep2(Both):
    def observe(self, agent: str) -> Any:
        return super().observe(agent) * (3 if self.moved > 1 else 1)


class WrongDtypeFromStep2(Both):
    def observe(self, agent: str) -> Any:
        return super().observe(agent).astype(np.float64 if self.moved > 1 else np.float32)


class NotANumberSeen(Both):
    def observe(self, agent: str) -> Any:
        seen = super().observe(agent)
        seen[0] = np.nan if self.moved > 1 else seen[0]
        return seen


class LateDeath(Both):
    def after(self) -> None:
        if self.conversation.state.ending is not None:
            self.terminations[ASSISTANT] = self.truncations[ASSISTANT] = False


class StaysAfterEnd(Both):
    def _was_dead_step(self, action: Any) -> None:
        self.agent_selection = self.agents[1 - self.agents.index(self.agent_selection)]


class GoneAtOnce(Both):
    def after(self) -> None:
        if self.conversation.state.ending is not None:
            self.agents = []


class StrangerToMove(Both):
    def after(self) -> None:
        if self.moved == 2:
            self.agent_selection = "nobody_0"


class StaleMask(Both):
    def _mask(self, agent: str) -> Any:
        masks = self.__dict__.setdefault("_masks", {})
        now = super()._mask(agent)
        before, masks[agent] = masks.get(agent, now), now
        return before


class MaskGone(Both):
    def after(self) -> None:
        for info in self.infos.values():
            del info["action_mask"]


class MaskTooShort(Both):
    def _mask(self, agent: str) -> Any:
        return super()._mask(agent)[:-1]


class MaskAllZero(Both):
    def _mask(self, agent: str) -> Any:
        return super()._mask(agent) * (self.moved < 2)


class MaskIgnored(Both):
    def _move(self, agent: str, action: int) -> tuple[float, float]:
        if agent == USER and read_action(agent, action) not in (
            legal := legal_user_moves(self.conversation.state)
        ):
            action = int(legal[0])
        return super()._move(agent, action)


class RefusalMoves(Both):
    def _move(self, agent: str, action: int) -> tuple[float, float]:
        talk = self.conversation
        if agent == USER and UserMove(action) not in legal_user_moves(talk.state):
            talk.state = talk.state._replace(questions=talk.state.questions + 1)
        return super()._move(agent, action)


class LastActRaises(Both):
    def _move(self, agent: str, action: int) -> tuple[float, float]:
        if agent == ASSISTANT and action == 6:
            raise IndexError("there is no seventh move")
        return super()._move(agent, action)


class BilledTwice(Both):
    def after(self) -> None:
        ledger = self.conversation.ledger
        if len(ledger.lines) == 2:
            ledger.lines.extend(ledger.lines[:2])


class HalfABill(Both):
    def after(self) -> None:
        ledger = self.conversation.ledger
        ledger.lines[:] = [line for line in ledger.lines if line.account is Seat.USER]


class OptionsIgnored(Both):
    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        super().reset(seed)


class SeedIgnored(Both):
    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        super().reset(0, options)


class ResetsCount(Both):
    untouched = False

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        super().reset(seed, options or {"episode": int(self.untouched)})
        self.untouched = True

    def after(self) -> None:
        self.untouched = False


class NewSpaces(Both):
    def observation_space(self, agent: str) -> Any:
        return copy.deepcopy(super().observation_space(agent))


class OneConversationForAll(Both):
    _box: ClassVar[dict[str, Any]] = {}

    @property
    def _conversation(self) -> Any:
        return self._box.get("it")

    @_conversation.setter
    def _conversation(self, conversation: Any) -> None:
        self._box["it"] = conversation


class PickledWithout(Both):
    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_conversation": None}

    def __deepcopy__(self, memo: dict[int, Any]) -> PickledWithout:
        twin = copy.copy(self)
        twin.__dict__ = copy.deepcopy(self.__dict__, memo)
        return twin


class ShallowCopy(Both):
    def __deepcopy__(self, memo: dict[int, Any]) -> ShallowCopy:
        twin = ShallowCopy()
        twin.__dict__ = dict(self.__dict__)
        return twin


class StateGivenAway(Both):
    def _info(self, agent: str) -> dict[str, Any]:
        if agent == USER:
            return super()._info(agent)
        if not self.moved:
            self._so_far = np.zeros(3, np.int64)
        held = self._so_far
        # a copy goes to the seat at first, the thing itself to whoever asks twice
        held[0] = held[0] + self.moved
        return {**super()._info(agent), "so_far": held}


class CloseOnce(Both):
    def close(self) -> None:
        if self.__dict__.pop("_closed", False):
            raise RuntimeError("closed already")
        self._closed = True


class Tells(Both):
    def step(self, action: Any) -> Any:
        super().step(action)
        return self.last()
