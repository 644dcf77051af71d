"""Task sets: questions that can be meant in several ways, with the answers they are judged by.

A file of schema ``gtalign/tasks/1``. The rules below make sure that every bundled wording reads
back as what it was written for: answers of the three verbosities keep to their lengths, no text
about one interpretation gives away another, and a vague query is vague.
"""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from gtalign_env.scenario.fields import (
    NAME_PATTERN,
    Description,
    Fault,
    Name,
    Strict,
    fail,
    show,
)
from gtalign_env.scenario.words import canonical, contains, count_words

CONCISE_WORDS, STANDARD_WORDS = 8, 24
"""Most words of a concise and of a standard answer."""

MAX_INTERPRETATIONS = 6
MAX_LISTED = 4  # as many answers of two words as a concise message holds
GOLD_WORDS = 2
MEANING_WORDS = (2, 4)
SENTENCE_WORDS = (9, 12)  # one is more than concise, two are still standard
DETAIL_WORDS = 16  # at least; with the shortest sentence it is more than standard

Line = Annotated[str, Field(min_length=1, max_length=300, pattern=r"^\S.*\S$|^\S$")]


class Interpretation(Strict):
    """One thing a vague query can mean, and what a right answer to it says."""

    meaning: Annotated[Line, Field(description="Short noun phrase that names it: the planet.")]
    definite: Annotated[Line, Field(description="The full question, with nothing left open.")]
    answers: Annotated[
        tuple[Line, ...],
        Field(min_length=1, max_length=12, description="Accepted answers; the first is shown."),
    ]
    sentence: Annotated[Line, Field(description="The standard answer: one sentence.")]
    detail: Annotated[Line, Field(description="What a verbose answer adds: one or two sentences.")]

    @property
    def gold(self) -> str:
        """The answer as shown, the shortest one."""
        return self.answers[0]

    @cached_property
    def gold_forms(self) -> tuple[str, ...]:
        """Canonical forms of the accepted answers."""
        return tuple(canonical(answer) for answer in self.answers)

    @cached_property
    def names(self) -> tuple[str, str]:
        """Canonical forms of what names this interpretation: meaning and definite question."""
        return canonical(self.meaning), canonical(self.definite)

    def mentioned_in(self, form: str) -> bool:
        """Return whether a canonical form holds one of the accepted answers."""
        return any(gold in form for gold in self.gold_forms)

    def named_in(self, form: str) -> bool:
        """Return whether a canonical form names this interpretation."""
        return any(name in form for name in self.names)

    @model_validator(mode="after")
    def _check(self) -> Self:
        faults: list[Fault] = []
        for index, (answer, form) in enumerate(zip(self.answers, self.gold_forms, strict=True)):
            if form == " ":
                faults.append((("answers", index), f"must hold a word; got {show(answer)}"))
            elif form in self.gold_forms[:index]:
                faults.append((("answers", index), f"{show(answer)} repeats an earlier answer"))
        words = count_words(self.gold)
        if words > GOLD_WORDS:
            faults.append(
                (
                    ("answers", 0),
                    f"must be at most {GOLD_WORDS} words; {show(self.gold)} has {words}",
                )
            )
        for field, text, low, high in (
            ("meaning", self.meaning, *MEANING_WORDS),
            ("sentence", self.sentence, *SENTENCE_WORDS),
        ):
            words = count_words(text)
            if not low <= words <= high:
                faults.append(
                    ((field,), f"must be {low} to {high} words; {show(text)} has {words}")
                )
        words = count_words(self.detail)
        if words < DETAIL_WORDS:
            faults.append((("detail",), f"must be at least {DETAIL_WORDS} words; it has {words}"))
        if not self.definite.endswith("?"):
            faults.append((("definite",), f"must end with '?'; got {show(self.definite)}"))
        for field, text in (("sentence", self.sentence), ("detail", self.detail)):
            if not text.endswith(".") or "?" in text:
                faults.append(((field,), f"must be statements that end with '.'; got {show(text)}"))
        if not contains(canonical(self.sentence), self.gold_forms[0]):
            faults.append((("sentence",), f"must contain the answer {show(self.gold)}"))
        if self.names[0] == " ":
            faults.append((("meaning",), f"must hold a word; got {show(self.meaning)}"))
        if faults:
            fail(*faults)
        return self


class Question(Strict):
    """A vague query and the things it can mean."""

    id: Annotated[
        str,
        Field(
            pattern=NAME_PATTERN,
            max_length=64,
            description="Lower-case letters, digits, _ and -; no two questions share it.",
        ),
    ]
    topic: Annotated[
        Line, Field(description="Field of knowledge; wrong answers are borrowed there.")
    ]
    vague: Annotated[Line, Field(description="The query as a hurried user types it.")]
    covered: Annotated[
        bool, Field(description="Whether the tiny language model is taught the answers.")
    ] = False
    interpretations: Annotated[
        tuple[Interpretation, ...],
        Field(
            min_length=3,
            max_length=MAX_INTERPRETATIONS,
            description="What the query can mean.",
        ),
    ]

    @model_validator(mode="after")
    def _check(self) -> Self:
        faults: list[Fault] = []
        if not self.vague.endswith("?"):
            faults.append((("vague",), f"must end with '?'; got {show(self.vague)}"))
        vague = canonical(self.vague)
        for i, own in enumerate(self.interpretations):
            where = ("interpretations", i)
            if own.names[1] == vague:
                faults.append(((*where, "definite"), "must differ from the vague query"))
            elif own.named_in(vague):
                faults.append((("vague",), f"must not name the meaning {show(own.meaning)}"))
            if self.covered and (count_words(own.gold) > 1 or own.gold_forms[0].count(" ") > 2):
                faults.append(
                    ((*where, "answers", 0), f"must be one word if covered; got {show(own.gold)}")
                )
            for field, form in zip(("meaning", "definite"), own.names, strict=True):
                faults += [
                    ((*where, field), f"gives away {show(other.gold)}")
                    for other in self.interpretations
                    if other.mentioned_in(form)
                ]
            if own.mentioned_in(vague):
                faults.append((("vague",), f"gives away {show(own.gold)}"))
            for j, other in enumerate(self.interpretations):
                if i != j:
                    faults += _clashes(where, own, other)
        if faults:
            fail(*faults)
        return self


def _clashes(
    where: tuple[str | int, ...], own: Interpretation, other: Interpretation
) -> list[Fault]:
    """Return what in one interpretation reads as another of the same question."""
    faults: list[Fault] = []
    for k, form in enumerate(own.gold_forms):
        if other.mentioned_in(form):
            faults.append(
                ((*where, "answers", k), f"contains {show(other.gold)}, another's answer")
            )
    for field, text in (("sentence", own.sentence), ("detail", own.detail)):
        if other.mentioned_in(canonical(text)):
            faults.append(
                ((*where, field), f"must not mention {show(other.gold)}, another's answer")
            )
    for field, form in zip(("meaning", "definite"), own.names, strict=True):
        if other.named_in(form):
            faults.append(
                ((*where, field), f"must not name {show(other.meaning)}, another interpretation")
            )
    return faults


class TaskSet(Strict):
    """Questions for the text environment."""

    schema_id: Annotated[Literal["gtalign/tasks/1"], Field(alias="schema")]
    name: Name
    description: Description
    licence: Annotated[Line, Field(description="Who wrote it, and the terms of use.")]
    more: Annotated[
        Name | None,
        Field(
            description="Task set that offers questions where a scenario has more interpretations "
            "than any question here."
        ),
    ] = None
    questions: Annotated[
        tuple[Question, ...],
        Field(min_length=1, max_length=2000, description="What can be asked."),
    ]

    @property
    def covered(self) -> tuple[Question, ...]:
        """The questions whose answers the tiny language model is taught."""
        return tuple(question for question in self.questions if question.covered)

    def question(self, question_id: str) -> Question:
        """Return the question of that id.

        Raises:
            KeyError: There is none.
        """
        for question in self.questions:
            if question.id == question_id:
                return question
        raise KeyError(f"task set {self.name!r} has no question {question_id!r}")

    @model_validator(mode="after")
    def _check(self) -> Self:
        faults: list[Fault] = []
        ids: dict[str, int] = {}
        queries: dict[str, int] = {}
        golds: dict[str, str] = {}
        for index, question in enumerate(self.questions):
            first = ids.setdefault(question.id, index)
            if first != index:
                faults.append(
                    (
                        ("questions", index, "id"),
                        f"must be unique; {question.id!r} is question {first}",
                    )
                )
            first = queries.setdefault(canonical(question.vague), index)
            if first != index:
                faults.append(
                    (
                        ("questions", index, "vague"),
                        f"must be unique; question {first} asks the same",
                    )
                )
            for i, meant in enumerate(question.interpretations if question.covered else ()):
                owner = golds.setdefault(meant.gold_forms[0], question.id)
                if owner != question.id:
                    faults.append(
                        (
                            ("questions", index, "interpretations", i, "answers", 0),
                            f"must be unlike every other covered answer; {owner!r} has it too",
                        )
                    )
        if faults:
            fail(*faults)
        return self
