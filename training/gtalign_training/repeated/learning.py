"""Two independent learners on `gtalign/RepeatedGame-v0`: tabular Q-learning and REINFORCE.

Each learner sees the last round and its own payoff, and nothing of the other's learning. What it
ends with is a finite automaton, so the payoffs of the two end policies are exact.

Deviations: REINFORCE is tabular, with a running mean of the return as its baseline, one for each
state; Q-learning explores with a probability that falls exponentially.

References:
    Watkins and Dayan (1992), "Q-learning"; Williams (1992), "Simple statistical gradient-following
    algorithms for connectionist reinforcement learning"; Calvano, Calzolari, Denicolò and Pastorello
    (2020), "Artificial intelligence, algorithmic pricing, and collusion" (independent Q-learners
    with one round of memory, and their exploration).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gtalign_env.envs.repeated_game import RepeatedGameEnv
from gtalign_env.envs.seated import AGENTS
from gtalign_env.games.automata import Automaton, Payoffs, discounted_payoffs
from gtalign_env.games.normal_form import NormalFormGame
from gtalign_env.games.repeated import Cooperation

FloatArray = NDArray[np.float64]
LearnerKind = Literal["q_learning", "reinforce"]

WINDOWS = 100
"""Points of a learning curve."""


STEP_SIZES = {"q_learning": 0.1, "reinforce": 1.0}
"""What commands take for the step size of each kind, see `LearnerSettings`."""


@dataclass(frozen=True)
class LearnerSettings:
    """How both seats learn.

    Attributes:
        kind: ``q_learning`` or ``reinforce``.
        rounds: Rounds in all.
        discount: Weight of the next round, in [0, 1).
        step_size: Of an update: share of the error (Q-learning), or of the gradient over the
            payoffs' spread (REINFORCE).
        exploration: Share of the rounds after which Q-learning explores 1/e as often as at first.
        episode: Rounds of an episode of REINFORCE.
        noise: Probability that a hand trembles.
    """

    kind: LearnerKind = "q_learning"
    rounds: int = 100_000
    discount: float = 0.95
    step_size: float = 0.1
    exploration: float = 0.1
    episode: int = 50
    noise: float = 0.0


class LearningRun(NamedTuple):
    """How two learners went along; W is the number of windows.

    Attributes:
        rounds: The last round of each window, shape ``(W,)``.
        payoffs: Mean payoffs per round of user and assistant, shape ``(W, 2)``, points.
        cooperation: Share of rounds with the plan that cooperates, shape ``(W, 2)``; NaN where no
            plan is known to.
        policies: What user and assistant ended with. They start where a new episode does
            (REINFORCE), or where learning ended, as its only episode had no other beginning
            (Q-learning).
        exact: Exact discounted payoffs of the end policies, without exploration, points.
    """

    rounds: NDArray[np.int64]
    payoffs: FloatArray
    cooperation: FloatArray
    policies: tuple[Automaton, Automaton]
    exact: Payoffs


class _QLearner:
    """Tabular Q-learning of one seat; state 0 is the first round, others the last cell."""

    def __init__(
        self, states: int, plans: int, settings: LearnerSettings, rng: np.random.Generator
    ) -> None:
        self._settings, self._rng = settings, rng
        self._decay = 1.0 / (settings.exploration * settings.rounds)
        self._t = 0
        # Drawn a little apart, so that ties at the start are not all broken towards one plan.
        self.values = rng.normal(scale=1e-6, size=(states, plans))

    def act(self, state: int) -> int:
        explores = self._rng.random() < math.exp(-self._t * self._decay)
        self._t += 1
        row = self.values[state]
        return int(self._rng.integers(len(row))) if explores else int(row.argmax())

    def learn(self, state: int, plan: int, payoff: float, after: int, over: bool) -> None:
        # A learner's life goes on beyond an episode's end: the horizon is not its discount.
        target = payoff + self._settings.discount * float(self.values[after].max())
        self.values[state, plan] += self._settings.step_size * (target - self.values[state, plan])

    def outputs(self) -> FloatArray:
        chosen: FloatArray = np.eye(self.values.shape[1])[self.values.argmax(axis=1)]
        return chosen


class _Reinforcer:
    """REINFORCE of one seat with a softmax policy for each state."""

    def __init__(
        self,
        states: int,
        plans: int,
        spread: float,
        settings: LearnerSettings,
        rng: np.random.Generator,
    ) -> None:
        self._settings, self._rng, self._spread = settings, rng, spread
        self._logits = np.zeros((states, plans))
        self._baseline, self._seen = np.zeros(states), np.zeros(states)
        self._episode: list[tuple[int, int, float]] = []

    def act(self, state: int) -> int:
        rising = np.cumsum(self._policy(state))
        return int(np.searchsorted(rising, self._rng.random() * rising[-1], side="right"))

    def learn(self, state: int, plan: int, payoff: float, after: int, over: bool) -> None:
        self._episode.append((state, plan, payoff))
        if over:
            self._update()

    def _update(self) -> None:
        total = 0.0
        normal = (1.0 - self._settings.discount) / self._spread
        for state, plan, payoff in reversed(self._episode):
            total = payoff + self._settings.discount * total
            self._seen[state] += 1.0
            gain = total * normal - self._baseline[state]
            self._baseline[state] += gain / self._seen[state]
            gradient = -self._policy(state)
            gradient[plan] += 1.0
            self._logits[state] += self._settings.step_size * gain * gradient
        self._episode.clear()

    def _policy(self, state: int) -> FloatArray:
        weights = np.exp(self._logits[state] - self._logits[state].max())
        return np.asarray(weights / weights.sum(), dtype=np.float64)

    def outputs(self) -> FloatArray:
        return np.array([self._policy(state) for state in range(len(self._logits))])


def learn_together(
    game: NormalFormGame,
    settings: LearnerSettings,
    seed: int = 0,
    cooperation: Cooperation | None = None,
) -> LearningRun:
    """Return how two independent learners of one kind go along.

    Args:
        game: The game of each round, of shape ``(m, n)``.
        settings: How they learn.
        seed: Fixes all chance.
        cooperation: Which plans cooperate, for the curve.

    Raises:
        ValueError: A setting is out of range.
    """
    _check(settings)
    m, n = game.shape
    length = settings.episode if settings.kind == "reinforce" else settings.rounds
    env = RepeatedGameEnv(game, rounds=length, history=0, noise=settings.noise)
    streams = [np.random.default_rng([seed, seat]) for seat in range(2)]
    learners: list[_QLearner | _Reinforcer] = []
    for plans, own, rng in zip((m, n), (game.user, game.assistant), streams, strict=True):
        if settings.kind == "q_learning":
            learners.append(_QLearner(1 + m * n, plans, settings, rng))
        else:
            spread = float(np.ptp(own)) or 1.0
            learners.append(_Reinforcer(1 + m * n, plans, spread, settings, rng))
    cells = np.zeros((settings.rounds, 2), dtype=np.int64)
    env.reset(seed=seed)
    state = 0
    for t in range(settings.rounds):
        chosen = [learner.act(state) for learner in learners]
        _, rewards, _, _, infos = env.step(dict(zip(AGENTS, chosen, strict=True)))
        played = infos[AGENTS[0]]["played"]
        cells[t] = played["own"], played["other"]
        after, over = 1 + int(cells[t, 0]) * n + int(cells[t, 1]), not env.agents
        for learner, agent, plan in zip(learners, AGENTS, cells[t].tolist(), strict=True):
            learner.learn(state, plan, rewards[agent], after, over)
        state = after
        if over:
            env.reset()
            state = 0
    return _run(game, settings, cells, [learner.outputs() for learner in learners], cooperation)


def _run(
    game: NormalFormGame,
    settings: LearnerSettings,
    cells: NDArray[np.int64],
    outputs: list[FloatArray],
    cooperation: Cooperation | None,
) -> LearningRun:
    m, n = game.shape
    last = 1 + np.arange(m)[:, None] * n + np.arange(n)[None, :]
    start = 0 if settings.kind == "reinforce" else int(last[cells[-1, 0], cells[-1, 1]])
    policies = (
        Automaton("user", outputs[0], np.broadcast_to(last, (1 + m * n, m, n)), start),
        Automaton("assistant", outputs[1], np.broadcast_to(last.T, (1 + m * n, n, m)), start),
    )
    windows = np.array_split(np.arange(len(cells)), min(WINDOWS, len(cells)))
    i, j = cells.T
    earned = np.stack([game.user[i, j], game.assistant[i, j]], axis=1)
    shares = np.full((len(windows), 2), np.nan)
    if cooperation is not None:
        meant = cells == np.array([cooperation.user[0], cooperation.assistant[0]])
        shares = np.array([meant[window].mean(axis=0) for window in windows])
    return LearningRun(
        np.array([window[-1] + 1 for window in windows]),
        np.array([earned[window].mean(axis=0) for window in windows]),
        shares,
        policies,
        discounted_payoffs(game, *policies, settings.discount, settings.noise),
    )


def _check(settings: LearnerSettings) -> None:
    if settings.kind not in ("q_learning", "reinforce"):
        raise ValueError(f"a learner is q_learning or reinforce; got {settings.kind!r}")
    for name in ("rounds", "episode"):
        if getattr(settings, name) < 1:
            raise ValueError(f"{name} is at least 1; got {getattr(settings, name)}")
    if not 0.0 <= settings.discount < 1.0:
        raise ValueError(f"a learner's discount is in [0, 1); got {settings.discount}")
    if not (settings.step_size > 0.0 and settings.exploration > 0.0):
        raise ValueError(
            f"step_size and exploration are positive; got {settings.step_size} and "
            f"{settings.exploration}"
        )
