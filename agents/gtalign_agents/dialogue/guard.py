"""Errors of a simulated user: found by rules, named, counted, and never corrected in silence.

A user that answers its own question, talks like an assistant, gives up its hidden preferences or
ends in contradiction to what it knows is a fault of the simulation, not of the assistant. A label
says so and stays with the message, so that every summary can count it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from gtalign_agents.dialogue.speaker import INJECTS, Dialogue
from gtalign_agents.foresight import affordable
from gtalign_env.core.conversation import Conversation
from gtalign_env.core.moves import AssistantMove, UserMove
from gtalign_env.core.rules import legal_user_moves
from gtalign_env.money import format_money
from gtalign_env.text.grading import mentioned

USER_ERRORS = (
    "answers_itself",  # states an answer to its own question
    "plays_assistant",  # offers help, or speaks of itself as a model
    "reveals",  # says a preference or its budget
    "rejects_right",  # goes on or leaves although the answer is right
    "accepts_wrong",  # accepts an answer that it knows to be wrong
    "ends_early",  # leaves though nothing is answered yet and nothing keeps it from replying
    "ignores_budget",  # writes on although no answer at all could still be paid
    "empty",  # says nothing
    "misphrased",  # other words than the decided move, so the bundled wording was used
    INJECTS,  # writes what looks like a tag of the assistant's, or of a chat format
    "unfinished",  # cut off at the token limit
    "off_log",  # replaying, another move than the recorded one, which is not legal here
    "log_ended",  # replaying, it leaves as the record has no further message
)
"""Every label of a simulated user's message that is an error; `user_error` counts the messages."""

NOTES = ("reworded",)
"""Labels that are no errors: bundled words for a replayed move."""

_ASSISTANT = re.compile(
    r"\b(?:as an? (?:ai|language model|assistant)|how (?:can|may) i (?:help|assist)"
    r"|i(?:'m| am) here to help|happy to help|let me know if you|feel free to ask"
    r"|is there anything else (?:i|you))\b",
    re.IGNORECASE,
)
_PREFERENCE = re.compile(
    r"\d\s*points?\b|\b(?:price.sensitiv\w*|latent|my persona|outside option|my budget is"
    r"|i (?:can|could) (?:only )?(?:pay|spend))\b",
    re.IGNORECASE,
)


def errors_of(text: str, move: UserMove, dialogue: Dialogue) -> tuple[str, ...]:
    """Return what is wrong with a simulated user's message, by name: with its words and its move.

    Args:
        text: The message.
        move: What it is read as.
        dialogue: The dialogue before it.
    """
    return (*errors_of_words(text, move, dialogue), *errors_of_move(move, dialogue))


def errors_of_words(text: str, move: UserMove, dialogue: Dialogue) -> tuple[str, ...]:
    """Return what is wrong with the words of a message, whoever has decided its move.

    Args:
        text: The message.
        move: What it is read as.
        dialogue: The dialogue before it.
    """
    talk = dialogue.talk
    conversation = talk.conversation
    found = []
    if not text.strip():
        found.append("empty")
    elif mentioned(text, talk.question, conversation.spec.interpretations) and move.writes:
        found.append("answers_itself")
    if _ASSISTANT.search(text):
        found.append("plays_assistant")
    if _PREFERENCE.search(text) or format_money(conversation.who.budget) in text:
        found.append("reveals")
    return tuple(found)


def errors_of_move(move: UserMove, dialogue: Dialogue) -> tuple[str, ...]:
    """Return in what a move contradicts what its user knows.

    Args:
        move: The move.
        dialogue: The dialogue before it.
    """
    found = []
    conversation = dialogue.talk.conversation
    state = conversation.state
    if state.right and move is not UserMove.ACCEPT:
        found.append("rejects_right")
    if move is UserMove.ACCEPT and not state.right:
        found.append("accepts_wrong")
    if move is UserMove.LEAVE and _has_no_reason(conversation):
        found.append("ends_early")
    if move.writes and not any(affordable(conversation.spec, conversation.who, state, move)):
        found.append("ignores_budget")
    return tuple(found)


def user_error(labels: Iterable[str]) -> bool:
    """Return whether a message of a simulated user is in error.

    Args:
        labels: Its labels.
    """
    return any(label not in NOTES for label in labels)


def _has_no_reason(conversation: Conversation) -> bool:
    """Return whether a user that leaves now was only asked, not too often, and can pay an answer."""
    state, who, spec = conversation.state, conversation.who, conversation.spec
    only_asked = all(move is AssistantMove.CQ for move in conversation.assistant_moves)
    annoyed = who.annoyance > 0 and state.questions > who.tolerance
    if not only_asked or annoyed or UserMove.REPLY not in legal_user_moves(state):
        return False
    return affordable(spec, who, state, UserMove.REPLY)[AssistantMove.DA_STANDARD]
