"""Turns held to a schema or a grammar by vLLM itself; see `test_vllm` for how to run it.

The model has random weights: whatever keeps to a form here was held to it. Its tokens are bytes, as a
vocabulary must be able to spell every text of the form.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gtalign_agents.backends.chat import ChatModel, Completion, Message, Request, Sampling
from gtalign_agents.backends.vllm_engine import VllmModel
from gtalign_agents.grammar import AFTER_MATRIX_GRAMMAR, FOUR_BLOCK_GRAMMAR, PAYOFF_SCHEMA

from .conftest import served

pytest.importorskip("vllm", reason="vLLM has an environment of its own; see docs/models.md")
pytestmark = [
    pytest.mark.net,
    pytest.mark.filterwarnings("ignore"),  # of the engine and its libraries
]
COLOUR = {
    "type": "object",
    "properties": {"colour": {"enum": ["violet", "ochre"]}},
    "required": ["colour"],
    "additionalProperties": False,
}
ASKED = Request((Message("user", "Say anything."),), Sampling(max_tokens=120))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("bytes")
    _save_bytes(path)
    return str(path)


@pytest.fixture(scope="module", params=["engine", "server"])
def model(folder: str, request: pytest.FixtureRequest) -> Iterator[ChatModel]:
    """Give random weights behind either, with the backend that reads the grammar."""
    held = {"backend": "guidance"}
    if request.param == "server":
        with served(folder, "--structured-outputs-config", json.dumps(held)) as on_server:
            yield on_server
        return
    settings = {"enforce_eager": True, "dtype": "float32", "structured_outputs_config": held}
    yield VllmModel(folder, settings)


def _save_bytes(path: Path) -> None:
    from tokenizers import Tokenizer, decoders, pre_tokenizers
    from tokenizers.models import BPE
    from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

    signs = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {sign: i for i, sign in enumerate(["<pad>", "<end>", *signs])}
    tokenizer = Tokenizer(BPE(vocabulary, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<end>", model_max_length=2048
    )
    fast.chat_template = (
        "{% for m in messages %}{{ m['role'] + ': ' + m['content'] + '\\n' }}{% endfor %}"
        "{% if add_generation_prompt %}assistant: {% endif %}"
    )
    fast.save_pretrained(str(path))
    config = Qwen3Config(
        vocab_size=len(fast),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=32,  # the least that the engine's attention takes on a CPU
        max_position_embeddings=2048,
        eos_token_id=fast.eos_token_id,
        pad_token_id=fast.pad_token_id,
        bos_token_id=None,
    )
    Qwen3ForCausalLM(config).save_pretrained(str(path))


def made_by(model: ChatModel, requests: list[Request]) -> list[Completion]:
    made = model.complete(requests)
    assert all(isinstance(one, Completion) for one in made), made
    return [one for one in made if isinstance(one, Completion)]


def test_a_schema_is_kept_to(model: ChatModel) -> None:
    made = made_by(model, [replace(ASKED, schema=COLOUR, index=i) for i in range(8)])
    assert all(one.finish == "stop" for one in made)
    assert {json.loads(one.text)["colour"] for one in made} == {"violet", "ochre"}
    free = made_by(model, [replace(ASKED, index=i) for i in range(8)])
    assert not any(one.text.startswith("{") and one.text.endswith("}") for one in free)


def test_a_matrix_that_is_cut_off_is_half_an_object_and_says_so(model: ChatModel) -> None:
    short = replace(ASKED, schema=PAYOFF_SCHEMA, sampling=Sampling(max_tokens=30))
    (made,) = made_by(model, [short])
    assert (made.finish, made.is_whole) == ("length", False)
    assert made.text.lstrip().startswith("{")
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        json.loads(made.text)


@pytest.mark.parametrize("grammar", [FOUR_BLOCK_GRAMMAR, AFTER_MATRIX_GRAMMAR])
def test_what_is_written_under_the_grammar_begins_a_turn(model: ChatModel, grammar: str) -> None:
    import llguidance

    packed = json.dumps({"grammars": [{"lark_grammar": grammar}]})
    made = made_by(model, [replace(ASKED, grammar=grammar, index=i) for i in range(8)])
    tokenizer = llguidance.LLTokenizer("byte")
    for one in made:
        assert one.text.lstrip().startswith(
            "<thinking>" if "payoff WS" in grammar.split("\n")[1] else "<analyze>"
        )
        matcher = llguidance.LLMatcher(tokenizer, packed, log_level=0)
        whole = one.text.encode().decode("utf-8", "ignore").rstrip("\ufffd")
        assert matcher.consume_tokens(list(whole.encode())), one.text


def test_one_that_cannot_be_served_does_not_take_the_others_along(model: ChatModel) -> None:
    too_long = replace(ASKED, messages=(Message("user", "x " * 5_000),))
    outcomes = model.complete([ASKED, too_long, replace(ASKED, grammar="start: (")])
    kinds = [getattr(one, "kind", "answered") for one in outcomes]
    assert kinds == ["answered", "refused", "refused"]
