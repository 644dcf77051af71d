"""Text to move: what an assistant's or a user's message does, by rules.

The rules never look inside the other side's text and never raise. An assistant's message is read
by its sentences (`gtalign_env.text.sentences`): only questions make it ``CQ``, statements and
questions ``AQ``, statements ``DA``; the number of words of the statements gives the verbosity. A
user's message ends the talk only if the *whole* message says so: a stop word inside a longer
message ends nothing.
"""

from __future__ import annotations

import re

from gtalign_env.core.moves import AssistantMove, UserMove
from gtalign_env.scenario.tasks import CONCISE_WORDS, STANDARD_WORDS, Question
from gtalign_env.scenario.words import count_all
from gtalign_env.text.grading import settles
from gtalign_env.text.phrases import PhraseBook
from gtalign_env.text.sentences import split

BANDS = (CONCISE_WORDS, STANDARD_WORDS)
"""Most words of a concise and of a standard answer."""

_NOTHING = re.compile("</?[A-Za-z][\\w-]{0,30}\\s?/?>|[\u200b-\u200d\u2060\ufeff]")
"""What a reader does not see: what looks like a tag without attributes, and marks without a width."""

_CLOSING_WORDS = 24  # a longer message is never a closing one, whatever it says

_LEAVE = (
    "never mind",
    "nevermind",
    "forget it",
    "forget about it",
    "i give up",
    "give up",
    "no thanks",
    "no thank you",
    "i will look elsewhere",
    "i will ask elsewhere",
    "i will stop here",
    "let us stop here",
    "this is not working",
    "this does not help",
    "not helpful",
    "stop",
    "quit",
)
_ACCEPT = (
    "thanks",
    "thank you",
    "thank you so much",
    "thank you very much",
    "thanks a lot",
    "many thanks",
    "that is it",
    "that's it",
    "that is right",
    "that's right",
    "that is what i meant",
    "that's what i meant",
    "that is what i wanted to know",
    "that is all i wanted to know",
    "that is all",
    "that's all",
    "that is all i need",
    "that helps",
    "that helps a lot",
    "perfect",
    "great",
    "wonderful",
    "got it",
    "exactly",
    "correct",
    "accepted",
)
_BYE = ("bye", "goodbye", "good bye", "see you", "have a good day")
_AROUND = (
    "ok",
    "okay",
    "oh",
    "oh well",
    "well",
    "yes",
    "so",
    "then",
    "and",
    "for your help",
    "for help",
    "for trying",
    "anyway",
    "sorry",
    "hm",
    "now",
    "but",
    "please",
)
_CLOSINGS = PhraseBook({"leave": _LEAVE, "accept": _ACCEPT, "bye": _BYE, "around": _AROUND})


def read_assistant(text: str, bands: tuple[int, int] = BANDS) -> AssistantMove:
    """Return the move of an assistant's message.

    A message that neither states nor asks anything is read as ``DA:concise``: an answer that will
    be judged wrong. What is said twice counts once, tags and invisible marks count nothing: nobody
    gets the quality of a longer answer by padding a short one.

    Args:
        text: The visible message, any string.
        bands: Most words of a concise and of a standard answer.
    """
    sentences = split(_NOTHING.sub("", text))
    # by their letters and digits: another mark or space makes no other statement
    answers = list(
        {
            "".join(filter(str.isalnum, sentence.text.casefold())): sentence.text
            for sentence in reversed(sentences)
            if not sentence.asks
        }.values()
    )
    asks = any(sentence.asks for sentence in sentences)
    if asks and not answers:
        return AssistantMove.CQ
    words = count_all(answers, stop=bands[1])
    verbosity = 0 if words <= bands[0] else 1 if words <= bands[1] else 2
    return AssistantMove(verbosity + (AssistantMove.AQ_CONCISE if asks else 0))


def read_user(
    text: str,
    *,
    opening: bool,
    after_question: bool,
    after_answer_and_question: bool,
    question: Question,
    meant: int,
    k: int | None = None,
) -> UserMove:
    """Return the move of a user's message, always one that is legal there.

    An opening is ``DQ`` if it names the meant interpretation and no other, else ``VQ``. Later, a
    message made of nothing but closing phrases is ``LEAVE`` or ``ACCEPT``; anything else asks on:
    ``REPLY`` after a question, ``FOLLOW_UP`` after an answer alone. Where there is no answer to
    accept, thanks are a ``REPLY``.

    Args:
        text: The message, any string.
        opening: Whether it is the first message.
        after_question: Whether it follows a pure question.
        after_answer_and_question: Whether it follows an answer with a question.
        question: What the conversation is about.
        meant: Index of the interpretation the user means.
        k: Number of interpretations in play; all if None.
    """
    if opening:
        in_play = len(question.interpretations) if k is None else k
        return UserMove.DQ if settles(text, question, meant, in_play) else UserMove.VQ
    closing = _closing(text)
    if closing is UserMove.LEAVE or (closing is UserMove.ACCEPT and not after_question):
        return closing
    asked = after_question or after_answer_and_question
    return UserMove.REPLY if asked else UserMove.FOLLOW_UP


def _closing(text: str) -> UserMove | None:
    """Return how a message closes the talk, or None if anything in it is no closing phrase."""
    kinds = _CLOSINGS.kinds(text, _CLOSING_WORDS) or frozenset()
    if "leave" in kinds:
        return UserMove.LEAVE
    if "accept" in kinds:
        return UserMove.ACCEPT
    return UserMove.LEAVE if "bye" in kinds else None
