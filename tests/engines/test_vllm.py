"""vLLM itself, in this process and behind its server; in an environment of its own.

Not part of any default run: docs/models.md has the commands. ``GTALIGN_SERVED_MODEL`` names the
folder of a model that writes four blocks, such as `warm_start` makes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace

import pytest

from gtalign_agents.backends.chat import ChatModel, Completion, Sampling
from gtalign_agents.backends.openai_http import OpenAIHttp
from gtalign_agents.backends.vllm_engine import VllmModel
from gtalign_agents.dialogue.assistant import LanguageAssistant
from gtalign_agents.dialogue.play import play
from gtalign_agents.dialogue.speaker import Dialogue, Said, ScriptedUser
from gtalign_agents.fourblock import parse
from gtalign_agents.steering import Edit, edit_for, usage_of_cells
from gtalign_env.core.policies import user_policy
from gtalign_env.core.spec import GameSpec
from gtalign_env.draws import Seat
from gtalign_env.envs.dialogue_aec import TalkTable

from .conftest import served

FOLDER = os.environ.get("GTALIGN_SERVED_MODEL", "")
pytest.importorskip("vllm", reason="vLLM has an environment of its own; see docs/models.md")
pytestmark = [
    pytest.mark.net,
    pytest.mark.skipif(not FOLDER, reason="set GTALIGN_SERVED_MODEL; see docs/models.md"),
    pytest.mark.filterwarnings("ignore"),  # of the engine and its libraries
]
GREEDY = Sampling(max_tokens=160, temperature=0.0)


@pytest.fixture(scope="module")
def engine() -> VllmModel:
    return VllmModel(
        FOLDER,
        {
            "enforce_eager": True,
            "dtype": "float32",
        },
    )


@pytest.fixture(scope="module")
def server() -> Iterator[OpenAIHttp]:
    with served(FOLDER) as model:
        yield model


@pytest.fixture(scope="module", params=["engine", "server"])
def model(request: pytest.FixtureRequest) -> ChatModel:
    chosen: ChatModel = request.getfixturevalue(request.param)
    return chosen


def by_price(spec: GameSpec) -> Edit:
    return edit_for(
        spec.regime,
        usage_of_cells(spec),
        price_sensitivity=150.0,
        margin_weight=spec.margin_weight,
        cost=spec.cost,
    )


def asked(count: int = 8) -> list[Dialogue]:
    """Return dialogues in which the user has asked."""
    table = TalkTable("help_desk", "reasoning_api")
    table.seed(1)
    dialogues = []
    for episode in range(count):
        talk = table.talk(table.open(episode))
        text = talk.question.vague if episode % 2 else talk.question.interpretations[0].definite
        talk.say_user(text)
        dialogues.append(Dialogue(talk, [(Seat.USER, Said(text))], index=episode))
    return dialogues


def assistant(model: ChatModel, steer: bool = False) -> LanguageAssistant:
    return LanguageAssistant(
        model,
        steering=by_price if steer else None,
        sampling=GREEDY,
        instructions="",  # as the model was taught
    )  # fmt: skip


def said_by(one: LanguageAssistant) -> list[Said]:
    said = one.speak(asked())
    assert all(isinstance(each, Said) for each in said), said
    return [each for each in said if isinstance(each, Said)]


def test_it_writes_four_blocks_with_its_tokens_counted(model: ChatModel) -> None:
    said = said_by(assistant(model))
    assert sum(not one.labels for one in said) >= 7
    for one in said:
        (call,) = one.calls
        assert call.usage.output > 20
        assert call.usage_source in ("server", "tokenizer")


def test_a_steered_turn_goes_on_from_the_edited_matrix(model: ChatModel) -> None:
    free, steered = said_by(assistant(model)), said_by(assistant(model, steer=True))
    edited = [one for one in steered if one.steered is not None and one.steered.fault is None]
    assert len(edited) >= 7
    for one in edited:
        record = one.steered
        assert record is not None
        assert one.written.startswith(record.text)
        assert record.after != record.before
        if not one.labels:
            assert parse(one.written).payoff == record.after
    assert sum(not one.labels for one in edited) >= 6  # the same turn ends as a turn should
    for before, after in zip(free, steered, strict=True):
        if before.choice is not None and after.choice is not None:
            assert before.choice.own == after.choice.own  # what was written before the edit


def test_a_begun_turn_is_continued_token_by_token(model: ChatModel) -> None:
    request = assistant(model).request(asked(1)[0])
    (whole,) = model.complete([request])
    assert isinstance(whole, Completion)
    begun, middle, _ = whole.text.partition("</payoff>")
    (rest,) = model.complete([replace(request, prefix=begun + middle)])
    assert isinstance(rest, Completion)
    assert begun + middle + rest.text == whole.text


def test_tokens_and_logprobs_agree_with_the_text(engine: VllmModel) -> None:
    tokenizer = engine.loaded[1]
    made = engine.complete([assistant(engine).request(one) for one in asked()])
    for one in made:
        assert isinstance(one, Completion)
        assert one.token_ids is not None
        assert one.logprobs is not None
        assert tokenizer.decode(one.token_ids, skip_special_tokens=True) == one.text
        assert len(one.logprobs) == len(one.token_ids) == one.usage.output
        assert all(value <= 0 for value in one.logprobs)


def test_the_same_seed_draws_the_same_and_another_sample_does_not(engine: VllmModel) -> None:
    request = replace(assistant(engine).request(asked(1)[0]), sampling=Sampling(64, seed=1))
    one, again, other = engine.complete([request, request, replace(request, index=1)])
    assert isinstance(one, Completion)
    assert isinstance(again, Completion)
    assert isinstance(other, Completion)
    assert one.text == again.text != other.text


def test_whole_conversations(model: ChatModel) -> None:
    table = TalkTable("help_desk", "reasoning_api")
    table.seed(2)
    talks = [table.talk(table.open(episode)) for episode in range(16)]
    user = ScriptedUser(user_policy("default"))
    dialogues = play(talks, user, assistant(model, steer=True), indices=range(16))
    assert all(one.fault is None for one in dialogues)
    said = [one for dialogue in dialogues for one in dialogue.of(Seat.ASSISTANT)]
    assert sum(one.steered is not None and one.choice is not None for one in said) > len(said) / 2
