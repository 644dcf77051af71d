"""Draws: uniform, independent of one another, and the same for ever."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from gtalign_env.draws import Draws, Purpose, Seat, stream_key

KEY = stream_key("some scenario", 0)
N = 20_000

# Anything that changes these changes every recorded episode: a new version of every id.
PINNED = [
    ((0, 0, 0, 0), 0.6641705210830802),
    ((0, 1, 0, 0), 0.15413139936287557),
    ((1, 0, 1, 3), 0.34482507743602786),
    ((7, 3, 2, 40), 0.7727732517753864),
    ((10**6, 15, 1, 8), 0.7953613101223116),
]


def sample(axis: str) -> NDArray[np.float64]:
    """Return many draws that differ in one thing only, shape ``(N,)``."""
    if axis == "episode":
        return np.array([Draws(KEY, i).uniform(0, Seat.USER, 0) for i in range(N)])
    if axis == "turn":
        draws = Draws(KEY, 0)
        return np.array([draws.uniform(i, Seat.USER, 0) for i in range(N)])
    if axis == "purpose":
        return np.array([Draws(KEY, i // 250).uniform(0, Seat.USER, i % 250) for i in range(N)])
    return np.array([Draws(stream_key("some scenario", i), 0).uniform(0, 0, 0) for i in range(N)])


@pytest.mark.parametrize("axis", ["episode", "turn", "purpose", "seed"])
def test_draws_are_uniform_and_neighbours_do_not_correlate(axis: str) -> None:
    u = sample(axis)
    assert u.min() >= 0.0
    assert u.max() < 1.0
    # p-values are uniform under the law: 1e-4 fails once in ten thousand, and the draws are fixed
    assert stats.kstest(u, "uniform").pvalue > 1e-4
    for lag in (1, 2, 3, 16, 250):
        correlation = np.corrcoef(u[:-lag], u[lag:])[0, 1]
        assert abs(correlation) < 4.5 / np.sqrt(N), lag
    pairs, _, _ = np.histogram2d(u[:-1], u[1:], bins=16)
    assert stats.chisquare(pairs.ravel()).pvalue > 1e-4


def test_the_lowest_bits_are_random_too() -> None:
    bits = (sample("episode") * 2**53).astype(np.int64)
    for bit in range(53):
        ones = int(((bits >> bit) & 1).sum())
        assert abs(ones - N / 2) < 4.5 * np.sqrt(N) / 2, bit


def test_what_a_draw_is_for_makes_it_another_draw() -> None:
    named = {
        (seat, purpose, turn): np.array(
            [Draws(KEY, i).uniform(turn, seat, purpose) for i in range(2_000)]
        )
        for seat in Seat
        for purpose in Purpose
        for turn in (0, 1)
    }
    table = np.corrcoef(np.array(list(named.values())))
    off = np.abs(table[np.triu_indices(len(named), 1)])
    # the largest of m correlations of n pairs stays below sqrt(2 ln m / n), nearly always
    assert off.max() < 1.35 * np.sqrt(2 * np.log(len(off)) / 2_000)


def test_no_two_names_share_a_number() -> None:
    values = {
        Draws(KEY, episode).uniform(turn, seat, purpose)
        for episode in range(30)
        for turn in range(8)
        for seat in Seat
        for purpose in range(64)
    }
    assert len(values) == 30 * 8 * 3 * 64


def test_purposes_fit_beside_the_fields_of_a_type() -> None:
    assert max(purpose for purpose in Purpose if purpose is not Purpose.FIELD) < Purpose.FIELD
    assert Purpose.FIELD + 16 < 256  # the counter keeps eight bits for the purpose


@pytest.mark.parametrize(("name", "value"), PINNED)
def test_draws_are_the_same_for_ever(name: tuple[int, int, int, int], value: float) -> None:
    episode, turn, seat, purpose = name
    assert Draws(KEY, episode).uniform(turn, seat, purpose) == value


def test_the_key_depends_on_scenario_and_seed_and_nothing_else() -> None:
    keys = {stream_key(digest, seed) for digest in ("a", "b") for seed in (-1, 0, 1, 10**30)}
    assert len(keys) == 8
    assert stream_key("a", int(np.int64(1))) == stream_key("a", 1)
    code = "from gtalign_env.draws import stream_key; print(stream_key('some scenario', 0))"
    out = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONHASHSEED": "7"}, capture_output=True, check=True
    )
    assert int(out.stdout) == KEY


def test_a_draw_does_not_depend_on_other_draws() -> None:
    draws = Draws(KEY, 3)
    alone = draws.uniform(7, Seat.ASSISTANT, Purpose.KNOWS)
    for turn in range(9):
        for purpose in Purpose:
            draws.uniform(turn, Seat.USER, purpose)
    assert draws.uniform(7, Seat.ASSISTANT, Purpose.KNOWS) == alone
