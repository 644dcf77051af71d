"""The bundled library as a whole: every file valid, used, described, and unlike the others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from gtalign_env.core.exact import ConversationMatrix, normal_form
from gtalign_env.core.moves import ASSISTANT_LABELS, STYLES
from gtalign_env.games.dilemma import strict_dilemmas
from gtalign_env.games.nash import nash_equilibria
from gtalign_env.games.normal_form import NormalFormGame
from gtalign_env.persona import Choice, Constant, LogNormal, Normal, Uniform
from gtalign_env.scenario.compile import compile_scenario
from gtalign_env.scenario.fields import authored
from gtalign_env.scenario.library import KINDS, Entry, list_entries, scenario_root
from gtalign_env.scenario.loader import load_game, load_pricing, load_scenario, validate_file
from gtalign_env.scenario.pricing_schema import ComponentModel
from gtalign_env.scenario.schema import ScenarioFile
from gtalign_env.scenario.welfare_schema import WelfareModel
from gtalign_training.commands.solve import game_of
from gtalign_training.recipe import load_recipe

ENTRIES = list_entries()
_WORDS = ("schema", "name", "description", "tags", "version")


def described(entry: Entry) -> str:
    return f"{entry.kind}-{entry.name}"


@pytest.mark.parametrize("entry", ENTRIES, ids=described)
def test_an_entry_is_valid_and_called_like_its_file(entry: Entry) -> None:
    kind, model = validate_file(entry.path)
    assert kind == entry.kind
    name = authored(model)["name"]
    assert name == entry.name == entry.path.stem
    assert len(entry.description) > 40
    assert entry.description.endswith(".")


@pytest.mark.parametrize("entry", ENTRIES, ids=described)
def test_an_entry_written_out_reads_back_equal(entry: Entry, tmp_path: Path) -> None:
    _, model = validate_file(entry.path)
    assert type(model).model_validate_json(json.dumps(authored(model))) == model


def test_every_file_of_the_library_is_listed() -> None:
    templates = set((scenario_root() / "templates").glob("*.yaml"))
    assert set(scenario_root().rglob("*.yaml")) - templates == {entry.path for entry in ENTRIES}


@pytest.mark.parametrize("kind", ["scenario", "persona", "pricing", "game"])
def test_every_entry_can_be_found_by_tags(kind: str) -> None:
    """All but those that recorded training runs are compared by, which stay as they were."""
    untagged = {entry.name for entry in ENTRIES if entry.kind == kind and not entry.tags}
    recorded = set(load_recipe("tiny-grpo").game.pricing) | {"help_desk"}
    assert untagged <= recorded | set(load_scenario("help_desk").persona_names)


def test_no_two_entries_of_a_kind_are_equal_but_for_words() -> None:
    seen: dict[str, Entry] = {}
    for entry in ENTRIES:
        _, model = validate_file(entry.path)
        data = {key: value for key, value in authored(model).items() if key not in _WORDS}
        key = f"{entry.kind} {json.dumps(data, sort_keys=True)}"
        assert key not in seen, (entry, seen.get(key))
        seen[key] = entry


@pytest.mark.parametrize("kind", ["persona", "pricing"])
def test_every_persona_and_regime_is_used_by_a_scenario(kind: str) -> None:
    used: set[str] = set()
    for entry in ENTRIES:
        if entry.kind == "scenario":
            _, model = validate_file(entry.path)
            assert isinstance(model, ScenarioFile)
            used |= set(names_in(getattr(model, kind), kind))
    assert {entry.name for entry in ENTRIES if entry.kind == kind} <= used


def names_in(reference: Any, kind: str) -> list[str]:
    if isinstance(reference, str):
        return [reference]
    if isinstance(reference, tuple):
        return [name for part in reference for name in names_in(getattr(part, kind), kind)]
    return []


def test_the_library_is_large_enough_to_learn_from() -> None:
    count = {kind: sum(entry.kind == kind for entry in ENTRIES) for kind in KINDS}
    assert count["persona"] >= 12
    assert count["pricing"] >= 12
    assert count["scenario"] >= 12
    assert count["game"] >= 9


def models(kind: str) -> list[Any]:
    return [validate_file(entry.path)[1] for entry in ENTRIES if entry.kind == kind]


def test_every_kind_of_component_and_welfare_is_used() -> None:
    used = {component.kind for regime in models("pricing") for component in regime.components}
    assert used == {kind_of(model) for model in get_args(get_args(ComponentModel)[0])}
    welfares = {scenario.welfare.kind for scenario in models("scenario")}
    assert welfares == {kind_of(model) for model in get_args(get_args(WelfareModel)[0])}
    assert {regime.free.questions for regime in models("pricing")} == {True, False}


def kind_of(model: type[BaseModel]) -> str:
    return str(get_args(model.model_fields["kind"].annotation)[0])


def leaves(model: BaseModel, prefix: str = "") -> dict[str, tuple[Any, Any]]:
    """Return value and default of every field, by dotted path."""
    found: dict[str, tuple[Any, Any]] = {}
    for name, info in type(model).model_fields.items():
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            found |= leaves(value, f"{prefix}{name}.")
        else:
            found[prefix + name] = (value, info.get_default())
    return found


@pytest.mark.parametrize("kind", ["persona", "scenario"])
def test_every_field_is_given_another_value_than_its_default_somewhere(kind: str) -> None:
    known: set[str] = set()
    changed: set[str] = set()
    for model in models(kind):
        found = leaves(model)
        for path in list(found):  # the parts of a scenario that are checked by themselves
            if path.startswith(("welfare.", "persona.", "pricing.")):
                del found[path]
        known |= set(found)
        changed |= {path for path, (value, default) in found.items() if value != default}
    assert known - changed <= {
        "schema_id",
        "version",
        "task.coverage.concise",
    }  # the least of three


def test_every_distribution_and_style_is_used() -> None:
    values = [value for model in models("persona") for value, _ in leaves(model).values()]
    assert {type(value) for value in values} >= {Constant, Uniform, Normal, LogNormal, Choice}
    styles = {
        STYLES[int(style)]
        for model in models("persona")
        for style in getattr(model.style, "values", [model.style.mean])
    }
    assert styles == set(STYLES)


def test_every_action_is_right_somewhere() -> None:
    """Each label is part of a joint optimum or an equilibrium of some scenario as it stands."""
    used: set[str] = set()
    for entry in ENTRIES:
        if entry.kind == "scenario":
            matrix = matrix_of(entry.name)
            game = matrix.game
            row, column = divmod(int(matrix.welfare.argmax()), 7)
            used |= {game.user_plans[row], game.assistant_plans[column]}
            for one in nash_equilibria(game).found:
                used |= {p for p, share in zip(game.user_plans, one.user, strict=True) if share}
                used |= {
                    p for p, share in zip(game.assistant_plans, one.assistant, strict=True) if share
                }
    assert used == {"VQ", "DQ", *ASSISTANT_LABELS}


def matrix_of(name: str, pricing: str | None = None, conversation: int = 0) -> ConversationMatrix:
    scenario = load_scenario(name)
    if pricing is not None:
        scenario = scenario.with_pricing(load_pricing(pricing))
    return normal_form(compile_scenario(scenario, conversation).at(conversation), 64)


def test_every_number_in_a_persona_or_regime_has_its_unit_beside_it() -> None:
    for entry in ENTRIES:
        if entry.kind == "pricing":
            text = entry.path.read_text(encoding="utf-8")
            assert "USD per 1M tokens" in text or "fee:" in text, entry
        if entry.kind == "persona":
            assert "points per USD" in entry.path.read_text(encoding="utf-8"), entry


def test_scenarios_differ_in_what_is_optimal() -> None:
    best: dict[str, tuple[str, str]] = {}
    for entry in ENTRIES:
        if entry.kind == "scenario":
            scenario = load_scenario(entry.name)
            for start, pricing in scenario.schedule:
                matrix = normal_form(compile_scenario(scenario, start), 64)
                row, column = divmod(int(matrix.welfare.argmax()), 7)
                game = matrix.game
                plans = (game.user_plans[row], game.assistant_plans[column])
                best[f"{entry.name}/{pricing.name}"] = plans
    # What each description promises.
    assert best["quick_question/per_token"] == ("DQ", "DA:standard")
    assert best["guided_homework/free_questions"] == ("VQ", "CQ")
    assert best["expert_report/subscription"] == ("DQ", "DA:verbose")
    assert best["price_rise/per_token"] == ("VQ", "DA:verbose")
    assert best["price_rise/premium_per_token"] == ("DQ", "DA:concise")
    assert best["small_screen/per_message"] == ("VQ", "AQ:concise")
    assert best["pay_on_success/outcome_based"] == ("VQ", "CQ")
    assert best["upsell/per_token"] == ("DQ", "DA:concise")
    assert best["code_review/volume_discount"] == ("VQ", "AQ:verbose")
    assert best["medical_triage/unlimited"] == ("VQ", "CQ")
    assert best["travel_planning/price_promise"] == ("VQ", "CQ")
    assert best["maths_help/long_context"] == ("VQ", "DA:verbose")
    assert best["writing_desk/small_allowance"] == ("VQ", "DA:standard")
    assert best["language_tutor/small_allowance"] == ("VQ", "AQ:standard")
    assert best["language_tutor/subscription"] == ("VQ", "AQ:verbose")
    assert best["phone_support/rush_hours"] == ("VQ", "AQ:concise")
    assert len(set(best.values())) >= 8


def test_what_descriptions_say_of_one_side_or_of_equilibria() -> None:
    column = {label: i for i, label in enumerate(ASSISTANT_LABELS)}
    assert matrix_of("phone_support", conversation=450).welfare.argmax() == column["DA:verbose"]
    travel, legal, shop = map(matrix_of, ("travel_planning", "legal_intake", "shopping"))
    assert travel.user.max() == pytest.approx(travel.user[0, column["AQ:verbose"]])
    assert travel.assistant.argmax() == shop.assistant.argmax() == column["CQ"]
    assert shop.user.argmax() == column["AQ:concise"]
    assert legal.user.argmax() == column["CQ"]
    assert legal.assistant.argmax() == column["AQ:verbose"]
    by_token = matrix_of("legal_intake", "per_token")
    dearer = legal.charge - by_token.charge
    assert dearer[1, column["DA:concise"]] > 0.002  # USD; the short talk
    assert dearer[0, column["AQ:verbose"]] == pytest.approx(0.0, abs=1e-12)
    for name, plans in {
        "medical_triage": [("VQ", "CQ")],
        "code_review": [("VQ", "AQ:verbose")],
        "maths_help": [("VQ", "AQ:verbose"), ("DQ", "AQ:standard")],
    }.items():
        assert pure_equilibria(matrix_of(name).game) == plans


def pure_equilibria(game: NormalFormGame) -> list[tuple[str, str]]:
    return [
        (game.user_plans[one.user.index(1.0)], game.assistant_plans[one.assistant.index(1.0)])
        for one in nash_equilibria(game).found
        if 1.0 in one.user and 1.0 in one.assistant
    ]


@pytest.mark.parametrize(
    ("name", "with_dilemma", "without"),
    [
        ("upsell", "per_token", "premium_per_token"),
        ("upsell", "per_token", "minimum_charge"),
        ("writing_desk", "small_allowance", "per_message"),
    ],
)
def test_the_price_alone_makes_and_dissolves_a_strict_dilemma(
    name: str, with_dilemma: str, without: str
) -> None:
    """Everything but the regime is equal; no 2x2 restriction is left, not only another one."""
    under, free = matrix_of(name, with_dilemma), matrix_of(name, without)
    assert under.exact
    assert free.exact
    assert strict_dilemmas(under.game, tol=1e-3)  # points: not by a rounding error
    assert not strict_dilemmas(free.game)


@pytest.mark.parametrize(
    ("pricing", "dilemma"),
    [("per_token", True), ("subscription", False), ("premium_per_token", False)],
)
def test_upsell_is_a_strict_dilemma_until_the_price_changes(pricing: str, dilemma: bool) -> None:
    scenario = load_scenario("upsell").with_pricing(load_pricing(pricing))
    matrix = normal_form(compile_scenario(scenario))
    vq, dq, concise, upsold = 0, 1, 0, 5
    U, L = matrix.user, matrix.assistant
    user = U[vq, concise] > U[dq, concise] > U[vq, upsold] > U[dq, upsold]
    assistant = L[dq, upsold] > L[dq, concise] > L[vq, upsold] > L[vq, concise]
    assert bool(user and assistant) is dilemma


# pure equilibria and the number of all, as in Luce and Raiffa (1957), "Games and decisions"
CLASSICS: dict[str, tuple[list[tuple[str, str]], int]] = {
    "prisoners_dilemma": ([("defect", "defect")], 1),
    "stag_hunt": ([("stag", "stag"), ("hare", "hare")], 3),
    "chicken": ([("swerve", "straight"), ("straight", "swerve")], 3),
    "battle_of_the_sexes": ([("opera", "opera"), ("boxing", "boxing")], 3),
    "matching_pennies": ([], 1),
    "harmony": ([("cooperate", "cooperate")], 1),
    "gtalign_table1": ([("VQ", "DA")], 1),
}


@pytest.mark.parametrize("name", CLASSICS)
def test_the_classics_have_their_equilibria(name: str) -> None:
    game = game_of(load_game(name))
    pure, count = CLASSICS[name]
    assert pure_equilibria(game) == pure
    assert len(nash_equilibria(game).found) == count
    assert bool(strict_dilemmas(game)) is (name == "prisoners_dilemma")


@pytest.mark.parametrize(
    ("name", "cell"), [("figure4_before", ("VQ", "CQ")), ("figure4_after", ("DQ", "DA"))]
)
def test_the_greatest_product_of_figure_4_moves_with_the_price(
    name: str, cell: tuple[str, str]
) -> None:
    game = game_of(load_game(name))
    row, column = divmod(int((game.user * game.assistant).argmax()), 3)
    assert (game.user_plans[row], game.assistant_plans[column]) == cell


def test_figure_4_is_bundled_as_published() -> None:
    """(LLM, user) by cell, before and after, as the figure has it."""
    published = {
        ("DQ", "AQ"): ((1.0, 2.5), (1.5, 2.0)),
        ("DQ", "CQ"): ((1.3, 2.7), (1.3, 2.2)),
        ("DQ", "DA"): ((1.6, 2.8), (2.6, 2.3)),
        ("VQ", "AQ"): ((1.4, 2.3), (1.9, 1.8)),
        ("VQ", "CQ"): ((1.7, 2.9), (1.7, 2.4)),
        ("VQ", "DA"): ((1.9, 2.4), (2.9, 1.9)),
    }
    for i, name in enumerate(("figure4_before", "figure4_after")):
        game = game_of(load_game(name))
        for (row, column), pairs in published.items():
            at = (game.user_plans.index(row), game.assistant_plans.index(column))
            assert (game.assistant[at], game.user[at]) == pairs[i]


def test_the_published_matrix_is_bundled_unchanged() -> None:
    game = load_game("gtalign_table1")
    cells = {
        (row, column): (game.payoffs.user[i][j], game.payoffs.assistant[i][j])
        for i, row in enumerate(game.user_plans)
        for j, column in enumerate(game.assistant_plans)
    }
    assert cells == {
        ("VQ", "DA"): (1, 1),
        ("VQ", "AQ"): (4, 0),
        ("VQ", "CQ"): (1, 0),
        ("DQ", "DA"): (0, 1),
        ("DQ", "AQ"): (3, 3),
        ("DQ", "CQ"): (2, 1),
    }
