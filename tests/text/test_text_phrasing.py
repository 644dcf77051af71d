from __future__ import annotations

from statistics import mean

import pytest

from gtalign_env.core.moves import STYLES, UserMove
from gtalign_env.scenario.tasks import TaskSet
from gtalign_env.scenario.words import canonical, count_words
from gtalign_env.text.grading import settles
from gtalign_env.text.phrasing import say, wordings
from gtalign_env.text.reader import read_user

# after a pure question, after an answer and a question; neither: after an answer alone
PLACES = {
    UserMove.REPLY: ((True, False), (False, True)),
    UserMove.FOLLOW_UP: ((False, False),),
    UserMove.ACCEPT: ((False, True), (False, False)),
    UserMove.LEAVE: ((True, False), (False, True), (False, False)),
    UserMove.VQ: ((False, False),),
    UserMove.DQ: ((False, False),),
}
KINDS = [(move, True) for move in UserMove] + [(UserMove.REPLY, False)]


@pytest.mark.parametrize(("move", "clear"), KINDS)
@pytest.mark.parametrize("style", STYLES)
def test_every_wording_reads_back_everywhere(
    tasks: TaskSet, move: UserMove, clear: bool, style: str
) -> None:
    settling = move in (UserMove.DQ, UserMove.FOLLOW_UP) or (move is UserMove.REPLY and clear)
    count = len(wordings(move, style, clear))
    for question in tasks.questions:
        k = len(question.interpretations)
        for meant in range(k):
            for index in range(count):
                text = say(move, style, question, meant, (index + 0.5) / count, clear)
                assert settles(text, question, meant, k) == settling, text
                for after_question, after_both in PLACES[move]:
                    found = read_user(
                        text,
                        opening=not move > UserMove.DQ,
                        after_question=after_question,
                        after_answer_and_question=after_both,
                        question=question,
                        meant=meant,
                    )
                    assert found is move, text


@pytest.mark.parametrize(("move", "clear"), KINDS)
def test_there_are_three_wordings_and_styles_look_different(move: UserMove, clear: bool) -> None:
    lengths = {}
    for style in STYLES:
        templates = wordings(move, style, clear)
        assert len(set(templates)) >= 3
        lengths[style] = mean(count_words(template) for template in templates)
        chatty = style == "chatty"
        assert all(("!" in template) == chatty for template in templates)
        terse = style == "terse"
        ends = {template[-1] in ".!?" for template in templates if not template.endswith("}")}
        assert terse not in ends
    assert lengths["terse"] <= lengths["plain"] <= lengths["chatty"] - 3


def test_the_choice_picks_the_wording(tasks: TaskSet) -> None:
    question = tasks.questions[0]
    said = [say(UserMove.REPLY, "plain", question, 1, step / 30) for step in range(30)]
    assert len(set(said)) == 3
    assert said == sorted(said, key=said.index)
    assert said == [say(UserMove.REPLY, "plain", question, 1, step / 30) for step in range(30)]


def test_wordings_share_their_words() -> None:
    words: set[str] = set()
    for move, clear in KINDS:
        for style in STYLES:
            for template in wordings(move, style, clear):
                words |= set(canonical(template).split())
    assert len(words) <= 110


def test_misuse_is_refused(tasks: TaskSet) -> None:
    question = tasks.questions[0]
    with pytest.raises(ValueError, match="Did you mean 'terse'"):
        say(UserMove.VQ, "ters", question, 0, 0.0)
    with pytest.raises(ValueError, match=r"in \[0, 1\); got 1"):
        say(UserMove.VQ, "terse", question, 0, 1.0)
    with pytest.raises(ValueError, match="no interpretation 3"):
        say(UserMove.VQ, "terse", question, 3, 0.0)
