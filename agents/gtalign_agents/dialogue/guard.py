"""Errors of a simulated user: found by rules, named, counted, and never corrected in silence.

A user that answers its own question, talks like an assistant, gives up its hidden preferences or
ends in contradiction to what it knows is a fault of the simulation, not of the assistant. A label
says so and stays with the message, so that every summary can count it.
"""

from __future__ import annotations

import re

from gtalign_agents.dialogue.speaker import Dialogue
from gtalign_env.core.moves import UserMove
from gtalign_env.money import format_money
from gtalign_env.text.grading import mentioned

USER_ERRORS = (
    "answers_itself",  # states an answer to its own question
    "plays_assistant",  # offers help, or speaks of itself as a model
    "reveals",  # says a preference or its budget
    "rejects_right",  # goes on or leaves although the answer is right
    "accepts_wrong",  # accepts an answer that it knows to be wrong
    "empty",  # says nothing
    "misphrased",  # other words than the decided move, so the bundled wording was used
    "unfinished",  # cut off at the token limit
)
"""Every label of a simulated user's message."""

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
    """Return what is wrong with a simulated user's message, by name.

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
    state = conversation.state
    if state.right and move is not UserMove.ACCEPT:
        found.append("rejects_right")
    if move is UserMove.ACCEPT and not state.right:
        found.append("accepts_wrong")
    return tuple(found)
