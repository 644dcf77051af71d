"""The joint between the matrix and the environments, on every bundled game.

Cells are exact (or state their error); episodes are played under the same pair of plans. Their
means must agree within four standard errors, and every environment must play these very episodes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import gymnasium
import numpy as np
import pettingzoo
import pytest

from gtalign_env.core.conversation import Conversation
from gtalign_env.core.exact import measures, normal_form
from gtalign_env.core.moves import AssistantMove, UserMove
from gtalign_env.core.plans import continue_plan, default_user
from gtalign_env.core.spec import GameSpec
from gtalign_env.core.tree import leaves
from gtalign_env.draws import Draws, stream_key
from gtalign_env.envs.table import Table
from gtalign_env.scenario.loader import load_scenario
from tests.contracts.cases import FEW, SCENARIOS, slow_but

MANY, SOME = 2_500, 250  # episodes of every cell
GAMES = [
    pytest.param(name, start, episodes, marks=pytest.mark.slow if slow else ())
    for name in SCENARIOS
    for start, _ in load_scenario(name).schedule
    for episodes, slow in ([(MANY, False)] if name in FEW else [(SOME, False), (MANY, True)])
]

MEASURES = ("user", "assistant", "welfare", "charge", "cost", "tokens", "exchanges")


def play(talk: Conversation, opening: UserMove, plan: AssistantMove) -> Conversation:
    """Play a pair of plans to the end."""
    spec, who = talk.spec, talk.who
    talk.step_user(opening)
    while talk.state.ending is None:
        talk.step_assistant(continue_plan(plan, talk.state.exchange))
        if talk.state.ending is None:
            talk.step_user(default_user(who, talk.state, spec.max_exchanges))
    return talk


def measured(spec: GameSpec, opening: UserMove, plan: AssistantMove, episodes: int) -> np.ndarray:
    """Return what the cell averages, of many episodes, shape ``(episodes, 7)``."""
    key = stream_key(spec.digest, 100 * opening + plan)  # other episodes for every cell
    rows = []
    for episode in range(episodes):
        talk = play(Conversation(spec, Draws(key, episode)), opening, plan)
        state = talk.state
        rows.append(
            (
                *talk.returns,
                spec.welfare(*talk.returns),
                state.charged / 1e12,
                state.cost / 1e12,
                state.total_output,
                state.exchange + 1,
            )
        )
    return np.array(rows)


def deviations(spec: GameSpec, opening: UserMove, plan: AssistantMove) -> np.ndarray:
    """Return the standard deviation of each measure, shape ``(7,)``.

    From the tree, not from the episodes: a rare bad end that no episode happened to see still
    belongs to the spread. A few types per persona are enough for that.
    """
    rows = [
        (weight * leaf.probability, *measures(spec, leaf))
        for weight, who in spec.population.types(16)
        for leaf in leaves(
            spec, who, opening, default_user, lambda state: continue_plan(plan, state.exchange)
        )
    ]
    p, values = np.array(rows)[:, :1], np.array(rows)[:, 1:]
    mean = (p * values).sum(axis=0)
    deviation: np.ndarray = np.sqrt((p * (values - mean) ** 2).sum(axis=0))
    return deviation


@pytest.mark.parametrize(("name", "start", "episodes"), GAMES)
def test_every_cell_is_the_mean_of_its_episodes(name: str, start: int, episodes: int) -> None:
    spec = Table(name).spec(start)
    matrix = normal_form(spec)
    scores = []
    for opening in (UserMove.VQ, UserMove.DQ):
        for plan in AssistantMove:
            rows = measured(spec, opening, plan, episodes)
            spread = np.maximum(deviations(spec, opening, plan), rows.std(axis=0))
            means, errors = rows.mean(axis=0), spread / math.sqrt(episodes)
            for k, measure in enumerate(MEASURES):
                exact = getattr(matrix, measure)[opening, plan]
                # the stated error is of the welfares, in points; relative ones for the others
                slack = matrix.error if k < 3 else 0.02 * exact * (not matrix.exact)
                off = abs(means[k] - exact)
                where = (opening.label, plan.label, measure, means[k], exact)
                assert off <= 4 * errors[k] + slack + 1e-9 * max(1, abs(exact)), where
            if errors[0] > 0:
                scores.append((means[0] - matrix.user[opening, plan]) / errors[0])
    if matrix.exact:  # a small error that all cells share adds up
        assert abs(np.mean(scores)) < 4 / math.sqrt(len(scores))


def episodes_of(name: str) -> Iterator[tuple[int, UserMove, AssistantMove]]:
    """Yield episodes to compare, every pair of plans at least once, on both sides of a change."""
    change = [start for start, _ in load_scenario(name).schedule if start > 0]
    pairs = [(opening, plan) for opening in (UserMove.VQ, UserMove.DQ) for plan in AssistantMove]
    for k in range(2 * len(pairs)):
        base = change[0] - len(pairs) if change else 0
        yield (base + k, *pairs[k % len(pairs)])


@pytest.mark.parametrize("name", SCENARIOS)
def test_both_seats_environment_plays_these_episodes(name: str) -> None:
    table = Table(name)
    table.seed(5)
    env = pettingzoo.make("aec", "gtalign/Conversation-v0", scenario=name)
    for episode, opening, plan in episodes_of(name):
        expected = play(table.open(episode), opening, plan)
        env.reset(seed=5, options={"episode": episode})
        moves = [iter(expected.user_moves), iter(expected.assistant_moves)]
        for rewards in expected.rewards:
            seat = env.agent_selection
            env.step(int(next(moves[seat == "assistant_0"])))
            assert (env.rewards["user_0"], env.rewards["assistant_0"]) == rewards
        assert env.conversation.state == expected.state
        assert env.conversation.ledger.lines == expected.ledger.lines
        for seat, total in zip(("user_0", "assistant_0"), expected.returns, strict=True):
            assert env.infos[seat]["return"] == total
            assert env.infos[seat]["ending"] == expected.state.ending.name.lower()  # type: ignore[union-attr]  # it has ended


@pytest.mark.parametrize("reward", ["own", "joint"])
@pytest.mark.parametrize("seat", ["user", "assistant"])
@pytest.mark.parametrize("name", slow_but(FEW))
def test_single_seat_environment_plays_these_episodes(name: str, seat: str, reward: str) -> None:
    table = Table(name)
    table.seed(5)
    by_opponent = {}
    for episode, opening, plan in episodes_of(name):
        opponent = plan.label if seat == "user" else opening.label
        if opponent not in by_opponent:
            by_opponent[opponent] = gymnasium.make(
                "gtalign/Conversation-v0",
                scenario=name,
                seat=seat,
                opponent=opponent,
                reward=reward,
            )
        env = by_opponent[opponent]
        expected = play(table.open(episode), opening, plan)
        env.reset(seed=5, options={"episode": episode})
        moves = expected.user_moves if seat == "user" else expected.assistant_moves
        total, flags = 0.0, (False, False)
        info: dict[str, object] = {}
        for index, move in enumerate(moves or (AssistantMove.CQ,)):
            _, got, terminated, truncated, info = env.step(int(move))
            total += float(got)
            flags = (terminated, truncated)
            assert any(flags) is (index + 1 == max(1, len(moves)))
        assert expected.state.ending is not None
        ending = expected.state.ending.name.lower()
        assert info["ending"] == ending
        assert flags == (ending != "truncated", ending == "truncated")
        own = expected.returns[seat == "assistant"]
        whole = own if reward == "own" else table.spec(episode).welfare(*expected.returns)
        assert total == pytest.approx(whole, abs=1e-12)
        assert info["return"] == own
