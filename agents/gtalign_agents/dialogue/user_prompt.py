"""What a language model is told that plays the user: who it is, what it knows, what it hides.

Everything is put in by one pass over constant templates, so that nothing filled in is ever read as
a template. The state that changes (bill, budget, whether the last answer is right) stands in the
system message, where the assistant's text cannot imitate it.
"""

from __future__ import annotations

from gtalign_agents.backends.chat import Message
from gtalign_agents.dialogue.fence import fenced
from gtalign_agents.dialogue.speaker import Dialogue
from gtalign_env.core.moves import STYLES, UserMove
from gtalign_env.core.rules import legal_user_moves
from gtalign_env.draws import Seat
from gtalign_env.money import format_money
from gtalign_env.persona import UserType
from gtalign_env.words import plural

_WHO = """\
You play a person who asks an assistant something. You are not the assistant: never answer the
question, never offer help. Write only this person's next message, {style}.
What you want to know: {definite}
Asked carelessly, that would be: {vague}
The answer has to be about: {meaning}
What matters to you, which you never say: {preferences}
"""

_STATE = """\
Price: {price}
You have paid {charged} of the {budget} that you can spend.
{right}"""

_DECIDE = "\nNow you may: {options}."

_STYLES = {
    "plain": "in one or two plain sentences",
    "terse": "in as few words as possible, without greeting or thanks",
    "chatty": "warmly, with greetings and thanks",
}

INSTRUCTIONS: dict[UserMove, str] = {
    UserMove.VQ: "ask your question carelessly, without saying what exactly it is about",
    UserMove.DQ: "ask your question so that nobody can mistake what it is about",
    UserMove.REPLY: "say what you mean, in reply to the question",
    UserMove.FOLLOW_UP: "say that the answer is not what you meant, and what you mean",
    UserMove.ACCEPT: "thank for the answer and say nothing else, which ends the talk",
    UserMove.LEAVE: 'give up by writing only "Never mind.", which ends the talk',
}
"""Each move in words."""

BEGIN = "(The conversation begins. Write your first message.)"


def preferences(who: UserType) -> str:
    """Return a type's latent preferences in words, with their units.

    Args:
        who: The type.
    """
    parts = [
        f"a right answer is worth {plural(who.value, 'point')} to you, a wrong one that you believe costs "
        f"{who.harm:g}",
        f"every 100 tokens beyond {who.comfort_tokens:g} in one message cost you "
        f"{plural(who.conciseness, 'point')}",
        f"every US dollar that you pay costs you {plural(who.price_sensitivity, 'point')}",
        f"stopping without an answer leaves you with {plural(who.outside_option, 'point')}",
    ]
    if who.annoyance >= 0:
        parts.append(
            f"being asked back more than {plural(who.tolerance, 'time')} costs you "
            f"{plural(who.annoyance, 'point')} "
            "each time"
        )
    else:
        parts.append(f"you like being asked back: {plural(-who.annoyance, 'point')} each time")
    if who.discount < 1:
        parts.append(f"with every further message the answer keeps {who.discount:.0%} of its worth")
    return "; ".join(parts)


def system_text(dialogue: Dialogue) -> str:
    """Return what the model is told about its person and about how things stand.

    Args:
        dialogue: The dialogue; the user is to speak.
    """
    talk = dialogue.talk
    conversation = talk.conversation
    who, state = conversation.who, conversation.state
    meant = talk.question.interpretations[talk.meant]
    answered = state.assistant_move is not None and state.assistant_move.answers
    right = ""
    if answered:
        right = f"The last answer is {'right' if state.right else 'not what you want to know'}."
    return (
        _WHO.format(
            style=_STYLES[STYLES[who.style]],
            definite=meant.definite,
            vague=talk.question.vague,
            meaning=meant.meaning,
            preferences=preferences(who),
        )
        + _STATE.format(
            price=dialogue.spec.regime.description,
            charged=format_money(state.charged),
            budget=format_money(who.budget),
            right=right,
        )
    ).rstrip("\n")


def to_decide(dialogue: Dialogue) -> tuple[Message, ...]:
    """Return the chat in which the model decides itself what to do.

    Args:
        dialogue: The dialogue; the user is to speak.
    """
    legal = legal_user_moves(dialogue.talk.conversation.state)
    options = "; or ".join(INSTRUCTIONS[move] for move in legal)
    return _chat(dialogue, system_text(dialogue) + _DECIDE.format(options=options))


def to_phrase(dialogue: Dialogue, move: UserMove) -> tuple[Message, ...]:
    """Return the chat in which the model finds words for a move that is decided.

    Args:
        dialogue: The dialogue; the user is to speak.
        move: What is to be done.
    """
    return _chat(dialogue, f"{system_text(dialogue)}\nNow {INSTRUCTIONS[move]}.")


def _chat(dialogue: Dialogue, system: str) -> tuple[Message, ...]:
    # to a model that plays the user, the other side is who prompts and itself who answers
    messages = [Message("system", system), Message("user", BEGIN)]
    for seat, said in dialogue.turns:
        if seat is Seat.USER:
            messages.append(Message("assistant", said.text))
        else:
            messages.append(Message("user", fenced(said.text) or "(nothing)"))
    return tuple(messages)
