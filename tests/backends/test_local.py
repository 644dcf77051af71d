"""A model in this process: what it says is what its own tokens say, and turns go on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gtalign_agents.backends.chat import Completion, Fault, Message, Request, Sampling
from gtalign_agents.backends.local import LocalModel
from gtalign_env.errors import RunError
from gtalign_env.scenario.loader import load_scenario, load_tasks
from gtalign_training.language.tiny.language import pieces
from gtalign_training.language.tiny.model import build_model, build_tokenizer

pytestmark = [  # from inside the library; nothing that a caller could change
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

GREEDY = Sampling(max_tokens=12, temperature=0.0)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LocalModel:
    path = tmp_path_factory.mktemp("model")
    regimes = [regime.regime() for _, regime in load_scenario("help_desk").schedule]
    tokenizer = build_tokenizer(pieces(load_tasks("general_knowledge"), regimes))
    build_model(tokenizer, layers=1, hidden=32, seed=0).save_pretrained(str(path))
    tokenizer.save_pretrained(str(path))
    return LocalModel(str(path))


def asked(text: str, sampling: Sampling = GREEDY) -> Request:
    return Request((Message("user", text),), sampling)


def one(model: LocalModel, request: Request) -> Completion:
    (outcome,) = model.complete([request])
    assert isinstance(outcome, Completion)
    return outcome


def test_text_tokens_and_logprobs_agree(model: LocalModel) -> None:
    tokenizer = model.loaded[1]
    made = one(model, asked("What is the capital of Vietnam?"))
    assert made.token_ids is not None
    assert made.logprobs is not None
    assert made.text == tokenizer.decode(list(made.token_ids), skip_special_tokens=True)
    assert made.usage.output == len(made.token_ids) == len(made.logprobs) <= 12
    assert all(value <= 0 for value in made.logprobs)
    assert made.usage_source == "tokenizer"


def test_a_batch_says_what_single_requests_say(model: LocalModel) -> None:
    requests = [asked(text) for text in ("Quick: Who wrote Antigone", "Oh, hi there!", "x")]
    together = model.complete(requests)
    for request, outcome in zip(requests, together, strict=True):
        assert isinstance(outcome, Completion)
        assert outcome.text == one(model, request).text


def test_the_same_seed_draws_the_same_and_another_sample_does_not(model: LocalModel) -> None:
    request = asked("Hello", Sampling(max_tokens=24, seed=1))
    assert one(model, request).text == one(model, request).text
    assert one(model, request).text != one(model, replace(request, index=1)).text


def test_a_turn_goes_on_from_its_own_beginning(model: LocalModel) -> None:
    request = asked("Who wrote Antigone")
    whole = one(model, request)
    assert whole.token_ids is not None
    tokenizer = model.loaded[1]
    begun = tokenizer.decode(list(whole.token_ids[:5]))
    rest = one(model, replace(request, prefix=begun, sampling=replace(GREEDY, max_tokens=7)))
    assert begun + rest.text == whole.text


def test_what_ended_says_so(model: LocalModel) -> None:
    cut = one(model, asked("Hello", replace(GREEDY, max_tokens=1)))
    assert cut.finish == "length"
    assert not cut.is_whole
    stop = one(model, asked("Who wrote Antigone")).text.strip()[:3]
    stopped = one(model, asked("Who wrote Antigone", replace(GREEDY, stop=(stop,))))
    assert stopped.finish == "stop"
    assert stop in stopped.text


def test_what_it_cannot_do_is_refused(model: LocalModel, tmp_path: Path) -> None:
    (outcome,) = model.complete([replace(asked("x"), schema={"type": "object"})])
    assert isinstance(outcome, Fault)
    assert outcome.kind == "refused"
    with pytest.raises(RunError, match="must be a folder or a name"):
        LocalModel(str(tmp_path)).complete([asked("x")])
