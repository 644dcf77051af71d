"""Turns held to their form: what is asked for at each stage, and what a cut or a refusal makes of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from gtalign_agents.backends.chat import Completion, Fault, Outcome, Request
from gtalign_agents.backends.scripted import ScriptedModel
from gtalign_agents.dialogue.assistant import LanguageAssistant
from gtalign_agents.dialogue.speaker import Dialogue, Said
from gtalign_agents.dialogue.staged import BEGAN_ANEW
from gtalign_agents.fourblock import PAYOFF_KEYS, FourBlock, parse, render, render_payoff
from gtalign_agents.grammar import AFTER_MATRIX_GRAMMAR, FOUR_BLOCK_GRAMMAR, PAYOFF_SCHEMA
from gtalign_agents.steering import PUBLISHED_EDIT
from gtalign_env.draws import Seat

from .conftest import Talks

PAYOFF = {key: {"LLM": 1.0, "user": 2.0} for key in PAYOFF_KEYS}
WHOLE = render(FourBlock("Hm.", PAYOFF, "VQ_CQ", "Do you mean this or that?"))


class Server:
    """Writes a turn piece by piece as a server does: stop texts are cut off, prefixes continued."""

    name = "server"

    def __init__(self, *, matrix: str = render_payoff(PAYOFF), cut: int | None = None) -> None:
        self.matrix, self.cut = matrix, cut
        self.asked: list[Request] = []

    def complete(self, requests: Sequence[Request]) -> list[Outcome]:
        self.asked += requests
        return [self._one(request) for request in requests]

    def _one(self, request: Request) -> Outcome:
        (made,) = ScriptedModel(self._text).complete([request])
        assert isinstance(made, Completion)
        if self.cut is not None and request.schema is not None:
            return replace(made, text=made.text[: self.cut], finish="length")
        return made

    def _text(self, request: Request) -> str:
        if request.prefix.endswith("<payoff>"):
            return self.matrix
        if request.prefix:
            return "<analyze>DQ_DA</analyze><response>It is Hue.</response>"
        text = WHOLE
        for stop in request.sampling.stop:
            text = text.partition(stop)[0]
        return text


def asked(talks: Talks) -> Dialogue:
    (talk,) = talks(1)
    talk.say_user("What is it?")
    return Dialogue(talk, [(Seat.USER, Said("What is it?"))])


def one(assistant: LanguageAssistant, talks: Talks) -> Said:
    (said,) = assistant.speak([asked(talks)])
    assert isinstance(said, Said)
    return said


def test_a_grammar_is_asked_for_in_every_call(talks: Talks) -> None:
    server = Server()
    said = one(LanguageAssistant(server, structured="grammar"), talks)
    assert [request.grammar for request in server.asked] == [FOUR_BLOCK_GRAMMAR]
    assert said.choice is not None
    server = Server()
    steered = LanguageAssistant(server, steering=lambda spec: PUBLISHED_EDIT, structured="grammar")
    assert one(steered, talks).text == "It is Hue."
    assert [r.grammar for r in server.asked] == [FOUR_BLOCK_GRAMMAR, AFTER_MATRIX_GRAMMAR]


@pytest.mark.parametrize("steer", [False, True])
def test_the_matrix_alone_is_held_to_its_schema(talks: Talks, steer: bool) -> None:
    server = Server()
    steering = (lambda spec: PUBLISHED_EDIT) if steer else None
    assistant = LanguageAssistant(server, steering=steering, structured="schema")
    said = one(assistant, talks)
    assert assistant.stages == len(said.calls) == 3
    assert [request.schema for request in server.asked] == [None, PAYOFF_SCHEMA, None]
    assert server.asked[1].prefix.endswith("<payoff>")
    assert server.asked[2].prefix.endswith("</payoff>")
    expected = PUBLISHED_EDIT.of(PAYOFF) if steer else PAYOFF
    assert parse(said.written).payoff == expected
    assert said.choice is not None
    assert said.choice == (PAYOFF, expected, "DQ_DA")


def test_half_an_object_is_not_gone_on_with(talks: Talks) -> None:
    server = Server(cut=20)
    said = one(LanguageAssistant(server, structured="schema"), talks)
    assert len(server.asked) == 2
    assert said.text == ""
    assert said.choice is None
    assert said.labels == ("unfinished", "unclosed_block")
    with pytest.raises(json.JSONDecodeError):
        json.loads(said.written.partition("<payoff>")[2])


def test_a_matrix_that_ignores_its_schema_is_a_broken_rule(talks: Talks) -> None:
    said = one(LanguageAssistant(Server(matrix="{}"), structured="schema"), talks)
    assert said.labels == ("payoff_keys",)


def test_one_that_cannot_be_held_or_continue_refuses(talks: Talks) -> None:
    for structured in ("schema", "grammar"):

        def refuse(request: Request) -> str | Fault:
            held = request.schema is not None or request.grammar
            return Fault("refused", "cannot", 0) if held else "<thinking></thinking>"

        assistant = LanguageAssistant(ScriptedModel(refuse), structured=structured)
        (said,) = assistant.speak([asked(talks)])
        assert said == Fault("refused", "cannot", 0)
    anew = ScriptedModel(lambda request: WHOLE if request.prefix else "<thinking>a</thinking>")
    (said,) = LanguageAssistant(anew, structured="schema").speak([asked(talks)])
    assert isinstance(said, Fault) or said.labels  # its whole turn within a turn is none


def test_a_server_that_begins_anew_is_a_fault(talks: Talks) -> None:
    anew = ScriptedModel(lambda request: WHOLE)
    assistant = LanguageAssistant(anew, steering=lambda spec: PUBLISHED_EDIT)
    assert assistant.speak([asked(talks)]) == [BEGAN_ANEW]


def test_only_blocks_are_held_to_a_form() -> None:
    with pytest.raises(ValueError, match="four_block"):
        LanguageAssistant(Server(), format="plain", structured="grammar")
