from __future__ import annotations

import itertools

import pytest

from gtalign_env.core.moves import AssistantMove
from gtalign_env.scenario.tasks import TaskSet
from gtalign_env.text.grading import is_right, mentioned
from gtalign_env.text.reader import read_assistant
from gtalign_env.text.writer import distractors, write


@pytest.mark.parametrize("move", AssistantMove, ids=lambda move: move.label)
def test_every_message_reads_back_and_is_judged_as_meant(
    tasks: TaskSet, move: AssistantMove
) -> None:
    step = itertools.count()
    for question in tasks.questions:
        pool = distractors(tasks.questions, question)
        k = len(question.interpretations)
        subsets = [s for size in range(1, k + 1) for s in itertools.combinations(range(k), size)]
        cases: list[tuple[tuple[int, ...], bool]] = [((meant,), True) for meant in range(k)]
        cases += [(subset, False) for subset in subsets]
        cases += [(subset[::-1], False) for subset in subsets if len(subset) > 1]
        for covered, informed in cases:
            for wrong in (False, True):
                text = write(
                    move,
                    question,
                    k,
                    covered,
                    wrong=wrong,
                    informed=informed,
                    choice=next(step) * 0.37 % 1,
                    distractors=pool,
                )
                assert read_assistant(text) is move, text
                stated = () if wrong or not move.answers else covered
                assert set(mentioned(text, question, k)) == set(stated), text
                for meant in range(k):
                    right = is_right(text, question, meant, k, len(covered))
                    assert right == (meant in stated), text


def test_fewer_interpretations_can_be_in_play(tasks: TaskSet) -> None:
    question = tasks.question("georgia-capital")
    said = [
        write(AssistantMove.CQ, question, k, (), wrong=False, informed=False, choice=0.0)
        for k in (1, 2, 3)
    ]
    assert said == [
        "Do you mean the country?",
        "Do you mean the country or the state?",
        "Do you mean the country, the state or the old colony?",
    ]


def test_a_pure_question_always_names_the_choices(tasks: TaskSet) -> None:
    question = tasks.question("georgia-capital")
    text = write(AssistantMove.CQ, question, 2, (0,), wrong=False, informed=True, choice=0.0)
    assert text == "Do you mean the country or the state?"


def test_an_informed_answer_asks_for_confirmation_only(tasks: TaskSet) -> None:
    question = tasks.question("georgia-capital")
    text = write(
        AssistantMove.AQ_CONCISE, question, 3, (0,), wrong=False, informed=True, choice=0.0
    )
    assert text == "Tbilisi. Is that what you meant?"


def test_wrong_answers_look_like_right_ones(tasks: TaskSet) -> None:
    for question in tasks.questions:
        pool = distractors(tasks.questions, question)
        shapes = {any(map(str.isdigit, own.gold)) for own in question.interpretations}
        if len(shapes) == 1:
            assert {any(map(str.isdigit, gold)) for gold in pool} == shapes
        assert not any(mentioned(gold + ".", question, 3) for gold in pool)


def test_a_covered_question_can_be_answered_wrongly_from_the_covered_ones(tasks: TaskSet) -> None:
    golds = {own.gold for question in tasks.covered for own in question.interpretations}
    for question in tasks.covered:
        pool = distractors(tasks.covered, question)
        assert set(pool) <= golds
        assert not set(pool) & {own.gold for own in question.interpretations}


def test_the_choice_picks_the_wrong_answer(tasks: TaskSet) -> None:
    question = tasks.questions[0]
    pool = distractors(tasks.questions, question)
    said = [
        write(
            AssistantMove.DA_CONCISE,
            question,
            3,
            (0,),
            wrong=True,
            informed=True,
            choice=(index + 0.5) / len(pool),
            distractors=pool,
        )
        for index in range(len(pool))
    ]
    assert said == [f"{gold}." for gold in pool]


def test_misuse_is_refused(tasks: TaskSet) -> None:
    question = tasks.question("georgia-capital")

    def attempt(k: int = 3, covered: tuple[int, ...] = (0,), choice: float = 0.0) -> str:
        return write(
            AssistantMove.DA_CONCISE,
            question,
            k,
            covered,
            wrong=True,
            informed=False,
            choice=choice,
            distractors=("Tbilisi", "old Atlanta", "a very long answer", "the", "Rome", "Rome"),
        )

    assert attempt() == "Rome."
    with pytest.raises(ValueError, match="needs 2 usable distractors; 6 given, 1 usable"):
        attempt(covered=(0, 1))
    with pytest.raises(ValueError, match="got k=4"):
        attempt(k=4)
    with pytest.raises(ValueError, match="distinct indices"):
        attempt(covered=(0, 0))
    with pytest.raises(ValueError, match="distinct indices"):
        attempt(k=1, covered=(1,))
    with pytest.raises(ValueError, match="distinct indices"):
        attempt(covered=())
    with pytest.raises(ValueError, match=r"in \[0, 1\)"):
        attempt(choice=-0.1)
