"""Distributions of a user's type: one inverse distribution function serves draws and bins."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from gtalign_env.core.spec import GameSpec
from gtalign_env.draws import Purpose
from gtalign_env.errors import SolverError
from gtalign_env.persona import (
    Choice,
    Constant,
    Distribution,
    LogNormal,
    Normal,
    Persona,
    Population,
    Uniform,
    UserType,
)

LAST = 1 - 2**-53  # the largest uniform number that is drawn

numbers = st.floats(-1e6, 1e6).map(lambda x: x + 0.0)


@st.composite
def normals(draw: st.DrawFn) -> Normal:
    mu, std = draw(st.floats(-100, 100)), draw(st.floats(1e-3, 50))
    # an interval of the standard normal that holds at least a part in a million of it
    low = draw(st.just(-math.inf) | st.floats(-4.5, 4.0))
    high = draw(st.just(math.inf) | st.floats(max(low, -4.9) + 0.4, 4.9))
    return Normal(mu, std, mu + std * low, mu + std * high)


continuous: st.SearchStrategy[Distribution] = (
    st.builds(lambda a, d: Uniform(a, a + d), numbers, st.floats(1e-3, 1e6))
    | normals()
    | st.builds(LogNormal, st.floats(1e-3, 1e6), st.floats(1e-3, 3))
)
choices = st.lists(st.tuples(numbers, st.floats(1e-3, 1e3)), min_size=1, max_size=5).map(
    lambda pairs: Choice(tuple(v for v, _ in pairs), tuple(w for _, w in pairs))
)
distributions = continuous | choices | st.builds(Constant, numbers)


def frozen(d: Distribution) -> stats.rv_continuous:
    """Return the same distribution by scipy."""
    match d:
        case Uniform():
            return stats.uniform(d.low, d.high - d.low)
        case Normal():
            a, b = ((end - d.mu) / d.std for end in (d.low, d.high))
            return stats.truncnorm(a, b, d.mu, d.std)
        case LogNormal():
            return stats.lognorm(d.sigma, scale=d.mean * math.exp(-(d.sigma**2) / 2))
    raise TypeError(d)


@settings(deadline=None)  # the first call of scipy's inverse is slow
@given(continuous, st.floats(1e-9, 1 - 1e-9))
def test_quantiles_are_those_of_the_named_distribution(d: Distribution, u: float) -> None:
    expected = float(frozen(d).ppf(u))
    assert d.quantile(u) == pytest.approx(expected, rel=1e-6, abs=1e-6 * _size(d))


@given(continuous.filter(lambda d: not isinstance(d, Constant | Choice)), st.data())
def test_quantiles_are_monotone(d: Distribution, data: st.DataObject) -> None:
    if isinstance(d, Choice):
        return
    grid = sorted(data.draw(st.lists(st.floats(0, LAST), min_size=2, max_size=8)))
    values = [d.quantile(u) for u in grid]
    assert values == sorted(values)


@given(distributions)
def test_every_uniform_number_gives_a_finite_value_within_the_ends(d: Distribution) -> None:
    for u in (0.0, 5e-324, 2**-60, 0.5, LAST, 1.0):
        value = d.quantile(u)
        assert math.isfinite(value)
        match d:
            case Uniform() | Normal():
                assert d.low <= value <= d.high
            case LogNormal():
                assert value > 0
            case Choice():
                assert value in d.values


@given(distributions, st.integers(1, 40))
def test_bins_have_weight_one_and_preserve_the_mean(d: Distribution, n: int) -> None:
    points = d.points(n)
    assert math.fsum(weight for _, weight in points) == pytest.approx(1, abs=1e-12)
    mean = math.fsum(value * weight for value, weight in points)
    assert mean == pytest.approx(d.mean, rel=1e-9, abs=1e-9 * _size(d))
    values = [value for value, _ in points]
    if not isinstance(d, Choice):
        assert values == sorted(values)


def _size(d: Distribution) -> float:
    match d:
        case Normal():
            return abs(d.mu) + d.std
        case Uniform():
            return abs(d.low) + abs(d.high)
        case Choice():
            return max(map(abs, d.values))
    return 1.0


@pytest.mark.parametrize(
    "d",
    [
        Normal(6.0, 1.5, 2.0, 10.0),
        Normal(0.0, 1.0),
        Normal(-3.0, 2.0, low=-3.0),
        Normal(1.0, 0.5, high=0.0),
        Normal(0.0, 1.0, 4.0, 4.5),
        LogNormal(200.0, 0.5),
        LogNormal(1.0, 2.0),
        Uniform(3.0, 6.0),
    ],
    ids=str,
)
def test_bins_stand_at_their_conditional_means(d: Distribution) -> None:
    law, n = frozen(d), 7
    edges = [float(law.ppf(i / n)) for i in range(n + 1)]
    assert d.mean == pytest.approx(float(law.mean()), rel=1e-8)
    for (value, weight), low, high in zip(d.points(n), edges, edges[1:], strict=False):
        part, _ = integrate.quad(lambda x: x * law.pdf(x), low, high, limit=200)
        assert weight == pytest.approx(1 / n)
        assert value == pytest.approx(part * n, rel=1e-7)


@given(choices, st.data())
def test_a_choice_is_drawn_by_its_weights(d: Choice, data: st.DataObject) -> None:
    u = data.draw(st.floats(0, LAST))
    value = d.quantile(u)
    before = 0.0
    total = sum(d.weights)
    intervals = []
    for one, weight in zip(d.values, d.weights, strict=True):
        intervals.append((one, before / total, (before + weight) / total))
        before += weight
    assert any(one == value and a - 1e-12 <= u <= b + 1e-12 for one, a, b in intervals)


def test_a_value_of_no_weight_is_never_drawn() -> None:
    d = Choice((1.0, 2.0, 3.0), (0.0, 1.0, 0.0))
    assert {d.quantile(u) for u in (0.0, 0.3, LAST)} == {2.0}
    assert d.points(9) == [(2.0, 1.0)]


def person(**fields_: Distribution) -> Persona:
    plain = dict.fromkeys(UserType._fields, Constant(1.0))
    return Persona(name="someone", **{**plain, **fields_})


def test_the_fields_of_a_persona_are_those_of_a_type() -> None:
    assert tuple(field.name for field in fields(Persona))[1:] == UserType._fields


def test_a_draw_is_the_quantile_of_its_own_number() -> None:
    who = person(value=Uniform(3, 6), price_sensitivity=LogNormal(200, 0.5), budget=Uniform(0, 9))
    asked: list[int] = []

    def uniform(purpose: int) -> float:
        asked.append(purpose)
        return (purpose - Purpose.FIELD + 0.5) / 16

    drawn = who.draw(uniform)
    index = {name: i for i, name in enumerate(UserType._fields)}
    assert drawn.value == Uniform(3, 6).quantile((index["value"] + 0.5) / 16)
    assert drawn.price_sensitivity == LogNormal(200, 0.5).quantile(
        (index["price_sensitivity"] + 0.5) / 16
    )
    assert drawn.budget == round(Uniform(0, 9).quantile((index["budget"] + 0.5) / 16))
    assert isinstance(drawn.budget, int)
    assert asked == [Purpose.FIELD + index[n] for n in ("value", "budget", "price_sensitivity")]


def test_a_fixed_field_shifts_no_other_fields_draw(random_game: Callable[..., GameSpec]) -> None:
    spec = random_game(random.Random(5), personas=2)
    persona = spec.population.personas[0][1]
    numbers_ = np.random.default_rng(0).random(99)
    first = replace(persona, harm=Uniform(0, 1), value=Uniform(0, 1)).draw(lambda p: numbers_[p])
    second = replace(persona, harm=Constant(0.5), value=Uniform(0, 1)).draw(lambda p: numbers_[p])
    assert first._replace(harm=0.5) == second


def test_a_population_is_drawn_by_its_weights() -> None:
    parts = Population(tuple((w, person(value=Constant(i))) for i, w in enumerate((0.2, 0.5, 0.3))))
    grid = [(i + 0.5) / 1000 for i in range(1000)]
    drawn = [parts.draw(lambda purpose, u=u: u) for u in grid]  # type: ignore[misc]  # binds u
    assert [sum(i == k for i, _ in drawn) for k in range(3)] == [200, 500, 300]
    assert all(who.value == i for i, who in drawn)


@pytest.mark.parametrize("most", [1, 5, 64, 512])
@pytest.mark.parametrize("varied", [1, 3, 12])
def test_types_have_weight_one_and_keep_to_their_number(most: int, varied: int) -> None:
    names = ("value", "harm", "conciseness", "annoyance", "effort_vague", "effort_definite",
             "effort_reply", "effort_follow_up", "price_sensitivity", "discount",
             "outside_option", "budget")[:varied]  # fmt: skip
    who = person(**dict.fromkeys(names, Uniform(0, 2)))
    crowd = Population(((0.25, who), (0.75, replace(who, name="other"))))
    types = crowd.types(most)
    assert math.fsum(weight for weight, _ in types) == pytest.approx(1, abs=1e-12)
    assert len(types) <= 2 * most
    for name in names:
        mean = math.fsum(weight * getattr(one, name) for weight, one in types)
        # bins stand at their means; a budget is a whole number of pico-USD
        assert mean == pytest.approx(1.0, abs=0.51 if name == "budget" else 1e-12), name


def test_types_of_a_finite_population_are_all_of_them() -> None:
    who = person(value=Choice((1, 2), (1, 3)), harm=Choice((5, 6, 7), (1, 1, 1)))
    types = Population(((1.0, who),)).types(1)
    assert {(one.value, one.harm): weight for weight, one in types} == pytest.approx(
        {(v, h): (0.25 if v == 1 else 0.75) / 3 for v in (1.0, 2.0) for h in (5.0, 6.0, 7.0)}
    )


def test_too_many_types_to_enumerate_are_refused_by_name() -> None:
    many = Choice(tuple(range(100)), (1.0,) * 100)
    crowd = Population(((1.0, person(value=many, harm=many, conciseness=many)),))
    with pytest.raises(SolverError, match=r"at most 100,000 types.*'someone' has 1,000,000"):
        crowd.types(8)
    mixed = Population(((1.0, person(value=many, harm=many, annoyance=Uniform(0, 1))),))
    assert len(mixed.types(64)) == 64


def test_types_spread_over_many_fields_fill_each_of_them() -> None:
    who = person(**{name: Uniform(0, 1) for name in UserType._fields if name not in _WHOLE})
    for name in UserType._fields:
        if name in _WHOLE:
            continue
        values = [getattr(one, name) for _, one in who.spread(500)]
        assert sorted(values) == pytest.approx([(k + 0.5) / 500 for k in range(500)]), name


_WHOLE = {"comfort_tokens", "tolerance", "budget", "persistence", "style"}
