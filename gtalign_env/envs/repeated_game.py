"""`gtalign/RepeatedGame-v0` for PettingZoo: both seats play one matrix again and again."""

from __future__ import annotations

import operator
from collections import deque
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from pettingzoo import AECEnv, ParallelEnv
from pettingzoo.utils.conversions import parallel_to_aec

from gtalign_env.draws import Draws, Purpose, Seat, stream_key
from gtalign_env.envs.seated import AGENTS, RENDER_MODES, check_render_mode, fresh_seed
from gtalign_env.envs.stage_game import GameLike, stage_game
from gtalign_env.envs.table import episode_of
from gtalign_env.errors import EpisodeError

Array = NDArray[np.float32]

SHOWN_ROUNDS = 10
"""Latest rounds that `render` shows."""


class RepeatedGameEnv(ParallelEnv[str, Array, int]):
    """Two seats choose a plan each, at once, round after round of one matrix game.

    ## Description
    The user picks a row and the assistant a column; each gets the payoff of the cell. Plans are
    those of any bimatrix game, such as a dilemma, or the exact normal form of a scenario: then one
    round is one conversation, and the price war or the goodwill goes on over many of them.

    ## Action Space
    ``user_0``: ``Discrete(m)``, the rows. ``assistant_0``: ``Discrete(n)``, the columns. All are
    legal in every round; ``info["action_mask"]`` says so in PettingZoo's way.

    ## Observation Space
    ``Box(0, 1, (2 + history·(m + n),), float32)``, own plans first:

    | entries | meaning |
    | --- | --- |
    | 0 | rounds left, as a share of ``rounds`` |
    | 1 | the public signal of this round, in [0, 1); 0 where there is none |
    | next own + other | last round: own plan and the other's as carried out, one-hot each |
    | and so on | the round before it, up to ``history`` of them; zeros before the first round |

    ## Rewards
    Each seat's payoff of the cell carried out, points. Nothing is discounted: with a ``discount``
    the end is random, and the expected sum is the discounted sum.

    ## Starting State
    No round played.

    ## Episode End
    After each round the game goes on with probability ``discount``. An end by chance, and the known
    end after ``rounds`` of a game without discount, terminate; a discounted game that lasts
    ``rounds`` is truncated.

    ## Arguments
    ``game``: name or file of a matrix game or scenario, a mapping with ``user`` and ``assistant``
    matrices, a `NormalFormGame`, or a scenario. ``pricing``: a regime to play a scenario under.
    ``rounds``: most rounds of an episode. ``discount``: probability in (0, 1] that the game goes
    on. ``history``: how many of the latest rounds a seat observes. ``noise``: probability that a
    seat's hand trembles: another of its plans is carried out, each as likely. ``signal``: whether
    both see one random number a round, so that they can correlate. ``render_mode``: None, "ansi"
    or "human".

    ## Version History
    v0: first version.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012  # never changed: an instance has its own
        "name": "repeated_game_v0",
        "render_modes": list(RENDER_MODES),
        "is_parallelizable": True,
        "render_fps": 1,
    }

    def __init__(
        self,
        game: GameLike = "prisoners_dilemma",
        pricing: str | None = None,
        rounds: int = 200,
        discount: float = 1.0,
        history: int = 1,
        noise: float = 0.0,
        signal: bool = False,
        render_mode: str | None = None,
    ) -> None:
        check_render_mode(render_mode)
        self.game = stage_game(game, pricing)
        self.rounds = _whole("rounds", rounds, least=1)
        self.history = _whole("history", history, least=0)
        if not 0.0 < discount <= 1.0:
            raise ValueError(f"discount is a probability in (0, 1]; got {discount}")
        if not 0.0 <= noise <= 1.0:
            raise ValueError(f"noise is a probability in [0, 1]; got {noise}")
        self.discount, self.noise = float(discount), float(noise)
        self.signal = bool(signal)
        # tells `check_rollouts` whether another seed can differ
        chance = self.noise > 0.0 or self.discount < 1.0 or self.signal
        self.metadata = {**type(self).metadata, "chance": chance}
        self.render_mode = render_mode
        self.possible_agents = list(AGENTS)
        self.agents: list[str] = []
        counts = self.game.shape
        size = 2 + self.history * sum(counts)
        self.observation_spaces = {
            agent: spaces.Box(0.0, 1.0, (size,), np.float32) for agent in AGENTS
        }
        self.action_spaces = {
            agent: spaces.Discrete(count) for agent, count in zip(AGENTS, counts, strict=True)
        }
        self._payoffs = self.game.user.tolist(), self.game.assistant.tolist()
        payoffs = self.game.user.tobytes() + self.game.assistant.tobytes()
        self._digest = sha256(repr(counts).encode() + payoffs).hexdigest()
        self._key = 0
        self._episode = -1
        self._draws: Draws | None = None
        self._round = 0
        self._signal = 0.0
        self._past: deque[tuple[int, int]] = deque(maxlen=max(self.history, SHOWN_ROUNDS))
        self._returns = [0.0, 0.0]

    def observation_space(self, agent: str) -> spaces.Space[Any]:
        """Return a seat's observation space: the same object on every call."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Space[Any]:
        """Return a seat's action space: the same object on every call."""
        return self.action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Array], dict[str, dict[str, Any]]]:
        """Begin an episode and return what the seats observe, with their infos.

        Args:
            seed: Fixes this and all later episodes; without one the next episode of the seed in
                force begins (a fresh seed, if there was none).
            options: ``{"episode": n}`` begins the n-th episode of the seed.

        Returns:
            Observations of shape ``(2 + history·(m + n),)`` and infos, by seat.
        """
        if seed is not None or self._episode < 0:
            self._key = stream_key(self._digest, fresh_seed() if seed is None else seed)
            self._episode = -1
        self._episode = episode_of(options, self._episode + 1)
        self._draws = Draws(self._key, self._episode)
        self._round, self._returns = 0, [0.0, 0.0]
        self._past.clear()
        self._draw_signal()
        self.agents = list(AGENTS)
        return self._observations(), {agent: self._info(agent) for agent in AGENTS}

    def step(
        self, actions: Mapping[str, int]
    ) -> tuple[
        dict[str, Array],
        dict[str, float],
        dict[str, bool],
        dict[str, bool],
        dict[str, dict[str, Any]],
    ]:
        """Play one round and return observations, rewards, terminations, truncations and infos.

        Args:
            actions: One plan a seat, by its index.

        Returns:
            Observations of shape ``(2 + history·(m + n),)``, rewards in points, flags and infos.

        Raises:
            EpisodeError: No episode is under way, or an action is none of the seat's plans.
        """
        if not self.agents:
            said = "no game is under way" if self._draws is None else "the episode is over"
            raise EpisodeError(f"{said}; call reset()")
        played = self._carried_out(Seat.USER, actions), self._carried_out(Seat.ASSISTANT, actions)
        rewards = {}
        for seat, agent in enumerate(AGENTS):
            payoff = self._payoffs[seat][played[0]][played[1]]
            self._returns[seat] += payoff
            rewards[agent] = payoff
        self._past.append(played)
        last = self._round + 1 == self.rounds
        over = not self._goes_on() or (last and self.discount == 1.0)
        self._round += 1
        cut = last and not over
        if over or cut:
            self.agents = []
        else:
            self._draw_signal()
        infos = {agent: self._info(agent, over, cut) for agent in AGENTS}
        if self.render_mode == "human":
            self.render()
        return (
            self._observations(),
            rewards,
            dict.fromkeys(AGENTS, over),
            dict.fromkeys(AGENTS, cut),
            infos,
        )

    def render(self) -> str | None:
        """Return (``ansi``) or print (``human``) the latest rounds and the returns so far."""
        if self.render_mode is None:
            return None
        if self._draws is None:
            raise EpisodeError("no game is under way; call reset() first")
        text = "\n".join(self._lines())
        if self.render_mode == "ansi":
            return text
        print(text)  # noqa: T201  # what render_mode="human" asks for
        return None

    def close(self) -> None:
        """Nothing is held open; may be called any number of times."""

    @property
    def past(self) -> tuple[tuple[int, int], ...]:
        """The latest rounds as carried out, (user plan, assistant plan), oldest first."""
        return tuple(self._past)

    def _carried_out(self, seat: Seat, actions: Mapping[str, int]) -> int:
        agent = AGENTS[seat]
        plans = self.game.user_plans if seat is Seat.USER else self.game.assistant_plans
        try:
            plan = operator.index(actions[agent])
        except (KeyError, TypeError):
            plan = -1
        if not 0 <= plan < len(plans):
            known = ", ".join(f"{i} {name}" for i, name in enumerate(plans))
            came = actions.get(agent, "none") if isinstance(actions, Mapping) else actions
            raise EpisodeError(f"an action of {agent} is one of {known}; got {came!r}")
        if self.noise == 0.0 or len(plans) == 1:
            return plan
        u = self._uniform(seat, Purpose.TREMBLE)
        if u >= self.noise:
            return plan
        # What is left of the draw, scaled to [0, 1), says which other plan; rounding may give 1.
        other = min(int(u / self.noise * (len(plans) - 1)), len(plans) - 2)
        return other + (other >= plan)

    def _goes_on(self) -> bool:
        return self.discount == 1.0 or self._uniform(Seat.WORLD, Purpose.CONTINUE) < self.discount

    def _draw_signal(self) -> None:
        self._signal = self._uniform(Seat.WORLD, Purpose.SIGNAL) if self.signal else 0.0

    def _uniform(self, seat: Seat, purpose: Purpose) -> float:
        assert self._draws is not None
        return self._draws.uniform(self._round, seat, purpose)

    def _observations(self) -> dict[str, Array]:
        m, n = self.game.shape
        size = 2 + self.history * (m + n)
        user, assistant = np.zeros(size, np.float32), np.zeros(size, np.float32)
        user[0] = assistant[0] = 1.0 - self._round / self.rounds
        # A draw just below 1 would round up to 1 as a float32.
        user[1] = assistant[1] = min(self._signal, 1.0 - 2.0**-24)
        start = 2
        for lag in range(1, min(self.history, len(self._past)) + 1):
            i, j = self._past[-lag]
            user[start + i] = user[start + m + j] = 1.0
            assistant[start + j] = assistant[start + n + i] = 1.0
            start += m + n
        return {AGENTS[0]: user, AGENTS[1]: assistant}

    def _info(self, agent: str, over: bool = False, cut: bool = False) -> dict[str, Any]:
        seat = AGENTS.index(agent)
        info: dict[str, Any] = {
            "action_mask": np.ones(self.game.shape[seat], np.int8),
            "reward_valid": True,
        }
        if self._round:
            own, other = self._past[-1][seat], self._past[-1][1 - seat]
            info["played"] = {"own": own, "other": other}
        if over or cut:
            info["ending"] = "truncated" if cut else "ended"
            info["return"] = self._returns[seat]
        return info

    def _lines(self) -> list[str]:
        users, assistants = self.game.user_plans, self.game.assistant_plans
        first = self._round - min(self._round, SHOWN_ROUNDS)
        lines = [
            f"round {first + k + 1}: user {users[i]}, assistant {assistants[j]}: "
            f"{self._payoffs[0][i][j]:.6g}, {self._payoffs[1][i][j]:.6g}"
            for k, (i, j) in enumerate(list(self._past)[-SHOWN_ROUNDS:])
        ]
        if self.signal and self.agents:
            lines.append(f"signal {self._signal:.6f}")
        user, assistant = self._returns
        state = "goes on" if self.agents else "over"
        lines.append(
            f"{self._round} of {self.rounds} rounds, {state}; "
            f"returns: user {user:.6g}, assistant {assistant:.6g}"
        )
        return lines


def parallel_env(**arguments: Any) -> RepeatedGameEnv:
    """Return the environment in which both seats move at once."""
    return RepeatedGameEnv(**arguments)


def raw_env(**arguments: Any) -> AECEnv[str, Array, int]:
    """Return the same game with turns, as PettingZoo's AEC: neither seat sees the other's plan.

    Observations and their shape are those of `RepeatedGameEnv`.
    """
    return parallel_to_aec(RepeatedGameEnv(**arguments))


def _whole(name: str, value: int, least: int) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if number < least:
        raise ValueError(f"{name} is a whole number, from {least}; got {value!r}")
    return number
