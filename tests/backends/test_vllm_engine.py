"""vLLM's engine behind a stand-in of its interface; `tests/engines` runs the engine itself."""

from __future__ import annotations

import importlib.metadata
import sys
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from gtalign_agents.backends.chat import Completion, Fault, Message, Request, Sampling
from gtalign_agents.backends.vllm_engine import VllmModel, engine_version
from gtalign_env.errors import MissingExtraError, RunError
from gtalign_env.pricing import Usage

HELLO = Request((Message("user", "Hello there."),), Sampling(max_tokens=8))


class Refused(Exception):  # noqa: N818  # the name of what it stands for
    """Stands in for vLLM's errors of a request."""


class Tokenizer:
    """One token a word."""

    chat_template = "x"
    eos_token_id = 0

    def apply_chat_template(self, messages: list[dict[str, str]], **more: Any) -> str:
        assert more["add_generation_prompt"] is not more["continue_final_message"]
        return " ".join(message["content"] for message in messages)

    def encode(self, text: str, add_special_tokens: bool) -> list[int]:
        assert not add_special_tokens
        return list(range(1, 1 + len(text.split())))


@dataclass
class Engine:
    """Stands in for ``vllm.LLM``."""

    path: str
    fate: str = "stop"
    asked: list[tuple[dict[str, Any], Any]] = field(default_factory=list)
    model_config: Any = field(default_factory=lambda: SimpleNamespace(max_model_len=20))

    def get_tokenizer(self) -> Tokenizer:
        return Tokenizer()

    def generate(self, prompts: list[Any], params: list[Any], use_tqdm: bool) -> list[Any]:
        self.asked += zip(prompts, params, strict=True)
        if self.fate == "dies":
            raise RuntimeError("the engine core is dead: Hello there.")
        if any(p.structured_outputs and p.structured_outputs.grammar == "bad" for p in params):
            raise Refused("cannot compile: Hello there.")
        logprobs = [{token: SimpleNamespace(logprob=-0.5 * token)} for token in (1, 2, 3)]
        said = SimpleNamespace(
            text="It is Hue.", token_ids=[1, 2, 3], logprobs=logprobs, finish_reason=self.fate
        )
        cached = 99 if self.fate == "cached" else 1
        if self.fate == "cached":
            said.finish_reason = "stop"
        return [
            SimpleNamespace(
                outputs=[said], num_cached_tokens=cached, prompt_token_ids=p["prompt_token_ids"]
            )
            for p in prompts
        ]


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> list[Engine]:
    made: list[Engine] = []

    def start(path: str, **settings: Any) -> Engine:
        if path == "none":
            raise OSError("there is no such folder\nand more")
        made.append(Engine(path, **settings))
        return made[-1]

    vllm, parameters, errors = map(ModuleType, ("vllm", "vllm.sampling_params", "vllm.exceptions"))
    errors.VLLMClientError = Refused  # type: ignore[attr-defined]  # a stand-in
    vllm.LLM, vllm.SamplingParams = start, SimpleNamespace  # type: ignore[attr-defined]  # stand-ins
    parameters.StructuredOutputsParams = lambda json=None, grammar=None: SimpleNamespace(  # type: ignore[attr-defined]  # likewise
        json=json, grammar=grammar
    )
    monkeypatch.setitem(sys.modules, "vllm", vllm)
    monkeypatch.setitem(sys.modules, "vllm.sampling_params", parameters)
    monkeypatch.setitem(sys.modules, "vllm.exceptions", errors)
    monkeypatch.setattr("gtalign_agents.backends.vllm_engine.version", lambda name: "0.31.0")
    return made


def test_a_completion_has_text_tokens_logprobs_and_checked_usage(engines: list[Engine]) -> None:
    model = VllmModel("m")
    assert model.name == "vllm:m@vllm-0.31.0"
    assert model.complete([HELLO]) == [
        Completion(
            text="It is Hue.",
            finish="stop",
            usage=Usage(input=2, cached_input=1, output=3, reasoning=0),
            usage_source="tokenizer",
            model="m",
            token_ids=(1, 2, 3),
            logprobs=(-0.5, -1.0, -1.5),
        )
    ]
    assert len(engines) == 1
    assert model.complete([]) == []


def test_one_batch_with_a_seed_for_each_and_a_form_where_asked(engines: list[Engine]) -> None:
    requests = [
        Request(HELLO.messages, Sampling(stop=("</payoff>",), seed=1), index=1),
        Request(HELLO.messages, Sampling(seed=1), index=2, schema={"type": "object"}),
        Request(HELLO.messages, prefix="<thinking> so", grammar="start: /x/"),
    ]
    VllmModel("m").complete(requests)
    prompts, params = zip(*engines[0].asked, strict=True)
    assert [len(prompt["prompt_token_ids"]) for prompt in prompts] == [2, 2, 4]
    assert len({one.seed for one in params}) == 3
    assert params[0].stop == ["</payoff>"]
    assert params[0].include_stop_str_in_output
    assert params[0].structured_outputs is None
    assert params[1].structured_outputs.json == {"type": "object"}
    assert params[2].structured_outputs.grammar == "start: /x/"
    again = VllmModel("m")
    again.complete(requests[::-1])
    assert {p.seed for p in params} == {p.seed for _, p in engines[1].asked}


def test_what_cannot_be_served_is_refused_alone(engines: list[Engine]) -> None:
    long = Request((Message("user", "word " * 20),))
    bad = Request(HELLO.messages, grammar="bad")
    outcomes = VllmModel("m").complete([HELLO, long, bad])
    assert [getattr(one, "kind", "answered") for one in outcomes] == [
        "answered",
        "refused",
        "refused",
    ]
    assert "Hello" not in repr(outcomes[1:])


@pytest.mark.parametrize(
    ("fate", "kind"),
    [("dies", "server"), ("abort", "server"), (None, "server"), ("cached", "out_of_range")],
)
def test_every_way_to_fail_has_its_kind(engines: list[Engine], fate: str, kind: str) -> None:
    (outcome,) = VllmModel("m", {"fate": fate}).complete([HELLO])
    assert isinstance(outcome, Fault)
    assert outcome.kind == kind
    assert "Hello" not in outcome.message


def test_a_model_that_is_not_there_is_told(engines: list[Engine]) -> None:
    with pytest.raises(RunError, match=r"must be able to load 'none'; it says: there is no such f"):
        VllmModel("none").complete([HELLO])


def test_without_the_engine_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr("gtalign_agents.backends.vllm_engine.version", missing)
    with pytest.raises(MissingExtraError, match=r"gtalign-env\[vllm\]"):
        engine_version()
    with pytest.raises(MissingExtraError):
        VllmModel("m").complete([HELLO])


def test_a_schema_and_a_grammar_at_once_are_refused() -> None:
    with pytest.raises(ValueError, match="not to both"):
        Request(HELLO.messages, schema={"type": "object"}, grammar="start: /x/")
