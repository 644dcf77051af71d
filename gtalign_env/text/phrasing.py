"""The scripted user's wordings: move to text, in three styles.

A style is what an assistant can see of a persona: ``plain`` sentences, ``terse`` fragments, or
``chatty`` ones with greetings and thanks. Every wording reads back (`gtalign_env.text.reader`) as
the move it was written for, wherever that move is legal; a clear reply settles what is meant, an
unclear one does not. Wordings share their words, so that a word-level vocabulary stays small.
"""

from __future__ import annotations

from gtalign_env.core.moves import STYLES, UserMove
from gtalign_env.errors import suggest
from gtalign_env.scenario.tasks import Question

Wordings = dict[str, tuple[str, ...]]

_VAGUE: Wordings = {
    "plain": ("{vague}", "Please tell me: {vague}", "I want to know: {vague}"),
    "terse": ("{vague}", "Quick: {vague}", "In short: {vague}"),
    "chatty": (
        "Hi there! I want to know this, please. {vague} Thank you so much!",
        "Hi! I am so happy to ask you this. {vague} Please tell me!",
        "Oh, hi there! I think you know this. {vague} Thank you for your help!",
    ),
}

_DEFINITE: Wordings = {
    style: tuple(template.replace("{vague}", "{definite}") for template in templates)
    for style, templates in _VAGUE.items()
}
"""The same wordings around the definite question: how one opens says nothing but the question."""

_REPLY: Wordings = {
    "plain": (
        "I mean {meaning}.",
        "I want to know about {meaning}.",
        "Please tell me about {meaning}.",
    ),
    "terse": ("{meaning}", "I mean {meaning}", "{meaning}, please"),
    "chatty": (
        "Oh, sorry, I see! I mean {meaning}. Thank you so much!",
        "Thank you for your help! I want to know about {meaning}, please.",
        "Oh, so sorry! Please tell me about {meaning}. I am so happy to ask you!",
    ),
}

_UNCLEAR: Wordings = {
    "plain": ("I do not know.", "I am not so sure.", "The usual one, I think."),
    "terse": ("not sure", "the usual one", "do not know"),
    "chatty": (
        "Oh, sorry, I do not know! Please tell me what you think.",
        "Thank you for your help! I am not so sure, I think I mean the usual one.",
        "Oh, I see! So sorry, I think I want to know about the usual one.",
    ),
}

_FOLLOW_UP: Wordings = {
    "plain": (
        "That is not what I meant. I mean {meaning}.",
        "No, I want to know about {meaning}.",
        "That is not it. {definite}",
    ),
    "terse": ("no, {meaning}", "not that, {meaning}", "no: {meaning}, please"),
    "chatty": (
        "Oh, thank you, but I think that is not it. I mean {meaning}, please!",
        "Thank you for your help, but that is not what I meant! Sorry! {definite}",
        "Oh, so sorry, that is not it! Please tell me about {meaning}. Thank you so much!",
    ),
}

_ACCEPT: Wordings = {
    "plain": ("Thank you.", "Thank you, that is it.", "That is what I wanted to know."),
    "terse": ("thanks", "that is it", "ok thanks"),
    "chatty": (
        "Wonderful, thank you so much for your help!",
        "Oh, great, that is what I wanted to know! Thank you so much!",
        "Great, that is it! Thank you for your help!",
    ),
}

_LEAVE: Wordings = {
    "plain": ("Never mind.", "No, thank you. Bye.", "Thank you, but never mind."),
    "terse": ("never mind", "no thanks", "bye"),
    "chatty": (
        "Oh well, never mind! Thank you so much for trying. Bye!",
        "Sorry, never mind then! Thank you for your help, bye!",
        "Oh, forget it, please! Thank you anyway and have a good day!",
    ),
}

_WORDINGS: dict[UserMove, Wordings] = {
    UserMove.VQ: _VAGUE,
    UserMove.DQ: _DEFINITE,
    UserMove.REPLY: _REPLY,
    UserMove.ACCEPT: _ACCEPT,
    UserMove.FOLLOW_UP: _FOLLOW_UP,
    UserMove.LEAVE: _LEAVE,
}


def wordings(move: UserMove, style: str, clear: bool = True) -> tuple[str, ...]:
    """Return the templates of a move in a style; they may name vague, definite and meaning.

    Args:
        move: What the user does.
        style: One of `STYLES`.
        clear: Whether a reply settles what is meant; other moves have one kind of wording.

    Raises:
        ValueError: There is no such style.
    """
    if style not in STYLES:
        raise ValueError(
            f"a style is one of {', '.join(STYLES)}; got {style!r}.{suggest(style, STYLES)}"
        )
    table = _UNCLEAR if move is UserMove.REPLY and not clear else _WORDINGS[move]
    return table[style]


def say(
    move: UserMove,
    style: str,
    question: Question,
    meant: int,
    choice: float,
    clear: bool = True,
) -> str:
    """Return what the user writes.

    Args:
        move: What the user does.
        style: One of `STYLES`.
        question: What the conversation is about.
        meant: Index of the interpretation the user means.
        choice: Picks the wording, in [0, 1).
        clear: Whether a reply settles what is meant.

    Raises:
        ValueError: There is no such style or interpretation, or choice is outside [0, 1).
    """
    if not 0 <= choice < 1:
        raise ValueError(f"choice must be in [0, 1); got {choice!r}")
    if not 0 <= meant < len(question.interpretations):
        raise ValueError(f"question {question.id!r} has no interpretation {meant}")
    templates = wordings(move, style, clear)
    own = question.interpretations[meant]
    vague, definite = question.vague, own.definite
    if style == "terse":
        vague, definite = vague.removesuffix("?"), definite.removesuffix("?")
    # Templates are the constants above; what is filled in is never read as a template.
    return templates[int(choice * len(templates))].format(
        vague=vague, definite=definite, meaning=own.meaning
    )
