from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from gtalign_env.scenario.long_words import canonical_of_folded
from gtalign_env.scenario.tasks import Question, TaskSet
from gtalign_env.scenario.words import ARTICLES, canonical, contains, count_words, fold

QUESTION: dict[str, Any] = {
    "id": "mercury",
    "topic": "science",
    "vague": "What is Mercury?",
    "interpretations": [
        {
            "meaning": meaning,
            "definite": f"What is Mercury, {meaning} of old?",
            "answers": [gold],
            "sentence": f"In plain words, {meaning} of old is {gold}, say books.",
            "detail": "It " + "really " * 14 + "is.",
        }
        for meaning, gold in (
            ("the sky body", "rock"),
            ("the bright stuff", "metal"),
            ("the Roman", "god"),
        )
    ],
}


def task_set(*questions: dict[str, Any]) -> dict[str, Any]:
    return {
        "schema": "gtalign/tasks/1",
        "name": "small",
        "description": "Small.",
        "licence": "Own.",
        "questions": list(questions),
    }


def changed(path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    question = copy.deepcopy(QUESTION)
    at: Any = question
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    return question


def test_the_bundled_set_is_large_enough(tasks: TaskSet) -> None:
    assert len(tasks.questions) >= 104
    assert sum(len(question.interpretations) == 4 for question in tasks.questions) >= 25
    assert "MIT" in tasks.licence


def test_the_covered_subset_is_24_distinct_single_words(tasks: TaskSet) -> None:
    golds = [own.gold for question in tasks.covered for own in question.interpretations]
    assert len(tasks.covered) == 8
    assert len(golds) == len({canonical(gold) for gold in golds}) == 24
    assert all(gold.isalpha() for gold in golds)


def test_the_covered_subset_has_a_small_vocabulary(tasks: TaskSet) -> None:
    words: set[str] = set()
    for question in tasks.covered:
        words |= set(canonical(question.vague).split())
        for own in question.interpretations:
            for text in (own.meaning, own.definite, own.gold, own.sentence, own.detail):
                words |= set(canonical(text).split())
    assert len(words) <= 120


def test_the_example_of_this_file_is_valid() -> None:
    Question.model_validate_json(json.dumps(QUESTION))


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("interpretations", 0, "answers"), ["rock", "metal"], "another's answer"),
        (("interpretations", 0, "answers"), ["rock", "metal rock"], "contains 'metal'"),
        (("interpretations", 0, "answers"), ["rock", "ROCK!"], "repeats"),
        (("interpretations", 0, "answers"), ["a solid rock planet"], "at most 2 words"),
        (("interpretations", 0, "answers"), ["rock", "the"], "must hold a word"),
        (("interpretations", 0, "answers"), [], "at least 1 item"),
        (("interpretations", 0, "sentence"), "It is what it is and it is so.", "must contain"),
        (("interpretations", 0, "sentence"), "It is rock.", "9 to 12 words"),
        (
            ("interpretations", 0, "sentence"),
            "It is rock and not metal at all, say the books.",
            "metal",
        ),
        (
            ("interpretations", 0, "sentence"),
            "It is rock, is it not? Yes, it is rock.",
            "statements",
        ),
        (("interpretations", 0, "detail"), "It is old.", "at least 16 words"),
        (
            ("interpretations", 0, "detail"),
            "A god " + "really " * 16 + "is.",
            "must not mention 'god'",
        ),
        (("interpretations", 0, "meaning"), "the Roman sky", "must not name 'the Roman'"),
        (("interpretations", 0, "meaning"), "rocky", "2 to 4 words"),
        (("interpretations", 0, "meaning"), "the rock", "gives away 'rock'"),
        (("interpretations", 0, "definite"), "What is the Mercury?", "differ from the vague"),
        (("interpretations", 0, "definite"), "Is it the Roman god?", "gives away 'god'"),
        (("interpretations", 0, "definite"), "Tell me about the sky body", "end with '?'"),
        (("vague",), "What is the Roman Mercury?", "must not name the meaning"),
        (("vague",), "Which god is Mercury?", "gives away"),
        (("vague",), "Mercury", "end with '?'"),
        (("interpretations",), QUESTION["interpretations"][:2], "at least 3 items"),
        (("id",), "Mercury", "pattern"),
        (("covered",), "yes", "boolean"),
        (("colour",), "red", "not permitted"),
    ],
)
def test_a_faulty_question_is_refused(
    path: tuple[str | int, ...], value: Any, message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        Question.model_validate_json(json.dumps(changed(path, value)))


def test_a_covered_answer_is_one_word() -> None:
    question = changed(("covered",), True)
    question["interpretations"][0]["answers"][0] = "hard rock"
    question["interpretations"][0]["sentence"] = "In plain words, it is hard rock, say books."
    with pytest.raises(ValidationError, match="one word if covered"):
        Question.model_validate_json(json.dumps(question))


def test_covered_answers_are_distinct_over_the_set() -> None:
    first = changed(("covered",), True)
    second = copy.deepcopy(first) | {"id": "second", "vague": "And what is Mercury?"}
    with pytest.raises(ValidationError, match="unlike every other covered answer"):
        TaskSet.model_validate_json(json.dumps(task_set(first, second)))


@pytest.mark.parametrize(("field", "value"), [("id", "other"), ("vague", "Mercury, what is it?")])
def test_ids_and_queries_are_unique(field: str, value: str) -> None:
    with pytest.raises(ValidationError, match="must be unique"):
        TaskSet.model_validate_json(json.dumps(task_set(QUESTION, changed((field,), value))))


def test_a_question_is_found_by_its_id(tasks: TaskSet) -> None:
    assert tasks.question("faust-author").vague == "Who wrote Faust?"
    with pytest.raises(KeyError, match="no-such"):
        tasks.question("no-such")


def test_a_task_set_survives_being_written_and_read(tasks: TaskSet) -> None:
    assert TaskSet.model_validate_json(tasks.model_dump_json(by_alias=True)) == tasks


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("The 1,054 km!", " 1054 km "),
        ("1,054.50 or 1,05", " 1054.50 or 1 05 "),
        ("Don't (a) CAFÉ", " don t café "),
        ("cafe\u0301", " café "),
        ("CO₂", " co2 "),
        ("It is 3.14. So", " it is 3.14 so "),
        ("the a an", " "),
        ("\0\ud800\u202e", " "),
    ],
)
def test_canonical_form(text: str, form: str) -> None:
    assert canonical(text) == form


PIECES = st.sampled_from(
    [
        *"aAbnthe  ..,,1234567?!:-\n\t()_é\u0301ßﬁ١٢٣٤５Ⅳ½漢🙂\u2028\ud800\ufdfa\x00",
        *(" a ", " the ", " an ", "1,234", ",567", "12,345,678", "1.5"),
    ]
)


@given(st.lists(PIECES, max_size=40).map("".join) | st.text())
@example("")
@example("a")
@example("1,234,5678 .1,234 12,345.6,789 1.2.3 1..2")
@example("the a an The a")
def test_a_long_text_has_the_same_canonical_form(text: str) -> None:
    assert canonical_of_folded(fold(text), ARTICLES) == canonical(text)


@given(st.lists(PIECES, max_size=40).map("".join), st.sampled_from([None, 2, 8]))
def test_words_are_stretches_with_a_letter_or_digit(text: str, stop: int | None) -> None:
    lengths = [len(piece) for piece in text.split() if any(map(str.isalnum, piece))]
    count = sum(-(-length // 20) for length in lengths)
    found = count_words(text, stop)
    assert found == count if stop is None or count <= stop else found > stop


@given(st.text(st.characters()))
def test_the_canonical_form_is_a_fixed_point_for_ascii(text: str) -> None:
    ascii_text = text.encode("ascii", "ignore").decode()
    assert canonical(canonical(ascii_text)) == canonical(ascii_text)


@given(st.text(st.characters(exclude_categories=())))
def test_words_never_hold_white_space_and_are_found_in_their_text(text: str) -> None:
    form = canonical(text)
    assert form == " " or form == f" {' '.join(form.split())} "
    assert contains(form, form) == (form != " ")


def test_text_without_spaces_is_not_short() -> None:
    assert count_words("a " * 30) == 30
    assert count_words("x" * 600) == 30
    assert count_words("- - ... !") == 0
    assert count_words("a " * 30, stop=5) == 6
