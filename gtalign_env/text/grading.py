"""Right or wrong, from the text: which accepted answers a message states, in which order.

Only statements count: an answer inside a question (``Do you mean Tbilisi?``) is not given. Listing
every answer does not pay, as only the first few mentioned are judged. A negation is not understood:
``It is not Kafka`` mentions Kafka.
"""

from __future__ import annotations

from gtalign_env.scenario.tasks import Interpretation, Question
from gtalign_env.scenario.words import canonical
from gtalign_env.text.sentences import statements


def mentioned(text: str, question: Question, k: int) -> tuple[int, ...]:
    """Return the interpretations whose accepted answer is stated, by first mention.

    An answer is stated if it occurs as a sequence of whole words, after `canonical` folding.

    Args:
        text: An assistant's message, any string.
        question: What was asked.
        k: Number of interpretations in play: the first k of the question.

    Raises:
        ValueError: The question has no k interpretations.
    """
    meant = _in_play(question, k)
    # The bar is no word: answers never run from one statement into the next.
    form = "|".join(map(canonical, statements(text)))
    places = []
    for index, interpretation in enumerate(meant):
        hits = [place for gold in interpretation.gold_forms if (place := form.find(gold)) >= 0]
        if hits:
            places.append((min(hits), index))
    return tuple(index for _, index in sorted(places))


def is_right(text: str, question: Question, meant: int, k: int, allowed: int) -> bool:
    """Return whether the meant interpretation is among the first ``allowed`` ones stated.

    Args:
        text: An assistant's message, any string.
        question: What was asked.
        meant: Index of the interpretation the user means, below k.
        k: Number of interpretations in play.
        allowed: How many answers may be offered: the coverage of the verbosity, 1 if informed.

    Raises:
        ValueError: The question has no k interpretations, or ``meant`` is none of them.
    """
    if not 0 <= meant < k:
        raise ValueError(f"the meant interpretation must be 0 to {k - 1}; got {meant}")
    return meant in mentioned(text, question, k)[: max(0, allowed)]


def settles(text: str, question: Question, meant: int, k: int) -> bool:
    """Return whether a user's message names the meant interpretation, and no other.

    It is named by its meaning (``the planet``) or by its definite question, as whole words.

    Args:
        text: A user's message, any string.
        question: What was asked.
        meant: Index of the interpretation the user means.
        k: Number of interpretations in play.

    Raises:
        ValueError: The question has no k interpretations, or ``meant`` is none of them.
    """
    if not 0 <= meant < k:
        raise ValueError(f"the meant interpretation must be 0 to {k - 1}; got {meant}")
    form = canonical(text)
    named = [index for index, own in enumerate(_in_play(question, k)) if own.named_in(form)]
    return named == [meant]


def _in_play(question: Question, k: int) -> tuple[Interpretation, ...]:
    if not 1 <= k <= len(question.interpretations):
        raise ValueError(
            f"question {question.id!r} has {len(question.interpretations)} interpretations; got k={k}"
        )
    return question.interpretations[:k]
