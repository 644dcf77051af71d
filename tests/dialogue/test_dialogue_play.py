"""Dialogues in step: scripted seats play the game without words, failures stay with their own talk."""

from __future__ import annotations

from gtalign_agents.backends.chat import Fault, Request
from gtalign_agents.backends.openai_http import OpenAIHttp
from gtalign_agents.backends.scripted import ScriptedModel
from gtalign_agents.dialogue.assistant import LanguageAssistant
from gtalign_agents.dialogue.play import play
from gtalign_agents.dialogue.speaker import ScriptedAssistant, ScriptedUser
from gtalign_agents.dialogue.user import LanguageUser
from gtalign_env.core.conversation import Conversation
from gtalign_env.core.moves import Ending
from gtalign_env.core.policies import assistant_policy, user_policy
from gtalign_env.draws import Purpose, Seat
from gtalign_env.envs.table import Table
from gtalign_env.testing import FaultServer

from .conftest import Talks, obey

USER = ScriptedUser(user_policy("default"))
ASSISTANT = ScriptedAssistant(assistant_policy("random"))


def without_words(count: int) -> list[Conversation]:
    """Play the same conversations by moves alone."""
    table = Table("help_desk", "reasoning_api")
    table.seed(7)
    user, assistant = user_policy("default"), assistant_policy("random")
    played = []
    for i in range(count):
        one = table.open(i)
        while one.state.ending is None:
            if one.state.to_move is Seat.USER:
                u = one.chance(Seat.USER, Purpose.POLICY)
                one.step_user(user(one.user_view(), u))
            else:
                u = one.chance(Seat.ASSISTANT, Purpose.POLICY)
                one.step_assistant(assistant(one.assistant_view(), u))
        played.append(one)
    return played


def test_scripted_seats_play_the_game_without_words(talks: Talks) -> None:
    over: list[int] = []
    dialogues = play(talks(60), USER, ASSISTANT, over.append)
    for dialogue, other in zip(dialogues, without_words(60), strict=True):
        conversation = dialogue.talk.conversation
        assert conversation.returns == other.returns
        assert conversation.assistant_moves == other.assistant_moves
        assert [seat for seat, _ in dialogue.turns] == [m.seat for m in dialogue.talk.messages]
    assert over == sorted(over)
    assert over[-1] == 60


def test_an_obedient_phrasing_user_is_the_scripted_one_in_other_words(
    talks: Talks, obedient: ScriptedModel
) -> None:
    user = LanguageUser(obedient, policy=user_policy("default"))
    dialogues = play(talks(60), user, ASSISTANT)
    assert [d.talk.conversation.returns for d in dialogues] == [
        one.returns for one in without_words(60)
    ]
    assert all(not said.labels for d in dialogues for said in d.of(Seat.USER))


def test_words_that_say_something_else_are_replaced_and_counted(
    talks: Talks, disobedient: ScriptedModel
) -> None:
    user = LanguageUser(disobedient, policy=user_policy("default"))
    dialogues = play(talks(60), user, ASSISTANT)
    assert [d.talk.conversation.returns for d in dialogues] == [
        one.returns for one in without_words(60)
    ]
    spoken = [said for d in dialogues for said in d.of(Seat.USER)]
    misphrased = [said for said in spoken if "misphrased" in said.labels]
    assert len(misphrased) > len(spoken) / 2  # where asking on is due, these words do ask on
    assert all(len(said.calls) == 2 and said.written for said in misphrased)


def test_a_failed_call_ends_its_own_talk_and_no_other(talks: Talks) -> None:
    def sometimes(request: Request) -> str | Fault:
        text = obey(request)
        return Fault("server", "status 500", 4) if "Antigone" in text else text

    user = LanguageUser(ScriptedModel(sometimes), policy=user_policy("default"))
    dialogues = play(talks(200), user, ASSISTANT)
    healthy = without_words(200)
    faulted = [d for d in dialogues if d.fault is not None]
    assert 0 < len(faulted) < 100
    for dialogue, other in zip(dialogues, healthy, strict=True):
        conversation = dialogue.talk.conversation
        if dialogue.fault is None:
            assert conversation.returns == other.returns
        else:
            assert conversation.state.ending is Ending.FAULT
            assert conversation.ledger.balance(Seat.USER) == -conversation.state.charged


def test_a_dead_model_in_either_seat_is_all_faults(talks: Talks, failing: ScriptedModel) -> None:
    dead = LanguageAssistant(failing)
    for user, assistant in ((LanguageUser(failing), ASSISTANT), (USER, dead)):
        for dialogue in play(talks(5), user, assistant):
            assert dialogue.fault == Fault("server", "status 500", 4)
            assert dialogue.talk.conversation.state.ending is Ending.FAULT


def test_two_seats_on_a_server(talks: Talks) -> None:
    def reply(messages: list[dict[str, str]]) -> str:
        if "You play a person" in messages[0]["content"]:
            answered = "The last answer is" in messages[0]["content"]
            return "Thank you." if answered else "What is this?"
        return "It is Hue."

    with FaultServer(reply) as server:
        model = OpenAIHttp(server.base_url, "ok")
        user = LanguageUser(model, mode="decided")
        dialogues = play(talks(12), user, LanguageAssistant(model, format="plain"))
        assert len(server.prompts) == sum(len(d.turns) for d in dialogues) == 36
    for dialogue in dialogues:
        assert dialogue.talk.conversation.state.ending is Ending.ACCEPTED
        assert dialogue.turns[0][1].calls[0].usage_source == "server"
