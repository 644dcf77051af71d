"""Round robins of agents on `gtalign/RepeatedGame-v0`: every agent meets every other in both seats.

A match depends on the game, the two names, the repeat and the seed, and on nothing else: not on who
else takes part, on the order, or on the number of processes.

References:
    Axelrod (1980), "Effective choice in the prisoner's dilemma" (round robin, mean score).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gtalign_agents.repeated import Chair, Player, repeated_agent
from gtalign_env.draws import Draws, Purpose, Seat, stream_key
from gtalign_env.envs.repeated_game import RepeatedGameEnv
from gtalign_env.envs.seated import AGENTS
from gtalign_env.errors import ScenarioError
from gtalign_env.games.normal_form import NormalFormGame
from gtalign_env.games.repeated import Cooperation, cooperation_of

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class TournamentRules:
    """What every match of a tournament has in common.

    Attributes:
        game: The game of each round.
        cooperation: Which plans cooperate.
        rounds: Rounds of a match; with a discount, the most there can be.
        discount: Probability that a match goes on after a round.
        noise: Probability that a hand trembles.
        repeats: How often every pair meets.
        seed: Fixes all chance.
    """

    game: NormalFormGame
    cooperation: Cooperation
    rounds: int = 200
    discount: float = 1.0
    noise: float = 0.0
    repeats: int = 5
    seed: int = 0


class Match(NamedTuple):
    """How one match went.

    Attributes:
        payoffs: Mean payoffs per round of user and assistant, points.
        cooperation: Shares of rounds in which user and assistant cooperated, as carried out.
        rounds: How many were played.
    """

    payoffs: tuple[float, float]
    cooperation: tuple[float, float]
    rounds: int


@dataclass(frozen=True)
class TournamentResult:
    """A round robin of A agents with R repeats.

    Attributes:
        names: The agents, as they were named.
        payoffs: Mean payoffs per round of user and assistant, by user agent, assistant agent and
            repeat, shape ``(A, A, R, 2)``, points.
        cooperation: Shares of cooperation, shape ``(A, A, R, 2)``.
    """

    names: tuple[str, ...]
    payoffs: FloatArray
    cooperation: FloatArray

    def scores(self, own_kind: bool = False) -> FloatArray:
        """Return each agent's mean payoff per round in each repeat, shape ``(A, R)``, points.

        The mean is over both seats and all opponents.

        Args:
            own_kind: Whether the match of an agent with its own kind counts.
        """
        means: FloatArray = self._means(self.payoffs, own_kind).mean(axis=2)
        return means

    def seat_scores(self, own_kind: bool = False) -> FloatArray:
        """Return each agent's mean payoff as user and as assistant, shape ``(A, 2)``, points.

        Args:
            own_kind: Whether the match of an agent with its own kind counts.
        """
        means: FloatArray = self._means(self.payoffs, own_kind).mean(axis=1)
        return means

    def cooperation_shares(self, own_kind: bool = False) -> FloatArray:
        """Return the share of rounds in which each agent cooperated, shape ``(A,)``.

        Args:
            own_kind: Whether the match of an agent with its own kind counts.
        """
        shares: FloatArray = self._means(self.cooperation, own_kind).mean(axis=(1, 2))
        return shares

    def ranking(self, own_kind: bool = False) -> list[int]:
        """Return the agents' indices, best median score over the repeats first.

        Args:
            own_kind: Whether the match of an agent with its own kind counts.
        """
        medians = np.median(self.scores(own_kind), axis=1)
        return [int(a) for a in np.argsort(-medians, kind="stable")]

    def _means(self, values: FloatArray, own_kind: bool) -> FloatArray:
        """Return means over opponents, shape ``(A, R, 2)``: as user, as assistant."""
        count = len(self.names)
        weight = np.ones((count, count)) if own_kind or count == 1 else 1.0 - np.eye(count)
        weight /= weight.sum(axis=1, keepdims=True)
        as_user = np.einsum("ab,abr->ar", weight, values[..., 0])
        as_assistant = np.einsum("ab,bar->ar", weight, values[..., 1])
        return np.stack([as_user, as_assistant], axis=2)


def play_match(
    env: RepeatedGameEnv, players: tuple[Player, Player], cooperates: tuple[int, int], draws: Draws
) -> Match:
    """Return how one match went; the environment has been reset.

    Args:
        env: The environment, at the start of an episode.
        players: User and assistant.
        cooperates: The plans of user and assistant that count as cooperation.
        draws: Random numbers of the players.
    """
    user, assistant = players
    returns, cooperations, rounds = [0.0, 0.0], [0, 0], 0
    while env.agents:
        actions = {
            AGENTS[0]: user.act(draws.uniform(rounds, Seat.USER, Purpose.POLICY)),
            AGENTS[1]: assistant.act(draws.uniform(rounds, Seat.ASSISTANT, Purpose.POLICY)),
        }
        _, rewards, _, _, infos = env.step(actions)
        played = infos[AGENTS[0]]["played"]
        first, second = played["own"], played["other"]
        user.observe(first, second)
        assistant.observe(second, first)
        rounds += 1
        for seat, plan in enumerate((first, second)):
            returns[seat] += rewards[AGENTS[seat]]
            cooperations[seat] += plan == cooperates[seat]
    return Match(
        (returns[0] / rounds, returns[1] / rounds),
        (cooperations[0] / rounds, cooperations[1] / rounds),
        rounds,
    )


def play_pair(rules: TournamentRules, user: str, assistant: str) -> list[Match]:
    """Return all repeats of one pairing.

    Args:
        rules: The tournament's rules.
        user: The agent in the user's seat.
        assistant: The agent in the assistant's seat.
    """
    env = RepeatedGameEnv(
        rules.game, rounds=rules.rounds, discount=rules.discount, history=0, noise=rules.noise
    )
    key = stream_key(f"{user} x {assistant}", rules.seed)
    told = rules.rounds if rules.discount == 1.0 else None
    strategies = repeated_agent(user), repeated_agent(assistant)
    chairs = (
        Chair(rules.game, "user", rules.cooperation, told, rules.noise),
        Chair(rules.game, "assistant", rules.cooperation, told, rules.noise),
    )
    cooperates = rules.cooperation.user[0], rules.cooperation.assistant[0]
    matches = []
    for repeat in range(rules.repeats):
        env.reset(seed=key if repeat == 0 else None, options={"episode": repeat})
        players = strategies[0](chairs[0]), strategies[1](chairs[1])
        matches.append(play_match(env, players, cooperates, Draws(key, repeat)))
    return matches


def play_tournament(
    rules: TournamentRules,
    names: Sequence[str],
    workers: int = 1,
    progress: Callable[[str, int, int, dict[str, Any]], None] | None = None,
) -> TournamentResult:
    """Return a round robin, every agent against every agent, its own kind too, in both seats.

    Args:
        rules: The rules.
        names: The agents; see `gtalign_agents.repeated`.
        workers: Processes; 1 plays in this one. The result does not depend on it.
        progress: Called after each pairing with (stage, pairings done, pairings in all, metrics).

    Raises:
        ScenarioError: There are no agents, one is named twice, or is unknown.
    """
    if not names or len(set(names)) < len(names):
        raise ScenarioError(f"a tournament has agents, each named once; got {', '.join(names)}")
    for name in names:
        repeated_agent(name)
    pairs = [(user, assistant) for user in names for assistant in names]
    shape = (len(names), len(names), rules.repeats, 2)
    payoffs, cooperation = np.zeros(shape), np.zeros(shape)
    for done, matches in enumerate(_played(rules, pairs, workers)):
        a, b = divmod(done, len(names))
        payoffs[a, b] = [match.payoffs for match in matches]
        cooperation[a, b] = [match.cooperation for match in matches]
        if progress is not None:
            progress("play", done + 1, len(pairs), {})
    return TournamentResult(tuple(names), payoffs, cooperation)


def _played(
    rules: TournamentRules, pairs: Sequence[tuple[str, str]], workers: int
) -> Iterator[list[Match]]:
    users, assistants = zip(*pairs, strict=True)
    every = [rules] * len(pairs)
    if workers <= 1:
        yield from map(play_pair, every, users, assistants)
        return
    # Fresh processes: a fork would copy whatever threads and locks the caller holds.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(play_pair, every, users, assistants, chunksize=4)


def rules_of(game: NormalFormGame, **rest: Any) -> TournamentRules:
    """Return rules in which the game itself says which plans cooperate.

    Args:
        game: The game of each round.
        **rest: Other fields of `TournamentRules`.

    Raises:
        SolverError: It does not say; pass ``cooperation``.
    """
    cooperation = rest.pop("cooperation", None) or cooperation_of(game)
    return TournamentRules(game, cooperation, **rest)
