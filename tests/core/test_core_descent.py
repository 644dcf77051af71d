"""The compiled dynamic program: what the objects give, to the last bit and in the same order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gtalign_env.core import descent
from gtalign_env.core.best_response import OBJECTIVES, Objective, best_assistant_response
from gtalign_env.core.mixed import user_mix
from gtalign_env.core.oracle import MOST_EXCHANGES, bayes_oracle
from gtalign_env.core.policies import default_seat
from gtalign_env.core.question_value import question_values
from gtalign_env.core.spec import GameSpec
from gtalign_env.scenario.compile import compile_scenario
from gtalign_env.scenario.library import list_entries
from gtalign_env.scenario.loader import load_scenario
from gtalign_env.welfare import Welfare

SCENARIOS = [entry.name for entry in list_entries("scenario")]


def game(name: str) -> GameSpec:
    spec = compile_scenario(load_scenario(name))
    return replace(spec, max_exchanges=min(spec.max_exchanges, 3), reply_clarity=0.8)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_oracle_is_the_same_compiled(monkeypatch: pytest.MonkeyPatch, scenario: str) -> None:
    spec = game(scenario)
    monkeypatch.setattr(descent, "SMALL", float("inf"))
    slow = bayes_oracle(spec, 0.4, most_types=2)
    monkeypatch.setattr(descent, "SMALL", 0)
    fast = bayes_oracle(spec, 0.4, most_types=2)
    assert fast == slow
    assert list(fast.decisions) == list(slow.decisions)


@pytest.mark.parametrize("kind", ["nash", "ces", "egalitarian", "utilitarian"])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_response_is_the_same_compiled(
    monkeypatch: pytest.MonkeyPatch, objective: Objective, kind: str
) -> None:
    welfare = Welfare(kind, alpha=0.3, rho=-0.7, disagreement=(-3.0, -3.0))
    spec = replace(game("language_tutor"), welfare=welfare)
    user = user_mix(default_seat(0.4))
    monkeypatch.setattr(descent, "SMALL", float("inf"))
    slow = best_assistant_response(spec, user, objective, most_types=3)
    monkeypatch.setattr(descent, "SMALL", 0)
    fast = best_assistant_response(spec, user, objective, most_types=3)
    assert fast == slow
    assert list(fast.decisions) == list(slow.decisions)


@pytest.mark.parametrize("scenario", ["quick_question", "language_tutor", "help_desk"])
def test_what_a_question_is_worth_is_the_same_compiled(
    monkeypatch: pytest.MonkeyPatch, scenario: str
) -> None:
    spec = game(scenario)
    monkeypatch.setattr(descent, "SMALL", float("inf"))
    slow = question_values(spec, 0.4, most_types=3)
    monkeypatch.setattr(descent, "SMALL", 0)
    fast = question_values(spec, 0.4, most_types=3)
    assert fast.overall == slow.overall
    assert fast.by_place == slow.by_place


def test_places_are_no_more_than_there_is_room_for() -> None:
    spec = compile_scenario(load_scenario("expert_report"))
    solved = bayes_oracle(spec)  # the longest of the library, with one type
    assert spec.max_exchanges == MOST_EXCHANGES
    assert len(solved.decisions) <= 2 * descent.most_places(MOST_EXCHANGES)
    assert solved.value.welfare > 0


def test_a_user_of_ones_own_is_solved_by_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(descent, "SMALL", 0)
    monkeypatch.setattr("gtalign_env.core.oracle.solve_opening", None)
    spec = game("quick_question")
    default = bayes_oracle.__defaults__[1]  # type: ignore[index]  # it has some
    assert bayes_oracle(spec, user=lambda *seen: default(*seen)).exact
    with pytest.raises(TypeError):
        bayes_oracle(spec)
