"""Concepts on demand: plain JSON, and the numbers of the functions behind it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gtalign_env.errors import SolverError
from gtalign_env.games.concepts import CONCEPTS, solve_concepts
from gtalign_env.games.nash import nash_equilibria
from gtalign_env.games.normal_form import NormalFormGame, price_of_stability, welfare_matrix
from gtalign_env.welfare import KINDS, Welfare

CHICKEN = NormalFormGame(np.array([[6, 2], [7, 0]]), np.array([[6, 7], [2, 0]]))


def test_an_unknown_concept_is_refused_with_a_suggestion() -> None:
    with pytest.raises(SolverError, match="Did you mean 'correlated'"):
        solve_concepts(CHICKEN, ["corelated"])


def test_only_what_is_asked_for_is_given_in_that_order() -> None:
    assert list(solve_concepts(CHICKEN, ["qre", "anarchy"])) == ["qre", "anarchy"]
    assert list(solve_concepts(CHICKEN)) == list(CONCEPTS)
    assert solve_concepts(CHICKEN, []) == {}


def test_prices_are_there_under_every_aggregator() -> None:
    found = solve_concepts(CHICKEN, ["anarchy"], disagreement=(-1.0, -1.0))["anarchy"]
    assert list(found) == list(KINDS)
    profiles = [one.profile for one in nash_equilibria(CHICKEN).found]
    for kind in KINDS:
        W = Welfare(kind, disagreement=(-1.0, -1.0))
        assert found[kind]["stability"] == price_of_stability(CHICKEN, W, profiles)
        assert found[kind]["anarchy"] >= found[kind]["stability"] >= 1.0


def test_own_aggregators_measure_correlation() -> None:
    found = solve_concepts(CHICKEN, ["correlated"], welfares={"sum": lambda u, v: u + v})
    assert list(found["correlated"]) == ["sum"]
    assert found["correlated"]["sum"]["best"]["value"] == pytest.approx(10.5)


payoff = st.integers(-3, 3) | st.floats(-3, 3)


@st.composite
def games(draw: st.DrawFn) -> NormalFormGame:
    m, n = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    flat = draw(st.lists(payoff, min_size=2 * m * n, max_size=2 * m * n))
    return NormalFormGame(*np.array(flat, dtype=float).reshape(2, m, n))


@settings(max_examples=12, deadline=None)
@given(games())
def test_every_game_has_an_object_of_plain_json(game: NormalFormGame) -> None:
    found = solve_concepts(game)
    text = json.dumps(found, allow_nan=False)
    assert json.loads(text) == found
    assert "-0.0," not in text
    members = [e for component in found["components"] for e in component["equilibria"]]
    assert sorted(members) == list(range(len(nash_equilibria(game).found)))
    for ends in found["coarse"].values():
        assert np.array(ends["best"]["distribution"]).shape == game.shape


def test_bounds_of_the_concepts_contain_each_other() -> None:
    rng = np.random.default_rng(9)
    for _ in range(10):
        game = NormalFormGame(*rng.normal(size=(2, 3, 4)))
        found = solve_concepts(game, ["correlated", "coarse", "stackelberg", "security"])
        total = welfare_matrix(game, Welfare("utilitarian"))
        best = found["correlated"]["utilitarian"]["best"]["value"]
        widest = found["coarse"]["utilitarian"]["best"]["value"]
        for one in nash_equilibria(game).found:
            x, y = map(np.array, one.profile)
            assert x @ total @ y <= best + 1e-8 <= widest + 2e-8 <= total.max() + 3e-8
            for k, seat in enumerate(("user", "assistant")):
                lead = found["stackelberg"][seat]["mixed"]["payoffs"][k]
                assert found["security"][seat]["value"] - 1e-8 <= one.payoffs[k] <= lead + 1e-8
