from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtalign_env.scenario.tasks import Question, TaskSet
from gtalign_env.text.grading import is_right, mentioned, settles


@pytest.fixture(scope="module")
def question(tasks: TaskSet) -> Question:
    return tasks.question("georgia-capital")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Tbilisi", (0,)),
        ("It is TBILISI, of course!", (0,)),
        ("Atlanta, then Tbilisi, then Atlanta", (1, 0)),
        ("**Savannah**\n- Atlanta", (2, 1)),
        ("Tbilisian Atlantas", ()),
        ("Do you mean Tbilisi?", ()),
        ("Atlanta. Do you mean Tbilisi or Savannah?", (1,)),
        ("Which one:\n- Tbilisi\n- Atlanta", ()),
        ("Ｔｂｉｌｉｓｉ", (0,)),
        ("", ()),
        ("\ud800Tbilisi\0", (0,)),
    ],
)
def test_answers_are_found_in_statements(
    question: Question, text: str, found: tuple[int, ...]
) -> None:
    assert mentioned(text, question, 3) == found


def test_numbers_are_one_word(tasks: TaskSet) -> None:
    mile = tasks.question("mile-length")
    assert mentioned("It is 1852 metres.", mile, 3) == (1,)
    assert mentioned("It is 1,852 m.", mile, 3) == (1,)
    assert mentioned("It is 1.852 km.", mile, 3) == (1,)
    assert mentioned("It is 21,852 m or 1,8520 m or 0.1852.", mile, 3) == ()
    century = tasks.question("war-begin")
    assert mentioned("In 1914.", century, 4) == (0,)
    assert mentioned("In 19145 or 1914.5.", century, 4) == ()


def test_an_alias_counts(tasks: TaskSet) -> None:
    assert mentioned("By Leonardo da Vinci.", tasks.question("last-supper-author"), 3) == (0,)
    assert mentioned("By Moliere.", tasks.question("don-juan-author"), 4) == (1,)


def test_an_answer_does_not_run_over_two_statements(tasks: TaskSet) -> None:
    pastoral = tasks.question("pastoral-author")
    assert mentioned("It is Vaughan Williams.", pastoral, 3) == (1,)
    assert mentioned("It is Vaughan. Williams is another.", pastoral, 3) == ()


def test_only_the_interpretations_in_play_count(question: Question) -> None:
    assert mentioned("Savannah, Tbilisi", question, 2) == (0,)
    with pytest.raises(ValueError, match="got k=4"):
        mentioned("Tbilisi", question, 4)
    with pytest.raises(ValueError, match="0 to 2; got 3"):
        is_right("Tbilisi", question, 3, 3, 1)


def test_listing_every_answer_pays_for_the_first_ones_only(tasks: TaskSet) -> None:
    for question in tasks.questions:
        k = len(question.interpretations)
        for order in itertools.permutations(range(k)):
            text = "; ".join(question.interpretations[index].gold for index in order) + "."
            for allowed in range(k + 1):
                right = [m for m in range(k) if is_right(text, question, m, k, allowed)]
                assert right == sorted(order[:allowed])


@given(st.text(st.characters(exclude_categories=()), max_size=300), st.integers(0, 3))
def test_no_text_makes_more_than_the_allowed_answers_right(
    tasks: TaskSet, text: str, allowed: int
) -> None:
    question = tasks.questions[0]
    golds = " ".join(own.gold for own in question.interpretations)
    for attempt in (text, f"{golds} {text}", f"{text} {golds}"):
        right = sum(is_right(attempt, question, meant, 3, allowed) for meant in range(3))
        assert right <= allowed


@given(st.text(st.characters(exclude_categories=()), max_size=300))
def test_grading_repeats(tasks: TaskSet, text: str) -> None:
    question = tasks.questions[1]
    assert mentioned(text, question, 3) == mentioned(text, question, 3)


def test_a_reply_settles_by_meaning_or_definite_question(question: Question) -> None:
    assert settles("the country", question, 0, 3)
    assert settles("Country, please!", question, 0, 3)
    assert settles(question.interpretations[0].definite.upper(), question, 0, 3)
    assert not settles("the state", question, 0, 3)
    assert not settles("the country or the state", question, 0, 3)
    assert not settles("Tbilisi", question, 0, 3)
    assert not settles("countryside", question, 0, 3)
    assert settles("the country, not the old colony", question, 0, 2)
    assert not settles("the country, not the old colony", question, 0, 3)
    with pytest.raises(ValueError, match="0 to 2; got -1"):
        settles("the country", question, -1, 3)
