"""Templates and JSON Schemas: what an author starts from, and what an editor knows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import BaseModel
from typer.testing import CliRunner

from gtalign_env.scenario.fields import authored
from gtalign_env.scenario.json_schema import DIALECT, schema_text, shipped_schema
from gtalign_env.scenario.library import KINDS, scenario_root
from gtalign_training import cli
from gtalign_training.authored import ALL_KINDS, validate_any
from gtalign_training.commands.new import Template

run = CliRunner()


def invoke(*arguments: str) -> Any:
    return run.invoke(cli.main, list(arguments))


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_the_shipped_schema_is_the_one_of_the_models(kind: str) -> None:
    """Otherwise: gtalign schema --out scenarios/schemas."""
    one = ALL_KINDS[kind]
    shipped = shipped_schema(kind).read_text(encoding="utf-8")
    assert shipped == schema_text(one.load_model(), one.schema)
    schema = json.loads(shipped)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == DIALECT


def test_nothing_else_lies_beside_the_schemas() -> None:
    files = {file.name for file in (scenario_root() / "schemas").iterdir()}
    assert files == {f"{kind}.json" for kind in ALL_KINDS}


def nodes(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
        for value in schema.values():
            yield from nodes(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from nodes(value)


@pytest.mark.parametrize("kind", KINDS)
def test_every_default_is_what_an_author_would_write(kind: str) -> None:
    """A default in a schema is inserted by editors, so it must itself be valid."""
    schema = json.loads(shipped_schema(kind).read_text(encoding="utf-8"))
    found = [node for node in nodes(schema) if "default" in node and "description" in node]
    assert found or kind in ("tasks", "game")
    for node in found:
        whole = {**node, "$defs": schema.get("$defs", {})}
        jsonschema.Draft202012Validator(whole).validate(node["default"])


@pytest.mark.parametrize("kind", ["persona", "pricing", "scenario", "tasks", "game"])
def test_every_property_is_described(kind: str) -> None:
    schema = json.loads(shipped_schema(kind).read_text(encoding="utf-8"))
    for owner in (schema, *schema.get("$defs", {}).values()):
        for name, field in owner.get("properties", {}).items():
            described = "description" in field or "$ref" in field or "const" in field
            assert described, f"{owner['title']}.{name}"


def test_schemas_are_printed_and_written(tmp_path: Path) -> None:
    printed = json.loads(invoke("schema", "persona").stdout)
    assert printed == json.loads(shipped_schema("persona").read_text(encoding="utf-8"))
    assert set(json.loads(invoke("schema").stdout)) == set(ALL_KINDS)
    result = invoke("schema", "--out", str(tmp_path / "deep" / "schemas"))
    assert result.exit_code == 0, result.output
    for kind in ALL_KINDS:
        written = (tmp_path / "deep" / "schemas" / f"{kind}.json").read_bytes()
        assert written == shipped_schema(kind).read_bytes()
    assert "Did you mean 'persona'?" in invoke("schema", "persna").stderr
    (tmp_path / "file").write_text("")
    refused = invoke("schema", "game", "--out", str(tmp_path / "file"))
    assert refused.exit_code == 2
    assert "cannot be written" in refused.stderr


@pytest.mark.parametrize("kind", list(Template))
def test_a_new_file_is_valid_commented_and_known_to_editors(kind: str, tmp_path: Path) -> None:
    result = invoke("new", kind, "my-own_1", "--out", str(tmp_path / "games"))
    assert result.exit_code == 0, result.output
    file = tmp_path / "games" / ALL_KINDS[kind].folder / "my-own_1.yaml"
    assert f"wrote {file}" in result.stdout
    found, model = validate_any(file)
    assert found == kind
    assert authored(model)["name"] == "my-own_1"
    text = file.read_text(encoding="utf-8")
    assert text.startswith(f"# yaml-language-server: $schema={shipped_schema(kind).as_uri()}\n")
    data = {key: value for key, value in authored(model).items() if key != "name"}
    jsonschema.validate(authored(model), json.loads(shipped_schema(kind).read_text("utf-8")))
    _, bundled = validate_any(scenario_root() / "templates" / f"{kind}.yaml")
    assert data == {key: value for key, value in authored(bundled).items() if key != "name"}


@pytest.mark.parametrize("kind", [kind for kind in Template if kind in KINDS])
def test_a_template_mentions_every_field_there_is(kind: str) -> None:
    """In a field or, for what excludes another form, in a comment."""
    text = (scenario_root() / "templates" / f"{kind}.yaml").read_text(encoding="utf-8")
    words = set(re.findall(r"[a-z_]+", text))
    schema = json.loads(shipped_schema(kind).read_text(encoding="utf-8"))
    inline = {"InlinePersona", "InlinePricing"}  # parts of a scenario with templates of their own
    owners = [schema, *(body for name, body in schema.get("$defs", {}).items())]
    reachable = [owner for owner in owners if not skipped(owner, kind, inline)]
    missing = {
        name for owner in reachable for name in owner.get("properties", {}) if name not in words
    }
    assert missing == set()


def skipped(owner: dict[str, Any], kind: str, inline: set[str]) -> bool:
    """Return whether a definition belongs to a persona or regime inside a scenario."""
    if kind != "scenario":
        return False
    parts = {
        name
        for part in ("persona", "pricing")
        for name in json.loads(shipped_schema(part).read_text(encoding="utf-8"))["$defs"]
    }
    return owner["title"] in inline | parts - {"RatesModel"}


@pytest.mark.parametrize("kind", list(Template))
def test_every_line_of_a_template_that_has_a_number_says_what_it_is(kind: str) -> None:
    lines = (scenario_root() / "templates" / f"{kind}.yaml").read_text("utf-8").splitlines()
    for i, line in enumerate(lines):
        if re.search(r"^ *[a-z_]+: \S*[0-9]", line) and not line.startswith("schema"):
            nearby = " ".join(lines[max(0, i - 7) : i + 1])
            assert "#" in nearby, line


def test_the_template_of_a_recipe_names_every_algorithm_and_its_fields() -> None:
    """All but the sections of other algorithms, which it names."""
    text = (scenario_root() / "templates" / "recipe.yaml").read_text("utf-8")
    schema = json.loads(shipped_schema("recipe").read_text("utf-8"))
    algorithms = schema["properties"]["algorithm"]["enum"]
    sections = {name.replace("-", "_") for name in algorithms} - {"ppo"}
    fields = {*schema["properties"], *schema["$defs"]["PpoModel"]["properties"]} - sections
    words = set(re.findall(r"[a-z_0-9]+(?:-[a-z]+)*", text))
    assert {*algorithms, *fields} <= words


@pytest.mark.parametrize("word", ["price", "personas", "studies"])
def test_a_kind_may_be_written_as_gtalign_list_takes_it(word: str, tmp_path: Path) -> None:
    assert invoke("new", word, "mine", "--out", str(tmp_path)).exit_code == 0
    assert invoke("validate", str(tmp_path)).exit_code == 0


def test_an_empty_folder_is_not_called_valid(tmp_path: Path) -> None:
    result = invoke("validate", str(tmp_path))
    assert result.exit_code == 2
    assert "must hold a YAML file; it holds none" in result.stderr


def test_a_recipe_is_shown_without_the_sections_of_other_algorithms() -> None:
    shown = json.loads(invoke("show", "strategic-ppo", "--json").stdout)["data"]
    assert "ppo" in shown
    assert not {"grpo", "dpo", "a2c", "selfplay"} & set(shown)
    assert "lm_ppo" not in invoke("show", "strategic-ppo").stdout


def test_a_kind_without_a_template_is_refused(tmp_path: Path) -> None:
    result = invoke("new", "scenaro", "mine", "--out", str(tmp_path))
    assert result.exit_code == 2
    assert result.stderr.startswith("error: there is a template for persona, pricing, scenario,")
    assert "Did you mean 'scenario'?" in result.stderr


def test_an_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "personas" / "mine.yaml"
    file.parent.mkdir()
    file.write_text("precious")
    result = invoke("new", "persona", "mine", "--out", str(tmp_path))
    assert result.exit_code == 2
    assert result.stderr == f"error: {file}: exists already, and is left as it is\n"
    assert file.read_text() == "precious"


@pytest.mark.parametrize("name", ["../x", "Mine", "a/b", "", "x" * 65, "_x", "a.yaml", "~"])
def test_a_name_that_is_none_writes_nothing(name: str, tmp_path: Path) -> None:
    result = invoke("new", "persona", name, "--out", str(tmp_path / "games"))
    assert result.exit_code == 2
    assert "is named by lower-case letters" in result.stderr
    assert not (tmp_path / "games").exists()


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "games").write_text("a file")
    result = invoke("new", "persona", "mine", "--out", str(tmp_path / "games"))
    assert result.exit_code == 2
    assert "cannot be written" in result.stderr


def test_a_schema_beside_the_games_is_preferred(tmp_path: Path) -> None:
    """Then the folder can be given to somebody else and editors still find it."""
    assert invoke("schema", "--out", str(tmp_path / "schemas")).exit_code == 0
    assert invoke("new", "pricing", "mine", "--out", str(tmp_path)).exit_code == 0
    first = (tmp_path / "pricing" / "mine.yaml").read_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=../schemas/pricing.json"
    assert (tmp_path / "pricing" / first.partition("=")[2]).resolve().is_file()


def test_a_model_without_descriptions_would_be_noticed() -> None:
    class Careless(BaseModel):
        length: float = 1.0

    (field,) = Careless.model_json_schema()["properties"].values()
    assert "description" not in field
    assert not any("description" in node for node in nodes(Careless.model_json_schema()))
