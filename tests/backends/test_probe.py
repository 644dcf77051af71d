"""What a server can do is found by answers that only a server gives that heeds what it is asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner

from gtalign_agents.backends.openai_http import OpenAIHttp
from gtalign_agents.backends.probe import GRAMMAR_PARAMETERS, Ability, probe
from gtalign_env.testing import FAULTS, FaultServer
from gtalign_training.cli import main

NAMES = ("answers", "usage", "continues a turn", "JSON schema", "grammar")


def asked(heeds: Callable[[dict[str, Any]], str], model: str = "ok") -> list[Ability]:
    """Return what is found of a server that answers by the whole payload."""
    with FaultServer(lambda messages: heeds(server.prompts[-1])) as server:
        return probe(OpenAIHttp(server.base_url, model, attempts=1, deadline=1.0))


def able(grammar: str) -> Callable[[dict[str, Any]], str]:
    def heed(payload: dict[str, Any]) -> str:
        if payload.get("continue_final_message"):
            return " 6 7 8 9"
        if "response_format" in payload:
            return '{"colour": "ochre"}'
        return "violet" if grammar in payload else "The sea is wide."

    return heed


@pytest.mark.parametrize(
    "parameter", [next(iter(parameter)) for parameter in GRAMMAR_PARAMETERS.values()]
)
def test_a_server_that_can_do_all_is_found_to(parameter: str) -> None:
    found = asked(able(parameter))
    assert tuple(one.name for one in found) == NAMES
    assert all(one.holds for one in found)
    assert found[-1].detail.startswith(f"by {parameter}")


@pytest.mark.parametrize(
    "answer",
    [
        "The sea is wide.",
        "1 2 3 4 5 6 7 8 9",  # begins anew
        '{"colour": "blue"}',
        '["violet"]',
        "",
    ],
)
def test_a_server_that_ignores_what_it_is_told_is_found_to(answer: str) -> None:
    found = {one.name: one for one in asked(lambda payload: answer)}
    for name in NAMES[2:]:
        assert not found[name].holds
        assert found[name].fix


def test_one_that_counts_no_tokens_is_told_what_a_cap_makes_of_it() -> None:
    (usage,) = [one for one in asked(able("ebnf"), "no_usage") if one.name == "usage"]
    assert not usage.holds
    assert "worst case" in usage.fix


@pytest.mark.parametrize("fault", [f for f in FAULTS if f not in ("length", "no_usage")])
def test_one_that_fails_is_told_what_to_do(fault: str) -> None:
    (only,) = asked(able("ebnf"), fault)
    assert (only.name, only.holds) == ("answers", False)
    assert only.fix


def test_doctor_tells_it_with_what_to_do() -> None:
    with FaultServer() as server:
        well = CliRunner().invoke(main, ["doctor", "--server", f"{server.base_url}#ok"])
        ill = CliRunner().invoke(main, ["doctor", "--server", f"openai:{server.base_url}#html"])
    assert well.exit_code == 0
    assert "ok      answers: ok: 'Fine.'" in well.stdout
    assert "note    continues a turn: went on with 'Fine.'" in well.stdout
    assert "-> --steer needs a server that knows continue_final_message" in well.stdout
    assert ill.exit_code == 3
    assert "-> the address leads to something else than a model server" in ill.stdout
    for name in ("local:somewhere", "nonsense"):
        assert CliRunner().invoke(main, ["doctor", "--server", name]).exit_code == 2
