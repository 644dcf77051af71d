"""Compiled scalar functions: the same numbers, and never yesterday's code."""

from __future__ import annotations

import math
import os
from pathlib import Path
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtalign_env.core import compiled as module
from gtalign_env.core.compiled import compiled
from gtalign_env.core.records import Count, Small, packed, record_dtype
from gtalign_env.distributions import (
    Choice,
    Constant,
    Distribution,
    Law,
    LogNormal,
    Normal,
    Uniform,
    quantile,
    standard_normal_quantile,
)
from gtalign_env.draws import Draws, stream_of, uniform, word

N = 4096


def draw_all(keys: Any, episodes: Any, turns: Any, out: Any) -> None:
    for i in range(len(out)):
        stream = word(stream_of(keys[i], episodes[i]))
        out[i] = uniform(stream, turns[i], turns[i] % 3, turns[i] % 50)


def quantiles_of(laws: Any, us: Any, out: Any) -> None:
    for i in range(len(laws)):
        for j in range(len(us)):
            out[i, j] = quantile(laws[i], us[j])


def test_compiled_draws_are_the_draws() -> None:
    rng = np.random.default_rng(0)
    keys = rng.integers(2**64, size=N, dtype=np.uint64)
    episodes, turns = rng.integers(2**62, size=N), rng.integers(40, size=N)
    out = np.empty(N)
    (kernel,) = compiled(draw_all)
    kernel(keys, episodes, turns, out)
    for i, (key, episode, turn) in enumerate(
        zip(keys.tolist(), episodes.tolist(), turns.tolist(), strict=True)
    ):
        assert Draws(key, episode).uniform(turn, turn % 3, turn % 50) == out[i]


def test_compiled_quantiles_are_the_quantiles() -> None:
    distributions: list[Distribution] = [
        Constant(3.5),
        Choice((1.0, 5.0, 2.0), (0.3, 1.2, 0.0)),
        Choice(tuple(range(40)), (0.1,) * 40),
        Uniform(-2.0, 7.0),
        Normal(5.0, 2.0),
        Normal(5.0, 2.0, 4.0, 9.0),
        Normal(5.0, 2.0, low=5.5),
        LogNormal(200.0, 0.5),
    ]
    us = np.concatenate([np.random.default_rng(1).random(500), [0.0, 2.0**-53, 1 - 2.0**-53]])
    out = np.empty((len(distributions), len(us)))
    (kernel,) = compiled(quantiles_of)
    kernel(packed(Law, [d.law for d in distributions]), us, out)
    for distribution, row in zip(distributions, out, strict=True):
        assert [distribution.quantile(u) for u in us.tolist()] == row.tolist()


@given(st.floats(2.0**-54, 1 - 2.0**-53))
def test_the_normal_quantile_is_the_standard_librarys(p: float) -> None:
    assert standard_normal_quantile(p) == pytest.approx(NormalDist().inv_cdf(p), rel=1e-14)
    assert NormalDist().cdf(standard_normal_quantile(p)) == pytest.approx(p, rel=1e-12)


def test_known_normal_quantiles() -> None:
    # to the digits that Wichura's own check gives
    assert standard_normal_quantile(0.25) == pytest.approx(-0.6744897501960817, abs=1e-16)
    assert standard_normal_quantile(0.001) == pytest.approx(-3.090232306167814, abs=1e-15)
    assert standard_normal_quantile(1e-16) == pytest.approx(-8.222082216130435, abs=1e-14)
    assert math.isclose(standard_normal_quantile(0.5), 0.0, abs_tol=0.0)


class Inner(NamedTuple):
    values: tuple[float, ...]
    flag: bool


class Outer(NamedTuple):
    small: Small
    number: Count
    pair: tuple[Inner, Inner]


def test_records_hold_what_the_named_tuples_hold() -> None:
    outer = Outer(-3, 2**30, (Inner((1.5, 2.5), True), Inner(tuple(map(float, range(20))), False)))
    record = packed(Outer, [outer])[0]
    assert (record["small"], record["number"]) == (-3, 2**30)
    assert record["pair"]["flag"].tolist() == [True, False]
    assert record["pair"]["values"][0].tolist() == [1.5, 2.5] + [0.0] * 30  # next power of two
    assert record["pair"]["values"][1, :20].tolist() == list(range(20))
    assert record_dtype(Outer, 32) is packed(Outer, [outer]).dtype
    assert record_dtype(Outer, 16)["small"] == np.int8


def test_the_cache_belongs_to_the_source_it_was_made_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    source = tmp_path / "rules.py"
    source.write_text("x = 1")
    first = module._cache_folder({str(source)})
    assert first is not None
    assert first.parent == tmp_path / "cache"
    assert module._cache_folder({str(source)}) == first
    source.write_text("x = 2")
    assert module._cache_folder({str(source)}) != first


def test_without_a_place_to_write_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert module._cache_folder(set()) is None
    out = np.empty(1)
    (kernel,) = compiled(draw_all)
    kernel(np.array([7], np.uint64), np.array([1]), np.array([2]), out)
    assert out[0] == Draws(7, 1).uniform(2, 2, 2)
