"""What the playground shows is the exact game: of every scenario, under every regime, at any slider."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest
import yaml

from gtalign_env.core.exact import normal_form
from gtalign_env.core.exact_many import payoffs_of_many
from gtalign_env.errors import ScenarioError
from gtalign_env.games.normal_form import dominates
from gtalign_env.games.solution import solve
from gtalign_env.scenario.compile import compile_scenario
from gtalign_env.scenario.library import scenario_root
from gtalign_env.scenario.loader import load_pricing, load_scenario
from gtalign_env.scenario.sweep_fields import fields_of, with_changes
from gtalign_training.commands.run import scenario_under
from gtalign_training.studies.solved import DILEMMAS
from gtalign_training.ui.draw_game import draw_facts, draw_verdict
from gtalign_training.ui.explore import AS_IS, SLOTS, Explore, axes_of, choice_of, places_of
from gtalign_training.ui.knobs import MOST, Knob, knobs_of, mean_of
from gtalign_training.ui.phase import ASKED, SIDE, phase_of
from gtalign_training.ui.view import (
    Choice,
    _mixed,
    is_pure,
    moved,
    names_of,
    require_scenario,
    unreadable,
    view_of,
)

SCENARIOS = sorted(names_of("scenario"))
REGIMES = sorted(names_of("pricing"))
EXACT, CLOSE = 1e-9, 0.02  # points


def knob(knobs: tuple[Knob, ...], label: str) -> int:
    return next(i for i, one in enumerate(knobs) if one.label == label)


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_matrix_is_the_exact_one_and_the_verdict_that_of_solve(name: str) -> None:
    scenario, _ = require_scenario(Choice(name))
    view = view_of(scenario)
    spec = compile_scenario(scenario)
    if spec.is_exact:
        matrix = normal_form(spec)
        assert np.allclose(view.game.user, matrix.user, rtol=0, atol=EXACT)
        assert np.allclose(view.game.assistant, matrix.assistant, rtol=0, atol=EXACT)
        dilemma = solve(matrix.game)["dilemma"]
    else:  # users drawn from a density: fewer of them stand in, for speed
        finer = payoffs_of_many([spec])
        assert np.allclose(view.game.user, finer["user"][0], rtol=0, atol=CLOSE)
        assert np.allclose(view.game.assistant, finer["assistant"][0], rtol=0, atol=CLOSE)
        dilemma = view.solution["dilemma"]
    assert view.label == DILEMMAS[2 * bool(dilemma["strict_pd"]) + dilemma["social_dilemma"]]
    head, text = view.verdict()
    assert view.called(view.worst()) in text
    assert ("social dilemma: left" in head) is dilemma["social_dilemma"]


@pytest.mark.parametrize("pricing", [None, *REGIMES])
def test_every_scenario_has_sliders_under_every_regime_and_can_be_moved_to_any_corner(
    pricing: str | None,
) -> None:
    for name in SCENARIOS:
        scenario, knobs = require_scenario(Choice(name, None, pricing))
        assert {one.group for one in knobs} >= {"user", "provider"}
        for low in (True, False):
            values = [one.low if low else one.high for one in knobs]
            assert moved(scenario, knobs, values).name == name
        assert max(places_of(knobs)) < len(SLOTS)
        assert len(set(places_of(knobs))) == len(knobs)
        assert len(set(axes_of(knobs))) == 2


def test_a_slider_stands_where_the_scenario_is_and_moving_it_is_writing_the_file() -> None:
    scenario, knobs = require_scenario(Choice("upsell"))
    assert moved(scenario, knobs, [one.start for one in knobs]) is scenario
    at = knob(knobs, "price of output")
    values = [one.start for one in knobs]
    values[at] = 22.0
    found = moved(scenario, knobs, values)
    # billed alike before, and so after
    assert {mean_of(found, field)[0] for field in knobs[at].fields} == {22.0}
    assert len(knobs[at].fields) == 2
    assert found.population == scenario.population
    values[at] = 1e9  # what no slider sends
    assert mean_of(moved(scenario, knobs, values), knobs[at].fields[0])[0] == knobs[at].high


def test_users_that_differ_stay_as_they_are_until_their_slider_is_moved() -> None:
    scenario, knobs = require_scenario(Choice("help_desk"))
    at = knob(knobs, "budget")
    assert knobs[at].varied
    values = [one.start for one in knobs]
    assert moved(scenario, knobs, values) is scenario
    values[at] = 0.02
    budgets = {persona.budget.mean for _, persona in moved(scenario, knobs, values).population}
    assert budgets == {0.02e12}


def test_a_persona_and_a_regime_of_the_library_take_the_place_of_the_scenarios_own() -> None:
    scenario, _ = require_scenario(Choice("quick_question", "novice", "per_message"))
    assert scenario.persona_names == ("novice",)
    assert scenario.schedule == ((0, load_pricing("per_message")),)
    with pytest.raises(ScenarioError, match="Did you mean 'novice'"):
        require_scenario(Choice("quick_question", "novise"))


@pytest.mark.parametrize(
    "sent", [("upsel", "", ""), ("/etc/passwd", "", ""), ("upsell", "../x.yaml", ""), ("", "", "")]
)
def test_a_page_names_entries_of_the_library_and_no_files(sent: tuple[str, str, str]) -> None:
    with pytest.raises(ScenarioError, match=r"no (scenario|persona) is named"):
        choice_of(*sent)
    with pytest.raises(ScenarioError, match=r"no (scenario|persona) is named"):
        Explore().look(*sent, *[0.0] * len(SLOTS), "a", "b", "dilemma")


def test_a_move_that_was_under_way_when_the_scenario_changed_is_of_the_new_one() -> None:
    """Its sliders and the map's sides may be those of the old one: they count as far as they can."""
    sent = ("small_screen", AS_IS, AS_IS, *[60.0] * len(SLOTS))
    drawn = Explore().map(*sent, "pricing.components.per_token.rates.output", "gone", "dilemma")
    assert "price of a message" in drawn
    assert "<svg" in drawn


def test_what_they_miss_in_a_social_dilemma_dominates_where_they_end() -> None:
    found = 0
    for name, pricing in product(SCENARIOS, [None, *REGIMES[:6]]):
        view = view_of(require_scenario(Choice(name, None, pricing))[0])
        if not view.solution["dilemma"]["social_dilemma"]:
            continue
        found += 1
        end = tuple(view.worst()["payoffs"])
        cell = view._missed(end)
        assert dominates(view.game, end)[cell]
        assert cell in view.pareto
        assert cell not in view.equilibria
        assert view.name(cell) in view.verdict()[1]
    assert found >= 3


def test_of_several_equilibria_worst_and_best_are_named_with_chances_in_per_cent() -> None:
    view = view_of(require_scenario(Choice("help_desk", None, "base_and_success"))[0])
    worst, best = view.worst(), view.best()
    joint = [view._worth(one) for one in view.solution["equilibria"]]
    assert view._worth(worst) == min(joint) < max(joint) == view._worth(best)
    assert is_pure(best)
    assert not is_pure(worst)
    text = view.verdict()[1]
    first = text.index(f"in the best of 3 equilibria at {view.called(best)}")
    assert first < text.index(f"in the worst at {view.called(worst)}")  # a pure one is easier read
    assert "(5.67% VQ + 94.3% DQ)" in text
    assert [is_pure(one) for one in view.settled] == [True, True, False]
    facts = draw_facts(view)
    assert facts.count("<dt>pure equilibrium</dt>") == 2
    assert facts.index("pure equilibrium") < facts.index("mixed equilibrium")
    assert "worst of 3 equilibria" in draw_verdict(view)


def test_the_only_equilibrium_is_not_called_the_worst() -> None:
    view = view_of(require_scenario(Choice("upsell"))[0])
    assert len(view.settled) == 1
    assert "they end at VQ x AQ:verbose" in view.verdict()[1]
    assert "worst" not in view.verdict()[1] + draw_verdict(view)


@pytest.mark.parametrize(
    ("chance", "said"), [(0.25, "25%"), (1e-6, "<0.1%"), (1 - 1e-6, ">99.9%"), (2 / 3, "66.7%")]
)
def test_a_chance_is_said_in_per_cent_and_never_as_none_or_all(chance: float, said: str) -> None:
    assert f"({said} VQ" in _mixed([chance, 1 - chance], ["VQ", "DQ"])


def test_folders_of_ones_own_are_searched_first_and_what_is_broken_is_named(
    tmp_path: Path,
) -> None:
    personas = tmp_path / "personas"
    personas.mkdir()
    own = yaml.safe_load((scenario_root() / "personas" / "novice.yaml").read_text())
    (personas / "late_owl.yaml").write_text(yaml.safe_dump(own | {"name": "late_owl"}))
    (personas / "torn.yaml").write_text("schema: [")
    folders = (tmp_path,)
    assert "late_owl" in names_of("persona", folders)
    assert "late_owl" not in names_of("persona")
    explore = Explore(folders)
    choice = explore.choice("upsell", "late_owl", AS_IS)
    assert require_scenario(choice)[0].persona_names == ("late_owl",)
    with pytest.raises(ScenarioError, match="late_owl"):
        Explore().choice("upsell", "late_owl", AS_IS)
    assert list(unreadable(folders)) == [personas / "torn.yaml"]
    with pytest.raises(ScenarioError, match="must exist"):
        Explore((tmp_path / "gone",)).choice("upsell", AS_IS, AS_IS)


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("name", ["upsell", "help_desk", "small_screen"])
def test_the_map_says_at_every_node_what_the_game_there_is(name: str, asked: str) -> None:
    scenario, knobs = require_scenario(Choice(name))
    axes = axes_of(knobs)
    values = [one.start for one in knobs]
    phase = phase_of(scenario, knobs, values, axes, asked)  # type: ignore[arg-type]
    rng = np.random.default_rng(0)
    for row, column in rng.integers(0, SIDE, size=(12, 2)):
        x = knobs[axes[0]].low + column / (SIDE - 1) * (knobs[axes[0]].high - knobs[axes[0]].low)
        y = knobs[axes[1]].low + row / (SIDE - 1) * (knobs[axes[1]].high - knobs[axes[1]].low)
        known = fields_of(scenario)
        changes = {}
        for i, value in zip(axes, (x, y), strict=True):
            for one in knobs[i].fields:
                changes[known[one.path]] = known[one.path].value(round(value, 9))
        view = view_of(with_changes(scenario, changes))
        if asked == "dilemma":
            assert phase.labels[row, column] == view.label
        elif len(view.solution["equilibria"]) == 1 and view.equilibria:
            assert phase.labels[row, column] == view.called(view.worst())
    assert sum(share for _, share in phase.shares) == pytest.approx(1)


def test_moving_along_the_map_keeps_it_and_any_other_slider_draws_it_anew() -> None:
    scenario, knobs = require_scenario(Choice("upsell"))
    axes = axes_of(knobs)
    values = [one.start for one in knobs]
    first = phase_of(scenario, knobs, values, axes, "dilemma")
    values[axes[0]] = 40.0
    assert phase_of(scenario, knobs, values, axes, "dilemma") is first
    values[knob(knobs, "retention")] = 0.0
    other = phase_of(scenario, knobs, values, axes, "dilemma")
    assert other is not first
    assert (other.labels != first.labels).any()
    with pytest.raises(ScenarioError, match="two different sliders"):
        phase_of(scenario, knobs, values, (1, 1), "dilemma")


def test_no_group_has_more_sliders_than_the_page() -> None:
    assert [SLOTS.count(group) for group in MOST] == list(MOST.values())
    for name in SCENARIOS:
        knobs = knobs_of(load_scenario(name))
        for group, most in MOST.items():
            assert sum(one.group == group for one in knobs) <= most


def test_the_mean_over_a_population_is_where_a_slider_begins() -> None:
    scenario = load_scenario("mixed_crowd")
    field = fields_of(scenario)["persona.conciseness"]
    mean, varied = mean_of(scenario, field)
    assert mean == pytest.approx(0.3 * 1.5 + 0.2 * 0.02 + 0.3 * 0.1 + 0.2 * 0.1)
    assert varied


@pytest.mark.parametrize(
    "rates",
    [
        "{input: 3, cached_input: 0.3, output: 7.5}",
        "{input: 1.5, output: 7.5}",
        "{input: 3, output: 6, reasoning: 6}",
    ],
)
def test_a_price_may_leave_out_what_is_optional(tmp_path: Path, rates: str) -> None:
    file = tmp_path / "own.yaml"
    head = "schema: gtalign/pricing/1\nname: own\ndescription: One of my own.\ncomponents:\n"
    file.write_text(f"{head}  - {{kind: per_token, rates: {rates}}}\n")
    scenario = scenario_under("upsell", str(file), None)
    knobs = knobs_of(scenario)
    assert mean_of(scenario, knobs[0].fields[0])[0] in (7.5, 6.0)
    for low in (True, False):
        game = moved(scenario, knobs, [one.low if low else one.high for one in knobs])
        assert view_of(game).solution["equilibria"]
