"""Models by name: what leads to which, and what is told of a name that leads nowhere."""

from __future__ import annotations

import pytest

from gtalign_agents.backends.local import LocalModel
from gtalign_agents.backends.named import is_model, model_of, without_login
from gtalign_agents.backends.openai_http import OpenAIHttp
from gtalign_env.errors import ScenarioError


def test_names_lead_to_models() -> None:
    for prefix in ("", "llm:"):
        model = model_of(f"{prefix}openai:http://127.0.0.1:8000/v1/#org/name#2", deadline=3.0)
        assert isinstance(model, OpenAIHttp)
        assert (model.base_url, model.model) == ("http://127.0.0.1:8000/v1", "org/name#2")
        assert model.deadline == 3.0
        local = model_of(f"{prefix}local:runs/a/model")
        assert isinstance(local, LocalModel)
        assert local.path == "runs/a/model"


def test_agents_are_no_models() -> None:
    for name in ("default", "DA:standard", "best_response@CQ", "trained@runs/a"):
        assert not is_model(name)


def lookup(name: str) -> None:
    if is_model(name):
        model_of(name)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("opnai:http://h/v1#m", "Did you mean 'openai'"),
        ("http://h/v1#m", "a model is openai:"),
        ("llm:default", "a model is openai:"),
        ("openai:http://h/v1", "a model is openai:"),
        ("openai:ftp://h/v1#m", "a model is openai:"),
        ("openai:#m", "a model is openai:"),
        ("local:", "a model is openai:"),
        ("openai:http://me:hunter2@h/v1#m", "an address holds no key"),
        ("openai:http://h/v1?key=hunter2#m", "an address holds no key"),
        ("opnai:http://me:hunter2@h/v1?key=hunter2#m", "Did you mean 'openai'"),
    ],
)
def test_what_is_no_model_is_told_without_what_may_be_a_key(name: str, message: str) -> None:
    with pytest.raises(ScenarioError, match=message) as refused:
        lookup(name)
    assert "hunter2" not in str(refused.value)
    assert "hunter2" not in without_login(name)
