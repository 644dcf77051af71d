"""Payoffs of many games at once, against the tree of every conversation."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gtalign_env.core.exact import normal_form
from gtalign_env.core.exact_many import MEASURES, payoffs_of_many
from gtalign_env.core.spec import GameSpec
from gtalign_env.pricing import Cap, Minimum, Outcome, PerToken, Rates, Regime, Surge, Tiered
from gtalign_env.scenario.compile import compile_scenario
from gtalign_env.scenario.library import list_entries
from gtalign_env.scenario.loader import load_pricing, load_scenario
from gtalign_env.scenario.sweep_fields import fields_of, with_changes

TYPES = 4  # a persona of densities; the tree walks each of them


def check(specs: list[GameSpec]) -> None:
    """Check every measure of every cell to rounding."""
    found = payoffs_of_many(specs, TYPES)
    for k, spec in enumerate(specs):
        matrix = normal_form(spec, TYPES)
        for name in MEASURES:
            expected = getattr(matrix, name)
            size = 1.0 + np.abs(expected).max()
            np.testing.assert_allclose(found[name][k], expected, rtol=0, atol=1e-12 * size)


def test_every_bundled_scenario_has_the_payoffs_of_its_tree() -> None:
    check([compile_scenario(load_scenario(entry.name)) for entry in list_entries("scenario")])


def test_every_bundled_price_has_the_payoffs_of_its_tree() -> None:
    for name in ("upsell", "quick_question"):
        scenario = load_scenario(name)
        prices = [load_pricing(entry.name) for entry in list_entries("pricing")]
        check([compile_scenario(scenario.with_pricing(price)) for price in prices])


@pytest.mark.parametrize("personas", [1, 3])
def test_random_games(random_game: Callable[..., GameSpec], personas: int) -> None:
    rng = random.Random(7)
    check([random_game(rng, personas=personas) for _ in range(60)])


def test_every_component(quick: GameSpec) -> None:
    parts = (
        PerToken(Rates(700_000, 70_000, 2_000_001, 1_999_999)),
        Tiered("output", (150, 400), (1_000_000, 9_000_000, 3)),
        Tiered("total", (900,), (0, 1_234_567)),
        Minimum(2 * 10**9),
        Cap(6 * 10**9),
        Outcome(10**8),
        Surge(Fraction(13, 7)),
    )
    regimes = [Regime("r", parts[:k], free) for k in range(8) for free in (False, True)]
    check([replace(quick, regime=regime, reply_clarity=0.6) for regime in regimes])


UPSELL = load_scenario("upsell")
FIELDS = fields_of(UPSELL)


@given(
    st.fixed_dictionaries(
        {
            "task.reply_clarity": st.sampled_from([0.0, 0.3, 1.0]),
            "task.p_correct": st.sampled_from([0.0, 0.4, 1.0]),
            "task.quality.concise": st.sampled_from([0.5, 1.0]),
            "max_exchanges": st.integers(1, 6),
            "persona.patience.persistence": st.integers(0, 4),
            "persona.patience.discount": st.sampled_from([0.5, 1.0]),
            "persona.clarification.tolerance": st.integers(0, 1),
            "persona.budget": st.sampled_from(["0.0001 USD", "0.004 USD", "0.01 USD", "1 USD"]),
            "persona.outside_option": st.sampled_from([-1.0, 0.5]),
            "pricing.free.questions": st.booleans(),
        }
    )
)
@settings(max_examples=60, deadline=None)
def test_any_conversation_has_the_payoffs_of_its_tree(changes: dict[str, Any]) -> None:
    scenario = with_changes(UPSELL, {FIELDS[path]: value for path, value in changes.items()})
    check([compile_scenario(scenario)])


def test_games_that_share_parts_keep_apart() -> None:
    specs = [
        compile_scenario(with_changes(UPSELL, {FIELDS[path]: value}))
        for path, value in (
            ("persona.value", 3.0),
            ("provider.retention", 1.0),
            ("task.tokens.question", 90),
            ("persona.value", 2.0),
        )
    ]
    together = payoffs_of_many([*specs, *specs[::-1]])
    for k, spec in enumerate(specs):
        alone = payoffs_of_many([spec])
        for name in MEASURES:
            assert (together[name][k] == alone[name][0]).all()
            assert (together[name][-1 - k] == alone[name][0]).all()
    assert len({together["user"][k].tobytes() for k in range(4)}) > 2


@pytest.mark.parametrize("count", [0, 1])
def test_shapes(count: int) -> None:
    found = payoffs_of_many([compile_scenario(UPSELL)] * count)
    assert tuple(found) == MEASURES
    assert {values.shape for values in found.values()} == {(count, 2, 7)}
