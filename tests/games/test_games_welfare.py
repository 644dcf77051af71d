"""Aggregators and normalisers: their laws, each as a property over all welfares."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gtalign_env.welfare import KINDS, FloatArray, Welfare, minmax, standard_welfares, zscore

points = st.floats(-1e4, 1e4)
gains = st.floats(1e-3, 1e3)
shares = st.floats(0.05, 0.95)
rhos = st.floats(-20, 1)
disagreements = st.tuples(st.floats(-10, 10), st.floats(-10, 10))


@st.composite
def welfares(draw: st.DrawFn, kinds: tuple[str, ...] = KINDS) -> Welfare:
    share = draw(shares)
    return Welfare(
        draw(st.sampled_from(kinds)),
        alpha=draw(st.floats(0, 1)),
        weights=(share, 1 - share),
        rho=draw(rhos | st.sampled_from((0.0, 1e-13, -1e-9, 1.0, -500.0))),
        disagreement=draw(disagreements | st.just((0.0, 0.0))),
    )


def not_less(greater: float, less: float) -> bool:
    return greater >= less - 1e-12 * max(abs(greater), abs(less))


@given(welfares(), points, points, st.floats(0, 1e3), st.floats(0, 1e3))
def test_more_for_either_side_is_never_worse(
    W: Welfare, user: float, assistant: float, more_user: float, more_assistant: float
) -> None:
    assert not_less(W(user + more_user, assistant + more_assistant), W(user, assistant))


@given(welfares(), points, points, st.floats(1e-6, 1e4), st.floats(1e-6, 1e4))
def test_an_outcome_worse_for_both_is_never_preferred(
    W: Welfare, user: float, assistant: float, loss_user: float, loss_assistant: float
) -> None:
    assert not W(user - loss_user, assistant - loss_assistant) > W(user, assistant) + 1e-9


@pytest.mark.parametrize("kind", KINDS)
def test_two_losses_do_not_multiply_into_a_gain(kind: str) -> None:
    W = Welfare(kind, rho=-1.0)
    assert W(-3, -3) < W(2, 2)


@given(welfares(("nash", "ces")), points, points)
def test_no_gain_on_one_side_is_no_welfare(W: Welfare, user: float, assistant: float) -> None:
    d_user, d_assistant = W.disagreement
    assert W(min(user, d_user), assistant) == 0.0
    assert W(user, min(assistant, d_assistant)) == 0.0
    assert W(user, assistant) >= 0.0


@given(welfares(("nash", "ces")), gains, gains)
def test_a_gain_on_both_sides_lies_between_the_two(W: Welfare, x: float, y: float) -> None:
    d_user, d_assistant = W.disagreement
    user, assistant = d_user + x, d_assistant + y
    x, y = user - d_user, assistant - d_assistant  # as rounded
    assert not_less(W(user, assistant), min(x, y))
    assert not_less(max(x, y), W(user, assistant))


@given(st.sampled_from(("utilitarian", "nash", "egalitarian", "ces")), rhos, points, points)
def test_equal_weights_treat_both_sides_alike(
    kind: str, rho: float, user: float, assistant: float
) -> None:
    W = Welfare(kind, rho=rho)
    assert W(user, assistant) == pytest.approx(W(assistant, user), rel=1e-12)


@given(welfares(), points, points, st.floats(1e-3, 1e3))
def test_the_unit_of_welfare_does_not_matter(
    W: Welfare, user: float, assistant: float, scale: float
) -> None:
    at_zero = Welfare(W.kind, W.alpha, W.weights, W.rho)
    scaled = at_zero(scale * user, scale * assistant)
    assert scaled == pytest.approx(scale * at_zero(user, assistant), rel=1e-9, abs=1e-12)


@given(welfares(("nash", "ces")), gains, gains)
def test_gains_count_from_the_disagreement_point(W: Welfare, x: float, y: float) -> None:
    d_user, d_assistant = W.disagreement
    at_zero = Welfare(W.kind, W.alpha, W.weights, W.rho)
    assert W(d_user + x, d_assistant + y) == pytest.approx(at_zero(x, y), rel=1e-6)


@given(gains, gains, shares)
def test_ces_meets_nash_the_weighted_sum_and_the_minimum(x: float, y: float, share: float) -> None:
    weights = (share, 1 - share)
    nash = Welfare("nash", alpha=share)(x, y)
    for rho in (0.0, 1e-9, -1e-9, 1e-12, -1e-12, 1e-13):
        assert Welfare("ces", weights=weights, rho=rho)(x, y) == pytest.approx(nash, rel=1e-7)
    total = Welfare("utilitarian", weights=weights)(x, y)
    assert Welfare("ces", weights=weights, rho=1.0)(x, y) == pytest.approx(total, rel=1e-12)
    least = Welfare("ces", weights=weights, rho=-1e6)(x, y)
    assert least == pytest.approx(Welfare("egalitarian")(x, y), rel=1e-5)


@given(gains, gains, shares, rhos, rhos)
def test_ces_falls_as_substitution_gets_harder(
    x: float, y: float, share: float, one: float, other: float
) -> None:
    easy, hard = (
        Welfare("ces", weights=(share, 1 - share), rho=rho)(x, y)
        for rho in (max(one, other), min(one, other))
    )
    assert easy >= hard * (1 - 1e-9)  # power-mean inequality


@given(gains, gains, gains, gains)
def test_nash_ranks_outcomes_the_same_in_any_units_of_either_side(
    x: float, y: float, scale_user: float, scale_assistant: float
) -> None:
    W = Welfare("nash", alpha=0.3)
    factor = W(scale_user, scale_assistant)
    assert W(scale_user * x, scale_assistant * y) == pytest.approx(factor * W(x, y), rel=1e-9)


@given(welfares(), st.lists(st.tuples(points | st.just(math.nan), points), min_size=1))
def test_the_array_form_is_the_scalar_form(W: Welfare, pairs: list[tuple[float, float]]) -> None:
    user, assistant = (np.array(side) for side in zip(*pairs, strict=True))
    expected = [W(u, v) for u, v in pairs]
    assert np.allclose(W.array(user, assistant), expected, rtol=1e-12, atol=0, equal_nan=True)
    assert W.array(user[:, None], assistant).shape == (len(pairs), len(pairs))
    assert isinstance(W(0.5, 0.25), float)


@pytest.mark.parametrize("kind", ["nash", "ces"])
@pytest.mark.parametrize("gain", [5e-324, 1e-200, 1e200, 1e300])
def test_gains_at_the_ends_of_the_floats_stay_welfare(kind: str, gain: float) -> None:
    for rho in (-3.0, 0.0, 0.5):
        W = Welfare(kind, rho=rho)
        assert W(gain, gain) == pytest.approx(gain, rel=1e-9)
        assert W.array([gain], [gain])[0] == pytest.approx(gain, rel=1e-9)


@pytest.mark.parametrize("rho", [-500.0, -0.01, -1e-6, 0.0, 1e-6, 0.01, 1.0])
def test_gains_of_very_different_size_have_a_ces_between_them(rho: float) -> None:
    W = Welfare("ces", rho=rho)
    for pair in ((5e-324, 1e300), (1e300, 5e-324), (1e-300, 1e-3), (2.0, 5e-324)):
        assert min(pair) <= W(*pair) <= max(pair)
        assert W.array(*pair) == pytest.approx(W(*pair), rel=1e-12, abs=0)


def test_worked_values() -> None:
    assert Welfare("nash")(3.0, 3.0) == 3.0
    assert Welfare("nash")(4.0, 1.0) == 2.0
    assert Welfare("nash", disagreement=(1.0, -1.0))(5.0, 0.0) == 2.0
    assert Welfare("nash", alpha=1.0)(5.0, 2.0) == 5.0
    assert Welfare("utilitarian", weights=(1.0, 2.0))(3.0, -1.0) == 1.0
    assert Welfare("ces", rho=-1.0)(6.0, 3.0) == pytest.approx(4.0)  # harmonic mean
    assert Welfare("egalitarian")(-1.0, 4.0) == -1.0
    assert math.isnan(Welfare("nash")(math.nan, 1.0))
    assert list(standard_welfares((0.0, 0.5))) == ["utilitarian", "nash", "egalitarian"]
    assert standard_welfares((0.0, 0.5))["nash"](4.0, 0.5) == 0.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "nahs"}, "Did you mean 'nash'"),
        ({"kind": "nash", "alpha": 1.5}, r"alpha must lie in \[0, 1\]; got 1.5"),
        ({"kind": "nash", "alpha": math.nan}, "alpha must lie"),
        ({"kind": "ces", "rho": 1.5}, "rho must be finite and at most 1"),
        ({"kind": "ces", "rho": -math.inf}, "rho must be finite"),
        ({"kind": "ces", "weights": (1.0, 0.0)}, "ces needs both weights"),
        ({"kind": "utilitarian", "weights": (0.0, 0.0)}, "positive finite sum"),
        ({"kind": "utilitarian", "weights": (2.0, -1.0)}, "weights must be at least 0"),
        ({"kind": "nash", "disagreement": (0.0, math.inf)}, "disagreement must be two finite"),
        ({"kind": "nash", "disagreement": (0.0,)}, "disagreement must be two finite"),
    ],
)
def test_arguments_outside_the_domain_are_refused(
    arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Welfare(**arguments)  # type: ignore[arg-type]  # what an author might pass


def test_a_welfare_is_a_value() -> None:
    assert Welfare("nash", disagreement=[0, 1]) == Welfare("nash", disagreement=(0.0, 1.0))  # type: ignore[arg-type]  # as a file gives it
    assert len({Welfare("nash"), Welfare("nash"), Welfare("ces")}) == 2


Normaliser = Callable[[FloatArray, list[str]], FloatArray]
NORMALISERS: tuple[Normaliser, ...] = (zscore, minmax)
rows = st.lists(
    st.tuples(st.integers(-50, 50).map(float) | st.just(math.nan), st.sampled_from("abc")),
    min_size=1,
    max_size=30,
)


def _split(pairs: list[tuple[float, str]]) -> tuple[FloatArray, list[str]]:
    return np.array([value for value, _ in pairs]), [source for _, source in pairs]


def _same(one: FloatArray, other: FloatArray) -> bool:
    return np.allclose(one, other, rtol=0, atol=1e-9, equal_nan=True)


@pytest.mark.parametrize("normalise", NORMALISERS)
@given(pairs=rows, scale=st.floats(0.1, 10), shift=st.floats(-10, 10))
def test_a_source_has_no_unit_and_no_zero(
    normalise: Normaliser, pairs: list[tuple[float, str]], scale: float, shift: float
) -> None:
    values, sources = _split(pairs)
    # Constant sources stay so only where scaling them does not round, so they are left out.
    for source in set(sources):
        group = {value for value, s in pairs if s == source and not math.isnan(value)}
        assume(len(group) != 1)
    moved = normalise(scale * values + shift, sources)
    assert _same(moved, normalise(values, sources))


@pytest.mark.parametrize("normalise", NORMALISERS)
@given(pairs=rows, data=st.data())
def test_the_order_of_the_rows_changes_nothing_to_the_last_bit(
    normalise: Normaliser, pairs: list[tuple[float, str]], data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(len(pairs))))
    values, sources = _split(pairs)
    shuffled = normalise(values[order], [sources[k] for k in order])
    assert np.array_equal(shuffled, normalise(values, sources)[order], equal_nan=True)


@pytest.mark.parametrize("normalise", NORMALISERS)
@given(pairs=rows)
def test_sources_and_masked_rows_do_not_touch_each_other(
    normalise: Normaliser, pairs: list[tuple[float, str]]
) -> None:
    values, sources = _split(pairs)
    whole = normalise(values, sources)
    assert np.array_equal(np.isnan(whole), np.isnan(values))
    for source in set(sources):
        alone = [k for k, s in enumerate(sources) if s == source and not math.isnan(values[k])]
        assert np.array_equal(whole[alone], normalise(values[alone], [source] * len(alone)))


@given(pairs=rows)
def test_scores_have_the_promised_moments_and_range(pairs: list[tuple[float, str]]) -> None:
    values, sources = _split(pairs)
    z, unit = zscore(values, sources), minmax(values, sources)
    for source in set(sources):
        group = [k for k, s in enumerate(sources) if s == source and not math.isnan(values[k])]
        if len(set(values[group])) > 1:
            assert abs(z[group].mean()) < 1e-9
            assert z[group].std() == pytest.approx(1.0)
            assert (unit[group].min(), unit[group].max()) == (0.0, 1.0)
            assert np.array_equal(
                np.argsort(values[group], kind="stable"), np.argsort(unit[group], kind="stable")
            )
        else:
            assert not z[group].any()
            assert not unit[group].any()


@pytest.mark.parametrize("normalise", NORMALISERS)
def test_groups_without_spread_are_zero_and_extremes_do_not_overflow(normalise: Normaliser) -> None:
    assert normalise(np.array([0.1, 0.1, 0.1]), ["a"] * 3).tolist() == [0.0] * 3
    assert normalise(np.array([7.0]), ["a"]).tolist() == [0.0]
    assert normalise(np.array([]), []).tolist() == []
    assert np.isfinite(normalise(np.array([1.7e308, -1.7e308, 5e-324]), ["a"] * 3)).all()
    assert np.isfinite(normalise(np.array([1e-200, 2e-200]), ["a"] * 2)).all()
    assert np.isnan(normalise(np.array([math.nan]), ["a"])).all()


@pytest.mark.parametrize("normalise", NORMALISERS)
def test_rows_without_source_and_infinite_scores_are_refused(normalise: Normaliser) -> None:
    with pytest.raises(ValueError, match=r"got shape \(2,\) and 1 sources"):
        normalise(np.array([1.0, 2.0]), ["a"])
    with pytest.raises(ValueError, match="row 1 is infinite"):
        normalise(np.array([1.0, math.inf]), ["a", "a"])
