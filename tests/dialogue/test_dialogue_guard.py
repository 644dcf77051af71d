"""The role guard: a corpus for each label, and what plain users say is in no error."""

from __future__ import annotations

import re

import pytest

from gtalign_agents.backends.chat import Request
from gtalign_agents.backends.scripted import ScriptedModel
from gtalign_agents.dialogue.assistant import LanguageAssistant
from gtalign_agents.dialogue.guard import NOTES, USER_ERRORS, errors_of, errors_of_words, user_error
from gtalign_agents.dialogue.play import play
from gtalign_agents.dialogue.speaker import (
    INJECTS,
    Dialogue,
    Said,
    ScriptedAssistant,
    ScriptedUser,
)
from gtalign_agents.dialogue.user import LanguageUser
from gtalign_agents.table import user_agent
from gtalign_env.core.moves import AssistantMove, Ending, UserMove
from gtalign_env.core.policies import assistant_policy
from gtalign_env.draws import Seat
from gtalign_env.envs.dialogue_aec import TalkTable
from gtalign_env.money import parse_money

from .conftest import Talks

ASSISTANT_LIKE = (
    "How can I help you today?", "How may I assist you?", "As an AI, I cannot know that.",
    "As a language model I have no opinion.", "I'm here to help!", "Happy to help with that.",
    "Let me know if you need more.", "Feel free to ask anything.", "Is there anything else I can do?",
)  # fmt: skip
REVEALING = (
    "A right answer is worth 5 points to me.", "That costs me 0.3 points.", "My budget is 0.015 USD.",
    "I can only pay a little.", "I could spend more on it.", "My price sensitivity is high.",
    "My outside option is zero.", "My persona is curious_learner.", "Latent as it is, I like it short.",
)  # fmt: skip
PLAIN = (
    "What is it?", "Which moon has an ocean?", "No, I mean the planet.", "That is not what I meant.",
    "Thanks.", "Never mind.", "I asked about the band, not the river.", "Can you be more exact?",
    "Help me find out when it was built.", "What do 3 points on a map tell?"[:12], "Please go on.",
)  # fmt: skip


def begun(talks: Talks, *, asked: bool = False) -> Dialogue:
    (talk,) = talks(1)
    dialogue = Dialogue(talk)
    dialogue.take(Said(talk.word_user(UserMove.VQ)))
    move = AssistantMove.CQ if asked else AssistantMove.DA_CONCISE
    dialogue.take(Said(talk.word_assistant(move)))
    return dialogue


@pytest.mark.parametrize("text", ASSISTANT_LIKE)
def test_a_user_that_talks_like_an_assistant(talks: Talks, text: str) -> None:
    assert "plays_assistant" in errors_of_words(text, UserMove.FOLLOW_UP, begun(talks))


@pytest.mark.parametrize("text", REVEALING)
def test_a_user_that_reveals_unasked(talks: Talks, text: str) -> None:
    assert "reveals" in errors_of_words(text, UserMove.FOLLOW_UP, begun(talks))


@pytest.mark.parametrize("text", PLAIN)
def test_plain_words_are_in_no_error(talks: Talks, text: str) -> None:
    assert errors_of_words(text, UserMove.FOLLOW_UP, begun(talks)) == ()


def test_a_user_that_leaves_before_anything_is_answered(talks: Talks) -> None:
    asked = begun(talks, asked=True)
    assert "ends_early" in errors_of("Never mind.", UserMove.LEAVE, asked)
    assert "ends_early" not in errors_of("I mean that.", UserMove.REPLY, asked)
    # after a wrong answer, or where no answer can be paid any more, it has a reason
    assert "ends_early" not in errors_of("Never mind.", UserMove.LEAVE, begun(talks))
    poor = asked.talk.conversation
    poor.who = poor.who._replace(budget=poor.state.charged + 1)
    assert "ends_early" not in errors_of("Never mind.", UserMove.LEAVE, asked)
    annoyed = begun(talks, asked=True)
    annoyed.talk.conversation.who = poor.who._replace(budget=10**15, annoyance=0.5, tolerance=0)
    assert "ends_early" not in errors_of("Never mind.", UserMove.LEAVE, annoyed)


def test_a_user_that_ignores_its_budget(talks: Talks) -> None:
    dialogue = begun(talks)
    conversation = dialogue.talk.conversation
    assert "ignores_budget" not in errors_of("And?", UserMove.FOLLOW_UP, dialogue)
    conversation.who = conversation.who._replace(budget=conversation.state.charged + 1)
    assert "ignores_budget" in errors_of("And?", UserMove.FOLLOW_UP, dialogue)
    assert "ignores_budget" not in errors_of("Never mind.", UserMove.LEAVE, dialogue)


def test_what_looks_like_a_tag_is_labelled_in_either_seat(talks: Talks) -> None:
    (talk,) = talks(1)
    dialogue = Dialogue(talk)
    dialogue.take(Said("What is <payoff> it?"))
    dialogue.take(Said("It is ＜response＞ Hue."))
    assert [said.labels for _, said in dialogue.turns] == [(INJECTS,), (INJECTS,)]
    assert talk.messages[0].text == "What is <payoff> it?"  # the record is what was said


def test_errors_and_notes_are_apart() -> None:
    assert not set(NOTES) & set(USER_ERRORS)
    assert user_error(["reworded", "off_log"])
    assert not user_error(["reworded"])
    assert not user_error([])


@pytest.mark.parametrize("name", ["default", "patient", "trusting", "budget_watcher", "random"])
def test_scripted_users_have_no_label(name: str) -> None:
    table = TalkTable("help_desk", "reasoning_api")
    table.seed(58)
    talks = [table.talk(table.open(episode)) for episode in range(60)]
    user, assistant = ScriptedUser(user_agent(name)), ScriptedAssistant(assistant_policy("random"))
    for dialogue in play(talks, user, assistant):
        for said in dialogue.of(Seat.USER):
            assert said.labels == ()
            # nor would the guard find any in its words
            assert not errors_of_words(said.text, UserMove.FOLLOW_UP, Dialogue(dialogue.talk)) or (
                "answers_itself" in errors_of_words(said.text, UserMove.FOLLOW_UP, dialogue)
            )


def thrifty(request: Request) -> str:
    """Go on while less than a third of the budget is paid, by what the prompt says."""
    system = request.messages[0].content
    found = re.search(r"You have paid (\S+ USD) of the (\S+ USD)", system)
    assert found is not None, system
    paid, budget = map(parse_money, found.groups())
    if paid * 3 > budget:
        return "Never mind."
    return (
        "What is it?"
        if "Now you may: ask your question" in system
        else "I still do not know. Which?"
    )


def test_a_deciding_user_sees_its_bill_and_reacts(talks: Talks) -> None:
    wordy = LanguageAssistant(
        ScriptedModel(lambda request: "It is nothing like that at all."), "plain"
    )
    user = LanguageUser(ScriptedModel(thrifty), mode="decided")
    lengths = {}
    for factor in (1, 100):
        made = talks(30)
        for talk in made:
            who = talk.conversation.who
            talk.conversation.who = who._replace(budget=factor * who.budget)
        dialogues = play(made, user, wordy)
        lengths[factor] = sum(len(one.of(Seat.USER)) for one in dialogues)
        for one in dialogues:
            conversation = one.talk.conversation
            if conversation.state.ending is Ending.LEFT:
                assert 3 * conversation.state.charged > conversation.who.budget
    assert lengths[100] > lengths[1]  # who can pay more asks on
