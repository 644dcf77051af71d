"""The bundled library as a whole: every file valid, used, described, and unlike the others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gtalign_env.core.exact import normal_form
from gtalign_env.scenario.compile import compile_scenario
from gtalign_env.scenario.fields import authored
from gtalign_env.scenario.library import KINDS, Entry, list_entries, scenario_root
from gtalign_env.scenario.loader import load_game, load_pricing, load_scenario, validate_file
from gtalign_env.scenario.schema import ScenarioFile

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
    files = set(scenario_root().rglob("*.yaml")) - set((scenario_root() / "studies").glob("*.yaml"))
    assert files == {entry.path for entry in ENTRIES}


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
    assert count["persona"] >= 5
    assert count["pricing"] >= 5
    assert count["scenario"] >= 6
    assert count["game"] >= 2


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
    assert len(set(best.values())) >= 6


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
