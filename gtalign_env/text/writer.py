"""The scripted assistant's wordings: move to text, for a given truth.

Every wording reads back (`gtalign_env.text.reader`) as the move it was written for, and is judged
(`gtalign_env.text.grading`) right or wrong as intended. The lengths follow from the rules of a task
set: an answer has at most two words, a sentence 9 to 12, a detail 16 or more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gtalign_env.core.moves import AssistantMove
from gtalign_env.scenario.tasks import CONCISE_WORDS, GOLD_WORDS, Interpretation, Question
from gtalign_env.scenario.words import canonical, count_words

CONFIRM = "Is that what you meant?"

_WRONG_DETAIL = (
    "This is what people all over the world talk about, and those who know a lot about it "
    "would tell you so."
)


def distractors(questions: Iterable[Question], question: Question) -> tuple[str, ...]:
    """Return answers of other questions that could pass for one of this question, nearest first.

    Those of the same kind (with or without digits) and topic come first; farther ones follow only
    if these are few. One that holds an accepted answer of this question is left out.

    Args:
        questions: Where to borrow from.
        question: The question to answer wrongly.
    """
    numeric = {_has_digit(own.gold) for own in question.interpretations}
    near: dict[str, tuple[bool, bool]] = {}
    for other in questions:
        if other.id == question.id:
            continue
        for own in other.interpretations:
            form = canonical(own.gold)
            if not any(mine.mentioned_in(form) for mine in question.interpretations):
                far = (_has_digit(own.gold) not in numeric, other.topic != question.topic)
                near[own.gold] = min(far, near.get(own.gold, far))
    kept: list[str] = []
    for rank in sorted(set(near.values())):
        if len(kept) < 2 * len(question.interpretations):
            kept += [gold for gold, far in near.items() if far == rank]
    return tuple(kept)


def write(
    move: AssistantMove,
    question: Question,
    k: int,
    covered: Sequence[int],
    *,
    wrong: bool,
    informed: bool,
    choice: float,
    distractors: Sequence[str] = (),
) -> str:
    """Return what the assistant writes.

    Args:
        move: What the assistant does.
        question: What it was asked.
        k: Number of interpretations in play.
        covered: Indices of the interpretations it answers, in the order of the text; the meant one
            if informed. Unused by the pure question.
        wrong: Whether the answers given are wrong ones, taken from ``distractors``.
        informed: Whether it knows what is meant; then ``AQ`` only asks for confirmation.
        choice: Picks the wrong answers, in [0, 1).
        distractors: Answers of other questions, at most two words each; see `distractors`.

    Raises:
        ValueError: The question has no k interpretations, nothing is covered or something twice or
            out of range, choice is outside [0, 1), or there are too few usable distractors.
    """
    if not 1 <= k <= len(question.interpretations):
        raise ValueError(
            f"question {question.id!r} has {len(question.interpretations)} interpretations; got k={k}"
        )
    parts: list[str] = []
    if move.verbosity is not None:
        if not covered or len(set(covered)) < len(covered) or not set(covered) <= set(range(k)):
            raise ValueError(f"covered must be distinct indices below {k}; got {list(covered)}")
        meant = [question.interpretations[index] for index in covered]
        if wrong:
            golds = _borrow(question, distractors, choice, len(meant))
            parts.append(_WRONG_ANSWERS[move.verbosity](meant, golds))
        else:
            parts.append(_ANSWERS[move.verbosity](meant))
    if move.asks:
        parts.append(CONFIRM if informed and move.answers else _which(question, k))
    return " ".join(parts)


def _which(question: Question, k: int) -> str:
    *first, last = (own.meaning for own in question.interpretations[:k])
    return f"Do you mean {', '.join(first)} or {last}?" if first else f"Do you mean {last}?"


def _listed(meant: Sequence[Interpretation], golds: Sequence[str]) -> str:
    items = "; ".join(f"{own.meaning}: {gold}" for own, gold in zip(meant, golds, strict=True))
    return f"{items[0].upper()}{items[1:]}."


def _short(meant: Sequence[Interpretation], golds: Sequence[str]) -> str:
    if len(golds) == 1:
        return f"{golds[0]}."
    listed = _listed(meant, golds)
    return listed if count_words(listed) <= CONCISE_WORDS else f"{'; '.join(golds)}."


def _golds(meant: Sequence[Interpretation]) -> list[str]:
    return [own.gold for own in meant]


def _right_concise(meant: Sequence[Interpretation]) -> str:
    return _short(meant, _golds(meant))


def _right_standard(meant: Sequence[Interpretation]) -> str:
    if len(meant) > 2:
        return _listed(meant, _golds(meant))
    return " ".join(own.sentence for own in meant)


def _right_verbose(meant: Sequence[Interpretation]) -> str:
    return " ".join([*(own.sentence for own in meant), meant[0].detail])


def _wrong_sentences(meant: Sequence[Interpretation], golds: Sequence[str]) -> str:
    if len(golds) == 1:
        return f"The answer that you want to know should be {golds[0]}."
    return " ".join(
        f"For {own.meaning}, the answer should be {gold}."
        for own, gold in zip(meant, golds, strict=True)
    )


def _wrong_standard(meant: Sequence[Interpretation], golds: Sequence[str]) -> str:
    return _listed(meant, golds) if len(golds) > 2 else _wrong_sentences(meant, golds)


def _wrong_verbose(meant: Sequence[Interpretation], golds: Sequence[str]) -> str:
    return f"{_wrong_sentences(meant, golds)} {_WRONG_DETAIL}"


_ANSWERS = (_right_concise, _right_standard, _right_verbose)
_WRONG_ANSWERS = (_short, _wrong_standard, _wrong_verbose)


def _borrow(question: Question, pool: Sequence[str], choice: float, count: int) -> list[str]:
    """Return distinct answers of the pool that are no answers here, from a chosen place on."""
    if not 0 <= choice < 1:
        raise ValueError(f"choice must be in [0, 1); got {choice!r}")
    start = int(choice * len(pool))
    taken: list[str] = []
    for gold in (*pool[start:], *pool[:start]):
        form = canonical(gold)
        usable = form != " " and count_words(gold) <= GOLD_WORDS and gold not in taken
        if usable and not any(own.mentioned_in(form) for own in question.interpretations):
            taken.append(gold)
            if len(taken) == count:
                return taken
    raise ValueError(
        f"a wrong answer to {question.id!r} needs {count} usable distractors; {len(pool)} given, "
        f"{len(taken)} usable. Pass the answers of other questions."
    )


def _has_digit(text: str) -> bool:
    return any(map(str.isdigit, text))
