"""The equilibria against independent programs: Gambit's stored answers, QuantEcon, nashpy.

Gambit enumerates in exact fractions; its answers to 22,000 games are kept in a file, see
`gambit_reference`. QuantEcon and nashpy enumerate vertices in floating point and are run here. What
the three call an extreme equilibrium is the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gtalign_env.games.batch import BatchEquilibria, nash_equilibria_batch
from gtalign_env.games.nash import REGRET_TOLERANCE, nash_equilibria, regrets
from gtalign_env.games.normal_form import NormalFormGame
from tests.games import gambit_reference

FloatArray = NDArray[np.float64]

ANSWERS = gambit_reference.read()
TIED = [(m, n, count) for (m, n), count in gambit_reference.TIED.items()]
GENERAL = [(m, n, count) for (m, n), count in gambit_reference.GENERAL.items()]


def drawn(kind: str, m: int, n: int, count: int) -> tuple[FloatArray, FloatArray, list[Any]]:
    """Return games and Gambit's answers, after seeing that they belong together."""
    answers = ANSWERS[kind][f"{m}x{n}"]
    assert gambit_reference.digest(kind, m, n, count) == answers["sha256"]
    games = np.array(list(gambit_reference.games(kind, m, n, count)), dtype=float)
    return games[:, 0], games[:, 1], answers["found"]


def regret_shares(user: FloatArray, assistant: FloatArray, batch: BatchEquilibria) -> FloatArray:
    """Return each seat's greatest regret as a share of its spread, shape (games, 2)."""
    x, y = np.nan_to_num(batch.user), np.nan_to_num(batch.assistant)
    worth_user, worth_assistant = y @ user.swapaxes(1, 2), x @ assistant
    real = np.arange(x.shape[1]) < batch.count[:, None]
    shares = []
    for payoffs, worth, own in ((user, worth_user, x), (assistant, worth_assistant, y)):
        regret = np.where(real, worth.max(axis=2) - (worth * own).sum(axis=2), 0.0).max(axis=1)
        spread = np.ptp(payoffs, axis=(1, 2))
        shares.append(regret / np.where(spread > 0, spread, 1.0))
    return np.stack(shares, axis=1)


@pytest.mark.parametrize(("m", "n", "count"), TIED)
def test_tied_games_have_exactly_gambits_equilibria(m: int, n: int, count: int) -> None:
    user, assistant, answers = drawn("tied", m, n, count)
    batch = nash_equilibria_batch(user, assistant)
    assert len(batch.alone) == 0
    assert (batch.count > 0).all()
    assert regret_shares(user, assistant, batch).max() <= REGRET_TOLERANCE
    for g, expected in enumerate(answers):
        ours = np.concatenate([batch.user[g], batch.assistant[g]], axis=1)[: batch.count[g]]
        theirs = np.array([[float(Fraction(p)) for p in x + y] for x, y in expected])
        assert len(ours) == len(theirs), f"game {g} of {m}x{n}"
        apart = np.abs(ours[:, None] - theirs).max(axis=2)
        assert apart.min(axis=0).max() < 1e-12, f"game {g} of {m}x{n}: one of Gambit's is missing"
        assert apart.min(axis=1).max() < 1e-12, f"game {g} of {m}x{n}: one is not Gambit's"


@pytest.mark.parametrize(("m", "n", "count"), GENERAL)
def test_general_games_have_exactly_gambits_supports(m: int, n: int, count: int) -> None:
    user, assistant, answers = drawn("general", m, n, count)
    batch = nash_equilibria_batch(user, assistant)
    assert (batch.count > 0).all()
    assert regret_shares(user, assistant, batch).max() <= REGRET_TOLERANCE
    masks = np.stack(
        [
            (batch.user > 0) @ (1 << np.arange(m)),
            (batch.assistant > 0) @ (1 << np.arange(n)),
        ],
        axis=2,
    )
    for g, expected in enumerate(answers):
        assert sorted(masks[g, : batch.count[g]].tolist()) == expected, f"game {g} of {m}x{n}"
    odd = batch.count % 2 == 1  # Wilson (1971)
    assert (odd | batch.degenerate).all()
    assert batch.degenerate.mean() < 0.05


def sample(kind: str, share: int) -> Iterator[tuple[int, NormalFormGame, BatchEquilibria]]:
    """Yield every so many-th game of the reference with the batch that it is in."""
    shapes = gambit_reference.TIED if kind == "tied" else gambit_reference.GENERAL
    for (m, n), count in shapes.items():
        games = np.array(list(gambit_reference.games(kind, m, n, count)), dtype=float)[::share]
        batch = nash_equilibria_batch(games[:, 0], games[:, 1])
        for g, (user, assistant) in enumerate(games):
            yield g, NormalFormGame(user, assistant), batch


def single_agrees(kind: str, share: int) -> int:
    games = 0
    for g, game, batch in sample(kind, share):
        single, many = nash_equilibria(game), batch.of(g, game)
        assert single.degenerate == many.degenerate
        assert len(single.found) == len(many.found)
        for one, other in zip(single.found, many.found, strict=True):
            assert np.allclose(one.user + one.assistant, other.user + other.assistant, atol=1e-9)
        games += 1
    return games


def test_one_by_one_gives_what_the_batch_gives() -> None:
    assert single_agrees("tied", 20) == 100
    assert single_agrees("general", 100) == 200


@pytest.mark.slow
def test_one_by_one_gives_what_the_batch_gives_on_the_whole_reference() -> None:
    assert single_agrees("tied", 1) == 2_000
    assert single_agrees("general", 1) == 20_000


def quantecon_equilibria(game: NormalFormGame) -> list[FloatArray]:
    from quantecon import game_theory

    players = (
        game_theory.Player(np.array(game.user)),
        game_theory.Player(np.array(game.assistant.T)),
    )
    return [
        np.concatenate(profile)
        for profile in game_theory.vertex_enumeration(game_theory.NormalFormGame(players))
    ]


def nashpy_equilibria(game: NormalFormGame) -> list[FloatArray]:
    import nashpy

    return [
        np.concatenate(profile)
        for profile in nashpy.Game(game.user, game.assistant).vertex_enumeration()
    ]


PROGRAMS = {"quantecon": quantecon_equilibria, "nashpy": nashpy_equilibria}


def program_agrees(program: str, games: int) -> None:
    rng = np.random.default_rng(20)
    for shape in ((2, 2), (2, 3), (3, 3), (4, 3), (2, 7), (5, 5)):
        user, assistant = rng.normal(size=(2, games, *shape))
        batch = nash_equilibria_batch(user, assistant)
        for g in range(games):
            game = NormalFormGame(user[g], assistant[g])
            ours = np.concatenate([batch.user[g], batch.assistant[g]], axis=1)[: batch.count[g]]
            theirs = np.array(PROGRAMS[program](game))
            assert ours.shape == theirs.shape, (user[g].tolist(), assistant[g].tolist())
            apart = np.abs(ours[:, None] - theirs).max(axis=2)
            assert apart.min(axis=0).max() < 1e-8
            assert apart.min(axis=1).max() < 1e-8


@pytest.mark.parametrize("program", PROGRAMS)
def test_another_program_finds_the_same_in_general_games(program: str) -> None:
    program_agrees(program, 15)


@pytest.mark.slow
@pytest.mark.parametrize("program", PROGRAMS)
def test_another_program_finds_the_same_in_many_general_games(program: str) -> None:
    program_agrees(program, 300)


def test_the_regrets_of_a_batch_are_those_of_the_definition() -> None:
    rng = np.random.default_rng(21)
    user, assistant = rng.normal(size=(2, 50, 3, 4))
    batch = nash_equilibria_batch(user, assistant)
    for g in range(50):
        game = NormalFormGame(user[g], assistant[g])
        for found in batch.of(g, game).found:
            again = regrets(game, np.array(found.user), np.array(found.assistant))
            assert again == found.regret
            assert max(again) <= REGRET_TOLERANCE * max(np.ptp(user[g]), np.ptp(assistant[g]))
