"""Wrappers for what trainers ask of an environment: numbers only, equal spaces, other rewards.

Three are for the Gymnasium environments of this package and keep what they are: the same draws,
the same infos, illegal moves refused. `UniformSpaces` is for any PettingZoo AEC environment.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Literal

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.utils import RecordConstructorArgs
from pettingzoo.utils import BaseWrapper

from gtalign_env.core.moves import AssistantMove, Ending, UserMove
from gtalign_env.draws import Seat
from gtalign_env.envs.dialogue import DialogueEnv
from gtalign_env.envs.observe import Array, read_action
from gtalign_env.envs.seated import AGENTS
from gtalign_env.envs.single import SingleSeatEnv
from gtalign_env.errors import suggest

Env = gymnasium.Env[Any, Any]
StepResult = tuple[Any, float, bool, bool, dict[str, Any]]
RewardName = Literal["user", "assistant", "joint", "difference"]
REWARDS = ("user", "assistant", "joint", "difference")


def _ours(env: Env, kind: type[Any], wrapper: str) -> Any:
    if not isinstance(env.unwrapped, kind):
        name = "gtalign/Dialogue-v0" if kind is DialogueEnv else "a gtalign environment of one seat"
        raise TypeError(f"{wrapper} wraps {name}; got {env.unwrapped}")
    return env.unwrapped


class TextOff(gymnasium.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """`gtalign/Dialogue-v0` by numbers: observes the numeric part, acts by moves.

    A move is put into the bundled words, so this plays what `gtalign/Conversation-v0` plays, draw
    for draw, while the words are there to be rendered. Observations have shape ``(n,)``.

    Args:
        env: A `DialogueEnv`.

    Raises:
        TypeError: The environment is another one.
    """

    def __init__(self, env: Env) -> None:
        RecordConstructorArgs.__init__(self)
        gymnasium.Wrapper.__init__(self, env)
        self._talks: DialogueEnv = _ours(env, DialogueEnv, "TextOff")
        self._agent = AGENTS[self._talks.seat]
        assert isinstance(env.observation_space, spaces.Dict)
        self.observation_space = env.observation_space["observation"]
        moves = UserMove if self._talks.seat is Seat.USER else AssistantMove
        self.action_space = spaces.Discrete(len(moves))
        self._last: tuple[Any, dict[str, Any]] = ({}, {})

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Array, dict[str, Any]]:
        """Begin an episode; the observation has shape ``(n,)``."""
        self._last = self.env.reset(seed=seed, options=options)
        return self._last[0]["observation"].copy(), self._copied_info()

    def step(self, action: int) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        """Put a move into words and say it; the observation has shape ``(n,)``."""
        talk = self._talks.talk
        move = read_action(self._agent, action)
        if talk.conversation.state.ending is not None:
            text = ""  # over before the first move, or a mistake that the environment answers
        elif not self._last[1]["action_mask"][move]:
            info = {**self._copied_info(), "illegal_move": True}
            return self._last[0]["observation"].copy(), 0.0, False, False, info
        elif isinstance(move, UserMove):
            text = talk.word_user(move)
        else:
            text = talk.word_assistant(move)
        observation, reward, terminated, truncated, info = self.env.step(text)
        self._last = observation, info
        return (
            observation["observation"].copy(),
            float(reward),
            terminated,
            truncated,
            self._copied_info(),
        )

    def action_masks(self) -> Any:
        """Return which moves are legal now, of shape ``(n,)``, for `sb3_contrib.MaskablePPO`."""
        return self._last[1]["action_mask"].astype(bool)

    def _copied_info(self) -> dict[str, Any]:
        # what is kept must not change with what is given away
        return {**self._last[1], "action_mask": self._last[1]["action_mask"].copy()}


class RewardChoice(gymnasium.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Pays another reward, whichever seat is yours; ``info["return"]`` stays your side's welfare.

    To pay the assistant what the user gets is to train it on what it cannot see; that is often the
    point, and no leak: nothing of it is observed.

    Args:
        env: An environment of one seat.
        reward: ``"user"`` or ``"assistant"``: increments of that side's welfare; ``"difference"``:
            of yours minus the other's, a zero-sum game; ``"joint"``: the scenario's W(U, L), paid
            at the end.

    Raises:
        TypeError: The environment is no environment of ours.
        ValueError: The reward has no such name.
    """

    def __init__(self, env: Env, reward: RewardName) -> None:
        RecordConstructorArgs.__init__(self, reward=reward)
        gymnasium.Wrapper.__init__(self, env)
        self._game: SingleSeatEnv[Any, Any] = _ours(env, SingleSeatEnv, "RewardChoice")
        if reward not in REWARDS:
            raise ValueError(
                f"reward is one of {', '.join(REWARDS)}; got {reward!r}.{suggest(reward, REWARDS)}"
            )
        self.reward = reward
        self._paid = 0.0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin an episode."""
        self._paid = 0.0
        return self.env.reset(seed=seed, options=options)

    def step(self, action: Any) -> StepResult:
        """Make a move and be paid what was chosen."""
        observation, _, terminated, truncated, info = self.env.step(action)
        due = self._due()
        reward, self._paid = due - self._paid, due
        if not info["reward_valid"]:
            reward = 0.0
        return observation, reward, terminated, truncated, info

    def _due(self) -> float:
        conversation = self._game.conversation
        user, assistant = conversation.returns
        if self.reward == "joint":
            over = conversation.state.ending not in (None, Ending.FAULT)
            return conversation.spec.welfare(user, assistant) if over else 0.0
        if self.reward == "difference":
            own, other = conversation.returns[self._game.seat], user + assistant
            return 2 * own - other
        return user if self.reward == "user" else assistant


class LastExchanges(gymnasium.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Observes a frame of the last exchanges instead of the last moment alone.

    The numbers of your last ``k`` turns stand in rows, of shape ``(k, n)``, the latest last and
    zeros where there was none. Text is cut to the price and the last ``k`` exchanges, so that a
    long conversation fits a model's context.

    Args:
        env: An environment of one seat of this package.
        k: How many exchanges, at least 1.

    Raises:
        TypeError: The environment is no environment of ours.
        ValueError: The frame is empty.
    """

    def __init__(self, env: Env, k: int) -> None:
        RecordConstructorArgs.__init__(self, k=k)
        gymnasium.Wrapper.__init__(self, env)
        self._game: SingleSeatEnv[Any, Any] = _ours(env, SingleSeatEnv, "LastExchanges")
        if k < 1:
            raise ValueError(f"a frame has at least 1 exchange; got k={k}")
        self.k = k
        space: Any = env.observation_space
        self._in_words = isinstance(space, spaces.Dict)
        box = space["observation"] if self._in_words else space
        low, high = (np.repeat(bound[None], k, axis=0) for bound in (box.low, box.high))
        frame = spaces.Box(low, high, dtype=box.dtype.type)
        self.observation_space = (
            spaces.Dict({**space.spaces, "observation": frame}) if self._in_words else frame
        )
        self._nothing = np.zeros(box.shape, box.dtype)
        self._rows: deque[Array] = deque(maxlen=k)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin an episode with an empty frame."""
        observation, info = self.env.reset(seed=seed, options=options)
        self._rows.extend([self._nothing] * self.k)
        return self._framed(observation), info

    def step(self, action: Any) -> StepResult:
        """Make a move; a refused one adds no row."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        if "illegal_move" in info:
            self._rows.pop()
            self._rows.appendleft(self._nothing)
        return self._framed(observation), float(reward), terminated, truncated, info

    def _framed(self, observation: Any) -> Any:
        numbers = observation["observation"] if self._in_words else observation
        self._rows.append(numbers.copy())
        frame = np.stack(self._rows)
        if not self._in_words:
            return frame
        assert isinstance(self._game, DialogueEnv)
        talk = self._game.talk
        brief = talk.brief() if self._game.seat is Seat.USER else []
        text = "\n".join(brief + talk.public_lines(last=self.k))
        return {**observation, "observation": frame, "text": text}


class UniformSpaces(BaseWrapper):
    """Gives all seats of a PettingZoo AEC environment one observation and one action space.

    Vectorising tools ask for it. Observations are padded with zeros to the longest, of shape
    ``(n,)``; action spaces to the one with most acts, and the masks with zeros: what a seat gained
    is never legal for it.

    Args:
        env: An environment whose seats observe a one-dimensional ``Box``, or all the same, and
            whose acts are ``Discrete``, or all the same.

    Raises:
        TypeError: Its spaces cannot be made equal so.
    """

    def __init__(self, env: Any) -> None:
        super().__init__(env)
        seats = list(env.possible_agents)
        observed = [env.observation_space(seat) for seat in seats]
        acts = [env.action_space(seat) for seat in seats]
        self._pads = any(space != observed[0] for space in observed)
        self._observation_space = _widest(observed) if self._pads else observed[0]
        self._action_space = _most_acts(acts) if len({*map(repr, acts)}) > 1 else acts[0]

    def observation_space(self, agent: str) -> Any:
        """Return the one observation space."""
        return self._observation_space

    def action_space(self, agent: str) -> Any:
        """Return the one action space."""
        return self._action_space

    def observe(self, agent: str) -> Any:
        """Return what a seat sees, of shape ``(n,)`` where it is padded."""
        seen = self.env.observe(agent)
        if not self._pads:
            return seen
        return np.pad(seen, (0, self._observation_space.shape[0] - len(seen)))

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        """Begin an episode."""
        self.env.reset(seed=seed, options=options)
        self._pad_masks()

    def step(self, action: Any) -> None:
        """Make the selected seat's move."""
        self.env.step(action)
        self._pad_masks()

    def _pad_masks(self) -> None:
        if not isinstance(self._action_space, spaces.Discrete):
            return
        for info in self.env.infos.values():
            mask = info.get("action_mask")
            if mask is not None:
                info["action_mask"] = np.pad(mask, (0, int(self._action_space.n) - len(mask)))


def _widest(observed: list[Any]) -> spaces.Box:
    if not all(isinstance(space, spaces.Box) and len(space.shape) == 1 for space in observed):
        raise TypeError(f"only one-dimensional boxes are padded; got {observed}")
    kinds = {(float(space.low.min()), float(space.high.max()), space.dtype) for space in observed}
    if len({dtype for *_, dtype in kinds}) > 1:
        raise TypeError(f"boxes of one dtype are padded; got {observed}")
    low, high = min(0.0, *(k[0] for k in kinds)), max(0.0, *(k[1] for k in kinds))
    size = max(space.shape[0] for space in observed)
    return spaces.Box(low, high, (size,), observed[0].dtype.type)


def _most_acts(acts: list[Any]) -> spaces.Discrete:
    if not all(isinstance(space, spaces.Discrete) and space.start == 0 for space in acts):
        raise TypeError(f"only discrete acts from 0 are padded; got {acts}")
    return spaces.Discrete(max(int(space.n) for space in acts))
