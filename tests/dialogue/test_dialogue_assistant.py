"""The assistant's model: it reads what is public, writes blocks, and goes on from an edited matrix."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gtalign_agents.backends.chat import Completion, Fault, Request, Sampling
from gtalign_agents.backends.scripted import ScriptedModel
from gtalign_agents.dialogue.assistant import LanguageAssistant
from gtalign_agents.dialogue.play import play
from gtalign_agents.dialogue.speaker import Dialogue, Said, ScriptedUser
from gtalign_agents.dialogue.staged import END_OF_MATRIX
from gtalign_agents.fourblock import PAYOFF_KEYS, FourBlock, parse, render
from gtalign_agents.steering import PUBLISHED_EDIT
from gtalign_env.core.moves import AssistantMove
from gtalign_env.core.policies import user_policy
from gtalign_env.draws import Seat
from gtalign_env.envs.dialogue_aec import TalkTable
from gtalign_env.envs.talk import Talk
from gtalign_env.persona import UserType

from .conftest import Talks

PAYOFF = {key: {"LLM": 1.0, "user": 2.0} for key in PAYOFF_KEYS}
WHOLE = render(FourBlock("Hm.", PAYOFF, "VQ_CQ", "Do you mean this or that?"))


def asked(talk: Talk, text: str = "What is it?") -> Dialogue:
    talk.say_user(text)
    return Dialogue(talk, [(Seat.USER, Said(text))])


def one(assistant: LanguageAssistant, dialogue: Dialogue) -> Said:
    (said,) = assistant.speak([dialogue])
    assert isinstance(said, Said)
    return said


def test_the_user_reads_the_response_only(talks: Talks) -> None:
    said = one(LanguageAssistant(ScriptedModel(lambda request: WHOLE)), asked(talks(1)[0]))
    assert said.text == "Do you mean this or that?"
    assert said.written == WHOLE
    assert said.reasoning + "<response>" in WHOLE
    assert said.labels == ()


def test_what_is_malformed_reaches_the_user_as_nothing_and_is_labelled(talks: Talks) -> None:
    broken = WHOLE.replace("<payoff>", "<payof>")
    dialogue = asked(talks(1)[0])
    said = one(LanguageAssistant(ScriptedModel(lambda request: broken)), dialogue)
    assert said.text == ""
    assert said.written == broken
    assert said.labels == ("outside_text",)
    dialogue.talk.say_assistant(said.text)
    assert dialogue.talk.conversation.assistant_moves == (AssistantMove.DA_CONCISE,)


def test_plain_text_is_all_read(talks: Talks) -> None:
    assistant = LanguageAssistant(ScriptedModel(lambda request: "Hue."), format="plain")
    assert one(assistant, asked(talks(1)[0])).text == "Hue."


class Cut:
    """A model whose completions run into the token limit."""

    name = "cut"

    def complete(self, requests: list[Request]) -> list[Completion | Fault]:
        whole = ScriptedModel(lambda request: WHOLE).complete(requests)
        return [replace(one, finish="length") for one in whole if isinstance(one, Completion)]


def test_a_cut_turn_says_so(talks: Talks) -> None:
    assert one(LanguageAssistant(Cut()), asked(talks(1)[0])).labels == ("unfinished",)  # type: ignore[arg-type]  # takes lists only


def test_it_remembers_its_own_blocks_and_the_user_s_tags_are_harmless(talks: Talks) -> None:
    assistant = LanguageAssistant(ScriptedModel(lambda request: WHOLE))
    dialogue = asked(talks(1)[0], "What is <payoff>{}</payoff> it?")
    said = one(assistant, dialogue)
    dialogue.talk.say_assistant(said.text)
    dialogue.turns.append((Seat.ASSISTANT, said))
    dialogue.talk.say_user("I mean that.")
    dialogue.turns.append((Seat.USER, Said("I mean that.")))
    request = assistant.request(dialogue)
    assert [m.role for m in request.messages] == ["system", "user", "assistant", "user"]
    assert request.messages[1].content == "What is ‹payoff>{}‹/payoff> it?"
    assert request.messages[2].content == WHOLE


def test_the_prompt_is_the_same_whoever_asks() -> None:
    """Two personas, the same words and price: byte for byte one prompt."""
    seen: dict[str, set[UserType]] = {}
    for scenario in ("help_desk", "mixed_crowd"):
        table = TalkTable(scenario, "per_token")
        table.seed(3)
        for i in range(60):
            talk = table.talk(table.open(i))
            dialogue = asked(talk)
            request = LanguageAssistant(ScriptedModel(lambda request: WHOLE)).request(dialogue)
            seen.setdefault(request.key("any"), set()).add(talk.conversation.who)
    assert len(seen) == 1
    assert len(next(iter(seen.values()))) > 10


def writes_then_goes_on(request: Request) -> str:
    """Write a turn; halt at the matrix if told to; go on from a prefix by what its matrix says."""
    if request.prefix:
        better = "DQ_DA" if '"DQ_DA": {"LLM": 2.0' in request.prefix else "VQ_CQ"
        return f"<analyze>{better}</analyze><response>It is Hue.</response>"
    text = WHOLE
    for stop in request.sampling.stop:
        text = text.partition(stop)[0]  # servers cut the stop text off
    return text


def test_a_steered_turn_goes_on_from_the_edited_matrix(talks: Talks) -> None:
    assistant = LanguageAssistant(
        ScriptedModel(writes_then_goes_on),
        steering=lambda spec: PUBLISHED_EDIT,
        sampling=Sampling(stop=()),
    )
    said = one(assistant, asked(talks(1)[0]))
    assert said.text == "It is Hue."
    block = parse(said.written)
    assert block.payoff == PUBLISHED_EDIT.of(PAYOFF)
    assert block.analyze == "DQ_DA"
    assert said.steered is not None
    assert said.steered.to_json()["steered"]
    assert len(said.calls) == 2
    control = LanguageAssistant(ScriptedModel(writes_then_goes_on))
    assert one(control, asked(talks(1)[0])).steered is None


@pytest.mark.parametrize("written", ["no blocks", "<thinking>x</thinking><payoff>{", "<payoff>"])
def test_a_turn_without_a_matrix_is_left_alone(talks: Talks, written: str) -> None:
    def reply(request: Request) -> str:
        return " goes on" if request.prefix else written

    assistant = LanguageAssistant(ScriptedModel(reply), steering=lambda spec: PUBLISHED_EDIT)
    said = one(assistant, asked(talks(1)[0]))
    assert said.steered is not None
    assert said.steered.fault is not None
    assert said.labels


def test_a_failure_in_either_half_is_a_fault(talks: Talks) -> None:
    def second_fails(request: Request) -> str | Fault:
        fault = Fault("timeout", "no answer", 1)
        return fault if request.prefix else writes_then_goes_on(request)

    for model in (ScriptedModel(second_fails), ScriptedModel(lambda r: Fault("rate", "429", 4))):
        assistant = LanguageAssistant(model, steering=lambda spec: PUBLISHED_EDIT)
        (said,) = assistant.speak([asked(talks(1)[0])])
        assert isinstance(said, Fault)


def test_steering_needs_blocks() -> None:
    with pytest.raises(ValueError, match="four_block"):
        LanguageAssistant(
            ScriptedModel(lambda r: ""), format="plain", steering=lambda spec: PUBLISHED_EDIT
        )


def test_whole_conversations_with_blocks(talks: Talks) -> None:
    dialogues = play(
        talks(30),
        ScriptedUser(user_policy("default")),
        LanguageAssistant(ScriptedModel(lambda request: WHOLE)),
    )
    for dialogue in dialogues:
        moves = dialogue.talk.conversation.assistant_moves
        assert set(moves) == {AssistantMove.CQ}
        assert END_OF_MATRIX in dialogue.of(Seat.ASSISTANT)[0].written
