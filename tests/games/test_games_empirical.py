"""Empirical games: intervals, verdicts and bounds against games whose payoffs are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gtalign_env.games.empirical import EmpiricalGame, regret_of, resampled_means
from gtalign_env.games.empirical_verdicts import episodes_for, verdicts
from gtalign_env.games.nash import nash_equilibria
from gtalign_env.games.normal_form import FloatArray, NormalFormGame, best_replies

TRUE = np.array([[[3.0, 3.0], [0.0, 4.0]], [[4.0, 0.0], [1.0, 1.0]]])
"""A prisoner's dilemma, shape (2, 2, 2): its one equilibrium is [1, 1]."""


def played(
    true: FloatArray, episodes: int, seed: int, *, noise: float = 2.0, shared: float = 2.0
) -> EmpiricalGame:
    """Return noisy episodes; luck that all profiles share makes pairing worth while."""
    rng = np.random.default_rng(seed)
    m, n, _ = true.shape
    luck = shared * rng.standard_exponential((1, 1, episodes, 2)) - shared
    own = noise * rng.standard_normal((m, n, episodes, 2))
    return named(true[:, :, None] + luck + own)


def named(samples: FloatArray, *, paired: bool = True) -> EmpiricalGame:
    m, n = samples.shape[:2]
    users, assistants = (tuple(f"{x}{k}" for k in range(size)) for x, size in (("u", m), ("a", n)))
    return EmpiricalGame(samples, users, assistants, paired)


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    inside = []
    for seed in range(400):
        game = played(TRUE, 30, seed)
        low, high = np.moveaxis(game.intervals(0.9), -1, 0)
        inside.append((low <= TRUE) & (high >= TRUE))
    assert np.mean(inside) == pytest.approx(0.9, abs=0.02)


def test_sure_intervals_hold_where_a_rare_event_decides() -> None:
    # one episode in thirty costs ten points: most samples of ten have never seen it
    inside = {"student": 0.0, "sure": 0.0}
    for seed in range(400):
        rare = np.random.default_rng(seed).random((1, 1, 10, 2)) < 1 / 30
        game = named(np.where(rare, -10.0, 0.0))
        for kind, found in (
            ("student", game.intervals()),
            ("sure", game.sure_intervals((10.0, 10.0))),
        ):
            hit = (found[..., 0] <= -1 / 3) & (found[..., 1] >= -1 / 3)
            inside[kind] += float(hit.mean()) / 400
    assert inside["student"] < 0.5
    assert inside["sure"] >= 0.95


def test_an_interval_by_hand() -> None:
    samples = np.array([1.0, 2.0, 3.0, np.nan])[None, None, :, None].repeat(2, axis=3)
    game = named(samples)
    assert game.counts.tolist() == [[3]]
    # Student's t for 2 degrees of freedom has the quantiles (2p - 1) / sqrt(2p (1 - p))
    half = (2 * 0.975 - 1) / math.sqrt(2 * 0.975 * 0.025) / math.sqrt(3)
    assert game.intervals()[0, 0, 0] == pytest.approx([2 - half, 2 + half], rel=1e-9)


def test_regret_is_zero_at_pure_equilibria_and_only_there() -> None:
    rng = np.random.default_rng(1)
    for _ in range(50):
        m, n = rng.integers(1, 5, size=2)
        payoffs = rng.normal(size=(m, n, 2))
        game = NormalFormGame(payoffs[..., 0], payoffs[..., 1])
        pure = best_replies(game, "user", 0.0) & best_replies(game, "assistant", 0.0)
        assert ((regret_of(payoffs) <= 1e-15) == pure).all()
        cells = {found.cell for found in nash_equilibria(game).found if found.cell}
        assert cells == {tuple(cell) for cell in np.argwhere(pure)}


def test_the_probability_of_a_verdict_goes_to_what_is_true() -> None:
    wrong = []
    for episodes in (20, 100, 2000):
        found = [
            verdicts(played(TRUE, episodes, seed), 0.25, np.random.default_rng(0), resamples=300)
            for seed in range(8)
        ]
        truth = np.array([[0.0, 0.0], [0.0, 1.0]])
        wrong.append(np.mean([np.abs(one.probability - truth) for one in found]))
    assert wrong[0] > wrong[1] > wrong[2]
    assert wrong[2] < 1e-3


def test_pairing_makes_verdicts_surer() -> None:
    game = played(TRUE, 60, 3, noise=0.5, shared=6.0)
    apart = named(game.samples, paired=False)
    rng = np.random.default_rng
    paired, unpaired = (verdicts(one, 0.25, rng(0), resamples=400) for one in (game, apart))
    assert paired.probability[1, 1] > 0.999 > unpaired.probability[1, 1]
    assert (paired.needed_normal < unpaired.needed_normal).all()
    assert (paired.regret == unpaired.regret).all()


def test_bootstrap_means_spread_as_means_do() -> None:
    game = played(TRUE, 200, 5)
    spread = resampled_means(game, np.random.default_rng(2), 3000).std(axis=0)
    expected = game.samples.std(axis=2) / math.sqrt(200)
    assert spread == pytest.approx(expected, rel=0.06)
    apart = resampled_means(named(game.samples, paired=False), np.random.default_rng(2), 3000)
    assert apart.std(axis=0) == pytest.approx(expected, rel=0.06)
    # what is shared moves together, and only where it is paired
    drawn = resampled_means(game, np.random.default_rng(2), 3000)
    together = [np.corrcoef(d[:, 0, 0, 0], d[:, 1, 1, 0])[0, 1] for d in (drawn, apart)]
    assert together[0] > 0.3
    assert abs(together[1]) < 0.06


def test_a_verdict_that_has_its_episodes_is_right_as_often_as_it_says() -> None:
    # the needed number is estimated once, from plenty; then fresh games of that size are judged
    needed = verdicts(played(TRUE, 20_000, 9), 0.25, np.random.default_rng(0), resamples=2)
    episodes = int(needed.needed_normal.max())
    truth = np.array([[False, False], [False, True]])
    wrong = [
        (regret_of(played(TRUE, episodes, seed).means) <= 0.25) != truth for seed in range(300)
    ]
    rate = np.mean([one.any() for one in wrong])
    assert rate < 0.06
    fewer = [
        (regret_of(played(TRUE, max(2, episodes // 8), seed).means) <= 0.25) != truth
        for seed in range(300)
    ]
    assert np.mean([one.any() for one in fewer]) > 0.1  # and the number is no waste


def test_hoeffding_asks_for_more_than_the_normal_approximation() -> None:
    rng = np.random.default_rng(4)
    samples = rng.uniform(-1, 1, size=(2, 3, 400, 2)) + rng.normal(size=(2, 3, 1, 2)) / 2
    found = verdicts(named(samples), 0.1, rng, ranges=(2.0, 2.0), resamples=50)
    assert (found.needed_hoeffding > found.needed_normal).all()
    several = verdicts(named(samples), 0.1, rng, ranges=(2.0, 2.0), looks=5, resamples=50)
    assert (several.needed_normal > found.needed_normal).all()
    assert (several.needed_hoeffding > found.needed_hoeffding).all()
    unknown = verdicts(named(samples), 0.1, rng, resamples=50)
    assert np.isnan(unknown.needed_hoeffding).all()


def test_hoeffding_by_hand() -> None:
    # one deviation of gain 1 against ε = 0.5, payoffs within 4: 2 · 16 · ln(20) / 0.25
    samples = np.array([[[0.0, 0.0]] * 3, [[1.0, 0.0]] * 3])[:, None]
    found = verdicts(named(samples), 0.5, np.random.default_rng(0), ranges=(4.0, 0.0))
    assert found.needed_hoeffding[:, 0].tolist() == [
        math.ceil(2 * 16 * math.log(20) / 0.25)
    ] * 1 + [math.ceil(2 * 16 * math.log(20) / 2.25)]
    assert found.needed_normal[:, 0].tolist() == [2, 2]  # no spread at all
    assert found.holds[:, 0].tolist() == [False, True]
    assert found.probability[:, 0].tolist() == [0.0, 1.0]


@settings(deadline=None, max_examples=30)
@given(st.floats(0.05, 2), st.floats(0.1, 10), st.integers(1, 100))
def test_uniform_bound(half_width: float, spread: float, payoffs: int) -> None:
    episodes = episodes_for(half_width, spread, payoffs)
    failing = 2 * payoffs * math.exp(-2 * episodes * half_width**2 / spread**2)
    assert failing <= 0.05 + 1e-12
    assert 2 * payoffs * math.exp(-2 * (episodes - 1) * half_width**2 / spread**2) > 0.05


def test_masked_episodes_count_nowhere() -> None:
    game = played(TRUE, 50, 8)
    samples = game.samples.copy()
    samples[0, 1, ::5] = np.nan
    masked = named(samples)
    assert masked.counts.tolist() == [[50, 40], [50, 50]]
    kept = samples[0, 1, ~np.isnan(samples[0, 1, :, 0])]
    assert masked.means[0, 1] == pytest.approx(kept.mean(axis=0))
    drawn = resampled_means(masked, np.random.default_rng(0), 500)
    assert np.isfinite(drawn).all()
    assert drawn[:, 0, 1].mean(axis=0) == pytest.approx(kept.mean(axis=0), abs=0.1)


def test_what_is_no_game_is_refused() -> None:
    for samples, message in (
        (np.zeros((2, 2, 5)), "shape"),
        (np.full((1, 1, 5, 2), np.inf), "finite"),
        (np.full((1, 1, 5, 2), np.nan), "at least two episodes"),
        (np.zeros((1, 1, 1, 2)), "at least two episodes"),
        (np.array([[[[1.0, np.nan], [1.0, 1.0]]]]), "NaN twice"),
    ):
        with pytest.raises(ValueError, match=message):
            named(samples) if samples.ndim == 4 else EmpiricalGame(samples, ("a",), ("b",), True)
    game = played(TRUE, 5, 0)
    with pytest.raises(ValueError, match="epsilon"):
        verdicts(game, -0.1, np.random.default_rng(0))
    with pytest.raises(ValueError, match="half_width"):
        episodes_for(0.0, 1.0, 4)
