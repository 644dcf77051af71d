"""Names, folders, resolution, digests: from files to scenarios."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gtalign_env.errors import ScenarioError
from gtalign_env.scenario import library
from gtalign_env.scenario.feasibility import smallest_first_charge
from gtalign_env.scenario.library import find, list_entries, scenario_root, search_roots
from gtalign_env.scenario.loader import (
    load_game,
    load_persona,
    load_pricing,
    load_scenario,
    load_tasks,
    parse_scenario,
    validate_file,
)
from gtalign_env.scenario.yaml_reader import read_file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A search folder with one persona of the user's own."""
    (tmp_path / "personas").mkdir()
    text = (scenario_root() / "personas/student.yaml").read_text(encoding="utf-8")
    (tmp_path / "personas/mine.yaml").write_text(
        text.replace("name: student", "name: mine").replace("harm: 2.0", "harm: 2.5"),
        encoding="utf-8",
    )
    return tmp_path


def quick(**changes: Any) -> dict[str, Any]:
    """Return the data of quick_question with fields replaced."""
    data: dict[str, Any] = read_file(scenario_root() / "scenarios/quick_question.yaml").data
    return {**data, **changes}


def test_a_scenario_comes_with_every_name_resolved() -> None:
    scenario = load_scenario("quick_question")
    assert scenario.persona_names == ("busy_engineer",)
    ((weight, persona),) = scenario.population
    assert (weight, persona) == (1.0, load_persona("busy_engineer"))
    assert scenario.schedule == ((0, load_pricing("per_token")),)
    assert scenario.max_exchanges == 4


def test_weights_of_a_mixture_are_divided_by_their_sum() -> None:
    mixture = [{"persona": "student", "weight": 3}, {"persona": "novice", "weight": 1}]
    scenario = parse_scenario(quick(persona=mixture))
    assert [weight for weight, _ in scenario.population] == [0.75, 0.25]
    assert scenario.persona_names == ("student", "novice")


def test_a_schedule_gives_the_regime_of_a_conversation() -> None:
    scenario = load_scenario("price_rise")
    assert scenario.pricing_at(0).name == scenario.pricing_at(499).name == "per_token"
    assert scenario.pricing_at(500).name == scenario.pricing_at(10**6).name == "premium_per_token"


def test_what_is_written_in_place_gets_a_name_of_its_own() -> None:
    persona = read_file(scenario_root() / "personas/student.yaml").data
    body = {k: v for k, v in persona.items() if k not in ("schema", "name", "description")}
    assert parse_scenario(quick(persona=body)).persona_names == ("inline",)
    mixture = [{"persona": body, "weight": 1}, {"persona": {**body, "harm": 1}, "weight": 1}]
    assert parse_scenario(quick(persona=mixture)).persona_names == ("inline_0", "inline_1")
    assert parse_scenario(quick(persona={**body, "name": "x"})).persona_names == ("x",)


@pytest.mark.parametrize("entry", list_entries("scenario"), ids=lambda entry: entry.name)
def test_a_resolved_scenario_written_out_is_the_same_scenario(
    entry: library.Entry, tmp_path: Path
) -> None:
    scenario = load_scenario(entry.name)
    data = json.loads(json.dumps(scenario.to_data(), allow_nan=False))
    again = parse_scenario(data)
    assert again == scenario
    assert again.digest == scenario.digest
    file = tmp_path / f"{scenario.name}.yaml"  # JSON is YAML
    file.write_text(json.dumps(data, indent=1), encoding="utf-8")
    assert load_scenario(file).digest == scenario.digest


def test_the_digest_is_of_the_game_and_not_of_its_description() -> None:
    scenario = load_scenario("quick_question")
    same = parse_scenario(quick(description="Other words.", tags=["other"]))
    assert same.digest == scenario.digest
    assert len(scenario.digest) == 64
    for change in (
        {"max_exchanges": 5},
        {"pricing": "subscription"},
        {"persona": "student"},
        {"name": "other"},
        {"version": 2},
        {"welfare": {"kind": "egalitarian"}},
    ):
        assert parse_scenario(quick(**change)).digest != scenario.digest, change


def test_the_digest_does_not_depend_on_spelling_or_order() -> None:
    data = quick(max_exchanges=4, persona=[{"weight": 7, "persona": "busy_engineer"}])
    data["provider"] = dict(reversed(data["provider"].items()))
    data["provider"]["margin_weight"] = 100.0
    assert parse_scenario(data).digest == load_scenario("quick_question").digest


def test_the_digest_of_a_bundled_scenario_is_stable() -> None:
    """Transcripts name it; whoever changes the numbers of a game must raise its version too."""
    digest = load_scenario("quick_question").digest
    assert digest == "4df8bd0860608452abe081c7e9b457e8cdfdcb3f3aff41969e1980d2b7ffcd2d"


def test_another_regime_keeps_the_name_and_changes_the_digest() -> None:
    scenario = load_scenario("quick_question")
    other = scenario.with_pricing(load_pricing("subscription"))
    assert other.name == scenario.name
    assert other.digest == parse_scenario(quick(pricing="subscription")).digest
    assert scenario.schedule[0][1].name == "per_token"
    assert scenario.with_pricing(load_pricing("per_token")) == scenario


def test_folders_given_come_before_the_environment_and_the_library(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_persona("mine", path=[folder]).harm.mean == 2.5
    assert load_persona("student", path=[folder]).harm.mean == 2.0
    with pytest.raises(ScenarioError, match="no persona is named 'mine'"):
        load_persona("mine")
    monkeypatch.setenv("GTALIGN_PATH", os.pathsep.join(["", str(folder)]))
    assert load_persona("mine").harm.mean == 2.5
    nearer = tmp_path_factory.mktemp("nearer")
    shutil.copytree(folder / "personas", nearer / "personas")
    file = nearer / "personas/mine.yaml"
    file.write_text(file.read_text().replace("harm: 2.5", "harm: 3.5"))
    assert load_persona("mine", path=[nearer]).harm.mean == 3.5
    entries = [entry for entry in list_entries("persona", path=[nearer]) if entry.name == "mine"]
    assert [entry.path for entry in entries] == [file]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("prisoners_dilemma", "is a matrix game; gtalign solve, repeated and tournament take"),
        ("per_token", "is a pricing file; a scenario is played under it by --pricing per_token"),
        ("quick_qestion", r"\. Did you mean 'quick_question'"),
    ],
)
def test_a_name_of_another_kind_is_told_what_it_is(name: str, said: str) -> None:
    with pytest.raises(ScenarioError, match=f"no scenario is named '{name}'.*{said}"):
        load_scenario(name)


def test_names_in_a_file_are_looked_up_beside_it_first(tmp_path: Path, folder: Path) -> None:
    flat = tmp_path / "flat"
    flat.mkdir()
    shutil.copy(folder / "personas/mine.yaml", flat / "mine.yaml")
    text = (scenario_root() / "scenarios/quick_question.yaml").read_text(encoding="utf-8")
    text = text.replace("persona: busy_engineer", "persona: mine")
    (flat / "quick_question.yaml").write_text(text, encoding="utf-8")
    assert load_scenario(flat / "quick_question.yaml").persona_names == ("mine",)
    (folder / "scenarios").mkdir()
    shutil.copy(flat / "quick_question.yaml", folder / "scenarios/quick_question.yaml")
    assert load_scenario(folder / "scenarios/quick_question.yaml").persona_names == ("mine",)
    kind, _ = validate_file(folder / "scenarios/quick_question.yaml")
    assert kind == "scenario"


def test_a_search_folder_must_exist(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="a search folder must exist; got"):
        load_scenario("quick_question", path=[tmp_path / "absent"])
    monkeypatch.setenv("GTALIGN_PATH", str(tmp_path / "absent"))
    with pytest.raises(ScenarioError, match="a search folder must exist; got"):
        search_roots()


HOSTILE_NAMES = [
    "../personas/student",
    "..",
    ".",
    "",
    "/etc/passwd",
    "~/x",
    "~",
    "a/b",
    "a\\b",
    "a\0b",
    "student.yaml",
    "student ",
    " student",
    "student\n",
    "Student",
    "STUDENT",
    "stud\u0435nt",
    "-x",
    "_x",
    "$HOME",
    "%2e%2e",
    "{0}",
    "x" * 300,
    "con:",
    "*",
    "\u202estudent",
    "personas\u2215student",
]


_WATCHERS: list[list[str]] = []  # a hook cannot be removed, so there is one, which may be idle


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if _WATCHERS and event == "open":
        _WATCHERS[-1].append(str(arguments[0]))


sys.addaudithook(_watch)


@pytest.fixture
def opened() -> Iterator[list[str]]:
    """What the process opens while a test runs."""
    files: list[str] = []
    _WATCHERS.append(files)
    yield files
    _WATCHERS.remove(files)


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_hostile_name_opens_nothing(name: str) -> None:
    roots = search_roots()
    files: list[str] = []
    _WATCHERS.append(files)
    try:
        with pytest.raises(ScenarioError, match="is named by"):
            find("persona", name, roots)
    finally:
        _WATCHERS.remove(files)
    assert files == []


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_hostile_name_in_a_file_leads_nowhere(name: str, opened: list[str]) -> None:
    data = quick(persona=name)
    with pytest.raises(ScenarioError, match=r"persona: |not allowed"):
        parse_scenario(data)
    root = scenario_root().resolve()
    read = [Path(file).resolve() for file in opened if file.endswith((".yaml", "passwd"))]
    assert any(file.is_relative_to(root) for file in read)
    assert all(file.is_relative_to(root) for file in read)


def test_a_link_out_of_a_search_folder_is_not_followed_by_name(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "personas").mkdir(parents=True)
    secret = tmp_path / "secret.yaml"
    shutil.copy(scenario_root() / "personas/student.yaml", secret)
    (root / "personas/student.yaml").symlink_to(secret)
    with pytest.raises(ScenarioError, match="leads outside its search folder"):
        load_persona("student", path=[root])
    assert all(entry.path.parent != root / "personas" for entry in list_entries(path=[root]))
    (root / "personas/student.yaml").unlink()
    shutil.copy(secret, root / "inner.yaml")
    (root / "personas/student.yaml").symlink_to(root / "inner.yaml")
    assert load_persona("student", path=[root]).name == "student"


def test_an_unknown_name_is_suggested_from_the_library() -> None:
    with pytest.raises(ScenarioError, match=r"no scenario .*'quick_questoin'.*'quick_question'"):
        load_scenario("quick_questoin")
    with pytest.raises(ScenarioError, match="See: gtalign list game"):
        load_game("zzz")


def test_listing_survives_a_broken_file(tmp_path: Path) -> None:
    (tmp_path / "personas").mkdir()
    (tmp_path / "personas/broken.yaml").write_text("a: [1,\n")
    (tmp_path / "personas/odd.yaml").write_text("- 1\n")
    entries = {entry.name: entry for entry in list_entries("persona", path=[tmp_path])}
    assert "must be valid YAML" in entries["broken"].problem
    assert entries["odd"].description == ""
    assert entries["student"].problem == ""
    with pytest.raises(ScenarioError, match="Did you mean 'persona'"):
        list_entries("persna")


def test_a_budget_that_fits_no_exchange_is_refused_for_each_persona_and_regime() -> None:
    dear = {"components": [{"kind": "outcome", "fee": "0.03 USD"}]}
    mixture = [{"persona": "student", "weight": 1}, {"persona": "busy_engineer", "weight": 1}]
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(quick(persona=mixture, pricing=dear))
    (line,) = str(caught.value).splitlines()
    assert "persona[0].persona: no exchange fits the budget: smallest charge 0.03 USD" in line
    assert "largest budget 0.02 USD (persona 'student' under pricing 'inline')" in line


def test_the_smallest_first_charge_by_hand() -> None:
    task = load_scenario("quick_question").task
    # VQ then CQ: 215 input at 3, 30 + 100 output and reasoning at 15 pico-USD·10⁶ a token
    assert (
        smallest_first_charge(load_pricing("per_token"), task) == 215 * 3_000_000 + 130 * 15_000_000
    )
    assert smallest_first_charge(load_pricing("free_questions"), task) == 0
    assert smallest_first_charge(load_pricing("subscription"), task) == 4 * 10**12 // 400
    assert smallest_first_charge(load_pricing("per_message"), task) == 4 * 10**9
    assert smallest_first_charge(load_pricing("outcome_based"), task) == 10**10


def test_a_budget_equal_to_the_smallest_charge_is_enough() -> None:
    persona = read_file(scenario_root() / "personas/busy_engineer.yaml").data
    del persona["schema"]
    parse_scenario(quick(persona={**persona, "budget": "0.002595 USD"}))
    with pytest.raises(ScenarioError, match="no exchange fits"):
        parse_scenario(quick(persona={**persona, "budget": "0.002594999999 USD"}))


def test_every_kind_loads_by_name_and_by_path() -> None:
    for kind, load in (
        ("persona", load_persona),
        ("pricing", load_pricing),
        ("game", load_game),
        ("tasks", load_tasks),
    ):
        entry = list_entries(kind)[0]
        assert load(entry.name) == load(entry.path) == load(str(entry.path))
