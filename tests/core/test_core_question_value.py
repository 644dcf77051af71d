"""What a question is worth: a closed form, the oracle, and assistants that may not ask."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gtalign_env.core.mixed import assistant_mix, user_mix
from gtalign_env.core.moves import AssistantMove, UserMove
from gtalign_env.core.oracle import bayes_oracle
from gtalign_env.core.play_out import evaluate_profile
from gtalign_env.core.policies import default_seat
from gtalign_env.core.question_value import question_values
from gtalign_env.core.spec import GameSpec
from gtalign_env.core.views import AssistantView, InformationSet
from gtalign_env.errors import SolverError
from gtalign_env.persona import Constant, Population
from gtalign_env.pricing import Rates, Regime
from gtalign_env.welfare import Welfare

GameMaker = Callable[..., GameSpec]


@settings(deadline=None, max_examples=60)
@given(
    p=st.floats(0.05, 1),
    value=st.floats(0.1, 10),
    outside=st.floats(-1, 1),
    discount=st.floats(0.2, 1),
    annoyance=st.floats(0, 2),
    effort=st.floats(0, 2),
)
def test_two_interpretations_in_closed_form(
    quick: GameSpec,
    p: float,
    value: float,
    outside: float,
    discount: float,
    annoyance: float,
    effort: float,
) -> None:
    ((_, persona),) = quick.population.personas
    fields = {
        "value": value,
        "outside_option": outside,
        "discount": discount,
        "annoyance": annoyance,
        "tolerance": 0,
        "effort_vague": 0,
        "effort_reply": effort,
        "conciseness": 0,
        "persistence": 0,
    }
    persona = replace(persona, **{name: Constant(x) for name, x in fields.items()})  # type: ignore[arg-type]  # fields by name
    spec = replace(
        quick,
        population=Population(((1.0, persona),)),
        regime=Regime("free", (), False),
        cost=Rates(0, 0, 0, 0),
        interpretations=2,
        coverage=(1, 1, 1),
        quality=(1.0, 1.0, 1.0),
        p_correct=p,
        reply_clarity=1.0,
        max_exchanges=2,
        welfare=Welfare("user_only"),
    )
    found = question_values(spec, p_vague=1.0).at(InformationSet(1, (UserMove.VQ,), (), False))
    never = p / 2 * value + (1 - p / 2) * outside
    answered = p * discount * value + (1 - p) * outside
    # asking on until the talk is cut off leaves the user with the outside option
    first = -annoyance - effort + max(answered, outside - annoyance)
    # an answer with a question in it: the reply is never written, as the user does not try again
    beside = never - annoyance
    assert found.never == pytest.approx(never, abs=1e-9)
    assert found.now == pytest.approx(max(first, beside), abs=1e-9)
    assert found.free == pytest.approx(max(never, first, beside), abs=1e-9)
    gain = first - never
    if answered >= outside - annoyance:
        closed = p / 2 * (value - outside) - (1 - discount) * p * value - annoyance - effort
        assert gain == pytest.approx(closed, abs=1e-9)
    assert found.worth == pytest.approx(max(0.0, gain, -annoyance), abs=1e-9)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_free_play_is_the_oracle(random_game: GameMaker, seed: int) -> None:
    spec = random_game(random.Random(seed), personas=2, max_exchanges=3)
    found, oracle = question_values(spec, 0.4), bayes_oracle(spec, 0.4)
    assert found.overall.free == pytest.approx(oracle.value.welfare, abs=1e-12)
    assert {known.history for known in found.by_place} == set(oracle.decisions)
    for known, value in found.by_place.items():
        values = oracle.decisions[known.history].values
        asking = max(values[move] for move in AssistantMove if move.asks)
        assert value.free == pytest.approx(max(values), abs=1e-9)
        assert value.now == pytest.approx(asking, abs=1e-9)
        assert value.worth >= -1e-12
        assert value.never <= max(values[:3]) + 1e-9  # an answer now, with questions allowed later


def test_never_asking_is_the_best_of_all_assistants_that_do_not(small: GameSpec) -> None:
    found = question_values(small, 0.5)
    user = user_mix(default_seat(0.5))
    rng = random.Random(2)
    best = -1.0
    for _ in range(800):
        chosen: dict[InformationSet, AssistantMove] = {}

        def answers(
            view: AssistantView, u: float, chosen: dict[InformationSet, AssistantMove] = chosen
        ) -> AssistantMove:
            return chosen.setdefault(view.history, AssistantMove(rng.randrange(3)))

        mix = assistant_mix(answers, stochastic=False)
        best = max(best, evaluate_profile(small, user, mix).welfare)
        assert best <= found.overall.never + 1e-12
    assert best > found.overall.never - 0.05  # the search comes near, so the bound is no loose one
    assert found.overall.worth > 0.01  # and these two users are worth asking


def test_a_question_is_worth_nothing_to_the_informed(quick: GameSpec) -> None:
    found = question_values(quick, p_vague=0.0)
    assert all(known.history.informed for known in found.by_place)
    assert found.overall.worth == pytest.approx(0.0, abs=1e-12)
    assert all(value.gain_now <= 1e-12 for value in found.by_place.values())
    start = found.at(InformationSet(1, (UserMove.DQ,), (), True))
    assert start.gain_now < 0  # it would only cost


def test_limits_are_those_of_the_oracle(quick: GameSpec) -> None:
    with pytest.raises(SolverError, match="at most 6 exchanges"):
        question_values(replace(quick, max_exchanges=7))
    with pytest.raises(KeyError):
        question_values(quick, 1.0).at(InformationSet(1, (UserMove.DQ,), (), True))
